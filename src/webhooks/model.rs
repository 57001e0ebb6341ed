use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    address::Guard,
    cursor::{Cursor, WebhookDelivery},
    secrets,
};
use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    among,
    db::{AnyConnection, Id},
    feed::{EventType, FeedName},
    keyset, listed,
    memberships::Membership,
    page::{AnyOf, Filter, Page},
    policy::{Action, OVERSEERS, Role, Roles},
    problem::{FieldError, Problem},
    schema::webhook_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored, Versioned, with_members},
};

/// What a new webhook is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewWebhook {
    /// Where messages are posted to: https, at an address of the internet, without a password in it.
    #[schema(min_length = 1, max_length = 2000, format = "uri", example = "https://hooks.example.org/tangguh")]
    pub url: String,
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub description: Option<String>,
    /// The types of events to be told of, by the names of `GET /api/v1/event-types`; null for all.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100, value_type = Option<Vec<WebhookEventType>>)]
    pub types: Option<Vec<String>>,
}

/// The name of a type of event.
#[derive(ToSchema)]
#[schema(max_length = 60, pattern = "^[a-z_]+\\.[a-z_]+$", example = "question.revise")]
#[expect(dead_code, reason = "describes what a string is")]
struct WebhookEventType(String);

/// What can be edited of a webhook.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookContent {
    #[serde(flatten)]
    pub new: NewWebhook,
    pub state: WebhookSwitch,
}

/// Whether messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookSwitch {
    Active,
    Disabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    Active,
    Disabled,
    Deleted,
}

impl WebhookState {
    pub const fn name(self) -> &'static str {
        match self {
            WebhookState::Active => "active",
            WebhookState::Disabled => "disabled",
            WebhookState::Deleted => "deleted",
        }
    }
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookDisabledWhy {
    /// It is new, and waits to be made active once it has a secret.
    New,
    ByHand,
    /// The receiver answered 410.
    Gone,
    /// Every attempt at a message failed.
    GaveUp,
    /// No membership of the organisation holds any more that may see as much.
    NoMembership,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookDisabled {
    pub why: WebhookDisabledWhy,
    /// The account that did it; null where the service did.
    pub by_account_id: Option<Id>,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub at: DateTime<Utc>,
}

/// A secret that signs messages, without what it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookSecret {
    pub id: Id,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub made_at: DateTime<Utc>,
    /// When it stops signing; null for the newest.
    #[serde(serialize_with = "crate::db::types::serialize_instant_if_any")]
    pub ends_at: Option<DateTime<Utc>>,
}

/// A receiver of an organisation, and how far its messages have come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    #[serde(flatten)]
    pub meta: Meta,
    /// The organisation that it is of.
    pub stakeholder_id: Id,
    /// It is told of what this role may see.
    pub role: Role,
    #[serde(flatten)]
    pub content: NewWebhook,
    pub state: WebhookState,
    /// Null while it is active.
    pub disabled: Option<WebhookDisabled>,
    /// Those that sign, the oldest first.
    pub secrets: Vec<WebhookSecret>,
    /// The message that was skipped by hand last.
    pub skipped_sequence: Option<i64>,
    /// The messages that were last sent again by hand.
    pub replayed: Option<WebhookRange>,
    /// How far it has come now, whatever revision is read. Never stored with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub delivery: Option<WebhookDelivery>,
}

/// Rows of the ledger, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookRange {
    pub from_sequence: i64,
    pub to_sequence: i64,
}

/// Which webhooks to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<WebhookSwitch>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<WebhookSwitch>>,
    /// Organisations, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub stakeholder_id: Option<AnyOf<Id>>,
}

impl Filter for WebhookFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
    const LIVE: bool = true;
}

versioned!(
    Webhook as this,
    webhooks,
    webhook_revisions { stakeholder_id: this.stakeholder_id, role: this.role.name() }
);

/// How much a role is shown, among those that may have webhooks; who is shown more sees all that one who is shown less
/// does.
fn sight(role: Role) -> u8 {
    match role {
        Role::Lead | Role::Secretariat => 3,
        Role::Agency => 2,
        Role::Partner => 1,
        Role::Facilitator | Role::Observer | Role::Admin => 0,
    }
}

/// The roles whose webhooks a caller with these may look after: nobody is shown by way of a webhook what they may not
/// see themselves.
fn within(roles: Roles) -> Vec<&'static str> {
    let own = roles.iter().map(sight).max().unwrap_or(0);
    let all = Role::ALL.iter().copied().filter(|role| (1..=own).contains(&sight(*role)));
    all.map(Role::name).collect()
}

impl Resource for Webhook {
    const KIND: &'static str = "webhook";
    const PATH: &'static str = "programs/{program}/webhooks/{id}";
    const GONE: &'static [&'static str] = &["deleted"];

    fn state(&self) -> &str {
        self.state.name()
    }

    fn possible(action: Action, _state: &str) -> bool {
        action != Action::CreateWebhook
    }

    fn hidden_row(reach: &Reach, stored: &Stored) -> bool {
        #[derive(Deserialize)]
        struct Owned {
            stakeholder_id: Id,
            role: Role,
        }
        if OVERSEERS.meets(reach.roles) {
            return false;
        }
        let owned = serde_json::from_str::<Owned>(&stored.body).ok();
        !owned.is_some_and(|owned| {
            reach.stakeholder == Some(owned.stakeholder_id) && within(reach.roles).contains(&owned.role.name())
        })
    }

    fn complete(conn: &mut AnyConnection, _reach: &Reach, rows: &mut [Stored]) -> Result<(), Problem> {
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let found = Cursor::told(conn, &ids)?;
        for row in rows {
            let Some((_, told)) = found.iter().find(|(id, _)| *id == row.id) else { continue };
            let told = serde_json::to_string(told).map_err(Problem::internal)?;
            row.body = with_members(&row.body, &format!("\"delivery\":{told}"));
        }
        Ok(())
    }
}

impl Webhook {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &WebhookFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        use webhook_revisions as t;
        let mut query = listed!(webhook_revisions, reach.ledger, at, Webhook::GONE);
        if !OVERSEERS.meets(reach.roles) {
            query = query
                .filter(t::stakeholder_id.eq(reach.stakeholder.unwrap_or(Id::NIL)))
                .filter(t::role.eq_any(within(reach.roles)));
        }
        if let Some(states) = &filter.state {
            let name = |state: &WebhookSwitch| match state {
                WebhookSwitch::Active => "active",
                WebhookSwitch::Disabled => "disabled",
            };
            query = among!(query, t::state, states.0.iter().map(name).collect());
        }
        if let Some(ids) = &filter.stakeholder_id {
            query = among!(query, t::stakeholder_id, ids.0.clone());
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, webhook_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, webhook_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// The id, if the caller may look after it. Members are told that it is another organisation's.
    pub fn owned(conn: &mut AnyConnection, reach: &Reach, id: Id) -> Result<Id, Problem> {
        let stored = Webhook::open(conn, reach.ledger, id)?.ok_or(Problem::NotFound)?;
        if Webhook::GONE.contains(&stored.state.as_str()) {
            return Err(Problem::NotFound);
        }
        if Webhook::hidden_row(reach, &stored) { Err(Problem::NotOwnOrganization) } else { Ok(id) }
    }

    /// The one to be changed.
    pub fn seen(tx: &mut Tx<'_>, id: Id, seen: Seen) -> Result<Webhook, Problem> {
        let id = Webhook::owned(tx.conn, &tx.reach, id)?;
        tx.current(id, seen)
    }

    /// Makes one for the caller's organisation, told of what the caller's role there may see from now on.
    pub fn make(tx: &mut Tx<'_>, new: NewWebhook, guard: &Guard) -> Result<Recorded<Webhook>, Problem> {
        check(&new, guard)?;
        let stakeholder_id = tx.reach.stakeholder.ok_or(Problem::NotOwnOrganization)?;
        let (account, today) = (tx.reach.account, tx.today());
        let held = Membership::roles(tx.conn, tx.reach.ledger, stakeholder_id, Some(account), today)?;
        let role = held.into_iter().max_by_key(|role| sight(*role)).filter(|role| sight(*role) > 0);
        let disabled = WebhookDisabled { why: WebhookDisabledWhy::New, by_account_id: Some(account), at: tx.now };
        let webhook = Webhook {
            meta: Meta::new(tx.now),
            stakeholder_id,
            role: role.ok_or(Problem::NotOwnOrganization)?,
            content: new,
            state: WebhookState::Disabled,
            disabled: Some(disabled),
            secrets: Vec::new(),
            skipped_sequence: None,
            replayed: None,
            delivery: None,
        };
        let id = webhook.meta.id;
        let made = tx.create(webhook, None)?;
        let (ledger, sequence) = (tx.reach.ledger, tx.sequence()?);
        Cursor::begin(tx.conn, ledger, id, sequence, tx.now)?;
        Ok(made)
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<WebhookContent>,
        guard: &Guard,
    ) -> Result<Recorded<Webhook>, Problem> {
        let mut webhook = Webhook::seen(tx, id, seen)?;
        let was = match webhook.state {
            WebhookState::Active => WebhookSwitch::Active,
            WebhookState::Disabled | WebhookState::Deleted => WebhookSwitch::Disabled,
        };
        let current = WebhookContent { new: webhook.content.clone(), state: was };
        let content: WebhookContent = patch.apply(&Tx::json(&current)?, &tx.schemas)?;
        check(&content.new, guard)?;
        webhook.keep_live(tx.now);
        if content.state == WebhookSwitch::Active && webhook.secrets.is_empty() {
            return Err(no_secret());
        }
        if content.state != was {
            let (why, by_account_id) = (WebhookDisabledWhy::ByHand, Some(tx.reach.account));
            webhook.state = match content.state {
                WebhookSwitch::Active => WebhookState::Active,
                WebhookSwitch::Disabled => WebhookState::Disabled,
            };
            webhook.disabled = (content.state == WebhookSwitch::Disabled).then_some(WebhookDisabled {
                why,
                by_account_id,
                at: tx.now,
            });
        }
        webhook.content = content.new;
        // Whatever was wrong may be right now, so the next attempt is the first.
        Cursor::restart(tx.conn, id, content.state == WebhookSwitch::Active)?;
        tx.change(webhook, None)
    }

    /// Its secrets are forgotten; its history stays.
    pub fn delete(tx: &mut Tx<'_>, id: Id, seen: Seen) -> Result<Recorded<Webhook>, Problem> {
        let mut webhook = Webhook::seen(tx, id, seen)?;
        webhook.state = WebhookState::Deleted;
        webhook.secrets.clear();
        Cursor::restart(tx.conn, id, false)?;
        secrets::forget(tx.conn, id)?;
        tx.change(webhook, None)
    }

    /// Leaves out the secrets that do not sign any more.
    pub fn keep_live(&mut self, now: DateTime<Utc>) {
        self.secrets.retain(|secret| secret.ends_at.is_none_or(|end| end > now));
    }

    /// Whether a membership of its organisation holds that may see as much as it is told of.
    pub fn is_backed(&self, conn: &mut AnyConnection, ledger: Id, day: chrono::NaiveDate) -> Result<bool, Problem> {
        let held = Membership::roles(conn, ledger, self.stakeholder_id, None, day)?;
        Ok(held.into_iter().any(|role| sight(role) >= sight(self.role)))
    }
}

/// Nothing is sent unsigned.
pub fn no_secret() -> Problem {
    Problem::Conflict(FieldError::new(
        "/state",
        "no_secret",
        "webhook ini belum punya rahasia: buatlah dahulu dengan POST …/secrets",
        "this webhook has no secret yet: make one first by POST …/secrets",
    ))
}

fn check(new: &NewWebhook, guard: &Guard) -> Result<(), Problem> {
    let mut errors: Vec<FieldError> = guard.fault(&new.url).into_iter().collect();
    for (number, name) in new.types.iter().flatten().enumerate() {
        let known = EventType::named(name).is_some_and(|known| known.feeds.contains(&FeedName::Program));
        if !known {
            errors.push(FieldError::new(
                format!("/types/{number}"),
                "one_of",
                "harus jenis peristiwa dari GET /api/v1/event-types yang ada pada umpan program",
                "must be a type of event of GET /api/v1/event-types that a programme's feed tells of",
            ));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Feed;

    /// What `is_backed` and `within` rest on.
    #[test]
    fn who_is_shown_more_sees_all_that_one_who_is_shown_less_does() {
        let kinds = |role: Role| {
            let reach = Reach { roles: Roles::of(&[role]), ..Reach::platform() };
            Feed::Program.kinds(&reach).map(|kind| kind.name).collect::<Vec<_>>()
        };
        for (more, less) in [
            (Role::Lead, Role::Secretariat),
            (Role::Secretariat, Role::Lead),
            (Role::Lead, Role::Agency),
            (Role::Agency, Role::Partner),
        ] {
            assert!(sight(more) >= sight(less));
            let (more, less) = (kinds(more), kinds(less));
            assert!(!less.is_empty() && less.iter().all(|kind| more.contains(kind)), "{less:?}");
        }
        for role in Role::ALL {
            assert_eq!(sight(*role) > 0, Action::CreateWebhook.roles().has(*role), "{role:?}");
        }
        assert_eq!(within(Roles::of(&[Role::Partner])), ["partner"]);
        assert_eq!(within(Roles::of(&[Role::Partner, Role::Agency])), ["agency", "partner"]);
        assert!(within(Roles::of(&[Role::Observer])).is_empty());
    }
}
