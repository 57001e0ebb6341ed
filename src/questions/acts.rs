//! What happens to a question: each act with its reason, each pinned to the revision that was seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Question, QuestionState, area_for, check_emphases, keep_code, next_code};
use crate::{
    access::{Recorded, Seen, Tx},
    db::Id,
    facts::{Source, check_sources},
    focus_areas::{EmphasisCode, FocusArea},
    localized::Localized,
    problem::{FieldError, Problem},
    reason::Reason,
    versioned::Meta,
};

/// What kind of reason led to a new wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// It did not fit its focus area.
    Misfit,
    /// The problem behind the focus area asks for it.
    Problem,
    /// An emphasis asks for it.
    Emphasis,
    /// It says the same, better.
    Wording,
    /// Only a translation changed.
    Translation,
    Other,
}

/// A new wording of a question: what is left out stays as it is.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct QuestionRevision {
    #[serde(default)]
    pub text: Option<Localized>,
    /// Codes of the focus area's emphases that it takes up.
    #[serde(default)]
    #[schema(max_items = 50, value_type = Option<Vec<EmphasisCode>>)]
    pub emphases: Option<Vec<String>>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Option<Vec<Source>>,
    pub reason_kind: ReasonKind,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// The states that reviewing leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    Proposed,
    InReview,
    NotFitting,
}

/// A plain step of a question's life cycle.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct QuestionTransition {
    pub to: ReviewState,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// A move to another focus area.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Move {
    pub focus_area_id: Id,
    /// Emphases of the new focus area; none where it is left out.
    #[serde(default)]
    #[schema(max_items = 50, value_type = Vec<EmphasisCode>)]
    pub emphases: Vec<String>,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// A merge into another question, which goes on unchanged.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Merge {
    pub into_id: Id,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// One of the questions that a split makes.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SplitPart {
    pub text: Localized,
    #[serde(default)]
    #[schema(max_items = 50, value_type = Vec<EmphasisCode>)]
    pub emphases: Vec<String>,
}

/// A split into several questions of the same focus area, which begin as proposed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Split {
    #[schema(min_items = 2, max_items = 10)]
    pub into: Vec<SplitPart>,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

impl Question {
    /// Gives it a new wording. One that was being discussed, validated or found unfit is proposed again.
    pub fn revise(tx: &mut Tx<'_>, id: &str, seen: Seen, new: QuestionRevision) -> Result<Recorded<Question>, Problem> {
        let question = current(tx, id, seen)?;
        question.reworded(tx, new, false)
    }

    /// A new wording, which a session may find right at once.
    pub(crate) fn reworded(
        mut self,
        tx: &mut Tx<'_>,
        new: QuestionRevision,
        validated: bool,
    ) -> Result<Recorded<Question>, Problem> {
        if let Some(emphases) = new.emphases {
            let area: FocusArea = tx.look(self.focus_area_id)?;
            check_emphases(&area, &emphases)?;
            self.emphases = emphases;
        }
        if let Some(sources) = new.sources {
            check_sources(tx, &sources)?;
            self.sources = sources;
        }
        if let Some(text) = new.text {
            self.text = text;
        }
        if validated {
            return self.validated(tx, &new.reason);
        }
        if self.state != QuestionState::Draft {
            self.state = QuestionState::Proposed;
        }
        tx.change(self, Some(&new.reason))
    }

    /// Takes a plain step of the life cycle.
    pub fn review(
        tx: &mut Tx<'_>,
        id: &str,
        seen: Seen,
        step: QuestionTransition,
    ) -> Result<Recorded<Question>, Problem> {
        use QuestionState::{Draft, InReview, Proposed, Validated};
        let mut question = current(tx, id, seen)?;
        let to = match (question.state, step.to) {
            (Draft | InReview, ReviewState::Proposed) => Proposed,
            (Proposed, ReviewState::InReview) => InReview,
            (Proposed | InReview | Validated, ReviewState::NotFitting) => QuestionState::NotFitting,
            (state, _) => {
                return Err(Problem::WrongState { action: "question.review", state: state.name().into() });
            }
        };
        question.state = to;
        tx.change(question, Some(&step.reason))
    }

    /// Validates its wording outside a session.
    pub fn validate(tx: &mut Tx<'_>, id: &str, seen: Seen, why: Reason) -> Result<Recorded<Question>, Problem> {
        let question = current(tx, id, seen)?;
        question.validated(tx, &why.reason)
    }

    /// Its wording is found right, at the revision that this makes.
    pub(crate) fn validated(self, tx: &mut Tx<'_>, why: &str) -> Result<Recorded<Question>, Problem> {
        let mut question = self;
        question.state = QuestionState::Validated;
        question.validated_revision = Some(question.meta.revision + 1);
        tx.change(question, Some(why))
    }

    /// Moves it to another focus area, under a new code; the old one still finds it.
    pub fn relocate(tx: &mut Tx<'_>, id: &str, seen: Seen, to: Move) -> Result<Recorded<Question>, Problem> {
        let question = current(tx, id, seen)?;
        question.moved(tx, to)
    }

    pub(crate) fn moved(mut self, tx: &mut Tx<'_>, to: Move) -> Result<Recorded<Question>, Problem> {
        if self.focus_area_id == to.focus_area_id {
            return Err(Problem::Conflict(FieldError::new(
                "/focus_area_id",
                "same",
                "pertanyaan ini sudah berada di fokus utama itu",
                "the question is in that focus area already",
            )));
        }
        let area = area_for(tx, to.focus_area_id, &to.emphases)?;
        let code = next_code(tx, &area)?;
        keep_code(tx, &area, &code, self.meta.id)?;
        let former = std::mem::replace(&mut self.code, code);
        self.former_codes.push(former);
        self.focus_area_id = to.focus_area_id;
        self.emphases = to.emphases;
        if self.state != QuestionState::Draft {
            self.state = QuestionState::Proposed;
        }
        tx.change(self, Some(&to.reason))
    }

    /// Ends it because another question asks it too.
    pub fn merge(tx: &mut Tx<'_>, id: &str, seen: Seen, merge: Merge) -> Result<Recorded<Question>, Problem> {
        let question = current(tx, id, seen)?;
        question.merged(tx, merge)
    }

    pub(crate) fn merged(mut self, tx: &mut Tx<'_>, merge: Merge) -> Result<Recorded<Question>, Problem> {
        tx.must_exist::<Question>(&[("/into_id".into(), merge.into_id)])?;
        let into: Question = tx.look(merge.into_id)?;
        let ended = matches!(into.state, QuestionState::Merged | QuestionState::Split | QuestionState::Retired);
        if ended || into.meta.id == self.meta.id {
            return Err(Problem::Conflict(FieldError::new(
                "/into_id",
                "ended",
                "pertanyaan tujuan sudah berakhir atau sama dengan yang digabungkan",
                "the question to merge into has ended or is this very one",
            )));
        }
        self.state = QuestionState::Merged;
        self.merged_into_id = Some(merge.into_id);
        tx.change(self, Some(&merge.reason))
    }

    /// Ends it because several questions ask it now.
    pub fn split(tx: &mut Tx<'_>, id: &str, seen: Seen, split: Split) -> Result<Recorded<Question>, Problem> {
        let question = current(tx, id, seen)?;
        question.parted(tx, split)
    }

    pub(crate) fn parted(mut self, tx: &mut Tx<'_>, split: Split) -> Result<Recorded<Question>, Problem> {
        for (number, part) in split.into.into_iter().enumerate() {
            let area = area_for(tx, self.focus_area_id, &part.emphases)
                .map_err(|problem| problem.below(&format!("/into/{number}")))?;
            let code = next_code(tx, &area)?;
            let new = Question {
                meta: Meta::new(tx.now),
                code: code.clone(),
                text: part.text,
                emphases: part.emphases,
                state: QuestionState::Proposed,
                validated_revision: None,
                former_codes: Vec::new(),
                split_from_id: Some(self.meta.id),
                ..self.clone()
            };
            let new_id = new.meta.id;
            let _on_the_ledger =
                tx.create(new, Some(&split.reason)).map_err(|problem| problem.below(&format!("/into/{number}")))?;
            keep_code(tx, &area, &code, new_id)?;
            self.split_into_ids.push(new_id);
        }
        self.state = QuestionState::Split;
        tx.change(self, Some(&split.reason))
    }

    /// Ends it because it is no longer asked.
    pub fn retire(tx: &mut Tx<'_>, id: &str, seen: Seen, why: Reason) -> Result<Recorded<Question>, Problem> {
        let question = current(tx, id, seen)?;
        question.retired(tx, &why.reason)
    }

    pub(crate) fn retired(mut self, tx: &mut Tx<'_>, why: &str) -> Result<Recorded<Question>, Problem> {
        self.state = QuestionState::Retired;
        tx.change(self, Some(why))
    }
}

fn current(tx: &mut Tx<'_>, id: &str, seen: Seen) -> Result<Question, Problem> {
    let id = Question::identify(tx.conn, tx.reach.ledger, id)?;
    tx.current(id, seen)
}
