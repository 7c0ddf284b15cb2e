//! A fill on a private server in a fill's settings, where tables write no WAL: the same rows in the
//! same order whatever the parallelism, and a server afterwards that survives a crash.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use pgrehearse::shadow::fill::{FillOptions, FillSummary};
use pgrehearse::shadow::{Durability, Server, ServerOptions, find_pg_bin};
use support::{connect, load, server_with, tables, text};
use tokio_postgres::{Config, NoTls};

const SCHEMA: &str = "
    CREATE TABLE accounts (
        id bigint PRIMARY KEY, email text NOT NULL UNIQUE, balance numeric(12,2), opened timestamptz);
    CREATE TABLE documents (
        id int PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, body text NOT NULL);
    CREATE INDEX ON documents (account_id);
    CREATE INDEX ON documents USING gin (to_tsvector('simple', left(body, 100)));
    CREATE INDEX ON accounts USING brin (opened);
    CREATE INDEX ON accounts USING hash (email);
    CREATE UNLOGGED TABLE sessions (id int PRIMARY KEY, seen timestamptz);";

/// Accounts are enough for several workers to write them at the same time; a document is wider than
/// what is sent at a time, and stored out of line.
const ROWS: [(&str, u64); 3] = [
    ("accounts", 300_000),
    ("documents", 30),
    ("sessions", 20_000),
];

const FINGERPRINT: &str = "SELECT
    (SELECT md5(string_agg(md5(t::text), '' ORDER BY id)) FROM accounts t)
    || (SELECT md5(string_agg(md5(t::text), '' ORDER BY id)) FROM documents t)
    || (SELECT md5(string_agg(md5(t::text), '' ORDER BY id)) FROM sessions t)";

/// A database of its own, filled.
async fn filled(server: &Server, name: &str, parallelism: usize) -> (Config, FillSummary) {
    let (config, client) = load(server, name, SCHEMA).await;
    let mut specs = tables(&ROWS);
    let documents = specs.get_mut("documents").unwrap();
    documents.columns = toml::from_str("body = { width = 300000 }").unwrap();
    let (_, summary) = support::filled(&config, &client, &specs, parallelism).await;
    (config, summary)
}

#[tokio::test]
async fn rows_and_their_order_do_not_depend_on_the_parallelism() {
    let server = server_with(&[], Durability::Filling).await;
    let mut seen = Vec::new();
    for parallelism in [1, 2, 5] {
        let name = format!("filled{parallelism}");
        let (config, summary) = filled(&server, &name, parallelism).await;
        assert_eq!((summary.rows, summary.tables), (320_030, 3));
        assert!(summary.bytes > 30 * 300_000, "{}", summary.bytes);
        let client = connect(&config).await;
        seen.push(text(&client, FINGERPRINT).await);
        // Documents are stored out of line: what is left of them fills some pages, one a worker.
        let order = "SELECT min(correlation)::text FROM pg_stats
                     WHERE tablename IN ('accounts', 'sessions') AND attname = 'id'";
        let correlation: f64 = text(&client, order).await.parse().unwrap();
        assert!(
            correlation > 0.99,
            "of {parallelism} workers: {correlation}"
        );
        let persistence = "SELECT string_agg(relpersistence::text, '' ORDER BY relname)
            FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
        assert_eq!(text(&client, persistence).await, "ppu");
    }
    assert_eq!(seen.first(), seen.get(1));
    assert_eq!(seen.first(), seen.get(2));
}

#[tokio::test]
async fn all_workers_find_a_connection() {
    let workers = 24;
    let options = ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::from([("max_connections".to_owned(), "20".to_owned())]),
        connections: FillOptions::most_sessions(workers),
        keep: false,
    };
    let server = Server::start_as(options, Durability::Filling)
        .await
        .unwrap();
    let config = server.config();
    let client = connect(&config).await;
    let table = "CREATE TABLE asked (id int PRIMARY KEY, a text NOT NULL)";
    client.batch_execute(table).await.unwrap();
    let mut specs = tables(&[("asked", 200_000)]);
    let asked = specs.get_mut("asked").unwrap();
    asked.columns = toml::from_str("a = { sql = 'n::text' }").unwrap();
    let (_, summary) = support::filled(&config, &client, &specs, workers).await;
    assert_eq!(summary.rows, 200_000);
}

/// Kills a session's process, which makes the server forget its memory and recover from what is on
/// the disk, and waits until it is back.
async fn crash(config: &Config) {
    let (client, other) = (connect(config).await, connect(config).await);
    let pid = text(&client, "SELECT pg_backend_pid()::text").await;
    let killed = Command::new("kill").args(["-9", &pid]).status().unwrap();
    assert!(killed.success());
    // The server ends all sessions before it recovers.
    while other.simple_query("SELECT 1").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while config.connect(NoTls).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_filled_server_survives_a_crash() {
    let mut server = server_with(&[], Durability::Filling).await;
    let (config, _) = filled(&server, "filled", 2).await;
    let before = text(&connect(&config).await, FINGERPRINT).await;
    server.restart(Durability::Production).await.unwrap();

    let client = connect(&config).await;
    assert_eq!(text(&client, FINGERPRINT).await, before);
    let change = "UPDATE accounts SET balance = balance + 1 WHERE id % 3 = ";
    client.batch_execute(&format!("{change} 0")).await.unwrap();
    client.batch_execute("CHECKPOINT").await.unwrap();
    client.batch_execute(&format!("{change} 1")).await.unwrap();
    let kept = "SELECT md5(string_agg(t::text, '' ORDER BY id))
                || (SELECT md5(string_agg(d::text, '' ORDER BY id)) FROM documents d)
                FROM accounts t";
    let changed = text(&client, kept).await;
    crash(&config).await;

    let client = connect(&config).await;
    assert_eq!(text(&client, kept).await, changed);
    let unlogged = "SELECT count(*)::text FROM sessions";
    assert_eq!(
        text(&client, unlogged).await,
        "0",
        "as of any unlogged table"
    );
    let available = "SELECT count(*)::text FROM pg_available_extensions WHERE name = 'amcheck'";
    if text(&client, available).await == "1" {
        let sound =
            "CREATE EXTENSION amcheck; SELECT bt_index_parent_check(i.indexrelid, true, true)
                     FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                     JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
                     WHERE x.relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace)";
        client.batch_execute(sound).await.unwrap();
    }
}
