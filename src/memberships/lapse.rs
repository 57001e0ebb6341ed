//! Ending the memberships that nobody confirmed for thirteen months.

use actix_web::web;
use chrono::{DateTime, Months, NaiveDate, Utc};
use diesel::prelude::*;

use super::model::{MemberRole, Membership, MembershipState, keep_a_lead};
use crate::{
    access::{Reach, System},
    accounts::Account,
    db::{AnyConnection, Id, Lane},
    policy::{Role, Roles},
    problem::Problem,
    programs::time_zone_named,
    schema::{membership_revisions, program_revisions},
    service::Service,
    versioned,
};

const WHY: &str = "Tidak dikonfirmasi selama tiga belas bulan. Not confirmed for thirteen months.";

/// What becomes of a membership that nobody confirmed in time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Twelve months: it is told to be due.
    Tell,
    /// A month later: it ends.
    End,
}

impl Step {
    fn of(membership: &Membership, today: NaiveDate) -> Option<Step> {
        let due = membership.state == MembershipState::Active && membership.due_on() <= today;
        match membership.due_told_on {
            _ if !due => None,
            None => Some(Step::Tell),
            Some(_) => (membership.ends_unconfirmed_on(today) <= today).then_some(Step::End),
        }
    }

    /// What the ledger calls it.
    const fn act(self) -> &'static str {
        match self {
            Step::Tell => "membership.due",
            Step::End => "membership.lapse",
        }
    }
}

struct Due {
    program: Id,
    slug: String,
    membership: Id,
    today: NaiveDate,
    step: Step,
}

/// Tells of each membership that became due for a confirmation, and ends each that was told of a month ago; a programme's last
/// lead stays. Answers how many were told of and how many ended.
pub async fn end_unconfirmed(service: &web::Data<Service>) -> Result<(usize, usize), Problem> {
    let shared = service.clone();
    let now = service.clock.now();
    let take_all = move |conn: &mut AnyConnection| {
        let (mut told, mut ended) = (0, 0);
        for one in due(conn, now)? {
            match (take(conn, &shared, &one, now)?, one.step) {
                (false, _) => {}
                (true, Step::Tell) => told += 1,
                (true, Step::End) => ended += 1,
            }
        }
        Ok((told, ended))
    };
    let (told, ended) = service.db.run(Lane::Long, take_all).await?;
    if ended > 0 {
        service.callers.rights_changed();
    }
    Ok((told, ended))
}

fn due(conn: &mut AnyConnection, now: DateTime<Utc>) -> Result<Vec<Due>, Problem> {
    use membership_revisions as held;
    use program_revisions as program;
    // A month less than the whole time, so that no time zone matters here.
    let begun = now.date_naive().checked_sub_months(Months::new(11)).unwrap_or(NaiveDate::MIN);
    let rows: Vec<(Id, String, String, String)> = held::table
        .inner_join(program::table.on(program::subject_id.eq(held::ledger_id)))
        .filter(held::seq_to.is_null())
        .filter(held::state.eq("active"))
        .filter(held::from_on.le(begun))
        .filter(program::seq_to.is_null())
        .filter(program::state.eq("active"))
        .order(held::subject_id)
        .select((held::ledger_id, program::slug, program::time_zone, held::body))
        .load(conn)?;
    let mut due = Vec::new();
    for (program, slug, time_zone, body) in rows {
        let membership: Membership = versioned::parse(&body)?;
        let today = now.with_timezone(&time_zone_named(&time_zone)?).date_naive();
        if let Some(step) = Step::of(&membership, today) {
            due.push(Due { program, slug, membership: membership.meta.id, today, step });
        }
    }
    Ok(due)
}

/// Whether the step was taken: somebody may have confirmed or ended it a moment ago.
fn take(conn: &mut AnyConnection, service: &Service, due: &Due, now: DateTime<Utc>) -> Result<bool, Problem> {
    let system = System { act: due.step.act(), request_id: "lapse".into(), now, schemas: service.schemas.clone() };
    let reach = Reach {
        ledger: due.program,
        slug: due.slug.as_str().into(),
        roles: Roles::of(&[Role::Lead]),
        ..Reach::platform()
    };
    system.write(conn, reach, |tx| {
        let mut membership: Membership = tx.look(due.membership)?;
        if Step::of(&membership, due.today) != Some(due.step) {
            return Ok(tx.unchanged(false));
        }
        if due.step == Step::Tell {
            membership.due_told_on = Some(due.today);
            return Ok(tx.change(membership, None)?.map(|_| true));
        }
        if membership.role == MemberRole::Lead {
            tx.hold::<Account>()?;
            match keep_a_lead(tx.conn, due.program, &[due.membership], due.today) {
                Err(Problem::LastHolder(_)) => return Ok(tx.unchanged(false)),
                other => other?,
            }
        }
        membership.cease(due.today);
        Ok(tx.change(membership, Some(WHY))?.map(|_| true))
    })
}
