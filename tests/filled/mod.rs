//! A database of a test's own, filled.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::postgres::given::read_given;
use pgrehearse::shadow::fill::{FillError, FillOptions, FillProgress, FillSummary, fill};
use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use pgrehearse::synth::{FillPlan, SynthError, TableSpec, wanted_rows};
use tokio_postgres::{Client, Config, NoTls};

/// A server and a database with a schema.
pub(crate) struct Database {
    pub(crate) client: Client,
    config: Config,
    // Ends when dropped.
    _server: Server,
}

impl Database {
    pub(crate) async fn with(schema: &str) -> Self {
        let server = Server::start(ServerOptions {
            pg_bin: find_pg_bin(None).unwrap(),
            settings: BTreeMap::new(),
            connections: 10,
            keep: false,
        })
        .await
        .unwrap();
        let config = server.config();
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(async move { connection.await.ok() });
        let loaded = client.batch_execute(schema).await;
        loaded.unwrap_or_else(|error| panic!("{error:?}"));
        Self {
            client,
            config,
            _server: server,
        }
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let row = self.client.query_one(sql, &[]).await;
        row.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
            .get(0)
    }

    pub(crate) async fn plan(
        &self,
        specs: &BTreeMap<String, TableSpec>,
    ) -> Result<Arc<FillPlan>, SynthError> {
        let schema = read_schema(&self.client).await.unwrap();
        let wanted = wanted_rows(&schema, specs);
        let given = read_given(&self.client, &wanted).await.unwrap();
        FillPlan::beside(&schema, specs, &given, 42).map(Arc::new)
    }

    pub(crate) async fn fill(
        &self,
        specs: &BTreeMap<String, TableSpec>,
    ) -> (Arc<FillPlan>, FillSummary) {
        let filled = self.try_fill(specs).await;
        filled.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) async fn try_fill(
        &self,
        specs: &BTreeMap<String, TableSpec>,
    ) -> Result<(Arc<FillPlan>, FillSummary), FillError> {
        let plan = self
            .plan(specs)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let schema = read_schema(&self.client).await.unwrap();
        let options = FillOptions {
            parallelism: 3,
            progress: Arc::new(FillProgress::default()),
            stop: Arc::new(AtomicBool::new(false)),
        };
        let summary = fill(&self.config, &schema, &plan, options).await?;
        Ok((plan, summary))
    }

    /// Has the server check every foreign key and CHECK of a root or ordinary table again; unique and
    /// exclusion indexes were rebuilt over all rows.
    pub(crate) async fn assert_sound(&self) {
        let constraints = self
            .client
            .query(
                "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I; ALTER TABLE %s ADD CONSTRAINT %I %s',
                               conrelid::regclass, conname, conrelid::regclass, conname,
                               pg_get_constraintdef(oid))
                 FROM pg_constraint
                 WHERE contype IN ('f', 'c') AND conrelid <> 0 AND conparentid = 0 AND convalidated
                   AND conislocal",
                &[],
            )
            .await
            .unwrap();
        for row in constraints {
            let sql: String = row.get(0);
            let added = self.client.batch_execute(&sql).await;
            added.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
        let dead = "SELECT count(*) FROM pg_index
                    WHERE NOT (indisvalid AND indisready AND indislive)";
        assert_eq!(self.number(dead).await, 0);
    }
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
