//! What a person asks about their data, and until when it is to be done.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{Terms, restriction};
use crate::{
    access::{Listed, Person, Reach, Recorded, Tx},
    accounts::{Account, AccountState},
    db::{AnyConnection, At, Id, types},
    keyset, listed,
    page::{AnyOf, Filter, Page},
    policy::{Action, Role},
    problem::{FieldError, Problem},
    schema::{personal_data_request_notes as notes, personal_data_request_revisions as t},
    versioned,
    versioned::{Meta, Resource, Stored, Versioned, with_members},
};

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataRequestKind {
    /// To see what is kept, or to have a copy. `GET /api/v1/personal-data/me` gives it at once.
    Access,
    /// To have something corrected that one cannot change oneself.
    Correction,
    /// To be shown to nobody else. It holds from the request on.
    Restriction,
    /// To be shown again. It holds from the request on.
    Lifting,
    /// To take part no longer: memberships and sign-ins end, and the account is locked.
    Withdrawal,
    /// To be forgotten: nothing stays but an account's id.
    Erasure,
    /// That a decision about oneself be left to no machine. The service makes none.
    Objection,
}

impl DataRequestKind {
    pub const fn name(self) -> &'static str {
        match self {
            DataRequestKind::Access => "access",
            DataRequestKind::Correction => "correction",
            DataRequestKind::Restriction => "restriction",
            DataRequestKind::Lifting => "lifting",
            DataRequestKind::Withdrawal => "withdrawal",
            DataRequestKind::Erasure => "erasure",
            DataRequestKind::Objection => "objection",
        }
    }

    /// Within which time it is done: what the law says, else what the operator promises.
    fn within(self, terms: &Terms) -> TimeDelta {
        match self {
            DataRequestKind::Restriction | DataRequestKind::Withdrawal => BY_LAW,
            _ => terms.answer_within,
        }
    }
}

/// 3×24 hours (law 27/2022).
const BY_LAW: TimeDelta = TimeDelta::hours(72);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataRequestState {
    Received,
    Done,
    Refused,
}

impl DataRequestState {
    pub const fn name(self) -> &'static str {
        match self {
            DataRequestState::Received => "received",
            DataRequestState::Done => "done",
            DataRequestState::Refused => "refused",
        }
    }
}

/// A new request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewDataRequest {
    pub kind: DataRequestKind,
    /// Whose data it is about: your own where it is left out. Admins enter what somebody asked by another way.
    #[serde(default)]
    pub account_id: Option<Id>,
    /// What is asked, in your own words; for somebody else: how it came in. It is on no ledger.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
}

/// A request about personal data.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DataRequest {
    #[serde(flatten)]
    pub meta: Meta,
    /// Whose data it is about.
    pub account_id: Id,
    pub kind: DataRequestKind,
    pub state: DataRequestState,
    /// Who entered it: the person, or an admin.
    pub asked_by_id: Id,
    /// Until when it is to be done: 72 hours after it came in where the law says so, and otherwise what the operator
    /// promises.
    #[serde(serialize_with = "types::serialize_instant")]
    pub due_at: DateTime<Utc>,
    #[serde(default, serialize_with = "types::serialize_instant_if_any")]
    pub completed_at: Option<DateTime<Utc>>,
    /// What was asked, in words. Added when it is read, like `answer`: revisions hold no personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true)]
    pub note: Option<String>,
    /// What was answered, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true)]
    pub answer: Option<String>,
}

/// Which requests to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DataRequestFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<DataRequestState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<DataRequestState>>,
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<DataRequestKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<DataRequestKind>>,
    /// About this account's data.
    pub account_id: Option<Id>,
}

impl Filter for DataRequestFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
    // Each person sees their own, and words go with an erasure.
    const LIVE: bool = true;
}

versioned!(
    DataRequest as this,
    personal_data_requests,
    personal_data_request_revisions { account_id: this.account_id, kind: this.kind.name(), due_at: At(this.due_at) }
);

impl Resource for DataRequest {
    const KIND: &'static str = "personal_data_request";
    const PATH: &'static str = "personal-data/requests/{id}";
    const PLATFORM: bool = true;
    const DONE_TO_IT: &'static [Action] = &[Action::CompleteDataRequest];

    fn state(&self) -> &str {
        self.state.name()
    }

    fn possible(action: Action, state: &str) -> bool {
        action != Action::CompleteDataRequest || state == DataRequestState::Received.name()
    }

    /// Everybody sees their own, admins all.
    fn hidden_row(reach: &Reach, stored: &Stored) -> bool {
        #[derive(Deserialize)]
        struct Owned {
            account_id: Id,
        }
        let owner = serde_json::from_str::<Owned>(&stored.body).ok().map(|owned| owned.account_id);
        !reach.roles.has(Role::Admin) && owner != Some(reach.account)
    }

    fn complete(conn: &mut AnyConnection, reach: &Reach, rows: &mut [Stored]) -> Result<(), Problem> {
        type Row = (Id, Id, Option<String>, Option<String>);
        let said: Vec<Row> = notes::table
            .inner_join(t::table.on(t::subject_id.eq(notes::request_id).and(t::seq_to.is_null())))
            .filter(notes::request_id.eq_any(rows.iter().map(|row| row.id).collect::<Vec<_>>()))
            .select((notes::request_id, t::account_id, notes::note, notes::answer))
            .load(conn)?;
        for row in rows {
            let known = said.iter().find(|(id, ..)| *id == row.id);
            let (note, answer) = known.map_or((None, None), |(_, _, note, answer)| (note.as_ref(), answer.as_ref()));
            if let (Some((_, account, ..)), true) = (known, note.is_some() || answer.is_some())
                && *account != reach.account
            {
                reach.shown.note(Person::Account(*account));
            }
            row.body = with_members(&row.body, &format!("\"note\":{},\"answer\":{}", json!(note), json!(answer)));
        }
        Ok(())
    }
}

impl DataRequest {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &DataRequestFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(personal_data_request_revisions, reach.ledger, at, &[]);
        if !reach.roles.has(Role::Admin) {
            query = query.filter(t::account_id.eq(reach.account));
        }
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(kinds) = &filter.kind {
            query = query.filter(t::kind.eq_any(kinds.0.iter().map(|kind| kind.name())));
        }
        if let Some(account) = filter.account_id {
            query = query.filter(t::account_id.eq(account));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, personal_data_request_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, personal_data_request_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Takes a request in. What concerns how somebody is shown holds at once.
    pub fn ask(tx: &mut Tx<'_>, new: NewDataRequest, terms: &Terms) -> Result<Recorded<DataRequest>, Problem> {
        let account = about(tx, &new)?;
        let open: i64 = t::table
            .filter(t::account_id.eq(account))
            .filter(t::kind.eq(new.kind.name()))
            .filter(t::seq_to.is_null())
            .filter(t::state.eq(DataRequestState::Received.name()))
            .count()
            .get_result(tx.conn)?;
        if open > 0 {
            return Err(Problem::Taken(FieldError::new(
                "/kind",
                "open",
                "permintaan seperti ini sudah masuk dan belum dijawab",
                "there is such a request already, which is not answered yet",
            )));
        }
        match new.kind {
            DataRequestKind::Restriction => drop(restriction::begin(tx, account)?),
            DataRequestKind::Lifting => drop(restriction::lift(tx, account)?),
            _ => {}
        }
        let request = DataRequest {
            meta: Meta::new(tx.now),
            account_id: account,
            kind: new.kind,
            state: DataRequestState::Received,
            asked_by_id: tx.reach.account,
            due_at: tx.now + new.kind.within(terms),
            completed_at: None,
            note: None,
            answer: None,
        };
        let id = request.meta.id;
        let asked = tx.create(request, None)?;
        diesel::insert_into(notes::table)
            .values((notes::request_id.eq(id), notes::note.eq(new.note)))
            .execute(tx.conn)?;
        Ok(asked)
    }
}

/// Whose data a new request is about.
fn about(tx: &mut Tx<'_>, new: &NewDataRequest) -> Result<Id, Problem> {
    let own = tx.reach.account;
    let account = new.account_id.unwrap_or(own);
    if account == own {
        return Ok(own);
    }
    if !tx.reach.roles.has(Role::Admin) {
        return Err(Problem::Forbidden { action: Action::CompleteDataRequest.name(), on: String::new() });
    }
    tx.must_exist::<Account>(&[("/account_id".into(), account)])?;
    if new.note.is_none() {
        return Err(Problem::Invalid(vec![FieldError::new(
            "/note",
            "required",
            "sebutkan bagaimana permintaan ini diterima",
            "say how the request came in",
        )]));
    }
    let known: Account = tx.look(account)?;
    match known.state {
        AccountState::Erased => Err(Problem::WrongState { action: tx.act(), state: known.state.name().into() }),
        _ => Ok(account),
    }
}

/// What a mail tells of a request: what was asked, what came of it, and what was answered in words.
pub fn told_of(conn: &mut AnyConnection, id: Id) -> Result<Option<(DataRequest, Option<String>)>, Problem> {
    let Some(stored) = DataRequest::open(conn, crate::access::Ledger::PLATFORM, id)? else { return Ok(None) };
    let request = versioned::parse(&stored.body)?;
    let answer: Option<Option<String>> = notes::table.find(id).select(notes::answer).first(conn).optional()?;
    Ok(Some((request, answer.flatten())))
}
