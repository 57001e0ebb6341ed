//! Organisations from a table: those that are there already stay as they are, the others are entered.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    directory::{Directory, Standing},
    model::{NewStakeholder, Stakeholder, StakeholderState, check},
};
use crate::{
    access::Tx,
    csv::Columns,
    problem::Problem,
    sheets::{MOST_ROWS, Row, Sheet, Taken},
    valid::checked,
    versioned::Meta,
};

static COLUMNS: Columns = Columns {
    names: &[
        "name.id",
        "kind",
        "name.en",
        "abbreviation",
        "kind_as_reported",
        "codes",
        "external_references",
        "parent",
        "source",
    ],
    required: 2,
    most_rows: MOST_ROWS,
};

/// Enters the organisations of a table that are not there yet, confirmed.
pub fn take(tx: &mut Tx<'_>, sheet: &Sheet) -> Result<Taken, Problem> {
    let mut directory = Directory::load(tx.conn)?;
    let (mut taken, mut new) = (Taken::default(), Vec::new());
    for mut row in sheet.rows(&COLUMNS)? {
        let content = read(tx, &mut row, &directory)?;
        let standing = content.as_ref().map(|content| directory.standing(content));
        match (content, standing) {
            (Some(_), Some(Standing::There(id))) if !row.is_wrong() => taken.unchanged(row, id),
            (Some(content), Some(Standing::New)) if !row.is_wrong() => {
                let one = Stakeholder {
                    meta: Meta::new(tx.now),
                    content,
                    state: StakeholderState::Confirmed,
                    merged_into_id: None,
                };
                directory.add(&one, Some(row.place()));
                taken.created(row, one.meta.id);
                new.push(one);
            }
            (_, standing) => {
                tell(&mut row, standing);
                taken.wrong(row);
            }
        }
    }
    if !new.is_empty() {
        drop(tx.create_all(new, &[])?);
    }
    Ok(taken)
}

/// What is wrong with how a row stands to what is there.
fn tell(row: &mut Row, standing: Option<Standing>) {
    match standing {
        Some(Standing::Repeated(place)) => row.wrong(
            "name.id",
            "repeated",
            format!("organisasi ini sudah ada di baris {place}"),
            format!("this organisation stands in row {place} already"),
        ),
        Some(Standing::Several) => row.wrong(
            "name.id",
            "ambiguous",
            "beberapa organisasi cocok dengan baris ini: sebutkan kode yang membedakannya",
            "several organisations fit this row: give the code that tells them apart",
        ),
        _ => {}
    }
}

/// The organisation that a row stands for; none where its cells are wrong.
fn read(tx: &mut Tx<'_>, row: &mut Row, directory: &Directory) -> Result<Option<NewStakeholder>, Problem> {
    row.missing("name.id");
    row.missing("kind");
    let mut names = Map::new();
    for (column, language) in [("name.id", "id"), ("name.en", "en")] {
        names.extend(row.cell(column).map(|name| (language.to_owned(), json!(name))));
    }
    let mut value = json!({
        "names": [{"name": names}],
        "codes": pairs(row, "codes", "code"),
        "external_references": pairs(row, "external_references", "reference"),
        "parent_id": directory.named_in(row, "parent"),
    });
    for column in ["kind", "abbreviation", "kind_as_reported"] {
        if let Some(text) = row.cell(column) {
            value[column] = json!(text);
        }
    }
    if let Some(url) = row.cell("source") {
        value["sources"] = json!([{"url": url, "standing": "reported"}]);
    }
    let content: Option<NewStakeholder> = row.take(checked(value, &tx.schemas), column)?;
    let Some(content) = content else { return Ok(None) };
    // A parent was found, perhaps in a row above.
    let checked = check(tx, &NewStakeholder { parent_id: None, ..content.clone() }, None);
    Ok(row.take(checked, column)?.map(|()| content))
}

/// The column that a member stands in.
fn column(pointer: &str) -> &str {
    match pointer.trim_start_matches('/') {
        "names/0/name/en" => "name.en",
        "parent_id" => "parent",
        member if member.starts_with("names") => "name.id",
        member if member.starts_with("sources") => "source",
        member => member.split('/').next().unwrap_or_default(),
    }
}

/// Words such as `kemendagri:31.71`, each as what it names and the system that it is from.
fn pairs(row: &mut Row, column: &str, member: &str) -> Value {
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for word in row.words(column) {
        match word.split_once(':') {
            Some((system, text)) if !system.is_empty() && !text.is_empty() => {
                if seen.insert(word.clone()) {
                    found.push(json!({"system": system, member: text}));
                }
            }
            _ => {
                let (id, en) = ("harus berupa sistem:kode, dipisah spasi", "must be system:code, separated by spaces");
                row.wrong(column, "format", id, en);
            }
        }
    }
    found.into()
}
