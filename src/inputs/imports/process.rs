//! The worker that takes complete files, chunk by chunk.

use std::{collections::BTreeSet, time::Duration};

use actix_web::{ResponseError, web};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::{
    super::{
        model::Input,
        receipt::Envelope,
        send::{Arrived, arrive, keep},
    },
    cells::{Codes, Sent},
    closing,
    model::{ByLanguage, ImportFailure, ImportRowState, ImportState},
};
use crate::{
    access::{Deputy, Recorded, Tx},
    db::{AnyConnection, At, Id, Lane, write_transaction},
    policy::gate::SendInput,
    problem::{FieldError, Problem},
    schema::{input_import_rows, input_imports, program_revisions},
    service::Service,
    valid::Schemas,
    worker::{self, Lease},
};

/// How often a worker looks for files that other processes received or left.
const EVERY: Duration = Duration::from_secs(5);
/// How long a chunk may take at the most.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// So often a chunk is tried, by whatever process.
const ATTEMPTS: i32 = 10;

/// Takes the files of this process's database until it is told to stop.
pub async fn take_imports(service: web::Data<Service>) {
    let taker = Taker::new(&service);
    worker::run(&service, &service.imports, EVERY, async || taker.run_once().await).await;
    if let Err(problem) = taker.release().await {
        log::warn!("other processes must wait for the files of this one: {}", problem.name());
    }
}

/// A worker, under a name of its own.
pub struct Taker {
    service: web::Data<Service>,
    lease: Lease,
}

/// A file, and the chunk that comes next.
struct Claimed {
    id: Id,
    program: Id,
    slug: String,
    account: Id,
    /// The key that a client came with.
    key: Option<Id>,
    stakeholder: Id,
    request_id: String,
    columns: Option<String>,
    dry_run: bool,
    digest: String,
    chunk: i32,
    is_last: bool,
    attempts: i32,
}

/// A row that was read.
struct Row {
    number: i32,
    line: i32,
    sent: Sent,
}

impl Taker {
    pub fn new(service: &web::Data<Service>) -> Taker {
        Taker { service: service.clone(), lease: Lease::new(LEASE) }
    }

    /// Takes one chunk of the file that waited longest; whether there was one.
    pub async fn run_once(&self) -> Result<bool, Problem> {
        let Some(claimed) = self.claim().await? else { return Ok(false) };
        if claimed.attempts > ATTEMPTS {
            self.fail(claimed.id, ImportFailure::Internal).await?;
            return Ok(true);
        }
        let id = claimed.id;
        match self.take(claimed).await {
            Ok(()) => Ok(true),
            Err(problem) => match failure_of(&problem) {
                Some(failure) => self.fail(id, failure).await.map(|()| true),
                None => Err(problem),
            },
        }
    }

    /// Lets others go on at once with what this one has begun.
    pub async fn release(&self) -> Result<(), Problem> {
        use input_imports as t;
        let by = self.lease.by;
        let work = move |conn: &mut AnyConnection| {
            let mine = diesel::update(t::table.filter(t::leased_by.eq(by)).filter(t::finished_at.is_null()));
            mine.set((t::leased_by.eq(None::<Id>), t::leased_until.eq(None::<At>))).execute(conn)?;
            Ok(())
        };
        self.service.db.run(Lane::Write, work).await
    }

    async fn claim(&self) -> Result<Option<Claimed>, Problem> {
        let (now, lease) = (self.service.clock.now(), self.lease);
        let look = move |conn: &mut AnyConnection| {
            let free = free(conn, lease, now)?;
            Ok((free, !closing::forgotten(conn, now)?.is_empty()))
        };
        let (free, forgotten) = self.service.db.run(Lane::Read, look).await?;
        if forgotten {
            self.service.db.run(Lane::Write, move |conn| closing::sweep(conn, now)).await?;
        }
        match free {
            Some(id) => self.service.db.run(Lane::Write, move |conn| claim(conn, id, lease, now)).await,
            None => Ok(None),
        }
    }

    async fn fail(&self, id: Id, failure: ImportFailure) -> Result<(), Problem> {
        let (now, by) = (self.service.clock.now(), self.lease.by);
        let work =
            move |conn: &mut AnyConnection| write_transaction(conn, |conn| closing::fail(conn, id, by, failure, now));
        self.service.db.run(Lane::Write, work).await
    }

    /// Reads a chunk beside the writes, and takes it in one of them.
    async fn take(&self, claimed: Claimed) -> Result<(), Problem> {
        let schemas = self.service.schemas.clone();
        let (claimed, rows) = self
            .service
            .db
            .run(Lane::Long, move |conn| {
                let rows = read(conn, &claimed, &schemas)?;
                Ok((claimed, rows))
            })
            .await?;
        let deputy = Deputy::of::<SendInput>(
            &self.service,
            claimed.program,
            &claimed.slug,
            (claimed.account, claimed.key),
            &claimed.request_id,
        );
        let envelope = Envelope::of_file(&self.service, claimed.digest.clone());
        let lease = self.lease;
        deputy.write(move |tx| take(tx, &claimed, lease, &envelope, rows)).await
    }
}

/// What ends a file when its sender's rights are looked at; none for what may go better next time.
fn failure_of(problem: &Problem) -> Option<ImportFailure> {
    match problem {
        Problem::InvalidToken | Problem::NotFound | Problem::Forbidden { .. } => Some(ImportFailure::RightEnded),
        Problem::NotOwnOrganization => Some(ImportFailure::OtherOrganization),
        Problem::WrongState { .. } => Some(ImportFailure::ProgramClosed),
        _ => None,
    }
}

/// No lease of another worker holds: there is none, it ended, or it ends later than one that is taken now would.
#[diesel::dsl::auto_type]
fn held_by_nobody_else(by: Id, now: At, latest: At) -> _ {
    input_imports::leased_until
        .is_null()
        .or(input_imports::leased_by.eq(by))
        .or(input_imports::leased_until.lt(now))
        .or(input_imports::leased_until.gt(latest))
}

/// The file that waited longest and that nobody else works on.
fn free(conn: &mut AnyConnection, lease: Lease, now: DateTime<Utc>) -> QueryResult<Option<Id>> {
    use input_imports as t;
    t::table
        .filter(t::finished_at.is_null())
        .filter(t::state.ne(ImportState::Uploading.name()))
        .filter(held_by_nobody_else(lease.by, At(now), At(lease.until(now))))
        .order((t::touched_at, t::id))
        .select(t::id)
        .first(conn)
        .optional()
}

/// Claims a file unless somebody was quicker.
fn claim(conn: &mut AnyConnection, id: Id, lease: Lease, now: DateTime<Utc>) -> Result<Option<Claimed>, Problem> {
    use input_imports as t;
    let unfinished = t::table.find(id).filter(t::finished_at.is_null());
    let held = unfinished.filter(held_by_nobody_else(lease.by, At(now), At(lease.until(now))));
    let claimed = diesel::update(held).set((
        t::state.eq(ImportState::Processing.name()),
        t::leased_by.eq(Some(lease.by)),
        t::leased_until.eq(Some(At(lease.until(now)))),
        t::attempts.eq(t::attempts + 1),
    ));
    if claimed.execute(conn)? == 0 {
        return Ok(None);
    }
    type Found = (Id, (Id, Option<Id>), Id, String, Option<String>, bool, Option<String>, i32, i32, i32, String);
    let found: Found = t::table
        .find(id)
        .inner_join(
            program_revisions::table
                .on(program_revisions::subject_id.eq(t::ledger_id).and(program_revisions::seq_to.is_null())),
        )
        .select((
            t::ledger_id,
            (t::account_id, t::key_id),
            t::stakeholder_id,
            t::request_id,
            t::header,
            t::dry_run,
            t::digest,
            t::next_chunk,
            t::chunks_count,
            t::attempts,
            program_revisions::slug,
        ))
        .first(conn)?;
    let (program, (account, key), stakeholder, request_id, columns, dry_run, digest, chunk, chunks, attempts, slug) =
        found;
    Ok(Some(Claimed {
        id,
        program,
        slug,
        account,
        key,
        stakeholder,
        request_id,
        columns,
        dry_run,
        digest: digest.unwrap_or_default(),
        chunk,
        is_last: chunk == chunks,
        attempts,
    }))
}

/// What the rows of a chunk say.
fn read(conn: &mut AnyConnection, claimed: &Claimed, schemas: &Schemas) -> Result<Vec<Row>, Problem> {
    use input_import_rows as t;
    let rows: Vec<(i32, i32, Option<String>)> = t::table
        .filter(t::import_id.eq(claimed.id))
        .filter(t::chunk.eq(claimed.chunk))
        .order(t::number)
        .select((t::number, t::line, t::raw))
        .load(conn)?;
    let columns: Option<Vec<String>> =
        claimed.columns.as_deref().map(serde_json::from_str).transpose().map_err(Problem::internal)?;
    let mut codes = Codes::new(conn, claimed.program);
    let read = rows.into_iter().map(|(number, line, raw)| {
        let raw = raw.unwrap_or_default();
        let sent = match &columns {
            Some(columns) => Sent::cells(&raw, columns, &mut codes, schemas)?,
            None => Sent::line(&raw, schemas),
        };
        Ok(Row { number, line, sent })
    });
    read.collect()
}

/// What came of a row.
struct Report {
    state: ImportRowState,
    input: Option<(Id, String)>,
    problem: Option<Problem>,
}

impl Report {
    fn refused(problem: Problem) -> Report {
        Report { state: ImportRowState::Refused, input: None, problem: Some(problem) }
    }
}

/// Keeps the inputs of a chunk, and says at its rows what came of them.
fn take(
    tx: &mut Tx<'_>,
    claimed: &Claimed,
    lease: Lease,
    envelope: &Envelope,
    rows: Vec<Row>,
) -> Result<Recorded<()>, Problem> {
    if tx.reach.stakeholder != Some(claimed.stakeholder) {
        return Err(Problem::NotOwnOrganization);
    }
    if !move_on(tx, claimed, lease)? {
        // Somebody else has the lease now, and has taken this chunk or will.
        return Ok(tx.unchanged(()));
    }
    let earlier = earlier(tx, claimed, &rows)?;
    let (mut told, mut readable, mut seen) = (Vec::with_capacity(rows.len()), Vec::new(), BTreeSet::new());
    for Row { number, line, sent } in rows {
        let reference = sent.external_ref;
        let again = reference.as_ref().is_some_and(|one| earlier.contains(one) || !seen.insert(one.clone()));
        let report = match sent.input {
            _ if again => Some(Report::refused(twice())),
            Err(problem) => Some(Report::refused(problem)),
            Ok(input) => {
                readable.push((told.len(), input));
                None
            }
        };
        told.push((number, line, reference, report));
    }
    let mut new = Vec::new();
    for (place, came) in arrive(tx, envelope, readable)? {
        told[place].3 = Some(report(came, claimed.dry_run, &mut new)?);
    }
    let kept = keep_unless_empty(tx, envelope, new)?;
    tell(tx, claimed, told)?;
    Ok(kept)
}

fn keep_unless_empty(tx: &mut Tx<'_>, envelope: &Envelope, new: Vec<Input>) -> Result<Recorded<()>, Problem> {
    if new.is_empty() { Ok(tx.unchanged(())) } else { Ok(keep(tx, envelope, new)?.map(drop)) }
}

/// What is to be told of something that arrived; what is new goes to the others, unless it was only tried.
fn report(came: Result<Arrived, Problem>, dry_run: bool, new: &mut Vec<Input>) -> Result<Report, Problem> {
    Ok(match came {
        Ok(Arrived::Known(input)) => {
            Report { state: ImportRowState::Repeated, input: Some((input.meta.id, input.code)), problem: None }
        }
        Ok(Arrived::New(_)) if dry_run => Report { state: ImportRowState::Received, input: None, problem: None },
        Ok(Arrived::New(input)) => {
            let named = (input.meta.id, input.code.clone());
            new.push(input);
            Report { state: ImportRowState::Received, input: Some(named), problem: None }
        }
        Err(problem) if problem.status_code().is_client_error() => Report::refused(problem),
        Err(problem) => return Err(problem),
    })
}

/// The next chunk is the next to be taken; whether the lease was still this worker's.
fn move_on(tx: &mut Tx<'_>, claimed: &Claimed, lease: Lease) -> Result<bool, Problem> {
    use input_imports as t;
    let mine = t::table.find(claimed.id).filter(t::leased_by.eq(lease.by)).filter(t::next_chunk.eq(claimed.chunk));
    let now = At(tx.now);
    let moved = diesel::update(mine.filter(t::finished_at.is_null())).set((
        t::next_chunk.eq(claimed.chunk + 1),
        t::attempts.eq(0),
        t::touched_at.eq(now),
        t::state.eq(if claimed.is_last { ImportState::Done.name() } else { ImportState::Processing.name() }),
        t::finished_at.eq(claimed.is_last.then_some(now)),
    ));
    Ok(moved.execute(tx.conn)? == 1)
}

/// The references of these rows that stand in earlier chunks of the file.
fn earlier(tx: &mut Tx<'_>, claimed: &Claimed, rows: &[Row]) -> Result<BTreeSet<String>, Problem> {
    use input_import_rows as t;
    let references: Vec<String> = rows.iter().filter_map(|row| row.sent.external_ref.clone()).collect();
    let found: Vec<Option<String>> = t::table
        .filter(t::import_id.eq(claimed.id))
        .filter(t::external_ref.eq_any(references))
        .filter(t::chunk.lt(claimed.chunk))
        .select(t::external_ref)
        .load(tx.conn)?;
    Ok(found.into_iter().flatten().collect())
}

fn twice() -> Problem {
    Problem::Invalid(vec![FieldError::new(
        "/external_ref",
        "repeated",
        "sudah muncul pada baris sebelumnya dalam berkas ini",
        "stands in an earlier row of this file already",
    )])
}

/// Puts the reports in the place of what the rows said.
fn tell(
    tx: &mut Tx<'_>,
    claimed: &Claimed,
    told: Vec<(i32, i32, Option<String>, Option<Report>)>,
) -> Result<(), Problem> {
    use input_import_rows as t;
    let mut counts = [0; 3];
    let mut rows = Vec::with_capacity(told.len());
    for (number, line, reference, report) in told {
        let report = report.ok_or_else(|| Problem::internal("a row of a file got lost"))?;
        match report.state {
            ImportRowState::Received => counts[0] += 1,
            ImportRowState::Repeated => counts[1] += 1,
            _ => counts[2] += 1,
        }
        let (input, code) = report.input.unzip();
        let problem = report.problem.as_ref().map(ByLanguage::text).transpose()?;
        rows.push((
            t::import_id.eq(claimed.id),
            t::number.eq(number),
            t::line.eq(line),
            t::chunk.eq(claimed.chunk),
            t::state.eq(report.state.name()),
            t::external_ref.eq(reference),
            t::input_id.eq(input),
            t::code.eq(code),
            t::problem.eq(problem),
        ));
    }
    let chunk = t::table.filter(t::import_id.eq(claimed.id)).filter(t::chunk.eq(claimed.chunk));
    diesel::delete(chunk).execute(tx.conn)?;
    let kept: QueryResult<()> = crate::insert_many!(&mut *tx.conn, t::table, rows);
    kept?;
    use input_imports as i;
    let [received, repeated, refused] = counts;
    diesel::update(i::table.find(claimed.id))
        .set((
            i::received_count.eq(i::received_count + received),
            i::repeated_count.eq(i::repeated_count + repeated),
            i::refused_count.eq(i::refused_count + refused),
        ))
        .execute(tx.conn)?;
    Ok(())
}
