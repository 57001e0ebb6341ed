use chrono::{Months, NaiveDate};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Ledger, Listed, Reach, Recorded, Seen, Tx},
    accounts::{Account, AccountState},
    db::{AnyConnection, Backend, Id},
    documents::Document,
    facts::check_days,
    keyset, listed,
    page::{AnyOf, Filter, Page},
    personal_data,
    policy::{Action, Role, beyond},
    problem::{FieldError, Problem},
    reason::Reason,
    schema::{account_revisions, membership_revisions},
    stakeholders::Stakeholder,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored, Versioned},
};

/// The roles that a membership can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// The Chief Resilience Officer.
    Lead,
    Secretariat,
    Facilitator,
    Agency,
    Partner,
    Observer,
}

impl MemberRole {
    pub const fn role(self) -> Role {
        match self {
            MemberRole::Lead => Role::Lead,
            MemberRole::Secretariat => Role::Secretariat,
            MemberRole::Facilitator => Role::Facilitator,
            MemberRole::Agency => Role::Agency,
            MemberRole::Partner => Role::Partner,
            MemberRole::Observer => Role::Observer,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MembershipState {
    Active,
    Ended,
}

/// What can be edited of a membership.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MembershipContent {
    /// The first day.
    pub from_on: NaiveDate,
    /// The last day; null: until it is ended.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
    /// Held in somebody's place.
    #[serde(default)]
    pub acting: bool,
    /// The document by virtue of which it is held.
    #[serde(default)]
    pub document_id: Option<Id>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// A new membership: the account by its id or by its e-mail address.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewMembership {
    #[serde(default)]
    pub account_id: Option<Id>,
    #[serde(default)]
    #[schema(max_length = 254, format = Email)]
    pub account_email: Option<String>,
    /// The organisation that the account acts for.
    pub stakeholder_id: Id,
    pub role: MemberRole,
    #[serde(flatten)]
    pub content: MembershipContent,
}

/// A role of an account in a programme, for an organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    #[serde(flatten)]
    pub meta: Meta,
    pub account_id: Id,
    pub stakeholder_id: Id,
    pub role: MemberRole,
    #[serde(flatten)]
    pub content: MembershipContent,
    pub state: MembershipState,
    /// The day on which somebody last said that it is still right; null: nobody since it was granted.
    #[serde(default)]
    pub confirmed_on: Option<NaiveDate>,
    /// The day on which it was told that it is due for a confirmation, where nobody gave one since.
    #[serde(default)]
    pub due_told_on: Option<NaiveDate>,
    /// With `expand=account,stakeholder`: the account's name, the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanded: Option<Value>,
}

/// The last day of a membership, and why it ends.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct MembershipEnd {
    /// In the programme's time zone; yesterday where it is left out, so that it ends at once.
    #[serde(default)]
    pub on: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// Which memberships to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MembershipFilter {
    /// Roles, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MemberRole>>, min_items = 1, max_items = 100)]
    pub role: Option<AnyOf<MemberRole>>,
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MembershipState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<MembershipState>>,
    /// Of this account.
    pub account_id: Option<Id>,
    /// For this organisation.
    pub stakeholder_id: Option<Id>,
    /// Held on this day.
    pub held_on: Option<NaiveDate>,
}

impl Filter for MembershipFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
    const EXPANDS: &'static [&'static str] = Membership::EXPANDS;
}

versioned!(
    Membership as this,
    memberships,
    membership_revisions {
        account_id: this.account_id,
        stakeholder_id: this.stakeholder_id,
        role: this.role.role().name(),
        from_on: this.content.from_on,
        until_on: this.content.until_on,
    }
);

impl Resource for Membership {
    const KIND: &'static str = "membership";
    const PATH: &'static str = "programs/{program}/memberships/{id}";
    const EXPANDS: &'static [&'static str] = &["account", "stakeholder"];

    fn state(&self) -> &str {
        match self.state {
            MembershipState::Active => "active",
            MembershipState::Ended => "ended",
        }
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::EditMembership | Action::EndMembership | Action::ConfirmMembership => state == "active",
            Action::GrantMembership => false,
            _ => true,
        }
    }

    fn expand(
        conn: &mut AnyConnection,
        reach: &Reach,
        stored: &Stored,
        wanted: &[String],
    ) -> Result<Map<String, Value>, Problem> {
        let mut expanded = Map::new();
        if wanted.is_empty() {
            return Ok(expanded);
        }
        let membership: Membership = versioned::parse(&stored.body)?;
        if wanted.iter().any(|name| name == "account") {
            let mut known = personal_data::known(conn, reach, &[membership.account_id])?;
            let name = known.remove(&membership.account_id).and_then(|known| known.name);
            expanded.insert("account".into(), json!({"id": membership.account_id, "name": name}));
        }
        if wanted.iter().any(|name| name == "stakeholder") {
            let organisation = Stakeholder::open(conn, Ledger::PLATFORM, membership.stakeholder_id)?;
            let body = organisation.map(|stored| versioned::parse(&stored.body)).transpose()?;
            expanded.insert("stakeholder".into(), body.unwrap_or(Value::Null));
        }
        Ok(expanded)
    }
}

impl Membership {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &MembershipFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(membership_revisions, reach.ledger, at, &[]);
        if let Some(roles) = &filter.role {
            let names: Vec<&str> = roles.0.iter().map(|role| role.role().name()).collect();
            query = query.filter(membership_revisions::role.eq_any(names));
        }
        if let Some(states) = &filter.state {
            let names: Vec<&str> = states
                .0
                .iter()
                .map(|state| if *state == MembershipState::Active { "active" } else { "ended" })
                .collect();
            query = query.filter(membership_revisions::state.eq_any(names));
        }
        if let Some(account) = filter.account_id {
            query = query.filter(membership_revisions::account_id.eq(account));
        }
        if let Some(stakeholder) = filter.stakeholder_id {
            query = query.filter(membership_revisions::stakeholder_id.eq(stakeholder));
        }
        if let Some(day) = filter.held_on {
            query = query
                .filter(membership_revisions::from_on.le(day))
                .filter(membership_revisions::until_on.is_null().or(membership_revisions::until_on.ge(day)));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, membership_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, membership_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Gives an account a role.
    pub fn grant(tx: &mut Tx<'_>, new: NewMembership) -> Result<Recorded<Membership>, Problem> {
        within(tx, new.role.role())?;
        let account_id = match (new.account_id, &new.account_email) {
            (Some(id), None) => {
                tx.must_exist::<Account>(&[("/account_id".into(), id)])?;
                not_erased(tx, id)?;
                id
            }
            (None, Some(email)) => Account::by_email(tx.conn, email)?.ok_or_else(|| {
                Problem::Invalid(vec![FieldError::new(
                    "/account_email",
                    "not_found",
                    "tidak ada akun dengan alamat ini",
                    "there is no account with this address",
                )])
            })?,
            _ => {
                return Err(Problem::Invalid(vec![FieldError::new(
                    "/account_id",
                    "one_of",
                    "sebutkan tepat satu dari account_id dan account_email",
                    "give exactly one of account_id and account_email",
                )]));
            }
        };
        Stakeholder::must_act(tx, &[("/stakeholder_id".into(), new.stakeholder_id)])?;
        check(tx, &new.content)?;
        let same: i64 = membership_revisions::table
            .filter(membership_revisions::ledger_id.eq(tx.reach.ledger))
            .filter(membership_revisions::account_id.eq(account_id))
            .filter(membership_revisions::stakeholder_id.eq(new.stakeholder_id))
            .filter(membership_revisions::role.eq(new.role.role().name()))
            .filter(membership_revisions::state.eq("active"))
            .filter(membership_revisions::seq_to.is_null())
            .count()
            .get_result(tx.conn)?;
        if same > 0 {
            return Err(Problem::Taken(FieldError::new(
                "/role",
                "taken",
                "akun ini sudah memegang peran itu untuk organisasi ini",
                "the account holds this role for this organisation already",
            )));
        }
        let membership = Membership {
            meta: Meta::new(tx.now),
            account_id,
            stakeholder_id: new.stakeholder_id,
            role: new.role,
            content: new.content,
            state: MembershipState::Active,
            confirmed_on: None,
            due_told_on: None,
            expanded: None,
        };
        tx.create(membership, None)
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<MembershipContent>,
    ) -> Result<Recorded<Membership>, Problem> {
        let mut membership: Membership = tx.current(id, seen)?;
        within(tx, membership.role.role())?;
        let stayed = stays(&membership.content, tx.today());
        membership.content = patch.apply(&Tx::json(&membership.content)?, &tx.schemas)?;
        check(tx, &membership.content)?;
        if membership.role == MemberRole::Lead && stayed && !stays(&membership.content, tx.today()) {
            keep_a_lead_without(tx, id)?;
        }
        tx.change(membership, None)
    }

    /// Ends it, at once or on a day.
    pub fn end(tx: &mut Tx<'_>, id: Id, seen: Seen, end: MembershipEnd) -> Result<Recorded<Membership>, Problem> {
        let mut membership: Membership = tx.current(id, seen)?;
        within(tx, membership.role.role())?;
        if membership.role == MemberRole::Lead {
            keep_a_lead_without(tx, id)?;
        }
        match end.on.filter(|on| *on >= tx.today()) {
            // It holds until then; the day ends it by itself.
            Some(on) => membership.content.until_on = Some(on),
            None => {
                membership.cease(tx.today());
                if let Some(on) = end.on {
                    membership.content.until_on = Some(on.max(membership.content.from_on));
                }
            }
        }
        check_days("/on", Some(membership.content.from_on), membership.content.until_on)?;
        tx.change(membership, Some(&end.reason))
    }
}

/// Months without a confirmation after which a membership is due for one, and from when that was told to its end.
const DUE_AFTER: Months = Months::new(12);
const ENDS_AFTER: Months = Months::new(1);

impl Membership {
    /// Says that it is still right. Nobody says so of their own.
    pub fn confirm(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Membership>, Problem> {
        let mut membership: Membership = tx.current(id, seen)?;
        within(tx, membership.role.role())?;
        if membership.account_id == tx.reach.account {
            return Err(Problem::Conflict(FieldError::new(
                "",
                "own_membership",
                "keanggotaan sendiri dikonfirmasi oleh orang lain",
                "your own membership is confirmed by somebody else",
            )));
        }
        membership.confirmed_on = Some(tx.today());
        membership.due_told_on = None;
        tx.change(membership, Some(&why.reason))
    }

    /// The day since which it can be relied on: its beginning, or its last confirmation.
    fn relied_on_since(&self) -> NaiveDate {
        let begun = self.content.from_on.max(self.meta.created_at.date_naive());
        self.confirmed_on.map_or(begun, |on| on.max(begun))
    }

    /// The day from which it is due for a confirmation.
    pub fn due_on(&self) -> NaiveDate {
        self.relied_on_since().checked_add_months(DUE_AFTER).unwrap_or(NaiveDate::MAX)
    }

    /// The day on which the service ends it, as it looks on this day, if nobody confirms it before: a month after it was told
    /// to be due. So nothing ends unannounced, however long the service did not run.
    pub fn ends_unconfirmed_on(&self, day: NaiveDate) -> NaiveDate {
        let told = self.due_told_on.unwrap_or_else(|| self.due_on().max(day));
        told.checked_add_months(ENDS_AFTER).unwrap_or(NaiveDate::MAX)
    }

    /// Whether it holds on a day in its programme.
    pub fn holds(&self, day: NaiveDate) -> bool {
        let until = self.content.until_on;
        self.state == MembershipState::Active && self.content.from_on <= day && until.is_none_or(|until| day <= until)
    }

    /// Ends it at once, today being `today` in its programme.
    pub fn cease(&mut self, today: NaiveDate) {
        let yesterday = today.pred_opt().unwrap_or(today);
        self.content.until_on = Some(yesterday.max(self.content.from_on));
        self.state = MembershipState::Ended;
    }
}

/// Whether it is held today and from then on.
fn stays(content: &MembershipContent, today: NaiveDate) -> bool {
    content.from_on <= today && content.until_on.is_none()
}

/// Nobody is left who could take part by the account of a person who was erased.
fn not_erased(tx: &mut Tx<'_>, account: Id) -> Result<(), Problem> {
    if tx.look::<Account>(account)?.state != AccountState::Erased {
        return Ok(());
    }
    Err(Problem::Invalid(vec![FieldError::new(
        "/account_id",
        "erased",
        "pemilik akun ini sudah dihapus",
        "the owner of this account was erased",
    )]))
}

/// Nobody grants, extends or ends more than they have.
fn within(tx: &Tx<'_>, role: Role) -> Result<(), Problem> {
    let missing = beyond(tx.reach.roles, role);
    if missing.is_empty() { Ok(()) } else { Err(Problem::CannotGrant(missing)) }
}

/// Keeps a lead beside this membership; meanwhile nobody's account can be locked.
fn keep_a_lead_without(tx: &mut Tx<'_>, id: Id) -> Result<(), Problem> {
    tx.hold::<Account>()?;
    keep_a_lead(tx.conn, tx.reach.ledger, &[id], tx.today())
}

/// Refuses a change after which a programme has no lead, today and from then on, whose account is neither locked nor about to end.
pub fn keep_a_lead(conn: &mut AnyConnection, program: Id, without: &[Id], today: NaiveDate) -> Result<(), Problem> {
    let others: i64 = membership_revisions::table
        .inner_join(account_revisions::table.on(
            account_revisions::subject_id.eq(membership_revisions::account_id).and(account_revisions::seq_to.is_null()),
        ))
        .filter(account_revisions::state.ne_all(["locked", "erased"]))
        .filter(account_revisions::expires_on.is_null())
        .filter(membership_revisions::ledger_id.eq(program))
        .filter(membership_revisions::role.eq("lead"))
        .filter(membership_revisions::state.eq("active"))
        .filter(membership_revisions::seq_to.is_null())
        .filter(membership_revisions::from_on.le(today))
        .filter(membership_revisions::until_on.is_null())
        .filter(membership_revisions::subject_id.ne_all(without.iter().copied()))
        .count()
        .get_result(conn)?;
    if others > 0 { Ok(()) } else { Err(Problem::LastHolder("lead")) }
}

fn check(tx: &mut Tx<'_>, content: &MembershipContent) -> Result<(), Problem> {
    check_days("/until_on", Some(content.from_on), content.until_on)?;
    let by: Vec<(String, Id)> = content.document_id.iter().map(|id| ("/document_id".to_owned(), *id)).collect();
    tx.must_exist::<Document>(&by)
}

impl Membership {
    /// The roles that hold on a day for an organisation, of one account or of anybody.
    pub fn roles(
        conn: &mut AnyConnection,
        program: Id,
        stakeholder: Id,
        account: Option<Id>,
        day: NaiveDate,
    ) -> Result<Vec<Role>, Problem> {
        use membership_revisions as t;
        let mut query = t::table
            .filter(t::ledger_id.eq(program))
            .filter(t::stakeholder_id.eq(stakeholder))
            .filter(t::seq_to.is_null())
            .filter(t::state.eq("active"))
            .filter(t::from_on.le(day))
            .filter(t::until_on.is_null().or(t::until_on.ge(day)))
            .select(t::role)
            .into_boxed::<Backend>();
        if let Some(account) = account {
            query = query.filter(t::account_id.eq(account));
        }
        let names: Vec<String> = query.load(conn)?;
        Ok(names.iter().filter_map(|name| Role::named(name)).collect())
    }
}
