//! A JSON body that has been checked.
//!
//! The schema in the OpenAPI document is the check: a limit stands once, as an attribute of the input
//! type, and a client that reads the document knows all that will be refused. Everything wrong is
//! told at once. serde comes last, for what a schema cannot say.

mod json;
mod schemas;

use std::{future::Future, io::Read as _, marker::PhantomData, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header,
    web::{BytesMut, Data},
};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use serde_path_to_error::{Path, Segment};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem};

use json::{REPEATED, Strict};
pub use schemas::Schemas;
pub(crate) use schemas::{bounded, explain};
use schemas::{child, refuse};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// How many bytes a body may have, after decompression. It is looked up in `app_data`, so a resource
/// may have another limit than the rest.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    fn default() -> BodyLimit {
        BodyLimit(1 << 20)
    }
}

/// The SHA-256 of the body as it came (decompressed), in the request's extensions once the body has
/// been read: what an idempotency key is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigest(pub [u8; 32]);

/// A body that its schema accepts: `T::name()` in the document's components.
#[derive(Debug)]
pub struct Valid<T>(pub T);

/// A JSON body that nobody has checked yet: for what is taken part by part, each checked by itself.
#[derive(Debug)]
pub struct Unchecked(pub Value);

/// An RFC 7396 merge patch of a `T`: what a client wants changed, to be applied to what there is now.
#[derive(Debug)]
pub struct Patch<T> {
    value: Value,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + ToSchema> Patch<T> {
    /// Takes a JSON object whose members all have a place in the schema of `T`.
    pub fn new(value: Value, schemas: &Schemas) -> Result<Patch<T>, Problem> {
        let Value::Object(members) = &value else {
            let (id, en) = ("harus berjenis object", "must be of type object");
            return Err(Problem::Invalid(vec![FieldError::new("", "type", id, en)]));
        };
        let mut errors = Vec::new();
        let schema = component::<T>(schemas)?;
        schemas.unknown_members(schema, members, "", &mut errors);
        refuse(errors)?;
        Ok(Patch { value, of: PhantomData })
    }

    /// What the client sent.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The `T` that results from applying the patch to `current`, whose further members (`id`,
    /// `revision`, …) are left aside. The result is checked as a whole, as if it had been sent.
    pub fn apply(&self, current: &Value, check: &Schemas) -> Result<T, Problem> {
        let schema = component::<T>(check)?;
        let mut merged = current.clone();
        if let Some(properties) = schema["properties"].as_object()
            && let Some(members) = merged.as_object_mut()
        {
            members.retain(|name, _| properties.contains_key(name));
        }
        check.merge(schema, &mut merged, &self.value);
        checked(merged, check)
    }
}

fn component<T: ToSchema>(schemas: &Schemas) -> Result<&Value, Problem> {
    let name = T::name();
    schemas.component(&name).ok_or_else(|| Problem::internal(format!("the document has no schema {name}")))
}

impl<T> FromRequest for Valid<T>
where
    T: DeserializeOwned + ToSchema + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let value = read(&request, payload, &[JSON]).await?;
            checked(value, schemas(&request)?).map(Valid)
        })
    }
}

impl FromRequest for Unchecked {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read(&request, payload, &[JSON]).await.map(Unchecked) })
    }
}

impl<T> FromRequest for Patch<T>
where
    T: DeserializeOwned + ToSchema + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let value = read(&request, payload, &[MERGE_PATCH, JSON]).await?;
            Patch::new(value, schemas(&request)?)
        })
    }
}

fn schemas(request: &HttpRequest) -> Result<&Schemas, Problem> {
    request
        .app_data::<Data<Schemas>>()
        .map(|schemas| schemas.get_ref())
        .ok_or_else(|| Problem::internal("there is no Data<Schemas> in the app"))
}

/// Checks `value` against the schema of `T` and makes a `T` of it.
pub fn checked<T: DeserializeOwned + ToSchema>(value: Value, schemas: &Schemas) -> Result<T, Problem> {
    schemas.check(&T::name(), &value)?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer(error.path());
        let message = error.inner().to_string();
        // The width of an integer is in its Rust type only.
        let code = match message.strip_prefix("invalid value: integer `") {
            Some(number) if number.starts_with('-') => "too_small",
            Some(_) => "too_large",
            None => "invalid",
        };
        Problem::Invalid(vec![FieldError::new(
            pointer,
            code,
            format!("tidak dapat diterima: {message}"),
            format!("is not acceptable: {message}"),
        )])
    })
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |at, segment| match segment {
        Segment::Seq { index } => format!("{at}/{index}"),
        Segment::Map { key } => child(&at, key),
        Segment::Enum { .. } | Segment::Unknown => at,
    })
}

/// The body as JSON without control characters, and its digest in the extensions.
async fn read(request: &HttpRequest, payload: Payload, accepted: &[&'static str]) -> Result<Value, Problem> {
    parse(&read_bytes(request, payload, accepted).await?)
}

/// The body as it came, without its compression, and its digest in the extensions.
pub(crate) async fn read_bytes(
    request: &HttpRequest,
    mut payload: Payload,
    accepted: &[&'static str],
) -> Result<Vec<u8>, Problem> {
    let sent = request.content_type().trim();
    if !accepted.iter().any(|accepted| sent.eq_ignore_ascii_case(accepted)) {
        return Err(Problem::UnsupportedMediaType(accepted[0]));
    }
    let coding = request.headers().get(header::CONTENT_ENCODING).map_or("identity", |coding| {
        let coding = coding.to_str().unwrap_or_default();
        CODINGS.iter().find(|known| known.eq_ignore_ascii_case(coding)).copied().unwrap_or_default()
    });
    if coding.is_empty() {
        return Err(Problem::UnsupportedMediaType("Content-Encoding: identity, gzip, deflate"));
    }
    let BodyLimit(limit) = request
        .app_data::<BodyLimit>()
        .or_else(|| request.app_data::<Data<BodyLimit>>().map(|limit| limit.get_ref()))
        .copied()
        .unwrap_or_default();
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Problem::TooLarge(limit));
    }

    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::malformed(
                format!("Isi permintaan tidak sampai dengan utuh: {error}."),
                format!("The body did not arrive whole: {error}."),
            )
        })?;
        if body.len() + chunk.len() > limit {
            return Err(Problem::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    let body = match coding {
        "gzip" => decompressed(MultiGzDecoder::new(&body[..]), limit)?,
        "deflate" => decompressed(ZlibDecoder::new(&body[..]), limit)?,
        _ => body.into(),
    };
    request.extensions_mut().insert(BodyDigest(Sha256::digest(&body).into()));
    Ok(body)
}

/// Refuses a text that says of itself that it is in another encoding than UTF-8.
pub(crate) fn must_be_utf8(request: &HttpRequest) -> Result<(), Problem> {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|sent| sent.to_str().ok());
    let parameters = sent.unwrap_or_default().to_ascii_lowercase();
    let charset = parameters.split(';').find_map(|one| one.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| charset.trim_matches('"') != "utf-8") {
        return Err(Problem::UnsupportedMediaType("charset=utf-8"));
    }
    Ok(())
}

/// A text as JSON of which there is only one reading, without control characters.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Problem> {
    let Strict(value) = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    refuse_controls(&value)?;
    Ok(value)
}

/// Refuses texts with control characters.
pub(crate) fn refuse_controls(value: &Value) -> Result<(), Problem> {
    let mut errors = Vec::new();
    control_characters(value, "", &mut errors);
    refuse(errors)
}

const CODINGS: [&str; 3] = ["identity", "gzip", "deflate"];

/// Never makes more than `limit` bytes of a body, however well it was packed.
fn decompressed(packed: impl std::io::Read, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    packed.take(limit as u64 + 1).read_to_end(&mut body).map_err(|error| {
        Problem::malformed(
            format!("Isi permintaan tidak dapat dibongkar: {error}."),
            format!("The body cannot be decompressed: {error}."),
        )
    })?;
    if body.len() > limit { Err(Problem::TooLarge(limit)) } else { Ok(body) }
}

fn unreadable(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or(&message);
    let id = match reason {
        _ if reason.starts_with(REPEATED) => "ada anggota yang muncul dua kali",
        _ if error.classify() == Category::Eof => "berakhir sebelum selesai",
        "trailing characters" => "ada sesuatu sesudah akhir JSON",
        "trailing comma" => "ada koma yang berlebih",
        "expected value" | "expected ident" => "seharusnya ada nilai",
        "expected `:`" => "seharusnya ada titik dua",
        "expected `,` or `]`" | "expected `,` or `}`" => "seharusnya ada koma atau kurung tutup",
        "key must be a string" => "nama anggota harus berupa string",
        "invalid number" | "number out of range" => "bilangan tidak sah",
        "invalid escape" => "urutan \\ tidak sah",
        "invalid unicode code point" => "bukan UTF-8 yang sah",
        "recursion limit exceeded" => "bersarang terlalu dalam",
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => "pasangan surrogate tidak lengkap",
        _ if reason.starts_with("control character") => "karakter kendali di dalam string",
        _ => "tidak mengikuti tata JSON",
    };
    Problem::malformed(
        format!("JSON tidak terbaca pada baris {line}, kolom {column}: {id}."),
        format!("The JSON cannot be read at line {line}, column {column}: {reason}."),
    )
}

/// Whether `text` has control characters other than tab and line breaks.
pub(crate) fn controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// A control character in a text is never meant, and PostgreSQL cannot store NUL.
fn control_characters(value: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let mut refuse = |pointer: &str| {
        errors.push(FieldError::new(
            pointer,
            "control_character",
            "tidak boleh memuat karakter kendali selain tab dan ganti baris",
            "must not have control characters other than tab and line breaks",
        ));
    };
    match value {
        Value::String(text) if controls(text) => refuse(at),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                control_characters(item, &format!("{at}/{index}"), errors);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = child(at, name);
                if controls(name) {
                    errors.push(FieldError::new(
                        pointer.as_str(),
                        "control_character",
                        "nama anggota tidak boleh memuat karakter kendali",
                        "the member's name must not have control characters",
                    ));
                }
                control_characters(member, &pointer, errors);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
