//! Scenarios as users write them, right and wrong.

mod application;
mod checks;
mod faults;
mod fill;
mod migration;
mod overrides;
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
