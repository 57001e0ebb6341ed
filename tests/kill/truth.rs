//! What is in the database, held against what was acknowledged.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use tangguh::{
    db::{Id, read_transaction},
    schema::{ledger_rows, question_codes, question_revisions, questions, stored_replies},
};

use crate::{service::Place, writers::Acknowledged};

/// A revision's place on the ledger, where it ends, and its text.
type Revisions = HashMap<Id, BTreeMap<i32, (i64, Option<i64>, String)>>;

/// Fails unless all that was acknowledged is there, whole, once; and unless what is there beside is whole too.
pub fn check(place: &Place, acknowledged: &[Acknowledged]) {
    let state = State::read(place);
    state.is_whole();
    for one in acknowledged {
        let revision = state.revisions.get(&one.question).and_then(|revisions| revisions.get(&one.revision));
        let (sequence, _, body) = revision.unwrap_or_else(|| panic!("{one:?} is lost"));
        assert!(writes(body, &one.key), "{one:?} became {body}");
        assert!(state.ledger.contains_key(sequence), "{one:?} is on no ledger");
        assert!(state.replies.contains_key(&one.key), "the reply to {one:?} is lost");
    }
    place.verify_ledgers();
}

/// Whether this text is what the request with this key wrote.
fn writes(body: &str, key: &str) -> bool {
    body.contains(&format!("Question {key}."))
}

struct State {
    anchors: Vec<Id>,
    revisions: Revisions,
    codes: HashMap<Id, usize>,
    /// By sequence: subject, revision and text.
    ledger: HashMap<i64, (Id, i32, String)>,
    /// By key: the body of the reply.
    replies: HashMap<String, String>,
}

impl State {
    /// All of one moment.
    fn read(place: &Place) -> State {
        let read = read_transaction(&mut place.connect(), |conn| {
            let rows: Vec<(Id, i32, i64, Option<i64>, String)> = question_revisions::table
                .select((
                    question_revisions::subject_id,
                    question_revisions::revision,
                    question_revisions::seq_from,
                    question_revisions::seq_to,
                    question_revisions::body,
                ))
                .load(conn)?;
            let mut revisions = Revisions::new();
            for (id, revision, from, to, body) in rows {
                revisions.entry(id).or_default().insert(revision, (from, to, body));
            }
            let ledger: Vec<(i64, Id, i32, Option<String>)> = ledger_rows::table
                .filter(ledger_rows::subject_kind.eq("question"))
                .select((ledger_rows::sequence, ledger_rows::subject_id, ledger_rows::revision, ledger_rows::body))
                .load(conn)?;
            let replies: Vec<(String, String)> =
                stored_replies::table.select((stored_replies::key, stored_replies::body)).load(conn)?;
            let mut codes = HashMap::new();
            for id in question_codes::table.select(question_codes::question_id).load::<Id>(conn)? {
                *codes.entry(id).or_default() += 1;
            }
            Ok(State {
                anchors: questions::table.select(questions::id).load(conn)?,
                revisions,
                codes,
                ledger: ledger
                    .into_iter()
                    .map(|(sequence, id, revision, body)| (sequence, (id, revision, body.unwrap_or_default())))
                    .collect(),
                replies: replies.into_iter().collect(),
            })
        });
        read.unwrap()
    }

    /// A write is in six tables: whichever it is in, it is in all.
    fn is_whole(&self) {
        for id in &self.anchors {
            assert!(self.revisions.contains_key(id), "question {id} has no revision");
            assert!(self.codes.contains_key(id), "question {id} has no code");
        }
        let mut rows = 0;
        for (id, revisions) in &self.revisions {
            assert!(self.anchors.contains(id), "question {id} has no anchor");
            let mut ended = None;
            for (number, (revision, (from, to, body))) in revisions.iter().enumerate() {
                let here = format!("question {id}, revision {revision}");
                assert_eq!(*revision as usize, number + 1, "{here} follows a gap");
                assert!(ended.is_none_or(|ended| ended == *from), "{here} does not begin where the one before ends");
                assert_eq!(to.is_none(), number + 1 == revisions.len(), "{here} is open, or the last is not");
                let row = self.ledger.get(from).unwrap_or_else(|| panic!("{here} is on no ledger"));
                assert_eq!((row.0, row.1, &row.2), (*id, *revision, body), "{here} is not what the ledger says");
                (ended, rows) = (*to, rows + 1);
            }
        }
        assert_eq!(rows, self.ledger.len(), "a ledger row has no revision");
        self.each_effect_is_single();
    }

    /// Each key that has a reply has one effect, and each effect of the writers has its key's reply.
    fn each_effect_is_single(&self) {
        let mut effects: HashMap<&str, usize> = HashMap::new();
        for (_, _, body) in self.ledger.values() {
            if let Some((_, rest)) = body.split_once("Question kill-")
                && let Some((key, _)) = rest.split_once('.')
            {
                *effects.entry(key).or_default() += 1;
            }
        }
        for (key, count) in &effects {
            assert_eq!(*count, 1, "kill-{key} has {count} effects");
            assert!(self.replies.contains_key(&format!("kill-{key}")), "the reply to kill-{key} is missing");
        }
        assert_eq!(effects.len(), self.replies.len(), "a reply has no effect");
        assert!(self.replies.iter().all(|(key, body)| writes(body, key)), "a reply is another request's");
    }
}
