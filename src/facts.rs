//! What facts rest on, and names and codes that hold for a time: parts that several resources share.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::Tx,
    db::Id,
    documents::Document,
    localized::Localized,
    problem::{FieldError, Problem},
};

/// How far a fact can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A source says so.
    Reported,
    /// Somebody compared it with the source or with others.
    Checked,
    /// A reading, translation or proposal of whoever entered it.
    Ours,
}

/// What a fact rests on. Two sources that disagree both stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// JSON pointer of the member that it supports; null: all of them.
    #[serde(default)]
    #[schema(max_length = 200, example = "/problem")]
    pub fact: Option<String>,
    /// A document of this programme.
    #[serde(default)]
    pub document_id: Option<Id>,
    #[serde(default)]
    #[schema(max_length = 2000, format = "uri")]
    pub url: Option<String>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    pub standing: Standing,
}

/// A name, and the days on which it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatedName {
    pub name: Localized,
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// The last day.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// A code in a system of codes. The system is always named: two that look alike may disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Code {
    #[schema(min_length = 1, max_length = 60, example = "kemendagri")]
    pub system: String,
    /// Which edition of the system.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub edition: Option<String>,
    #[schema(min_length = 1, max_length = 60, example = "31")]
    pub code: String,
}

/// The texts of dated names, each with its pointer.
pub fn name_texts(names: &[DatedName]) -> impl Iterator<Item = (String, &Localized)> {
    names.iter().enumerate().map(|(number, dated)| (format!("/names/{number}/name"), &dated.name))
}

/// Refuses days that end before they begin.
pub fn check_days(pointer: &str, from_on: Option<NaiveDate>, until_on: Option<NaiveDate>) -> Result<(), Problem> {
    match (from_on, until_on) {
        (Some(from), Some(until)) if until < from => Err(Problem::Invalid(vec![FieldError::new(
            pointer,
            "before_begin",
            "berakhir sebelum dimulai",
            "ends before it begins",
        )])),
        _ => Ok(()),
    }
}

/// Refuses sources that name a document that the programme does not have.
pub fn check_sources(tx: &mut Tx<'_>, sources: &[Source]) -> Result<(), Problem> {
    let cited: Vec<(String, Id)> = sources
        .iter()
        .enumerate()
        .filter_map(|(number, source)| Some((format!("/sources/{number}/document_id"), source.document_id?)))
        .collect();
    tx.must_exist::<Document>(&cited)
}
