//! Scenarios of whole schemas, filled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::postgres::given::read_given;
use pgrehearse::scenario::{Plan, parse};
use pgrehearse::shadow::fill::{FillSummary, fill};
use pgrehearse::shadow::{Server, load_schema};
use pgrehearse::synth::{FillPlan, wanted_rows};
use tokio_postgres::{Client, Config};

use super::sound::{assert_sound, catalog};
use super::{connect, options};

/// The plan of a scenario in the repository's folder, for a fill.
pub(crate) fn plan(scenario: &str) -> Plan {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| {
        let text = std::fs::read_to_string(folder.join(path));
        text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let mut file = parse("scenario.toml", scenario, &[]).unwrap_or_else(|error| panic!("{error}"));
    if let Some(list) = file.list().map(Path::to_owned) {
        file.include(&read(&list)).unwrap();
    }
    let texts = |path: PathBuf| (path.clone(), read(&path));
    let sources = file.schema_files().into_iter().map(texts).collect();
    file.resolve_fill(&sources, 1.0)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A server that has the schema of a plan, to be copied.
pub(crate) struct Template<'s> {
    server: &'s Server,
    plan: &'s Plan,
}

impl<'s> Template<'s> {
    pub(crate) async fn new(server: &'s Server, plan: &'s Plan) -> Self {
        let template = Self { server, plan };
        let config = template.database("CREATE DATABASE schema", "schema").await;
        load_schema(&config, &plan.schema)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        template
    }

    async fn database(&self, create: &str, name: &str) -> Config {
        let client = connect(&self.server.config()).await;
        client.batch_execute(create).await.unwrap();
        let mut config = self.server.config();
        config.dbname(name);
        config
    }

    /// Fills a database of this name.
    pub(crate) async fn fill(&self, name: &str, parallelism: usize) -> Filled {
        let create = format!("CREATE DATABASE {name} TEMPLATE schema");
        let config = self.database(&create, name).await;
        Filled::new(&config, self.plan, parallelism).await
    }
}

/// A database that was filled.
pub(crate) struct Filled {
    pub(crate) client: Client,
    /// Rows that tables had of the schema's files.
    pub(crate) given: BTreeMap<String, u64>,
    pub(crate) summary: FillSummary,
    /// The catalog before the fill.
    before: BTreeSet<String>,
}

impl Filled {
    async fn new(config: &Config, plan: &Plan, parallelism: usize) -> Self {
        let client = connect(config).await;
        let schema = read_schema(&client).await.unwrap();
        let specs: BTreeMap<_, _> = plan
            .tables
            .iter()
            .map(|(name, table)| (name.clone(), table.fill.clone()))
            .collect();
        let given = read_given(&client, &wanted_rows(&schema, &specs))
            .await
            .unwrap();
        let before = catalog(&client).await;
        let planned = FillPlan::beside(&schema, &specs, &given, plan.seed)
            .unwrap_or_else(|error| panic!("{error}"));
        let planned = Arc::new(planned);
        let summary = fill(config, &schema, &planned, options(parallelism))
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let given = given.iter().map(|rows| (rows.name.to_string(), rows.count));
        Self {
            given: given.collect(),
            client,
            summary,
            before,
        }
    }

    /// Columns that are NULL in every row of a table that was filled.
    pub(crate) async fn empty_columns(&self) -> Vec<String> {
        let sql = "SELECT schemaname || '.' || tablename, attname::text FROM pg_stats
                   WHERE null_frac = 1 AND schemaname NOT IN ('pg_catalog', 'information_schema')
                   ORDER BY 1, 2";
        let rows = self.client.query(sql, &[]).await.unwrap();
        let columns = rows.iter().map(|row| (row.get(0), row.get(1)));
        let filled =
            columns.filter(|(table, _): &(String, String)| !self.given.contains_key(table));
        filled
            .map(|(table, column)| format!("{table}.{column}"))
            .collect()
    }

    /// Everything that must hold, asked of the server.
    pub(crate) async fn assert_sound(&self) {
        self.assert_schema_is_as_before().await;
        assert_sound(&self.client).await;
    }

    /// The fill switches much off, and must switch all of it on again.
    async fn assert_schema_is_as_before(&self) {
        let after = catalog(&self.client).await;
        let lost: Vec<_> = self.before.difference(&after).collect();
        let new: Vec<_> = after.difference(&self.before).collect();
        assert!(
            lost.is_empty() && new.is_empty(),
            "{lost:#?} became {new:#?}"
        );
    }
}
