//! The review as a table: one row for each membership, written while it is read.

use super::{
    read::{self, After, Scope, Wish},
    told::ReviewedMembership,
};
use crate::{
    access::{Part, Reach},
    accounts::AccountState,
    csv::push_row,
    db::{AnyConnection, types::instant_text},
    localized::Localized,
    pages::Passage,
    problem::{Lang, Problem},
};

/// Memberships that one read tells of.
const CHUNK: i64 = 200;

const COLUMNS: [&str; 18] = [
    "program",
    "account_name",
    "role",
    "organisation",
    "holds",
    "from_on",
    "until_on",
    "acting",
    "document",
    "granted_at",
    "confirmed_on",
    "due_on",
    "due",
    "ends_unconfirmed_on",
    "last_sign_in_at",
    "account_state",
    "account_id",
    "membership_id",
];

/// What is still to be told.
pub struct Rest {
    pub scope: Scope,
    pub wish: Wish,
    pub lang: Lang,
    pub after: After,
}

/// The next rows; the names of the columns before the first.
pub fn go_on(conn: &mut AnyConnection, reach: &Reach, rest: Rest) -> Result<Part<Rest>, Problem> {
    let mut text = String::new();
    if rest.after.is_none() {
        push_row(&mut text, &COLUMNS);
    }
    let found = read::found(conn, &rest.scope, &rest.wish, rest.after.clone(), CHUNK)?;
    let last = found.last().filter(|_| found.len() as i64 == CHUNK);
    let after = last.map(|(place, one)| (rest.scope.programs[*place].slug.clone(), one.meta.id));
    for one in read::tell(conn, reach, &rest.scope, found)? {
        push_row(&mut text, &cells(&one, rest.lang));
    }
    Ok(Part { text, left: after.map(|after| Rest { after: Some(after), ..rest }) })
}

fn cells(one: &ReviewedMembership, lang: Lang) -> [String; COLUMNS.len()] {
    let words = |text: &Option<Localized>| text.as_ref().map(|text| Passage::of(text, lang, "id").words);
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    [
        one.program.clone(),
        one.account_name.clone().unwrap_or_default(),
        one.role.role().name().to_owned(),
        words(&one.stakeholder_name).unwrap_or_default(),
        yes(one.holds),
        one.from_on.to_string(),
        day(one.until_on),
        yes(one.acting),
        words(&one.document_title).unwrap_or_default(),
        instant_text(&one.granted_at),
        day(one.confirmed_on),
        one.due_on.to_string(),
        yes(one.due),
        one.ends_unconfirmed_on.to_string(),
        one.last_sign_in_at.map(|at| instant_text(&at)).unwrap_or_default(),
        one.account_state.map(AccountState::name).unwrap_or_default().to_owned(),
        one.account_id.to_string(),
        one.membership_id.to_string(),
    ]
}
