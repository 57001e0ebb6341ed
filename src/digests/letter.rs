//! What a digest says: what waits for its reader, by programme, in their language.

use std::{collections::HashMap, fmt::Write as _};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{
    access::{Caller, Ledger},
    accounts::{Account, Digest},
    config::Settings,
    db::{AnyConnection, Id},
    localized::Localized,
    mail::Written,
    me::tasks::{self, Task, TaskKind, Tasks},
    policy::Roles,
    problem::{Lang, Problem, Text},
    programs::Program,
    schema::account_people,
    versioned::{self, Versioned},
};

/// How many things are told of in one programme; the rest is counted.
const TOLD: usize = 20;
/// How much of a title is told, in characters.
const TITLE: usize = 120;

/// The digest of an account, in its language; none where nothing waits, or it is not wanted any more, or its owner may not
/// sign in or has another address now.
pub fn write(
    conn: &mut AnyConnection,
    settings: &Settings,
    account: Id,
    recipient: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Lang, Written)>, Problem> {
    let wanted: i64 = account_people::table
        .filter(account_people::account_id.eq(account))
        .filter(account_people::digest.eq(Digest::Daily.name()))
        .filter(account_people::email.eq(recipient))
        .count()
        .get_result(conn)?;
    if wanted == 0 {
        return Ok(None);
    }
    let Some(stored) = Account::open(conn, Ledger::PLATFORM, account)? else { return Ok(None) };
    let account: Account = versioned::parse(&stored.body)?;
    // Who has none cannot use the roles that need one, and is not told of what they would see.
    let unproven = if account.second_factor { Roles::default() } else { settings.second_factor };
    let caller = match Caller::reload(conn, account.meta.id, unproven, now) {
        Err(Problem::InvalidToken) => return Ok(None),
        caller => caller?,
    };
    let tasks = tasks::read(conn, &caller, now)?;
    if tasks.items.is_empty() {
        return Ok(None);
    }
    let programs = Program::named(conn, tasks.items.iter().map(|task| task.program.as_str()))?;
    let written = Written { subject: subject(&tasks), body: body(settings, &tasks, &programs) };
    Ok(Some((account.language.into(), written)))
}

fn subject(tasks: &Tasks) -> Text {
    match (tasks.items.len(), tasks.more) {
        (count, true) => Text::new(
            format!("Lebih dari {count} hal menunggu Anda di Tangguh"),
            format!("More than {count} things wait for you on Tangguh"),
        ),
        (1, _) => Text::new("Satu hal menunggu Anda di Tangguh", "One thing waits for you on Tangguh"),
        (count, _) => Text::new(
            format!("{count} hal menunggu Anda di Tangguh"),
            format!("{count} things wait for you on Tangguh"),
        ),
    }
}

fn body(settings: &Settings, tasks: &Tasks, programs: &HashMap<String, Program>) -> Text {
    let (id, en) = (listed(tasks, programs, Lang::Id), listed(tasks, programs, Lang::En));
    match &settings.mail.app_url {
        Some(app) => Text::new(
            format!(
                "{id}Semuanya ada di {app}/tasks. Surel ini dikirim sekali sehari karena Anda memilihnya; \
                     berhenti di {app}/digest"
            ),
            format!(
                "{en}All of it is at {app}/tasks. This mail is sent once a day since you chose it; stop it at \
                     {app}/digest"
            ),
        ),
        None => {
            let me = format!("{}/api/v1/me", settings.public_url);
            Text::new(
                format!(
                    "{id}Semuanya ada di {me}/tasks. Surel ini dikirim sekali sehari karena Anda memilihnya; \
                         untuk berhenti, PATCH {me} dengan {{\"digest\": \"never\"}}"
                ),
                format!(
                    "{en}All of it is at {me}/tasks. This mail is sent once a day since you chose it; to stop it, \
                         PATCH {me} with {{\"digest\": \"never\"}}"
                ),
            )
        }
    }
}

/// The tasks by programme, in the order in which they are due.
fn listed(tasks: &Tasks, programs: &HashMap<String, Program>, lang: Lang) -> String {
    let mut slugs: Vec<&str> = Vec::new();
    for task in &tasks.items {
        if !slugs.contains(&task.program.as_str()) {
            slugs.push(&task.program);
        }
    }
    let mut text = String::new();
    for slug in slugs {
        let own: Vec<&Task> = tasks.items.iter().filter(|task| task.program == slug).collect();
        let name = programs.get(slug).map_or(slug, |program| in_language(&program.content.name, lang));
        // Writing to a text cannot fail.
        _ = writeln!(text, "{}: {}\n", one_line(name), own.len());
        for task in own.iter().take(TOLD) {
            _ = writeln!(text, "* {}", line(task, lang));
        }
        if own.len() > TOLD {
            let rest = own.len() - TOLD;
            _ = match lang {
                Lang::Id => writeln!(text, "* dan {rest} lagi"),
                Lang::En => writeln!(text, "* and {rest} more"),
            };
        }
        text.push('\n');
    }
    text
}

fn line(task: &Task, lang: Lang) -> String {
    let (what, title) = (what(task.kind), one_line(in_language(&task.title, lang)));
    let due = task.due_on.map(|day| match lang {
        Lang::Id => format!(" (sampai {day})"),
        Lang::En => format!(" (until {day})"),
    });
    format!("{}: {title}{}", what.of(lang), due.unwrap_or_default())
}

fn what(kind: TaskKind) -> Text {
    match kind {
        TaskKind::Vote => Text::new("Beri suara", "Vote"),
        TaskKind::TakePosition => Text::new("Nyatakan sikap", "Take a position"),
        TaskKind::RenewPosition => Text::new("Perbarui sikap", "Renew your position"),
        TaskKind::FollowUp => Text::new("Tindak lanjuti", "Follow up"),
        TaskKind::Decide => Text::new("Putuskan", "Decide"),
        TaskKind::AnswerObjection => Text::new("Jawab keberatan", "Answer an objection"),
        TaskKind::Adopt => Text::new("Tetapkan", "Adopt"),
        TaskKind::Publish => Text::new("Terbitkan", "Publish"),
        TaskKind::ReplyToQuestion => Text::new("Jawab pertanyaan tentang masukan", "Say what was asked about an input"),
        TaskKind::DecideInput => Text::new("Putuskan masukan", "Decide on an input"),
        TaskKind::AnswerInput => Text::new("Jawab masukan", "Answer an input"),
    }
}

/// The words in a language, or in another where there are none.
fn in_language(text: &Localized, lang: Lang) -> &str {
    text.0.get(lang.tag()).or(text.0.values().next()).map(String::as_str).unwrap_or_default()
}

/// A text on one line, and not all of it where it is long.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
