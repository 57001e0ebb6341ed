//! Two databases behind one connection type: SQLite, where a programme starts, and PostgreSQL, where it
//! goes when it outgrows one machine. All that differs between them lives in this folder.

mod backup;
mod connection;
pub mod constraint;
mod lock;
mod many;
pub mod migrations;
mod reused;
mod threads;
pub mod types;

pub use connection::{AnyConnection, Backend, Target, is_full};
pub use lock::{Head, lazy_transaction, lock_head, read_transaction, write_transaction};
pub use many::MANY;
pub use reused::Reused;
pub use threads::{Db, Lane, Pools};
pub use types::{At, Id, sql};
