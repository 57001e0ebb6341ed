use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    ballots::{Ballot, BallotState},
    db::{AnyConnection, Id},
    events::{Event, Stage},
    focus_areas::EmphasisCode,
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    questions::{Merge, Move, Question, QuestionRevision, QuestionState, ReasonKind, Split, SplitPart},
    reason::Reason,
    schema::decision_revisions,
    versioned,
    versioned::{Meta, Resource, Stored, Versioned},
};

/// What is decided on a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// It fits as it is: its wording is validated.
    Keep,
    /// It gets a new wording.
    Revise,
    /// It belongs to another focus area.
    Move,
    /// Another question asks it too.
    Merge,
    /// Several questions ask it better.
    Split,
    /// It is no longer asked.
    Retire,
    /// It is decided on another time.
    Defer,
}

impl DecisionKind {
    pub const fn name(self) -> &'static str {
        match self {
            DecisionKind::Keep => "keep",
            DecisionKind::Revise => "revise",
            DecisionKind::Move => "move",
            DecisionKind::Merge => "merge",
            DecisionKind::Split => "split",
            DecisionKind::Retire => "retire",
            DecisionKind::Defer => "defer",
        }
    }

    /// States of a question in which this can be decided. Nothing is decided on a draft.
    const fn possible(self, state: QuestionState) -> bool {
        use QuestionState::*;
        match self {
            DecisionKind::Keep => matches!(state, Proposed | InReview | Validated),
            _ => matches!(state, Proposed | InReview | Validated | NotFitting),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionState {
    Given,
    Rescinded,
}

/// A decision, as it is given. Besides `kind`, `on_revision` and `reason`, what the kind needs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewDecision {
    /// The question; on a ballot's decision it may be left out.
    #[serde(default)]
    pub question_id: Option<Id>,
    /// The revision of the question that the room saw.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub on_revision: i32,
    pub kind: DecisionKind,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    #[serde(default)]
    pub reason_kind: Option<ReasonKind>,
    /// The problem behind the focus area, as the room named it.
    #[serde(default)]
    pub problem: Option<Localized>,
    /// With `revise`: the new wording.
    #[serde(default)]
    pub text: Option<Localized>,
    /// With `revise` and `move`: codes of the focus area's emphases.
    #[serde(default)]
    #[schema(max_items = 50, value_type = Option<Vec<EmphasisCode>>)]
    pub emphases: Option<Vec<String>>,
    /// With `move`: where to.
    #[serde(default)]
    pub focus_area_id: Option<Id>,
    /// With `merge`: which question asks it too.
    #[serde(default)]
    pub into_id: Option<Id>,
    /// With `split`: the questions that ask it better.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub into: Vec<SplitPart>,
    /// Whether the room found the wording right. `keep` validates it unless this is false; `revise` only if it is true.
    #[serde(default)]
    pub validate: Option<bool>,
}

/// What was decided on which revision of which question, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    #[serde(flatten)]
    pub meta: Meta,
    pub event_id: Id,
    pub stage_id: Id,
    /// The ballot that it followed, if there was one.
    pub ballot_id: Option<Id>,
    pub question_id: Id,
    /// The revision that the room saw.
    pub on_revision: i32,
    /// The revision that came of it.
    pub result_revision: i32,
    pub kind: DecisionKind,
    pub reason: String,
    pub reason_kind: Option<ReasonKind>,
    /// The problem behind the focus area, as the room named it.
    pub problem: Option<Localized>,
    pub state: DecisionState,
    /// Why it was rescinded, if it was.
    pub rescinded_reason: Option<String>,
}

/// Which decisions to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DecisionFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<DecisionState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<DecisionState>>,
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<DecisionKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<DecisionKind>>,
    /// Events, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub event_id: Option<AnyOf<Id>>,
    /// Stages, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub stage_id: Option<AnyOf<Id>>,
    /// Questions, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub question_id: Option<AnyOf<Id>>,
}

impl Filter for DecisionFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
}

versioned!(
    Decision as this,
    decisions,
    decision_revisions {
        event_id: this.event_id,
        stage_id: this.stage_id,
        ballot_id: this.ballot_id,
        question_id: this.question_id,
        on_revision: this.on_revision,
        result_revision: this.result_revision,
        kind: this.kind.name()
    }
);

impl Resource for Decision {
    const KIND: &'static str = "decision";
    const PATH: &'static str = "programs/{program}/decisions/{id}";
    const DONE_TO_IT: &'static [Action] = &[Action::RunEvent];

    fn state(&self) -> &str {
        match self.state {
            DecisionState::Given => "given",
            DecisionState::Rescinded => "rescinded",
        }
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        self.problem.iter().map(|text| ("/problem".to_owned(), text)).collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        action != Action::RunEvent || state == "given"
    }
}

impl Decision {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &DecisionFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(decision_revisions, reach.ledger, at, &[]);
        if let Some(states) = &filter.state {
            let names = states.0.iter().map(|state| if *state == DecisionState::Given { "given" } else { "rescinded" });
            query = query.filter(decision_revisions::state.eq_any(names));
        }
        if let Some(kinds) = &filter.kind {
            query = query.filter(decision_revisions::kind.eq_any(kinds.0.iter().map(|kind| kind.name())));
        }
        if let Some(events) = &filter.event_id {
            query = query.filter(decision_revisions::event_id.eq_any(events.0.clone()));
        }
        if let Some(stages) = &filter.stage_id {
            query = query.filter(decision_revisions::stage_id.eq_any(stages.0.clone()));
        }
        if let Some(questions) = &filter.question_id {
            query = query.filter(decision_revisions::question_id.eq_any(questions.0.clone()));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, decision_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, decision_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Takes a decision back: the question stands in review again as the room saw it.
    pub fn rescind(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Decision>, Problem> {
        let mut decision: Decision = tx.current(id, seen)?;
        Event::running(tx, &decision.event_id.to_string())?;
        let revision = put_back(tx, &decision, &why.reason)?;
        if let Some(ballot) = decision.ballot_id {
            let mut ballot: Ballot = tx.look(ballot)?;
            if ballot.state == BallotState::Decided {
                ballot.state = BallotState::Closed;
                // What was voted on stands again, under a new number.
                ballot.question_revision = ballot.question_revision.map(|_| revision);
                let _on_the_ledger = tx.change(ballot, Some(&why.reason))?;
            }
        }
        decision.state = DecisionState::Rescinded;
        decision.rescinded_reason = Some(why.reason.clone());
        tx.change(decision, Some(&why.reason))
    }
}

/// Decides on the question of a ballot, which is decided from then on.
pub fn on_ballot(tx: &mut Tx<'_>, ballot: Id, new: NewDecision) -> Result<Recorded<Decision>, Problem> {
    let ballot: Ballot = tx.look(ballot)?;
    let stage: Stage = tx.look(ballot.stage_id)?;
    Event::running(tx, &stage.event_id.to_string())?;
    let decision = decide(tx, &stage, Some(ballot), new)?;
    let reason = decision.reason.clone();
    tx.create(decision, Some(&reason))
}

/// Decides on a question in a stage: does what the decision says to the question and to the ballot. The decision itself is
/// the caller's to create, in the same change.
pub(super) fn decide(
    tx: &mut Tx<'_>,
    stage: &Stage,
    ballot: Option<Ballot>,
    new: NewDecision,
) -> Result<Decision, Problem> {
    let about = ballot.as_ref().and_then(|ballot| ballot.content.question_id).or(new.question_id);
    let question = about.ok_or_else(|| one_question("required", "wajib diisi", "is required"))?;
    if new.question_id.is_some_and(|named| named != question) {
        let (id, en) = ("bukan pertanyaan pemungutan suara ini", "is not the question of this ballot");
        return Err(one_question("other_question", id, en));
    }
    if let Some(ballot) = &ballot {
        ballot.ready_for_decision()?;
        if ballot.question_revision.is_some_and(|seen| seen != new.on_revision) {
            return Err(Problem::Conflict(FieldError::new(
                "/on_revision",
                "other_revision",
                "bukan revisi yang dipilih dalam pemungutan suara ini; adakan lagi atas rumusan yang baru",
                "is not the revision that was voted on; hold another ballot on the new wording",
            )));
        }
    }
    if matches!(tx.look::<Question>(question), Err(Problem::NotFound)) {
        tx.must_exist::<Question>(&[("/question_id".into(), question)])?;
    }
    let seen: Question = tx.current(question, Seen(new.on_revision))?;
    if !new.kind.possible(seen.state) {
        return Err(Problem::WrongState { action: "event.run", state: seen.state.name().into() });
    }
    let ballot_id = ballot.as_ref().map(|ballot| ballot.meta.id);
    let (on_revision, kind, reason) = (new.on_revision, new.kind, new.reason.clone());
    let (reason_kind, problem) = (new.reason_kind, new.problem.clone());
    let result = apply(tx, seen, new)?;
    if let Some(mut ballot) = ballot {
        ballot.state = BallotState::Decided;
        let _on_the_ledger = tx.change(ballot, Some(&reason))?;
    }
    let decision = Decision {
        meta: Meta::new(tx.now),
        event_id: stage.event_id,
        stage_id: stage.meta.id,
        ballot_id,
        question_id: question,
        on_revision,
        result_revision: result,
        kind,
        reason,
        reason_kind,
        problem,
        state: DecisionState::Given,
        rescinded_reason: None,
    };
    tx.require_source_language(&decision)?;
    Ok(decision)
}

fn one_question(code: &'static str, id: &'static str, en: &'static str) -> Problem {
    Problem::Invalid(vec![FieldError::new("/question_id", code, id, en)])
}

/// Does to the question what was decided. Answers its revision.
fn apply(tx: &mut Tx<'_>, mut question: Question, new: NewDecision) -> Result<i32, Problem> {
    let missing = |pointer: &str| {
        let (id, en) = ("wajib diisi untuk keputusan ini", "is required for this decision");
        Problem::Invalid(vec![FieldError::new(pointer, "required", id, en)])
    };
    let reason = new.reason;
    let changed = match new.kind {
        DecisionKind::Keep if new.validate == Some(false) => {
            question.state = QuestionState::InReview;
            tx.change(question, Some(&reason))?
        }
        DecisionKind::Keep => question.validated(tx, &reason)?,
        DecisionKind::Revise => {
            if new.text.is_none() && new.emphases.is_none() {
                return Err(missing("/text"));
            }
            let reason_kind = new.reason_kind.unwrap_or(ReasonKind::Wording);
            let wording =
                QuestionRevision { text: new.text, emphases: new.emphases, sources: None, reason_kind, reason };
            question.reworded(tx, wording, new.validate == Some(true))?
        }
        DecisionKind::Move => {
            let focus_area_id = new.focus_area_id.ok_or_else(|| missing("/focus_area_id"))?;
            question.moved(tx, Move { focus_area_id, emphases: new.emphases.unwrap_or_default(), reason })?
        }
        DecisionKind::Merge => {
            let into_id = new.into_id.ok_or_else(|| missing("/into_id"))?;
            question.merged(tx, Merge { into_id, reason })?
        }
        DecisionKind::Split => {
            if new.into.len() < 2 {
                return Err(missing("/into"));
            }
            question.parted(tx, Split { into: new.into, reason })?
        }
        DecisionKind::Retire => question.retired(tx, &reason)?,
        DecisionKind::Defer => {
            question.state = QuestionState::Proposed;
            tx.change(question, Some(&reason))?
        }
    };
    Ok(changed.value().meta.revision)
}

/// Puts the question back to what the room saw, in review, if nobody changed it since the decision. Answers its revision.
fn put_back(tx: &mut Tx<'_>, decision: &Decision, why: &str) -> Result<i32, Problem> {
    let moved_on = || {
        Problem::Conflict(FieldError::new(
            "",
            "moved_on",
            "pertanyaan ini telah diubah lagi sejak keputusan itu; ubahlah dengan keputusan baru",
            "the question was changed again since this decision; change it by a new decision",
        ))
    };
    let now: Question = tx.look(decision.question_id)?;
    if now.meta.revision != decision.result_revision {
        return Err(moved_on());
    }
    for part in now.split_into_ids.clone() {
        let part: Question = tx.look(part)?;
        if decision.kind == DecisionKind::Split {
            if part.meta.revision != 1 {
                return Err(moved_on());
            }
            let _on_the_ledger = part.retired(tx, why)?;
        }
    }
    let stored = Question::numbered(tx.conn, tx.reach.ledger, decision.question_id, decision.on_revision)?;
    let stored = stored.ok_or_else(|| Problem::internal("a decided revision is missing"))?;
    let mut question: Question = versioned::parse(&stored.body)?;
    if now.code != question.code {
        // The code of the focus area where it was meanwhile goes on finding it.
        question.former_codes.push(now.code);
    }
    question.meta = now.meta;
    question.state = QuestionState::InReview;
    Ok(tx.change(question, Some(why))?.value().meta.revision)
}
