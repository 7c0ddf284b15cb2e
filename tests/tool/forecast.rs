//! A rehearsal of a table that is larger in production.

use std::fs;

use crate::fixture::{Scenario, printed};
use serde_json::Value;

/// Rehearses with production's orders twenty times as many, and hands the report and what was printed back. What was
/// measured on a busy machine may decide anything.
fn rehearsed(scenario: Scenario, arguments: &[&str]) -> (Value, String) {
    let scenario = scenario.replacing("rows = \"2k\"", "rows = \"2k\"\nproduction_rows = \"40k\"");
    let out = scenario.file("out");
    let output = scenario
        .command("run")
        .arg("--out")
        .arg(&out)
        .args(arguments)
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{stdout}\n{stderr}"
    );
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    (serde_json::from_str(&report).unwrap(), stdout)
}

fn caveats(report: &Value) -> String {
    report["verdict"]["caveats"].to_string()
}

#[test]
fn what_is_smaller_than_in_production_is_forecast() {
    let (report, printed) = rehearsed(Scenario::new(), &[]);
    let forecasts = report["forecasts"].as_array().unwrap();
    let lock = forecasts
        .iter()
        .find(|one| one["quantity"] == "lock_held")
        .unwrap();
    assert_eq!(lock["relation"], "public.orders");
    assert_eq!(lock["mode"], "AccessExclusiveLock");
    assert_eq!(lock["model"], "constant");
    assert_eq!(lock["production_rows"], 40_000);
    assert_eq!(lock["sizes"].as_array().unwrap().len(), 5);
    let windows = report["verdict"]["findings"].as_array().unwrap().iter();
    let foreseen = windows.filter(|finding| finding["window"] == "forecast");
    let rules: Vec<&str> = foreseen
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert_eq!(rules, ["lock_wait", "migration_time"]);
    assert!(
        printed.contains("At production size\n  public.orders: measured alone"),
        "{printed}"
    );
    assert!(!caveats(&report).contains("no forecast made"));
}

#[test]
fn without_the_limit_none_is_made() {
    let (report, printed) = rehearsed(Scenario::new(), &["--set", "limits.forecast=false"]);
    assert_eq!(report["forecasts"].as_array().unwrap().len(), 0);
    assert!(caveats(&report).contains("no forecast made"));
    assert!(!printed.contains("At production size"), "{printed}");
}
