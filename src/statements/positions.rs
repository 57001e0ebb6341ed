use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::Statement;
use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    events::take_part,
    keyset, listed,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    schema::{position_revisions, statement_revisions},
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// What an organisation says of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PositionKind {
    Endorse,
    EndorseWithReservation,
    Abstain,
    Object,
}

impl PositionKind {
    pub const fn name(self) -> &'static str {
        match self {
            PositionKind::Endorse => "endorse",
            PositionKind::EndorseWithReservation => "endorse_with_reservation",
            PositionKind::Abstain => "abstain",
            PositionKind::Object => "object",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PositionState {
    Standing,
    /// An objection that nobody answered yet.
    Open,
    /// An objection that was answered.
    Answered,
}

impl PositionState {
    pub const fn name(self) -> &'static str {
        match self {
            PositionState::Standing => "standing",
            PositionState::Open => "open",
            PositionState::Answered => "answered",
        }
    }
}

/// A position, as it is taken.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewPosition {
    /// The revision of the statement that was read: not before its content changed last.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub on_revision: i32,
    pub kind: PositionKind,
    /// Required with an objection or a reservation.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4000)]
    pub comment: Option<String>,
}

/// An answer to an objection.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewAnswer {
    /// The revision of the position that is answered.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub on_revision: i32,
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
}

/// What was answered to an objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    pub text: String,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub at: DateTime<Utc>,
    pub account_id: Id,
}

/// What an organisation says of one revision of a statement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Position {
    #[serde(flatten)]
    pub meta: Meta,
    pub statement_id: Id,
    pub stakeholder_id: Id,
    /// The revision of the statement that it is about.
    pub on_revision: i32,
    pub kind: PositionKind,
    pub comment: Option<String>,
    pub state: PositionState,
    pub answer: Option<Answer>,
    /// Recorded by somebody who does not act for this organisation.
    pub on_behalf: bool,
    /// The statement's content has changed since. Never stored: it goes stale by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub stale: Option<bool>,
}

/// Which positions to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PositionFilter {
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<PositionKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<PositionKind>>,
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<PositionState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<PositionState>>,
}

impl Filter for PositionFilter {
    const SORTS: &'static [&'static str] = &["created_at"];
}

versioned!(
    Position as this,
    positions,
    position_revisions {
        statement_id: this.statement_id,
        stakeholder_id: this.stakeholder_id,
        on_revision: this.on_revision,
        kind: this.kind.name()
    }
);

impl Resource for Position {
    const KIND: &'static str = "position";
    const PATH: &'static str = "programs/{program}/statements/{id}";
    const DONE_TO_IT: &'static [Action] = &[Action::TakePosition, Action::AnswerObjection];

    fn state(&self) -> &str {
        self.state.name()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::AnswerObjection => state == "open",
            _ => state != SETTLED,
        }
    }

    fn path_id(&self) -> String {
        format!("{}/positions/{}", self.statement_id, self.stakeholder_id)
    }

    /// Whether the statement has moved on, and whether positions are still taken on it, is found when it is read.
    fn complete(conn: &mut AnyConnection, _reach: &Reach, rows: &mut [Stored]) -> Result<(), Problem> {
        if rows.is_empty() {
            return Ok(());
        }
        let positions: Vec<Position> = rows.iter().map(|row| versioned::parse(&row.body)).collect::<Result<_, _>>()?;
        let bodies: Vec<String> = statement_revisions::table
            .filter(statement_revisions::subject_id.eq_any(positions.iter().map(|one| one.statement_id)))
            .filter(statement_revisions::seq_to.is_null())
            .select(statement_revisions::body)
            .load(conn)?;
        let mut content = BTreeMap::new();
        for body in &bodies {
            let statement: Statement = versioned::parse(body)?;
            let asked = Statement::possible(Action::TakePosition, statement.state());
            content.insert(statement.meta.id, (statement.content_revision, asked));
        }
        for (row, mut position) in rows.iter_mut().zip(positions) {
            let known = content.get(&position.statement_id);
            position.stale = known.map(|(revision, _)| position.on_revision < *revision);
            if known.is_some_and(|(_, asked)| !asked) {
                row.state = SETTLED.into();
            }
            row.body = serde_json::to_string(&position).map_err(Problem::internal)?;
        }
        Ok(())
    }
}

/// Where every position stands, as to what may be done with it, once its statement asks for none any more. Shown in
/// no answer and kept in no revision.
const SETTLED: &str = "settled";

impl Position {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        statement: Id,
        filter: &PositionFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        Statement::shown(conn, reach, statement)?;
        let mut query =
            listed!(position_revisions, reach.ledger, at, &[]).filter(position_revisions::statement_id.eq(statement));
        if let Some(kinds) = &filter.kind {
            query = query.filter(position_revisions::kind.eq_any(kinds.0.iter().map(|kind| kind.name())));
        }
        if let Some(states) = &filter.state {
            query = query.filter(position_revisions::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        let rows: Vec<Stored> = keyset!(query, page, position_revisions, subject_id as Id).load(conn)?;
        Ok(rows.into())
    }

    /// The id of an organisation's position on a statement that the caller sees.
    pub fn identify(conn: &mut AnyConnection, reach: &Reach, statement: Id, stakeholder: Id) -> Result<Id, Problem> {
        Statement::shown(conn, reach, statement)?;
        position_revisions::table
            .filter(position_revisions::statement_id.eq(statement))
            .filter(position_revisions::stakeholder_id.eq(stakeholder))
            .filter(position_revisions::ledger_id.eq(reach.ledger))
            .filter(position_revisions::seq_to.is_null())
            .select(position_revisions::subject_id)
            .first(conn)
            .optional()?
            .ok_or(Problem::NotFound)
    }

    /// Takes a position, or another one.
    pub fn take(
        tx: &mut Tx<'_>,
        statement: Id,
        stakeholder: Id,
        new: NewPosition,
    ) -> Result<Recorded<Position>, Problem> {
        let statement: Statement = tx.look(statement)?;
        let own = tx.reach.stakeholder == Some(stakeholder);
        if !own && !tx.reach.may(Action::RunEvent) {
            return Err(Problem::NotOwnOrganization);
        }
        take_part(tx, &[("".into(), stakeholder)])?;
        aligned(&statement, "statement.position")?;
        if new.on_revision < statement.content_revision || new.on_revision > statement.meta.revision {
            let body = tx.show(&statement)?.to_string();
            let etag = crate::access::etag(statement.meta.revision, &body);
            return Err(Problem::Stale { revision: statement.meta.revision, etag });
        }
        let explained = matches!(new.kind, PositionKind::Object | PositionKind::EndorseWithReservation);
        if explained && new.comment.is_none() {
            let (id, en) =
                ("wajib diisi bersama keberatan atau catatan", "is required with an objection or a reservation");
            return Err(Problem::Invalid(vec![FieldError::new("/comment", "required", id, en)]));
        }
        let reach = tx.reach.clone();
        let known = match Position::identify(tx.conn, &reach, statement.meta.id, stakeholder) {
            Ok(id) => Some(tx.look::<Position>(id)?),
            Err(Problem::NotFound) => None,
            Err(problem) => return Err(problem),
        };
        let position = Position {
            meta: known.as_ref().map_or_else(|| Meta::new(tx.now), |known| known.meta.clone()),
            statement_id: statement.meta.id,
            stakeholder_id: stakeholder,
            on_revision: new.on_revision,
            kind: new.kind,
            comment: new.comment,
            state: if new.kind == PositionKind::Object { PositionState::Open } else { PositionState::Standing },
            answer: None,
            on_behalf: !own,
            stale: None,
        };
        if known.is_some() { tx.change(position, None) } else { tx.create(position, None) }
    }

    /// Answers an objection.
    pub fn answer(
        tx: &mut Tx<'_>,
        statement: Id,
        stakeholder: Id,
        new: NewAnswer,
    ) -> Result<Recorded<Position>, Problem> {
        let statement: Statement = tx.look(statement)?;
        let reach = tx.reach.clone();
        let id = Position::identify(tx.conn, &reach, statement.meta.id, stakeholder)?;
        aligned(&statement, "statement.answer")?;
        let mut position: Position = tx.current(id, Seen(new.on_revision))?;
        position.state = PositionState::Answered;
        position.answer = Some(Answer { text: new.text, at: tx.now, account_id: reach.account });
        position.stale = None;
        tx.change(position, None)
    }
}

/// Positions are taken and answered while the statement is being aligned or is proposed.
fn aligned(statement: &Statement, action: &'static str) -> Result<(), Problem> {
    match Statement::possible(Action::TakePosition, statement.state()) {
        true => Ok(()),
        false => Err(Problem::WrongState { action, state: statement.state().into() }),
    }
}
