//! Fills tables with CHECK constraints of the kinds that real products have, and has the server check
//! every row again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;

use pgrehearse::shadow::fill::FillError;
use pgrehearse::synth::{ColumnSpec, TableSpec};
use support::{Database, tables};

/// Tables by their columns and constraints, each of its own.
const CHECKED: [&str; 76] = [
    // Ranges, lists and lengths.
    "a int NOT NULL CHECK (a BETWEEN 1 AND 5)",
    "a int NOT NULL CHECK (a NOT BETWEEN 0 AND 50000)",
    "a int NOT NULL CHECK (a < -10 OR a > 10)",
    "a int NOT NULL CHECK (a IN (1, 2, 3) OR a > 1000)",
    "a text NOT NULL CHECK (a = ANY (ARRAY['x', 'y']))",
    "a text NOT NULL CHECK (char_length(a) <= 3)",
    "a text NOT NULL CHECK (length(a) <> 10)",
    "a text NOT NULL UNIQUE CHECK (length(a) BETWEEN 5 AND 8)",
    "a varchar(40) CHECK (a IS NULL OR (length(a) > 2 AND length(a) < 6))",
    "a bytea NOT NULL CHECK (octet_length(a) = 20)",
    "a int NOT NULL CHECK (NOT (a < 10)), lon real NOT NULL CHECK (abs(lon) <= 180), \
     few int NOT NULL CHECK (few BETWEEN 0 AND 9 AND few NOT IN (0, 3, 9) AND abs(few) <> 8)",
    "a int CHECK (a IS NOT NULL AND a > 0)",
    "a date NOT NULL CHECK (a <= CURRENT_DATE)",
    "a timestamptz NOT NULL CHECK (a > now())",
    "a numeric(5,2) NOT NULL CHECK (a > 0 AND a <= 100 OR a = -1)",
    // Patterns.
    "a text NOT NULL CHECK (a ~ '^[a-z]{3}$')",
    r"a text NOT NULL UNIQUE CHECK (a ~ '^[A-Z]{2}\d+$')",
    r"a varchar(7) NOT NULL CHECK (a ~ '^\d{4}-\d{2}$')",
    r"a text NOT NULL UNIQUE CHECK (a ~ '^[^@]+@[^@]+\.[^@]+$')",
    r"a text NOT NULL CHECK (a ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$')",
    r"a text NOT NULL CHECK (a ~ '^[\w.-]+@([\w-]+\.)+[\w-]{2,4}$')",
    "a text NOT NULL CHECK (a ~ '^#[0-9a-fA-F]{6}$')",
    "a text NOT NULL UNIQUE CHECK (a ~ '^[a-z0-9]{40}$')",
    "a text NOT NULL CHECK (a ~ '^[[:alpha:]][[:alnum:]_]{2,20}$' AND length(a) <= 12)",
    "a text NOT NULL CHECK (a ~ '^[A-Za-zÀ-ÿ]+( [A-Za-zÀ-ÿ]+)*$' AND char_length(a) BETWEEN 10 AND 100)",
    r"a text NOT NULL CHECK (a !~ '\s')",
    r"a text NOT NULL CHECK (a ~ '^https?://' AND a !~ '[[:space:]]')",
    "a text NOT NULL CHECK (a LIKE 'SKU-%')",
    "a text NOT NULL CHECK (a NOT LIKE '% %' AND a ILIKE '%x%')",
    "a text NOT NULL CHECK (a LIKE ANY (ARRAY['http://%', 'ftp://%']))",
    r"a text NOT NULL CHECK (a SIMILAR TO '(DE|FR)[0-9]{9}')",
    "email text NOT NULL UNIQUE CHECK (position('@' in email) > 1)",
    "a text NOT NULL UNIQUE CHECK (a = lower(a) AND a <> '')",
    "a text NOT NULL CHECK (upper(a) = a AND length(a) = 3)",
    "a text NOT NULL CHECK (btrim(a) <> '')",
    "a text NOT NULL CHECK (a = btrim(a) AND length(btrim(a)) > 0)",
    "a text NOT NULL CHECK (starts_with(a, 'ab'))",
    "a text NOT NULL CHECK (\"left\"(a, 2) = 'cd')",
    "a text NOT NULL CHECK (a ~ '^(low|mid|high)$')",
    "a text CHECK (a IS NULL OR a ~ '^v[0-9]+$' OR a = 'latest')",
    // NULLs.
    "a int, b int, CHECK (num_nonnulls(a, b) = 1)",
    "a int, b text, c date, CHECK (num_nonnulls(a, b, c) > 0)",
    "a int, b int, c int, CHECK (num_nonnulls(a, b, c) = ANY (ARRAY[0, 3]))",
    "a int, b int, CHECK ((a IS NULL) = (b IS NULL))",
    "a int, b int, CHECK ((a IS NULL) <> (b IS NULL))",
    "a int, b int, CHECK ((a IS NOT NULL AND b IS NULL) OR (a IS NULL AND b IS NOT NULL))",
    "a int, b int, CHECK ((CASE WHEN a IS NOT NULL THEN 1 ELSE 0 END + CASE WHEN b IS NOT NULL THEN 1 ELSE 0 END) <= 1)",
    "a int, b int, c int, CHECK (((a IS NOT NULL)::int + (b IS NOT NULL)::int + (c IS NOT NULL)::int) = 2)",
    "a int, b int NOT NULL CHECK (coalesce(a, 0) >= 0 AND coalesce(b, 0) <> 7)",
    "a int CHECK (a IS NULL)",
    // Several columns.
    "status text NOT NULL CHECK (status IN ('open', 'closed')), closed_at timestamptz, closed_by int, \
     CHECK (status <> 'closed' OR (closed_at IS NOT NULL AND closed_by IS NOT NULL))",
    "status text NOT NULL CHECK (status IN ('open', 'done')), done_at timestamptz, \
     CHECK ((status = 'done') = (done_at IS NOT NULL))",
    "kind text NOT NULL, iban text, card text, \
     CHECK ((kind = 'card' AND card ~ '^[0-9]{16}$' AND iban IS NULL) OR (kind = 'iban' AND iban ~ '^[A-Z]{2}[0-9]{20}$' AND card IS NULL))",
    "kind text NOT NULL CHECK (kind IN ('a', 'b', 'c')), n int, \
     CHECK (CASE kind WHEN 'a' THEN n > 10 WHEN 'b' THEN n < -10 ELSE n IS NULL END)",
    "kind text, n int, CHECK (CASE WHEN kind = 'a' THEN n > 10 ELSE n <= 10 END)",
    "active boolean NOT NULL, ended_at date, CHECK (active = (ended_at IS NULL))",
    "active boolean, reason text, CHECK (active IS TRUE OR reason IS NOT NULL)",
    "active boolean NOT NULL DEFAULT false, n int, CHECK (NOT active OR n > 0)",
    "a int NOT NULL, b int NOT NULL, CHECK (a < b)",
    "a int NOT NULL, b smallint NOT NULL, CHECK (a <= b)",
    "a numeric(8,2) NOT NULL, b int NOT NULL, c numeric(6,1) NOT NULL, CHECK (a < b AND b < c)",
    "a bigint NOT NULL CHECK (a >= 0), b bigint NOT NULL CHECK (b <= 20), CHECK (a <= b)",
    "started_at timestamptz NOT NULL, ended_at timestamptz, CHECK (ended_at > started_at)",
    "started_at timestamptz NOT NULL, ended_at timestamptz NOT NULL, \
     CHECK (ended_at >= started_at + interval '1 day' AND ended_at - started_at < interval '2 days')",
    "starts date NOT NULL, ends date NOT NULL CHECK (ends <= '2024-12-31'), CHECK (ends - starts >= 3)",
    "born date NOT NULL, hired date NOT NULL, left_on date, \
     CHECK (born < hired), CHECK (left_on IS NULL OR left_on >= hired)",
    "opens time NOT NULL, closes time NOT NULL, CHECK (opens < closes)",
    "a int NOT NULL, b int NOT NULL, c int NOT NULL, CHECK (a = b), CHECK (c = a + 5)",
    "a text NOT NULL, b text NOT NULL, CHECK (a = b)",
    "a text NOT NULL CHECK (a IN ('x', 'y', 'z')), b text NOT NULL CHECK (b IN ('x', 'y', 'z')), CHECK (a <> b)",
    "a int NOT NULL CHECK (a BETWEEN 1 AND 3), b int, CHECK (a IS DISTINCT FROM b)",
    "lat double precision, lon double precision, CHECK ((lat IS NULL AND lon IS NULL) OR (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180))",
    // JSON, arrays, domains.
    "a jsonb NOT NULL CHECK (jsonb_typeof(a) = 'object')",
    "a jsonb NOT NULL CHECK (jsonb_typeof(a) = 'array'), b jsonb NOT NULL CHECK (jsonb_typeof(b) <> 'object')",
    "a text[] NOT NULL CHECK (cardinality(a) > 0 AND array_length(a, 1) <= 5)",
    "a hex NOT NULL, b even_or_none, c hex[] NOT NULL",
];

const DOMAINS: &str = "
    CREATE DOMAIN hex AS text CHECK (VALUE ~ '^[0-9a-f]{8}$');
    CREATE DOMAIN even_or_none AS int CHECK (VALUE < -5 OR VALUE IN (2, 4, 6));
";

#[tokio::test]
async fn checks_of_real_products_hold() {
    let mut schema = DOMAINS.to_owned();
    let names: Vec<String> = (0..CHECKED.len()).map(|n| format!("c{n:02}")).collect();
    for (name, columns) in names.iter().zip(CHECKED) {
        schema.push_str(&format!(
            "CREATE TABLE {name} (id serial PRIMARY KEY, {columns});\n"
        ));
    }
    let database = Database::with(&schema).await;
    let rows: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 5_000)).collect();
    let (_, summary) = database.fill(&tables(&rows)).await;
    assert_eq!(
        summary.notes,
        ["public.c49.a is NULL in every row: its CHECKs allow nothing else"]
    );
    database.assert_sound().await;
    // Whatever a CHECK allows in several ways is there in each.
    for (least, sql) in [
        (3, "SELECT count(DISTINCT a) FROM c03 WHERE a < 1000"),
        (100, "SELECT count(*) FROM c03 WHERE a > 1000"),
        (4_900, "SELECT count(DISTINCT a) FROM c16"),
        (1_000, "SELECT count(DISTINCT a) FROM c15"),
        (2_000, "SELECT least(count(a), count(b)) FROM c40"),
        (1_000, "SELECT count(*) FROM c50 WHERE status = 'closed'"),
        (1_000, "SELECT count(*) FROM c50 WHERE status = 'open'"),
        (2_000, "SELECT count(*) FROM c52 WHERE kind = 'card'"),
        (2_000, "SELECT count(*) FROM c52 WHERE kind = 'iban'"),
        (1_000, "SELECT count(DISTINCT b - a) FROM c58"),
        (
            1_000,
            "SELECT count(DISTINCT ended_at - started_at) FROM c63",
        ),
        (6, "SELECT count(DISTINCT a || b) FROM c69"),
    ] {
        let found = database.number(sql).await;
        assert!(found >= least, "{sql}: {found}");
    }
}

/// Keys beside conditions.
const KEYED: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL UNIQUE CHECK (name ~ '^[a-z]+$'));
    CREATE TABLE groups (id bigint PRIMARY KEY);
    CREATE TABLE nothing (id bigint PRIMARY KEY);
    CREATE TABLE members (
        id bigint PRIMARY KEY,
        user_id bigint REFERENCES users, group_id bigint REFERENCES groups,
        nothing_id bigint REFERENCES nothing,
        CONSTRAINT one CHECK (num_nonnulls(user_id, group_id, nothing_id) = 1));
    CREATE TABLE codes (
        code text PRIMARY KEY, kind text NOT NULL, n int,
        CONSTRAINT forms CHECK ((kind = 'a' AND code ~ '^A[0-9]+$' AND n > 0)
                             OR (kind = 'b' AND code ~ '^B[0-9]+$')));
    CREATE TABLE tree (id int PRIMARY KEY, parent_id int REFERENCES tree, CHECK (parent_id <> id));
    CREATE TABLE follows (
        follower_id bigint NOT NULL REFERENCES users, followed_id bigint NOT NULL REFERENCES users,
        PRIMARY KEY (follower_id, followed_id), CHECK (follower_id <> followed_id));
    CREATE TABLE transfers (
        id int PRIMARY KEY, from_id bigint NOT NULL REFERENCES groups, to_id bigint REFERENCES groups,
        CHECK (to_id <> from_id));
    CREATE TABLE periods (
        user_id bigint NOT NULL REFERENCES users, starts date NOT NULL, ends date NOT NULL,
        PRIMARY KEY (user_id, starts), CHECK (ends > starts));
    CREATE TABLE given (kind text NOT NULL, low int, high int,
        CHECK ((kind = 'x') = (low IS NOT NULL)), CHECK (low < high));
";

#[tokio::test]
async fn keys_hold_beside_conditions() {
    let database = Database::with(KEYED).await;
    let mut specs = tables(&[
        ("users", 3_000),
        ("groups", 200),
        ("members", 6_000),
        ("codes", 5_000),
        ("tree", 2_000),
        ("follows", 8_000),
        ("transfers", 8_000),
        ("periods", 9_000),
        ("given", 10_000),
    ]);
    specs.get_mut("given").unwrap().columns = columns(
        "kind = { values = ['x', 'y', 'z'], weights = [8, 1, 1] }\nlow = { range = [10, 20] }",
    );
    let (_, summary) = database.fill(&specs).await;
    let unique = "public.codes.code must be unique, so not all rows that forms allows are made";
    assert!(
        summary.notes.iter().any(|note| note == unique),
        "{:?}",
        summary.notes
    );
    let unsure = |note: &&String| note.contains("not understood");
    assert_eq!(summary.notes.iter().find(unsure), None);
    database.assert_sound().await;
    for (low, high, sql) in [
        (2_700, 3_300, "SELECT count(user_id) FROM members"),
        (0, 0, "SELECT count(nothing_id) FROM members"),
        (150, 200, "SELECT count(DISTINCT group_id) FROM members"),
        (
            2_500,
            3_000,
            "SELECT count(DISTINCT followed_id) FROM follows",
        ),
        (200, 200, "SELECT count(DISTINCT to_id) FROM transfers"),
        (7_700, 8_300, "SELECT count(low) FROM given"),
        (800, 1_200, "SELECT count(*) FROM given WHERE kind = 'y'"),
    ] {
        let found = database.number(sql).await;
        assert!((low..=high).contains(&found), "{sql}: {found}");
    }
}

fn columns(text: &str) -> BTreeMap<String, ColumnSpec> {
    toml::from_str(text).unwrap()
}

/// The error of filling one table, before any row of it is written.
async fn refused(schema: &str, columns: BTreeMap<String, ColumnSpec>) -> String {
    let database = Database::with(schema).await;
    let specs = BTreeMap::from([(
        "t".to_owned(),
        TableSpec {
            rows: 20_000,
            columns,
            ..TableSpec::default()
        },
    )]);
    let error = database.try_fill(&specs).await.unwrap_err();
    let FillError::Untouched { error } = error else {
        panic!("{error}");
    };
    assert!(matches!(*error, FillError::Rejected { .. }), "{error}");
    assert_eq!(database.number("SELECT count(*) FROM t").await, 0);
    assert_eq!(database.number("SELECT pg_relation_size('t')").await, 0);
    let ready = "SELECT count(*) FROM pg_index WHERE NOT indisready";
    assert_eq!(database.number(ready).await, 0, "no index stands aside yet");
    error.to_string()
}

#[tokio::test]
async fn what_is_not_understood_is_tried_first() {
    let error = refused(
        "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL,
            CONSTRAINT odd CHECK ((a % 2) * (b % 2) = 1))",
        BTreeMap::new(),
    )
    .await;
    let parts = [
        "trying 1000 rows of public.t: new row for relation \"t\" violates check constraint \"odd\": \
         Failing row contains (",
        "; CHECK odd is (((a % 2) * (b % 2)) = 1): say what holds with `values`, `range`, `pattern` or `sql` \
         for a, b under [tables.t.columns]",
    ];
    for part in parts {
        assert!(error.contains(part), "{error}");
    }
    let error = refused(
        "CREATE DOMAIN mirrored AS text CHECK (VALUE = reverse(VALUE));
         CREATE TABLE t (id int PRIMARY KEY, word mirrored NOT NULL)",
        BTreeMap::new(),
    )
    .await;
    let end = "domain mirrored has CHECK (VALUE = reverse(VALUE)): say what holds with `values`, \
               `range`, `pattern` or `sql` under [tables.t.columns.word]";
    assert!(error.ends_with(end), "{error}");
    let error = refused(
        "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL CHECK (a > 0))",
        columns("a = { values = [1, -1] }"),
    )
    .await;
    assert!(error.contains("CHECK t_a_check is (a > 0): "), "{error}");
}

#[tokio::test]
async fn live_indexes_are_tried_by_their_names() {
    let same = || columns("a = { sql = \"n % 7\" }");
    for (schema, name) in [
        (
            "CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT single UNIQUE)",
            "single",
        ),
        (
            "CREATE TABLE t (id int PRIMARY KEY, a int, \
                CONSTRAINT late UNIQUE (a) DEFERRABLE INITIALLY DEFERRED)",
            "late",
        ),
        (
            "CREATE TABLE t (id int PRIMARY KEY, a int); \
             CREATE UNIQUE INDEX \"of \"\"half\" ON t (a) WHERE id > 0",
            "of \"half",
        ),
        (
            "CREATE TABLE t (id int, a int, part int NOT NULL) PARTITION BY LIST (part); \
             CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); \
             CREATE UNIQUE INDEX whole ON t (part, a)",
            "whole",
        ),
    ] {
        let error = refused(schema, same()).await;
        let said = format!("duplicate key value violates unique constraint \"{name}\"");
        assert!(error.contains(&said), "{error}");
        assert!(error.contains("under [tables.t.columns"), "{error}");
    }
    let error = refused(
        "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE INDEX ON t ((1 / (a - 3)))",
        same(),
    )
    .await;
    assert!(error.contains("division by zero"), "{error}");
}

#[tokio::test]
async fn conditions_of_whole_rows_are_tried_where_a_double_has_them() {
    // The function takes rows of the table alone, and the other condition is tried all the same.
    let schema = "
        CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL);
        CREATE FUNCTION is_fine(t) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).id > 0';
        ALTER TABLE t ADD CHECK (is_fine(t)), ADD CONSTRAINT whole CHECK (t IS NULL);";
    let error = refused(schema, BTreeMap::new()).await;
    assert!(error.contains("\"whole\""), "{error}");

    let sound = schema.replace("t IS NULL", "t IS NOT NULL");
    let database = Database::with(&sound).await;
    database.fill(&tables(&[("t", 2_000)])).await;
    database.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_is_named() {
    let database = Database::with(
        "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL,
            CONSTRAINT early CHECK (a > 10 OR b > 10), CONSTRAINT low CHECK (a < 5),
            CONSTRAINT lower CHECK (b < 5))",
    )
    .await;
    let error = database.plan(&tables(&[("t", 10)])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no row of `public.t` can satisfy early, low, lower as it is understood: say what holds with \
         `values`, `range` or `pattern` for a, b under [tables.t.columns]"
    );
    let database = Database::with("CREATE TABLE t (a int, CONSTRAINT never CHECK (false))").await;
    let error = database.plan(&tables(&[("t", 10)])).await.unwrap_err();
    let end = "for its columns under [tables.t.columns]";
    assert!(error.to_string().ends_with(end), "{error}");
}
