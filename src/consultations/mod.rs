//! A consultation is a call for input: what is asked, about what, at which level of participation, which kinds of input
//! are wanted, and from which day to which. What is sent is an input, with a life of its own.
//!
//! Whether it is open is a matter of the day in the programme's time zone, and nobody opens or closes it.

mod model;
mod routes;

pub use model::{Consultation, ConsultedKind, InputKind};
pub use routes::routes;
