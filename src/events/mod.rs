//! An event is what people met for: a working session, a workshop, a forum. It has a local date, a venue, ordered
//! stages with their electorate, attendance by organisation, follow-ups, and minutes that the service writes.
//!
//! Its life: planned → confirmed → held → minutes_draft → minutes_approved → closed; or postponed, cancelled. What is
//! decided in it is decided before its minutes are approved. Persons who attended are personal data: they stand in a
//! table of their own, in no ledger and in no public answer.

mod attendance;
mod attendance_routes;
mod follow_ups;
mod follow_ups_routes;
pub mod minutes;
mod model;
mod routes;
mod stages;
mod stages_routes;

pub use attendance::{Attendance, AttendanceEntry, AttendanceStatus, take_part};
pub use follow_ups::{FollowUp, NewFollowUp};
pub use model::{Event, EventState, EventTransition, NewEvent, Participation, number_of};
pub use routes::{EventPath, routes};
pub use stages::{NewStage, Stage};
pub use stages_routes::StagePath;
