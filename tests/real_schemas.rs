//! Whole schemas, those of products and one of our own that has everything, filled by a scenario of
//! three lines, and every promise of the fill asked of the server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use pgrehearse::scenario::Plan;
use pgrehearse::shadow::{Durability, Server};
use support::scenario::{Filled, Template, plan};
use support::server_with;
use support::sound::{assert_sound, checksums, rows};
use tempfile::TempDir;
use tokio_postgres::Client;
use tokio_postgres::config::Host;

/// Has `scripts/real-schema` fetch a product, unless it has already.
fn fetch(product: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/real-schema");
    let fetched = Command::new(script).arg(product).output().unwrap();
    let said = String::from_utf8_lossy(&fetched.stderr);
    assert!(fetched.status.success(), "{said}");
}

fn scenario(product: &str, rows: u64) -> String {
    format!(
        "name = \"{product}\"\n\
         schema.list = \"real-schemas/{product}/LOAD-ORDER\"\n\
         tables.\"*\".rows = {rows}\n"
    )
}

/// What a fill is asked for, and what comes of it.
struct Case<'a> {
    scenario: &'a str,
    /// Tables of the schema.
    tables: usize,
    /// Tables that cannot hold the rows asked for, and how many they can.
    smaller: &'a [(&'a str, u64)],
    /// Columns without any value.
    empty_columns: &'a [&'a str],
}

/// Fills a scenario with 1, 2 and 5 connections: every table has the rows asked for, everything
/// holds, and the rows are the same. Returns the last database.
async fn fills_soundly(server: &Server, case: Case<'_>) -> Filled {
    let plan = plan(case.scenario);
    let template = Template::new(server, &plan).await;
    let filled = template.fill("filled1", 1).await;
    assert_rows(&filled, &plan, &case).await;
    let first = checksums(&filled.client).await;
    let filled = template.fill("filled2", 2).await;
    assert_same_rows(&first, &checksums(&filled.client).await);
    let filled = template.fill("filled5", 5).await;
    assert_same_rows(&first, &checksums(&filled.client).await);
    filled.assert_sound().await;
    assert_eq!(filled.empty_columns().await, case.empty_columns);
    filled
}

fn assert_same_rows(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) {
    assert!(one.keys().eq(other.keys()));
    let differ = one
        .iter()
        .filter(|(table, digest)| other[*table] != **digest);
    let differ: Vec<&String> = differ.map(|(table, _)| table).collect();
    assert!(differ.is_empty(), "rows differ in {differ:?}");
}

/// Every table has the rows that the scenario asks for, or those of the schema's files.
async fn assert_rows(filled: &Filled, plan: &Plan, case: &Case<'_>) {
    let rows = rows(&filled.client).await;
    assert_eq!(rows.len(), case.tables);
    let asked = |name: &str| match plan.tables.get(name) {
        Some(table) => table.fill.rows,
        None => plan.tables["*"].fill.rows,
    };
    let smaller: BTreeMap<&str, u64> = case.smaller.iter().copied().collect();
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(name, rows)| {
            let given = filled.given.get(name).copied();
            let expected = given.or_else(|| smaller.get(name.as_str()).copied());
            let expected = expected.unwrap_or_else(|| asked(name));
            (*rows != expected || *rows == 0).then(|| format!("{name}: {rows}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (name, _) in case.smaller {
        let begin = format!("{name} has ");
        let told = filled
            .summary
            .notes
            .iter()
            .any(|note| note.starts_with(&begin));
        assert!(told, "{name}: {:?}", filled.summary.notes);
    }
}

async fn product_fills_soundly(product: &str, case: Case<'_>) {
    fetch(product);
    let server = server_with(&[], Durability::Filling).await;
    fills_soundly(&server, case).await;
}

#[tokio::test]
async fn synapse() {
    fetch("synapse");
    let server = server_with(&[], Durability::Filling).await;
    let case = Case {
        scenario: &scenario("synapse", 300),
        tables: 158,
        smaller: &[],
        empty_columns: &[],
    };
    let filled = fills_soundly(&server, case).await;
    let mut expected = checksums(&filled.client).await;
    // The schema's own rows hold the time at which they were loaded.
    expected.retain(|table, _| !filled.given.contains_key(table));
    drop(filled);

    let client = fill_by_command(&server, "synapse").await;
    let mut found = checksums(&client).await;
    found.retain(|table, _| expected.contains_key(table));
    assert_same_rows(&expected, &found);
    assert_sound(&client).await;
}

/// Has `pgrehearse fill` fill a product's schema, as somebody who may create databases and no more.
async fn fill_by_command(server: &Server, product: &str) -> Client {
    let mut config = server.config();
    let client = support::connect(&config).await;
    let role = "CREATE ROLE somebody LOGIN CREATEDB";
    client.batch_execute(role).await.unwrap();
    let list = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("real-schemas")
        .join(product);
    let text =
        scenario(product, 300).replace(&format!("real-schemas/{product}"), list.to_str().unwrap());
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("scenario.toml"), text).unwrap();
    let Some(Host::Unix(directory)) = config.get_hosts().first() else {
        panic!("the server has no socket");
    };
    let address = format!(
        "host={} user=somebody dbname=by_command",
        directory.display()
    );
    let output = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
        .args(["fill", "--quiet"])
        .arg(folder.path())
        .args(["--shadow", &address])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    support::connect(config.dbname("by_command")).await
}

#[tokio::test]
async fn procrastinate() {
    let case = Case {
        scenario: &scenario("procrastinate", 1000),
        tables: 4,
        smaller: &[],
        empty_columns: &[],
    };
    product_fills_soundly("procrastinate", case).await;
}

#[tokio::test]
async fn graphile_worker() {
    let case = Case {
        scenario: &scenario("graphile-worker", 1000),
        tables: 5,
        smaller: &[],
        empty_columns: &[],
    };
    product_fills_soundly("graphile-worker", case).await;
}

/// The files of our own schema, by the version of PostgreSQL that they need, with their tables.
const EVERYTHING: [(i64, &str, usize); 4] = [
    (13, "tests/schemas/everything.sql", 60),
    (14, "tests/schemas/everything-14.sql", 3),
    (15, "tests/schemas/everything-15.sql", 3),
    (18, "tests/schemas/everything-18.sql", 5),
];

#[tokio::test]
async fn everything() {
    let server = server_with(&[], Durability::Filling).await;
    let client = support::connect(&server.config()).await;
    let version = "SELECT current_setting('server_version_num')::int8 / 10000";
    let version = support::number(&client, version).await;
    let files = EVERYTHING.iter().filter(|(since, ..)| *since <= version);
    let names: Vec<&str> = files.clone().map(|(_, name, _)| *name).collect();
    let case = Case {
        scenario: &format!(
            "name = \"everything\"\nschema.files = {names:?}\ntables.\"*\".rows = 1000\n\
             tables.\"app.tenants\".rows = 25\ntables.\"app.projects\".rows = 200\n"
        ),
        tables: files.map(|(.., tables)| tables).sum(),
        smaller: &[
            // One row, for its key is `true` alone.
            ("app.settings", 1),
            ("app.weekdays", 7),
            // The labels of an enum, and these with weekdays.
            ("app.moods", 8),
            ("app.mood_days", 56),
        ],
        // The partition of the rows without a region.
        empty_columns: &["app.measurements_unknown.region"],
    };
    let filled = fills_soundly(&server, case).await;
    for (what, sql) in [
        (
            "partitions without rows",
            "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r' AND reltuples <= 0",
        ),
        (
            "materialized views without rows",
            "SELECT count(*) FROM pg_class WHERE relkind = 'm' AND (NOT relispopulated OR reltuples <= 0)",
        ),
        (
            "rows of other kinds than the partition by NULL",
            "SELECT count(*) FROM app.measurements_unknown WHERE region IS NOT NULL",
        ),
        (
            "tenants with users and no admin",
            "SELECT count(*) FROM (SELECT FROM app.users GROUP BY tenant_id HAVING NOT bool_or(is_admin)) AS without",
        ),
    ] {
        assert_eq!(support::number(&filled.client, sql).await, 0, "{what}");
    }
    for table in ["audited", "ruled"] {
        let insert = format!("INSERT INTO app.{table} VALUES (0, '')");
        let error = filled.client.batch_execute(&insert).await.unwrap_err();
        let message = error.as_db_error().unwrap().message();
        assert!(message.ends_with(" ran"), "{message}");
    }
}
