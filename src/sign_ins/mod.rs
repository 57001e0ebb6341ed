//! A sign-in is a family of refresh tokens: it begins with a password, each use of its token gives the next,
//! and it ends by itself, by signing out, or when an old token comes back.
//!
//! The token is HMAC(key, family, generation), so the row holds no secret. Using the current one gives the next;
//! the one before gives that same next one again for 30 seconds (an answer may get lost); anything older ends the
//! family, and that end is kept although the answer is 401.

mod model;
mod routes;
mod throttle;

pub use model::{SignIn, begin};
pub use routes::routes;
pub use throttle::sweep;
