//! What comes of an invitation that is accepted.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Invitation, InvitationState};
use crate::{
    access::{Ledger, Recorded, Tx},
    accounts::{Account, AccountContent, Language},
    db::{AnyConnection, Id},
    memberships::{MemberRole, Membership, MembershipContent, NewMembership},
    one_time::Purpose,
    problem::{FieldError, Problem},
    programs::{Program, time_zone_named},
    schema::invitation_people,
    versioned::{self, Resource, Versioned},
};

/// What the ledger calls it.
pub const ACT: &str = "invitation.accept";

/// How somebody accepts.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Acceptance {
    #[schema(min_length = 1, max_length = 200, example = "tgh_in_…")]
    pub invitation_token: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// 12 to 128 characters, and none of the commonest.
    #[schema(min_length = 12, max_length = 128, format = Password)]
    pub password: String,
    /// The language that the service writes to you in; that of the invitation where it is left out.
    #[serde(default)]
    pub language: Option<Language>,
}

/// What came of an invitation: sign in with the address.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AcceptedInvitation {
    pub account_id: Id,
    #[schema(format = Email)]
    pub email: String,
    /// The programme that the account is a member of.
    #[schema(example = "jakarta-berketahanan")]
    pub program: Option<String>,
    pub role: Option<MemberRole>,
}

/// The invitation of a token, which is open, and the address that it went to.
pub fn of_token(conn: &mut AnyConnection, hash: &str, now: DateTime<Utc>) -> Result<(Invitation, String), Problem> {
    let id = Purpose::Invitation.find(conn, hash)?.subject;
    let stored = Invitation::open(conn, Ledger::PLATFORM, id)?.ok_or(Problem::InvalidToken)?;
    let invitation: Invitation = versioned::parse(&stored.body)?;
    invitation.must_be_open(now, ACT)?;
    let email = invitation_people::table.find(id).select(invitation_people::email).first(conn)?;
    Ok((invitation, email))
}

/// Makes the account and its membership. The change is on the programme's ledger, if there is one, and on the platform's.
pub fn accept(
    tx: &mut Tx<'_>,
    hash: &str,
    given: Acceptance,
    phc: &str,
    notice: &str,
) -> Result<Recorded<AcceptedInvitation>, Problem> {
    // From here on nobody else accepts or revokes it.
    tx.hold::<Account>()?;
    let now = tx.now;
    let (mut invitation, email) = of_token(tx.conn, hash, now)?;
    let roles = invitation.backing(tx)?;
    if Account::by_email(tx.conn, &email)?.is_some() {
        return Err(Problem::Conflict(FieldError::new(
            "",
            "has_account",
            "alamat undangan ini sementara itu sudah punya akun: mintalah keanggotaan untuk akun itu",
            "the address of this invitation has got an account meanwhile: ask for a membership of that account",
        )));
    }
    let language = given.language.unwrap_or(invitation.language);
    let content = AccountContent { email: email.clone(), name: given.name, admin: false, language, expires_on: None };
    let account = Account::accept(tx, &content, phc, notice)?;
    let account_id = account.value().meta.id;
    let (program, role) = match invitation.membership.clone() {
        None => (None, None),
        Some(membership) => {
            let program: Program = tx.look(tx.reach.ledger)?;
            if program.state() != "active" {
                return Err(Problem::WrongState { action: ACT, state: program.state().into() });
            }
            let today = now.with_timezone(&time_zone_named(&program.content.time_zone)?).date_naive();
            if membership.until_on.is_some_and(|until| until < today) {
                return Err(Problem::WrongState { action: ACT, state: InvitationState::Expired.name().into() });
            }
            let new = NewMembership {
                account_id: Some(account_id),
                account_email: None,
                stakeholder_id: membership.stakeholder_id,
                role: membership.role,
                content: MembershipContent {
                    from_on: today,
                    until_on: membership.until_on,
                    acting: false,
                    document_id: None,
                    note: None,
                },
            };
            // The inviter's rights give it, and the account is who did it.
            tx.reach.roles = roles;
            tx.reach.account = account_id;
            let granted = Membership::grant(tx, new)?;
            (Some(membership.program), Some(granted.value().role))
        }
    };
    tx.reach.account = account_id;
    invitation.state = InvitationState::Accepted;
    invitation.account_id = Some(account_id);
    diesel::delete(invitation_people::table.find(invitation.meta.id)).execute(tx.conn)?;
    let changed = tx.change(invitation, None)?;
    Ok(changed.map(|_| AcceptedInvitation { account_id, email, program, role }))
}
