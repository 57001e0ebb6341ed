//! What waits for a caller, in each programme that they are a member of.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Caller, Reach},
    ballots::Ballot,
    db::{AnyConnection, Id},
    events::FollowUp,
    inputs::{Input, InputState},
    localized::Localized,
    policy::{Action, Roles},
    problem::Problem,
    schema::{
        ballot_revisions, follow_up_revisions, input_revisions, position_revisions, statement_revisions, vote_revisions,
    },
    statements::{Statement, StatementState},
    versioned,
};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Vote in an open ballot.
    Vote,
    /// Take a position on a statement.
    TakePosition,
    /// Renew a position: the statement has moved on.
    RenewPosition,
    /// Do what an event left for this organisation.
    FollowUp,
    /// Decide on what a closed ballot was about.
    Decide,
    /// Answer an objection.
    AnswerObjection,
    /// Adopt a proposed statement, or send it back.
    Adopt,
    /// Publish an adopted statement.
    Publish,
    /// Say what this organisation was asked about an input of its own.
    ReplyToQuestion,
    /// Decide on an input, or take a step towards it.
    DecideInput,
    /// Tell the sender of an input what came of it.
    AnswerInput,
}

/// Something that waits for the caller.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Task {
    pub kind: TaskKind,
    /// The programme's slug.
    #[schema(example = "jakarta-berketahanan")]
    pub program: String,
    /// Where it is to be done.
    #[schema(format = "uri-reference")]
    pub href: String,
    /// What it is about.
    pub title: Localized,
    /// The day until which, if there is one.
    pub due_on: Option<NaiveDate>,
    /// Since when it waits.
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub since: DateTime<Utc>,
}

/// What waits for the caller: what is due first stands first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tasks {
    #[schema(max_items = 200)]
    pub items: Vec<Task>,
    /// There is more than is shown.
    pub more: bool,
}

const SHOWN: usize = 200;

/// A programme in which the caller acts.
struct Part {
    reach: Reach,
    /// The organisation that it acts for there.
    stakeholder: Id,
}

/// Reads what waits for a caller.
pub fn read(conn: &mut AnyConnection, caller: &Caller, now: DateTime<Utc>) -> Result<Tasks, Problem> {
    let mut items = Vec::new();
    for held in caller.memberships.iter().filter(|held| held.holds(now) && held.program_active) {
        let reach = Reach {
            ledger: held.program,
            slug: held.slug.clone(),
            roles: Roles::default().with(held.role),
            scopes: caller.scopes(),
            stakeholder: Some(held.stakeholder),
            ..Reach::platform()
        };
        let part = Part { reach, stakeholder: held.stakeholder };
        if part.may(Action::CastVote) {
            part.votes(conn, &mut items)?;
        }
        if part.may(Action::ReportFollowUp) {
            part.follow_ups(conn, &mut items)?;
        }
        part.statements(conn, &mut items)?;
        part.inputs(conn, &mut items)?;
        if part.may(Action::RunEvent) {
            part.decisions(conn, &mut items)?;
        }
    }
    items.sort_by_key(|task| (task.due_on.is_none(), task.due_on, task.since));
    let more = items.len() > SHOWN;
    items.truncate(SHOWN);
    Ok(Tasks { items, more })
}

impl Part {
    fn may(&self, action: Action) -> bool {
        self.reach.may(action)
    }

    fn task(&self, kind: TaskKind, rest: String, title: Localized, since: DateTime<Utc>) -> Task {
        let href = format!("/api/v1/programs/{}/{rest}", self.reach.slug);
        Task { kind, program: self.reach.slug.to_string(), href, title, due_on: None, since }
    }

    fn ballots(&self, conn: &mut AnyConnection, state: &str) -> Result<Vec<Ballot>, Problem> {
        use ballot_revisions as t;
        let bodies: Vec<String> = t::table
            .filter(t::ledger_id.eq(self.reach.ledger))
            .filter(t::state.eq(state.to_owned()))
            .filter(t::seq_to.is_null())
            .order(t::number)
            .limit(SHOWN as i64 + 1)
            .select(t::body)
            .load(conn)?;
        bodies.iter().map(|body| versioned::parse(body)).collect()
    }

    fn votes(&self, conn: &mut AnyConnection, items: &mut Vec<Task>) -> Result<(), Problem> {
        let open = self.ballots(conn, "open")?;
        if open.is_empty() {
            return Ok(());
        }
        let cast: Vec<Id> = vote_revisions::table
            .filter(vote_revisions::ballot_id.eq_any(open.iter().map(|ballot| ballot.meta.id)))
            .filter(vote_revisions::stakeholder_id.eq(self.stakeholder))
            .filter(vote_revisions::state.eq("cast"))
            .filter(vote_revisions::seq_to.is_null())
            .select(vote_revisions::ballot_id)
            .load(conn)?;
        for ballot in open {
            if ballot.electorate.contains(&self.stakeholder) && !cast.contains(&ballot.meta.id) {
                let rest = format!("ballots/{}/votes/{}", ballot.meta.id, self.stakeholder);
                items.push(self.task(TaskKind::Vote, rest, about(&ballot), ballot.meta.updated_at));
            }
        }
        Ok(())
    }

    fn decisions(&self, conn: &mut AnyConnection, items: &mut Vec<Task>) -> Result<(), Problem> {
        for ballot in self.ballots(conn, "closed")? {
            let rest = format!("ballots/{}/decision", ballot.meta.id);
            items.push(self.task(TaskKind::Decide, rest, about(&ballot), ballot.meta.updated_at));
        }
        Ok(())
    }

    fn follow_ups(&self, conn: &mut AnyConnection, items: &mut Vec<Task>) -> Result<(), Problem> {
        use follow_up_revisions as t;
        let bodies: Vec<String> = t::table
            .filter(t::owner_stakeholder_id.eq(self.stakeholder))
            .filter(t::ledger_id.eq(self.reach.ledger))
            .filter(t::state.eq_any(["open", "in_progress"]))
            .filter(t::seq_to.is_null())
            .order(t::subject_id)
            .limit(SHOWN as i64 + 1)
            .select(t::body)
            .load(conn)?;
        for body in &bodies {
            let one: FollowUp = versioned::parse(body)?;
            let rest = format!("events/{}/follow-ups/{}", one.event_id, one.meta.id);
            let task = self.task(TaskKind::FollowUp, rest, one.content.text, one.meta.created_at);
            items.push(Task { due_on: one.content.due_on, ..task });
        }
        Ok(())
    }

    fn inputs(&self, conn: &mut AnyConnection, items: &mut Vec<Task>) -> Result<(), Problem> {
        if self.may(Action::CorrectInput) {
            for one in self.inputs_in(conn, &[InputState::MoreInformationNeeded], Some(self.stakeholder))? {
                items.push(self.of_input(TaskKind::ReplyToQuestion, &one, ""));
            }
        }
        if self.may(Action::DecideInput) {
            let waiting = [InputState::Received, InputState::Acknowledged, InputState::InReview, InputState::Decided];
            for one in self.inputs_in(conn, &waiting, None)? {
                items.push(match one.state {
                    InputState::Decided => self.of_input(TaskKind::AnswerInput, &one, "/answer"),
                    _ => self.of_input(TaskKind::DecideInput, &one, "/decision"),
                });
            }
        }
        Ok(())
    }

    fn inputs_in(
        &self,
        conn: &mut AnyConnection,
        states: &[InputState],
        sender: Option<Id>,
    ) -> Result<Vec<Input>, Problem> {
        use input_revisions as t;
        let mut query = t::table
            .filter(t::ledger_id.eq(self.reach.ledger))
            .filter(t::state.eq_any(states.iter().map(|state| state.name())))
            .filter(t::seq_to.is_null())
            .order((t::due_on, t::subject_id))
            .limit(SHOWN as i64 + 1)
            .select(t::body)
            .into_boxed();
        if let Some(sender) = sender {
            query = query.filter(t::stakeholder_id.eq(sender));
        }
        let bodies: Vec<String> = query.load(conn)?;
        let inputs: Vec<Input> = bodies.iter().map(|body| versioned::parse(body)).collect::<Result<_, _>>()?;
        // Where it is only told, nothing is owed.
        Ok(inputs.into_iter().filter(|input| input.due_on.is_some() || sender.is_some()).collect())
    }

    /// An input is told of by its code: what it says can be long, and is in one language.
    fn of_input(&self, kind: TaskKind, input: &Input, act: &str) -> Task {
        let title = Localized([("id".to_owned(), input.code.clone())].into());
        let task = self.task(kind, format!("inputs/{}{act}", input.meta.id), title, input.meta.updated_at);
        Task { due_on: input.due_on, ..task }
    }

    fn statements(&self, conn: &mut AnyConnection, items: &mut Vec<Task>) -> Result<(), Problem> {
        use statement_revisions as t;
        let bodies: Vec<String> = t::table
            .filter(t::ledger_id.eq(self.reach.ledger))
            .filter(t::state.eq_any(["in_alignment", "proposed", "adopted"]))
            .filter(t::seq_to.is_null())
            .order(t::subject_id)
            .limit(SHOWN as i64 + 1)
            .select(t::body)
            .load(conn)?;
        let statements: Vec<Statement> = bodies.iter().map(|body| versioned::parse(body)).collect::<Result<_, _>>()?;
        if statements.is_empty() {
            return Ok(());
        }
        use position_revisions as p;
        let positions: Vec<(Id, Id, String, i32)> = p::table
            .filter(p::statement_id.eq_any(statements.iter().map(|one| one.meta.id)))
            .filter(p::seq_to.is_null())
            .select((p::statement_id, p::stakeholder_id, p::state, p::on_revision))
            .load(conn)?;
        for one in &statements {
            let (path, since) = (format!("statements/{}", one.meta.id), one.meta.updated_at);
            let mut wait = |kind: TaskKind, rest: String| {
                items.push(self.task(kind, rest, one.content.title.clone(), since));
            };
            match one.state {
                StatementState::Adopted if self.may(Action::PublishStatement) => {
                    wait(TaskKind::Publish, format!("{path}/publication"));
                }
                StatementState::Proposed if self.may(Action::AdoptStatement) => {
                    wait(TaskKind::Adopt, format!("{path}/adoption"));
                }
                _ => {}
            }
            if one.state == StatementState::Adopted {
                continue;
            }
            let on_it = positions.iter().filter(|(statement, ..)| *statement == one.meta.id);
            let own = on_it.clone().find(|(_, stakeholder, ..)| *stakeholder == self.stakeholder);
            let place = format!("{path}/positions/{}", self.stakeholder);
            match own {
                None if self.may(Action::TakePosition) => wait(TaskKind::TakePosition, place),
                Some((.., on_revision)) if *on_revision < one.content_revision && self.may(Action::TakePosition) => {
                    wait(TaskKind::RenewPosition, place);
                }
                _ => {}
            }
            if self.may(Action::AnswerObjection) {
                for (_, stakeholder, state, _) in on_it {
                    if state == "open" {
                        wait(TaskKind::AnswerObjection, format!("{path}/positions/{stakeholder}/answer"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a ballot is about, in words: its title, or its code.
fn about(ballot: &Ballot) -> Localized {
    let title = ballot.content.title.clone();
    title.unwrap_or_else(|| Localized([("id".to_owned(), ballot.code.clone())].into()))
}
