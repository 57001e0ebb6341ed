//! The case's session, and what rests on it: the event with its stages and decisions, mappings, criteria, the statement.

use anyhow::Context;
use serde_json::{Value, json};

use super::load::{Loader, list};
use crate::{
    access::{Recorded, Seen},
    criteria::Criterion,
    decisions::{Decision, keep_outcomes},
    events::{Attendance, AttendanceEntry, Event, FollowUp, Stage},
    mappings::Mapping,
    policy::{Action, Role},
    problem::Problem,
    questions::Question,
    statements::Statement,
    versioned::Versioned,
};

pub(super) fn load(loader: &mut Loader<'_>, case: &Value) -> anyhow::Result<()> {
    for item in list(case, "events") {
        event(loader, item)?;
    }
    for item in list(case, "mappings") {
        let new = loader.input(item, &[])?;
        let made = loader.act(Role::Facilitator, Action::ProposeMapping, move |tx| Mapping::propose(tx, new))?;
        let (id, seen, verdict) = (made.meta.id, Seen(made.meta.revision), verdict(loader)?);
        let made =
            loader.act(Role::Facilitator, Action::ValidateMapping, move |tx| Mapping::judge(tx, id, seen, verdict))?;
        loader.keep(item, made);
    }
    for item in list(case, "criteria") {
        let new = loader.input(item, &[])?;
        let made = loader.act(Role::Facilitator, Action::ProposeCriterion, move |tx| Criterion::propose(tx, new))?;
        let (id, seen, verdict) = (made.meta.id, Seen(made.meta.revision), verdict(loader)?);
        let made = loader
            .act(Role::Facilitator, Action::ValidateCriterion, move |tx| Criterion::judge(tx, id, seen, verdict))?;
        loader.keep(item, made);
    }
    for item in list(case, "statements") {
        statement(loader, item)?;
    }
    Ok(())
}

fn verdict<T: serde::de::DeserializeOwned + utoipa::ToSchema>(loader: &Loader<'_>) -> anyhow::Result<T> {
    loader.checked(json!({"to": "validated", "reason": "Contoh: disepakati sebagai pembacaan kami."}))
}

fn event(loader: &mut Loader<'_>, item: &Value) -> anyhow::Result<()> {
    let apart = ["stages", "electorate", "attendance", "decided_in", "decisions", "follow_ups", "reason"];
    let new = loader.input(item, &apart)?;
    let made: Event = loader.act(Role::Secretariat, Action::PlanEvent, move |tx| Event::plan(tx, new))?;
    let (id, name) = (made.meta.id, made.meta.id.to_string());
    loader.keep(item, made);
    for stage in list(item, "stages") {
        let mut body = stage.clone();
        body["electorate"] = item["electorate"].clone();
        let (new, event) = (loader.input(&body, &[])?, name.clone());
        let made = loader.act(Role::Secretariat, Action::EditEvent, move |tx| Stage::add(tx, &event, new))?;
        loader.keep(stage, made);
    }
    for to in ["confirmed", "held"] {
        advance(loader, item, id, to)?;
    }
    for one in list(item, "attendance") {
        let (entry, event): (AttendanceEntry, _) = (loader.input(one, &[])?, name.clone());
        loader.act(Role::Facilitator, Action::RunEvent, move |tx| {
            let event = Event::running(tx, &event)?;
            let recorded = Attendance::record(tx, &event, vec![entry])?;
            recorded.try_map(|mut one| one.pop().ok_or_else(|| Problem::internal("no attendance was recorded")))
        })?;
    }
    for one in list(item, "decisions") {
        decision(loader, &name, &item["decided_in"], one)?;
    }
    for one in list(item, "follow_ups") {
        let (new, event) = (loader.input(one, &[])?, name.clone());
        loader.act(Role::Facilitator, Action::RunEvent, move |tx| FollowUp::give(tx, &event, new))?;
    }
    for to in ["minutes_draft", "minutes_approved"] {
        advance(loader, item, id, to)?;
    }
    Ok(())
}

fn advance(loader: &mut Loader<'_>, item: &Value, id: crate::db::Id, to: &str) -> anyhow::Result<()> {
    let step = loader.checked(json!({"to": to, "reason": item["reason"]}))?;
    loader.act(Role::Secretariat, Action::AdvanceEvent, move |tx| {
        let seen = Seen(tx.look::<Event>(id)?.meta.revision);
        Event::advance(tx, &id.to_string(), seen, step)
    })?;
    Ok(())
}

/// One decision of the session, on the revision that stands when it is taken.
fn decision(loader: &mut Loader<'_>, event: &str, stage: &Value, item: &Value) -> anyhow::Result<()> {
    let question = loader.named(&item["question"])?;
    let stage = loader.named(stage)?;
    let mut body = item.clone();
    body["question_id"] = item["question"].clone();
    let event = event.to_owned();
    let revision: Question = loader.open(question)?;
    body["on_revision"] = json!(revision.meta.revision);
    let new = loader.input::<crate::decisions::OutcomeDecision>(&body, &["question"])?;
    loader
        .act(Role::Facilitator, Action::RunEvent, move |tx| -> Result<Recorded<Decision>, Problem> {
            keep_outcomes(tx, &event, stage, vec![new])
        })
        .with_context(|| item.to_string())?;
    Ok(())
}

fn statement(loader: &mut Loader<'_>, item: &Value) -> anyhow::Result<()> {
    let mut body = item.clone();
    for section in body["sections"].as_array_mut().into_iter().flatten() {
        for entry in section["basis"].as_array_mut().into_iter().flatten() {
            let id = loader.named(&entry["id"])?;
            entry["revision"] = json!(match entry["kind"].as_str() {
                Some("question") => loader.open::<Question>(id)?.meta.revision,
                Some("mapping") => loader.open::<Mapping>(id)?.meta.revision,
                _ => loader.open::<Criterion>(id)?.meta.revision,
            });
        }
    }
    let new = loader.input(&body, &["reason"])?;
    let mut made: Statement =
        loader.act(Role::Secretariat, Action::DraftStatement, move |tx| Statement::draft(tx, new))?;
    for to in ["in_alignment", "proposed"] {
        let step = loader.checked(json!({"to": to, "reason": item["reason"]}))?;
        let (id, seen) = (made.meta().id, Seen(made.meta().revision));
        made = loader
            .act(Role::Secretariat, Action::AdvanceStatement, move |tx| Statement::advance(tx, id, seen, step))?;
    }
    let adoption = loader.checked(json!({"reason": item["reason"]}))?;
    let (id, seen) = (made.meta.id, Seen(made.meta.revision));
    loader.act(Role::Lead, Action::AdoptStatement, move |tx| Statement::adopt(tx, id, seen, adoption))?;
    Ok(())
}
