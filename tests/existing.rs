//! Databases on a server that is there already: guarded, marked, filled with the rights of an owner, and
//! given back as they were.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::postgres::endpoint::Endpoint;
use pgrehearse::scenario::plan::SourceFile;
use pgrehearse::shadow::fill::{FillError, FillSummary, Stage, fill};
use pgrehearse::shadow::{
    ExistingOptions, ExistingShadow, GuardError, Server, ServerOptions, find_pg_bin,
    load_schema_as_guest, mark,
};
use pgrehearse::synth::FillPlan;
use support::sound::assert_sound;
use support::{options as fill_options, text};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, NoTls};

/// A server of the test's own, which plays the existing one, with a user who may create databases and
/// nothing else.
async fn server() -> Server {
    let options = ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::new(),
        connections: 20,
        keep: false,
    };
    let server = Server::start(options).await.unwrap();
    let client = client(&address(&server, "postgres", "postgres")).await;
    let role = "CREATE ROLE ann LOGIN CREATEDB";
    client.batch_execute(role).await.unwrap();
    server
}

fn address(server: &Server, user: &str, database: &str) -> String {
    let config = server.config();
    let [Host::Unix(folder)] = config.get_hosts() else {
        panic!("the server is at its socket");
    };
    let folder = folder.display().to_string().replace('/', "%2F");
    format!("postgres://{user}@{folder}/{database}")
}

fn endpoint(address: &str) -> Endpoint {
    Endpoint::read(address, &|_| None).unwrap()
}

async fn client(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.ok() });
    client
}

fn options(address: &str) -> ExistingOptions {
    ExistingOptions {
        endpoint: endpoint(address),
        default_database: "pgrehearse_test".to_owned(),
        replace: false,
        source: None,
    }
}

async fn refusal(options: ExistingOptions) -> GuardError {
    match ExistingShadow::open(options).await {
        Ok(shadow) => panic!("{shadow:?} should have been refused"),
        Err(error) => error,
    }
}

async fn exists(client: &Client, database: &str) -> bool {
    let sql = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    client.query_one(sql, &[&database]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_database_is_created_marked_and_dropped() {
    let server = server().await;
    let root = client(&address(&server, "postgres", "postgres")).await;
    let shadow = ExistingShadow::open(options(&address(&server, "ann", "")))
        .await
        .unwrap();
    assert!(shadow.is_created());
    assert_eq!(shadow.identity().database, "pgrehearse_test");
    assert!(exists(&root, "pgrehearse_test").await);
    // It is one of the tool's own now: a second fill finds it fit.
    let again = ExistingShadow::open(options(&address(&server, "ann", "pgrehearse_test")));
    let again = again.await.unwrap();
    assert!(!again.is_created());
    assert!(!again.discard().await.unwrap(), "it was there before");
    assert!(exists(&root, "pgrehearse_test").await);
    assert!(shadow.discard().await.unwrap());
    assert!(!exists(&root, "pgrehearse_test").await);
}

#[tokio::test]
async fn what_is_somebodys_is_refused_and_left_alone() {
    let server = server().await;
    let root = client(&address(&server, "postgres", "postgres")).await;
    let create = "CREATE DATABASE shop OWNER ann";
    root.batch_execute(create).await.unwrap();
    let shop = address(&server, "ann", "shop");

    for replace in [false, true] {
        let unmarked = ExistingOptions {
            replace,
            ..options(&shop)
        };
        let error = refusal(unmarked).await;
        assert!(matches!(error, GuardError::Unmarked { .. }), "{error}");
        let advice = "--i-know-this-is-disposable shop";
        assert!(error.to_string().contains(advice), "{error}");
    }
    for database in ["postgres", "template1"] {
        let error = refusal(options(&address(&server, "postgres", database))).await;
        assert!(matches!(error, GuardError::System { .. }), "{error}");
        let marked = mark(&endpoint(&address(&server, "postgres", database)), database).await;
        let error = marked.unwrap_err();
        assert!(matches!(error, GuardError::System { .. }), "{error}");
    }
    let error = mark(&endpoint(&shop), "shopp").await.unwrap_err();
    assert!(matches!(error, GuardError::NotConfirmed { .. }), "{error}");

    let visitor = client(&format!("{shop}?application_name=checkout")).await;
    let error = mark(&endpoint(&shop), "shop").await.unwrap_err();
    assert!(matches!(error, GuardError::Sessions { .. }), "{error}");
    drop(visitor);
    mark(&endpoint(&shop), "shop").await.unwrap();

    let visitor = client(&format!("{shop}?application_name=checkout")).await;
    let pid: i32 = visitor
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    for replace in [false, true] {
        let visited = ExistingOptions {
            replace,
            ..options(&shop)
        };
        let said = refusal(visited).await.to_string();
        assert!(
            said.contains(&format!("pid {pid} (ann, checkout)")),
            "{said}"
        );
    }
    visitor
        .batch_execute("CREATE TABLE orders AS SELECT 1 AS id")
        .await
        .unwrap();
    drop(visitor);
    let said = refusal(options(&shop)).await.to_string();
    assert!(
        said.contains("public.orders") && said.contains("--replace"),
        "{said}"
    );

    let replaced = ExistingOptions {
        replace: true,
        ..options(&shop)
    };
    let replaced = ExistingShadow::open(replaced).await.unwrap();
    assert!(replaced.is_created() && !replaced.has_tables());
}

#[tokio::test]
async fn a_user_without_rights_is_told_which_and_nothing_is_lost() {
    let server = server().await;
    let root = client(&address(&server, "postgres", "postgres")).await;
    for sql in [
        "CREATE ROLE bob LOGIN",
        "CREATE DATABASE shop OWNER bob",
        "CREATE DATABASE other",
    ] {
        root.batch_execute(sql).await.unwrap();
    }
    let new = refusal(options(&address(&server, "bob", "new"))).await;
    assert!(matches!(new, GuardError::MayNotCreate { .. }), "{new}");
    assert!(new.to_string().contains("ALTER ROLE bob CREATEDB"), "{new}");

    // The owner could drop it, but not make it anew.
    let shop = address(&server, "bob", "shop");
    mark(&endpoint(&shop), "shop").await.unwrap();
    let replaced = ExistingOptions {
        replace: true,
        ..options(&shop)
    };
    let error = refusal(replaced).await;
    assert!(matches!(error, GuardError::MayNotCreate { .. }), "{error}");
    assert!(exists(&root, "shop").await);

    let other = address(&server, "ann", "other");
    let said = mark(&endpoint(&other), "other")
        .await
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("`ann` may not mark `other`: "), "{said}");
    let of_root = address(&server, "postgres", "other");
    mark(&endpoint(&of_root), "other").await.unwrap();
    let session = client(&of_root).await;
    session
        .batch_execute("CREATE TABLE orders (id int)")
        .await
        .unwrap();
    drop(session);
    let said = refusal(options(&other)).await.to_string();
    assert!(
        said.starts_with("`ann` may not read all of `other`: "),
        "{said}"
    );
    let replaced = ExistingOptions {
        replace: true,
        ..options(&other)
    };
    let said = refusal(replaced).await.to_string();
    assert!(said.starts_with("`ann` may not drop `other`: "), "{said}");
    assert!(exists(&root, "other").await);
}

#[tokio::test]
async fn a_mark_does_not_go_along_to_another_name_or_database() {
    let server = server().await;
    let root = client(&address(&server, "postgres", "postgres")).await;
    let create = "CREATE DATABASE shop OWNER ann; ";
    root.batch_execute(create).await.unwrap();
    let comment = "COMMENT ON DATABASE shop IS 'ask Ann first'";
    root.batch_execute(comment).await.unwrap();
    mark(&endpoint(&address(&server, "ann", "shop")), "shop")
        .await
        .unwrap();
    let marked =
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'";
    let marked = text(&root, marked).await;
    assert!(marked.starts_with("ask Ann first\n"), "{marked}");

    // As pg_dump --create would carry it.
    root.batch_execute("CREATE DATABASE restored OWNER ann")
        .await
        .unwrap();
    root.batch_execute(&format!("COMMENT ON DATABASE restored IS '{marked}'"))
        .await
        .unwrap();
    let error = refusal(options(&address(&server, "ann", "restored"))).await;
    assert!(matches!(error, GuardError::Unmarked { .. }), "{error}");

    root.batch_execute("ALTER DATABASE shop RENAME TO production")
        .await
        .unwrap();
    let error = refusal(options(&address(&server, "ann", "production"))).await;
    assert!(matches!(error, GuardError::Unmarked { .. }), "{error}");
}

#[tokio::test]
async fn the_source_of_the_schema_is_never_the_shadow() {
    let server = server().await;
    let shadow = ExistingShadow::open(options(&address(&server, "ann", "shop")))
        .await
        .unwrap();
    assert!(shadow.is_created());
    // By another user, as a URL that looks like another server would.
    let same = ExistingOptions {
        source: Some(endpoint(&address(&server, "postgres", "shop"))),
        ..options(&address(&server, "ann", "shop"))
    };
    let error = refusal(same).await;
    assert!(matches!(error, GuardError::Source { .. }), "{error}");
    let other = ExistingOptions {
        source: Some(endpoint(&address(&server, "postgres", "postgres"))),
        ..options(&address(&server, "ann", "shop"))
    };
    assert!(!ExistingShadow::open(other).await.unwrap().is_created());
}

/// Everything that a definition has, and what it does not say.
const SHOP: &str = r#"
    CREATE TABLE customers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email text NOT NULL UNIQUE,
        code int NOT NULL,
        name text NOT NULL,
        CONSTRAINT customers_code UNIQUE (code) INCLUDE (name) WITH (fillfactor = 70)
            DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE "Weird Orders" (
        id bigserial,
        customer bigint NOT NULL,
        referrer text REFERENCES customers (email) ON DELETE SET NULL,
        parent bigint,
        total numeric(10,2) NOT NULL CHECK (total >= 0),
        placed timestamptz NOT NULL,
        CONSTRAINT "the key" PRIMARY KEY (id),
        CONSTRAINT "to customers" FOREIGN KEY (customer) REFERENCES customers ON DELETE CASCADE
            DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT "to itself" FOREIGN KEY (parent) REFERENCES "Weird Orders");
    ALTER TABLE "Weird Orders" ADD CONSTRAINT later FOREIGN KEY (customer) REFERENCES customers NOT VALID;
    CREATE INDEX "by customer" ON "Weird Orders" (customer DESC NULLS LAST) INCLUDE (total) WITH (fillfactor = 80)
        WHERE total > 10;
    CREATE INDEX by_lower ON customers (lower(name) text_pattern_ops, length(name));
    CREATE INDEX by_hash ON customers USING hash (email);
    CREATE UNIQUE INDEX live ON customers (email) WHERE code > 0;
    COMMENT ON INDEX "by customer" IS 'it''s for the list';
    COMMENT ON CONSTRAINT "the key" ON "Weird Orders" IS 'the key';
    COMMENT ON CONSTRAINT "to customers" ON "Weird Orders" IS 'the way to the customer';
    COMMENT ON INDEX customers_code IS 'of a constraint';
    ALTER INDEX by_lower ALTER COLUMN 2 SET STATISTICS 500;
    CREATE INDEX by_placed ON "Weird Orders" (placed);
    ALTER TABLE "Weird Orders" CLUSTER ON by_placed;
    ALTER TABLE customers REPLICA IDENTITY USING INDEX customers_email_key;
    ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
    ALTER TABLE customers FORCE ROW LEVEL SECURITY;
    CREATE POLICY nobody ON customers USING (false);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;
    CREATE TRIGGER usual BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER always BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER replica BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER never BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION refuse();
    ALTER TABLE customers ENABLE ALWAYS TRIGGER always;
    ALTER TABLE customers ENABLE REPLICA TRIGGER replica;
    ALTER TABLE customers DISABLE TRIGGER never;
    CREATE TABLE notes (id int PRIMARY KEY, customer bigint UNIQUE REFERENCES customers);
    -- The partitions' parts of a partitioned index cannot be dropped by themselves; an index of one's own can.
    CREATE TABLE visits (id bigint, customer bigint NOT NULL REFERENCES customers, at date NOT NULL, PRIMARY KEY (id, at))
        PARTITION BY RANGE (at);
    CREATE TABLE visits_early PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2022-01-01');
    CREATE TABLE visits_late PARTITION OF visits FOR VALUES FROM ('2022-01-01') TO ('2024-01-01');
    CREATE INDEX late_only ON visits_late (customer);
    CREATE TRIGGER visited BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION refuse();
    -- A view that depends on a primary key, which cannot be dropped then.
    CREATE TABLE kept (id int PRIMARY KEY, label text);
    CREATE VIEW labels AS SELECT id, label, count(*) FROM kept GROUP BY id;
"#;

/// All that must be after the fill as it was before, one line an item.
const STRUCTURE: &str = "
    SELECT 'index ' || pg_get_indexdef(i.indexrelid) || ' ' || coalesce(obj_description(i.indexrelid, 'pg_class'), '-')
           || concat(' ', i.indisprimary, i.indisunique, i.indisclustered, i.indisreplident, i.indisvalid, i.indisready,
                     i.indimmediate, x.reltablespace, x.reloptions)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
           || ' ' || coalesce(obj_description(oid, 'pg_constraint'), '-')
           || concat(' ', convalidated, condeferrable, condeferred, contype)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(oid) || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'statistics ' || attrelid::regclass || ' ' || attname || ' ' || attstattarget
    FROM pg_attribute WHERE attstattarget > 0
    UNION ALL
    SELECT 'table ' || oid::regclass || ' ' || concat(relrowsecurity, relforcerowsecurity, relreplident, relpersistence, relhastriggers)
    FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace";

async fn structure(client: &Client) -> BTreeSet<String> {
    let rows = client.query(STRUCTURE, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

const TABLES: [(&str, u64); 5] = [
    ("customers", 3_000),
    ("Weird Orders", 20_000),
    ("notes", 500),
    ("visits", 900),
    ("kept", 700),
];

async fn plan(
    address: &str,
    tables: &[(&str, u64)],
) -> (pgrehearse::schema::Schema, Arc<FillPlan>) {
    let schema = read_schema(&client(address).await).await.unwrap();
    let plan = FillPlan::beside(&schema, &support::tables(tables), &[], 42);
    let plan = plan.unwrap_or_else(|error| panic!("{error}"));
    (schema, Arc::new(plan))
}

async fn fill_all(address: &str) -> Result<FillSummary, FillError> {
    let (schema, plan) = plan(address, &TABLES).await;
    fill(&endpoint(address), &schema, &plan, fill_options(3)).await
}

/// A database of Ann's with the shop's schema.
async fn shop(server: &Server) -> String {
    let shop = address(server, "ann", "shop");
    ExistingShadow::open(options(&shop)).await.unwrap();
    client(&shop).await.batch_execute(SHOP).await.unwrap();
    shop
}

#[tokio::test]
async fn an_owner_fills_and_everything_is_as_before() {
    let server = server().await;
    let shop = shop(&server).await;
    let root = client(&address(&server, "postgres", "shop")).await;
    let before = structure(&root).await;
    let summary = fill_all(&shop)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(summary.rows, 25_100);
    let after = structure(&root).await;
    let lost: Vec<_> = before.difference(&after).collect();
    let new: Vec<_> = after.difference(&before).collect();
    assert!(lost.is_empty() && new.is_empty(), "{lost:#?}\n{new:#?}");
    for (table, rows) in TABLES {
        let sql = format!("SELECT count(*)::text FROM \"{table}\"");
        assert_eq!(text(&root, &sql).await, rows.to_string(), "{table}");
    }
    assert_sound(&root).await;
}

#[tokio::test]
async fn a_superuser_fires_no_trigger_either_and_keeps_everything() {
    let server = server().await;
    shop(&server).await;
    let shop = address(&server, "postgres", "shop");
    let root = client(&shop).await;
    let before = structure(&root).await;
    fill_all(&shop)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(structure(&root).await, before);
    assert_sound(&root).await;
}

#[tokio::test]
async fn an_owner_who_may_be_a_replica_uses_it() {
    let server = server().await;
    let shop = shop(&server).await;
    let root = client(&address(&server, "postgres", "shop")).await;
    let version = text(&root, "SELECT current_setting('server_version_num')").await;
    if version.parse::<u32>().unwrap() < 150_000 {
        // The right exists since PostgreSQL 15.
        return;
    }
    root.batch_execute("GRANT SET ON PARAMETER session_replication_role TO ann")
        .await
        .unwrap();
    // A trigger that cannot be disabled by its table's owner stays away all the same.
    let before = structure(&root).await;
    fill_all(&shop)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(structure(&root).await, before);
}

#[tokio::test]
async fn a_failure_says_what_is_left_undone() {
    let server = server().await;
    let shop = shop(&server).await;
    let ann = client(&shop).await;
    // What the table refuses and its double, on which rows are tried first, does not.
    ann.batch_execute("ALTER TABLE notes ADD CHECK (tableoid <> 'notes'::regclass)")
        .await
        .unwrap();
    let error = fill_all(&shop).await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, FillError::Unfinished { .. }), "{said}");
    for words in ["filling public.notes", "foreign keys that were dropped"] {
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn what_fails_before_the_fill_changes_nothing() {
    let server = server().await;
    let shop = shop(&server).await;
    let root = client(&address(&server, "postgres", "shop")).await;
    // Planning does not understand it, and no row is so.
    root.batch_execute(r#"ALTER TABLE "Weird Orders" ADD CONSTRAINT odd CHECK (id % 2 * id < 0)"#)
        .await
        .unwrap();
    let before = structure(&root).await;
    for user in ["ann", "postgres"] {
        let error = fill_all(&address(&server, user, "shop")).await.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, FillError::Untouched { .. }), "{said}");
        for words in [
            "trying 1000 rows of public.Weird Orders",
            "\"odd\"",
            "the tables are as they were",
        ] {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(structure(&root).await, before);
    }
    // Who may not make a double finds it out in the fill, and otherwise fills all the same.
    root.batch_execute("REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC, ann")
        .await
        .unwrap();
    let error = fill_all(&shop).await.unwrap_err();
    assert!(matches!(error, FillError::Unfinished { .. }), "{error}");
}

#[tokio::test]
async fn an_owner_without_temporary_tables_fills_untried() {
    let server = server().await;
    let shop = shop(&server).await;
    let root = client(&address(&server, "postgres", "shop")).await;
    root.batch_execute("REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC, ann")
        .await
        .unwrap();
    let summary = fill_all(&shop)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let note =
        "no rows were tried before the fill: the user has no TEMPORARY right on the database";
    assert!(
        summary.notes.iter().any(|said| said == note),
        "{:?}",
        summary.notes
    );
    assert_sound(&root).await;
}

#[tokio::test]
async fn what_cannot_be_suspended_is_brought_back_at_once() {
    let server = server().await;
    let shop = shop(&server).await;
    let root = client(&address(&server, "postgres", "shop")).await;
    // A reference from a table that is not Ann's keeps her from dropping the key.
    root.batch_execute(
        "CREATE TABLE zz_audit (customer bigint REFERENCES public.customers);
         ALTER TABLE zz_audit OWNER TO postgres",
    )
    .await
    .unwrap();
    let before = structure(&root).await;
    let error = fill_all(&shop).await.unwrap_err();
    assert!(error.to_string().contains("zz_audit"), "{error}");
    assert_eq!(structure(&root).await, before);
}

#[tokio::test]
async fn stopping_leaves_no_session() {
    let server = server().await;
    let shop = shop(&server).await;
    let root = client(&address(&server, "postgres", "postgres")).await;
    let (schema, plan) = plan(&shop, &[("customers", 1_000), ("Weird Orders", 3_000_000)]).await;
    let options = fill_options(3);
    let (stop, progress) = (Arc::clone(&options.stop), Arc::clone(&options.progress));
    let endpoint = endpoint(&shop);
    let filling = fill(&endpoint, &schema, &plan, options);
    let stopping = async {
        for _ in 0..2_000 {
            if progress.stage() == Stage::Copying && progress.done() >= 10_000 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        stop.store(true, Ordering::Release);
    };
    let (filled, ()) = tokio::join!(filling, stopping);
    assert!(matches!(filled, Err(FillError::Stopped)), "{filled:?}");
    // The server ends a session when it notices that its client is gone.
    let left = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = 'shop' AND application_name LIKE 'pgrehearse%'";
    for _ in 0..600 {
        if text(&root, left).await == "0" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("sessions are left");
}

#[tokio::test]
async fn a_schema_changes_nothing_that_others_share() {
    let server = server().await;
    let root = client(&address(&server, "postgres", "postgres")).await;
    root.batch_execute("CREATE DATABASE production")
        .await
        .unwrap();
    root.batch_execute("CREATE ROLE app").await.unwrap();
    let sql = "
        ALTER SYSTEM SET work_mem = '1GB';
        ALTER DATABASE production SET statement_timeout = '1ms';
        ALTER ROLE app SET search_path = nowhere;
        CREATE ROLE other SUPERUSER;
        CREATE TABLE t (id int PRIMARY KEY);
        ALTER TABLE t OWNER TO app;
        ALTER TABLE t OWNER TO nobody_knows;
        GRANT SELECT ON t TO nobody_knows;";
    let files = [SourceFile {
        name: "schema.sql".to_owned(),
        text: sql.to_owned(),
    }];
    let shadow = ExistingShadow::open(options(&address(&server, "ann", "shop")))
        .await
        .unwrap();
    let loaded = load_schema_as_guest(shadow.endpoint(), &files)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.notes.len(), 5, "{:#?}", loaded.notes);
    assert_eq!(loaded.unowned, 3);
    assert!(loaded.roles.is_empty(), "Ann may not create roles");
    let settings = "SELECT count(*)::text FROM pg_db_role_setting";
    assert_eq!(text(&root, settings).await, "0");
    let roles =
        "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'";
    assert_eq!(text(&root, roles).await, "ann app postgres");
    let files =
        "SELECT count(*)::text FROM pg_file_settings WHERE name = 'work_mem' AND setting = '1GB'";
    assert_eq!(text(&root, files).await, "0");
}
