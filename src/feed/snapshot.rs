//! All that a caller may see of a programme at one row of its ledger. It is told chunk by chunk, each a short read of
//! what stood after that row: revisions never change, so nobody is kept waiting for it and nothing is missed.

use serde_json::json;

use super::{kinds::Feed, model::Cursor};
use crate::{
    access::{Part, Reach},
    db::AnyConnection,
    ledger,
    problem::Problem,
    versioned::Stored,
};

pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// Things that one read looks at.
const CHUNK: i64 = 500;

/// What is still to be told.
pub struct Rest {
    feed: Feed,
    /// The row as of which all of it is.
    sequence: i64,
    /// How many of the caller's kinds are told of, and the row that made the last thing of the next kind.
    kinds: usize,
    after: i64,
    count: u64,
}

pub fn begin(conn: &mut AnyConnection, reach: &Reach, feed: Feed) -> Result<Rest, Problem> {
    let sequence = ledger::head(conn, reach.ledger)?;
    Ok(Rest { feed, sequence, kinds: 0, after: 0, count: 0 })
}

/// Tells the next things: as many as one chunk of the largest kind has.
pub fn go_on(conn: &mut AnyConnection, reach: &Reach, mut rest: Rest) -> Result<Part<Rest>, Problem> {
    let (mut text, mut left) = (String::new(), CHUNK);
    while left > 0 {
        let Some(kind) = rest.feed.kinds(reach).nth(rest.kinds) else {
            let after = Cursor::at(conn, reach.ledger, rest.sequence, &rest.feed.view(reach))?;
            text.push_str(&json!({"end": true, "after": after.text(), "count": rest.count}).to_string());
            text.push('\n');
            return Ok(Part { text, left: None });
        };
        let found = kind.standing(conn, reach.ledger, rest.sequence, rest.after, left)?;
        match found.last() {
            Some(last) if found.len() as i64 == left => rest.after = last.seq_from,
            _ => (rest.kinds, rest.after) = (rest.kinds + 1, 0),
        }
        left -= found.len() as i64;
        for stored in found {
            if kind.shows(reach, &stored)? {
                push_line(&mut text, kind.name, &stored);
                rest.count += 1;
            }
        }
    }
    Ok(Part { text, left: Some(rest) })
}

/// The content as it is stored, without parsing: it has no line breaks, since it was written by us in one line.
fn push_line(text: &mut String, kind: &str, stored: &Stored) {
    let Stored { id, revision, body, .. } = stored;
    text.push_str(&format!("{{\"kind\":\"{kind}\",\"id\":\"{id}\",\"revision\":{revision},\"content\":"));
    text.push_str(body);
    text.push_str("}\n");
}
