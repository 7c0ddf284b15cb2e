//! `run --try-rewrite`: the migration, and its safe form beside it.

use std::fs;

use crate::fixture::{Scenario, printed};
use serde_json::Value;

fn json(path: &std::path::Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_safe_form_is_written_rehearsed_and_compared() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n\
         CREATE INDEX ON orders (total);\n\
         ALTER TABLE orders ALTER COLUMN note TYPE varchar(400);\n",
    );
    let out = scenario.file("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("rewrite.sql"), "-- the user's own\n").unwrap();
    let output = scenario
        .command("run")
        .arg("--try-rewrite")
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{stdout}\n{stderr}"
    );
    let own = fs::read_to_string(out.join("rewrite.sql")).unwrap();
    assert_eq!(own, "-- the user's own\n");
    let sql = fs::read_to_string(out.join("rewrite-2.sql")).unwrap();
    assert!(
        sql.contains("CREATE INDEX CONCURRENTLY ON orders (total);"),
        "{sql}"
    );
    let report = json(&out.join("migration/report.json"));
    assert_eq!(report["rewrite"]["sql"], sql);
    assert_eq!(report["rewrite"]["skipped"][0]["line"], 3);
    assert!(
        stdout.contains("rewrite-2.sql") && stdout.contains("stays as it is"),
        "{stdout}"
    );
    let safe = json(&out.join("rewrite-2/report.json"));
    let migration = &safe["passes"][0]["migration"];
    assert_eq!(migration["outcome"], "applied", "{migration}");
    let statements = migration["statements"].as_array().unwrap();
    // The new type, which has no mechanical safe form, rewrites the table still.
    let rewrites = |statement: &Value| {
        let other = !statement["sql"].as_str().unwrap().contains(" TYPE ");
        other && !statement["rewrites"].as_array().unwrap().is_empty()
    };
    assert!(!statements.iter().any(rewrites), "{migration}");
    assert!(
        report["passes"][0]["migration"]["statements"]
            .as_array()
            .unwrap()
            .iter()
            .any(rewrites)
    );
    let rows = json(&out.join("comparison.json"));
    assert_eq!(rows[0]["migration"], "migration.sql");
    assert_eq!(rows[1]["migration"], "rewrite-2.sql");
}

#[test]
fn without_a_safe_form_the_migration_runs_alone() {
    let scenario = Scenario::new().with("migration.sql", "SELECT 1;\n");
    let output = scenario
        .command("run")
        .arg("--try-rewrite")
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{stdout}\n{stderr}"
    );
    assert!(
        stdout.contains("Nothing could be rewritten mechanically"),
        "{stdout}"
    );
}

#[test]
fn several_migrations_are_refused() {
    let scenario = Scenario::new();
    let output = scenario
        .command("run")
        .args([
            "--try-rewrite",
            "--migration",
            "migration.sql",
            "--migration",
            "migration.sql",
        ])
        .output()
        .unwrap();
    let (_, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("give one --migration"), "{stderr}");
}
