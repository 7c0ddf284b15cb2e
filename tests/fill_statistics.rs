//! Fills tables by statistics, and compares what `ANALYZE` then says with what was asked
//! (docs/statistics.md, "How near the shadow comes").

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;

use pgrehearse::postgres::statistics::read_statistics;
use pgrehearse::shadow::{Durability, Server};
use pgrehearse::synth::statistics::{ColumnStatistics, Distinct, Statistics};
use pgrehearse::synth::{ColumnSpec, TableSpec};
use support::{load, server_with};
use tokio_postgres::{Client, Config};

/// So many rows that a share's rounding is no matter.
const ROWS: u64 = 60_000;

/// As the page states them.
const NULLS: f64 = 0.01;
const DISTINCT: f64 = 0.15;
const FREQUENCY: (f64, f64) = (0.01, 0.2);
const WIDTH: f64 = 0.1;
const CORRELATION: f64 = 0.1;
const KOLMOGOROV: f64 = 0.03;

async fn server() -> Server {
    // A sample of 300 rows for each of these: nearly all of them, so that `ANALYZE` errs little.
    let settings = [("default_statistics_target", "1000")];
    server_with(&settings, Durability::Production).await
}

/// Fills by these specs with two workers, analyzes, and returns the notes and the statistics.
async fn filled(
    config: &Config,
    client: &Client,
    specs: &BTreeMap<String, TableSpec>,
) -> (Vec<String>, Statistics) {
    let (_, summary) = support::filled(config, client, specs, 2).await;
    client.batch_execute("ANALYZE").await.unwrap();
    (summary.notes, read_statistics(client, true).await.unwrap())
}

/// What of a column's statistics is off by more than the page allows.
struct Comparison<'a> {
    column: String,
    asked: &'a ColumnStatistics,
    found: &'a ColumnStatistics,
    rows: u64,
    faults: Vec<String>,
}

impl Comparison<'_> {
    fn require(
        &mut self,
        holds: bool,
        what: &str,
        asked: impl std::fmt::Debug,
        found: impl std::fmt::Debug,
    ) {
        if !holds {
            let column = &self.column;
            self.faults.push(format!(
                "{column}: {what}: asked {asked:?}, found {found:?}"
            ));
        }
    }

    fn all(mut self) -> Vec<String> {
        let (asked, found) = (self.asked, self.found);
        let nulls = (asked.null_fraction - found.null_fraction).abs() <= NULLS;
        self.require(nulls, "nulls", asked.null_fraction, found.null_fraction);
        if let Some(distinct) = asked.distinct {
            let of = |distinct: Distinct| match distinct {
                Distinct::Count(count) => count,
                Distinct::Share(share) => share * self.rows as f64,
            };
            let (wanted, got) = (of(distinct), found.distinct.map_or(0.0, of));
            let near = (wanted - got).abs() <= (wanted * DISTINCT).max(0.5);
            self.require(near, "distinct", wanted, got);
        }
        if let Some(width) = asked.average_width.map(f64::from) {
            let got = f64::from(found.average_width.unwrap());
            // A byte is the least that an average of whole bytes can be off.
            let near = (width - got).abs() <= (width * WIDTH).max(1.0);
            self.require(near, "width", width, got);
        }
        if let Some(correlation) = asked.correlation {
            let got = found.correlation.unwrap_or(f64::NAN);
            let near = (correlation - got).abs() <= CORRELATION;
            self.require(near, "correlation", correlation, got);
        }
        self.frequencies();
        self.faults
    }

    /// The frequencies in their order and, where values are known, of each value.
    fn frequencies(&mut self) {
        let (asked, found) = (self.asked, self.found);
        let near =
            |wanted: f64, got: f64| (wanted - got).abs() <= FREQUENCY.0.max(wanted * FREQUENCY.1);
        let mut sorted: Vec<f64> = asked.most_common.iter().map(|c| c.frequency).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        for (index, wanted) in sorted.into_iter().enumerate() {
            let got = found.most_common.get(index).map_or(0.0, |c| c.frequency);
            self.require(near(wanted, got), "frequency by rank", wanted, got);
        }
        for common in &asked.most_common {
            let Some(value) = &common.value else { continue };
            let got = found
                .most_common
                .iter()
                .find(|c| c.value.as_ref() == Some(value));
            let got = got.map_or(0.0, |c| c.frequency);
            let what = format!("frequency of {value}");
            self.require(near(common.frequency, got), &what, common.frequency, got);
        }
    }
}

/// Everything that the scenario asked of a table's columns and the shadow does not have.
async fn faults(
    client: &Client,
    table: &str,
    asked: &BTreeMap<String, ColumnStatistics>,
    found: &Statistics,
) -> Vec<String> {
    let mut faults = Vec::new();
    let of_table = found.table(table).unwrap();
    for (column, asked) in asked {
        let comparison = Comparison {
            column: format!("{table}.{column}"),
            asked,
            found: of_table
                .columns
                .get(column)
                .unwrap_or_else(|| panic!("{table}.{column} has no statistics")),
            rows: of_table.rows,
            faults: Vec::new(),
        };
        faults.extend(comparison.all());
        faults.extend(distance(client, table, column, asked).await);
    }
    faults
}

/// The Kolmogorov distance of the table's values to the histogram: the largest difference, at a bound,
/// of the share of rows below it among those whose value is not one of the most common.
async fn distance(
    client: &Client,
    table: &str,
    column: &str,
    asked: &ColumnStatistics,
) -> Option<String> {
    if asked.histogram.len() < 2 {
        return None;
    }
    let sql = format!(
        "SELECT max(abs(below - share))::float8 FROM (
           SELECT share, (SELECT count(*)::float8 FROM {table}
                           WHERE {column} < bound::text::{kind} AND {column}::text <> ALL ($3))
             / (SELECT count(*) FROM {table}
                WHERE {column} IS NOT NULL AND {column}::text <> ALL ($3)) AS below
           FROM unnest($1::text[], $2::float8[]) AS bounds (bound, share)) AS shares",
        kind = kind(client, table, column).await,
    );
    // A dozen bounds show the shape, and the test stays fast.
    let last = asked.histogram.len() - 1;
    let bounds = asked.histogram.iter().enumerate();
    let (bounds, shares): (Vec<&String>, Vec<f64>) = bounds
        .step_by(last.div_ceil(12))
        .map(|(n, bound)| (bound, n as f64 / last as f64))
        .unzip();
    let common: Vec<&String> = asked
        .most_common
        .iter()
        .filter_map(|c| c.value.as_ref())
        .collect();
    let row = client.query_one(&sql, &[&bounds, &shares, &common]).await;
    let distance: f64 = row
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
        .get(0);
    (distance > KOLMOGOROV).then(|| format!("{table}.{column}: histogram is off by {distance}"))
}

async fn kind(client: &Client, table: &str, column: &str) -> String {
    let sql = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute
               WHERE attrelid = $1::text::regclass AND attname = $2";
    client
        .query_one(sql, &[&table, &column])
        .await
        .unwrap()
        .get(0)
}

fn spec(rows: u64, statistics: BTreeMap<String, ColumnStatistics>) -> TableSpec {
    TableSpec {
        rows,
        statistics,
        ..TableSpec::default()
    }
}

fn read(json: &str) -> BTreeMap<String, ColumnStatistics> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}"))
}

const WRITTEN: &str = "
    CREATE TYPE mood AS ENUM ('calm', 'happy', 'sad', 'wild');
    CREATE TABLE people (id serial PRIMARY KEY, name text);
    CREATE TABLE facts (
        id bigserial PRIMARY KEY,
        person_id int NOT NULL REFERENCES people,
        age int,
        amount bigint,
        price numeric(10,2),
        ratio float8,
        title text,
        code varchar(12),
        email text UNIQUE,
        created_at timestamptz,
        born date,
        token uuid,
        detail jsonb,
        blob bytea,
        active bool,
        mood mood,
        state text CHECK (state IN ('new', 'paid', 'sent')),
        seen timestamptz,
        external_id bigint UNIQUE
    );";

const ASKED: &str = r#"{
    "person_id": {"distinct": 800, "correlation": 0.5,
        "most_common": [{"frequency": 0.2, "value": "7"}, {"frequency": 0.1}, {"frequency": 0.02}]},
    "age": {"null_fraction": 0.15, "distinct": 80, "average_width": 4, "correlation": 0.05,
        "most_common": [{"frequency": 0.1, "value": "30"}, {"frequency": 0.05, "value": "41"}],
        "histogram": ["18", "25", "31", "42", "60", "99"]},
    "amount": {"null_fraction": 0.3, "distinct": -0.5, "correlation": -0.8,
        "histogram": ["1", "1000", "20000", "1000000", "9000000000"]},
    "price": {"distinct": 5000, "average_width": 5, "correlation": 0.0,
        "most_common": [{"frequency": 0.25, "value": "9.99"}],
        "histogram": ["0.50", "4.00", "12.00", "80.00", "4000.00"]},
    "ratio": {"distinct": -0.9, "null_fraction": 0.05, "correlation": 0.9,
        "histogram": ["0.001", "0.01", "0.2", "0.5", "0.99"]},
    "title": {"distinct": 20000, "average_width": 60, "null_fraction": 0.02, "correlation": 0.0,
        "most_common": [{"frequency": 0.1, "value": "Untitled"}, {"frequency": 0.05, "value": "Tab\there"}],
        "histogram": ["Alpha", "Gamma ray", "Monday notes", "Second \\ draft", "Zebra"]},
    "code": {"distinct": 300, "average_width": 9, "correlation": 0.0,
        "most_common": [{"frequency": 0.2}, {"frequency": 0.1}]},
    "email": {"distinct": -1, "average_width": 31},
    "created_at": {"distinct": -1, "correlation": 1.0,
        "histogram": ["2023-01-01 00:00:00+00", "2024-06-01 00:00:00+00", "2025-01-01 00:00:00+00"]},
    "born": {"distinct": 9000, "null_fraction": 0.4, "correlation": 0.3,
        "most_common": [{"frequency": 0.05, "value": "1970-01-01"}],
        "histogram": ["1930-01-01", "1960-01-01", "1985-01-01", "2007-12-31"]},
    "token": {"distinct": -1, "average_width": 16, "correlation": 0.0},
    "detail": {"distinct": -0.8, "average_width": 180, "null_fraction": 0.1,
        "most_common": [{"frequency": 0.05, "value": "{}"}]},
    "blob": {"distinct": -1, "average_width": 49},
    "active": {"distinct": 2, "null_fraction": 0.1, "average_width": 1, "correlation": 0.9,
        "most_common": [{"frequency": 0.7, "value": "t"}, {"frequency": 0.2, "value": "f"}]},
    "mood": {"distinct": 3, "average_width": 4, "correlation": 0.6,
        "most_common": [{"frequency": 0.8, "value": "happy"}, {"frequency": 0.15, "value": "calm"},
                        {"frequency": 0.05, "value": "wild"}]},
    "state": {"distinct": 3, "correlation": 0.95,
        "most_common": [{"frequency": 0.9, "value": "sent"}, {"frequency": 0.07, "value": "paid"},
                        {"frequency": 0.03, "value": "new"}]},
    "seen": {"distinct": -0.2, "null_fraction": 0.5, "correlation": 0.7},
    "external_id": {"distinct": -1, "correlation": 0.2,
        "histogram": ["1000000000", "1000500000", "5000000000"]}
}"#;

#[tokio::test]
async fn hand_written_statistics_are_followed() {
    let server = server().await;
    let (config, client) = load(&server, "written", WRITTEN).await;
    let asked = read(ASKED);
    let specs = BTreeMap::from([
        ("people".to_owned(), spec(1_000, BTreeMap::new())),
        ("facts".to_owned(), spec(ROWS, asked.clone())),
    ]);
    let (notes, found) = filled(&config, &client, &specs).await;
    // The hot parent's value is another one: keys win.
    let mut asked = asked;
    for common in &mut asked.get_mut("person_id").unwrap().most_common {
        common.value = None;
    }
    let faults = faults(&client, "facts", &asked, &found).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(notes, Vec::<String>::new());
    server.stop().await.unwrap();
}

/// A table with data as production has it: skewed, partly ordered, with gaps.
const SOURCE: &str = "
    CREATE TYPE tier AS ENUM ('free', 'team', 'corp');
    CREATE TABLE accounts (id int PRIMARY KEY, tier tier NOT NULL, country char(2) NOT NULL, balance numeric(12,2));
    CREATE TABLE events (
        id bigint PRIMARY KEY,
        account_id int NOT NULL REFERENCES accounts,
        kind text NOT NULL,
        path varchar(200),
        duration_ms int,
        at timestamptz NOT NULL,
        updated_on date,
        session uuid NOT NULL,
        payload jsonb,
        score float8,
        ok boolean NOT NULL,
        tags text[]
    );";

const DATA: &str = "
    SELECT setseed(0.4);
    INSERT INTO accounts SELECT n,
        (ARRAY['free','free','free','free','team','team','corp'])[1 + floor(random() * 7)]::tier,
        (ARRAY['de','de','de','us','us','fr','gb','in','br','jp'])[1 + floor(random() ^ 2 * 10)],
        CASE WHEN random() < 0.3 THEN 0 ELSE round((exp(random() * 9))::numeric, 2) END
        FROM generate_series(1, 3000) n;
    INSERT INTO events SELECT n * 3,
        1 + floor(random() ^ 4 * 2900),
        (ARRAY['view','view','view','click','click','buy','login','logout'])[1 + floor(random() * 8)],
        CASE WHEN random() < 0.08 THEN NULL WHEN random() < 0.4 THEN '/' ELSE '/products/' || floor(random() ^ 2 * 5000) || '/detail' END,
        CASE WHEN random() < 0.2 THEN NULL ELSE floor(exp(random() * 8)) END,
        '2025-01-01 00:00+00'::timestamptz + n * interval '37 seconds' + random() * interval '1 hour',
        CASE WHEN random() < 0.6 THEN '2025-01-01'::date + (n / 500) + floor(random() * 40)::int END,
        gen_random_uuid(),
        CASE WHEN random() < 0.3 THEN '{}' ELSE jsonb_build_object('n', n, 'agent', repeat('x', 60 + (n % 40))) END,
        CASE WHEN random() < 0.5 THEN round(random()::numeric, 3)::float8 ELSE random() END,
        n < 50000 OR random() < 0.5,
        CASE WHEN random() < 0.5 THEN '{}' ELSE ARRAY['a','b'] END
        FROM generate_series(1, 60000) n;";

#[tokio::test]
async fn what_is_captured_is_what_is_filled() {
    let server = server().await;
    let (_, source) = load(&server, "source", SOURCE).await;
    let analyze = "SET default_statistics_target = 1000; ANALYZE";
    source.batch_execute(DATA).await.unwrap();
    source.batch_execute(analyze).await.unwrap();
    let captured = read_statistics(&source, true).await.unwrap();
    // Through the file's own text and back.
    let text = serde_json::to_string_pretty(&captured).unwrap();
    let captured = Statistics::parse(&text).unwrap();
    let specs: BTreeMap<String, TableSpec> = ["accounts", "events"]
        .map(|name| {
            let table = captured.table(name).unwrap();
            (name.to_owned(), spec(table.rows, table.columns.clone()))
        })
        .into();
    let (config, client) = load(&server, "filled", SOURCE).await;
    let (_, found) = filled(&config, &client, &specs).await;
    let mut all = Vec::new();
    for (name, mut spec) in specs {
        for (column, asked) in &mut spec.statistics {
            let is_key = ["id", "account_id"].contains(&column.as_str());
            if is_key || column == "payload" {
                // Keys have values of their own, and JSON that of no histogram.
                asked.histogram.clear();
            }
            if is_key {
                asked
                    .most_common
                    .iter_mut()
                    .for_each(|common| common.value = None);
            }
        }
        all.extend(faults(&client, &name, &spec.statistics, &found).await);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn shadows_of_another_size_scale_as_postgresql_means_it() {
    let server = server().await;
    let sql = "CREATE TABLE t (id serial PRIMARY KEY, few text, many text)";
    let (config, client) = load(&server, "scaled", sql).await;
    let asked = read(
        r#"{"few": {"distinct": 400, "average_width": 20}, "many": {"distinct": -0.5, "average_width": 20}}"#,
    );
    for rows in [5_000, 20_000] {
        client.batch_execute("TRUNCATE t").await.unwrap();
        let specs = BTreeMap::from([("t".to_owned(), spec(rows, asked.clone()))]);
        filled(&config, &client, &specs).await;
        for (column, wanted) in [("few", 400), ("many", rows / 2)] {
            let sql = format!("SELECT count(DISTINCT {column}) FROM t");
            let found: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
            assert!(
                found.unsigned_abs().abs_diff(wanted) <= wanted / 50,
                "{column}: {found} for {wanted}"
            );
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_scenario_says_it_by_hand() {
    let server = server().await;
    let sql = "CREATE TABLE t (id serial PRIMARY KEY, n int, at timestamptz, s text)";
    let (config, client) = load(&server, "by_hand", sql).await;
    let columns: BTreeMap<String, ColumnSpec> = toml::from_str(
        r#"
        n = { histogram = [0, 10, 1000], correlation = 0.9, null_fraction = 0.2, distinct = 300 }
        at = { range = ["2024-01-01", "2024-12-31"], correlation = -1 }
        s = { values = ["a", "b"], weights = [9, 1], correlation = 0.95 }
        "#,
    )
    .unwrap();
    let table = TableSpec {
        rows: ROWS,
        columns,
        ..TableSpec::default()
    };
    let (_, found) = filled(&config, &client, &BTreeMap::from([("t".to_owned(), table)])).await;
    let asked = read(
        r#"{
        "n": {"null_fraction": 0.2, "distinct": 300, "correlation": 0.9, "histogram": ["0", "10", "1000"]},
        "at": {"correlation": -1, "histogram": ["2024-01-01", "2024-12-31"]},
        "s": {"distinct": 2, "correlation": 0.95,
              "most_common": [{"frequency": 0.9, "value": "a"}, {"frequency": 0.1, "value": "b"}]}
        }"#,
    );
    let faults = faults(&client, "t", &asked, &found).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    server.stop().await.unwrap();
}
