//! The organisations that there are, found as people name them: by id, code, reference, name or abbreviation.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{NewStakeholder, Stakeholder, StakeholderState};
use crate::{
    access::Ledger,
    db::{AnyConnection, Id},
    problem::Problem,
    schema::stakeholder_revisions,
    sheets::Row,
    versioned,
};

/// Every organisation, with what it is found by.
#[derive(Default)]
pub struct Directory {
    known: HashMap<Id, Known>,
    /// Codes and references, each with its system.
    marks: HashMap<String, Vec<Id>>,
    names: HashMap<String, Vec<Id>>,
    abbreviations: HashMap<String, Vec<Id>>,
}

struct Known {
    /// The systems that it has codes of.
    systems: Vec<String>,
    /// It was merged or split.
    gone: bool,
    /// The row of the table that it comes from, where it is not there yet.
    row: Option<i32>,
}

/// How what somebody wants to enter stands to what is there.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    New,
    There(Id),
    /// In this row of the same table.
    Repeated(i32),
    Several,
}

impl Directory {
    pub fn load(conn: &mut AnyConnection) -> Result<Directory, Problem> {
        use stakeholder_revisions as t;
        let bodies: Vec<String> = t::table
            .filter(t::ledger_id.eq(Ledger::PLATFORM))
            .filter(t::seq_to.is_null())
            .order(t::subject_id)
            .select(t::body)
            .load(conn)?;
        let mut directory = Directory::default();
        for body in bodies {
            directory.add(&versioned::parse(&body)?, None);
        }
        Ok(directory)
    }

    /// Adds one that stands in a row of a table, or is there already.
    pub fn add(&mut self, one: &Stakeholder, row: Option<i32>) {
        let id = one.meta.id;
        for mark in marks(&one.content) {
            self.marks.entry(mark).or_default().push(id);
        }
        for name in names(&one.content) {
            self.names.entry(name).or_default().push(id);
        }
        if let Some(abbreviation) = &one.content.abbreviation {
            self.abbreviations.entry(fold(abbreviation)).or_default().push(id);
        }
        let gone = matches!(one.state, StakeholderState::Merged | StakeholderState::Split);
        self.known.insert(id, Known { systems: systems(&one.content), gone, row });
    }

    /// Whether it is there: by a code or reference, and where several have it by the name too; else by a name that it has or
    /// had, unless it has another code in the same system.
    pub fn standing(&self, new: &NewStakeholder) -> Standing {
        let marked = self.found(&self.marks, marks(new));
        let mut named = self.found(&self.names, names(new));
        if !marked.is_empty() {
            let both: Vec<Id> = marked.iter().copied().filter(|id| named.contains(id)).collect();
            return self.among(if both.is_empty() { marked } else { both });
        }
        let own = systems(new);
        let known = |id: &Id| self.known.get(id).map(|known| known.systems.as_slice()).unwrap_or_default();
        named.retain(|id| !known(id).iter().any(|system| own.contains(system)));
        if named.is_empty() { Standing::New } else { self.among(named) }
    }

    fn among(&self, found: Vec<Id>) -> Standing {
        match &self.living(found)[..] {
            [only] => {
                self.known.get(only).and_then(|known| known.row).map_or(Standing::There(*only), Standing::Repeated)
            }
            _ => Standing::Several,
        }
    }

    /// The organisation that a cell names; what is wrong with that is told of the cell.
    pub fn named_in(&self, row: &mut Row, column: &str) -> Option<Id> {
        let word = row.cell(column)?;
        let by_id = Id::parse(word).filter(|id| self.known.contains_key(id));
        let found = match by_id {
            Some(id) => vec![id],
            None => {
                let (mark, name) = (vec![mark_of(word)], vec![fold(word)]);
                let marked = self.found(&self.marks, mark);
                let named = if marked.is_empty() { self.found(&self.names, name.clone()) } else { marked };
                if named.is_empty() { self.found(&self.abbreviations, name) } else { named }
            }
        };
        match &self.living(found)[..] {
            [] => row.wrong(
                column,
                "not_found",
                "tidak ada organisasi dengan id, kode, nama, atau singkatan ini",
                "there is no organisation of this id, code, name or abbreviation",
            ),
            [only] if self.known.get(only).is_some_and(|known| known.gone) => {
                let (id, en) = ("organisasi ini sudah digabung atau dipecah", "this organisation was merged or split");
                row.wrong(column, "organisation_gone", id, en);
            }
            [only] => return Some(*only),
            _ => row.wrong(
                column,
                "ambiguous",
                "beberapa organisasi bernama begini: sebutkan id atau kodenya",
                "several organisations are called this: give its id or code",
            ),
        }
        None
    }

    fn found(&self, by: &HashMap<String, Vec<Id>>, keys: Vec<String>) -> Vec<Id> {
        let mut found: Vec<Id> = keys.iter().filter_map(|key| by.get(key)).flatten().copied().collect();
        found.sort();
        found.dedup();
        found
    }

    /// Those that are there still; all where none is.
    fn living(&self, found: Vec<Id>) -> Vec<Id> {
        let is_gone = |id: &Id| self.known.get(id).is_some_and(|known| known.gone);
        let living: Vec<Id> = found.iter().copied().filter(|id| !is_gone(id)).collect();
        if living.is_empty() { found } else { living }
    }
}

/// Names are compared without case, and however many spaces stand in them.
fn fold(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn names(content: &NewStakeholder) -> Vec<String> {
    content.names.iter().flat_map(|dated| dated.name.0.values()).map(|name| fold(name)).collect()
}

fn systems(content: &NewStakeholder) -> Vec<String> {
    content.codes.iter().map(|code| code.system.to_lowercase()).collect()
}

fn marks(content: &NewStakeholder) -> Vec<String> {
    let codes = content.codes.iter().map(|code| (&code.system, &code.code));
    let references = content.external_references.iter().map(|other| (&other.system, &other.reference));
    codes.chain(references).map(|(system, text)| mark_of(&format!("{system}:{text}"))).collect()
}

/// A system counts without case; what it calls something, as it stands.
fn mark_of(word: &str) -> String {
    match word.split_once(':') {
        Some((system, text)) => format!("{}:{text}", system.to_lowercase()),
        None => word.to_owned(),
    }
}
