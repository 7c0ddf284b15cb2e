//! An application's fleet against a private server.

#![allow(dead_code, reason = "each test needs a part of it")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use pgrehearse::observe::{Phase, PhaseName, Recording};
use pgrehearse::pgbench::{KeyId, Keys, Script};
use pgrehearse::scenario::plan::{
    ApplicationPlan, Arrivals, Load, Protocol, TrafficPlan, TransactionPlan,
};
use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use pgrehearse::traffic::{Fleet, FleetSetup, TrafficError};
use tokio_postgres::{Client, NoTls};

/// How long a test waits for what must happen, before it gives up: long, as machines may be slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Table `t` has ids 1 to 1000.
pub(crate) struct Ids;

impl Keys for Ids {
    fn resolve(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<KeyId, String> {
        Ok(KeyId(0))
    }

    fn pick(&self, _: KeyId, random: u64) -> String {
        (random % 1_000 + 1).to_string()
    }

    fn fresh(&self, _: KeyId, n: u64) -> String {
        (1_001 + n).to_string()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        vec![("t".to_owned(), 1_000)]
    }
}

pub(crate) fn traffic(rate: f64, scripts: &[(&str, &str)]) -> TrafficPlan {
    TrafficPlan {
        load: Load::steady(rate, Arrivals::Uniform),
        protocol: Protocol::Prepared,
        transactions: scripts
            .iter()
            .map(|(name, text)| TransactionPlan {
                name: (*name).to_owned(),
                file: Some(format!("traffic/{name}.sql")),
                script: Script::parse(name, text).unwrap(),
                ..TransactionPlan::default()
            })
            .collect(),
        ..TrafficPlan::default()
    }
}

pub(crate) fn application(instances: u32, pool_size: u32) -> ApplicationPlan {
    ApplicationPlan {
        instances,
        pool_size,
        acquire_timeout: PATIENCE,
        statement_timeout: Duration::ZERO,
        ..ApplicationPlan::default()
    }
}

pub(crate) async fn fleet(
    server: &Server,
    traffic: &TrafficPlan,
    application: &ApplicationPlan,
) -> Result<Fleet, TrafficError> {
    Fleet::start(FleetSetup {
        traffic,
        application,
        release: None,
        seed: 42,
        config: server.config(),
        keys: Box::new(Ids),
    })
    .await
}

pub(crate) async fn server() -> Server {
    server_with(50, &[]).await
}

/// A server with room for about so many connections, and these settings.
pub(crate) async fn server_with(connections: u32, settings: &[(&str, &str)]) -> Server {
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Server::start(ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: settings.collect(),
        connections,
        keep: false,
    })
    .await
    .unwrap()
}

/// A connection of the test's own.
pub(crate) async fn connect(server: &Server) -> Client {
    let (client, connection) = server.config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn server_with_table() -> (Server, Client) {
    let server = server().await;
    let client = make_tables(&server).await;
    (server, client)
}

/// Makes the tables of most tests.
pub(crate) async fn make_tables(server: &Server) -> Client {
    let client = connect(server).await;
    client
        .batch_execute(
            "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
             INSERT INTO t SELECT generate_series(1, 1000);
             CREATE TABLE hits (id bigint PRIMARY KEY, tag text)",
        )
        .await
        .unwrap();
    client
}

/// The only phase of a test's traffic.
pub(crate) fn warmup(recording: &Recording, plan: &TrafficPlan) -> Phase {
    let names: Vec<String> = plan.transactions.iter().map(|t| t.name.clone()).collect();
    let length = Duration::from_secs(1);
    let phase = recording.phase(PhaseName::Warmup, &names, Duration::ZERO, length);
    assert!(phase.accounting.balances(), "{:?}", phase.accounting);
    phase
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    tokio::time::timeout(PATIENCE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

pub(crate) async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(
    client: &Client,
    sql: &str,
) -> T {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Waits until a query that returns a boolean returns true.
pub(crate) async fn until_true(client: &Client, sql: &str) {
    tokio::time::timeout(PATIENCE, async {
        while !one::<bool>(client, sql).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("waited in vain: {sql}"));
}

pub(crate) const NO_SESSIONS: &str = "SELECT count(*) = 0 FROM pg_stat_activity
     WHERE application_name = 'pgrehearse traffic'";
