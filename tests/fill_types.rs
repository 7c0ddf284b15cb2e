//! Values of every type, and what a real server says of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use pgrehearse::pgbench::Keys;
use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::shadow::fill::FillError;
use pgrehearse::synth::{ColumnSpec, FillPlan, KeyBook, TableSpec};
use support::{execute, load, number, server, try_fill};
use tokio_postgres::{Client, Config};

const ROWS: u64 = 2_000;

/// Rows of the tables, of which nothing more is said.
fn rows(tables: &[String]) -> BTreeMap<String, TableSpec> {
    let spec = TableSpec {
        rows: ROWS,
        ..TableSpec::default()
    };
    tables
        .iter()
        .map(|table| (table.clone(), spec.clone()))
        .collect()
}

async fn filled(
    config: &Config,
    client: &Client,
    specs: &BTreeMap<String, TableSpec>,
) -> Arc<FillPlan> {
    let (plan, summary) = support::filled(config, client, specs, 2).await;
    // The domain `earth` has CHECKs of functions of its own, which its values satisfy.
    let mut notes = summary.notes.iter();
    let other = notes.find(|note| !note.starts_with("public.of_earthdistance: CHECK"));
    assert_eq!(other, None);
    plan
}

/// What types there are, by family. Types in the second list have an order, and so can be unique.
const FAMILIES: [(&str, &[&str], &[&str]); 8] = [
    (
        "numbers",
        &["cid", "xid"],
        &[
            "smallint",
            "integer",
            "bigint",
            "numeric",
            "numeric(12)",
            "numeric(9,3)",
            "real",
            "double precision",
            "money",
            "oid",
            "xid8",
        ],
    ),
    (
        "times",
        &[],
        &[
            "date",
            "time",
            "time(3)",
            "timetz",
            "timetz(4)",
            "timestamp",
            "timestamp(3)",
            "timestamptz",
            "timestamptz(0)",
            "interval",
            "interval(2)",
            "interval hour to minute",
            "interval year to month",
            "interval day",
        ],
    ),
    (
        "texts",
        &["json", "jsonpath", "refcursor"],
        &[
            "text",
            "varchar",
            "varchar(7)",
            "char(5)",
            "bpchar",
            "name",
            "jsonb",
            "tsvector",
            "tsquery",
            "text COLLATE \"C\"",
        ],
    ),
    (
        "bits",
        &["bit(3)"],
        &[
            "bytea",
            "uuid",
            "bit(11)",
            "bit(130)",
            "varbit",
            "varbit(17)",
        ],
    ),
    ("networks", &[], &["inet", "cidr", "macaddr", "macaddr8"]),
    (
        "figures",
        &["point", "line", "lseg", "box", "path", "polygon", "circle"],
        &[],
    ),
    (
        "system",
        &[
            "\"char\"",
            "boolean",
            "txid_snapshot",
            "pg_snapshot",
            "aclitem",
            "int2vector",
            "regproc",
            "regprocedure",
            "regoper",
            "regoperator",
            "regtype",
            "regrole",
            "regnamespace",
            "regcollation",
            "regconfig",
            "regdictionary",
        ],
        &["tid", "pg_lsn", "oidvector", "regclass"],
    ),
    (
        "ranges",
        &["spans", "kinds_range"],
        &[
            "int4range",
            "int8range",
            "numrange",
            "daterange",
            "tsrange",
            "tstzrange",
            "timerange",
            "textrange",
            "uuidrange",
            "floatrange",
            "place",
            "person",
        ],
    ),
];

/// Types of a product's own.
const OWN: &str = r#"
    CREATE TYPE mood AS ENUM ('calm', 'it''s "bad"', 'back\slash', 'comma, (paren) {brace}');
    CREATE DOMAIN percent AS numeric(5,2) CHECK (VALUE BETWEEN 0 AND 100);
    CREATE DOMAIN kind AS text CHECK (VALUE IN ('a "b"', 'c\d', 'e, f')) NOT NULL;
    CREATE TYPE timerange AS RANGE (subtype = time);
    CREATE TYPE textrange AS RANGE (subtype = text, collation = "C");
    CREATE TYPE uuidrange AS RANGE (subtype = uuid);
    CREATE TYPE floatrange AS RANGE (subtype = float8);
    CREATE TYPE kinds_range AS RANGE (subtype = mood);
    CREATE TYPE place AS (street text, number int, share percent, kind kind);
    CREATE TYPE person AS (
        name text, home place, "odd, name" text[], mood mood, during tstzrange, moods mood[]);
    CREATE TYPE spans AS (shape box, shapes box[], at point, ranges int4range[], home place[]);
"#;

/// A table of a family: each type plain, as an array, as a domain, as an array of the domain; and
/// unique where it can be.
fn table(family: &str, unordered: &[&str], ordered: &[&str]) -> String {
    let mut domains = String::new();
    let mut columns = Vec::new();
    let all = unordered.iter().chain(ordered).enumerate();
    for (index, data_type) in all {
        let (bare, collation) = data_type.split_once(" COLLATE ").unwrap_or((data_type, ""));
        let domain = format!("{family}_domain{index}");
        domains += &format!("CREATE DOMAIN {domain} AS {bare};\n");
        let collation = match collation {
            "" => String::new(),
            collation => format!(" COLLATE {collation}"),
        };
        columns.push(format!("plain{index} {bare}{collation} NOT NULL"));
        columns.push(format!("nullable{index} {bare}"));
        columns.push(format!("many{index} {bare}[]{collation} NOT NULL"));
        columns.push(format!("domain{index} {domain} NOT NULL"));
        columns.push(format!("domains{index} {domain}[] NOT NULL"));
        if ordered.contains(data_type) {
            columns.push(format!("unique{index} {bare}{collation} NOT NULL UNIQUE"));
            columns.push(format!("unique_domain{index} {domain} NOT NULL UNIQUE"));
            columns.push(format!(
                "unique_many{index} {bare}[]{collation} NOT NULL UNIQUE"
            ));
        }
    }
    format!("{domains} CREATE TABLE {family} ({})", columns.join(",\n"))
}

#[tokio::test]
async fn every_type_is_filled() {
    let server = server().await;
    let (config, client) = load(&server, "types", "").await;
    execute(&client, OWN).await;
    let mut tables = Vec::new();
    for (family, unordered, ordered) in FAMILIES {
        let more: &[&str] = match family {
            "ranges" if version(&client).await >= 14 => &[
                "int4multirange",
                "int8multirange",
                "nummultirange",
                "datemultirange",
                "tsmultirange",
                "tstzmultirange",
                "textmultirange",
            ],
            _ => &[],
        };
        // Not every server is built with it.
        let xml = client.batch_execute("SELECT '<a/>'::xml").await.is_ok();
        let unordered: Vec<&str> = unordered
            .iter()
            .copied()
            .chain((family == "texts" && xml).then_some("xml"))
            .collect();
        let ordered: Vec<&str> = ordered.iter().chain(more).copied().collect();
        execute(&client, &table(family, &unordered, &ordered)).await;
        tables.push(family.to_owned());
    }
    filled(&config, &client, &rows(&tables)).await;
    for table in &tables {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(&client, &count).await, 2_000, "{table}");
    }
    assert_many_values(&client, &tables).await;
}

async fn version(client: &Client) -> i32 {
    let sql = "SELECT current_setting('server_version_num')::int / 10000";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Nullable columns are NULL now and then, and no column has but one value.
async fn assert_many_values(client: &Client, tables: &[String]) {
    let columns = client
        .query(
            "SELECT attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod)
             FROM pg_attribute WHERE attrelid::regclass::text = ANY ($1) AND attnum > 0",
            &[&tables],
        )
        .await
        .unwrap();
    assert!(columns.len() > tables.len());
    for row in columns {
        let (table, column, data_type): (String, String, String) =
            (row.get(0), row.get(1), row.get(2));
        let sql = format!("SELECT count(DISTINCT {column}::text) FROM {table}");
        let different = number(client, &sql).await;
        assert!(different > 1, "{table}.{column} {data_type}: {different}");
        if column.starts_with("nullable") {
            let nulls = format!("SELECT count(*) FROM {table} WHERE {column}::text IS NULL");
            assert!((120..290).contains(&number(client, &nulls).await));
        }
    }
}

/// Extensions, with their types without and with an order.
const EXTENSIONS: [(&str, &[&str], &[&str]); 9] = [
    ("hstore", &[], &["hstore"]),
    ("citext", &[], &["citext"]),
    ("ltree", &["lquery", "ltxtquery"], &["ltree"]),
    ("cube", &[], &["cube"]),
    ("earthdistance", &[], &["earth"]),
    ("seg", &[], &["seg"]),
    (
        "isn",
        &[],
        &[
            "ean13", "isbn13", "ismn13", "issn13", "isbn", "ismn", "issn", "upc",
        ],
    ),
    ("lo", &[], &["lo"]),
    ("intarray", &["query_int"], &[]),
];

#[tokio::test]
async fn types_of_extensions_are_filled() {
    let server = server().await;
    let (config, client) = load(&server, "extensions", "").await;
    let mut tables = Vec::new();
    for (extension, unordered, ordered) in EXTENSIONS {
        let sql = format!("CREATE EXTENSION IF NOT EXISTS {extension}");
        if client.batch_execute(&sql).await.is_err() {
            let offered =
                format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{extension}'");
            assert_eq!(number(&client, &offered).await, 0, "{extension}");
            continue;
        }
        let name = format!("of_{extension}");
        execute(&client, &table(&name, unordered, ordered)).await;
        tables.push(name);
    }
    assert!(!tables.is_empty());
    filled(&config, &client, &rows(&tables)).await;
    assert_many_values(&client, &tables).await;
}

#[tokio::test]
async fn unique_ranges_and_figures_do_not_overlap() {
    let server = server().await;
    let (config, client) = load(&server, "disjoint", "").await;
    execute(
        &client,
        "CREATE TABLE bookings (
             during tstzrange NOT NULL UNIQUE, days daterange NOT NULL UNIQUE,
             numbers int4range NOT NULL UNIQUE, amounts numrange NOT NULL UNIQUE,
             of int8range NOT NULL, area box NOT NULL, round circle NOT NULL, field polygon NOT NULL,
             net cidr NOT NULL UNIQUE, UNIQUE (of));",
    )
    .await;
    filled(&config, &client, &rows(&["bookings".to_owned()])).await;
    for column in [
        "during", "days", "numbers", "amounts", "of", "area", "round", "field",
    ] {
        let sql = format!("ALTER TABLE bookings ADD EXCLUDE USING gist ({column} WITH &&)");
        execute(&client, &sql).await;
    }
    execute(
        &client,
        "ALTER TABLE bookings ADD EXCLUDE USING gist (net inet_ops WITH &&)",
    )
    .await;
    let long = "SELECT count(*) FROM bookings WHERE upper(during) - lower(during) > '10 minutes'";
    assert!(number(&client, long).await > 1_500);
}

#[tokio::test]
async fn picked_text_finds_its_row() {
    let server = server().await;
    let (config, client) = load(&server, "picked", "").await;
    execute(&client, OWN).await;
    execute(&client, "CREATE EXTENSION IF NOT EXISTS citext").await;
    let types = [
        "uuid",
        "text",
        "varchar(9)",
        "char(4)",
        "numeric(9,3)",
        "numeric(5)",
        "timestamptz",
        "timestamp(3)",
        "bytea",
        "inet",
        "cidr",
        "macaddr",
        "citext",
        "date",
        "time",
        "timetz",
        "interval",
        "boolean",
        "mood",
        "tstzrange",
        "int4range",
        "daterange",
        "percent",
        "money",
        "bit(12)",
        "place",
        "mood[]",
        "real",
        "double precision",
        "oid",
        "\"char\"",
        "pg_lsn",
        "jsonb",
        "tsvector",
        "point",
    ];
    let column = |(index, data_type): (usize, &&str)| format!("c{index} {data_type}");
    let columns: Vec<String> = types.iter().enumerate().map(column).collect();
    execute(&client, &format!("CREATE TABLE t ({})", columns.join(", "))).await;
    let plan = filled(&config, &client, &rows(&["t".to_owned()])).await;
    let mut keys = KeyBook::new(plan);
    for (index, data_type) in types.iter().enumerate() {
        let column = format!("c{index}");
        let key = keys.resolve("t", &column, None).unwrap();
        // A composite compared with what has no type is any record, which has no input.
        let cast = if *data_type == "place" { "::place" } else { "" };
        // Points are the same, not equal.
        let equal = if *data_type == "point" { "~=" } else { "=" };
        for n in 0..30u64 {
            let value = keys.pick(key, n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let sql = format!(
                "SELECT count(*) FROM t WHERE {column} {equal} '{}'{cast}",
                value.replace('\'', "''")
            );
            assert!(number(&client, &sql).await > 0, "{data_type}: {sql}");
        }
    }
}

#[tokio::test]
async fn unknown_types_say_what_helps() {
    let server = server().await;
    let (config, client) = load(&server, "unknown", "").await;
    execute(
        &client,
        "CREATE TABLE t (id int PRIMARY KEY, tree pg_node_tree NOT NULL)",
    )
    .await;
    let schema = read_schema(&client).await.unwrap();
    let error = FillPlan::new(&schema, &rows(&["t".to_owned()]), 42).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`public.t.tree` (pg_node_tree): values of this type are not generated: give it `values`, \
         a `pattern` or `sql = \"<expression over n>\"`"
    );
    drop(config);
}

fn specs(text: &str) -> BTreeMap<String, TableSpec> {
    #[derive(serde::Deserialize)]
    struct Spec {
        rows: u64,
        #[serde(default)]
        columns: BTreeMap<String, ColumnSpec>,
    }
    let tables: BTreeMap<String, Spec> = toml::from_str(text).unwrap();
    let spec = |Spec { rows, columns }| TableSpec {
        rows,
        columns,
        ..TableSpec::default()
    };
    tables
        .into_iter()
        .map(|(name, table)| (name, spec(table)))
        .collect()
}

const EVALUATED: &str = "
    CREATE TABLE zones (id int PRIMARY KEY);
    CREATE TABLE stations (
        code text PRIMARY KEY, at point, note text, zone_id int REFERENCES zones, free text, born date,
        size int NOT NULL);
    CREATE TABLE readings (
        id bigint PRIMARY KEY, station text NOT NULL REFERENCES stations, earlier text REFERENCES stations);";

const EVALUATED_ROWS: &str = r#"
    zones = { rows = 100 }
    [stations]
    rows = 20000
    [stations.columns]
    code = { sql = "'station-' || lpad(n::text, 6, '0') -- by number" }
    at = { sql = "point(n % 360, n % 90)", null_fraction = 0.25 }
    note = { sql = "CASE WHEN n % 2 = 0 THEN E'tab\\there \\\\ back' || chr(10) || 'line' END" }
    zone_id = { sql = "1 + n % 10" }
    born = { sql = "date '2020-01-01' + n::int % 100" }
    [readings]
    rows = 30000
    columns.earlier.null_fraction = 0.5
"#;

#[tokio::test]
async fn the_server_evaluates_expressions() {
    let server = server().await;
    let mut seen = Vec::new();
    for parallelism in [1, 3] {
        let name = format!("evaluated{parallelism}");
        let (config, client) = load(&server, &name, "").await;
        execute(&client, EVALUATED).await;
        let (plan, summary) =
            support::filled(&config, &client, &specs(EVALUATED_ROWS), parallelism).await;
        assert_eq!(summary.rows, 50_100);
        let digest = "SELECT md5(string_agg(s::text, '' ORDER BY code))
                          || (SELECT md5(string_agg(r::text, '' ORDER BY id)) FROM readings r)
                      FROM stations s";
        let digest: String = client.query_one(digest, &[]).await.unwrap().get(0);
        seen.push(digest);
        for (expected, what) in [
            (20_000, "FROM stations WHERE code ~ '^station-0[0-9]{5}$'"),
            (
                1,
                "FROM stations WHERE code = 'station-020000' AND note IS NOT NULL AND zone_id = 1",
            ),
            (10_000, "FROM stations WHERE note IS NULL"),
            (
                10_000,
                "FROM stations WHERE note = E'tab\\there \\\\ back\\nline'",
            ),
            (
                0,
                "FROM stations WHERE at IS NOT NULL
                 AND NOT at ~= point(right(code, 6)::int % 360, right(code, 6)::int % 90)",
            ),
            (
                0,
                "FROM stations WHERE born NOT BETWEEN '2020-01-01' AND '2020-04-09'",
            ),
            (
                0,
                "FROM readings LEFT JOIN stations ON station = code WHERE code IS NULL",
            ),
            (
                0,
                "FROM readings LEFT JOIN stations ON earlier = code
                 WHERE earlier IS NOT NULL AND code IS NULL",
            ),
        ] {
            let found = number(&client, &format!("SELECT count(*) {what}")).await;
            assert_eq!(found, expected, "{what}");
        }
        let nulls = number(&client, "SELECT count(*) FROM stations WHERE at IS NULL").await;
        assert!((4_500..5_500).contains(&nulls), "{nulls}");
        let nulls = number(
            &client,
            "SELECT count(*) FROM readings WHERE earlier IS NULL",
        )
        .await;
        assert!((14_000..16_000).contains(&nulls), "{nulls}");
        let mut keys = KeyBook::new(plan);
        for (table, column) in [("stations", "code"), ("readings", "station")] {
            let error = keys.resolve(table, column, None).unwrap_err();
            assert!(
                error.starts_with(&format!("the values of `{table}.{column}`")),
                "{error}"
            );
        }
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn wrong_expressions_are_named() {
    let server = server().await;
    let (config, client) = load(&server, "wrong", "").await;
    execute(&client, "CREATE TABLE t (id int PRIMARY KEY, a int, b int)").await;
    for (rows, sql, message) in [
        (900, "m + 1", "column \"m\" does not exist"),
        (900, "10 / (n - 700)", "division by zero"),
        // A row that is not among those tried first.
        (40_000, "10 / (n - 700)", "division by zero"),
        (
            900,
            "generate_series(1, n)",
            "values for 90 rows: an expression must give one value a row",
        ),
    ] {
        let scenario =
            format!("t = {{ rows = {rows}, columns.a.sql = \"1\", columns.b.sql = \"{sql}\" }}");
        let filled = try_fill(&config, &client, &specs(&scenario), 2).await;
        let error = match (rows, filled.unwrap_err()) {
            (900, FillError::Untouched { error }) => *error,
            (40_000, error @ FillError::Expression { .. }) => error,
            (_, error) => panic!("{error:?}"),
        };
        let error = error.to_string();
        assert!(error.starts_with("public.t.b: "), "{error}");
        assert!(error.contains(message), "{error}");
        let help = format!("correct its `sql = \"{sql}\"` under [tables.t.columns.b]");
        assert!(error.ends_with(&help), "{error}");
    }
    // What the column does not take is the column's to say.
    let scenario = "t = { rows = 9, columns.a.sql = \"'x' || n\" }";
    let filled = try_fill(&config, &client, &specs(scenario), 2).await;
    let error = filled.unwrap_err().to_string();
    assert!(
        error.contains("invalid input syntax for type integer: \"x1\""),
        "{error}"
    );
    assert!(error.contains("column a"), "{error}");
}
