//! Filled databases that later runs of the same scenario use.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixture::{Scenario, pgrehearse, printed};

/// Runs, demands that it ran to a verdict, and hands report.json and stderr back.
#[track_caller]
fn run(scenario: &Scenario, arguments: &[&str]) -> (Value, String) {
    let mut tool = pgrehearse();
    tool.args(["run", "--json"]).arg(scenario.path());
    tool.args([
        "--set",
        "phases.baseline=500ms",
        "--set",
        "phases.recovery=200ms",
    ]);
    tool.env("PGREHEARSE_CACHE_DIR", scenario.file("cache"));
    let output = tool.args(arguments).output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{stdout}\n{stderr}"
    );
    (serde_json::from_str(&stdout).unwrap(), stderr)
}

fn cache(scenario: &Scenario, arguments: &[&str]) -> String {
    let mut tool = pgrehearse();
    tool.arg("cache").args(arguments);
    tool.env("PGREHEARSE_CACHE_DIR", scenario.file("cache"));
    let output = tool.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    printed(&output).0
}

fn entries(scenario: &Scenario) -> Vec<PathBuf> {
    let folders = fs::read_dir(scenario.file("cache")).into_iter().flatten();
    folders.map(|folder| folder.unwrap().path()).collect()
}

/// A scenario whose report tells what the tables hold.
fn telling() -> Scenario {
    Scenario::new().replacing(
        "[phases]",
        "[[invariants]]\nname = \"sum\"\nsql = \"SELECT sum(hashtext(o::text))::bigint FROM orders o\"\nexpect = 0\n[phases]",
    )
}

fn sum(report: &Value) -> &Value {
    &report["integrity"]["invariants"][0]["before"]
}

#[test]
fn the_second_run_uses_what_the_first_one_filled() {
    let scenario = telling();
    let (first, told) = run(&scenario, &[]);
    assert_eq!(first["fill"]["cached"], false, "{told}");
    assert_eq!(entries(&scenario).len(), 1);
    let (second, told) = run(&scenario, &[]);
    assert_eq!(second["fill"]["cached"], true, "{told}");
    assert!(told.contains("ready for traffic after"), "{told}");
    assert!(second["fill"]["ready"].as_f64().unwrap() > 0.0);
    assert_eq!(first["fill"]["rows"], second["fill"]["rows"]);
    assert!(sum(&first).is_i64(), "{first}");
    assert_eq!(sum(&first), sum(&second));
    for part in ["tables", "notes"] {
        assert_eq!(first[part], second[part]);
    }
    let listed = cache(&scenario, &[]);
    assert!(
        listed.contains("small") && listed.contains("2.2k rows"),
        "{listed}"
    );
    let cleared = cache(&scenario, &["clear"]);
    assert!(
        cleared.starts_with("removed 1 filled database"),
        "{cleared}"
    );
    assert!(entries(&scenario).is_empty());
}

#[test]
fn only_what_was_filled_alike_is_used() {
    let scenario = telling();
    let (first, _) = run(&scenario, &[]);
    // The traffic, the migration and the limits decide nothing of the rows.
    let (same, _) = run(&scenario, &["--set", "traffic.rate=100"]);
    assert_eq!(same["fill"]["cached"], true);
    for other in [
        ["--seed", "8"],
        ["--rows-scale", "0.5"],
        ["--set", "tables.orders.columns.note.null_fraction=0.5"],
        ["--set", "shadow.settings.default_statistics_target=50"],
    ] {
        let (report, _) = run(&scenario, &other);
        assert_eq!(report["fill"]["cached"], false, "{other:?}");
    }
    let (report, _) = run(&scenario, &["--seed", "8"]);
    assert_eq!(report["fill"]["cached"], true);
    assert_ne!(sum(&first), sum(&report));
}

#[test]
fn without_the_cache_nothing_is_kept() {
    let scenario = telling();
    let (report, _) = run(&scenario, &["--no-cache"]);
    assert_eq!(report["fill"]["cached"], false);
    assert!(!scenario.file("cache").exists());
    run(&scenario, &[]);
    let (report, _) = run(&scenario, &["--no-cache"]);
    assert_eq!(report["fill"]["cached"], false);
}

#[test]
fn a_damaged_entry_is_told_and_filled_again() {
    let scenario = telling();
    let (first, _) = run(&scenario, &[]);
    let entry: &Path = &entries(&scenario)[0];
    fs::write(entry.join("data/global/pg_control"), b"no control file").unwrap();
    let (report, told) = run(&scenario, &[]);
    assert_eq!(report["fill"]["cached"], false);
    assert!(
        told.contains("cannot be used and is filled again"),
        "{told}"
    );
    assert_eq!(sum(&first), sum(&report));
    let (report, _) = run(&scenario, &[]);
    assert_eq!(report["fill"]["cached"], true);
}

#[test]
fn what_does_not_fit_is_told_and_not_kept() {
    let scenario = Scenario::new();
    let mut tool = pgrehearse();
    tool.args(["run", "--set", "phases.baseline=500ms"])
        .arg(scenario.path());
    tool.env("PGREHEARSE_CACHE_DIR", scenario.file("cache"));
    let output = tool.env("PGREHEARSE_CACHE_SIZE", "1MB").output().unwrap();
    let told = printed(&output).1;
    assert!(
        told.contains("is not cached: the cache may hold 1.0 MB"),
        "{told}"
    );
    assert!(entries(&scenario).is_empty());

    let mut tool = pgrehearse();
    tool.arg("cache").env("PGREHEARSE_CACHE_SIZE", "plenty");
    let output = tool.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = printed(&output).1;
    assert!(
        told.contains("PGREHEARSE_CACHE_SIZE: `plenty` is no number of bytes"),
        "{told}"
    );
}
