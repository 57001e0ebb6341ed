use actix_web::{HttpResponse, http::header, post};

use super::acceptance::{self, ACT, Acceptance, AcceptedInvitation};
use crate::{
    access::{Public, Reach, Tx},
    one_time::Purpose,
    password,
    problem::Problem,
    routes::Routes,
    sign_ins::{hashed, refused},
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(accept);
}

/// Accept an invitation by the token from the mail
///
/// Makes your account, and your membership where it is to a programme: then sign in with the address. The token is good once,
/// for 14 days, and as long as whoever invited you may still invite.
#[utoipa::path(
    tag = "sign-ins", operation_id = "accept_invitation",
    request_body = Acceptance,
    responses(
        (status = 200, description = "Your account and membership", body = AcceptedInvitation),
        (status = 401, description = "The token is none of ours"),
        (status = 409, description = "It was accepted already, was revoked or has expired (`wrong-state`); or whoever sent it may not invite any more, or the address has an account (`conflict`)"),
    ),
)]
#[post("/auth/invitations")]
async fn accept(public: Public, Valid(given): Valid<Acceptance>) -> Result<HttpResponse, Problem> {
    let hash = Purpose::Invitation.hash(&given.invitation_token)?;
    let (looked_up, now) = (hash.clone(), public.service().clock.now());
    let (invitation, email) = public.read(move |conn| acceptance::of_token(conn, &looked_up, now)).await?;
    password::check(&given.password, &email).map_err(refused)?;
    let phc = hashed(public.service(), given.password.clone()).await?;
    let reach = match (invitation.program_id, &invitation.membership) {
        (Some(ledger), Some(membership)) => {
            Reach { ledger, slug: membership.program.as_str().into(), ..Reach::platform() }
        }
        _ => Reach::platform(),
    };
    let notice = public.service().settings.terms.notice.clone();
    let accept = move |tx: &mut Tx<'_>| acceptance::accept(tx, &hash, given, &phc, &notice);
    let accepted = public.change_in(reach, ACT, accept).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(accepted))
}
