//! No read goes through a ledger or a revision table whole: the plans of the queries that the service really sends.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{LazyLock, Mutex},
};

use diesel::{
    connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation},
    prelude::*,
    sql_types::Text,
};
use tangguh::{
    db::{AnyConnection, Target},
    policy::Role::Lead,
};

use crate::{harness::*, operations::*};

/// The SELECTs that went over connections to each database, by its address.
static SENT: LazyLock<Mutex<HashMap<String, BTreeSet<String>>>> = LazyLock::new(Mutex::default);

/// Writes down what one connection sends.
#[derive(Default)]
struct Recorder(String);

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.0 = url.to_owned(),
            InstrumentationEvent::StartQuery { query, .. } => {
                let sent = query.to_string();
                let sql = sent.split(" -- binds:").next().unwrap_or_default().trim();
                if sql.starts_with("SELECT") {
                    SENT.lock().unwrap().entry(self.0.clone()).or_default().insert(sql.to_owned());
                }
            }
            _ => {}
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text, column_name = "detail")]
    detail: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

/// The tables that the plan of a query reads from end to end.
fn scanned(conn: &mut AnyConnection, sql: &str) -> Vec<String> {
    match conn {
        AnyConnection::Sqlite(conn) => {
            let steps: Vec<Step> = diesel::sql_query(format!("explain query plan {sql}")).load(conn).expect(sql);
            // What begins with a programme's ledger alone reads nearly everything too, where it is in no list's order.
            // Lists as of then may do so, but for the questions, of which there are many.
            let sorted = steps.iter().any(|step| step.detail == "USE TEMP B-TREE FOR ORDER BY");
            let excused = sql.contains("`seq_from` + ?") && !(sql.contains("`question_revisions`") && sorted);
            let whole = |step: &&Step| step.detail.ends_with("_updated_idx (ledger_id=?)") && !excused;
            let scans = steps.iter().filter_map(|step| match step.detail.strip_prefix("SCAN ") {
                Some(table) => Some(table),
                None => Some(step).filter(whole)?.detail.strip_prefix("SEARCH "),
            });
            scans.filter_map(|rest| rest.split(' ').next()).map(str::to_owned).collect()
        }
        AnyConnection::Postgres(conn) => {
            // Tables are small here: a scan is planned only where no index helps.
            conn.batch_execute(&format!(
                "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; deallocate all; prepare asked as {sql}"
            ))
            .expect(sql);
            let binds = (1..).take_while(|number| sql.contains(&format!("${number}"))).map(|_| "null");
            let binds = binds.collect::<Vec<_>>().join(", ");
            let call = if binds.is_empty() { "asked".into() } else { format!("asked({binds})") };
            let plan: Vec<Line> = diesel::sql_query(format!("explain execute {call}")).load(conn).expect(sql);
            let scans = plan.iter().filter_map(|line| line.text.split_once("Seq Scan on "));
            scans.filter_map(|(_, rest)| rest.split(' ').next()).map(str::to_owned).collect()
        }
    }
}

story! {
    async fn no_read_goes_through_a_ledger_or_a_table_of_revisions_whole(world) {
        set_default_instrumentation(|| Some(Box::new(Recorder::default()))).unwrap();
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let (Target::Sqlite(address) | Target::Postgres(address)) = world.target.clone();
        // What the making of them asked is not a read.
        SENT.lock().unwrap().remove(&address);
        let reads = OPERATIONS.iter().filter(|operation| operation.method == "GET");
        let mut asked = 0;
        for operation in reads.filter(|operation| operation.path.contains("{program}")) {
            let reply = things.ask(&world, operation.who_may(), operation).send().await;
            assert!(reply.status.is_success(), "{}: {}", operation.id, reply.text);
            asked += 1;
            if operation.parameters("query").iter().any(|parameter| parameter["name"] == "as_of") {
                let path = format!("{}?as_of=seq:5", things.fill(&operation.path));
                world.get(operation.who_may(), &path).send().await;
            }
        }
        let sent = SENT.lock().unwrap().remove(&address).unwrap_or_default();
        assert!(asked > 20 && sent.len() > 20, "{asked} reads sent {} queries", sent.len());
        let mut conn = world.conn();
        let mut faults = Vec::new();
        for sql in &sent {
            for table in scanned(&mut conn, sql) {
                let table = table.trim_matches('"');
                if table.ends_with("_revisions") || table == "ledger_rows" {
                    faults.push(format!("{table} is read whole by {sql}"));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
