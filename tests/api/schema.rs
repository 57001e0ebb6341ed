//! The two schemas, and Diesel's picture of them, are one.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_types::{Nullable, Text},
};
use tangguh::db::{AnyConnection, migrations};

use crate::harness::*;

/// Columns by table: the type, and whether it may be null.
type Columns = BTreeMap<String, BTreeMap<String, (String, bool)>>;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    more: Option<String>,
}

fn found(conn: &mut AnyConnection, sqlite: &str, postgres: &str) -> Vec<Found> {
    match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(sqlite).load(conn).unwrap(),
        AnyConnection::Postgres(conn) => diesel::sql_query(postgres).load(conn).unwrap(),
    }
}

/// Whether a database's type can be Diesel's.
fn fits(theirs: &str, ours: &str) -> bool {
    match theirs {
        // In SQLite, ids, instants and dates are text, and numbers have one size.
        "TEXT" => ["Text", "Id", "Instant", "Date"].contains(&ours),
        "INTEGER" => ["Integer", "BigInt", "Bool"].contains(&ours),
        "uuid" => ours == "Id",
        "timestamp with time zone" => ours == "Instant",
        "text" => ours == "Text",
        "integer" => ours == "Integer",
        "bigint" => ours == "BigInt",
        "boolean" => ours == "Bool",
        "date" => ours == "Date",
        _ => false,
    }
}

fn columns(conn: &mut AnyConnection) -> Columns {
    let rows = found(
        conn,
        "select m.name as \"table\", c.name as name, upper(c.type) as kind, case c.\"notnull\" when 0 then 'null' end as more \
         from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%' and m.name not like '\\_\\_%' escape '\\'",
        "select table_name::text as \"table\", column_name::text as name, data_type::text as kind, \
         case is_nullable when 'YES' then 'null' end as more \
         from information_schema.columns where table_schema = 'public' and table_name not like '\\_\\_%'",
    );
    let mut tables = Columns::new();
    for row in rows {
        tables.entry(row.table).or_default().insert(row.name, (row.kind, row.more.is_some()));
    }
    tables
}

/// What `schema.rs` says.
fn pictured() -> Columns {
    let mut tables = Columns::new();
    for part in include_str!("../../src/schema.rs").split("diesel::table! {").skip(1) {
        let body = part.split("diesel::allow_tables").next().unwrap();
        let mut table = String::new();
        for line in body.lines().map(str::trim) {
            if let Some((name, kind)) = line.trim_end_matches(',').split_once(" -> ") {
                let bare = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
                tables
                    .entry(table.clone())
                    .or_default()
                    .insert(name.into(), (bare.unwrap_or(kind).into(), bare.is_some()));
            } else if line.ends_with(" {") && line.contains('(') {
                table = line.split(' ').next().unwrap().into();
            }
        }
    }
    tables
}

/// Named constraints and indexes, as `table name kind`.
fn names(conn: &mut AnyConnection) -> BTreeSet<String> {
    if let AnyConnection::Postgres(_) = conn {
        let rows = found(
            conn,
            "",
            "select c.relname::text as \"table\", k.conname::text as name, 'constraint' as kind, null as more \
             from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = 'public' and k.contype in ('p', 'u', 'c') \
             union all \
             select i.tablename::text, i.indexname::text, 'index', null from pg_indexes i where schemaname = 'public' \
             and not exists (select 1 from pg_constraint k where k.conname = i.indexname)",
        );
        return rows
            .iter()
            .filter(|row| !row.table.starts_with("__"))
            .map(|row| format!("{} {} {}", row.table, row.kind, row.name))
            .collect();
    }
    let rows = found(
        conn,
        "select tbl_name as \"table\", name, type as kind, sql as more from sqlite_master where sql is not null and tbl_name not like '\\_\\_%' escape '\\' and name not like 'sqlite_%'",
        "",
    );
    let mut names = BTreeSet::new();
    for row in rows {
        match row.kind.as_str() {
            "index" => drop(names.insert(format!("{} index {}", row.table, row.name))),
            _ => {
                for after in row.more.unwrap().split("constraint ").skip(1) {
                    names.insert(format!("{} constraint {}", row.table, after.split_whitespace().next().unwrap()));
                }
            }
        }
    }
    names
}

/// Foreign keys, as `table.column -> table`.
fn references(conn: &mut AnyConnection) -> BTreeSet<String> {
    let rows = found(
        conn,
        "select m.name as \"table\", f.\"from\" as name, f.\"table\" as kind, null as more from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table'",
        "select c.relname::text as \"table\", a.attname::text as name, r.relname::text as kind, null as more \
         from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid \
         join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any(k.conkey) where k.contype = 'f'",
    );
    rows.iter().map(|row| format!("{}.{} -> {}", row.table, row.name, row.kind)).collect()
}

story! {
    async fn the_tables_are_those_that_diesel_knows(world) {
        let (there, pictured) = (columns(&mut world.conn()), pictured());
        assert_eq!(there.keys().collect::<Vec<_>>(), pictured.keys().collect::<Vec<_>>());
        assert!(there.len() > 25);
        for (table, wanted) in &pictured {
            let columns = &there[table];
            assert_eq!(columns.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{table}");
            for (column, (kind, nullable)) in wanted {
                let (found, null) = &columns[column];
                assert_eq!(null, nullable, "{table}.{column} may be null");
                assert!(fits(found, kind), "{table}.{column}: {found} and {kind}");
            }
        }
    }
}

story! {
    async fn text_is_compared_byte_by_byte_and_types_are_strict(world) {
        let loose = found(
            &mut world.conn(),
            "select name as \"table\", '' as name, '' as kind, null as more from pragma_table_list where schema = 'main' and type = 'table' and strict = 0 and name not like 'sqlite_%' and name not like '\\_\\_%' escape '\\'",
            "select table_name::text as \"table\", column_name::text as name, '' as kind, null as more from information_schema.columns \
             where table_schema = 'public' and table_name not like '\\_\\_%' and data_type = 'text' and collation_name is distinct from 'C'",
        );
        assert!(loose.is_empty(), "{:?}", loose.iter().map(|row| format!("{}.{}", row.table, row.name)).collect::<Vec<_>>());
    }
}

story! {
    async fn every_constraint_is_named_by_our_rule(world) {
        let tables: Vec<String> = pictured().into_keys().collect();
        for name in names(&mut world.conn()) {
            let parts: Vec<&str> = name.split(' ').collect();
            assert!(tables.iter().any(|table| table == parts[0]), "{name}");
            assert!(parts[2].starts_with(parts[0]), "{name}");
            let end = parts[2].rsplit('_').next().unwrap();
            assert!(["key", "check", "idx"].contains(&end), "{name}");
        }
    }
}

story! {
    async fn migrations_can_be_taken_back_and_made_again(world) {
        let mut conn = world.conn();
        let before = (columns(&mut conn), names(&mut conn), references(&mut conn));
        let reverted = migrations::revert_all(&mut conn).unwrap();
        assert!(migrations::pending(&mut conn).unwrap());
        assert_eq!((columns(&mut conn), names(&mut conn)), Default::default(), "nothing stays behind");
        let mut ran = migrations::run(&mut conn).unwrap();
        ran.reverse();
        assert_eq!(reverted, ran);
        assert_eq!((columns(&mut conn), names(&mut conn), references(&mut conn)), before);
        assert!(migrations::run(&mut conn).unwrap().is_empty());
    }
}

#[test]
fn both_databases_have_the_same_schema() {
    let sqlite = World::new(Kind::Sqlite).unwrap();
    let Some(postgres) = World::new(Kind::Postgres) else { return };
    let (mut one, mut other) = (sqlite.conn(), postgres.conn());
    assert_eq!(names(&mut one), names(&mut other));
    assert_eq!(references(&mut one), references(&mut other));
    let shape = |columns: Columns| -> BTreeMap<String, BTreeMap<String, bool>> {
        columns
            .into_iter()
            .map(|(table, columns)| (table, columns.into_iter().map(|(name, (_, null))| (name, null)).collect()))
            .collect()
    };
    assert_eq!(shape(columns(&mut one)), shape(columns(&mut other)));
}

/// SQLite makes a table anew where PostgreSQL alters one; that they end alike, the schemas themselves say.
fn without_tables_made_anew(up: &str) -> String {
    let anew: Vec<String> = up
        .split("create table ")
        .filter_map(|part| part.split_once("_anew (").map(|(table, _)| table.to_owned()))
        .filter(|table| !table.contains(char::is_whitespace))
        .collect();
    let kept = up.split_inclusive(';').filter(|statement| {
        let about = |table: &String| {
            statement.contains(&format!("{table}_anew")) || statement.contains(&format!(" on {table} ("))
        };
        !anew.iter().any(about)
    });
    kept.collect()
}

/// Statements of all migrations that say something beside types: constraints and indexes.
fn rules(kind: &str) -> BTreeSet<String> {
    let folder = format!("{}/migrations/{kind}", env!("CARGO_MANIFEST_DIR"));
    let mut rules = BTreeSet::new();
    for migration in std::fs::read_dir(folder).unwrap() {
        let migration = migration.unwrap().path();
        let up = std::fs::read_to_string(migration.join("up.sql")).unwrap();
        let up = without_tables_made_anew(&up);
        let name = migration.file_name().unwrap().to_str().unwrap().to_owned();
        let lines = up.lines().map(str::trim).filter(|line| {
            line.starts_with("constraint ") || (line.starts_with("create ") && line.contains(" index "))
        });
        rules.extend(lines.map(|line| format!("{name}: {}", line.trim_end_matches(','))));
    }
    rules
}

#[test]
fn both_histories_say_the_same() {
    assert_eq!(rules("sqlite"), rules("postgres"));
    assert!(rules("sqlite").len() > 100);
}

story! {
    async fn no_list_sorts_by_what_may_be_null(world) {
        // Each sort's column, where it is not the id or the sequence.
        let columns = columns(&mut world.conn());
        for (table, column) in [("question_revisions", "position"), ("stakeholder_revisions", "name"), ("phase_revisions", "number"),
            ("program_revisions", "slug"), ("shock_or_stress_revisions", "number"), ("focus_area_revisions", "number"), ("question_revisions", "seq_from")]
        {
            assert!(!columns[table][column].1, "{table}.{column}");
        }
    }
}
