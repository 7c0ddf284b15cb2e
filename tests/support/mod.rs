//! A shadow that tests fill, and what the server says of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::postgres::given::read_given;
use pgrehearse::scenario::{Plan, parse};
use pgrehearse::shadow::fill::{FillOptions, FillProgress, FillSummary, fill};
use pgrehearse::shadow::{Durability, Server, ServerOptions, find_pg_bin, load_schema};
use pgrehearse::synth::{FillPlan, wanted_rows};
use tokio_postgres::{Client, Config, NoTls};

/// A private server.
pub(crate) async fn server() -> Server {
    let mut server = Server::start(ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::new(),
        connections: 20,
        keep: false,
    })
    .await
    .unwrap();
    server.restart(Durability::Filling).await.unwrap();
    server
}

/// A session, and the task that serves it.
pub(crate) async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.ok() });
    client
}

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
        let options = FillOptions {
            parallelism,
            progress: Arc::new(FillProgress::default()),
            stop: Arc::new(AtomicBool::new(false)),
        };
        let summary = fill(config, &schema, &planned, options)
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

/// The rows of every table by its name, as the server counts them.
pub(crate) async fn rows(client: &Client) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for (name, sql) in tables(client).await {
        let count = number(client, &format!("SELECT count(*) FROM {sql}")).await;
        rows.insert(name, count.try_into().unwrap());
    }
    rows
}

/// A digest of the rows of every table.
pub(crate) async fn checksums(client: &Client) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, sql) in tables(client).await {
        let sql = format!(
            "SELECT coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text COLLATE \"C\")), '') FROM {sql} AS t"
        );
        all.insert(name, text(client, &sql).await);
    }
    all
}

/// The tables but for partitions: their names, and what a query says for their own rows.
async fn tables(client: &Client) -> Vec<(String, String)> {
    let rows = client.query(TABLES, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Tables of users but for partitions and what belongs to extensions.
const TABLES: &str = "
    SELECT n.nspname || '.' || c.relname,
           CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || c.oid::regclass
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                                                   AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1";

/// One line for everything of the schema that a fill could leave changed.
const CATALOG: &str = "
    SELECT concat_ws(' ', 'relation', c.oid::regclass, c.relkind, c.relpersistence, c.relrowsecurity,
                     c.relforcerowsecurity, c.relreplident, c.reloptions,
                     c.reltablespace, c.relowner::regrole, c.relacl, obj_description(c.oid, 'pg_class'))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisunique, indisprimary, indisexclusion,
                     indimmediate, indisclustered, indisreplident, indislive, indcheckxmin)
    FROM pg_index JOIN pg_class AS c ON c.oid = indrelid WHERE c.relnamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'constraint', conname, conrelid::regclass, contypid::regtype, pg_get_constraintdef(oid),
                     convalidated, condeferrable, condeferred, obj_description(oid, 'pg_constraint'))
    FROM pg_constraint
    UNION ALL
    SELECT concat_ws(' ', 'trigger', tgname, tgrelid::regclass, tgenabled, pg_get_triggerdef(oid))
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT concat_ws(' ', 'system trigger', tgrelid::regclass, tgenabled, count(*))
    FROM pg_trigger WHERE tgisinternal GROUP BY tgrelid, tgenabled
    UNION ALL
    SELECT concat_ws(' ', 'rule', rulename, ev_class::regclass, ev_enabled) FROM pg_rewrite
    UNION ALL
    SELECT concat_ws(' ', 'column', attrelid::regclass, attname, attstattarget, attoptions)
    FROM pg_attribute WHERE attnum > 0 AND attrelid >= 16384";

async fn catalog(client: &Client) -> BTreeSet<String> {
    let rows = client.query(CATALOG, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Constraints, indexes, sequences and statistics are as they must be.
pub(crate) async fn assert_sound(client: &Client) {
    assert_constraints_hold(client).await;
    assert_indexes_are_whole(client).await;
    assert_sequences_go_on(client).await;
    assert_analyzed(client).await;
}

/// Constraints that the server checks over all rows when they are added. Domains' are checked with
/// every value; a key that is inherited is its parent's.
const CONSTRAINTS: &str = "
    SELECT format(CASE WHEN convalidated
                       THEN 'ALTER TABLE %1$s DROP CONSTRAINT %2$I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %3$s'
                       ELSE 'ALTER TABLE %1$s VALIDATE CONSTRAINT %2$I' END,
                  conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE contype IN ('f', 'c') AND conrelid <> 0 AND conparentid = 0 AND coninhcount = 0
      AND pg_get_constraintdef(oid) !~ 'NOT ENFORCED'
    ORDER BY conrelid, conname";

/// Has the server check all foreign keys and CHECKs anew, those that are NOT VALID included, on a
/// schema that is left as it was.
async fn assert_constraints_hold(client: &Client) {
    client.batch_execute("BEGIN").await.unwrap();
    for row in client.query(CONSTRAINTS, &[]).await.unwrap() {
        let sql: String = row.get(0);
        let added = client.batch_execute(&sql).await;
        added.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    client.batch_execute("ROLLBACK").await.unwrap();
}

/// Indexes that hold entries.
const INDEXES: &str = "
    SELECT i.indexrelid::regclass::text, a.amname = 'btree', i.indisunique OR i.indisexclusion
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam
    WHERE c.relkind = 'i' AND i.indrelid >= 16384 ORDER BY 1";

/// B-trees are in order and miss no row, and what is unique is, since a new index is.
async fn assert_indexes_are_whole(client: &Client) {
    let dead = "SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)";
    assert_eq!(number(client, dead).await, 0);
    let extension = "BEGIN; CREATE SCHEMA amcheck; CREATE EXTENSION amcheck SCHEMA amcheck";
    client.batch_execute(extension).await.unwrap();
    for row in client.query(INDEXES, &[]).await.unwrap() {
        let (name, is_btree, is_unique): (String, bool, bool) =
            (row.get(0), row.get(1), row.get(2));
        if is_btree {
            let check = format!(
                "SELECT amcheck.bt_index_check('{}', heapallindexed => true)",
                name.replace('\'', "''")
            );
            let checked = client.batch_execute(&check).await;
            checked.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        if is_unique {
            let rebuilt = client.batch_execute(&format!("REINDEX INDEX {name}")).await;
            rebuilt.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
    }
    client.batch_execute("ROLLBACK").await.unwrap();
}

/// Columns of numbers with a sequence of their own or one in their default.
const SEQUENCES: &str = "
    SELECT DISTINCT format('SELECT coalesce(max(%I) < nextval(%L), true) FROM %s',
                           a.attname, s.oid::regclass, a.attrelid::regclass)
    FROM pg_depend AS d
    LEFT JOIN pg_attrdef AS x ON d.classid = 'pg_attrdef'::regclass AND x.oid = d.objid
    JOIN pg_class AS s ON s.relkind = 'S'
     AND s.oid = CASE WHEN x.oid IS NULL THEN d.objid ELSE d.refobjid END
     AND (x.oid IS NULL) = (d.classid = 'pg_class'::regclass)
    JOIN pg_attribute AS a ON a.attrelid = coalesce(x.adrelid, d.refobjid)
     AND a.attnum = coalesce(x.adnum, d.refobjsubid) AND a.attnum > 0
    JOIN pg_type AS t ON t.oid = a.atttypid AND t.typcategory = 'N'
    WHERE d.deptype IN ('n', 'a', 'i')";

/// The next value of a sequence is one that no row has.
async fn assert_sequences_go_on(client: &Client) {
    for row in client.query(SEQUENCES, &[]).await.unwrap() {
        let sql: String = row.get(0);
        let goes_on: bool = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert!(goes_on, "{sql}");
    }
}

/// Columns of tables with rows that the planner knows nothing of. ANALYZE itself passes over virtual
/// generated columns, which hold no values.
const NOT_ANALYZED: &str = "
    SELECT string_agg(a.attrelid::regclass || '.' || a.attname, ', ')
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
    WHERE a.attnum > 0 AND NOT a.attisdropped AND coalesce(a.attstattarget, -1) <> 0
      AND a.attgenerated <> 'v'
      AND c.oid >= 16384 AND c.reltuples <> 0
      AND NOT EXISTS (SELECT FROM pg_statistic AS s WHERE s.starelid = c.oid AND s.staattnum = a.attnum)";

/// The planner knows every column.
async fn assert_analyzed(client: &Client) {
    let unknown: Option<String> = client.query_one(NOT_ANALYZED, &[]).await.unwrap().get(0);
    assert_eq!(unknown, None);
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
