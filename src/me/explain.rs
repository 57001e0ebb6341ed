//! Why a right is held or missing: the rule, the memberships that bear on it, and the roles that would do.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Caller, Held},
    db::Id,
    policy::{Action, Role, Roles, Scope},
    problem::Problem,
};

/// One line of the access policy.
#[derive(Serialize, ToSchema)]
pub struct Rule {
    #[schema(example = "question.revise")]
    pub action: &'static str,
    /// Where a role must be held: in the `program`, on the `platform` (in any active programme, or as an admin), or
    /// nowhere: `signed_in` is enough.
    #[schema(example = "program")]
    pub scope: &'static str,
    /// The roles that have it; none where being signed in is enough.
    pub roles: Vec<Role>,
    /// Whether it is done only within 15 minutes of signing in or of `POST /auth/step-up`.
    pub step_up: bool,
}

/// A membership of the caller, and whether it gives the right.
#[derive(Serialize, ToSchema)]
pub struct Bearing {
    pub membership_id: Id,
    pub role: Role,
    pub stakeholder_id: Id,
    /// Whether it holds today, in the programme's time zone.
    pub holds_today: bool,
    pub grants: bool,
}

/// Why a right is held or missing.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    pub allowed: bool,
    /// The programme that it is about; null for the platform.
    pub program: Option<String>,
    pub rule: Rule,
    /// Whether the caller is a platform admin.
    pub admin: bool,
    pub memberships: Vec<Bearing>,
    /// The roles of which one more would be enough. Empty where the right is held.
    pub missing: Vec<Role>,
    /// Whether a role would do that counts only where the sign-in has shown a second factor, as this one has not.
    pub second_factor_required: bool,
    /// Whether a role would do, and the client that asks was not given the action.
    pub beyond_scopes: bool,
}

impl Rule {
    pub fn of(action: Action) -> Rule {
        let scope = match action.scope() {
            Scope::Program => "program",
            Scope::Platform => "platform",
            Scope::SignedIn => "signed_in",
        };
        Rule { action: action.name(), scope, roles: action.roles().iter().collect(), step_up: action.is_dangerous() }
    }
}

/// Explains a right on a programme, or on the platform. A programme that the caller has no part in is not found.
pub fn explain(caller: &Caller, action: Action, on: Option<&str>, now: DateTime<Utc>) -> Result<Explanation, Problem> {
    let own = |held: &&Held| on.is_none_or(|slug| &*held.slug == slug);
    if let Some(slug) = on {
        let seen = caller.all_memberships().any(|held| &*held.slug == slug && held.holds(now))
            || caller.programs.iter().any(|(_, known, _)| &**known == slug);
        if !seen {
            return Err(Problem::NotFound);
        }
    }
    let memberships: Vec<Bearing> = caller
        .all_memberships()
        .filter(own)
        .map(|held| Bearing {
            membership_id: held.id,
            role: held.role,
            stakeholder_id: held.stakeholder,
            holds_today: held.holds(now),
            grants: held.holds(now) && action.roles().without(caller.unproven).has(held.role),
        })
        .collect();
    let admin = caller.admin && action.roles().has(Role::Admin);
    let by_role = match action.scope() {
        Scope::SignedIn => true,
        Scope::Platform => action.roles().meets(caller.roles_anywhere(now)),
        Scope::Program => on.is_some() && (admin || memberships.iter().any(|one| one.grants)),
    };
    let given = caller.scopes().has(action);
    let allowed = by_role && given;
    let somewhere = on.is_some() || action.scope() == Scope::Platform;
    let withheld = !by_role && somewhere && caller.is_withheld(action, on.unwrap_or_default(), now);
    let missing = if by_role || withheld { Roles::default() } else { action.roles() };
    Ok(Explanation {
        allowed,
        program: on.map(str::to_owned),
        rule: Rule::of(action),
        admin: caller.admin || caller.withheld.admin,
        memberships,
        missing: missing.iter().collect(),
        second_factor_required: withheld,
        beyond_scopes: by_role && !given,
    })
}
