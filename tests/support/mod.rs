//! Databases that tests fill, and what the server says of them afterwards.

#![allow(dead_code, reason = "each test needs a part of it")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub(crate) mod scenario;
pub(crate) mod sound;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::postgres::given::read_given;
use pgrehearse::shadow::fill::{FillError, FillOptions, FillProgress, FillSummary, Stage, fill};
use pgrehearse::shadow::{Durability, Server, ServerOptions, find_pg_bin};
use pgrehearse::synth::{FillPlan, SynthError, TableSpec, wanted_rows};
use tokio_postgres::{Client, Config, NoTls};

/// A private server, in the settings of production but for these.
pub(crate) async fn server_with(settings: &[(&str, &str)], durability: Durability) -> Server {
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: settings.collect(),
        connections: 20,
        keep: false,
    };
    Server::start_as(options, durability).await.unwrap()
}

/// A private server in the settings of production.
pub(crate) async fn server() -> Server {
    server_with(&[], Durability::Production).await
}

/// A session, and the task that serves it.
pub(crate) async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.ok() });
    client
}

/// A database of its own with this schema.
pub(crate) async fn load(server: &Server, name: &str, sql: &str) -> (Config, Client) {
    let client = connect(&server.config()).await;
    execute(&client, &format!("CREATE DATABASE {name}")).await;
    let mut config = server.config();
    config.dbname(name);
    let client = connect(&config).await;
    execute(&client, sql).await;
    (config, client)
}

/// Rows by table, with no overrides.
pub(crate) fn tables(rows: &[(&str, u64)]) -> BTreeMap<String, TableSpec> {
    let spec = |&(name, rows): &(&str, u64)| {
        let spec = TableSpec {
            rows,
            ..TableSpec::default()
        };
        (name.to_owned(), spec)
    };
    rows.iter().map(spec).collect()
}

/// How a fill goes about its work that nobody watches or stops.
pub(crate) fn options(parallelism: usize) -> FillOptions {
    FillOptions {
        parallelism,
        progress: Arc::new(FillProgress::default()),
        stop: Arc::new(AtomicBool::new(false)),
    }
}

/// What the tables are to hold.
pub(crate) async fn plan(
    client: &Client,
    specs: &BTreeMap<String, TableSpec>,
) -> Result<Arc<FillPlan>, SynthError> {
    let schema = read_schema(client).await.unwrap();
    let given = read_given(client, &wanted_rows(&schema, specs))
        .await
        .unwrap();
    FillPlan::beside(&schema, specs, &given, 42).map(Arc::new)
}

/// Plans and fills.
pub(crate) async fn try_fill(
    config: &Config,
    client: &Client,
    specs: &BTreeMap<String, TableSpec>,
    parallelism: usize,
) -> Result<(Arc<FillPlan>, FillSummary), FillError> {
    let planned = plan(client, specs)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let schema = read_schema(client).await.unwrap();
    let options = options(parallelism);
    let progress = Arc::clone(&options.progress);
    let summary = fill(config, &schema, &planned, options).await?;
    assert_eq!(progress.stage(), Stage::Done);
    assert_eq!(progress.rows(), summary.rows);
    Ok((planned, summary))
}

/// The same where nothing may fail.
pub(crate) async fn filled(
    config: &Config,
    client: &Client,
    specs: &BTreeMap<String, TableSpec>,
    parallelism: usize,
) -> (Arc<FillPlan>, FillSummary) {
    let filled = try_fill(config, client, specs, parallelism).await;
    filled.unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

/// A server with one database, which has a schema.
pub(crate) struct Database {
    pub(crate) client: Client,
    config: Config,
    // Ends when dropped.
    _server: Server,
}

impl Database {
    pub(crate) async fn with(schema: &str) -> Self {
        let server = server().await;
        let (config, client) = load(&server, "filled", schema).await;
        Self {
            client,
            config,
            _server: server,
        }
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        number(&self.client, sql).await
    }

    pub(crate) async fn plan(
        &self,
        specs: &BTreeMap<String, TableSpec>,
    ) -> Result<Arc<FillPlan>, SynthError> {
        plan(&self.client, specs).await
    }

    pub(crate) async fn fill(
        &self,
        specs: &BTreeMap<String, TableSpec>,
    ) -> (Arc<FillPlan>, FillSummary) {
        filled(&self.config, &self.client, specs, 3).await
    }

    pub(crate) async fn try_fill(
        &self,
        specs: &BTreeMap<String, TableSpec>,
    ) -> Result<(Arc<FillPlan>, FillSummary), FillError> {
        try_fill(&self.config, &self.client, specs, 3).await
    }

    pub(crate) async fn assert_sound(&self) {
        sound::assert_sound(&self.client).await;
    }
}

/// Runs statements that must not fail.
pub(crate) async fn execute(client: &Client, sql: &str) {
    let done = client.batch_execute(sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// The one number that a query gives.
pub(crate) async fn number(client: &Client, sql: &str) -> i64 {
    let row = client.query_one(sql, &[]).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
        .get(0)
}

/// The one text that a query gives.
pub(crate) async fn text(client: &Client, sql: &str) -> String {
    let row = client.query_one(sql, &[]).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
        .get(0)
}
