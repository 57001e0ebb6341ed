use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    ballots::Quartiles,
    db::Id,
    diff::FieldChange,
    localized::Localized,
    public::{PublicOrganisation, PublicVenue},
};

/// The minutes of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Minutes {
    pub program: MinutesProgram,
    pub event: MinutesEvent,
    /// Whether they are approved: then they never change.
    pub approved: bool,
    /// The row of the programme's ledger that approved them, by which they are written.
    pub as_of: Option<i64>,
    pub objectives: Vec<Localized>,
    /// Who was there or was asked, by kind of organisation.
    pub attendance: Vec<MinutesKind>,
    /// People who were there, of the organisations whose number is known.
    pub head_count: Option<i64>,
    /// Organisations that were there and whose number of people was not recorded.
    pub without_head_count: i64,
    pub stages: Vec<MinutesStage>,
    pub outcomes: Vec<Localized>,
    pub follow_ups: Vec<MinutesFollowUp>,
    /// What each decision changed in its question.
    pub annex: Vec<MinutesChange>,
}

/// The programme that the event was of.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesProgram {
    #[schema(example = "jakarta-berketahanan")]
    pub slug: String,
    pub name: Localized,
    #[schema(example = "id")]
    pub source_language: String,
}

/// The event itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesEvent {
    pub id: Id,
    #[schema(example = "E-1")]
    pub code: String,
    #[schema(example = "working_session")]
    pub kind: String,
    pub name: Localized,
    pub on: Option<NaiveDate>,
    #[schema(example = "09:00")]
    pub begins_at: Option<String>,
    #[schema(example = "12:00")]
    pub ends_at: Option<String>,
    pub venue: Option<PublicVenue>,
    /// The office that chaired it.
    pub chair_role: Option<Localized>,
    /// The organisation that chaired it.
    pub chair: Option<PublicOrganisation>,
    /// The phase that it was in.
    pub phase: Option<Localized>,
    /// The level of participation (IAP2).
    #[schema(example = "collaborate")]
    pub participation: Option<String>,
    #[schema(example = "minutes_approved")]
    pub state: String,
}

/// The organisations of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesKind {
    #[schema(example = "provincial_government")]
    pub kind: String,
    pub organisations: Vec<MinutesAttendance>,
}

/// An organisation that was there or was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesAttendance {
    pub organisation: PublicOrganisation,
    #[schema(example = "member")]
    pub capacity: String,
    #[schema(example = "attended")]
    pub status: String,
    /// Null where it was not recorded.
    pub head_count: Option<i64>,
    pub represented_by: Option<PublicOrganisation>,
}

/// A stage of the event, and what was decided in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesStage {
    pub id: Id,
    pub number: i32,
    pub name: Localized,
    pub purpose: Option<Localized>,
    pub groups: Vec<MinutesGroup>,
    /// The organisations that decide.
    pub electorate: Vec<PublicOrganisation>,
    pub ballots: Vec<MinutesBallot>,
    pub decisions: Vec<MinutesDecision>,
}

/// A group of a stage.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesGroup {
    pub name: Localized,
    pub organisations: Vec<PublicOrganisation>,
    pub focus_areas: Vec<MinutesFocusArea>,
}

/// A focus area by its name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MinutesFocusArea {
    #[schema(example = "FU-1")]
    pub code: String,
    pub name: Localized,
}

/// A question at one revision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MinutesQuestion {
    pub id: Id,
    #[schema(example = "Q-1.1")]
    pub code: String,
    pub revision: i32,
    pub text: Localized,
}

/// A ballot that was opened, and its result where it was closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesBallot {
    #[schema(example = "B-1")]
    pub code: String,
    pub title: Option<Localized>,
    /// The question that it was on, at the revision that was voted on.
    pub question: Option<MinutesQuestion>,
    #[schema(example = "agreement")]
    pub method: String,
    #[schema(example = "organization")]
    pub unit: String,
    pub anonymous: bool,
    /// Votes that a decision needs.
    pub quorum: i64,
    #[schema(example = "decided")]
    pub state: String,
    pub result: Option<MinutesResult>,
}

/// What came of a ballot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MinutesResult {
    /// Votes, abstentions among them.
    pub votes_count: i64,
    pub abstentions_count: i64,
    pub electorate_count: i64,
    pub distribution: Vec<MinutesCount>,
    /// By kind of organisation. Small groups of an anonymous ballot are put together or left out.
    #[serde(default)]
    pub by_kind: Vec<MinutesKindCounts>,
    #[serde(default)]
    pub percent_agreement: Option<f64>,
    #[serde(default)]
    pub median: Option<f64>,
    #[serde(default)]
    pub interquartile_range: Option<Quartiles>,
    pub quorum_met: bool,
    #[schema(example = "agreed")]
    pub outcome: String,
}

/// How often something was voted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MinutesCount {
    #[schema(value_type = Value)]
    pub value: Value,
    pub count: i64,
}

/// The votes of one kind of organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MinutesKindCounts {
    pub kind: String,
    pub distribution: Vec<MinutesCount>,
}

/// What was decided on a question, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesDecision {
    /// The question as the room saw it.
    pub before: MinutesQuestion,
    /// The question as the decision left it.
    pub after: MinutesQuestion,
    #[schema(example = "revise")]
    pub kind: String,
    pub reason: String,
    /// The problem that the new wording answers.
    pub problem: Option<Localized>,
    /// The ballot that it rests on.
    #[schema(example = "B-1")]
    pub ballot: Option<String>,
    /// Whether it was taken back later in the event.
    pub rescinded: bool,
}

/// Something that is to be done.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesFollowUp {
    pub text: Localized,
    pub owner: Option<PublicOrganisation>,
    pub due_on: Option<NaiveDate>,
    #[schema(example = "open")]
    pub state: String,
    pub focus_area: Option<MinutesFocusArea>,
}

/// The difference that a decision made to its question.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinutesChange {
    pub question_id: Id,
    #[schema(example = "Q-1.1")]
    pub code: String,
    pub from: i32,
    pub to: i32,
    pub changes: Vec<FieldChange>,
}
