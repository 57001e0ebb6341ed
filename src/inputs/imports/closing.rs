//! How an import ends before its time.

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use futures_util::FutureExt;

use super::model::{ImportFailure, ImportRowState, ImportState};
use crate::{
    db::{AnyConnection, At, Id, Lane, write_transaction},
    problem::Problem,
    schema::{input_import_rows, input_imports},
    service::Service,
};

/// How long nothing may come of an upload that no process reads any more.
const FORGOTTEN: TimeDelta = TimeDelta::minutes(5);

/// Gives up an upload: its rows go. It was cut off where nothing is said of its file.
fn give_up(
    conn: &mut AnyConnection,
    id: Id,
    failure: Option<ImportFailure>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    use input_imports as t;
    let state = if failure.is_some() { ImportState::Failed } else { ImportState::CutOff };
    let uploading = t::table.find(id).filter(t::state.eq(ImportState::Uploading.name()));
    let given_up = diesel::update(uploading).set((
        t::state.eq(state.name()),
        t::failure.eq(failure.map(ImportFailure::name)),
        t::rows_count.eq(0),
        t::finished_at.eq(Some(At(now))),
    ));
    if given_up.execute(conn)? == 1 {
        use input_import_rows as r;
        diesel::delete(r::table.filter(r::import_id.eq(id))).execute(conn)?;
    }
    Ok(())
}

/// Gives up uploads that no process reads any more.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> Result<(), Problem> {
    for id in forgotten(conn, now)? {
        write_transaction(conn, |conn| give_up(conn, id, None, now))?;
    }
    Ok(())
}

/// Uploads that no process reads any more.
pub fn forgotten(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<Vec<Id>> {
    use input_imports as t;
    t::table
        .filter(t::finished_at.is_null())
        .filter(t::state.eq(ImportState::Uploading.name()))
        .filter(t::touched_at.lt(At(now - FORGOTTEN)))
        .select(t::id)
        .load(conn)
}

/// Ends a file some of whose rows may have been taken: those stay, and nothing comes of the others.
pub fn fail(
    conn: &mut AnyConnection,
    id: Id,
    by: Id,
    failure: ImportFailure,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    use input_imports as t;
    let mine = t::table.find(id).filter(t::leased_by.eq(by)).filter(t::finished_at.is_null());
    let failed = diesel::update(mine).set((
        t::state.eq(ImportState::Failed.name()),
        t::failure.eq(Some(failure.name())),
        t::finished_at.eq(Some(At(now))),
        t::leased_by.eq(None::<Id>),
        t::leased_until.eq(None::<At>),
    ));
    if failed.execute(conn)? == 1 {
        use input_import_rows as r;
        let waiting = r::table.filter(r::import_id.eq(id)).filter(r::state.eq(ImportRowState::Waiting.name()));
        let skipped = (r::state.eq(ImportRowState::Skipped.name()), r::raw.eq(None::<String>));
        diesel::update(waiting).set(skipped).execute(conn)?;
    }
    Ok(())
}

/// An upload that is given up unless it comes to its end: also where the client has gone and nobody polls its request
/// any more.
pub struct Unfinished {
    service: web::Data<Service>,
    import: Option<Id>,
}

impl Unfinished {
    pub fn new(service: &web::Data<Service>) -> Unfinished {
        Unfinished { service: service.clone(), import: None }
    }

    /// Something of it may be in the database.
    pub fn begun(&mut self, import: Id) {
        self.import = Some(import);
    }

    /// It came to its end.
    pub fn done(&mut self) {
        self.import = None;
    }

    pub async fn give_up(mut self, failure: Option<ImportFailure>) -> Result<(), Problem> {
        let Some(id) = self.import.take() else { return Ok(()) };
        let now = self.service.clock.now();
        let work = move |conn: &mut AnyConnection| write_transaction(conn, |conn| give_up(conn, id, failure, now));
        self.service.db.run(Lane::Write, work).await
    }

    /// Leaves no trace of it.
    pub async fn forget(mut self) -> Result<(), Problem> {
        let Some(id) = self.import.take() else { return Ok(()) };
        let work = move |conn: &mut AnyConnection| {
            write_transaction(conn, |conn| {
                use {input_import_rows as r, input_imports as t};
                diesel::delete(r::table.filter(r::import_id.eq(id))).execute(conn)?;
                diesel::delete(t::table.find(id)).execute(conn)?;
                Ok(())
            })
        };
        self.service.db.run(Lane::Write, work).await
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(id) = self.import.take() else { return };
        let now = self.service.clock.now();
        let work = move |conn: &mut AnyConnection| write_transaction(conn, |conn| give_up(conn, id, None, now));
        // Asked once, it is on its way to a database thread; nobody waits for it.
        _ = self.service.db.run(Lane::Write, work).now_or_never();
    }
}
