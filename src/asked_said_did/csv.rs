//! The report as a table: one row for each input, written while it is read.

use super::{
    read::{self, Scope},
    told::{SaidAndDone, name_of},
};
use crate::{
    access::{Part, Reach},
    db::{AnyConnection, Id, types::instant_text},
    localized::Localized,
    pages::{Passage, csv::push_row},
    problem::{Lang, Problem},
};

/// Inputs that one read looks at.
const CHUNK: i64 = 200;

const COLUMNS: [&str; 20] = [
    "code",
    "organisation",
    "kind",
    "received_at",
    "consultation",
    "about",
    "text",
    "language",
    "links",
    "state",
    "due_on",
    "decision",
    "reason_code",
    "decision_text",
    "decided_at",
    "effects",
    "answer_text",
    "answered_at",
    "id",
    "stakeholder_id",
];

/// What is still to be told.
pub struct Rest {
    pub scope: Scope,
    pub lang: Lang,
    pub after: Option<Id>,
}

/// The next rows; the names of the columns before the first.
pub fn go_on(conn: &mut AnyConnection, reach: &Reach, rest: Rest) -> Result<Part<Rest>, Problem> {
    let mut text = String::new();
    if rest.after.is_none() {
        push_row(&mut text, &COLUMNS);
    }
    let inputs = read::inputs(conn, reach, &rest.scope, rest.after, CHUNK)?;
    let last = inputs.last().filter(|_| inputs.len() as i64 == CHUNK).map(|last| last.meta.id);
    for item in read::tell(conn, reach, inputs)? {
        push_row(&mut text, &cells(&item, rest.lang, &rest.scope.program.source_language));
    }
    Ok(Part { text, left: last.map(|last| Rest { after: Some(last), ..rest }) })
}

fn cells(item: &SaidAndDone, lang: Lang, source: &str) -> [String; COLUMNS.len()] {
    let words = |text: &Localized| Passage::of(text, lang, source).words;
    let (decision, answer) = (item.decision.as_ref(), item.answer.as_ref());
    let joined = |all: Vec<String>| all.join(" ");
    let about = item.about.iter().map(|one| one.code.clone().unwrap_or_else(|| one.id.to_string()));
    let effects = item
        .effects
        .iter()
        .map(|one| format!("{}@{}", one.code.clone().unwrap_or_else(|| one.id.to_string()), one.revision));
    [
        item.code.clone(),
        words(&item.organisation.name),
        name_of(&item.kind),
        instant_text(&item.received_at),
        item.consultation.clone().unwrap_or_default(),
        joined(about.collect()),
        item.text.clone(),
        item.language.clone(),
        item.links.join(" "),
        item.state.name().to_owned(),
        item.due_on.map(|day| day.to_string()).unwrap_or_default(),
        decision.map(|one| name_of(&one.kind)).unwrap_or_default(),
        decision.map(|one| name_of(&one.reason_code)).unwrap_or_default(),
        decision.map(|one| words(&one.text)).unwrap_or_default(),
        decision.map(|one| instant_text(&one.decided_at)).unwrap_or_default(),
        joined(effects.collect()),
        answer.map(|one| words(&one.text)).unwrap_or_default(),
        answer.map(|one| instant_text(&one.answered_at)).unwrap_or_default(),
        item.id.to_string(),
        item.organisation.id.to_string(),
    ]
}
