//! The demo: the case of Jakarta's programme, loaded through the same model functions as requests, by the
//! people of each role. Its sign-ins get new passwords at each start; none is ever fixed.

mod load;
mod people;
mod session;

pub use load::{Size, load};
pub use people::{Person, SignIns, sign_ins};
