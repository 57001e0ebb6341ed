use std::{collections::HashMap, sync::Arc};

use anyhow::{Context, bail};
use diesel::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::people::Person;
use crate::{
    access::{Reach, Recorded, Seen, System, Tx},
    accounts::{Account, NewAccount},
    clock::Clock,
    db::{AnyConnection, Id},
    documents::Document,
    focus_areas::FocusArea,
    memberships::Membership,
    participants::Participant,
    phases::Phase,
    policy::{Action, Role, Roles},
    problem::Problem,
    programs::Program,
    questions::Question,
    schema::program_revisions,
    shocks_and_stresses::ShockOrStress,
    stakeholders::Stakeholder,
    start::told,
    valid::{self, Schemas},
    versioned::Resource,
};

/// The case of Jakarta, with sources for each fact; what is ours is labelled so.
const JAKARTA: &str = include_str!("jakarta.json");

/// More questions than the case has, to try the service under load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    pub questions: u32,
    /// Revisions of each of them, the first included.
    pub revisions: u32,
}

/// Loads the demo unless it is there. Answers whether it loaded.
pub fn load(conn: &mut AnyConnection, clock: &Clock, schemas: &Arc<Schemas>, size: Size) -> anyhow::Result<bool> {
    let case: Value = serde_json::from_str(JAKARTA)?;
    let slug = case["program"]["slug"].as_str().unwrap_or_default().to_owned();
    let known: i64 = program_revisions::table.filter(program_revisions::slug.eq(&slug)).count().get_result(conn)?;
    if known > 0 {
        return Ok(false);
    }
    let mut loader = Loader {
        conn,
        clock,
        schemas,
        ids: HashMap::new(),
        accounts: HashMap::new(),
        program: Reach::platform(),
        steps: 0,
    };
    loader.case(&case).context("the demo cannot be loaded")?;
    loader.more(size).context("the demo's large part cannot be loaded")?;
    Ok(true)
}

pub(super) struct Loader<'l> {
    conn: &'l mut AnyConnection,
    clock: &'l Clock,
    schemas: &'l Arc<Schemas>,
    /// What the case's keys stand for.
    ids: HashMap<String, Id>,
    accounts: HashMap<Role, Id>,
    program: Reach,
    steps: u32,
}

impl Loader<'_> {
    fn case(&mut self, case: &Value) -> anyhow::Result<()> {
        for person in Person::ALL {
            self.person(person)?;
        }
        for item in list(case, "stakeholders") {
            let new = self.input(item, &[])?;
            let made = self.act(Role::Admin, Action::CreateStakeholder, move |tx| Stakeholder::enter(tx, new))?;
            self.keep(item, made);
        }
        let new = self.input(&case["program"], &[])?;
        let program: Program = self.act(Role::Admin, Action::CreateProgram, move |tx| Program::begin(tx, new))?;
        self.program.ledger = program.meta.id;
        self.program.slug = program.slug.as_str().into();
        for person in Person::ALL.iter().filter(|person| person.role != Role::Admin) {
            self.membership(person)?;
        }
        for item in list(case, "documents") {
            let new = self.input(item, &[])?;
            let made = self.act(Role::Secretariat, Action::AddDocument, move |tx| Document::add(tx, new))?;
            self.keep(item, made);
        }
        for item in list(case, "phases") {
            self.phase(item)?;
        }
        for item in list(case, "shocks_and_stresses") {
            let new = self.input(item, &[])?;
            let made =
                self.act(Role::Secretariat, Action::NameShockOrStress, move |tx| ShockOrStress::name(tx, new))?;
            self.keep(item, made);
        }
        for item in list(case, "focus_areas") {
            let new = self.input(item, &[])?;
            let made = self.act(Role::Secretariat, Action::NameFocusArea, move |tx| FocusArea::name(tx, new))?;
            self.keep(item, made);
        }
        for item in list(case, "participants") {
            let new = self.input(item, &[])?;
            let made = self.act(Role::Secretariat, Action::AddParticipant, move |tx| Participant::add(tx, new))?;
            self.keep(item, made);
        }
        for item in list(case, "questions") {
            self.question(item)?;
        }
        super::session::load(self, case)
    }

    fn person(&mut self, person: &Person) -> anyhow::Result<()> {
        let email = person.email();
        if let Some(known) = Account::by_email(self.conn, &email).map_err(told)? {
            self.accounts.insert(person.role, known);
            return Ok(());
        }
        let content = json!({"email": email, "name": person.name, "admin": person.role == Role::Admin});
        let new: NewAccount = self.checked(content)?;
        let account = self.act(Role::Admin, Action::CreateAccount, move |tx| {
            let (made, _) = Account::create(tx, new)?;
            Ok(made)
        })?;
        // Nobody gets the token: the demo's passwords are set at each start.
        let id = account.meta.id;
        self.accounts.insert(person.role, id);
        self.act(Role::Admin, Action::CreateAccount, move |tx| Account::activate(tx, id))?;
        Ok(())
    }

    fn membership(&mut self, person: &Person) -> anyhow::Result<()> {
        let new = self.checked(json!({
            "account_id": self.accounts[&person.role],
            "stakeholder_id": self.ids[person.stakeholder.unwrap_or_default()],
            "role": person.role,
            "from_on": "2018-01-10",
            "note": "A made-up person of the demo.",
        }))?;
        self.act(Role::Admin, Action::GrantMembership, move |tx| Membership::grant(tx, new))?;
        Ok(())
    }

    fn phase(&mut self, item: &Value) -> anyhow::Result<()> {
        let new = self.input(item, &["history"])?;
        let mut phase: Phase = self.act(Role::Secretariat, Action::PlanPhase, move |tx| Phase::plan(tx, new))?;
        for step in list(item, "history") {
            let (id, seen) = (phase.meta.id, Seen(phase.meta.revision));
            phase = match step["act"].as_str() {
                Some("activate") => {
                    let act = self.input(step, &["act"])?;
                    self.act(Role::Lead, Action::ActivatePhase, move |tx| Phase::activate(tx, id, seen, act))?
                }
                Some("complete") => {
                    let end = self.input(step, &["act"])?;
                    self.act(Role::Lead, Action::CompletePhase, move |tx| Phase::complete(tx, id, seen, end))?
                }
                other => bail!("a phase has no act {other:?}"),
            };
        }
        self.keep(item, phase);
        Ok(())
    }

    fn question(&mut self, item: &Value) -> anyhow::Result<()> {
        let mut plain = item.clone();
        plain["focus_area_id"] = plain["focus_area"].take();
        let new = self.input(&plain, &["history", "focus_area"])?;
        let mut question = self.act(Role::Facilitator, Action::AskQuestion, move |tx| Question::ask(tx, new))?;
        for step in list(item, "history") {
            let mut step = step.clone();
            let act = step["act"].as_str().unwrap_or_default().to_owned();
            let (id, seen) = (question.meta.id.to_string(), Seen(question.meta.revision));
            let state = match act.as_str() {
                "propose" => "proposed",
                "review" => "in_review",
                other => other,
            };
            question = match act.as_str() {
                "propose" | "review" | "not_fitting" => {
                    step["to"] = json!(state);
                    let step = self.input(&step, &["act"])?;
                    self.act(Role::Facilitator, Action::ReviewQuestion, move |tx| {
                        Question::review(tx, &id, seen, step)
                    })?
                }
                "revise" => {
                    let new = self.input(&step, &["act"])?;
                    self.act(Role::Facilitator, Action::ReviseQuestion, move |tx| Question::revise(tx, &id, seen, new))?
                }
                "validate" => {
                    let why = self.input(&step, &["act"])?;
                    self.act(Role::Secretariat, Action::ValidateQuestion, move |tx| {
                        Question::validate(tx, &id, seen, why)
                    })?
                }
                "move" => {
                    step["focus_area_id"] = step["focus_area"].take();
                    let to = self.input(&step, &["act", "focus_area"])?;
                    self.act(Role::Facilitator, Action::ReorganizeQuestion, move |tx| {
                        Question::relocate(tx, &id, seen, to)
                    })?
                }
                other => bail!("a question has no act {other:?}"),
            };
        }
        self.keep(item, question);
        Ok(())
    }

    /// Asks and revises made-up questions, many in one transaction.
    fn more(&mut self, size: Size) -> anyhow::Result<()> {
        const CHUNK: u32 = 50;
        let areas: Vec<Id> = (1..=5).filter_map(|number| self.ids.get(&format!("fu{number}")).copied()).collect();
        for begin in (0..size.questions).step_by(CHUNK as usize) {
            let areas = areas.clone();
            let schemas = self.schemas.clone();
            self.act(Role::Facilitator, Action::AskQuestion, move |tx| {
                let mut last = None;
                for number in begin..(begin + CHUNK).min(size.questions) {
                    let area = areas[number as usize % areas.len()];
                    last = Some(one_more(tx, &schemas, area, number, size.revisions)?);
                }
                last.ok_or_else(|| Problem::internal("no question was made"))
            })?;
        }
        Ok(())
    }

    /// Runs one change as a person of the demo.
    pub(super) fn act<R: Resource>(
        &mut self,
        role: Role,
        action: Action,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<R>, Problem>,
    ) -> anyhow::Result<R> {
        let mut reach = if R::PLATFORM { Reach::platform() } else { self.program.clone() };
        reach.account = self.accounts.get(&role).copied().unwrap_or_default();
        reach.roles = Roles::default().with(role);
        let person = Person::ALL.iter().find(|person| person.role == role);
        reach.stakeholder = person.and_then(|person| self.ids.get(person.stakeholder?).copied());
        self.steps += 1;
        let system = System {
            act: action.name(),
            request_id: format!("demo-{}", self.steps),
            now: self.clock.now(),
            schemas: self.schemas.clone(),
        };
        system.write(self.conn, reach, work).map_err(told).with_context(|| format!("step {}: {action}", self.steps))
    }

    pub(super) fn keep<R: Resource>(&mut self, item: &Value, made: R) {
        if let Some(key) = item["key"].as_str() {
            self.ids.insert(key.to_owned(), made.meta().id);
        }
    }

    /// An item of the case as a request's body: keys become ids, and what only the case knows is left out.
    pub(super) fn input<T: DeserializeOwned + utoipa::ToSchema>(
        &self,
        item: &Value,
        without: &[&str],
    ) -> anyhow::Result<T> {
        let mut body = item.clone();
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, value| name != "key" && !without.contains(&name.as_str()) && !value.is_null());
        }
        self.resolve(&mut body)?;
        self.checked(body)
    }

    pub(super) fn checked<T: DeserializeOwned + utoipa::ToSchema>(&self, body: Value) -> anyhow::Result<T> {
        valid::checked(body.clone(), self.schemas).map_err(told).with_context(|| body.to_string())
    }

    /// The id that a key of the case stands for.
    pub(super) fn named(&self, key: &Value) -> anyhow::Result<Id> {
        let key = key.as_str().and_then(|key| key.strip_prefix('@')).unwrap_or_default();
        self.ids.get(key).copied().with_context(|| format!("nothing is called {key}"))
    }

    /// The open revision of something of the programme.
    pub(super) fn open<R: Resource>(&mut self, id: Id) -> anyhow::Result<R> {
        let stored = R::open(self.conn, self.program.ledger, id)?.context("nothing has this id")?;
        Ok(serde_json::from_str(&stored.body)?)
    }

    fn resolve(&self, value: &mut Value) -> anyhow::Result<()> {
        match value {
            Value::String(text) => {
                if let Some(key) = text.strip_prefix('@') {
                    let id = self.ids.get(key).with_context(|| format!("nothing is called {key}"))?;
                    *value = json!(id);
                }
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.resolve(item))?,
            Value::Object(members) => members.values_mut().try_for_each(|member| self.resolve(member))?,
            _ => {}
        }
        Ok(())
    }
}

fn one_more(
    tx: &mut Tx<'_>,
    schemas: &Schemas,
    area: Id,
    number: u32,
    revisions: u32,
) -> Result<Recorded<Question>, Problem> {
    let text = |revision: u32| {
        json!({
            "id": format!("Contoh beban {number}, susunan kata ke-{revision}: langkah apa yang paling cepat mengurangi dampak guncangan bagi warga, dan siapa yang harus memulainya?"),
            "en": format!("Load example {number}, wording {revision}: which step lessens the effect of shocks on residents soonest, and who has to begin it?"),
        })
    };
    let source = json!([{"standing": "ours", "note": "Made up for load."}]);
    let new = valid::checked(json!({"focus_area_id": area, "text": text(1), "sources": source}), schemas)?;
    let mut asked = Question::ask(tx, new)?;
    let id = asked.value().meta.id.to_string();
    for revision in 2..=revisions {
        let seen = Seen(asked.value().meta.revision);
        asked = if revision == 2 {
            let step = valid::checked(json!({"to": "proposed", "reason": "Made up for load."}), schemas)?;
            Question::review(tx, &id, seen, step)?
        } else {
            let body = json!({"text": text(revision), "reason_kind": "wording", "reason": "Made up for load."});
            Question::revise(tx, &id, seen, valid::checked(body, schemas)?)?
        };
    }
    Ok(asked)
}

pub(super) fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}
