//! Production's statements, from `pg_stat_statements` of a real server to traffic that succeeds and finds
//! rows.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what a test's helpers cannot do, fails the test"
)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pgrehearse::observe::{PassName, PhaseName, StatementCoverage};
use pgrehearse::pgbench::{Run, Script, Step};
use pgrehearse::rehearsal::{
    Options, Rehearsal, RehearsalError, Rehearsed, Silent, Surroundings, check, stop_switch,
};
use pgrehearse::scenario::{Plan, parse};
use pgrehearse::shadow::Durability;
use pgrehearse::synth::{KeyBook, TableSpec};
use support::{execute, load, server_with};
use tokio_postgres::Client;

const SCHEMA: &str = r#"
    CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
    CREATE TABLE users (
        id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, seen_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE "Orders" (
        id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, status state NOT NULL DEFAULT 'new',
        total numeric(10,2) NOT NULL CHECK (total >= 0), note text, created_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON "Orders" (user_id);
    CREATE TABLE items (
        order_id bigint NOT NULL REFERENCES "Orders", line int NOT NULL, sku uuid NOT NULL,
        quantity int NOT NULL CHECK (quantity BETWEEN 1 AND 100), PRIMARY KEY (order_id, line));
    CREATE TABLE settings (user_id bigint PRIMARY KEY REFERENCES users, data jsonb NOT NULL, tags text[] NOT NULL);
    CREATE TABLE audit (id bigserial PRIMARY KEY, what text);
"#;

/// What the application of the test sends, with the text that pg_stat_statements makes of it, and how
/// often. Literals stand where an application has them in its texts.
const WORKLOAD: &[(&str, &str, u32)] = &[
    (
        "SELECT u.* FROM users u WHERE u.id = 7 LIMIT 1",
        "SELECT u.* FROM users u WHERE u.id = $1 LIMIT $2",
        40,
    ),
    (
        "SELECT 1 AS one FROM users WHERE lower(email) = lower('user-3@example.org') LIMIT 1",
        "SELECT $1 AS one FROM users WHERE lower(email) = lower($2) LIMIT $3",
        20,
    ),
    (
        r#"SELECT "Orders".* FROM "Orders" WHERE "Orders"."user_id" = 5 AND "Orders"."status" = 'paid' ORDER BY id DESC LIMIT 20 OFFSET 0"#,
        r#"SELECT "Orders".* FROM "Orders" WHERE "Orders"."user_id" = $1 AND "Orders"."status" = $2 ORDER BY id DESC LIMIT $3 OFFSET $4"#,
        30,
    ),
    (
        "SELECT o.id, i.sku FROM \"Orders\" o JOIN items i ON i.order_id = o.id WHERE o.id IN (1, 2, 3)",
        "SELECT o.id, i.sku FROM \"Orders\" o JOIN items i ON i.order_id = o.id WHERE o.id IN ($1, $2, $3)",
        15,
    ),
    (
        "SELECT count(*) FROM \"Orders\" WHERE created_at > now() - interval '1 day'",
        "SELECT count(*) FROM \"Orders\" WHERE created_at > now() - interval $1",
        5,
    ),
    (
        "SELECT id FROM \"Orders\" WHERE created_at >= '2025-03-01' AND created_at < '2025-03-02' AND total BETWEEN 10 AND 20",
        "SELECT id FROM \"Orders\" WHERE created_at >= $1 AND created_at < $2 AND total BETWEEN $3 AND $4",
        5,
    ),
    (
        "SELECT id FROM users WHERE id = ANY('{1,2,3}'::bigint[])",
        "SELECT id FROM users WHERE id = ANY($1::bigint[])",
        10,
    ),
    (
        "WITH mine AS (SELECT * FROM \"Orders\" WHERE user_id = 4) SELECT sum(m.total) FROM mine m WHERE m.note IS NULL",
        "WITH mine AS (SELECT * FROM \"Orders\" WHERE user_id = $1) SELECT sum(m.total) FROM mine m WHERE m.note IS NULL",
        8,
    ),
    (
        "SELECT extract(epoch FROM created_at), date_trunc('day', created_at) FROM users WHERE name LIKE 'a%' LIMIT 3",
        "SELECT extract(epoch FROM created_at), date_trunc($1, created_at) FROM users WHERE name LIKE $2 LIMIT $3",
        4,
    ),
    (
        "SELECT data ->> 'theme' FROM settings WHERE user_id = 2 AND tags && '{a}'::text[]",
        "SELECT data ->> $1 FROM settings WHERE user_id = $2 AND tags && $3::text[]",
        6,
    ),
    (
        "UPDATE users SET seen_at = now(), name = 'Ann' WHERE id = 3",
        "UPDATE users SET seen_at = now(), name = $1 WHERE id = $2",
        12,
    ),
    (
        "UPDATE items SET quantity = LEAST(quantity + 1, 100) WHERE (order_id, line) = (1, 1)",
        "UPDATE items SET quantity = LEAST(quantity + $1, $2) WHERE (order_id, line) = ($3, $4)",
        6,
    ),
    (
        "INSERT INTO users (email, name) VALUES (gen_random_uuid()::text, 'Bob') RETURNING id",
        "INSERT INTO users (email, name) VALUES (gen_random_uuid()::text, $1) RETURNING id",
        5,
    ),
    (
        "INSERT INTO \"Orders\" (user_id, status, total) VALUES (1, 'new', 12.50), (2, 'new', 3) RETURNING id",
        "INSERT INTO \"Orders\" (user_id, status, total) VALUES ($1, $2, $3), ($4, $5, $6) RETURNING id",
        8,
    ),
    (
        "INSERT INTO settings VALUES (1, '{\"a\": 1}', '{}') ON CONFLICT (user_id) DO UPDATE SET data = excluded.data",
        "INSERT INTO settings VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET data = excluded.data",
        4,
    ),
    (
        "DELETE FROM items WHERE order_id = 999999 AND line = 1",
        "DELETE FROM items WHERE order_id = $1 AND line = $2",
        3,
    ),
    (
        "INSERT INTO audit (what) VALUES ('looked')",
        "INSERT INTO audit (what) VALUES ($1)",
        2,
    ),
    ("BEGIN", "BEGIN", 50),
    ("COMMIT", "COMMIT", 50),
];

/// statements.json of the workload, by the server's own pg_stat_statements where it has one.
async fn captured() -> String {
    let plain = server_with(&[], Durability::Production).await;
    let (_, client) = load(&plain, "asked", "SELECT 1").await;
    let sql = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'";
    let installed: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    if installed == 0 {
        return written_by_hand();
    }
    let preload = [("shared_preload_libraries", "pg_stat_statements")];
    let server = server_with(&preload, Durability::Production).await;
    let (_, client) = load(&server, "production", SCHEMA).await;
    execute(
        &client,
        "CREATE EXTENSION pg_stat_statements;
         INSERT INTO users (email, name) SELECT 'user-' || n || '@example.org', 'Ann' FROM generate_series(1, 50) n;
         INSERT INTO \"Orders\" (user_id, status, total) SELECT n % 50 + 1, 'paid', n FROM generate_series(1, 200) n;
         INSERT INTO items SELECT n, 1, gen_random_uuid(), 2 FROM generate_series(1, 200) n;
         SELECT pg_stat_statements_reset();",
    )
    .await;
    for (sql, _, times) in WORKLOAD {
        for _ in 0..*times {
            execute(&client, sql).await;
        }
    }
    let export = "SELECT json_agg(s)::text FROM pg_stat_statements AS s
                  WHERE s.query NOT LIKE '%pg_stat_statements%'";
    client.query_one(export, &[]).await.unwrap().get(0)
}

fn written_by_hand() -> String {
    let entries: Vec<serde_json::Value> = WORKLOAD
        .iter()
        .map(|(_, query, calls)| {
            serde_json::json!({"query": query, "calls": calls, "mean_exec_time": 0.1, "rows": calls})
        })
        .collect();
    serde_json::json!({"format_version": 1, "captured_seconds": 10, "statements": entries})
        .to_string()
}

fn plan(statements: &str, rows: &[(&str, u64)]) -> Plan {
    let tables: String = rows
        .iter()
        .map(|(table, rows)| format!("[tables.{table}]\nrows = {rows}\n"))
        .collect();
    let scenario = format!(
        "name = \"from-production\"\ndisturbances = []\n[schema]\nfile = \"schema.sql\"\n{tables}
         [traffic]\nrate = 150\nstatements = \"statements.json\"\n[migration]\nfile = \"m.sql\"
         [phases]\nwarmup = \"1s\"\nbaseline = \"3s\"\nrecovery = \"1s\"\n"
    );
    let file = parse("scenario.toml", &scenario, &[]).unwrap_or_else(|error| panic!("{error}"));
    let sources = [
        ("schema.sql", SCHEMA),
        ("statements.json", statements),
        ("m.sql", "COMMENT ON TABLE users IS 'rehearsed';"),
    ];
    let sources: BTreeMap<PathBuf, String> = sources
        .iter()
        .map(|(name, text)| (PathBuf::from(name), (*text).to_owned()))
        .collect();
    file.resolve(&sources, None, 1.0)
        .unwrap_or_else(|error| panic!("{error}"))
}

const ROWS: &[(&str, u64)] = &[
    ("users", 500),
    ("Orders", 3_000),
    ("items", 3_000),
    ("settings", 300),
];

async fn rehearsed(plan: &Plan) -> Result<Rehearsed, RehearsalError> {
    let (_switch, stop) = stop_switch();
    let around = Surroundings {
        observer: &Silent,
        stop: &stop,
    };
    let options = Options {
        parallelism: 2,
        ..Options::default()
    };
    let mut rehearsal = Rehearsal::begin(plan, &options, around)?;
    rehearsal.make(PassName::Quiet).await?;
    Ok(rehearsal.finish().unwrap())
}

#[tokio::test]
async fn what_production_counted_is_sent_succeeds_and_finds_rows() {
    let statements = captured().await;
    let plan = plan(&statements, ROWS);
    let rehearsed = rehearsed(&plan)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let coverage = rehearsed.statements.unwrap();
    // One table is not filled; all else is sent.
    assert!(coverage.calls_share >= 0.95, "{:#?}", coverage.notes());
    let missing: Vec<_> = coverage
        .left_out
        .iter()
        .filter(|left| !left.beside)
        .collect();
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert!(
        missing[0].reason.contains("give [tables.audit] rows"),
        "{missing:?}"
    );
    let beside: Vec<_> = coverage
        .left_out
        .iter()
        .filter(|left| left.beside)
        .collect();
    assert_eq!(beside.len(), 2, "{beside:#?}");
    assert!(coverage.caveat().unwrap().contains("not in the traffic"));
    assert!(
        rehearsed
            .notes
            .iter()
            .any(|note| note.starts_with("not sent: `INSERT INTO audit"))
    );

    // The plan has them with their weights, and they succeed.
    let users = rehearsed
        .plan
        .traffic
        .transactions
        .iter()
        .find(|sent| sent.name == "select users #1");
    assert_eq!(users.unwrap().weight, 40);
    let baseline = rehearsed.passes[0]
        .phases
        .iter()
        .find(|phase| phase.name == PhaseName::Baseline)
        .unwrap();
    let accounting = baseline.accounting;
    assert!(
        accounting.completed as f64 >= 0.95 * accounting.scheduled as f64
            && accounting.completed > 0,
        "{accounting:?} {:?}",
        baseline.errors
    );
    find_rows(&coverage).await;
}

/// Runs what reads by a key on a database with the same rows, where it must find some.
async fn find_rows(coverage: &StatementCoverage) {
    let server = server_with(&[], Durability::Production).await;
    let (config, client) = load(&server, "same", SCHEMA).await;
    let specs: BTreeMap<String, TableSpec> = support::tables(ROWS);
    let (fill, _) = support::filled(&config, &client, &specs, 2).await;
    let keys = KeyBook::new(fill);
    let of = |start: &str| {
        let sent = coverage
            .transactions
            .iter()
            .find(|sent| sent.script.contains(start));
        sent.unwrap_or_else(|| panic!("{start} is not among {coverage:#?}"))
    };
    for (start, fewest) in [
        ("WHERE u.id = :p1", 50),
        ("lower(email) = lower(", 50),
        ("\"Orders\".\"status\" = ", 50),
        ("o.id IN (", 10),
        ("= ANY(", 50),
        ("created_at >= ", 25),
    ] {
        let found = hits(&client, &keys, &of(start).script).await;
        assert!(
            found >= fewest,
            "{found} of 50 runs found rows:\n{}",
            of(start).script
        );
    }
}

/// How many of 50 runs of a script find rows.
async fn hits(client: &Client, keys: &KeyBook, script: &str) -> usize {
    let mut keys = keys.clone();
    let program = Arc::new(
        Script::parse("script", script)
            .unwrap()
            .bind(&mut keys)
            .unwrap(),
    );
    let mut hits = 0;
    for serial in 0..50 {
        let mut run = Run::new(Arc::clone(&program), serial * 7919, serial);
        loop {
            match run.step(&keys).unwrap() {
                Step::Sql {
                    statement,
                    parameters,
                } => {
                    let sql = program.statements()[statement].interpolate(&parameters);
                    let rows = client.query(&sql, &[]).await;
                    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
                    hits += usize::from(!rows.is_empty());
                }
                Step::Done => break,
                _ => {}
            }
        }
    }
    hits
}

#[tokio::test]
async fn a_check_prepares_them_and_too_few_are_refused() {
    let statements = written_by_hand();
    let (_switch, stop) = stop_switch();
    let around = Surroundings {
        observer: &Silent,
        stop: &stop,
    };
    let checked = check(&plan(&statements, ROWS), &Options::default(), around).await;
    let coverage = checked
        .unwrap_or_else(|error| panic!("{error}"))
        .statements
        .unwrap();
    assert!(coverage.calls_share >= 0.95, "{:#?}", coverage.notes());
    assert!(coverage.production_rate.unwrap() > 1.0);

    let refused = rehearsed(&plan(&statements, &[("users", 10)])).await;
    let message = refused.expect_err("orders have no rows").to_string();
    assert!(
        message.starts_with("less than half of production's calls"),
        "{message}"
    );
    assert!(
        message.contains("table public.Orders has no rows here"),
        "{message}"
    );
}
