//! All that is kept of one person, for that person, or for an admin who sends it to them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    Terms,
    register::{DataKind, Entry, InBoth, LegalBasis, REGISTER},
    requests::DataRequest,
};
use crate::{
    access::{self, Ledger, Reach},
    accounts::{Account, fold},
    db::{AnyConnection, At, Id, types, types::instant_text},
    problem::Problem,
    schema::{
        account_passwords, account_people, attendance_people, attendance_revisions, invitation_people, ledger_rows,
        mails, membership_revisions, one_time_tokens, personal_data_reads, personal_data_request_revisions, programs,
        sign_ins, stored_replies,
    },
    versioned::{self, Resource, Stored, Versioned},
};

/// Of what there can be much of, the newest.
const NEWEST: i64 = 1_000;

/// What the service keeps of somebody.
#[derive(Serialize, ToSchema)]
pub struct PersonalData {
    pub account_id: Id,
    #[serde(serialize_with = "types::serialize_instant")]
    pub made_at: DateTime<Utc>,
    pub notice: SeenNotice,
    /// Every kind of data that the service keeps of anybody, with what it keeps of this person.
    pub parts: Vec<PersonalDataPart>,
}

/// The privacy notice.
#[derive(Serialize, ToSchema)]
pub struct SeenNotice {
    /// The version that is shown now.
    #[schema(example = "1")]
    pub current: String,
    /// The version that they were shown when the password was last set by a token; null where that was before it was
    /// noted.
    pub shown: Option<String>,
    /// When.
    #[serde(serialize_with = "types::serialize_instant_if_any")]
    pub shown_at: Option<DateTime<Utc>>,
}

/// One kind of data: why and how long it is kept, and what there is.
#[derive(Serialize, ToSchema)]
pub struct PersonalDataPart {
    pub kind: DataKind,
    pub purpose: InBoth,
    /// What the operator rests on: a reading of article 20 of law 27/2022.
    pub legal_basis: LegalBasis,
    pub retention: InBoth,
    /// What there is of this person: of reads and of mails the newest thousand.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Value>,
}

/// Reads all that is kept of an account's person, at one moment.
pub fn read(
    conn: &mut AnyConnection,
    reach: &Reach,
    id: Id,
    terms: &Terms,
    made_at: DateTime<Utc>,
) -> Result<PersonalData, Problem> {
    if id != reach.account {
        reach.shown.note(access::Person::Account(id));
    }
    type Row = (String, String, Option<String>, Option<At>);
    let (email, name, shown, shown_at): Row = account_people::table
        .find(id)
        .select((
            account_people::email,
            account_people::name,
            account_people::notice_version,
            account_people::notice_at,
        ))
        .first(conn)
        .optional()?
        .ok_or(Problem::NotFound)?;
    let person = Person { id, email, name };
    let part = |entry: &Entry| {
        let items = person.items(conn, reach, entry.kind)?;
        let Entry { kind, purpose, retention, basis, .. } = *entry;
        Ok(PersonalDataPart { kind, purpose, legal_basis: basis, retention, items })
    };
    let parts = REGISTER.iter().map(part).collect::<Result<_, Problem>>()?;
    let notice = SeenNotice { current: terms.notice.clone(), shown, shown_at: shown_at.map(|At(at)| at) };
    Ok(PersonalData { account_id: id, made_at, notice, parts })
}

struct Person {
    id: Id,
    email: String,
    name: String,
}

fn when(at: At) -> String {
    instant_text(&at.0)
}

impl Person {
    fn items(&self, conn: &mut AnyConnection, reach: &Reach, kind: DataKind) -> Result<Vec<Value>, Problem> {
        match kind {
            DataKind::Account => self.account(conn, reach),
            DataKind::SignIns => Ok(self.sign_ins(conn)?),
            DataKind::Memberships => self.memberships(conn),
            DataKind::Invitations => Ok(self.invitations(conn)?),
            DataKind::Attendance => Ok(self.attendance(conn)?),
            DataKind::Mails => Ok(self.mails(conn)?),
            DataKind::StoredReplies => Ok(self.stored_replies(conn)?),
            DataKind::Record => Ok(self.record(conn)?),
            DataKind::Reads => Ok(self.reads(conn)?),
            DataKind::Requests => self.requests(conn, reach),
        }
    }

    fn account(&self, conn: &mut AnyConnection, reach: &Reach) -> Result<Vec<Value>, Problem> {
        let mut stored: Vec<Stored> = Account::open(conn, Ledger::PLATFORM, self.id)?.into_iter().collect();
        Account::complete(conn, reach, &mut stored)?;
        let mut items: Vec<Value> = parsed(stored)?;
        let set: Option<At> =
            account_passwords::table.find(self.id).select(account_passwords::set_at).first(conn).optional()?;
        let waiting: Vec<Option<String>> = one_time_tokens::table
            .filter(one_time_tokens::subject_id.eq(self.id))
            .filter(one_time_tokens::email.is_not_null())
            .select(one_time_tokens::email)
            .load(conn)?;
        if let Some(account) = items.first_mut().and_then(Value::as_object_mut) {
            account.insert("password_set_at".into(), json!(set.map(when)));
            account.insert("addresses_asked_for".into(), json!(waiting));
        }
        Ok(items)
    }

    fn sign_ins(&self, conn: &mut AnyConnection) -> QueryResult<Vec<Value>> {
        type Row = (Id, At, At, Option<At>, Option<String>, Option<String>);
        let rows: Vec<Row> = sign_ins::table
            .filter(sign_ins::account_id.eq(self.id))
            .order(sign_ins::id)
            .select((
                sign_ins::id,
                sign_ins::made_at,
                sign_ins::rotated_at,
                sign_ins::ended_at,
                sign_ins::address,
                sign_ins::user_agent,
            ))
            .load(conn)?;
        let told = rows.into_iter().map(|(id, made, used, ended, address, user_agent)| {
            json!({"id": id, "made_at": when(made), "last_used_at": when(used), "ended_at": ended.map(when),
                "address": address, "user_agent": user_agent})
        });
        Ok(told.collect())
    }

    fn memberships(&self, conn: &mut AnyConnection) -> Result<Vec<Value>, Problem> {
        use membership_revisions as t;
        let open = t::table.filter(t::account_id.eq(self.id)).filter(t::seq_to.is_null());
        let rows: Vec<(String, String)> = open
            .inner_join(programs::table.on(programs::id.eq(t::ledger_id)))
            .order((programs::slug, t::subject_id))
            .select((programs::slug, t::body))
            .load(conn)?;
        let told = rows.into_iter().map(|(program, body)| {
            let mut membership: Map<String, Value> = versioned::parse(&body)?;
            membership.insert("program".into(), program.into());
            Ok(Value::Object(membership))
        });
        told.collect()
    }

    fn invitations(&self, conn: &mut AnyConnection) -> QueryResult<Vec<Value>> {
        use invitation_people as t;
        let sent = t::table.filter(t::email_folded.eq(fold(&self.email))).order(t::invitation_id);
        let rows: Vec<(Id, String, Option<At>)> = sent.select((t::invitation_id, t::email, t::forget_at)).load(conn)?;
        let told = rows
            .into_iter()
            .map(|(id, email, forget)| json!({"invitation_id": id, "email": email, "forgotten_at": forget.map(when)}));
        Ok(told.collect())
    }

    /// Lists that name the account, and those that name the person by their address.
    fn attendance(&self, conn: &mut AnyConnection) -> QueryResult<Vec<Value>> {
        use attendance_people as t;
        type Row = (Id, Id, Option<Id>, String, Option<String>, Option<String>);
        let rows: Vec<Row> =
            t::table
                .inner_join(attendance_revisions::table.on(
                    attendance_revisions::subject_id.eq(t::attendance_id).and(attendance_revisions::seq_to.is_null()),
                ))
                .filter(t::account_id.eq(self.id).or(t::contact.is_not_null()))
                .order((t::attendance_id, t::number))
                .select((
                    attendance_revisions::event_id,
                    attendance_revisions::stakeholder_id,
                    t::account_id,
                    t::name,
                    t::position,
                    t::contact,
                ))
                .load(conn)?;
        let theirs = rows.into_iter().filter(|(_, _, account, _, _, contact)| {
            *account == Some(self.id) || contact.as_deref().is_some_and(|contact| fold(contact) == fold(&self.email))
        });
        let told = theirs.map(|(event, stakeholder, account, name, position, contact)| {
            let name = if account.is_some() { &self.name } else { &name };
            json!({"event_id": event, "stakeholder_id": stakeholder, "name": name, "position": position,
                "contact": contact})
        });
        Ok(told.collect())
    }

    fn mails(&self, conn: &mut AnyConnection) -> QueryResult<Vec<Value>> {
        use mails as t;
        type Row = (Id, String, String, Option<String>, At, Option<At>);
        let rows: Vec<Row> = t::table
            .filter(t::account_id.eq(self.id))
            .order(t::id.desc())
            .limit(NEWEST)
            .select((t::id, t::kind, t::state, t::recipient, t::made_at, t::ended_at))
            .load(conn)?;
        let told = rows.into_iter().map(|(id, kind, state, recipient, made, ended)| {
            json!({"id": id, "kind": kind, "state": state, "recipient": recipient, "made_at": when(made),
                "ended_at": ended.map(when)})
        });
        Ok(told.collect())
    }

    fn stored_replies(&self, conn: &mut AnyConnection) -> QueryResult<Vec<Value>> {
        use stored_replies as t;
        let rows: Vec<(String, i32, At)> =
            t::table.filter(t::account_id.eq(self.id)).order(t::at).select((t::key, t::status, t::at)).load(conn)?;
        let told = rows.into_iter().map(|(key, status, at)| json!({"key": key, "status": status, "at": when(at)}));
        Ok(told.collect())
    }

    /// How much the person did, and when first and last, ledger by ledger.
    fn record(&self, conn: &mut AnyConnection) -> QueryResult<Vec<Value>> {
        use diesel::dsl::{count_star, max, min};
        use ledger_rows as t;
        type Row = (Id, i64, Option<At>, Option<At>);
        let rows: Vec<Row> = t::table
            .filter(t::account_id.eq(self.id))
            .group_by(t::ledger_id)
            .order(t::ledger_id)
            .select((t::ledger_id, count_star(), min(t::at), max(t::at)))
            .load(conn)?;
        let slugs: Vec<(Id, String)> = programs::table.select((programs::id, programs::slug)).load(conn)?;
        let told = rows.into_iter().map(|(ledger, rows, first, last)| {
            let program = slugs.iter().find(|(id, _)| *id == ledger).map(|(_, slug)| slug);
            json!({"program": program, "rows_count": rows, "first_at": first.map(when), "last_at": last.map(when)})
        });
        Ok(told.collect())
    }

    fn reads(&self, conn: &mut AnyConnection) -> QueryResult<Vec<Value>> {
        use personal_data_reads as t;
        let rows: Vec<(At, Id, String, Id)> = t::table
            .filter(t::person_id.eq(self.id).or(t::reader_id.eq(self.id)))
            .order(t::id.desc())
            .limit(NEWEST)
            .select((t::at, t::reader_id, t::operation, t::person_id))
            .load(conn)?;
        let told = rows
            .into_iter()
            .map(|(at, by, how, whom)| json!({"at": when(at), "reader_id": by, "operation": how, "person_id": whom}));
        Ok(told.collect())
    }

    fn requests(&self, conn: &mut AnyConnection, reach: &Reach) -> Result<Vec<Value>, Problem> {
        use personal_data_request_revisions as t;
        let open = t::table.filter(t::account_id.eq(self.id)).filter(t::seq_to.is_null()).order(t::subject_id);
        let mut rows: Vec<Stored> =
            open.select((t::subject_id, t::revision, t::seq_from, t::state, t::body)).load(conn)?;
        DataRequest::complete(conn, reach, &mut rows)?;
        parsed(rows)
    }
}

fn parsed(rows: Vec<Stored>) -> Result<Vec<Value>, Problem> {
    rows.iter().map(|row| versioned::parse(&row.body)).collect()
}
