use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::model::Event;
use crate::{
    access::{Listed, Person, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    keyset, listed,
    page::{AnyOf, Filter, Page},
    participants::Capacity,
    personal_data,
    policy::Action,
    problem::{FieldError, Problem},
    schema::{attendance_people, attendance_revisions, membership_revisions, participant_revisions},
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttendanceStatus {
    Invited,
    Confirmed,
    /// Another organisation spoke for it.
    Represented,
    Attended,
    /// It said that it could not come.
    Apologies,
}

impl AttendanceStatus {
    pub const fn name(self) -> &'static str {
        match self {
            AttendanceStatus::Invited => "invited",
            AttendanceStatus::Confirmed => "confirmed",
            AttendanceStatus::Represented => "represented",
            AttendanceStatus::Attended => "attended",
            AttendanceStatus::Apologies => "apologies",
        }
    }
}

/// What can be said of an organisation's attendance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttendanceContent {
    pub status: AttendanceStatus,
    pub capacity: Capacity,
    /// How many persons; null where nobody counted.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000)]
    pub head_count: Option<i32>,
    /// The organisation that spoke for it, where it was represented.
    #[serde(default)]
    pub represented_by_id: Option<Id>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// A person who attended. Kept apart as personal data: in no ledger, shown to those who run the event alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attendee {
    /// Required but for somebody who has an account: then they are called as that is, and what stands here is not kept.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// The account of a person who is or was a member of the programme.
    #[serde(default)]
    pub account_id: Option<Id>,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub position: Option<String>,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub contact: Option<String>,
}

impl Attendee {
    /// The name that is kept here: none of somebody who has an account.
    fn own_name(&self) -> &str {
        self.name.as_deref().filter(|_| self.account_id.is_none()).unwrap_or_default()
    }
}

/// What can be changed of an organisation's attendance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttendanceEdit {
    #[serde(flatten)]
    pub content: AttendanceContent,
    /// The persons, where somebody chose to say: all of them anew. Left out, they stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 500)]
    pub people: Option<Vec<Attendee>>,
}

impl AttendanceEdit {
    /// The persons that a merge patch leads to; `None` where it says nothing of them. Null takes them away, as it
    /// empties every member.
    fn patched_people(&mut self, patch: &Patch<AttendanceEdit>) -> Option<Vec<Attendee>> {
        let emptied = patch.value().get("people").is_some_and(Value::is_null);
        self.people.take().or(emptied.then(Vec::new))
    }
}

/// One organisation in a list of attendance.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct AttendanceEntry {
    /// A participant of the programme.
    pub stakeholder_id: Id,
    /// The revision that was seen; required where its attendance is recorded already.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub on_revision: Option<i32>,
    #[serde(flatten)]
    pub edit: AttendanceEdit,
}

/// The attendance of several organisations. Those that it leaves out keep what they have.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct AttendanceList {
    #[schema(min_items = 1, max_items = 500)]
    pub items: Vec<AttendanceEntry>,
}

/// An organisation's attendance at an event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Attendance {
    #[serde(flatten)]
    pub meta: Meta,
    pub event_id: Id,
    pub stakeholder_id: Id,
    #[serde(flatten)]
    pub content: AttendanceContent,
    /// With `expand=people`: the persons, for those who run the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanded: Option<Value>,
}

/// Which attendance to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttendanceFilter {
    /// Statuses, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<AttendanceStatus>>, min_items = 1, max_items = 100)]
    pub status: Option<AnyOf<AttendanceStatus>>,
}

impl Filter for AttendanceFilter {
    const SORTS: &'static [&'static str] = &["created_at"];
    const EXPANDS: &'static [&'static str] = Attendance::EXPANDS;
}

versioned!(
    Attendance as this,
    attendances,
    attendance_revisions {
        event_id: this.event_id,
        stakeholder_id: this.stakeholder_id,
        status: this.content.status.name()
    }
);

impl Resource for Attendance {
    const KIND: &'static str = "attendance";
    const PATH: &'static str = "programs/{program}/events/{id}";
    const EXPANDS: &'static [&'static str] = &["people"];
    const DONE_TO_IT: &'static [Action] = &[Action::RunEvent];

    fn state(&self) -> &str {
        "recorded"
    }

    fn path_id(&self) -> String {
        format!("{}/attendance/{}", self.event_id, self.stakeholder_id)
    }

    fn expand(
        conn: &mut AnyConnection,
        reach: &Reach,
        stored: &Stored,
        wanted: &[String],
    ) -> Result<Map<String, Value>, Problem> {
        let mut expanded = Map::new();
        if !wanted.is_empty() {
            if !reach.may(Action::RunEvent) {
                return Err(Problem::Forbidden { action: "event.run", on: reach.slug.to_string() });
            }
            expanded.insert("people".into(), json!(people(conn, reach, stored.id)?));
        }
        Ok(expanded)
    }
}

/// The persons of one organisation. Of those who may not be shown, there is the account's id alone.
fn people(conn: &mut AnyConnection, reach: &Reach, attendance: Id) -> Result<Vec<Attendee>, Problem> {
    use attendance_people as t;
    type Row = (String, Option<Id>, Option<String>, Option<String>);
    let rows: Vec<Row> = t::table
        .filter(t::attendance_id.eq(attendance))
        .order(t::number)
        .select((t::name, t::account_id, t::position, t::contact))
        .load(conn)?;
    let accounts: Vec<Id> = rows.iter().filter_map(|(_, account, ..)| *account).collect();
    if accounts.len() < rows.len() {
        reach.shown.note(Person::Attendance(attendance));
    }
    let known = personal_data::known(conn, reach, &accounts)?;
    let told = rows.into_iter().map(|(name, account_id, position, contact)| match account_id {
        None => Attendee { name: Some(name), account_id, position, contact },
        Some(account) => match known.get(&account).and_then(|known| known.name.clone()) {
            Some(name) => Attendee { name: Some(name), account_id, position, contact },
            None => Attendee { name: None, account_id, position: None, contact: None },
        },
    });
    Ok(told.collect())
}

/// Refuses persons who are named by neither a name nor an account, or by an account that never was a member here.
fn check_people(tx: &mut Tx<'_>, at: &str, people: &[Attendee]) -> Result<(), Problem> {
    use membership_revisions as held;
    let accounts: Vec<Id> = people.iter().filter_map(|person| person.account_id).collect();
    let members: Vec<Id> = held::table
        .filter(held::ledger_id.eq(tx.reach.ledger))
        .filter(held::account_id.eq_any(accounts))
        .select(held::account_id)
        .distinct()
        .load(tx.conn)?;
    let wrong = people.iter().enumerate().filter_map(|(number, person)| match (&person.name, person.account_id) {
        (Some(_), None) => None,
        (_, Some(account)) if members.contains(&account) => None,
        (_, Some(_)) => Some(FieldError::new(
            format!("{at}/people/{number}/account_id"),
            "not_found",
            "akun ini tidak pernah menjadi anggota program",
            "this account never was a member of the programme",
        )),
        (None, None) => Some(FieldError::new(
            format!("{at}/people/{number}/name"),
            "required",
            "sebutkan nama atau akunnya",
            "give a name or an account",
        )),
    });
    let wrong: Vec<FieldError> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(Problem::Invalid(wrong)) }
}

fn keep_people(tx: &mut Tx<'_>, attendance: Id, people: Option<Vec<Attendee>>) -> Result<(), Problem> {
    let Some(people) = people else { return Ok(()) };
    diesel::delete(attendance_people::table.filter(attendance_people::attendance_id.eq(attendance)))
        .execute(tx.conn)?;
    for (number, person) in people.iter().enumerate() {
        diesel::insert_into(attendance_people::table)
            .values((
                attendance_people::attendance_id.eq(attendance),
                attendance_people::number.eq(number as i32),
                attendance_people::name.eq(person.own_name()),
                attendance_people::account_id.eq(person.account_id),
                attendance_people::position.eq(&person.position),
                attendance_people::contact.eq(&person.contact),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

impl Attendance {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        event: &str,
        filter: &AttendanceFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        use crate::versioned::Versioned;
        let event = Event::identify(conn, reach.ledger, event)?;
        if Event::existing(conn, reach.ledger, &[event])?.is_empty() {
            return Err(Problem::NotFound);
        }
        let mut query =
            listed!(attendance_revisions, reach.ledger, at, &[]).filter(attendance_revisions::event_id.eq(event));
        if let Some(statuses) = &filter.status {
            query = query.filter(attendance_revisions::status.eq_any(statuses.0.iter().map(|status| status.name())));
        }
        let rows: Vec<Stored> = keyset!(query, page, attendance_revisions, subject_id as Id).load(conn)?;
        Ok(rows.into())
    }

    /// The id of an organisation's attendance.
    pub fn identify(conn: &mut AnyConnection, reach: &Reach, event: &str, stakeholder: Id) -> Result<Id, Problem> {
        let event = Event::identify(conn, reach.ledger, event)?;
        attendance_revisions::table
            .filter(attendance_revisions::event_id.eq(event))
            .filter(attendance_revisions::stakeholder_id.eq(stakeholder))
            .filter(attendance_revisions::ledger_id.eq(reach.ledger))
            .filter(attendance_revisions::seq_to.is_null())
            .select(attendance_revisions::subject_id)
            .first(conn)
            .optional()?
            .ok_or(Problem::NotFound)
    }

    /// Records the attendance of several organisations, all or none. Answers what stands against it as a list of
    /// conflicts, with the pointers of the entries.
    pub fn record(
        tx: &mut Tx<'_>,
        event: &Event,
        entries: Vec<AttendanceEntry>,
    ) -> Result<Recorded<Vec<Attendance>>, Problem> {
        let known = recorded(tx, event.meta.id)?;
        check(tx, &entries, &known)?;
        let conflicts: Vec<FieldError> = entries
            .iter()
            .enumerate()
            .filter_map(|(number, entry)| conflict(number, entry, known.get(&entry.stakeholder_id)))
            .collect();
        if !conflicts.is_empty() {
            return Err(Problem::OutcomeConflicts(conflicts));
        }
        let mut made = Vec::with_capacity(entries.len());
        for entry in entries {
            let attendance = match known.get(&entry.stakeholder_id) {
                Some(known) => {
                    let content = entry.edit.content;
                    tx.change(Attendance { content, ..known.clone() }, None)?
                }
                None => {
                    let new = Attendance {
                        meta: Meta::new(tx.now),
                        event_id: event.meta.id,
                        stakeholder_id: entry.stakeholder_id,
                        content: entry.edit.content,
                        expanded: None,
                    };
                    tx.create(new, None)?
                }
            };
            keep_people(tx, attendance.value().meta.id, entry.edit.people)?;
            made.push(attendance);
        }
        Ok(Recorded::all(made))
    }

    /// What is recorded of an event, in the order in which it was first recorded.
    pub fn whole(tx: &mut Tx<'_>, event: Id) -> Result<Vec<Attendance>, Problem> {
        let mut whole: Vec<Attendance> = recorded(tx, event)?.into_values().collect();
        whole.sort_unstable_by_key(|one| one.meta.id);
        Ok(whole)
    }

    /// Changes the attendance of one organisation.
    pub fn edit(
        tx: &mut Tx<'_>,
        event: &str,
        stakeholder: Id,
        seen: Seen,
        patch: Patch<AttendanceEdit>,
    ) -> Result<Recorded<Attendance>, Problem> {
        let reach = tx.reach.clone();
        let id = Attendance::identify(tx.conn, &reach, event, stakeholder)?;
        Event::running(tx, event)?;
        let mut attendance: Attendance = tx.current(id, seen)?;
        let mut edit: AttendanceEdit = patch.apply(&Tx::json(&attendance.content)?, &tx.schemas)?;
        check_content(tx, "", stakeholder, &edit.content, Some(&attendance))?;
        let people = edit.patched_people(&patch);
        check_people(tx, "", people.as_deref().unwrap_or_default())?;
        attendance.content = edit.content;
        keep_people(tx, id, people)?;
        tx.change(attendance, None)
    }
}

/// What is recorded of an event, by organisation.
fn recorded(tx: &mut Tx<'_>, event: Id) -> Result<BTreeMap<Id, Attendance>, Problem> {
    let bodies: Vec<String> = attendance_revisions::table
        .filter(attendance_revisions::event_id.eq(event))
        .filter(attendance_revisions::ledger_id.eq(tx.reach.ledger))
        .filter(attendance_revisions::seq_to.is_null())
        .select(attendance_revisions::body)
        .load(tx.conn)?;
    let read = |body: &String| serde_json::from_str::<Attendance>(body).map(|one| (one.stakeholder_id, one));
    bodies.iter().map(read).collect::<Result<_, _>>().map_err(Problem::internal)
}

fn conflict(number: usize, entry: &AttendanceEntry, known: Option<&Attendance>) -> Option<FieldError> {
    let pointer = format!("/items/{number}/on_revision");
    match (known.map(|known| known.meta.revision), entry.on_revision) {
        (Some(now), seen) if seen != Some(now) => Some(FieldError::new(
            pointer,
            "stale",
            format!("kehadiran organisasi ini sekarang pada revisi {now}"),
            format!("this organisation's attendance is now at revision {now}"),
        )),
        (None, Some(_)) => Some(FieldError::new(
            pointer,
            "not_found",
            "kehadiran organisasi ini belum dicatat",
            "this organisation's attendance is not recorded yet",
        )),
        _ => None,
    }
}

/// Who is recorded already stays correctable after it has left the programme: only who is new must take part.
fn check(tx: &mut Tx<'_>, entries: &[AttendanceEntry], known: &BTreeMap<Id, Attendance>) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    let twice: Vec<FieldError> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !seen.insert(entry.stakeholder_id))
        .map(|(number, _)| {
            let pointer = format!("/items/{number}/stakeholder_id");
            FieldError::new(pointer, "repeated", "disebut lebih dari sekali", "is named more than once")
        })
        .collect();
    if !twice.is_empty() {
        return Err(Problem::Invalid(twice));
    }
    let named: Vec<(String, Id)> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !known.contains_key(&entry.stakeholder_id))
        .map(|(number, entry)| (format!("/items/{number}/stakeholder_id"), entry.stakeholder_id))
        .collect();
    take_part(tx, &named)?;
    for (number, entry) in entries.iter().enumerate() {
        let before = known.get(&entry.stakeholder_id);
        let at = format!("/items/{number}");
        check_content(tx, &at, entry.stakeholder_id, &entry.edit.content, before)?;
        check_people(tx, &at, entry.edit.people.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

fn check_content(
    tx: &mut Tx<'_>,
    at: &str,
    stakeholder: Id,
    content: &AttendanceContent,
    before: Option<&Attendance>,
) -> Result<(), Problem> {
    let pointer = format!("{at}/represented_by_id");
    let represented = content.status == AttendanceStatus::Represented;
    match content.represented_by_id {
        Some(by) if represented && before.is_some_and(|before| before.content.represented_by_id == Some(by)) => Ok(()),
        Some(by) if represented && by != stakeholder => take_part(tx, &[(pointer, by)]),
        None if !represented => Ok(()),
        _ => Err(Problem::Invalid(vec![FieldError::new(
            pointer,
            "one_of",
            "sebutkan organisasi lain yang mewakili bila, dan hanya bila, statusnya represented",
            "name the other organisation that spoke for it if, and only if, the status is represented",
        )])),
    }
}

/// Refuses organisations that do not take part in the programme, each with the pointer of its place.
pub fn take_part(tx: &mut Tx<'_>, named: &[(String, Id)]) -> Result<(), Problem> {
    if named.is_empty() {
        return Ok(());
    }
    let known: Vec<Id> = participant_revisions::table
        .filter(participant_revisions::ledger_id.eq(tx.reach.ledger))
        .filter(participant_revisions::stakeholder_id.eq_any(named.iter().map(|(_, id)| *id)))
        .filter(participant_revisions::seq_to.is_null())
        .filter(participant_revisions::state.eq("active"))
        .select(participant_revisions::stakeholder_id)
        .load(tx.conn)?;
    let missing: Vec<FieldError> = named
        .iter()
        .filter(|(_, id)| !known.contains(id))
        .map(|(pointer, _)| {
            FieldError::new(
                pointer,
                "not_found",
                "organisasi ini tidak ikut serta dalam program",
                "this organisation does not take part in the programme",
            )
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Problem::Invalid(missing)) }
}
