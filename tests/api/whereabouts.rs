//! Where in the whole database a text stands: for canaries, and for what was erased.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};
use tangguh::db::AnyConnection;

use crate::harness::*;

/// A column that has the text in some of its rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub table: String,
    pub column: String,
    pub rows: i64,
}

impl Place {
    /// `table.column`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl World {
    /// Every column of every table, as the database's own catalogue lists them, that has this text somewhere in it, in
    /// any case. Nothing is left out: neither what Diesel does not know of, nor what is no text.
    pub fn everywhere(&self, marked: &str) -> Vec<Place> {
        let conn = &mut self.conn();
        let mut places: Vec<Place> = columns(conn)
            .into_iter()
            .filter_map(|Column { table, name }| {
                let rows = rows(conn, &table, &name, marked);
                (rows > 0).then_some(Place { table, column: name, rows })
            })
            .collect();
        places.sort();
        places
    }
}

fn columns(conn: &mut AnyConnection) -> Vec<Column> {
    let sqlite = "select m.name as \"table\", c.name as name from sqlite_master m, pragma_table_info(m.name) c \
                  where m.type = 'table'";
    let postgres = "select table_name::text as \"table\", column_name::text as name from information_schema.columns \
                    where table_schema not in ('pg_catalog', 'information_schema')";
    match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(sqlite).load(conn).unwrap(),
        AnyConnection::Postgres(conn) => diesel::sql_query(postgres).load(conn).unwrap(),
    }
}

fn rows(conn: &mut AnyConnection, table: &str, column: &str, marked: &str) -> i64 {
    let marked = marked.to_lowercase();
    let text = format!("lower(cast(\"{column}\" as text))");
    let count = format!("select count(*) as rows from \"{table}\" where");
    let found: Rows = match conn {
        AnyConnection::Sqlite(conn) => {
            diesel::sql_query(format!("{count} instr({text}, ?) > 0")).bind::<Text, _>(marked).get_result(conn).unwrap()
        }
        AnyConnection::Postgres(conn) => {
            let query = diesel::sql_query(format!("{count} position($1 in {text}) > 0"));
            query.bind::<Text, _>(marked).get_result(conn).unwrap()
        }
    };
    found.rows
}

story! {
    async fn a_text_is_found_wherever_it_stands(world) {
        assert_eq!(world.everywhere("kenari"), []);
        let name = serde_json::json!({"number": 7, "name": {"id": "Burung Kenari Emas"}});
        world.post(Member(tangguh::policy::Role::Lead), "{p}/phases").key("k-kenari").json(name).expect(201).await;
        let names: Vec<String> = world.everywhere("KENARI").iter().map(Place::name).collect();
        assert_eq!(names, ["ledger_rows.body", "phase_revisions.body", "stored_replies.body", "stored_replies.key"]);
    }
}
