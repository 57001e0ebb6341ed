//! Lists: keyset pages with cursors that are bound to their filters and authenticated.

use std::{borrow::Cow, marker::PhantomData};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        RefOr, Required,
        path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
        schema::{Array, ArrayBuilder, Object, ObjectBuilder, Schema, Type},
    },
};

use crate::{
    access::end_of,
    db::Id,
    problem::{FieldError, Lang, Problem, Text},
    service::Service,
    versioned::Resource,
};

/// The parameters of every list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Listing` reads")]
pub struct PageParams {
    /// How many items at most. More than 200 is refused, never cut.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: `next_cursor` of the page before, with the same filters and sort.
    #[param(max_length = 1000, value_type = Option<String>)]
    cursor: Option<String>,
}

/// The parameters that choose how things are shown.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `View` reads")]
pub struct ViewParams {
    /// Members to answer, separated by commas; all where it is missing.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MemberName>>, min_items = 1, max_items = 100)]
    fields: Option<Vec<String>>,
    /// `localized`: each text in one language (by `Accept-Language`), with `lang` and `stale`.
    #[param(inline)]
    view: Option<ViewKind>,
    /// The state at an earlier moment: an RFC 3339 instant, a day (its end, in the programme's time zone; for what all
    /// programmes share, in UTC), or `seq:N` for the state after ledger row N. Rights are today's.
    #[param(
        max_length = 40,
        pattern = r"^(seq:[1-9][0-9]{0,17}|[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+ -][0-9]{2}:[0-9]{2}))?)$",
        example = "seq:1"
    )]
    as_of: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    Localized,
}

/// `sort` of a list, and `expand` and `include_total` where it has them, as its [`Filter`] tells them.
pub struct ListParams<F>(PhantomData<F>);

impl<F: Filter> IntoParams for ListParams<F> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let both = F::SORTS.iter().flat_map(|sort| [(*sort).to_owned(), format!("-{sort}")]);
        let sort = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(both));
        let mut params = vec![parameter(
            "sort",
            &format!("The order: by `{}` unless told otherwise; a minus sign turns it round.", F::SORTS[0]),
            sort.into(),
        )];
        params.extend(expand(F::EXPANDS));
        if F::COUNTED {
            let count = Object::with_type(Type::Boolean);
            params.push(parameter("include_total", "Whether to count all that there are, as `total`.", count.into()));
        }
        params
    }
}

/// `expand` of one resource.
pub struct ExpandParams<R>(PhantomData<R>);

impl<R: Resource> IntoParams for ExpandParams<R> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        expand(R::EXPANDS).into_iter().collect()
    }
}

fn expand(known: &[&str]) -> Option<Parameter> {
    let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known.iter().copied()));
    let description = "What to answer with it, in `expanded`; names separated by commas.";
    (!known.is_empty()).then(|| parameter("expand", description, list_of(names).into()))
}

fn parameter(name: &str, description: &str, schema: RefOr<Schema>) -> Parameter {
    let list = matches!(schema, RefOr::T(Schema::Array(_)));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .style(list.then_some(ParameterStyle::Form))
        .explode(list.then_some(false))
        .schema(Some(schema))
        .build()
}

/// The schema of values that are separated by commas.
fn list_of(one: impl Into<RefOr<Schema>>) -> Array {
    ArrayBuilder::new().items(one.into()).min_items(Some(1)).max_items(Some(LIST_MAX)).build()
}

const LIST_MAX: usize = 100;

/// The name of a member of what is answered.
#[derive(ToSchema)]
#[schema(max_length = 60, pattern = "^[a-z_]+$", example = "id")]
#[expect(dead_code, reason = "describes what a string is")]
struct MemberName(String);

/// How things are to be shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub fields: Option<Vec<String>>,
    /// The language to show each text in; `None` for all of them.
    pub language: Option<&'static str>,
    pub as_of: Option<AsOf>,
    pub expand: Vec<String>,
}

impl View {
    /// Whether the stored text can be sent as it is.
    pub fn is_plain(&self) -> bool {
        self.fields.is_none() && self.language.is_none() && self.expand.is_empty()
    }
}

/// The moment that a read is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    Instant(chrono::DateTime<chrono::Utc>),
    /// The end of a day, where the programme is.
    Day(chrono::NaiveDate),
    Sequence(i64),
}

impl AsOf {
    fn parse(text: &str) -> Option<AsOf> {
        if let Some(sequence) = text.strip_prefix("seq:") {
            return sequence.parse().ok().filter(|sequence| *sequence >= 1).map(AsOf::Sequence);
        }
        if let Ok(day) = text.parse() {
            return Some(AsOf::Day(day));
        }
        // A plus sign that was not escaped arrives as a blank.
        let text = text.replace(' ', "+");
        chrono::DateTime::parse_from_rfc3339(&text).ok().map(|at| AsOf::Instant(at.to_utc()))
    }

    /// The instant, where this is not a row of a ledger: of a day, its last microsecond there.
    pub fn instant(self, zone: chrono_tz::Tz) -> Option<chrono::DateTime<chrono::Utc>> {
        match self {
            AsOf::Instant(at) => Some(at),
            AsOf::Day(day) => Some(end_of(day, zone) - chrono::TimeDelta::microseconds(1)),
            AsOf::Sequence(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for AsOf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        AsOf::parse(&text).ok_or_else(|| serde::de::Error::custom("must be an RFC 3339 instant, a day or seq:N"))
    }
}

/// A list's filters: its own parameters, how it can be sorted and what can be expanded.
pub trait Filter: DeserializeOwned + Default + 'static {
    /// The first is the default. `-` before a name turns it round.
    const SORTS: &'static [&'static str] = &["created_at"];
    const EXPANDS: &'static [&'static str] = &[];
    /// Whether `include_total` is one indexed count here.
    const COUNTED: bool = false;
    /// Whether what it finds depends on the day, so that the list changes though the ledger does not.
    const BY_DAY: bool = false;
    /// Whether its items tell of what no ledger row tells of: then its ETag is of its text.
    const LIVE: bool = false;
}

/// Where a page begins, how long it is, and in which order.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most this many items; a query asks for one more, to know whether there is a next page.
    pub limit: i64,
    pub sort: &'static str,
    pub descending: bool,
    pub include_total: bool,
    after: Option<(Value, Id)>,
    /// What cursors of this list are bound to.
    binding: String,
}

impl Page {
    /// The sort key and id of the last item of the page before.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<(K, Id)>, Problem> {
        self.after
            .clone()
            .map(|(key, id)| Ok((serde_json::from_value(key).map_err(|_| Problem::BadCursor)?, id)))
            .transpose()
    }

    /// Leaves out the row that is one too many, which says that there are more; then the last, which the next page begins
    /// after.
    pub fn cut<'r, T>(&self, rows: &'r mut Vec<T>) -> Option<&'r T> {
        let more = rows.len() as i64 > self.limit;
        rows.truncate(self.limit as usize);
        rows.last().filter(|_| more)
    }

    pub fn cursor(&self, service: &Service, key: &Value, id: Id) -> String {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(serde_json::json!([key, id]).to_string());
        let tag = service.keys().mac("cursor", format!("{}\n{payload}", self.binding).as_bytes());
        format!("{payload}.{tag}")
    }

    fn read_cursor(&mut self, service: &Service, cursor: &str) -> Result<(), Problem> {
        let (payload, tag) = cursor.split_once('.').ok_or(Problem::BadCursor)?;
        let message = format!("{}\n{payload}", self.binding);
        if !service.keys().check_mac("cursor", message.as_bytes(), tag, service.clock.now()) {
            return Err(Problem::BadCursor);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| Problem::BadCursor)?;
        self.after = Some(serde_json::from_slice(&bytes).map_err(|_| Problem::BadCursor)?);
        Ok(())
    }
}

/// A list's request: what to filter by, which page, how to show it.
pub struct Listing<F> {
    pub filter: F,
    pub page: Page,
    pub view: View,
}

impl<F: Filter> FromRequest for Listing<F> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Listing::read(request))
    }
}

impl FromRequest for View {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut faults = Vec::new();
        let (view, rest) = read_view(request, pairs(request, &mut faults), None, &mut faults);
        faults.extend(rest.into_iter().map(|(name, _)| unknown(&name)));
        std::future::ready(refuse(faults).map(|()| view))
    }
}

impl<F: Filter> Listing<F> {
    fn read(request: &HttpRequest) -> Result<Listing<F>, Problem> {
        let service = request.app_data::<web::Data<Service>>().ok_or_else(|| Problem::internal("no service"))?;
        let mut faults = Vec::new();
        let (view, rest) = read_view(request, pairs(request, &mut faults), Some(F::EXPANDS), &mut faults);
        let mut page = Page {
            limit: 50,
            sort: F::SORTS[0],
            descending: false,
            include_total: false,
            after: None,
            binding: String::new(),
        };
        let (mut cursor, mut own) = (None, Vec::new());
        for (name, value) in rest {
            match name.as_ref() {
                "limit" => match value.parse() {
                    Ok(limit @ 1..=200) => page.limit = limit,
                    _ => faults.push(fault("?limit", "range", "must be from 1 to 200", "harus dari 1 sampai 200")),
                },
                "cursor" => cursor = Some(value),
                "sort" => {
                    let (descending, wanted) = match value.strip_prefix('-') {
                        Some(wanted) => (true, wanted),
                        None => (false, value.as_ref()),
                    };
                    match F::SORTS.iter().find(|sort| **sort == wanted) {
                        Some(sort) => (page.sort, page.descending) = (sort, descending),
                        None => {
                            let known = F::SORTS.join(", ");
                            faults.push(fault(
                                "?sort",
                                "one_of",
                                &format!("must be one of {known}, or one of them after a minus sign"),
                                &format!("harus salah satu dari {known}, atau salah satunya setelah tanda minus"),
                            ));
                        }
                    }
                }
                "include_total" if F::COUNTED && (value == "true" || value == "false") => {
                    page.include_total = value == "true";
                }
                _ => own.push((name, value)),
            }
        }
        let filter = read_filter::<F>(&own, &mut faults);
        refuse(faults)?;
        own.sort();
        page.binding = format!("{}\n{}\n{}\n{:?}\n{:?}", request.path(), page.sort, page.descending, own, view.as_of);
        if let Some(cursor) = cursor {
            page.read_cursor(service, &cursor)?;
        }
        Ok(Listing { filter, page, view })
    }
}

type Pair<'q> = (Cow<'q, str>, Cow<'q, str>);

/// The parameters, each once and with text that both databases can hold.
fn pairs<'q>(request: &'q HttpRequest, faults: &mut Vec<FieldError>) -> Vec<Pair<'q>> {
    let pairs: Vec<Pair<'q>> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    for (number, (name, value)) in pairs.iter().enumerate() {
        let name_of = format!("?{name}");
        if pairs[..number].iter().any(|(other, _)| other == name) {
            let (en, id) = ("stands more than once: use commas", "muncul lebih dari sekali: pakai koma");
            faults.push(fault(&name_of, "repeated", en, id));
        }
        if value.contains('\0') {
            faults.push(fault(&name_of, "control_character", "holds a NUL character", "berisi karakter NUL"));
        }
    }
    pairs
}

/// Reads each parameter by itself first, so that every wrong one is named.
fn read_filter<F: Filter>(own: &[Pair<'_>], faults: &mut Vec<FieldError>) -> F {
    for (name, value) in own {
        if let Err(error) = one::<F>(name, value) {
            let text = error.to_string();
            if text.starts_with("unknown field") {
                faults.push(unknown(name));
            } else {
                faults.push(fault(&format!("?{name}"), "invalid", &text, &format!("tidak dapat dibaca: {text}")));
            }
        }
    }
    if !faults.is_empty() {
        return F::default();
    }
    match serde_urlencoded::to_string(own).ok().and_then(|text| serde_urlencoded::from_str(&text).ok()) {
        Some(filter) => filter,
        None => {
            faults.push(fault("?", "invalid", "the query cannot be read", "kueri tidak dapat dibaca"));
            F::default()
        }
    }
}

fn one<F: Filter>(name: &str, value: &str) -> Result<F, String> {
    let text = serde_urlencoded::to_string([(name, value)]).map_err(|error| error.to_string())?;
    serde_urlencoded::from_str(&text).map_err(|error| error.to_string())
}

fn read_view<'q>(
    request: &HttpRequest,
    pairs: Vec<Pair<'q>>,
    expands: Option<&[&str]>,
    faults: &mut Vec<FieldError>,
) -> (View, Vec<Pair<'q>>) {
    let (mut view, mut rest) = (View::default(), Vec::new());
    for (name, value) in pairs {
        match name.as_ref() {
            "fields" => view.fields = Some(value.split(',').map(str::to_owned).collect()),
            "view" if value == "localized" => {
                let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
                view.language = Some(Lang::of(header).tag());
            }
            "view" => faults.push(fault("?view", "one_of", "must be localized", "harus localized")),
            "as_of" => match AsOf::parse(&value) {
                Some(as_of) => view.as_of = Some(as_of),
                None => faults.push(fault(
                    "?as_of",
                    "format",
                    "must be an RFC 3339 instant, a day or seq:N",
                    "harus waktu RFC 3339, hari, atau seq:N",
                )),
            },
            "expand" if expands != Some(&[]) => view.expand.extend(value.split(',').map(str::to_owned)),
            _ => rest.push((name, value)),
        }
    }
    if let Some(known) = expands {
        faults.extend(wrong_expands(&view, known));
    }
    (view, rest)
}

/// Expansions that something does not have.
pub fn wrong_expands(view: &View, known: &[&str]) -> Option<FieldError> {
    let names = known.join(", ");
    let wrong = view.expand.iter().any(|wanted| !known.contains(&wanted.as_str()));
    wrong.then(|| fault("?expand", "one_of", &format!("must be of: {names}"), &format!("harus dari: {names}")))
}

/// What stands in a query that takes no parameters but a view's.
pub fn refuse(faults: Vec<FieldError>) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::InvalidQuery(faults)) }
}

fn unknown(name: &str) -> FieldError {
    fault(
        &format!("?{name}"),
        "unknown_parameter",
        "this operation has no such parameter",
        "operasi ini tidak punya parameter itu",
    )
}

fn fault(pointer: &str, code: &'static str, en: &str, id: &str) -> FieldError {
    FieldError { pointer: pointer.to_owned(), code: code.into(), detail: Text::new(id.to_owned(), en.to_owned()) }
}

/// Values separated by commas: any of them.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyOf<T>(pub Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for AnyOf<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.split(',')
            .map(|one| serde_json::from_value(Value::String(one.to_owned())))
            .collect::<Result<_, _>>()
            .map(AnyOf)
            .map_err(serde::de::Error::custom)
    }
}
