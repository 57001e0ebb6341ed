//! What is live of an organisation in one programme, and how it goes over to another: by a new revision of each thing, on the
//! programme's own ledger. What was before stays as it was, with the old id.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::de::DeserializeOwned;

use crate::{
    access::Tx,
    ballots::Ballot,
    clients::Client,
    consequences::{Consequence, ConsequenceKind},
    db::{AnyConnection, Id},
    events::{FollowUp, Stage},
    focus_areas::FocusArea,
    inputs::Input,
    memberships::Membership,
    participants::Participant,
    problem::{FieldError, Problem},
    programs::Program,
    schema::{
        ballot_revisions, client_revisions, event_revisions, focus_area_revisions, follow_up_revisions,
        input_revisions, membership_revisions, participant_revisions, position_revisions, program_revisions,
        stage_revisions, statement_revisions, webhook_revisions,
    },
    statements::Position,
    versioned::{self, Resource},
    webhooks::Webhook,
};

/// The programmes in which something can still change.
pub fn programs(conn: &mut AnyConnection) -> Result<Vec<Program>, Problem> {
    use program_revisions as t;
    let bodies = t::table.filter(t::seq_to.is_null()).filter(t::state.eq("active")).order(t::subject_id);
    read(bodies.select(t::body).load(conn)?)
}

fn read<R: DeserializeOwned>(bodies: Vec<String>) -> Result<Vec<R>, Problem> {
    bodies.iter().map(|body| versioned::parse(body)).collect()
}

/// The memberships for an organisation that hold now or will.
pub fn memberships(tx: &mut Tx<'_>, of: Id) -> Result<Vec<Membership>, Problem> {
    use membership_revisions as t;
    let open = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::stakeholder_id.eq(of))
        .filter(t::state.eq("active"))
        .filter(t::until_on.is_null().or(t::until_on.ge(tx.today())))
        .filter(t::seq_to.is_null());
    read(open.order(t::subject_id).select(t::body).load(tx.conn)?)
}

/// Its clients that are not revoked.
pub fn clients(tx: &mut Tx<'_>, of: Id) -> Result<Vec<Client>, Problem> {
    use client_revisions as t;
    let open = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::stakeholder_id.eq(of))
        .filter(t::state.eq("active"))
        .filter(t::seq_to.is_null());
    read(open.order(t::subject_id).select(t::body).load(tx.conn)?)
}

/// Its part in the programme, if it has one.
pub fn participant(tx: &mut Tx<'_>, of: Id) -> Result<Option<Participant>, Problem> {
    use participant_revisions as t;
    let open =
        t::table.filter(t::ledger_id.eq(tx.reach.ledger)).filter(t::stakeholder_id.eq(of)).filter(t::seq_to.is_null());
    Ok(read(open.select(t::body).load(tx.conn)?)?.pop())
}

fn told<R: Resource>(tx: &Tx<'_>, kind: ConsequenceKind, one: &R) -> Consequence {
    Consequence::to(kind, &tx.reach.slug, one)
}

fn change<R: Resource>(tx: &mut Tx<'_>, kind: ConsequenceKind, one: R, why: &str) -> Result<Consequence, Problem> {
    let told = told(tx, kind, &one);
    drop(tx.change(one, Some(why))?);
    Ok(told)
}

/// Moves a membership; one that the account has for the other organisation already, for at least as long, ends instead.
pub fn move_membership(tx: &mut Tx<'_>, mut one: Membership, into: Id, why: &str) -> Result<Consequence, Problem> {
    let today = tx.today();
    let covered = memberships(tx, into)?.iter().any(|other| covers(other, &one, today));
    if covered {
        one.cease(today);
        return change(tx, ConsequenceKind::MembershipEnds, one, why);
    }
    one.stakeholder_id = into;
    change(tx, ConsequenceKind::MembershipMoves, one, why)
}

fn covers(other: &Membership, one: &Membership, today: NaiveDate) -> bool {
    let same = other.account_id == one.account_id && other.role == one.role;
    let (begins, until) = (other.content.from_on, other.content.until_on);
    let as_long = until.is_none_or(|until| one.content.until_on.is_some_and(|own| own <= until));
    same && begins <= one.content.from_on.max(today) && as_long
}

pub fn move_client(tx: &mut Tx<'_>, mut one: Client, into: Id, why: &str) -> Result<Consequence, Problem> {
    one.stakeholder_id = into;
    change(tx, ConsequenceKind::ClientMoves, one, why)
}

/// Moves everything that is live. Inputs and positions are what the organisation said, and stay.
pub fn move_all(tx: &mut Tx<'_>, from: Id, into: Id, why: &str) -> Result<Vec<Consequence>, Problem> {
    let mut moved = Vec::new();
    for one in memberships(tx, from)? {
        moved.push(move_membership(tx, one, into, why)?);
    }
    for one in clients(tx, from)? {
        moved.push(move_client(tx, one, into, why)?);
    }
    for mut one in webhooks(tx, from)? {
        one.stakeholder_id = into;
        moved.push(change(tx, ConsequenceKind::WebhookMoves, one, why)?);
    }
    for mut one in follow_ups(tx, from)? {
        one.content.owner_stakeholder_id = into;
        moved.push(change(tx, ConsequenceKind::FollowUpMoves, one, why)?);
    }
    for mut one in focus_areas(tx, from)? {
        one.content.lead_stakeholder_id = Some(into);
        moved.push(change(tx, ConsequenceKind::FocusAreaMoves, one, why)?);
    }
    if let Some(part) = participant(tx, from)?.filter(Participant::is_active) {
        moved.extend(join(tx, &part, into, why)?);
        moved.push(leave(tx, part, why)?);
    }
    moved.extend(stays(tx, from)?);
    Ok(moved)
}

/// Lets another organisation take part as this one did, unless it does so already.
pub fn join(tx: &mut Tx<'_>, part: &Participant, into: Id, why: &str) -> Result<Option<Consequence>, Problem> {
    let known = participant(tx, into)?;
    if known.as_ref().is_some_and(Participant::is_active) {
        return Ok(None);
    }
    let kind = ConsequenceKind::ParticipantJoins;
    let content = part.taken_over(tx.today());
    if let Some(mut again) = known {
        again.begin_again(content);
        return change(tx, kind, again, why).map(Some);
    }
    let new = Participant::new(tx.now, into, content);
    let told = told(tx, kind, &new);
    drop(tx.create(new, Some(why))?);
    Ok(Some(told))
}

/// Ends the part of an organisation.
pub fn leave(tx: &mut Tx<'_>, mut part: Participant, why: &str) -> Result<Consequence, Problem> {
    part.end(tx.today());
    change(tx, ConsequenceKind::ParticipantEnds, part, why)
}

/// What an organisation leaves behind that goes to nobody by itself.
pub fn leaves(tx: &mut Tx<'_>, from: Id) -> Result<Vec<Consequence>, Problem> {
    let owed = follow_ups(tx, from)?;
    let led = focus_areas(tx, from)?;
    let owed = owed.iter().map(|one| told(tx, ConsequenceKind::FollowUpLeft, one));
    let led = led.iter().map(|one| told(tx, ConsequenceKind::FocusAreaLeft, one));
    let mut left: Vec<Consequence> = owed.chain(led).collect();
    left.extend(stays(tx, from)?);
    Ok(left)
}

/// What names the organisation and goes on doing so.
fn stays(tx: &mut Tx<'_>, from: Id) -> Result<Vec<Consequence>, Problem> {
    let stages = stages(tx, from)?;
    let (inputs, positions) = (inputs(tx, from)?, positions(tx, from)?);
    let stages = stages.iter().map(|one| told(tx, ConsequenceKind::StageNamesIt, one));
    let inputs = inputs.iter().map(|one| told(tx, ConsequenceKind::InputStays, one));
    let positions = positions.iter().map(|one| told(tx, ConsequenceKind::PositionStays, one));
    Ok(stages.chain(inputs).chain(positions).collect())
}

fn webhooks(tx: &mut Tx<'_>, of: Id) -> Result<Vec<Webhook>, Problem> {
    use webhook_revisions as t;
    let open = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::stakeholder_id.eq(of))
        .filter(t::state.ne("deleted"))
        .filter(t::seq_to.is_null());
    read(open.order(t::subject_id).select(t::body).load(tx.conn)?)
}

fn follow_ups(tx: &mut Tx<'_>, of: Id) -> Result<Vec<FollowUp>, Problem> {
    use follow_up_revisions as t;
    let open = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::owner_stakeholder_id.eq(of))
        .filter(t::state.eq_any(["open", "in_progress"]))
        .filter(t::seq_to.is_null());
    read(open.order(t::subject_id).select(t::body).load(tx.conn)?)
}

fn focus_areas(tx: &mut Tx<'_>, of: Id) -> Result<Vec<FocusArea>, Problem> {
    use focus_area_revisions as t;
    let open = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::lead_stakeholder_id.eq(of))
        .filter(t::state.eq("active"))
        .filter(t::seq_to.is_null());
    read(open.order(t::subject_id).select(t::body).load(tx.conn)?)
}

/// The stages of events that are not over in which it decides or is seated.
fn stages(tx: &mut Tx<'_>, of: Id) -> Result<Vec<Stage>, Problem> {
    use event_revisions as event;
    use stage_revisions as t;
    let open = t::table
        .inner_join(event::table.on(event::subject_id.eq(t::event_id).and(event::seq_to.is_null())))
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::seq_to.is_null())
        .filter(event::state.eq_any(["planned", "confirmed", "held", "postponed"]));
    let stages: Vec<Stage> = read(open.order(t::subject_id).select(t::body).load(tx.conn)?)?;
    let names = |stage: &Stage| {
        let seated = stage.content.groups.iter().any(|group| group.stakeholder_ids.contains(&of));
        stage.content.electorate.contains(&of) || seated
    };
    Ok(stages.into_iter().filter(names).collect())
}

fn inputs(tx: &mut Tx<'_>, of: Id) -> Result<Vec<Input>, Problem> {
    use input_revisions as t;
    let open = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::stakeholder_id.eq(of))
        .filter(t::state.ne_all(["answered", "withdrawn", "quarantined"]))
        .filter(t::seq_to.is_null());
    read(open.order(t::subject_id).select(t::body).load(tx.conn)?)
}

/// Its positions on statements that are not adopted yet.
fn positions(tx: &mut Tx<'_>, of: Id) -> Result<Vec<Position>, Problem> {
    use position_revisions as t;
    use statement_revisions as statement;
    let open = t::table
        .inner_join(statement::table.on(statement::subject_id.eq(t::statement_id).and(statement::seq_to.is_null())))
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::stakeholder_id.eq(of))
        .filter(t::seq_to.is_null())
        .filter(statement::state.eq_any(["draft", "in_alignment", "proposed"]));
    read(open.order(t::subject_id).select(t::body).load(tx.conn)?)
}

/// Refuses while the organisation has a voice in an open ballot: whoever acts for it goes over to another one, which may have
/// a voice there too, and one voice must not become two.
pub fn refuse_open_ballots(tx: &mut Tx<'_>, programs: &[Program], of: Id) -> Result<(), Problem> {
    use ballot_revisions as t;
    let open: Vec<(Id, String)> = t::table
        .filter(t::state.eq("open"))
        .filter(t::seq_to.is_null())
        .order(t::subject_id)
        .select((t::ledger_id, t::body))
        .load(tx.conn)?;
    let mut found = Vec::new();
    for (ledger, body) in open {
        let ballot: Ballot = versioned::parse(&body)?;
        let program = programs.iter().find(|program| program.meta.id == ledger);
        if let Some(program) = program.filter(|_| ballot.electorate.contains(&of)) {
            found.push(format!("{}: {}", program.slug, ballot.code));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let ballots = found.join(", ");
    Err(Problem::Conflict(FieldError::new(
        "",
        "ballot_open",
        format!("organisasi ini masih punya suara dalam pemungutan suara yang terbuka: {ballots}"),
        format!("the organisation has a voice in ballots that are open: {ballots}"),
    )))
}
