//! What a value costs to make, in nanoseconds by type: the median of some runs over rows of a table
//! with this one column. A fill's own cost is the sum over its columns.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark has nothing better to do than to stop and show"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use pgrehearse::schema::Schema;
use pgrehearse::synth::{ColumnSpec, FillPlan, TableSpec};
use serde_json::json;

const ROWS: u64 = 200_000;
const RUNS: usize = 7;

/// Type, modifiers, and what the scenario says of the column.
const COLUMNS: [(&str, &[i32], &str); 20] = [
    ("int4", &[], ""),
    ("int8", &[], ""),
    ("int2", &[], ""),
    ("numeric", &[12, 2], ""),
    ("float8", &[], ""),
    ("bool", &[], ""),
    ("uuid", &[], ""),
    ("text", &[], ""),
    ("varchar", &[60], ""),
    ("text", &[], "width = 1000"),
    ("text", &[], "pattern = \"user-{n}@example.org\""),
    ("text", &[], "values = [\"open\", \"paid\", \"sent\"]"),
    ("int4", &[], "distribution = \"zipf(1.1)\""),
    ("date", &[], ""),
    ("time", &[], ""),
    ("timestamp", &[], ""),
    ("timestamptz", &[], ""),
    ("inet", &[], ""),
    ("jsonb", &[], ""),
    ("bytea", &[], ""),
];

fn main() {
    println!("{:40} {:>10} {:>10}", "", "ns/value", "bytes");
    for (name, modifiers, overrides) in COLUMNS {
        let kind = json!({ "base": { "name": name, "modifiers": modifiers } });
        show(name, kind.clone(), overrides);
        if name == "timestamptz" {
            show("timestamptz[]", json!({ "array": { "element": kind } }), "");
        }
        if name == "varchar" {
            let kind = json!({ "base": { "name": "text", "modifiers": [] } });
            show("text[]", json!({ "array": { "element": kind } }), "");
        }
    }
}

fn show(name: &str, kind: serde_json::Value, overrides: &str) {
    let schema: Schema = serde_json::from_value(json!({ "tables": [{
        "oid": 1, "name": { "schema": "public", "name": "t" },
        "columns": [{
            "name": "c", "data_type": { "name": name, "kind": kind }, "not_null": true,
            "default": null, "generated": false, "sequence": false }],
        "unique_keys": [], "foreign_keys": [], "checks": [] }] }))
    .unwrap();
    let spec = TableSpec {
        rows: ROWS,
        columns: BTreeMap::from([(
            "c".to_owned(),
            toml::from_str::<ColumnSpec>(overrides).unwrap(),
        )]),
        ..TableSpec::default()
    };
    let plan = FillPlan::new(&schema, &BTreeMap::from([("t".to_owned(), spec)]), 42).unwrap();
    let table = plan.table("t").unwrap();
    let mut text = Vec::new();
    let mut bytes = 0;
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            let mut from = 0;
            bytes = 0;
            while from < ROWS {
                text.clear();
                from = table.encode(from..ROWS, 64 * 1024, &mut text);
                bytes += black_box(&text).len();
            }
            begun.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times.get(RUNS / 2).unwrap() * 1e9 / ROWS as f64;
    let bytes = bytes as f64 / ROWS as f64;
    println!(
        "{:40} {median:>10.1} {bytes:>10.1}",
        format!("{name} {overrides}")
    );
}
