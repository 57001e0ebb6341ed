//! A membership gives an account a role in a programme, for an organisation, from day to day (in the
//! programme's time zone), acting or not, by virtue of some document.
//!
//! Nobody grants more than they have, and the last lead of an active programme stays. Role and
//! account never change: another role is another membership. Nor does the organisation, but where it is merged or split.
//!
//! A membership is relied on for twelve months from its beginning or its last confirmation. Then it is due for one:
//! the service tells so, and the access review lists it. A month later the service ends it, if it is not the last lead's.

mod lapse;
mod model;
mod routes;

pub use lapse::end_unconfirmed;
pub use model::{MemberRole, Membership, MembershipContent, MembershipState, NewMembership, keep_a_lead};
pub use routes::routes;
