//! A whole stage in one request: attendance, votes and decisions, all or nothing. What stands against parts of it comes
//! back as one list of conflicts, and nothing is overwritten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::model::{Decision, NewDecision, decide};
use crate::{
    access::{Recorded, Tx},
    ballots::{Ballot, BallotState, ListedVote, NewVote, Vote, cast_all, close_all},
    db::Id,
    events::{Attendance, AttendanceEntry, Event, Stage},
    problem::{FieldError, Problem},
    questions::Question,
};

/// One vote of a stage's outcomes.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct OutcomeVote {
    pub ballot_id: Id,
    /// The organisation that votes.
    pub stakeholder_id: Id,
    #[serde(flatten)]
    pub vote: NewVote,
}

/// One decision of a stage's outcomes.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct OutcomeDecision {
    /// The ballot that it follows, if there was one.
    #[serde(default)]
    pub ballot_id: Option<Id>,
    #[serde(flatten)]
    pub decision: NewDecision,
}

/// What came of a stage.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StageOutcomes {
    #[serde(default)]
    #[schema(max_items = 500)]
    pub attendance: Vec<AttendanceEntry>,
    #[serde(default)]
    #[schema(max_items = 2000)]
    pub votes: Vec<OutcomeVote>,
    /// Ballots that are closed once the votes are in.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub close_ballots: Vec<Id>,
    #[serde(default)]
    #[schema(max_items = 200)]
    pub decisions: Vec<OutcomeDecision>,
}

/// What was made of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcomes {
    pub attendance: Vec<Attendance>,
    pub votes: Vec<Vote>,
    pub ballots: Vec<Ballot>,
    pub decisions: Vec<Decision>,
}

impl Outcomes {
    /// A trial tells nothing of an anonymous ballot's result: whoever tries often could read single votes from it.
    pub fn tell_no_secrets(&mut self) {
        for ballot in self.ballots.iter_mut().filter(|ballot| ballot.content.anonymous) {
            ballot.result = None;
        }
    }

    /// All of it as the caller sees it.
    pub fn shown(&self, tx: &mut Tx<'_>) -> Result<Value, Problem> {
        Ok(json!({
            "attendance": tx.show_all(&self.attendance)?,
            "votes": tx.show_all(&self.votes)?,
            "ballots": tx.show_all(&self.ballots)?,
            "decisions": tx.show_all(&self.decisions)?,
        }))
    }
}

/// Keeps the outcomes of a stage, in the order attendance, votes, closing, decisions.
pub fn keep(tx: &mut Tx<'_>, event: &str, stage: Id, told: StageOutcomes) -> Result<Recorded<Outcomes>, Problem> {
    let stage = Stage::running(tx, event, stage)?;
    let event = Event::running(tx, event)?;
    let mut conflicts = Vec::new();
    let attendance = match told.attendance.is_empty() {
        true => Recorded::all(Vec::new()),
        false => attend(tx, &event, told.attendance, &mut conflicts)?,
    };
    let mut ballots = ballots_of(tx, &stage, &told.votes, &told.close_ballots, &told.decisions)?;
    let listed = told.votes.into_iter().enumerate().map(|(number, vote)| ListedVote {
        pointer: format!("/votes/{number}"),
        ballot: vote.ballot_id,
        stakeholder: vote.stakeholder_id,
        new: vote.vote,
    });
    let votes = cast_all(tx, &ballots, listed.collect(), &mut conflicts)?;
    let mut closing: Vec<Ballot> = Vec::new();
    for (number, id) in told.close_ballots.iter().enumerate() {
        let pointer = format!("/close_ballots/{number}");
        match ballots.get(id) {
            Some(ballot) if ballot.state == BallotState::Open && !closing.iter().any(|one| one.meta.id == *id) => {
                closing.push(ballot.clone());
            }
            Some(_) => conflicts.push(FieldError::new(
                pointer,
                "ballot_not_open",
                "pemungutan suara ini tidak terbuka",
                "this ballot is not open",
            )),
            None => conflicts.push(unknown_ballot(pointer)),
        }
    }
    let closed = close_all(tx, closing, "Closed with the stage's outcomes.")?;
    ballots.extend(closed.iter().map(|shut| (shut.value().meta.id, shut.value().clone())));
    let mut decisions: Vec<Decision> = Vec::new();
    let questions: Vec<Id> = told.decisions.iter().filter_map(|one| one.decision.question_id).collect();
    tx.look_all::<Question>(&questions)?;
    for (number, one) in told.decisions.into_iter().enumerate() {
        let pointer = format!("/decisions/{number}");
        let ballot = one.ballot_id.map(|id| ballots.get(&id).cloned());
        if matches!(ballot, Some(None)) {
            conflicts.push(unknown_ballot(format!("{pointer}/ballot_id")));
            continue;
        }
        match decide(tx, &stage, ballot.flatten(), one.decision) {
            Ok(made) => {
                decisions.push(made);
                // From now on it is decided: a second decision on it conflicts.
                if let Some(id) = one.ballot_id {
                    ballots.insert(id, tx.look(id)?);
                }
            }
            Err(problem) => conflicts.extend(as_conflicts(problem, &pointer)?),
        }
    }
    if !conflicts.is_empty() {
        return Err(Problem::OutcomeConflicts(conflicts));
    }
    let ballots = as_they_stand(tx, closed, &decisions)?;
    let reasons: Vec<String> = decisions.iter().map(|decision| decision.reason.clone()).collect();
    let reasons: Vec<Option<&str>> = reasons.iter().map(|reason| Some(reason.as_str())).collect();
    let decisions = tx.create_all(decisions, &reasons)?;
    let made = attendance.and(votes).and(Recorded::all(ballots)).and(decisions);
    Ok(made.map(|(((attendance, votes), ballots), decisions)| Outcomes { attendance, votes, ballots, decisions }))
}

/// The ballots that were closed or decided, at the revisions that they have in the end.
fn as_they_stand(
    tx: &mut Tx<'_>,
    closed: Vec<Recorded<Ballot>>,
    decisions: &[Decision],
) -> Result<Vec<Recorded<Ballot>>, Problem> {
    let mut told: Vec<Id> = closed.iter().map(|ballot| ballot.value().meta.id).collect();
    for id in decisions.iter().filter_map(|decision| decision.ballot_id) {
        if !told.contains(&id) {
            told.push(id);
        }
    }
    told.into_iter()
        .map(|id| {
            let ballot = tx.look(id)?;
            Ok(tx.unchanged(ballot))
        })
        .collect()
}

/// Keeps decisions alone, and answers the last.
pub fn keep_outcomes(
    tx: &mut Tx<'_>,
    event: &str,
    stage: Id,
    decisions: Vec<OutcomeDecision>,
) -> Result<Recorded<Decision>, Problem> {
    let told = StageOutcomes { attendance: Vec::new(), votes: Vec::new(), close_ballots: Vec::new(), decisions };
    let kept = keep(tx, event, stage, told)?;
    kept.try_map(|mut made| made.decisions.pop().ok_or_else(|| Problem::internal("nothing was decided")))
}

fn attend(
    tx: &mut Tx<'_>,
    event: &Event,
    entries: Vec<AttendanceEntry>,
    conflicts: &mut Vec<FieldError>,
) -> Result<Recorded<Vec<Attendance>>, Problem> {
    let place = |mut error: FieldError| {
        error.pointer = error.pointer.replacen("/items", "/attendance", 1);
        error
    };
    match Attendance::record(tx, event, entries) {
        Err(Problem::OutcomeConflicts(found)) => {
            conflicts.extend(found.into_iter().map(place));
            Ok(Recorded::all(Vec::new()))
        }
        Err(Problem::Invalid(found)) => Err(Problem::Invalid(found.into_iter().map(place).collect())),
        other => other,
    }
}

/// The ballots that the outcomes name and that are of this stage.
fn ballots_of(
    tx: &mut Tx<'_>,
    stage: &Stage,
    votes: &[OutcomeVote],
    closing: &[Id],
    decisions: &[OutcomeDecision],
) -> Result<BTreeMap<Id, Ballot>, Problem> {
    let mut named: Vec<Id> = votes.iter().map(|vote| vote.ballot_id).collect();
    named.extend(closing);
    named.extend(decisions.iter().filter_map(|one| one.ballot_id));
    named.sort_unstable();
    named.dedup();
    let mut found = BTreeMap::new();
    for ballot in tx.look_all::<Ballot>(&named)? {
        if ballot.stage_id == stage.meta.id {
            found.insert(ballot.meta.id, ballot);
        }
    }
    Ok(found)
}

fn unknown_ballot(pointer: String) -> FieldError {
    let (id, en) = ("tahap ini tidak punya pemungutan suara itu", "this stage has no such ballot");
    FieldError::new(pointer, "not_found", id, en)
}

/// What stands against one decision, as conflicts of the whole. What went wrong on our side stays what it is.
fn as_conflicts(problem: Problem, pointer: &str) -> Result<Vec<FieldError>, Problem> {
    let one = |name: &str, code: &'static str, id: String, en: String| {
        Ok(vec![FieldError::new(format!("{pointer}{name}"), code, id, en)])
    };
    match problem.below(pointer) {
        Problem::Invalid(errors) | Problem::OutcomeConflicts(errors) => Ok(errors),
        Problem::Conflict(error) | Problem::Taken(error) => Ok(vec![error]),
        Problem::Stale { revision, .. } => one(
            "/on_revision",
            "stale",
            format!("pertanyaan ini sekarang pada revisi {revision}"),
            format!("the question is now at revision {revision}"),
        ),
        Problem::WrongState { state, .. } => one(
            "/kind",
            "wrong_state",
            format!("tidak dapat diputuskan dalam keadaan {state}"),
            format!("cannot be decided in the state {state}"),
        ),
        Problem::NoQuorum { needed, cast } => one(
            "/ballot_id",
            "no_quorum",
            format!("kuorumnya {needed} suara, dan yang masuk {cast}"),
            format!("the quorum is {needed} votes, and {cast} were cast"),
        ),
        other => Err(other),
    }
}
