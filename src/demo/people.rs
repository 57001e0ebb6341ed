use std::{collections::BTreeMap, io::Write as _, os::unix::fs::OpenOptionsExt, path::Path};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use crate::{
    accounts::{Account, end_sign_ins},
    db::{AnyConnection, At, Id, write_transaction},
    password::{self, Cost},
    policy::Role,
    problem::Problem,
    schema::account_passwords,
    secret::Secret,
};

/// A made-up person of the demo: one for each role.
pub struct Person {
    pub role: Role,
    pub name: &'static str,
    /// The key of the organisation that they act for; none for the admin.
    pub stakeholder: Option<&'static str>,
}

impl Person {
    pub const ALL: &[Person] = &[
        Person { role: Role::Admin, name: "Demo admin", stakeholder: None },
        Person { role: Role::Lead, name: "Demo lead", stakeholder: Some("deputi-gubernur-trlh") },
        Person { role: Role::Secretariat, name: "Demo secretariat", stakeholder: Some("sekretariat") },
        Person { role: Role::Facilitator, name: "Demo facilitator", stakeholder: Some("sekretariat") },
        Person { role: Role::Agency, name: "Demo agency", stakeholder: Some("dlh") },
        Person { role: Role::Partner, name: "Demo partner", stakeholder: Some("buro-happold") },
        Person { role: Role::Observer, name: "Demo observer", stakeholder: Some("ruang-waktu") },
    ];

    pub fn email(&self) -> String {
        format!("{}@demo.example", self.role.name())
    }
}

/// An address and its password.
#[derive(Serialize)]
pub struct Credentials {
    pub email: String,
    pub password: String,
}

/// How to sign in to the demo, by role.
#[derive(Serialize)]
pub struct SignIns {
    pub base_url: String,
    pub accounts: BTreeMap<&'static str, Credentials>,
}

impl SignIns {
    /// Writes them to a file that its owner alone can read.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let _ = std::fs::remove_file(file);
        let mut made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        made.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        Ok(())
    }
}

/// Gives each person a new password and ends their sign-ins.
pub fn sign_ins(conn: &mut AnyConnection, base_url: &str, cost: Cost, now: DateTime<Utc>) -> anyhow::Result<SignIns> {
    let mut accounts = BTreeMap::new();
    for person in Person::ALL {
        let Secret { shown: password, .. } = Secret::new("demo");
        let phc = password::hash(&password, cost).map_err(|error| anyhow::anyhow!("{error}"))?;
        let email = person.email();
        write_transaction(conn, |conn| {
            let account = Account::by_email(conn, &email)?.ok_or(Problem::NotFound)?;
            renew(conn, account, &phc, now)
        })
        .map_err(|problem| anyhow::anyhow!("the demo's sign-ins cannot be renewed: {problem}"))?;
        accounts.insert(person.role.name(), Credentials { email, password });
    }
    Ok(SignIns { base_url: base_url.to_owned(), accounts })
}

fn renew(conn: &mut AnyConnection, account: Id, phc: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    diesel::delete(account_passwords::table.find(account)).execute(conn)?;
    diesel::insert_into(account_passwords::table)
        .values((
            account_passwords::account_id.eq(account),
            account_passwords::phc.eq(phc),
            account_passwords::set_at.eq(At(now)),
        ))
        .execute(conn)?;
    end_sign_ins(conn, account, None, now, "demo_restarted")?;
    Ok(())
}
