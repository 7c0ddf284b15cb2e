//! The embedded server against a real PostgreSQL: it starts, serves, and leaves nothing behind.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without has no error to handle"
)]

use std::collections::BTreeMap;

use pgrehearse::postgres::connect::{Session, connect};
use pgrehearse::shadow::{Durability, Server, ServerError, ServerOptions, find_pg_bin};

fn options() -> ServerOptions {
    ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::new(),
        connections: 10,
        keep: false,
    }
}

async fn session(server: &Server) -> Session {
    connect(&server.config(), "pgrehearse test").await.unwrap()
}

async fn number(session: &Session, sql: &str) -> i64 {
    session.client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_server_serves_and_is_gone_when_stopped() {
    let server = Server::start(options()).await.unwrap();
    let directory = server.directory().to_owned();
    assert_eq!(number(&session(&server).await, "SELECT 42::int8").await, 42);
    let shown = server.settings_shown().await.unwrap();
    assert_eq!(shown["fsync"], "on");
    println!("{} {shown:?}", server.version());
    server.stop().await.unwrap();
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_changes_the_durability() {
    let mut server = Server::start(options()).await.unwrap();
    server.restart(Durability::Filling).await.unwrap();
    assert_eq!(server.settings_shown().await.unwrap()["fsync"], "off");
    let filling = session(&server).await;
    filling
        .client
        .batch_execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        .await
        .unwrap();
    server.restart(Durability::Production).await.unwrap();
    assert_eq!(server.settings_shown().await.unwrap()["fsync"], "on");
    let rows = number(&session(&server).await, "SELECT count(*) FROM kept").await;
    assert_eq!(rows, 1000);
}

#[tokio::test]
async fn a_bad_setting_is_told_with_the_log_and_leaves_nothing() {
    let settings = BTreeMap::from([("work_mam".to_owned(), "16MB".to_owned())]);
    let error = Server::start(ServerOptions {
        settings,
        ..options()
    })
    .await
    .unwrap_err();
    let message = error.to_string();
    assert!(message.contains("work_mam"), "{message}");
    assert!(message.contains("[shadow.settings]"), "{message}");
    assert!(matches!(error, ServerError::Start { .. }));
}
