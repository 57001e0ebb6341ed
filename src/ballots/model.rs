use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{
    result::{self, BallotResult},
    votes,
};
use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    events::{Event, Stage, number_of},
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    questions::{Question, QuestionState},
    reason::Reason,
    schema::{ballot_revisions, vote_revisions},
    stakeholders::Stakeholder,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// How the electorate is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Agreed where nobody sustains an objection.
    Consensus,
    /// Each says a point of the declared scale.
    Agreement,
    /// Each spreads a number of dots over the options.
    Dots,
}

/// What counts as one voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Organization,
    /// A vote counts as many persons as it says.
    Person,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BallotState {
    Draft,
    Open,
    Closed,
    Decided,
    Void,
}

impl BallotState {
    pub const fn name(self) -> &'static str {
        match self {
            BallotState::Draft => "draft",
            BallotState::Open => "open",
            BallotState::Closed => "closed",
            BallotState::Decided => "decided",
            BallotState::Void => "void",
        }
    }
}

/// A declared scale of agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scale {
    /// How many points it has: 1 is the lowest.
    #[schema(minimum = 2, maximum = 11)]
    pub points: i32,
    /// One for each point, from the lowest.
    #[schema(min_items = 2, max_items = 11)]
    pub labels: Vec<Localized>,
    /// From this point on a vote agrees.
    #[schema(minimum = 1, maximum = 11)]
    pub agree_from: i32,
}

/// What dots can be put on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BallotOption {
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9][a-z0-9-]*$")]
    pub key: String,
    pub label: Localized,
}

/// When the electorate has agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BallotRule {
    /// At least this share of those who did not abstain. With `consensus` one sustained objection outweighs any share.
    #[schema(minimum = 1, maximum = 100)]
    pub threshold_percent: i32,
}

/// What can be edited of a ballot before its first vote, and what a new one is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewBallot {
    /// The question that it is about, if it is about one.
    #[serde(default)]
    pub question_id: Option<Id>,
    /// What is asked; required where it is about no question.
    #[serde(default)]
    pub title: Option<Localized>,
    pub method: Method,
    /// With `agreement`, and only then.
    #[serde(default)]
    pub scale: Option<Scale>,
    /// With `dots`, and only then.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub options: Vec<BallotOption>,
    /// With `dots`: how many each has.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 20)]
    pub dots_each: Option<i32>,
    pub rule: BallotRule,
    /// How many votes there must be at least for a decision.
    #[schema(minimum = 1, maximum = 200)]
    pub quorum: i32,
    pub unit: Unit,
    /// Nobody is shown what a vote says, small groups are not told apart, and fewer than three votes are only counted.
    /// It counts organisations: numbers of persons would tell who is who.
    #[serde(default)]
    pub anonymous: bool,
}

/// A question put to the electorate of a stage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ballot {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "B-1")]
    pub code: String,
    pub event_id: Id,
    pub stage_id: Id,
    #[serde(flatten)]
    pub content: NewBallot,
    /// The revision of the question that the electorate sees: fixed when the ballot opens.
    pub question_revision: Option<i32>,
    /// Those who vote: the stage's electorate when the ballot opened.
    pub electorate: Vec<Id>,
    pub state: BallotState,
    /// Computed when the ballot closes.
    pub result: Option<BallotResult>,
}

/// Which ballots to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BallotFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<BallotState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<BallotState>>,
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

impl Filter for BallotFilter {
    const SORTS: &'static [&'static str] = &["code", "updated_at"];
}

versioned!(
    Ballot as this,
    ballots,
    ballot_revisions {
        event_id: this.event_id,
        stage_id: this.stage_id,
        number: number_of(&this.code),
        code: this.code.as_str(),
        question_id: this.content.question_id,
        question_revision: this.question_revision
    }
);

impl Resource for Ballot {
    const KIND: &'static str = "ballot";
    const PATH: &'static str = "programs/{program}/ballots/{id}";
    const DONE_TO_IT: &'static [Action] = &[Action::RunEvent];

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let title = self.content.title.iter().map(|text| ("/title".to_owned(), text));
        let labels = self.content.scale.iter().flat_map(|scale| &scale.labels).enumerate();
        let options = self.content.options.iter().enumerate();
        title
            .chain(labels.map(|(number, text)| (format!("/scale/labels/{number}"), text)))
            .chain(options.map(|(number, one)| (format!("/options/{number}/label"), &one.label)))
            .collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::CastVote => state == "open",
            Action::RunEvent => ["draft", "open", "closed"].contains(&state),
            _ => true,
        }
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "updated_at" {
            return Ok(json!(stored.seq_from));
        }
        let ballot: Ballot = versioned::parse(&stored.body)?;
        Ok(json!(number_of(&ballot.code)))
    }
}

impl Ballot {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &BallotFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(ballot_revisions, reach.ledger, at, &[]);
        if let Some(states) = &filter.state {
            query = query.filter(ballot_revisions::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(events) = &filter.event_id {
            query = query.filter(ballot_revisions::event_id.eq_any(events.0.clone()));
        }
        if let Some(stages) = &filter.stage_id {
            query = query.filter(ballot_revisions::stage_id.eq_any(stages.0.clone()));
        }
        if let Some(questions) = &filter.question_id {
            query = query.filter(ballot_revisions::question_id.eq_any(questions.0.clone()));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, ballot_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, ballot_revisions, number as i32).load(conn)?,
        };
        Ok(rows.into())
    }

    /// The ballots of one stage.
    pub fn list_of(
        conn: &mut AnyConnection,
        reach: &Reach,
        (event, stage): (&str, Id),
        filter: &BallotFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let stage = Stage::identify(conn, reach, event, stage)?;
        if filter.stage_id.as_ref().is_some_and(|wanted| !wanted.0.contains(&stage)) {
            return Ok(Vec::new().into());
        }
        let filter = BallotFilter {
            stage_id: Some(AnyOf(vec![stage])),
            state: filter.state.clone(),
            event_id: filter.event_id.clone(),
            question_id: filter.question_id.clone(),
        };
        Ballot::list(conn, reach, &filter, page, at)
    }

    /// Prepares a ballot in a stage.
    pub fn prepare(tx: &mut Tx<'_>, event: &str, stage: Id, new: NewBallot) -> Result<Recorded<Ballot>, Problem> {
        let stage = Stage::running(tx, event, stage)?;
        check(tx, &new)?;
        let last: Option<i32> = ballot_revisions::table
            .filter(ballot_revisions::ledger_id.eq(tx.reach.ledger))
            .filter(ballot_revisions::seq_to.is_null())
            .select(diesel::dsl::max(ballot_revisions::number))
            .first(tx.conn)?;
        let ballot = Ballot {
            meta: Meta::new(tx.now),
            code: format!("B-{}", last.unwrap_or(0) + 1),
            event_id: stage.event_id,
            stage_id: stage.meta.id,
            content: new,
            question_revision: None,
            electorate: Vec::new(),
            state: BallotState::Draft,
            result: None,
        };
        tx.create(ballot, None)
    }

    /// The open revision, if things can still be done in its event.
    pub fn running(tx: &mut Tx<'_>, id: Id, seen: Seen) -> Result<Ballot, Problem> {
        let ballot: Ballot = tx.current(id, seen)?;
        Event::running(tx, &ballot.event_id.to_string())?;
        Ok(ballot)
    }

    fn in_state(&self, states: &[BallotState]) -> Result<(), Problem> {
        match states.contains(&self.state) {
            true => Ok(()),
            false => Err(Problem::WrongState { action: "event.run", state: self.state.name().into() }),
        }
    }

    /// Changes what is asked and how: until the first vote.
    pub fn edit(tx: &mut Tx<'_>, id: Id, seen: Seen, patch: Patch<NewBallot>) -> Result<Recorded<Ballot>, Problem> {
        let mut ballot = Ballot::running(tx, id, seen)?;
        ballot.in_state(&[BallotState::Draft, BallotState::Open])?;
        if has_votes(tx, id)? {
            return Err(Problem::RuleFrozen);
        }
        let content: NewBallot = patch.apply(&Tx::json(&ballot.content)?, &tx.schemas)?;
        if ballot.state == BallotState::Open && content.question_id != ballot.content.question_id {
            return Err(Problem::Conflict(FieldError::new(
                "/question_id",
                "open",
                "pemungutan suara ini sudah dibuka atas pertanyaannya",
                "this ballot is open on its question already",
            )));
        }
        check(tx, &content)?;
        ballot.content = content;
        tx.change(ballot, None)
    }

    /// Opens it: its electorate and the revision of its question are fixed.
    pub fn open_for_votes(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Ballot>, Problem> {
        let mut ballot = Ballot::running(tx, id, seen)?;
        ballot.in_state(&[BallotState::Draft])?;
        let stage: Stage = tx.look(ballot.stage_id)?;
        if stage.content.electorate.is_empty() {
            return Err(Problem::Conflict(FieldError::new(
                "",
                "no_electorate",
                "tahap ini belum punya daftar pemilih",
                "the stage has no electorate yet",
            )));
        }
        // Who acted for it has a voice for another now: one voice must not become two.
        if !Stakeholder::gone(tx.conn, &stage.content.electorate)?.is_empty() {
            return Err(Problem::Conflict(FieldError::new(
                "",
                "organisation_gone",
                "daftar pemilih tahap ini memuat organisasi yang sudah digabung atau dipecah: perbaiki dahulu tahapnya",
                "the stage's electorate names an organisation that was merged or split: edit the stage first",
            )));
        }
        ballot.electorate = stage.content.electorate;
        if let Some(question) = ballot.content.question_id {
            ballot.question_revision = Some(put_in_review(tx, question, &why.reason)?);
        }
        ballot.state = BallotState::Open;
        tx.change(ballot, Some(&why.reason))
    }

    /// Closes it: the result is computed.
    pub fn close_votes(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Ballot>, Problem> {
        let ballot = Ballot::running(tx, id, seen)?;
        ballot.in_state(&[BallotState::Open])?;
        let mut closed = close_all(tx, vec![ballot], &why.reason)?;
        closed.pop().ok_or_else(|| Problem::internal("no ballot was closed"))
    }

    /// Declares it void: a new one can be held.
    pub fn void(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Ballot>, Problem> {
        let mut ballot = Ballot::running(tx, id, seen)?;
        ballot.in_state(&[BallotState::Draft, BallotState::Open, BallotState::Closed])?;
        ballot.state = BallotState::Void;
        tx.change(ballot, Some(&why.reason))
    }

    /// Refuses a decision before the ballot is closed or without its quorum.
    pub fn ready_for_decision(&self) -> Result<(), Problem> {
        self.in_state(&[BallotState::Closed])?;
        match &self.result {
            Some(result) if result.quorum_met => Ok(()),
            result => {
                let cast = result.as_ref().map_or(0, |result| result.votes_count);
                Err(Problem::NoQuorum { needed: i64::from(self.content.quorum), cast })
            }
        }
    }
}

/// Closes open ballots: their results are computed from the votes that were cast.
pub fn close_all(tx: &mut Tx<'_>, ballots: Vec<Ballot>, why: &str) -> Result<Vec<Recorded<Ballot>>, Problem> {
    let cast = votes::cast_in(tx, &ballots)?;
    let close = |mut ballot: Ballot| {
        let cast = cast.get(&ballot.meta.id).map_or(&[][..], Vec::as_slice);
        ballot.result = Some(result::compute(&ballot.content, &ballot.electorate, cast));
        ballot.state = BallotState::Closed;
        tx.change(ballot, Some(why))
    };
    ballots.into_iter().map(close).collect()
}

/// Puts the question into review, if it is not there already. Answers the revision that the electorate sees.
fn put_in_review(tx: &mut Tx<'_>, question: Id, why: &str) -> Result<i32, Problem> {
    let mut question: Question = tx.look(question)?;
    match question.state {
        QuestionState::InReview | QuestionState::Validated => Ok(question.meta.revision),
        QuestionState::Proposed => {
            question.state = QuestionState::InReview;
            Ok(tx.change(question, Some(why))?.value().meta.revision)
        }
        other => Err(Problem::WrongState { action: "question.review", state: other.name().into() }),
    }
}

fn has_votes(tx: &mut Tx<'_>, ballot: Id) -> Result<bool, Problem> {
    let cast = vote_revisions::table.filter(vote_revisions::ballot_id.eq(ballot));
    Ok(diesel::select(diesel::dsl::exists(cast)).get_result(tx.conn)?)
}

fn check(tx: &mut Tx<'_>, content: &NewBallot) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    let mut refuse = |pointer: &str, code: &'static str, id: &'static str, en: &'static str| {
        wrong.push(FieldError::new(pointer, code, id, en));
    };
    if content.question_id.is_none() && content.title.is_none() {
        refuse("/title", "required", "wajib diisi bila tanpa pertanyaan", "is required without a question");
    }
    match (&content.scale, content.method) {
        (None, Method::Agreement) => {
            refuse("/scale", "required", "wajib diisi untuk agreement", "is required for agreement");
        }
        (Some(_), Method::Consensus | Method::Dots) => {
            refuse("/scale", "not_allowed", "hanya untuk agreement", "is for agreement alone");
        }
        (Some(scale), _) if scale.labels.len() as i32 != scale.points => {
            refuse("/scale/labels", "count", "satu label untuk setiap titik", "needs one label for each point");
        }
        (Some(scale), _) if scale.agree_from > scale.points => {
            refuse("/scale/agree_from", "too_large", "melampaui skala", "is beyond the scale");
        }
        _ => {}
    }
    let dots = content.method == Method::Dots;
    if dots && content.options.len() < 2 {
        refuse("/options", "too_few", "dots memerlukan paling sedikit dua pilihan", "dots need two options at least");
    }
    if dots && content.dots_each.is_none() {
        refuse("/dots_each", "required", "wajib diisi untuk dots", "is required for dots");
    }
    if content.anonymous && content.unit == Unit::Person {
        let (id, en) = (
            "tidak untuk suara rahasia: jumlah orang menunjuk organisasinya",
            "is not for anonymous ballots: numbers of persons tell who is who",
        );
        refuse("/unit", "not_allowed", id, en);
    }
    if !dots && (!content.options.is_empty() || content.dots_each.is_some()) {
        refuse("/options", "not_allowed", "hanya untuk dots", "are for dots alone");
    }
    for (number, option) in content.options.iter().enumerate() {
        if content.options[..number].iter().any(|other| other.key == option.key) {
            refuse(&format!("/options/{number}/key"), "repeated", "dipakai dua kali", "is used twice");
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::Invalid(wrong));
    }
    match content.question_id {
        Some(question) => tx.must_exist::<Question>(&[("/question_id".into(), question)]),
        None => Ok(()),
    }
}
