//! A file on its way into the database.

use std::{future::Ready, time::Duration};

use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, http::header, web};
use diesel::prelude::*;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

use super::{
    closing::Unfinished,
    model::{ImportFailure, ImportFormat, ImportRowState, ImportState, InputImport},
    rows::{MOST_BYTES, Rows},
};
use crate::{
    access::{Can, Deputy, Recorded, Reply, Tx, as_trial},
    csv::{Fault, RawRow},
    db::{At, Id},
    policy::gate::SendInput,
    problem::Problem,
    schema::{input_import_rows, input_imports},
    secret::hex,
    valid::{BodyDigest, must_be_utf8},
};

/// The most rows of a chunk, and the bytes after which it is full: what is in memory at one time.
const CHUNK: usize = 500;
const CHUNK_BYTES: usize = 1 << 20;

/// After so long what has come is kept though it is no whole chunk: over a slow line, the upload is seen to go on.
const SLOW: Duration = Duration::from_secs(30);

/// How long nothing may come before an upload counts as cut off.
const PATIENCE: Duration = Duration::from_secs(60);

const TAKEN: &str = "application/x-ndjson, text/csv";

/// A body that is read as it comes.
pub struct Upload {
    request: HttpRequest,
    payload: Payload,
    format: ImportFormat,
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = Ready<Result<Upload, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let format = format(request);
        let (request, payload) = (request.clone(), payload.take());
        std::future::ready(format.map(|format| Upload { request, payload, format }))
    }
}

/// What the file says that it is.
fn format(request: &HttpRequest) -> Result<ImportFormat, Problem> {
    let format = match request.content_type().trim().to_ascii_lowercase().as_str() {
        "application/x-ndjson" => ImportFormat::Ndjson,
        "text/csv" => ImportFormat::Csv,
        _ => return Err(Problem::UnsupportedMediaType(TAKEN)),
    };
    let said = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    must_be_utf8(request)?;
    if said(header::CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Problem::UnsupportedMediaType("Content-Encoding: identity"));
    }
    let length = said(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > MOST_BYTES) { Err(Problem::TooLarge(MOST_BYTES)) } else { Ok(format) }
}

impl Upload {
    /// The next part; none after the last.
    async fn next(&mut self) -> Result<Option<web::Bytes>, Problem> {
        let broken = |why: &str| {
            Problem::malformed(
                format!("Berkas tidak sampai dengan utuh: {why}."),
                format!("The file did not arrive whole: {why}."),
            )
        };
        match timeout(PATIENCE, self.payload.next()).await {
            Err(_) => Err(broken("timeout")),
            Ok(None) => Ok(None),
            Ok(Some(Ok(part))) => Ok(Some(part)),
            Ok(Some(Err(error))) => Err(broken(&error.to_string())),
        }
    }
}

/// Why an upload comes to nothing.
enum Stop {
    /// The file is no good.
    File(Fault),
    /// It broke off, or the sender may not go on.
    Problem(Problem),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::File(fault)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Problem(problem)
    }
}

/// Takes a file into the database as it comes, and leaves it to the worker.
pub async fn receive(can: &Can<SendInput>, upload: Upload, dry_run: bool) -> Result<HttpResponse, Problem> {
    let answered = take_in(can, upload, dry_run).await;
    if dry_run { Ok(as_trial(answered)) } else { answered }
}

async fn take_in(can: &Can<SendInput>, mut upload: Upload, dry_run: bool) -> Result<HttpResponse, Problem> {
    can.check_key()?;
    let mut arriving = Arriving::new(can, upload.format, dry_run);
    match arriving.read(&mut upload).await {
        Err(Stop::File(fault)) => return arriving.refuse(fault).await,
        Err(Stop::Problem(problem)) => {
            arriving.kept.give_up(None).await?;
            return Err(problem);
        }
        Ok(()) => {}
    }
    upload.request.extensions_mut().insert(BodyDigest(arriving.digest.clone().finalize().into()));
    arriving.complete(can).await
}

fn failure_of(fault: &Fault) -> ImportFailure {
    match fault {
        Fault::TooManyRows(_) => ImportFailure::TooManyRows,
        Fault::TooLarge(_) => ImportFailure::TooLarge,
        Fault::NotUtf8(_) => ImportFailure::NotUtf8,
        Fault::RowTooLong(_) => ImportFailure::RowTooLong,
        Fault::Columns(_) => ImportFailure::WrongColumns,
    }
}

/// A file of which a part is there.
struct Arriving {
    deputy: Deputy,
    rows: Rows,
    digest: Sha256,
    import: Begun,
    chunks: i32,
    count: i32,
    /// Given up unless it comes to its end.
    kept: Unfinished,
}

/// What is known of an import when its first rows are there.
#[derive(Clone)]
struct Begun {
    id: Id,
    format: ImportFormat,
    dry_run: bool,
    request_id: String,
}

impl Arriving {
    fn new(can: &Can<SendInput>, format: ImportFormat, dry_run: bool) -> Arriving {
        Arriving {
            deputy: can.deputy(),
            rows: Rows::new(format),
            digest: Sha256::new(),
            import: Begun { id: Id::new(), format, dry_run, request_id: can.request_id() },
            chunks: 0,
            count: 0,
            kept: Unfinished::new(can.deputy().service()),
        }
    }

    async fn read(&mut self, upload: &mut Upload) -> Result<(), Stop> {
        let mut found = Vec::new();
        let (mut bytes, mut kept_at) = (0, Instant::now());
        while let Some(part) = upload.next().await? {
            self.digest.update(&part);
            let before = found.len();
            self.rows.feed(&part, &mut found)?;
            bytes += found[before..].iter().map(|row: &RawRow| row.raw.len()).sum::<usize>();
            if found.len() >= CHUNK || bytes >= CHUNK_BYTES || kept_at.elapsed() >= SLOW {
                self.keep(std::mem::take(&mut found)).await?;
                (bytes, kept_at) = (0, Instant::now());
            }
        }
        self.rows.end(&mut found)?;
        self.keep(found).await
    }

    /// Puts rows into the database, as many as a chunk has at a time.
    async fn keep(&mut self, mut rows: Vec<RawRow>) -> Result<(), Stop> {
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(CHUNK));
            self.count += rows.len() as i32;
            self.chunks += 1;
            let (import, columns, chunk) = (self.import.clone(), self.rows.columns(), self.chunks);
            // From here on there is something to give up, whether or not an answer comes.
            self.kept.begun(import.id);
            self.deputy.write(move |tx| append(tx, import, columns, chunk, rows)).await?;
            rows = rest;
        }
        Ok(())
    }

    /// The file is no good: that is on record, for a sender whose line breaks before the answer.
    async fn refuse(mut self, fault: Fault) -> Result<HttpResponse, Problem> {
        if self.chunks == 0 {
            let import = self.import.clone();
            self.kept.begun(import.id);
            let made = move |tx: &mut Tx<'_>| {
                begin(tx, &import, None)?;
                Ok(tx.unchanged(()))
            };
            self.deputy.write(made).await?;
        }
        self.kept.give_up(Some(failure_of(&fault))).await?;
        Err(fault.problem())
    }

    /// All of it is there.
    async fn complete(mut self, can: &Can<SendInput>) -> Result<HttpResponse, Problem> {
        let (import, columns, chunks, count) = (self.import.clone(), self.rows.columns(), self.chunks, self.count);
        let digest = hex(&self.digest.finalize());
        self.kept.begun(import.id);
        let work = move |tx: &mut Tx<'_>| end(tx, import, columns, chunks, count, digest);
        // A trial keeps no key.
        let answered = match self.import.dry_run {
            true => can.write_secret(work).await,
            false => can.write(work).await,
        };
        match answered {
            // The same file was sent before under this key: what came of that is answered.
            Ok(response) if response.headers().contains_key("idempotency-replayed") => {
                self.kept.forget().await?;
                Ok(response)
            }
            Ok(response) => {
                self.kept.done();
                can.service().imports.ring();
                Ok(response)
            }
            Err(problem) => {
                self.kept.forget().await?;
                Err(problem)
            }
        }
    }
}

/// Makes the import if it is not there yet.
fn begin(tx: &mut Tx<'_>, import: &Begun, columns: Option<String>) -> Result<(), Problem> {
    use input_imports as t;
    let organisation = tx.reach.stakeholder.ok_or(Problem::NotOwnOrganization)?;
    let now = At(tx.now);
    diesel::insert_into(t::table)
        .values((
            t::id.eq(import.id),
            t::ledger_id.eq(tx.reach.ledger),
            t::account_id.eq(tx.reach.account),
            t::key_id.eq(tx.reach.key),
            t::stakeholder_id.eq(organisation),
            t::request_id.eq(&import.request_id),
            t::format.eq(import.format.name()),
            t::header.eq(columns),
            t::dry_run.eq(import.dry_run),
            t::state.eq(ImportState::Uploading.name()),
            (t::rows_count.eq(0), t::received_count.eq(0), t::repeated_count.eq(0), t::refused_count.eq(0)),
            (t::chunks_count.eq(0), t::next_chunk.eq(1), t::attempts.eq(0)),
            (t::created_at.eq(now), t::touched_at.eq(now)),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The upload goes on: nobody has given it up, and its sender still acts for the same organisation.
fn go_on(tx: &mut Tx<'_>, id: Id) -> Result<(), Problem> {
    use input_imports as t;
    let organisation = tx.reach.stakeholder.ok_or(Problem::NotOwnOrganization)?;
    let open = t::table.find(id).filter(t::state.eq(ImportState::Uploading.name()));
    let open = open.filter(t::stakeholder_id.eq(organisation));
    match diesel::update(open).set(t::touched_at.eq(At(tx.now))).execute(tx.conn)? {
        1 => Ok(()),
        _ => Err(Problem::WrongState { action: tx.act(), state: ImportState::CutOff.name().into() }),
    }
}

fn append(
    tx: &mut Tx<'_>,
    import: Begun,
    columns: Option<String>,
    chunk: i32,
    rows: Vec<RawRow>,
) -> Result<Recorded<()>, Problem> {
    use input_import_rows as t;
    match chunk {
        1 => begin(tx, &import, columns)?,
        _ => go_on(tx, import.id)?,
    }
    let count = rows.len() as i32;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|row| {
            (
                t::import_id.eq(import.id),
                t::number.eq(row.number),
                t::line.eq(row.line),
                t::chunk.eq(chunk),
                t::state.eq(ImportRowState::Waiting.name()),
                t::raw.eq(row.raw),
            )
        })
        .collect();
    let kept: QueryResult<()> = crate::insert_many!(&mut *tx.conn, t::table, rows);
    kept?;
    use input_imports as i;
    diesel::update(i::table.find(import.id)).set(i::rows_count.eq(i::rows_count + count)).execute(tx.conn)?;
    Ok(tx.unchanged(()))
}

fn end(
    tx: &mut Tx<'_>,
    import: Begun,
    columns: Option<String>,
    chunks: i32,
    count: i32,
    digest: String,
) -> Result<Recorded<Reply>, Problem> {
    use input_imports as t;
    match chunks {
        0 => begin(tx, &import, columns)?,
        _ => go_on(tx, import.id)?,
    }
    let now = At(tx.now);
    // Of a file without rows there is nothing to be done.
    let (state, finished) = match count {
        0 => (ImportState::Done, Some(now)),
        _ => (ImportState::Waiting, None),
    };
    diesel::update(t::table.find(import.id))
        .set((
            t::state.eq(state.name()),
            t::digest.eq(Some(digest)),
            t::chunks_count.eq(chunks),
            t::uploaded_at.eq(Some(now)),
            t::finished_at.eq(finished),
        ))
        .execute(tx.conn)?;
    let told = InputImport::read(tx.conn, &tx.reach, import.id)?;
    let place = format!("/api/v1/programs/{}/input-imports/{}", tx.reach.slug, import.id);
    Ok(tx.unchanged(Reply { location: Some(place), ..Reply::json(202, &told)? }))
}
