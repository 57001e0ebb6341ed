//! Every failure that a client can see, and its RFC 9457 body.
//!
//! A variant stands for something that a client could do something different about. What a person
//! reads is in Indonesian and English; what a program reads (`type`, `code`, `pointer`) never changes
//! with the language.
//!
//! A handler that fails does not know the request any more: `error_response` answers in English and
//! leaves the problem in the response's extensions, where the outermost middleware finds it and calls
//! [`Problem::respond`] with language, path and request id.

mod pages;

use std::{
    borrow::Cow,
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use chrono::{DateTime, Utc};
use diesel::result::{DatabaseErrorKind, Error as DbError};
use serde::Serialize;
use utoipa::ToSchema;

pub use pages::{Page, html, page, pages};

use crate::{
    db::{is_full, types::instant_text},
    gate::{Obstacle, ObstacleBody},
    policy::PROVED_WITHIN,
};

pub const MEDIA_TYPE: &str = "application/problem+json";

#[derive(Clone, Debug)]
pub enum Problem {
    /// There is no token and no key.
    Unauthenticated,
    /// There is a token or key, and it is expired, revoked or not ours.
    InvalidToken,
    /// A sign-in with a wrong address, password or second factor; which of them is not said.
    InvalidCredentials,
    /// A sign-in with the right password of an account that has a second factor, without its code.
    CodeRequired,
    /// A role would do, and needs a second factor, which the sign-in has not shown.
    SecondFactorRequired,
    /// What is asked for is dangerous, and the caller has not proved lately to be who they are.
    StepUpRequired,
    Forbidden {
        action: &'static str,
        /// What the action was tried on, as `access/explain` takes it.
        on: String,
    },
    /// The actions that the giver does not have.
    CannotGrant(Vec<&'static str>),
    /// Nothing here, or nothing that this caller may know of.
    NotFound,
    /// What could not be read, and where.
    Malformed(Text),
    /// The pointer of each is `?name`, the parameter's name.
    InvalidQuery(Vec<FieldError>),
    BadCursor,
    /// The value as it was sent.
    BadAsOf(String),
    /// A follower sees other things than it did, or stands at a row that is there no more: what it has cannot be brought
    /// up to date by changes.
    ViewChanged {
        /// The path of the snapshot to begin again from, where there is one.
        snapshot: Option<String>,
    },
    /// The methods that the path does have.
    MethodNotAllowed(Vec<String>),
    /// The media types that there are.
    NotAcceptable(Vec<&'static str>),
    /// What would have been taken.
    UnsupportedMediaType(&'static str),
    /// The limit in bytes.
    TooLarge(usize),
    Invalid(Vec<FieldError>),
    /// An idempotency key was used before for another request.
    KeyReused,
    /// A value that must be unique is in use.
    Taken(FieldError),
    WrongState {
        action: &'static str,
        state: String,
    },
    /// Somebody must hold this role, and this would take it from the last one.
    LastHolder(&'static str),
    /// A rule between resources stands against it.
    Conflict(FieldError),
    /// The caller may do this for its own organisation only.
    NotOwnOrganization,
    /// A client asked for what only people's accounts have.
    ForPeople,
    /// The organisation is not among those that decide in this stage.
    NotInElectorate,
    BallotNotOpen {
        state: String,
    },
    /// A vote was cast already under the ballot's rule.
    RuleFrozen,
    NoQuorum {
        needed: i64,
        cast: i64,
    },
    /// What changed since the room saw it, or stands against parts of a stage's outcomes: nothing was kept.
    OutcomeConflicts(Vec<FieldError>),
    /// The node or quality belongs to another edition of the framework.
    OtherEdition(FieldError),
    /// A statement can rest only on what is in its own programme.
    ForeignBasis(Vec<FieldError>),
    /// What still stands in the way.
    GateNotClear(Vec<Obstacle>),
    AlreadyPublished,
    /// The sender's own reference stands for an input of other content.
    ExternalRefTaken {
        /// The path of that input.
        existing: String,
    },
    /// The input of this reference was withdrawn by its sender.
    InputWithdrawn {
        existing: String,
        at: DateTime<Utc>,
    },
    Stale {
        revision: i32,
        /// With its quotes, as in the header.
        etag: String,
    },
    PreconditionRequired,
    TooManyRequests {
        retry_after_s: u64,
    },
    Busy {
        retry_after_s: u64,
    },
    /// The process is being shut down.
    Stopping,
    /// The cause goes to the log and never to the client; [`Problem::internal`] makes it.
    Internal(Cause),
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub id: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Text {
    pub fn new(id: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Text {
        Text { id: id.into(), en: en.into() }
    }

    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::Id => &self.id,
            Lang::En => &self.en,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    Id,
    #[default]
    En,
}

impl Lang {
    /// The language of an `Accept-Language` header by RFC 4647 lookup: `id-ID` finds `id`, `*` and
    /// whatever else we do not speak is passed over, and English is what remains.
    pub fn of(accept_language: Option<&str>) -> Lang {
        Lang::asked(accept_language).unwrap_or_default()
    }

    pub fn named(tag: &str) -> Option<Lang> {
        [Lang::Id, Lang::En].into_iter().find(|lang| lang.tag() == tag)
    }

    /// The same; none where the header names neither language.
    pub fn asked(accept_language: Option<&str>) -> Option<Lang> {
        let mut best = (0.0, None);
        for range in accept_language.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
                .map_or(Some(1.0), |quality| quality.trim().parse::<f32>().ok())
                .filter(|quality| (0.0..=1.0).contains(quality));
            let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
            let lang = match primary.as_str() {
                // `in` was the code of Indonesian until 1989, and old Java clients still send it.
                "id" | "in" => Lang::Id,
                "en" => Lang::En,
                _ => continue,
            };
            if let Some(quality) = quality
                && quality > best.0
            {
                best = (quality, Some(lang));
            }
        }
        best.1
    }

    pub fn tag(self) -> &'static str {
        match self {
            Lang::Id => "id",
            Lang::En => "en",
        }
    }
}

/// What is wrong with one member of a body, or with one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer into the body (`""` is the whole), or `?name` for a query parameter.
    pub pointer: String,
    /// What a program looks at: `required`, `too_long`, …
    pub code: Cow<'static, str>,
    pub detail: Text,
}

impl FieldError {
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        id: impl Into<Cow<'static, str>>,
        en: impl Into<Cow<'static, str>>,
    ) -> FieldError {
        FieldError { pointer: pointer.into(), code: code.into(), detail: Text::new(id, en) }
    }

    /// As whoever reads this language is told.
    pub fn body(&self, lang: Lang) -> FieldErrorBody {
        let (code, detail) = (self.code.to_string(), self.detail.of(lang).to_owned());
        FieldErrorBody { pointer: self.pointer.clone(), code, detail }
    }
}

/// Why something went wrong on our side. It is logged once: with the request's id when the problem is
/// answered by [`Problem::respond`], and in any case before it is forgotten.
#[derive(Clone, Debug)]
pub struct Cause(Arc<Unlogged>);

#[derive(Debug)]
struct Unlogged {
    error: Box<dyn Error + Send + Sync>,
    logged: AtomicBool,
}

impl Unlogged {
    fn log(&self, request_id: Option<&str>) {
        if self.logged.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut line = self.error.to_string();
        let mut next = self.error.source();
        while let Some(error) = next {
            line.push_str(": ");
            line.push_str(&error.to_string());
            next = error.source();
        }
        match request_id {
            Some(id) => log::error!("request {id} failed: {line}"),
            None => log::error!("a request failed: {line}"),
        }
    }
}

impl Drop for Unlogged {
    fn drop(&mut self) {
        self.log(None);
    }
}

/// What went wrong, as RFC 9457 describes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A stable name for this kind of problem, which is what a program should look at, and the path of
    /// a page that says what to do.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", example = "/problems/invalid")]
    kind: String,
    /// The kind of problem in a few words, in the language of `Content-Language`.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened here, for a person, in the language of `Content-Language`.
    detail: String,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri-reference")]
    instance: Option<String>,
    /// The same as in `X-Request-Id`; name it when you ask the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<String>,
    /// Every member or parameter that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldErrorBody>,
    /// With `forbidden`: where to ask which rule and membership are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri-reference")]
    explain: Option<String>,
    /// With `cannot-grant`: the actions that you do not have yourself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    missing_actions: Option<Vec<&'static str>>,
    /// With `gate-not-clear`: what stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    obstacles: Option<Vec<ObstacleBody>>,
    /// With `view-changed`: where to begin again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri-reference")]
    snapshot: Option<String>,
    /// With `external-ref-taken` and `input-withdrawn`: the path of the input that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri-reference")]
    existing: Option<String>,
    /// With `stale`: the revision that stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current_revision: Option<i32>,
    /// With `stale`: the entity tag that stands now, as `If-Match` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current_etag: Option<String>,
}

/// What is wrong with one member or parameter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldError)]
pub struct FieldErrorBody {
    /// A JSON pointer into the request body (empty for the whole), or `?name` for a query parameter.
    #[schema(example = "/name/id")]
    pointer: String,
    /// A stable name for what is wrong.
    #[schema(example = "too_long")]
    code: String,
    /// The same for a person, in the language of `Content-Language`.
    detail: String,
}

impl Problem {
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Problem {
        let logged = AtomicBool::new(false);
        Problem::Internal(Cause(Arc::new(Unlogged { error: cause.into(), logged })))
    }

    /// An internal problem that did not happen, for the document: nothing is logged.
    pub(crate) fn internal_example() -> Problem {
        let logged = AtomicBool::new(true);
        Problem::Internal(Cause(Arc::new(Unlogged { error: "none".into(), logged })))
    }

    pub fn malformed(id: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Problem {
        Problem::Malformed(Text::new(id, en))
    }

    /// The last segment of `type`.
    pub fn name(&self) -> &'static str {
        self.kind().1
    }

    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Problem::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Problem::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid-token"),
            Problem::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid-credentials"),
            Problem::CodeRequired => (StatusCode::UNAUTHORIZED, "code-required"),
            Problem::SecondFactorRequired => (StatusCode::FORBIDDEN, "second-factor-required"),
            Problem::StepUpRequired => (StatusCode::UNAUTHORIZED, "step-up-required"),
            Problem::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden"),
            Problem::CannotGrant(_) => (StatusCode::FORBIDDEN, "cannot-grant"),
            Problem::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Problem::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Problem::InvalidQuery(_) => (StatusCode::BAD_REQUEST, "invalid-query"),
            Problem::BadCursor => (StatusCode::BAD_REQUEST, "bad-cursor"),
            Problem::BadAsOf(_) => (StatusCode::BAD_REQUEST, "bad-as-of"),
            Problem::ViewChanged { .. } => (StatusCode::GONE, "view-changed"),
            Problem::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Problem::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, "not-acceptable"),
            Problem::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
            Problem::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Problem::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Problem::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"),
            Problem::Taken(_) => (StatusCode::CONFLICT, "taken"),
            Problem::WrongState { .. } => (StatusCode::CONFLICT, "wrong-state"),
            Problem::LastHolder(_) => (StatusCode::CONFLICT, "last-holder"),
            Problem::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Problem::NotOwnOrganization => (StatusCode::FORBIDDEN, "not-own-organization"),
            Problem::ForPeople => (StatusCode::FORBIDDEN, "for-people"),
            Problem::NotInElectorate => (StatusCode::CONFLICT, "not-in-electorate"),
            Problem::BallotNotOpen { .. } => (StatusCode::CONFLICT, "ballot-not-open"),
            Problem::RuleFrozen => (StatusCode::CONFLICT, "rule-frozen"),
            Problem::NoQuorum { .. } => (StatusCode::CONFLICT, "no-quorum"),
            Problem::OutcomeConflicts(_) => (StatusCode::CONFLICT, "outcome-conflicts"),
            Problem::OtherEdition(_) => (StatusCode::UNPROCESSABLE_ENTITY, "other-edition"),
            Problem::ForeignBasis(_) => (StatusCode::UNPROCESSABLE_ENTITY, "foreign-basis"),
            Problem::GateNotClear(_) => (StatusCode::CONFLICT, "gate-not-clear"),
            Problem::AlreadyPublished => (StatusCode::CONFLICT, "already-published"),
            Problem::ExternalRefTaken { .. } => (StatusCode::CONFLICT, "external-ref-taken"),
            Problem::InputWithdrawn { .. } => (StatusCode::CONFLICT, "input-withdrawn"),
            Problem::Stale { .. } => (StatusCode::PRECONDITION_FAILED, "stale"),
            Problem::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "precondition-required"),
            Problem::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many-requests"),
            Problem::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Problem::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Problem::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// What happened here, with the particulars that the page of this problem cannot know.
    fn detail(&self) -> Text {
        match self {
            Problem::Unauthenticated => Text::new(
                "Masuklah dahulu, dan kirim token aksesnya pada header Authorization.",
                "Sign in, and send the access token in the Authorization header.",
            ),
            Problem::InvalidToken => Text::new(
                "Token atau kunci ini kedaluwarsa, dicabut, atau bukan dari layanan ini.",
                "This token or key has expired, was revoked, or is not from this service.",
            ),
            Problem::InvalidCredentials => Text::new(
                "Alamat surel, kata sandi, atau kode tidak cocok.",
                "The address, password or code is not right.",
            ),
            Problem::CodeRequired => Text::new(
                "Akun ini memakai faktor kedua: kirim juga code.",
                "This account has a second factor: send its code too.",
            ),
            Problem::SecondFactorRequired => Text::new(
                "Peran Anda yang mengizinkan ini memerlukan faktor kedua, dan sesi masuk ini belum menunjukkannya: \
                 pasang dengan POST /api/v1/me/totp.",
                "Your role that allows this needs a second factor, and this sign-in has not shown one: set it up with \
                 POST /api/v1/me/totp.",
            ),
            Problem::StepUpRequired => Text::new(
                "Buktikan dahulu dengan POST /api/v1/auth/step-up bahwa ini Anda, lalu ulangi permintaan ini.",
                "Prove with POST /api/v1/auth/step-up that it is you, and send this request again.",
            ),
            Problem::Forbidden { action, on } => Text::new(
                format!("Peran Anda tidak mengizinkan {action} pada {on}."),
                format!("Your role does not allow {action} on {on}."),
            ),
            Problem::CannotGrant(missing) => Text::new(
                format!("Anda sendiri tidak memiliki hak: {}.", missing.join(", ")),
                format!("You do not have these rights yourself: {}.", missing.join(", ")),
            ),
            Problem::NotFound => Text::new(
                "Tidak ada apa pun di sini, atau tidak ada yang boleh Anda lihat.",
                "There is nothing here, or nothing that you may see.",
            ),
            Problem::Malformed(what) => what.clone(),
            Problem::InvalidQuery(_) => Text::new(
                "Ada parameter kueri yang tidak dapat diterima; lihat errors.",
                "Some query parameters are not acceptable; see errors.",
            ),
            Problem::BadCursor => Text::new(
                "Kursor ini tidak dapat dipakai dengan filter dan urutan ini.",
                "This cursor cannot be used with these filters and this order.",
            ),
            Problem::BadAsOf(value) => Text::new(
                format!("as_of={value} bukan waktu RFC 3339 maupun seq:N yang telah ada."),
                format!("as_of={value} is neither an RFC 3339 instant nor a seq:N that exists."),
            ),
            Problem::ViewChanged { .. } => Text::new(
                "Yang boleh Anda lihat telah berubah sejak kursor ini dibuat, atau layanan dipulihkan dari cadangan: mulailah lagi dari awal.",
                "What you may see has changed since this cursor was made, or the service was restored from a backup: begin again.",
            ),
            Problem::MethodNotAllowed(allowed) => Text::new(
                format!("Metode yang ada di sini: {}.", allowed.join(", ")),
                format!("The methods that there are here: {}.", allowed.join(", ")),
            ),
            Problem::NotAcceptable(available) => Text::new(
                format!("Yang tersedia di sini: {}.", available.join(", ")),
                format!("What there is here: {}.", available.join(", ")),
            ),
            Problem::UnsupportedMediaType(accepted) => {
                Text::new(format!("Yang diterima di sini: {accepted}."), format!("What is accepted here: {accepted}."))
            }
            Problem::TooLarge(limit) => Text::new(
                format!("Isi permintaan paling besar {limit} bita."),
                format!("A request body may have at most {limit} bytes."),
            ),
            Problem::Invalid(_) => Text::new(
                "Ada isian yang tidak dapat diterima; lihat errors.",
                "Some members are not acceptable; see errors.",
            ),
            Problem::KeyReused => Text::new(
                "Idempotency-Key ini sudah dipakai untuk permintaan lain.",
                "This Idempotency-Key was used before for another request.",
            ),
            Problem::Taken(error) | Problem::Conflict(error) | Problem::OtherEdition(error) => error.detail.clone(),
            Problem::NotOwnOrganization => Text::new(
                "Ini hanya dapat Anda lakukan untuk organisasi Anda sendiri.",
                "You can do this for your own organisation only.",
            ),
            Problem::ForPeople => Text::new(
                "Ini hanya untuk akun orang, sedangkan Anda masuk sebagai klien.",
                "This is for people's accounts only, and you are signed in as a client.",
            ),
            Problem::NotInElectorate => Text::new(
                "Organisasi ini tidak termasuk yang memutuskan pada tahap ini.",
                "This organisation is not among those that decide in this stage.",
            ),
            Problem::BallotNotOpen { state } => Text::new(
                format!("Pemungutan suara ini sekarang {state}, jadi suara tidak dapat diberikan atau diubah."),
                format!("This ballot is now {state}, so no vote can be cast or changed."),
            ),
            Problem::RuleFrozen => Text::new(
                "Suara pertama sudah masuk, jadi aturan pemungutan suara ini tidak dapat diubah lagi.",
                "The first vote is in, so the rule of this ballot cannot be changed any more.",
            ),
            Problem::NoQuorum { needed, cast } => Text::new(
                format!("Kuorumnya {needed} suara, dan yang masuk {cast}."),
                format!("The quorum is {needed} votes, and {cast} were cast."),
            ),
            Problem::OutcomeConflicts(_) => Text::new(
                "Sebagian hasil bertentangan dengan keadaan sekarang; lihat errors. Tidak ada yang disimpan.",
                "Some outcomes conflict with how things stand now; see errors. Nothing was kept.",
            ),
            Problem::ForeignBasis(_) => Text::new(
                "Dasar yang disebut tidak ada di program ini; lihat errors.",
                "Some of the named basis is not in this programme; see errors.",
            ),
            Problem::GateNotClear(obstacles) => Text::new(
                format!("Masih ada {} hal yang menghalangi; lihat obstacles.", obstacles.len()),
                format!("{} things still stand in the way; see obstacles.", obstacles.len()),
            ),
            Problem::AlreadyPublished => Text::new(
                "Pernyataan ini sudah diterbitkan dan tidak berubah lagi.",
                "This statement has been published and does not change any more.",
            ),
            Problem::ExternalRefTaken { existing } => Text::new(
                format!("Organisasi Anda sudah memakai external_ref ini untuk masukan dengan isi lain: {existing}."),
                format!("Your organisation uses this external_ref for an input of other content: {existing}."),
            ),
            Problem::InputWithdrawn { existing, at } => {
                let at = instant_text(at);
                Text::new(
                    format!("Masukan dengan external_ref ini ditarik organisasi Anda pada {at}: {existing}."),
                    format!("Your organisation withdrew the input of this external_ref at {at}: {existing}."),
                )
            }
            Problem::WrongState { action, state } => Text::new(
                format!(
                    "{action} tidak dapat dilakukan karena keadaannya sekarang {state}. \
                     Yang dapat dilakukan tercantum pada allowed_actions sumber daya ini."
                ),
                format!(
                    "{action} cannot be done because the state is now {state}. \
                     What can be done stands in the resource's allowed_actions."
                ),
            ),
            Problem::LastHolder(role) => Text::new(
                format!("Harus selalu ada yang memegang peran {role}, dan ini yang terakhir."),
                format!("Somebody must always hold the role {role}, and this is the last one."),
            ),
            Problem::Stale { revision, .. } => Text::new(
                format!("Ini telah diubah: sekarang revisi {revision}."),
                format!("It was changed meanwhile: it is now at revision {revision}."),
            ),
            Problem::PreconditionRequired => Text::new(
                "Kirim If-Match dengan ETag dari pembacaan terakhir Anda.",
                "Send If-Match with the ETag of what you last read.",
            ),
            Problem::TooManyRequests { retry_after_s } => Text::new(
                format!("Terlalu banyak permintaan: coba lagi dalam {retry_after_s} detik."),
                format!("Too many requests: try again in {retry_after_s} s."),
            ),
            Problem::Busy { retry_after_s } => Text::new(
                format!("Layanan belum dapat mengerjakannya: coba lagi dalam {retry_after_s} detik."),
                format!("The service cannot do it now: try again in {retry_after_s} s."),
            ),
            Problem::Stopping => Text::new(
                "Layanan sedang dihentikan: coba lagi sebentar lagi.",
                "The service is being stopped: try again shortly.",
            ),
            Problem::Internal(_) => Text::new(
                "Ada yang salah di pihak kami; sebabnya telah dicatat.",
                "Something went wrong on our side; the cause has been logged.",
            ),
        }
    }

    fn errors(&self) -> &[FieldError] {
        match self {
            Problem::Invalid(errors)
            | Problem::InvalidQuery(errors)
            | Problem::OutcomeConflicts(errors)
            | Problem::ForeignBasis(errors) => errors,
            Problem::Taken(error) | Problem::Conflict(error) | Problem::OtherEdition(error) => {
                std::slice::from_ref(error)
            }
            _ => &[],
        }
    }

    /// The body without what only a request knows, `instance` and `request_id`.
    pub fn body(&self, lang: Lang) -> ProblemBody {
        let (status, name) = self.kind();
        let mut body = ProblemBody {
            kind: format!("/problems/{name}"),
            title: page(name).map_or_else(String::new, |page| page.title(lang).to_owned()),
            status: status.as_u16(),
            detail: self.detail().of(lang).to_owned(),
            instance: None,
            request_id: None,
            errors: Vec::new(),
            explain: None,
            missing_actions: None,
            obstacles: None,
            snapshot: None,
            existing: None,
            current_revision: None,
            current_etag: None,
        };
        body.errors.extend(self.errors().iter().map(|error| error.body(lang)));
        match self {
            Problem::Forbidden { action, on } => {
                body.explain = serde_urlencoded::to_string([("action", *action), ("on", on)])
                    .ok()
                    .map(|query| format!("/api/v1/access/explain?{query}"));
            }
            Problem::CannotGrant(missing) => body.missing_actions = Some(missing.clone()),
            Problem::GateNotClear(obstacles) => {
                body.obstacles = Some(obstacles.iter().map(|obstacle| obstacle.body(lang)).collect());
            }
            Problem::ViewChanged { snapshot } => body.snapshot = snapshot.clone(),
            Problem::ExternalRefTaken { existing } | Problem::InputWithdrawn { existing, .. } => {
                body.existing = Some(existing.clone());
            }
            Problem::Stale { revision, etag } => {
                body.current_revision = Some(*revision);
                body.current_etag = Some(etag.clone());
            }
            _ => {}
        }
        body
    }

    /// The header that this problem's status asks for.
    fn header(&self) -> Option<(header::HeaderName, String)> {
        Some(match self {
            Problem::Unauthenticated | Problem::InvalidCredentials | Problem::CodeRequired => {
                (header::WWW_AUTHENTICATE, "Bearer".into())
            }
            // RFC 9470, 3.
            Problem::StepUpRequired => {
                let age = PROVED_WITHIN.num_seconds();
                let asks = format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{age}\"");
                (header::WWW_AUTHENTICATE, asks)
            }
            Problem::InvalidToken => (header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"".into()),
            Problem::MethodNotAllowed(allowed) => (header::ALLOW, allowed.join(", ")),
            Problem::Stale { etag, .. } => (header::ETAG, etag.clone()),
            Problem::TooManyRequests { retry_after_s } | Problem::Busy { retry_after_s } => {
                (header::RETRY_AFTER, retry_after_s.to_string())
            }
            Problem::Stopping => (header::RETRY_AFTER, "1".into()),
            _ => return None,
        })
    }

    fn send(&self, lang: Lang, body: &ProblemBody) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(MEDIA_TYPE).insert_header((header::CONTENT_LANGUAGE, lang.tag()));
        if let Some(header) = self.header() {
            response.insert_header(header);
        }
        response.json(body)
    }

    /// The answer for one request: `instance` is its path.
    pub fn respond(&self, lang: Lang, instance: &str, request_id: &str) -> HttpResponse {
        if let Problem::Internal(Cause(cause)) = self {
            cause.log(Some(request_id));
        }
        let mut body = self.body(lang);
        body.instance = Some(instance.to_owned());
        body.request_id = Some(request_id.to_owned());
        self.send(lang, &body)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.send(Lang::En, &self.body(Lang::En));
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail().en)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Problem::Internal(Cause(cause)) => Some(cause.error.as_ref()),
            _ => None,
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        match error {
            DbError::NotFound => Problem::NotFound,
            DbError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Problem::Busy { retry_after_s: 1 },
            // The connection is gone; its thread makes a new one.
            DbError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _) => {
                Problem::Busy { retry_after_s: 1 }
            }
            // PostgreSQL's lock_timeout, SQLite's busy_timeout.
            DbError::DatabaseError(_, ref info)
                if info.message().contains("lock timeout") || info.message().contains("database is locked") =>
            {
                Problem::Busy { retry_after_s: 1 }
            }
            // Nothing of it was kept. Whoever runs the service has to make room.
            full if is_full(&full) => {
                log::error!("the database's disk takes no more: {full}");
                Problem::Busy { retry_after_s: 30 }
            }
            other => Problem::internal(other),
        }
    }
}

impl Problem {
    /// The breach of one named constraint, told as what it means to the client.
    pub fn taken(self, constraint: &str, error: impl FnOnce() -> FieldError) -> Problem {
        let Problem::Internal(cause) = &self else { return self };
        let broken = cause.0.error.downcast_ref::<DbError>().and_then(crate::db::constraint::broken);
        if broken.as_deref() != Some(constraint) {
            return self;
        }
        cause.0.logged.store(true, Ordering::Relaxed);
        Problem::Taken(error())
    }

    /// The same problem of something that stands deeper in the body.
    pub fn below(self, pointer: &str) -> Problem {
        let deeper = |mut error: FieldError| {
            error.pointer.insert_str(0, pointer);
            error
        };
        match self {
            Problem::Invalid(errors) => Problem::Invalid(errors.into_iter().map(deeper).collect()),
            Problem::Taken(error) => Problem::Taken(deeper(error)),
            Problem::Conflict(error) => Problem::Conflict(deeper(error)),
            Problem::OtherEdition(error) => Problem::OtherEdition(deeper(error)),
            Problem::ForeignBasis(errors) => Problem::ForeignBasis(errors.into_iter().map(deeper).collect()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
