//! The client-credentials grant (RFC 6749, 4.4) and revocation (RFC 7009), with OAuth's own errors.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Caller, Credential, Public},
    db::{AnyConnection, At},
    policy::Action,
    problem::Problem,
    schema::revoked_tokens,
    secret,
};

/// Why the token endpoint, or revocation, said no.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OAuthError)]
pub struct Refusal {
    /// A code of RFC 6749, 5.2, or RFC 7009, 2.2.1.
    #[schema(example = "invalid_client")]
    pub error: &'static str,
    pub error_description: &'static str,
    #[serde(skip)]
    pub unknown_client: bool,
}

impl Refusal {
    const fn of(error: &'static str, error_description: &'static str) -> Refusal {
        Refusal { error, error_description, unknown_client: false }
    }

    const CLIENT: Refusal = Refusal {
        unknown_client: true,
        ..Refusal::of("invalid_client", "there is no such client, or this is no key of it that holds here and now")
    };

    pub fn respond(&self) -> HttpResponse {
        let status = if self.unknown_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        let mut response = HttpResponse::build(status);
        if self.unknown_client {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"tangguh\", charset=\"UTF-8\""));
        }
        response.insert_header((header::CACHE_CONTROL, "no-store")).json(self)
    }
}

/// What went wrong: a refusal in OAuth's words, or something that is no matter of OAuth's.
pub enum Failure {
    Refused(Refusal),
    Failed(Problem),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Failed(problem)
    }
}

/// A form whose every parameter stands there once at most. Empty ones count as left out, and unknown ones are ignored
/// (RFC 6749, 3.2).
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn read(body: &[u8]) -> Result<Form, Refusal> {
        let unreadable = Refusal::of("invalid_request", "the form cannot be read");
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body).map_err(|_| unreadable)?;
        let twice = pairs.iter().enumerate().any(|(at, (name, _))| pairs[..at].iter().any(|(other, _)| other == name));
        if twice {
            return Err(Refusal::of("invalid_request", "a parameter stands there twice"));
        }
        Ok(Form(pairs))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// The client's id and key, from HTTP Basic or from the form; never from both.
fn presented(headers: &HeaderMap, form: &Form) -> Result<(String, String), Refusal> {
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return match (id, secret) {
            (Some(id), Some(secret)) => Ok((id.to_owned(), secret.to_owned())),
            _ => Err(Refusal::CLIENT),
        };
    };
    let pair = value.to_str().ok().and_then(basic).ok_or(Refusal::CLIENT)?;
    if secret.is_some() || id.is_some_and(|id| id != pair.0) {
        return Err(Refusal::of("invalid_request", "the client names itself in two ways"));
    }
    Ok(pair)
}

/// Both halves of HTTP Basic are form-encoded first (RFC 6749, 2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let plain = |half: &str| {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&format!("half={half}")).ok()?;
        pairs.into_iter().next().map(|(_, value)| value)
    };
    Some((plain(id)?, plain(secret)?))
}

/// The client that asks, by its key.
async fn client(public: &Public, headers: &HeaderMap, form: &Form) -> Result<Caller, Failure> {
    let (id, key) = presented(headers, form)?;
    if secret::kind(&key) != Some(Credential::KIND) {
        return Err(Refusal::CLIENT.into());
    }
    let (credential, now) = (Credential::Hash(secret::hash(&key)), public.service().clock.now());
    let found = public.read(move |conn| Caller::by_key(conn, &credential, now)).await?;
    let found = found.filter(|caller| caller.account.to_string() == id && caller.may_call_from(public.address()));
    found.ok_or(Failure::Refused(Refusal::CLIENT))
}

/// An access token of a client.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientToken {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until it ends.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// What it may do, with spaces between.
    #[schema(example = "input.read input.send")]
    pub scope: String,
}

/// Gives a client an access token for its key.
pub async fn grant(public: &Public, headers: &HeaderMap, form: &Form) -> Result<ClientToken, Failure> {
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Refusal::of("unsupported_grant_type", "there is client_credentials, and no other").into());
        }
        None => return Err(Refusal::of("invalid_request", "grant_type is missing").into()),
    }
    let caller = client(public, headers, form).await?;
    let asked = form.get("scope").map(|scope| narrowed(&caller, scope)).transpose()?;
    let (service, key) = (public.service(), caller.key().unwrap_or_default());
    let now = service.clock.now();
    let (access_token, expires_in) =
        service.keys().client_token(caller.account.0, key.0, asked.as_deref(), now).map_err(Problem::internal)?;
    caller.note_use(service, now);
    let scope = asked.unwrap_or_else(|| {
        let given = Action::ALL.iter().filter(|action| action.is_for_clients() && caller.scopes().has(**action));
        given.map(|action| action.name()).collect::<Vec<_>>().join(" ")
    });
    Ok(ClientToken { access_token, token_type: "Bearer", expires_in, scope })
}

/// What a client asks for, if it was given all of it.
fn narrowed(caller: &Caller, scope: &str) -> Result<String, Refusal> {
    let names: Vec<&str> = scope.split(' ').filter(|name| !name.is_empty()).collect();
    let given = |name: &&str| Action::named(name).is_some_and(|action| caller.scopes().has(action));
    if names.is_empty() || !names.iter().all(given) {
        return Err(Refusal::of("invalid_scope", "the client was not given all that it asks for"));
    }
    Ok(names.join(" "))
}

/// Takes back an access token of the client that asks. What is no token of ours, or none any more, is taken back
/// already.
pub async fn revoke(public: &Public, headers: &HeaderMap, form: &Form) -> Result<(), Failure> {
    let caller = client(public, headers, form).await?;
    let token = form.get("token").ok_or(Refusal::of("invalid_request", "token is missing"))?;
    if secret::well_formed(token) {
        return Err(Refusal::of("unsupported_token_type", "keys are ended by DELETE …/clients/{client_id}/keys").into());
    }
    let Ok(claims) = public.service().keys().verify_access(token, public.service().clock.now()) else {
        return Ok(());
    };
    let of_client = claims.client.filter(|_| claims.account == caller.account.0);
    let of_client = of_client.ok_or(Refusal::of("invalid_request", "it is not a token of this client"))?;
    let expires_at = claims.expires_at;
    public.write(move |conn, _| Ok(Ok(take_back(conn, &of_client.token, expires_at)?))).await?;
    public.rights_changed();
    Ok(())
}

fn take_back(conn: &mut AnyConnection, token: &str, expires_at: DateTime<Utc>) -> QueryResult<()> {
    let known: i64 = revoked_tokens::table.filter(revoked_tokens::id.eq(token)).count().get_result(conn)?;
    if known == 0 {
        diesel::insert_into(revoked_tokens::table)
            .values((revoked_tokens::id.eq(token), revoked_tokens::expires_at.eq(At(expires_at))))
            .execute(conn)?;
    }
    Ok(())
}

/// Forgets revoked tokens that would have ended by now anyhow. Answers how many.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(revoked_tokens::table.filter(revoked_tokens::expires_at.lt(At(now)))).execute(conn)
}
