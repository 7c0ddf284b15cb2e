//! Scenarios as users write them, right and wrong.

mod release;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::plan::{DisturbanceKind, DisturbancePlan, Load, Offset, Outcome, TransactionMode};
use super::*;
use crate::pgbench::Definitions;
use crate::units::{Rate, Rows};

/// Every key of the format but those that this version refuses.
const FULL: &str = r#"name = "foreign-key"
title = "A foreign key added to a large, busy table"
seed = 42
disturbances = []

[shadow]
settings = { work_mem = "16MB", max_connections = 100, jit = false, random_page_cost = 1.1 }

[schema]
file = "schema.sql"

[tables.patients]
rows = "100k"
[tables.measurements]
rows = "2M"
production_rows = "800M"
[tables.measurements.columns.patient_id]
references = "patients.id"
distribution = "zipf(1.1)"
null_fraction = 0.0
orphan_fraction = 0.0
[tables.measurements.columns.kind]
values = ["a", "b"]
weights = [1, 2.5]
[tables.measurements.columns.value]
range = [0, 9.5]
pattern = "user-{n}@example.org"
width = 80
distinct = 500

[traffic]
rate = 400
arrivals = "poisson"
protocol = "prepared"
[[traffic.transactions]]
name = "record-measurement"
weight = 60
script = "traffic/record.sql"
role = "current"
[[traffic.transactions]]
name = "read"
sql = "SELECT 1"

[application]
instances = 4
pool_size = 10
acquire_timeout = "5s"
statement_timeout = "30s"
retries = 0

[migration]
file = "migration.sql"
transaction = "file"
lock_timeout = "0"
attempts = 1
backoff = "1s"

[phases]
warmup = "3s"
baseline = "10s"
recovery = "10s"

[limits]
lock_wait = "2s"
p99_ratio = 3.0
p99_floor = "100ms"
error_rate = 0.001
unavailable = "2s"
migration_time = "1h"
forecast = true

[expect]
"migration.sql" = "unsafe"
"safe.sql" = "safe"

[[invariants]]
name = "no-payment-without-order"
sql = "SELECT count(*) FROM payments"
expect = 0
"#;

/// The least that a scenario needs.
const LEAST: &str = r#"name = "least"
[schema]
file = "schema.sql"
[traffic]
rate = 10
[[traffic.transactions]]
name = "read"
sql = "SELECT 1"
[migration]
file = "migration.sql"
"#;

fn sources(files: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
    files
        .iter()
        .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
        .collect()
}

fn usual_sources() -> BTreeMap<PathBuf, String> {
    sources(&[
        ("schema.sql", "CREATE TABLE t (id int);"),
        ("migration.sql", "ALTER TABLE t ADD COLUMN a int;"),
        ("traffic/record.sql", "SELECT 2;"),
        ("safe.sql", "SELECT 3;\nSELECT 4;"),
    ])
}

/// The error of a scenario in which one line is exchanged for others.
fn error_with(line: &str, instead: &str) -> String {
    assert!(FULL.contains(line), "{line}");
    let text = FULL.replacen(line, instead, 1);
    parse("scenario.toml", &text, &[]).unwrap_err().to_string()
}

/// The error of a scenario with overrides.
fn error_set(overrides: &[&str]) -> String {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    parse("scenario.toml", FULL, &overrides)
        .unwrap_err()
        .to_string()
}

fn resolve_error(text: &str, files: &[(&str, &str)]) -> String {
    let file = parse("scenario.toml", text, &[]).unwrap();
    file.resolve(&sources(files), None, 1.0)
        .unwrap_err()
        .to_string()
}

#[test]
fn the_whole_format_resolves() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    assert_eq!(
        file.files(),
        ["schema.sql", "migration.sql", "traffic/record.sql"].map(PathBuf::from)
    );
    let plan = file.resolve(&usual_sources(), None, 0.5).unwrap();
    assert_eq!(plan.seed, 42);
    assert_eq!(plan.shadow.settings["jit"], "off");
    assert_eq!(plan.shadow.settings["max_connections"], "100");
    assert_eq!(plan.tables["patients"].fill.rows, 50_000);
    assert_eq!(plan.tables["patients"].production_rows, Rows(100_000));
    let measurements = &plan.tables["measurements"];
    assert_eq!(measurements.production_rows, Rows(800_000_000));
    assert_eq!(
        measurements.fill.columns["kind"].weights,
        Some(vec![1.0, 2.5])
    );
    assert_eq!(plan.traffic.transactions[0].weight, 60);
    assert_eq!(
        plan.traffic.transactions[0].file.as_deref(),
        Some("traffic/record.sql")
    );
    assert_eq!(plan.traffic.transactions[1].weight, 1);
    assert_eq!(plan.migration.scripts[0].statements.len(), 1);
    assert_eq!(plan.expect["migration.sql"], Outcome::Unsafe);
    assert_eq!(plan.disturbances, []);
}

#[test]
fn variables_have_names_and_values() {
    let given =
        "rate = 10\nvariables = { devices = 500, share = 0.25, busy = true, region = \"eu-1\" }";
    let text = LEAST.replace("rate = 10", given);
    let file = parse("scenario.toml", &text, &[]).unwrap();
    let plan = file.resolve(&usual_sources(), None, 1.0).unwrap();
    let mut definitions = Definitions::default();
    for definition in ["devices=500", "share=0.25", "busy=on", "region=eu-1"] {
        definitions.define(definition).unwrap();
    }
    assert_eq!(plan.traffic.definitions, definitions);
    for (variables, message) in [
        (
            "{ 2nd = 1 }",
            "`2nd` is no name of a variable: write letters, digits and underscores, no digit first",
        ),
        ("{ a = [1] }", "a variable is a text, a number or a boolean"),
    ] {
        let given = format!("rate = 10\nvariables = {variables}");
        let text = LEAST.replace("rate = 10", &given);
        let error = resolve_error(&text, &[("migration.sql", "SELECT 1;"), ("schema.sql", "")]);
        assert!(error.contains(message), "{error}");
        assert!(error.contains("scenario.toml:6:"), "{error}");
    }
}

#[test]
fn defaults_are_those_of_the_format() {
    let least = parse("scenario.toml", LEAST, &[]).unwrap();
    let least = least.resolve(&usual_sources(), None, 1.0).unwrap();
    let full = parse("scenario.toml", FULL, &[]).unwrap();
    let full = full.resolve(&usual_sources(), None, 1.0).unwrap();
    assert_eq!(least.application, full.application);
    assert_eq!(least.phases, full.phases);
    assert_eq!(least.limits, full.limits);
    let spacing = |plan: &Plan| match &plan.traffic.load {
        Load::Open(open) => Some(open.arrivals),
        Load::Closed(_) | Load::Replay(_) => None,
    };
    assert_eq!(spacing(&least), spacing(&full));
    assert_eq!(least.traffic.protocol, full.traffic.protocol);
    assert_eq!(least.migration.transaction, TransactionMode::File);
    assert_eq!(least.migration.lock_timeout, Duration::ZERO);
    assert_eq!(least.migration.attempts, full.migration.attempts);
    assert_eq!(least.migration.backoff, full.migration.backoff);
    assert_eq!((least.seed, least.title.as_str()), (0, "least"));
    assert_eq!(least.disturbances, [DisturbancePlan::usual()]);
}

#[test]
fn disturbances_have_defaults_and_make_sense() {
    let given = |text: &str| {
        let text = FULL.replacen("disturbances = []", &format!("disturbances = [{text}]"), 1);
        let file = parse("scenario.toml", &text, &[]).map_err(|error| error.to_string())?;
        Ok::<_, String>(
            file.resolve(&usual_sources(), None, 1.0)
                .unwrap()
                .disturbances,
        )
    };
    let usual = DisturbancePlan::usual();
    assert_eq!(
        given("{ kind = 'long-transaction' }"),
        Ok(vec![usual.clone()])
    );
    let dump = "{ kind = 'dump', table = 'measurements', start = '2s', duration = '30s' }";
    let dump = given(dump).unwrap();
    assert_eq!(
        dump,
        [DisturbancePlan {
            kind: DisturbanceKind::Dump,
            table: Some("measurements".to_owned()),
            start: Offset::After(Duration::from_secs(2)),
            duration: Duration::from_secs(30),
        }]
    );
    for (text, message) in [
        ("{ kind = 'vacuum' }", "unknown value `vacuum`"),
        (
            "{ kind = 'anti-wraparound-vacuum' }",
            "a vacuum is of one table",
        ),
        (
            "{ kind = 'dump', start = 'soon' }",
            "`soon` is no time relative to the migration's start",
        ),
        (
            "{ kind = 'dump', duration = '0s' }",
            "a disturbance must last longer than 0",
        ),
    ] {
        let error = given(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn the_way_back_is_a_migration() {
    let text = FULL.replacen("attempts = 1", "attempts = 1\ndown = \"down.sql\"", 1);
    let file = parse("scenario.toml", &text, &[]).unwrap();
    assert!(file.files().contains(&PathBuf::from("down.sql")));
    let mut sources = usual_sources();
    sources.insert("down.sql".into(), "DROP TABLE a; DROP TABLE b;".to_owned());
    let plan = file.resolve(&sources, None, 1.0).unwrap();
    let back = plan.migration.way_back().unwrap();
    assert_eq!(
        (back.file.as_str(), back.scripts[0].statements.len()),
        ("down.sql", 2)
    );
    assert_eq!(back.transaction, plan.migration.transaction);
}

#[test]
fn another_migration_can_be_rehearsed() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    let plan = file
        .resolve(&usual_sources(), Some("safe.sql"), 1.0)
        .unwrap();
    assert_eq!(plan.migration.file, "safe.sql");
    assert_eq!(plan.migration.scripts[0].statements.len(), 2);
}

#[test]
fn a_rate_of_the_command_line_takes_the_place_of_the_files_clients_and_the_other_way_round() {
    let file = |text: &str, overrides: &[&str]| {
        let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
        parse("scenario.toml", text, &overrides)
    };
    let load = |text: &str, key: &str| {
        let file = file(text, &[key]).unwrap();
        file.resolve(&usual_sources(), None, 1.0)
            .unwrap()
            .traffic
            .load
    };
    let bursting = FULL.replace(
        "rate = 400",
        "rate = 400\nbursts = { every = \"5s\", length = \"1s\", factor = 2 }",
    );
    let closed = load(&bursting, "traffic.clients=3");
    assert_eq!(closed, Load::clients(3));
    let clients = FULL.replace(
        "rate = 400\narrivals = \"poisson\"",
        "clients = 3\nthink_time = \"1s\"",
    );
    let open = load(&clients, "traffic.rate=20");
    assert_eq!(open.rate(), Some(Rate(20.0)));
    assert!(file(FULL, &["traffic.rate=20", "traffic.clients=3"]).is_err());
}

#[test]
fn overrides_win() {
    let overrides: Vec<Override> = [
        "limits.lock_wait=500ms",
        "traffic.rate=200",
        "traffic.transactions.1.weight=7",
        "expect.\"safe.sql\"=inconclusive",
        "seed=7",
        "application={ instances = 2 }",
        "tables.patients.rows=5",
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let file = parse("scenario.toml", FULL, &overrides).unwrap();
    let plan = file.resolve(&usual_sources(), None, 1.0).unwrap();
    assert_eq!(plan.limits.lock_wait, Duration::from_millis(500));
    assert_eq!(plan.traffic.load.rate(), Some(Rate(200.0)));
    assert_eq!(plan.traffic.transactions[1].weight, 7);
    assert_eq!(plan.expect["safe.sql"], Outcome::Inconclusive);
    assert_eq!(plan.seed, 7);
    assert_eq!(
        (plan.application.instances, plan.application.pool_size),
        (2, 10)
    );
    assert_eq!(plan.tables["patients"].fill.rows, 5);
}

#[test]
fn scaled_tables_keep_a_row() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    let plan = file.resolve(&usual_sources(), None, 1e-9).unwrap();
    assert_eq!(plan.tables["patients"].fill.rows, 1);
    let error = file.resolve(&usual_sources(), None, f64::NAN).unwrap_err();
    insta::assert_snapshot!(error, @"error: the scale of rows must be a number above 0");
}

#[test]
fn unknown_keys_are_named() {
    insta::assert_snapshot!(error_with("lock_wait = ", "lock_wiat = "), @r#"
    error: unknown key `lock_wiat`
      --> scenario.toml:64:1
       |
    64 | lock_wiat = "2s"
       | ^^^^^^^^^
       |
       = help: there is one named `lock_wait`
    "#);
    insta::assert_snapshot!(error_with("width = 80", "colour = 80"), @r#"
    error: unknown key `colour`
      --> scenario.toml:28:1
       |
    28 | colour = 80
       | ^^^^^^
       |
       = help: there are references, distribution, null_fraction, orphan_fraction, values, weights, range, pattern, width, distinct, sql, correlation, histogram
    "#);
    insta::assert_snapshot!(error_with("seed = 42", "seeds = 42"), @r#"
    error: unknown key `seeds`
     --> scenario.toml:3:1
      |
    3 | seeds = 42
      | ^^^^^
      |
      = help: there is one named `seed`
    "#);
    insta::assert_snapshot!(error_with("[phases]", "[fases]"), @r#"
    error: unknown key `fases`
      --> scenario.toml:58:2
       |
    58 | [fases]
       |  ^^^^^
       |
       = help: there is one named `phases`
    "#);
}

#[test]
fn wrong_types_units_and_values_are_shown() {
    insta::assert_snapshot!(error_with(r#"lock_wait = "2s""#, r#"lock_wait = "2 sec""#), @r#"
    error: `2 sec` is not a duration: write a number with us, ms, s, min, h or d, as in "500ms"
      --> scenario.toml:64:13
       |
    64 | lock_wait = "2 sec"
       |             ^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"lock_wait = "2s""#, "lock_wait = 2"), @r#"
    error: wrong type: integer `2`, expected a duration in quotes with its unit, as "500ms"
      --> scenario.toml:64:13
       |
    64 | lock_wait = 2
       |             ^
    "#);
    insta::assert_snapshot!(error_with(r#"rows = "100k""#, r#"rows = "100K""#), @r#"
    error: `100K` is not a number of rows: write a whole number, or one with k, M or G, as in "2M"
      --> scenario.toml:13:8
       |
    13 | rows = "100K"
       |        ^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"rows = "100k""#, "rows = -5"), @r#"
    error: `-5` is not a number of rows: write a whole number, or one with k, M or G, as in "2M"
      --> scenario.toml:13:8
       |
    13 | rows = -5
       |        ^^
    "#);
    insta::assert_snapshot!(error_with(r#"arrivals = "poisson""#, r#"arrivals = "poison""#), @r#"
    error: unknown value `poison`
      --> scenario.toml:33:12
       |
    33 | arrivals = "poison"
       |            ^^^^^^^^
       |
       = help: there is one named `poisson`
    "#);
    insta::assert_snapshot!(error_with(r#""safe.sql" = "safe""#, r#""safe.sql" = "fine""#), @r#"
    error: unknown value `fine`
      --> scenario.toml:74:14
       |
    74 | "safe.sql" = "fine"
       |              ^^^^^^
       |
       = help: there are safe, unsafe, inconclusive
    "#);
    insta::assert_snapshot!(error_with("forecast = true", "forecast = maybe"), @r#"
    error: string values must be quoted, expected literal string
      --> scenario.toml:70:12
       |
    70 | forecast = maybe
       |            ^^^^^
    "#);
    insta::assert_snapshot!(error_with("seed = 42", "seed = -1"), @r#"
    error: wrong value: integer `-1`, expected a whole number, 0 or more
     --> scenario.toml:3:8
      |
    3 | seed = -1
      |        ^^
    "#);
    insta::assert_snapshot!(error_with(r#"name = "foreign-key""#, ""), @r#"
    error: the key `name` is missing
    --> scenario.toml
    "#);
    insta::assert_snapshot!(error_with(r#"rows = "100k""#, ""), @r#"
    error: the key `rows` is missing
      --> scenario.toml:12:1
       |
    12 | [tables.patients]
       | ^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn values_that_make_no_sense_are_shown() {
    insta::assert_snapshot!(error_with("rate = 400", "rate = 0"), @r#"
    error: the rate must be above 0 transactions per second
      --> scenario.toml:32:8
       |
    32 | rate = 0
       |        ^
    "#);
    insta::assert_snapshot!(error_with("rate = 400", "rate = 400\nclients = 8"), @r#"
    error: only one of `rate`, `clients` or `log` may be given
      --> scenario.toml:31:2
       |
    31 | [traffic]
       |  ^^^^^^^
    "#);
    insta::assert_snapshot!(error_with("weight = 60", "weight = 0"), @r#"
    error: `weight` must be at least 1
      --> scenario.toml:37:10
       |
    37 | weight = 0
       |          ^
    "#);
    insta::assert_snapshot!(error_with(r#"name = "read""#, r#"name = "record-measurement""#), @r#"
    error: `record-measurement` is the name of an earlier one already
      --> scenario.toml:41:8
       |
    41 | name = "record-measurement"
       |        ^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"name = "read""#, r#"name = "other""#), @r#"
    error: reports call sessions of another kind so: choose another name
      --> scenario.toml:41:8
       |
    41 | name = "other"
       |        ^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"sql = "SELECT 1""#, ""), @r#"
    error: one of `script` or `sql` is needed here
      --> scenario.toml:40:1
       |
    40 | [[traffic.transactions]]
       | ^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"sql = "SELECT 1""#, "sql = 'SELECT 1'\nscript = 'x.sql'"), @r#"
    error: only one of `script` or `sql` may be given
      --> scenario.toml:40:1
       |
    40 | [[traffic.transactions]]
       | ^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with("instances = 4", "instances = 0"), @r#"
    error: `instances` must be at least 1
      --> scenario.toml:45:13
       |
    45 | instances = 0
       |             ^
    "#);
    insta::assert_snapshot!(error_with("attempts = 1", "attempts = 0"), @r#"
    error: `attempts` must be at least 1
      --> scenario.toml:55:12
       |
    55 | attempts = 0
       |            ^
    "#);
    insta::assert_snapshot!(error_with("null_fraction = 0.0", "null_fraction = 1.5"), @r#"
    error: a fraction must be from 0 to 1
      --> scenario.toml:20:17
       |
    20 | null_fraction = 1.5
       |                 ^^^
    "#);
    insta::assert_snapshot!(error_with("weights = [1, 2.5]", "weights = [1]"), @r#"
    error: each value needs its weight: there are 2 of `values`, and 1 of `weights`
      --> scenario.toml:24:11
       |
    24 | weights = [1]
       |           ^^^
    "#);
    insta::assert_snapshot!(error_with("null_fraction = 0.0", "range = [9]"), @r#"
    error: expected two values in brackets, the lowest and the highest
      --> scenario.toml:20:9
       |
    20 | range = [9]
       |         ^^^
    "#);
    let note = "[tables.measurements.columns]\nnote = 1\n[tables.measurements.columns.patient_id]";
    insta::assert_snapshot!(error_with("[tables.measurements.columns.patient_id]", note), @r#"
    error: wrong type: integer `1`, expected keys in braces, as { values = [1, 2] }
      --> scenario.toml:18:8
       |
    18 | note = 1
       |        ^
    "#);
    insta::assert_snapshot!(error_with(r#"values = ["a", "b"]"#, ""), @r#"
    error: weights need `values` to choose from
      --> scenario.toml:24:11
       |
    24 | weights = [1, 2.5]
       |           ^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"baseline = "10s""#, r#"baseline = "0""#), @r#"
    error: the baseline must be longer than 0: the verdict compares with it
      --> scenario.toml:60:12
       |
    60 | baseline = "0"
       |            ^^^
    "#);
    insta::assert_snapshot!(error_with(r#"file = "schema.sql""#, "file = 'a.sql'\nfiles = ['b.sql']"), @r#"
    error: only one of `file`, `files`, `list` or `source` may be given
     --> scenario.toml:9:2
      |
    9 | [schema]
      |  ^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"file = "schema.sql""#, "file = '${SCHEMA}/a.sql'"), @r#"
    error: environment variables are read in `schema.source` alone
      --> scenario.toml:10:8
       |
    10 | file = '${SCHEMA}/a.sql'
       |        ^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"work_mem = "16MB""#, "work_mem = [1]"), @r#"
    error: a setting is a string, a number, true or false
     --> scenario.toml:7:25
      |
    7 | settings = { work_mem = [1], max_connections = 100, jit = false, random_page_cost = 1.1 }
      |                         ^^^
    "#);
}

#[test]
fn no_transactions_are_an_error() {
    let text = LEAST.replace(
        "[[traffic.transactions]]\nname = \"read\"\nsql = \"SELECT 1\"\n",
        "",
    );
    insta::assert_snapshot!(parse("scenario.toml", &text, &[]).unwrap_err(), @r#"
    error: at least one [[traffic.transactions]] is needed, or `statements`
     --> scenario.toml:4:2
      |
    4 | [traffic]
      |  ^^^^^^^
    "#);
}

#[test]
fn what_is_not_toml_is_shown() {
    insta::assert_snapshot!(error_with("seed = 42", "seed = = 42"), @r#"
    error: extra `=`, expected nothing
     --> scenario.toml:3:8
      |
    3 | seed = = 42
      |        ^
    "#);
    insta::assert_snapshot!(error_with("seed = 42", "seed = 42\nseed = 43"), @r#"
    error: duplicate key
     --> scenario.toml:4:1
      |
    4 | seed = 43
      | ^^^^
    "#);
}

#[test]
fn the_application_has_the_defaults_of_real_ones() {
    let text = FULL.replace(
        "retries = 0",
        "retries = 2\n[application.health_check]\nsql = 'SELECT 1'",
    );
    let file = parse("scenario.toml", &text, &[]).unwrap();
    let plan = file.resolve(&usual_sources(), None, 1.0).unwrap();
    let application = plan.application;
    assert_eq!(application.retries, 2);
    assert_eq!(application.retry_on, ["40001", "40P01"]);
    assert_eq!(application.queue_limit, None);
    assert!(application.request_timeout.is_zero());
    let check = application.health_check.unwrap();
    let seconds = [check.every, check.timeout, check.restart].map(|span| span.as_secs());
    assert_eq!((seconds, check.failures), ([5, 1, 20], 3));
}

#[test]
fn what_no_application_can_do_is_shown() {
    let given = |line: &str| error_with("retries = 0", line);
    insta::assert_snapshot!(given("retry_on = ['40001', 'deadlock']"), @r#"
    error: `deadlock` is no error that can be tried again: give a SQLSTATE, as 40001, or one of connection_lost, acquire_timeout
      --> scenario.toml:49:22
       |
    49 | retry_on = ['40001', 'deadlock']
       |                      ^^^^^^^^^^
    "#);
    insta::assert_snapshot!(given("[application.health_check]\nevery = '5s'"), @r#"
    error: the key `sql` is missing
      --> scenario.toml:49:1
       |
    49 | [application.health_check]
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = ' ' }"), @r#"
    error: in its line 1: the script has no commands
      --> scenario.toml:49:24
       |
    49 | health_check = { sql = ' ' }
       |                        ^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = 'SELECT 1', every = '0' }"), @r#"
    error: `every` must be longer than 0
      --> scenario.toml:49:44
       |
    49 | health_check = { sql = 'SELECT 1', every = '0' }
       |                                            ^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = '\\sett x 1' }"), @r#"
    error: in its line 1: unknown command `\sett`; did you mean `\set`?
      --> scenario.toml:49:24
       |
    49 | health_check = { sql = '\sett x 1' }
       |                        ^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = 'SELECT 1', failures = 0 }"), @r#"
    error: `failures` must be at least 1
      --> scenario.toml:49:47
       |
    49 | health_check = { sql = 'SELECT 1', failures = 0 }
       |                                               ^
    "#);
    insta::assert_snapshot!(given("retry_backof = '1s'"), @r#"
    error: unknown key `retry_backof`
      --> scenario.toml:49:1
       |
    49 | retry_backof = '1s'
       | ^^^^^^^^^^^^
       |
       = help: there is one named `retry_backoff`
    "#);
}

#[test]
fn what_cannot_be_done_yet_is_refused() {
    insta::assert_snapshot!(error_with(r#"file = "schema.sql""#, r#"source = "${PROD_URL}""#), @r#"
    error: this version does not support `schema.source` yet
      --> scenario.toml:10:10
       |
    10 | source = "${PROD_URL}"
       |          ^^^^^^^^^^^^^
       |
       = help: write the schema to a file with `pg_dump --schema-only` and name it with `file`
    "#);
    insta::assert_snapshot!(error_with(r#"file = "migration.sql""#, r#"command = ["rails", "db:migrate"]"#), @r#"
    error: this version does not support `migration.command` yet
      --> scenario.toml:52:11
       |
    52 | command = ["rails", "db:migrate"]
       |           ^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write the SQL that it sends to a file and name it with `file`
    "#);
}

#[test]
fn errors_of_overrides_name_them() {
    insta::assert_snapshot!(error_set(&["seed=7", "limits.lock_wait=2 sec"]), @r#"
    error: `2 sec` is not a duration: write a number with us, ms, s, min, h or d, as in "500ms"
     --> --set limits.lock_wait:1:20
      |
    1 | limits.lock_wait = "2 sec"
      |                    ^^^^^^^
    "#);
    insta::assert_snapshot!(error_set(&["limits.lock_wiat=2s"]), @r#"
    error: unknown key `lock_wiat`
     --> --set limits.lock_wiat:1:8
      |
    1 | limits.lock_wiat = "2s"
      |        ^^^^^^^^^
      |
      = help: there is one named `lock_wait`
    "#);
    insta::assert_snapshot!(error_set(&["traffic.rate=-1"]), @r#"
    error: the rate must be above 0 transactions per second
     --> --set traffic.rate:1:16
      |
    1 | traffic.rate = -1
      |                ^^
    "#);
    insta::assert_snapshot!(error_set(&["traffic.transactions.2.weight=1"]), @r#"
    error: `2` is not an element: there are 2, counted from 0
     --> --set traffic.transactions.2.weight:1:22
      |
    1 | traffic.transactions.2.weight = 1
      |                      ^
    "#);
    insta::assert_snapshot!(error_set(&["a b=1"]), @r#"
    error: key with no value, expected `=`
     --> --set a b:1:3
      |
    1 | a b = 1
      |   ^
    "#);
}

#[test]
fn missing_files_are_shown_where_they_are_named() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    insta::assert_snapshot!(file.missing(Path::new("traffic/record.sql"), "No such file or directory (os error 2)"), @r#"
    error: cannot read traffic/record.sql: No such file or directory (os error 2)
      --> scenario.toml:38:10
       |
    38 | script = "traffic/record.sql"
       |          ^^^^^^^^^^^^^^^^^^^^
       |
       = help: paths are relative to the scenario's folder
    "#);
    insta::assert_snapshot!(file.missing(Path::new("other.sql"), "permission denied"), @"error: cannot read other.sql: permission denied");
    insta::assert_snapshot!(resolve_error(LEAST, &[("schema.sql", "")]), @r#"
    error: cannot read migration.sql: its text was not given
      --> scenario.toml:10:8
       |
    10 | file = "migration.sql"
       |        ^^^^^^^^^^^^^^^
       |
       = help: paths are relative to the scenario's folder
    "#);
}

#[test]
fn faults_in_migrations_are_shown_there() {
    let files = |migration| [("schema.sql", ""), ("migration.sql", migration)];
    insta::assert_snapshot!(resolve_error(LEAST, &files("SELECT 'a")), @"migration.sql:1:8: this string never ends: close it with `'`");
    insta::assert_snapshot!(resolve_error(LEAST, &files("-- now\nCREATE INDEX CONCURRENTLY i ON t (a);")), @r#"migration.sql:2:1: CREATE INDEX CONCURRENTLY cannot run inside a transaction, and the whole file is one: set `transaction = "statement"` under [migration], or move it to a file of its own"#);
    insta::assert_snapshot!(resolve_error(LEAST, &files("-- nothing")), @r#"
    error: migration.sql holds no statement: there is nothing to rehearse
     --> scenario.toml:9:2
      |
    9 | [migration]
      |  ^^^^^^^^^
    "#);
    insta::assert_snapshot!(resolve_error(&LEAST.replace("[migration]\nfile = \"migration.sql\"\n", ""), &files("")), @r#"
    error: no migration is named: give a `file`
    --> scenario.toml
    "#);
    let statement = LEAST.replace("[migration]", "[migration]\ntransaction = \"statement\"");
    let file = parse("scenario.toml", &statement, &[]).unwrap();
    let migration = "CREATE INDEX CONCURRENTLY i ON t (a);";
    assert!(file.resolve(&sources(&files(migration)), None, 1.0).is_ok());
}

/// All that a fill needs.
const FILL: &str = r#"name = "fill"
schema.list = "product/LOAD-ORDER"
tables."*".rows = 1000
"#;

#[test]
fn a_fill_needs_three_lines() {
    let mut file = parse("scenario.toml", FILL, &[]).unwrap();
    assert_eq!(file.list(), Some(Path::new("product/LOAD-ORDER")));
    assert_eq!(file.files(), Vec::<PathBuf>::new());
    file.include("# The schema.\n\nschema.sql\n  later/01.sql\r\nschema.sql\n")
        .unwrap();
    let files = ["product/schema.sql", "product/later/01.sql"];
    assert_eq!(file.files(), files.map(PathBuf::from));
    assert_eq!(file.schema_files(), file.files());
    let sources = sources(&[(files[0], "SELECT 1;"), (files[1], "SELECT 2;")]);
    let plan = file.resolve_fill(&sources, 0.5).unwrap();
    let names: Vec<&str> = plan.schema.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [files[0], files[1], files[0]],
        "as the list has them"
    );
    assert_eq!(plan.tables["*"].fill.rows, 500);
    assert!(plan.traffic.transactions.is_empty() && plan.migration.scripts.is_empty());
    let error = file.resolve(&sources, None, 1.0).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    error: a rehearsal needs [traffic]: a `rate` or `clients`, and at least one [[traffic.transactions]]
    --> scenario.toml
    "#);
    insta::assert_snapshot!(file.missing(Path::new(files[1]), "not there"), @r#"
    error: cannot read product/later/01.sql: not there
     --> scenario.toml:2:15
      |
    2 | schema.list = "product/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
      |
      = help: paths in the list are relative to the list
    "#);
    insta::assert_snapshot!(file.missing(Path::new("product/LOAD-ORDER"), "not there"), @r#"
    error: cannot read product/LOAD-ORDER: not there
     --> scenario.toml:2:15
      |
    2 | schema.list = "product/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
      |
      = help: paths are relative to the scenario's folder
    "#);
    insta::assert_snapshot!(file.include("# nothing\n").unwrap_err(), @r#"
    error: the list names no file: write one path a line, relative to the list
     --> scenario.toml:2:15
      |
    2 | schema.list = "product/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_fill_reads_the_schema_alone() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    assert_eq!(file.schema_files(), [PathBuf::from("schema.sql")]);
    let sources = sources(&[("schema.sql", "SELECT 1;")]);
    let plan = file.resolve_fill(&sources, 1.0).unwrap();
    assert!(plan.traffic.transactions.is_empty() && plan.migration.scripts.is_empty());
    assert_eq!(plan.tables["patients"].fill.rows, 100_000);
    assert!(file.resolve(&sources, None, 1.0).is_err());
}

#[test]
fn columns_belong_to_one_table() {
    let text = format!("{FILL}tables.\"*\".columns.id.width = 8\n");
    insta::assert_snapshot!(parse("scenario.toml", &text, &[]).unwrap_err(), @r#"
    error: columns are those of one table: name it under [tables]
     --> scenario.toml:4:12
      |
    4 | tables."*".columns.id.width = 8
      |            ^^^^^^^
    "#);
    let text = FILL.replace("schema.list = \"product", "schema.list = \"${HOME}");
    insta::assert_snapshot!(parse("scenario.toml", &text, &[]).unwrap_err(), @r#"
    error: environment variables are read in `schema.source` alone
     --> scenario.toml:2:15
      |
    2 | schema.list = "${HOME}/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
    "#);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        at in 0..FULL.len(),
        noise in "[\\[\\]={}'\"a-z0-9.\n$é#-]{0,8}",
        key in "[a-z.\"'0-9\\[\\] ]{0,20}",
    ) {
        let mut text = FULL.to_owned();
        text.insert_str(at, &noise);
        let _ = parse("scenario.toml", &text, &[]).map_err(|error| error.to_string());
        let item = Override { key, value: noise };
        let _ = parse("scenario.toml", FULL, &[item]).map_err(|error| error.to_string());
    }
}

/// A scenario with captured statistics of one of its tables.
fn captured(statistics: &str) -> Result<Plan, ResolveError> {
    let text = FULL.replace(
        "file = \"schema.sql\"",
        "file = \"schema.sql\"\nstatistics = \"statistics.json\"",
    );
    let file = parse("scenario.toml", &text, &[]).unwrap();
    let mut sources: BTreeMap<PathBuf, String> = file
        .files()
        .into_iter()
        .map(|path| (path, "SELECT 1;".to_owned()))
        .collect();
    sources.insert("statistics.json".into(), statistics.to_owned());
    file.resolve(&sources, None, 1.0)
}

#[test]
fn captured_statistics_reach_the_tables_and_not_the_report() {
    let plan = captured(
        r#"{"format_version": 1, "postgres_version": "16.4", "tables": {
            "public.patients": {"rows": 7000000, "columns": {"name": {"most_common": [
                {"frequency": 0.1, "value": "Erika Mustermann"}]}}},
            "public.measurements": {"rows": 5}}}"#,
    )
    .unwrap();
    let patients = &plan.tables["patients"];
    assert_eq!(patients.production_rows, Rows(7_000_000));
    assert_eq!(patients.fill.statistics["name"].most_common.len(), 1);
    // The scenario's own number wins.
    let measurements = &plan.tables["measurements"];
    assert_eq!(measurements.production_rows, Rows(800_000_000));
    let report = serde_json::to_string(&plan).unwrap();
    assert!(!report.contains("Mustermann"), "{report}");
    assert!(report.contains("100000"));
}

#[test]
fn faulty_statistics_are_shown_where_they_are_named() {
    let error = captured("{\n\"format_version\": \"1\"}").unwrap_err();
    insta::assert_snapshot!(error, @r#"
    error: statistics.json: invalid type: string "1", expected u32 at line 2 column 21; see docs/statistics.md
      --> scenario.toml:11:14
       |
    11 | statistics = "statistics.json"
       |              ^^^^^^^^^^^^^^^^^
    "#);
}
