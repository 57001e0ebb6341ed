//! `If-Match`: a change names the revision that it was made from.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use utoipa::IntoParams;

use crate::{access::Seen, problem::Problem};

/// The header of every change of something that is there already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `Seen` reads")]
pub struct IfMatch {
    /// The ETag that you read: one, and never `*`. Only the revision in it is compared.
    #[param(rename = "If-Match", max_length = 100, example = "\"3.Xk2v0PqWcRk1bB9E\"")]
    if_match: String,
}

impl FromRequest for Seen {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(read(request))
    }
}

fn read(request: &HttpRequest) -> Result<Seen, Problem> {
    let value = request.headers().get(header::IF_MATCH).ok_or(Problem::PreconditionRequired)?;
    let revision = value.to_str().ok().and_then(|tag| {
        let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
        tag.split('.').next()?.parse().ok()
    });
    // A tag that we never gave matches nothing.
    Ok(Seen(revision.unwrap_or(0)))
}
