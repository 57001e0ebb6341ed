//! What is to be sent next, as the webhook's organisation may see it now.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::{
    cursor::Cursor,
    message::{Home, Message, SigningKey},
    model::{Webhook, WebhookState},
    secrets,
};
use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    feed::{Feed, Wanted, changes},
    policy::Roles,
    problem::Problem,
    programs::time_zone_named,
    schema::program_revisions,
    seal::Sealer,
    versioned::{self, Versioned},
};

/// A message on its way, with all that it takes to send it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub url: String,
    pub message: Message,
    pub sequence: i64,
    pub keys: Vec<SigningKey>,
}

/// What there is to send.
#[derive(Debug)]
pub enum Found {
    /// In order, and never none.
    Letters(Vec<Letter>),
    /// Rows that say nothing to it, up to this one: there may be more behind them.
    Nothing { cursor: Cursor, upto: i64 },
    /// It has come to the end.
    End,
    /// Nobody who may see as much holds a membership of the organisation any more.
    NotBacked,
    /// It is not active any more, or somebody else sends for it.
    Lost,
}

/// How many are made ready at a time.
const AHEAD: i64 = 20;

pub fn find(
    conn: &mut AnyConnection,
    sealer: &Sealer,
    public_url: &str,
    (webhook, owner): (Id, Id),
    now: DateTime<Utc>,
) -> Result<Found, Problem> {
    let Some(cursor) = Cursor::held(conn, webhook, owner)? else { return Ok(Found::Lost) };
    let Some(stored) = Webhook::open(conn, cursor.ledger, webhook)? else { return Ok(Found::Lost) };
    let hook: Webhook = versioned::parse(&stored.body)?;
    if hook.state != WebhookState::Active {
        return Ok(Found::Lost);
    }
    let (home, time_zone) = home(conn, cursor.ledger, public_url)?;
    if !hook.is_backed(conn, cursor.ledger, now.with_timezone(&time_zone).date_naive())? {
        return Ok(Found::NotBacked);
    }
    let reach = Reach {
        ledger: cursor.ledger,
        slug: home.slug.as_str().into(),
        roles: Roles::of(&[hook.role]),
        stakeholder: Some(hook.stakeholder_id),
        ..Reach::platform()
    };
    let wanted = Wanted::by(hook.content.types.clone());
    let (after, last) = match cursor.replay_passed.zip(cursor.replay_to) {
        Some((passed, to)) => (passed, Some(to)),
        None => (cursor.passed, None),
    };
    let found = changes(conn, &reach, Feed::Program, &wanted, after, AHEAD)?;
    let keys = secrets::live(conn, sealer, webhook, now)?;
    let mut letters = Vec::with_capacity(found.items.len());
    for change in found.items.iter().filter(|change| last.is_none_or(|last| change.sequence <= last)) {
        let (url, keys) = (hook.content.url.clone(), keys.clone());
        letters.push(Letter { url, message: Message::of(change, webhook, &home)?, sequence: change.sequence, keys });
    }
    if !letters.is_empty() {
        return Ok(Found::Letters(letters));
    }
    let upto = last.map_or(found.at, |last| last.min(found.at.max(after)));
    if upto <= after && last.is_none() { Ok(Found::End) } else { Ok(Found::Nothing { cursor, upto }) }
}

/// Where the programme's links lead, and its time zone.
pub fn home(conn: &mut AnyConnection, ledger: Id, public_url: &str) -> Result<(Home, Tz), Problem> {
    let (slug, time_zone): (String, String) = program_revisions::table
        .filter(program_revisions::subject_id.eq(ledger))
        .filter(program_revisions::seq_to.is_null())
        .select((program_revisions::slug, program_revisions::time_zone))
        .first(conn)?;
    Ok((Home { url: public_url.to_owned(), slug }, time_zone_named(&time_zone)?))
}
