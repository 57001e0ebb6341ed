//! What stands in the way of an act that asks a gate: adopting a statement, completing a phase.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    db::Id,
    problem::{Lang, Text},
};

/// One thing that must be settled first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What a program looks at: `question_not_validated`, `objection_open`, …
    pub code: &'static str,
    pub detail: Text,
    /// Where it can be looked at and settled.
    pub href: String,
    pub subject_kind: &'static str,
    pub subject_id: Id,
}

/// One thing that must be settled first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Obstacle)]
pub struct ObstacleBody {
    /// A stable name for what is missing.
    #[schema(example = "question_not_validated")]
    pub code: String,
    /// The same for a person, in the language of `Content-Language`.
    pub detail: String,
    /// Where it can be looked at and settled.
    #[schema(format = "uri-reference")]
    pub href: String,
    #[schema(example = "question")]
    pub subject_kind: String,
    pub subject_id: Id,
}

/// A gate: what stands in the way, or nothing.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Gate)]
pub struct GateBody {
    /// Nothing stands in the way.
    pub clear: bool,
    pub obstacles: Vec<ObstacleBody>,
}

impl GateBody {
    pub fn of(obstacles: &[Obstacle], lang: Lang) -> GateBody {
        GateBody { clear: obstacles.is_empty(), obstacles: obstacles.iter().map(|one| one.body(lang)).collect() }
    }
}

impl Obstacle {
    pub fn body(&self, lang: Lang) -> ObstacleBody {
        ObstacleBody {
            code: self.code.into(),
            detail: self.detail.of(lang).into(),
            href: self.href.clone(),
            subject_kind: self.subject_kind.into(),
            subject_id: self.subject_id,
        }
    }
}
