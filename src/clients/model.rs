use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::keys::{self, ClientKey};
use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    keyset, listed,
    memberships::MemberRole,
    page::{AnyOf, Filter, Page},
    policy::{Action, Actions, OVERSEERS, beyond},
    problem::{FieldError, Problem},
    proxies::network_named,
    reason::Reason,
    schema::{accounts, client_revisions},
    stakeholders::Stakeholder,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientState {
    Active,
    Revoked,
}

impl ClientState {
    pub const fn name(self) -> &'static str {
        match self {
            ClientState::Active => "active",
            ClientState::Revoked => "revoked",
        }
    }
}

/// The name of an action.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 100, example = "input.send")]
#[expect(dead_code, reason = "describes what a string is")]
pub struct ScopeName(String);

/// An IP address, or a network in CIDR notation.
#[derive(ToSchema)]
#[schema(min_length = 2, max_length = 64, example = "203.0.113.0/24")]
#[expect(dead_code, reason = "describes what a string is")]
pub struct AllowedAddress(String);

/// What can be edited of a client.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClientContent {
    /// Which system it is.
    #[schema(min_length = 1, max_length = 120, example = "Sistem pelaporan banjir BPBD")]
    pub name: String,
    /// What it does here.
    #[schema(min_length = 1, max_length = 2000)]
    pub purpose: String,
    /// The actions that it may do: names of the access matrix, of those that its role has.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<ScopeName>)]
    pub scopes: Vec<String>,
    /// The last day, in the programme's time zone. How far off it may be depends on the role: 180 days for `lead`,
    /// `secretariat` and `facilitator`, 366 for `agency` and `partner`, 731 for `observer`.
    pub expires_on: NaiveDate,
    /// Addresses or networks (`203.0.113.0/24`) that it may call from; none: from anywhere.
    #[serde(default)]
    #[schema(max_items = 20, value_type = Vec<AllowedAddress>)]
    pub allowed_addresses: Vec<String>,
}

/// A new client.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewClient {
    /// The organisation that it acts for; your own where it is left out. Only the lead and the secretariat make clients
    /// for others.
    #[serde(default)]
    pub stakeholder_id: Option<Id>,
    pub role: MemberRole,
    #[serde(flatten)]
    pub content: ClientContent,
}

/// A machine's credentials.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Client {
    #[serde(flatten)]
    pub meta: Meta,
    pub stakeholder_id: Id,
    pub role: MemberRole,
    #[serde(flatten)]
    pub content: ClientContent,
    pub state: ClientState,
    /// Its live keys: two at most.
    pub keys: Vec<ClientKey>,
    /// So many days before its end it was last told of: 30, then 7, then 1.
    #[serde(default)]
    pub expiry_told_days: Option<i64>,
}

/// Which clients to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClientFilter {
    /// Of this organisation.
    pub stakeholder_id: Option<Id>,
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<ClientState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<ClientState>>,
    /// That end before this day.
    #[serde(rename = "expires_on.lt")]
    pub expires_before: Option<NaiveDate>,
}

impl Filter for ClientFilter {
    const SORTS: &'static [&'static str] = &["created_at", "expires_on", "updated_at"];
    const LIVE: bool = true;
}

versioned!(
    Client as this,
    clients,
    client_revisions {
        stakeholder_id: this.stakeholder_id,
        role: this.role.role().name(),
        expires_on: this.content.expires_on,
    }
);

impl Resource for Client {
    const KIND: &'static str = "client";
    const PATH: &'static str = "programs/{program}/clients/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::ReadClient => true,
            Action::MakeClient => false,
            _ => state == ClientState::Active.name(),
        }
    }

    /// Organisations see their own.
    fn hidden_row(reach: &Reach, stored: &Stored) -> bool {
        !OVERSEERS.meets(reach.roles) && stored.owner().is_none_or(|owner| reach.stakeholder != Some(owner))
    }

    fn complete(conn: &mut AnyConnection, _reach: &Reach, rows: &mut [Stored]) -> Result<(), Problem> {
        keys::tell_last_use(conn, rows)
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        Ok(match sort {
            "updated_at" => json!(stored.seq_from),
            "expires_on" => {
                let client: Client = versioned::parse(&stored.body)?;
                json!(client.content.expires_on)
            }
            _ => json!(stored.id),
        })
    }
}

/// How many days off its end may be.
const fn longest(role: MemberRole) -> u64 {
    match role {
        MemberRole::Lead | MemberRole::Secretariat | MemberRole::Facilitator => 180,
        MemberRole::Agency | MemberRole::Partner => 366,
        MemberRole::Observer => 731,
    }
}

impl Client {
    /// What it may do, beside its role.
    pub fn scopes(&self) -> Actions {
        let given = self.content.scopes.iter().filter_map(|name| Action::named(name));
        given.fold(Actions::OF_ANY_CLIENT, Actions::with)
    }

    /// Where it may call from.
    pub fn networks(&self) -> Vec<IpNet> {
        self.content.allowed_addresses.iter().filter_map(|text| network_named(text)).collect()
    }

    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &ClientFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        use client_revisions as t;
        let mut query = listed!(client_revisions, reach.ledger, at, &[]);
        if !OVERSEERS.meets(reach.roles) {
            query = query.filter(t::stakeholder_id.eq(reach.stakeholder.unwrap_or_default()));
        }
        if let Some(organisation) = filter.stakeholder_id {
            query = query.filter(t::stakeholder_id.eq(organisation));
        }
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(day) = filter.expires_before {
            query = query.filter(t::expires_on.lt(day));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, client_revisions, seq_from as i64).load(conn)?,
            "expires_on" => keyset!(query, page, client_revisions, expires_on as NaiveDate).load(conn)?,
            _ => keyset!(query, page, client_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Makes a client. It has no key yet.
    pub fn make(tx: &mut Tx<'_>, new: NewClient) -> Result<Recorded<Client>, Problem> {
        let stakeholder_id = new.stakeholder_id.or(tx.reach.stakeholder).ok_or(Problem::NotOwnOrganization)?;
        if !OVERSEERS.meets(tx.reach.roles) && tx.reach.stakeholder != Some(stakeholder_id) {
            return Err(Problem::NotOwnOrganization);
        }
        Stakeholder::must_act(tx, &[("/stakeholder_id".into(), stakeholder_id)])?;
        let client = Client {
            meta: Meta::new(tx.now),
            stakeholder_id,
            role: new.role,
            content: new.content,
            state: ClientState::Active,
            keys: Vec::new(),
            expiry_told_days: None,
        };
        client.check(tx)?;
        client.within(tx)?;
        diesel::insert_into(accounts::table)
            .values((accounts::id.eq(client.meta.id), accounts::ledger_id.eq(tx.reach.ledger)))
            .execute(tx.conn)?;
        tx.create(client, None)
    }

    pub fn edit(tx: &mut Tx<'_>, id: Id, seen: Seen, patch: Patch<ClientContent>) -> Result<Recorded<Client>, Problem> {
        let mut client: Client = tx.current(id, seen)?;
        let longer = client.content.expires_on;
        client.within(tx)?;
        client.content = patch.apply(&Tx::json(&client.content)?, &tx.schemas)?;
        client.check(tx)?;
        client.within(tx)?;
        if client.content.expires_on > longer {
            client.expiry_told_days = None;
        }
        tx.change(client, None)
    }

    /// Ends it and its keys, at once and for good.
    pub fn revoke(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Client>, Problem> {
        let mut client: Client = tx.current(id, seen)?;
        client.state = ClientState::Revoked;
        keys::end_all(tx, &mut client)?;
        tx.change(client, Some(&why.reason))
    }

    /// Nobody gives more than they have: whoever hands out a key hands out all that it opens.
    pub(super) fn within(&self, tx: &Tx<'_>) -> Result<(), Problem> {
        let given = self.content.scopes.iter().filter_map(|name| Action::named(name));
        let mut missing: Vec<&str> = given.filter(|action| !tx.reach.may(*action)).map(Action::name).collect();
        if missing.is_empty() {
            // What a role sees goes with it.
            missing = beyond(tx.reach.roles, self.role.role());
        }
        if missing.is_empty() { Ok(()) } else { Err(Problem::CannotGrant(missing)) }
    }

    fn check(&self, tx: &Tx<'_>) -> Result<(), Problem> {
        let (content, mut errors) = (&self.content, Vec::new());
        for (number, name) in content.scopes.iter().enumerate() {
            let known = Action::named(name);
            let (code, id, en) = match known {
                None => ("unknown", "bukan nama tindakan dalam matriks akses", "is no action of the access matrix"),
                Some(action) if !action.is_for_clients() => {
                    ("for_people", "hanya untuk akun orang", "is for people's accounts only")
                }
                Some(action) if !action.roles().has(self.role.role()) => {
                    ("not_of_role", "tidak dimiliki peran ini", "is not among what this role may do")
                }
                Some(_) => continue,
            };
            errors.push(FieldError::new(format!("/scopes/{number}"), code, id, en));
        }
        let last = tx.today().checked_add_days(Days::new(longest(self.role)));
        if content.expires_on < tx.today() {
            errors.push(FieldError::new("/expires_on", "past", "sudah lewat", "has passed"));
        } else if last.is_some_and(|last| content.expires_on > last) {
            let days = longest(self.role);
            errors.push(FieldError::new(
                "/expires_on",
                "too_late",
                format!("paling lama {days} hari dari sekarang untuk peran ini"),
                format!("must be {days} days from now at most for this role"),
            ));
        }
        for (number, text) in content.allowed_addresses.iter().enumerate() {
            if network_named(text).is_none() {
                errors.push(FieldError::new(
                    format!("/allowed_addresses/{number}"),
                    "no_network",
                    "bukan alamat atau jaringan IP",
                    "is no IP address or network",
                ));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}
