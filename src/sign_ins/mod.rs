//! A sign-in is a family of refresh tokens: it begins with a password, each use of its token gives the next,
//! and it ends by itself, by signing out, by its owner or an admin, or when an old token comes back.
//!
//! The token is HMAC(key, family, generation), so the row holds no secret. Using the current one gives the next;
//! the one before gives that same next one again for 30 seconds (an answer may get lost); anything older ends the
//! family, and that end is kept although the answer is 401.
//!
//! It knows whether its owner has shown a second factor, and when they last proved to be its owner.

mod listed;
mod model;
mod owner;
mod proof;
mod resets;
mod routes;
mod throttle;

pub use listed::{OpenSignIn, SignInFilter, SignInPage, sweep as sweep_sign_ins};
pub use model::{Origin, SignIn, begin};
pub use owner::Owner;
pub use proof::{check_proof, forget_factor, note_proof};
pub use routes::{hashed, refused, routes};
pub use throttle::{Throttle, sweep};
