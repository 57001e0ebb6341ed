use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    consultations::InputKind,
    db::Id,
    events::Participation,
    inputs::{InputAnswer, InputDecision, InputEffectItem, InputState, InputSubjectKind},
    localized::Localized,
    public::PublicOrganisation,
    questions::QuestionState,
};

/// A page of what was asked, said and done.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedSaidDid {
    pub program: TraceProgram,
    /// What it is about: the programme, a question or an event.
    pub about: TraceSubject,
    pub asked: Asked,
    /// What was said, in the order in which it was received, each with what was done.
    pub items: Vec<SaidAndDone>,
    pub next_cursor: Option<String>,
}

/// The programme that it is of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TraceProgram {
    #[schema(example = "jakarta-berketahanan")]
    pub slug: String,
    pub name: Localized,
    #[schema(example = "id")]
    pub source_language: String,
    #[schema(example = "Asia/Jakarta")]
    pub time_zone: String,
}

/// What can be traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TraceKind {
    Program,
    Question,
    Event,
}

/// What the report is about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TraceSubject {
    pub kind: TraceKind,
    pub id: Id,
    /// Of a programme, its slug.
    #[schema(example = "Q-1.2")]
    pub code: String,
    /// The question's text, or the name.
    pub text: Localized,
}

/// What was asked: the consultations about it, and the questions that it or the inputs of this page are about.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asked {
    /// At most 200, the newest first.
    pub consultations: Vec<AskedConsultation>,
    pub questions: Vec<AskedQuestion>,
}

/// A call for input.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AskedConsultation {
    pub id: Id,
    #[schema(example = "C-1")]
    pub code: String,
    pub topic: Localized,
    pub text: Option<Localized>,
    pub participation: Participation,
    pub opens_on: NaiveDate,
    pub closes_on: Option<NaiveDate>,
}

/// An analysis question as it stands now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AskedQuestion {
    pub id: Id,
    #[schema(example = "Q-1.2")]
    pub code: String,
    pub revision: i32,
    pub text: Localized,
    pub state: QuestionState,
}

/// What an input is about, with its code where that is shown to the reader.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaidAbout {
    pub kind: InputSubjectKind,
    pub id: Id,
    #[schema(example = "Q-1.2")]
    pub code: Option<String>,
}

/// What an organisation said, and what was done with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaidAndDone {
    pub id: Id,
    #[schema(example = "I-1")]
    pub code: String,
    pub organisation: PublicOrganisation,
    pub kind: InputKind,
    /// The code of the consultation that it answers.
    #[schema(example = "C-1")]
    pub consultation: Option<String>,
    pub about: Vec<SaidAbout>,
    pub text: String,
    /// The language of the text.
    #[schema(example = "id")]
    pub language: String,
    pub links: Vec<String>,
    pub state: InputState,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub received_at: DateTime<Utc>,
    pub due_on: Option<NaiveDate>,
    pub decision: Option<InputDecision>,
    /// The exact revisions that came of it, with those that stand now.
    pub effects: Vec<InputEffectItem>,
    pub answer: Option<InputAnswer>,
}

/// What the API calls something.
pub fn name_of<T: Serialize>(value: &T) -> String {
    match serde_json::json!(value) {
        serde_json::Value::String(name) => name,
        other => other.to_string(),
    }
}
