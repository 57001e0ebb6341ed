use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{accounts::AccountState, db::Id, localized::Localized, memberships::MemberRole};

/// A membership, as whoever reviews it needs to see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewedMembership {
    /// The programme's slug.
    #[schema(example = "jakarta-berketahanan")]
    pub program: String,
    pub membership_id: Id,
    /// What `If-Match` of its confirmation or end compares.
    #[schema(minimum = 1)]
    pub revision: i32,
    pub role: MemberRole,
    pub account_id: Id,
    /// As it is today: names are kept outside the record.
    pub account_name: Option<String>,
    pub account_state: Option<AccountState>,
    /// The organisation that it acts for.
    pub stakeholder_id: Id,
    /// As it was called at that moment.
    pub stakeholder_name: Option<Localized>,
    /// Held in somebody's place.
    pub acting: bool,
    /// The document by virtue of which it is held.
    pub document_id: Option<Id>,
    pub document_title: Option<Localized>,
    pub from_on: NaiveDate,
    /// The last day.
    pub until_on: Option<NaiveDate>,
    /// Whether it holds on the day that is looked at.
    pub holds: bool,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub granted_at: DateTime<Utc>,
    /// The day on which somebody last said that it is still right.
    pub confirmed_on: Option<NaiveDate>,
    /// The day from which it is due for a confirmation: twelve months after its beginning or its last one.
    pub due_on: NaiveDate,
    /// The day on which the service ends it, if nobody confirms it before: a month after it was told to be due. The last lead
    /// stays.
    pub ends_unconfirmed_on: NaiveDate,
    /// Whether it is due for a confirmation on the day that is looked at.
    pub due: bool,
    /// When the account last signed in, of the sign-ins that are still on record.
    #[serde(serialize_with = "crate::db::types::serialize_instant_if_any")]
    pub last_sign_in_at: Option<DateTime<Utc>>,
}

/// A page of the review.
#[derive(Serialize, ToSchema)]
pub struct AccessReviewPage {
    pub items: Vec<ReviewedMembership>,
    pub next_cursor: Option<String>,
}

/// Why a membership gives what it gives, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It holds: its role has these actions.
    Holds,
    /// Nobody can sign in with the account: it is locked, or has no password yet.
    AccountNotActive,
    NotBegun,
    /// Its last day has passed.
    Over,
    /// It was ended.
    Ended,
}

/// A membership of an account, and what it gives.
#[derive(Debug, Serialize, ToSchema)]
pub struct GivenAccess {
    #[serde(flatten)]
    pub membership: ReviewedMembership,
    pub because: Because,
    /// The actions that its role has, as the access matrix names them; none unless it holds. Those on what all programmes
    /// share are among them while the programme is active.
    pub actions: Vec<&'static str>,
}

/// What an account may do, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountAccess {
    pub account_id: Id,
    pub account_state: Option<AccountState>,
    /// Whether it is a platform admin; null to whoever is none themselves.
    pub admin: Option<bool>,
    /// What it may do as an admin.
    pub admin_actions: Vec<&'static str>,
    /// In every programme that you review, those that gave access once too.
    pub memberships: Vec<GivenAccess>,
}
