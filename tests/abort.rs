//! A migration that is ended in its midst, and the way back, as a user sees them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what a test cannot do without fails it"
)]
#![allow(dead_code, reason = "the fixture is for the tests of the tool as well")]

#[path = "tool/fixture.rs"]
mod fixture;

use serde_json::Value;

use fixture::{Scenario, printed};

/// Autocommit: what is done is done.
const STATEMENT: (&str, &str) = (
    "file = \"migration.sql\"",
    "file = \"migration.sql\"\ntransaction = \"statement\"",
);

/// report.json of a run, with what the terminal says.
fn run(scenario: &Scenario, flags: &[&str]) -> (Value, String) {
    let out = scenario.file("out");
    let output = scenario
        .command("run")
        .args(flags)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    let report = std::fs::read_to_string(out.join("report.json")).expect(&stderr);
    (serde_json::from_str(&report).unwrap(), stdout)
}

fn pass<'a>(report: &'a Value, name: &str) -> &'a Value {
    let passes = report["passes"].as_array().unwrap();
    passes.iter().find(|pass| pass["name"] == name).unwrap()
}

/// The rule `integrity` of a pass: whether it failed, and what it says.
fn integrity(report: &Value, pass: &str) -> (bool, String) {
    let findings = report["verdict"]["findings"].as_array().unwrap().iter();
    let own = findings.filter(|f| f["rule"] == "integrity" && f["pass"] == pass);
    let own: Vec<&Value> = own.collect();
    let failed = own.iter().any(|finding| finding["passed"] == false);
    let told: Vec<&str> = own.iter().map(|f| f["detail"].as_str().unwrap()).collect();
    (failed, told.join("; "))
}

#[test]
fn half_of_a_migration_is_named_and_a_second_run_that_fails_is_unsafe() {
    let (from, to) = STATEMENT;
    let scenario = Scenario::new().replacing(from, to).with(
        "migration.sql",
        "ALTER TABLE customers ADD COLUMN vip boolean;\n\
         UPDATE customers SET vip = false;\n\
         SELECT pg_sleep(3);\n\
         CREATE INDEX customers_vip ON customers (vip);\n",
    );
    let flags = ["--abort", "statement:3", "--abort-by", "terminate"];
    let (report, stdout) = run(&scenario, &flags);
    let abort = &report["abort"];
    assert_eq!(abort["statement"], 2, "{abort}");
    assert_eq!(abort["by"], "terminate");
    assert!(abort["took"].as_f64().unwrap() < 3.0, "{abort}");
    let aborted = pass(&report, "abort");
    assert_eq!(aborted["migration"]["outcome"], "aborted");
    let left = aborted["integrity"]["leftovers"].as_array().unwrap();
    let left: Vec<&str> = left.iter().map(|left| left.as_str().unwrap()).collect();
    insta::assert_snapshot!(left.join("\n"), @r"
    half of a migration: statements 1 to 2 stay committed
    200 rows of public.customers stay updated by statement 2 (migration.sql:2)
    column public.customers.vip stays added: boolean
    ");
    assert_eq!(abort["second_run"]["outcome"], "failed");
    assert_eq!(abort["second_run"]["error"]["sqlstate"], "42701");
    let (failed, told) = integrity(&report, "abort");
    assert!(failed && told.contains("a second run fails"), "{told}");
    assert_eq!(report["verdict"]["outcome"], "unsafe");
    for told in [
        "Abort",
        "ended by terminate after statement 3",
        "Left behind",
    ] {
        assert!(stdout.contains(told), "{told}: {stdout}");
    }
    // The whole one is not blamed for what the half left.
    assert_eq!(integrity(&report, "quiet"), (false, String::new()));
}

#[test]
fn a_transaction_leaves_nothing_even_of_a_server_that_dies() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "ALTER TABLE customers ADD COLUMN vip boolean;\n\
         CREATE INDEX customers_vip ON customers (vip);\n\
         SELECT pg_sleep(2);\n",
    );
    let flags = ["--abort", "50%", "--abort-by", "kill-server"];
    let (report, stdout) = run(&scenario, &flags);
    let abort = &report["abort"];
    assert!(abort["server_down"].as_f64().unwrap() > 0.0, "{abort}");
    let aborted = pass(&report, "abort");
    assert_eq!(aborted["migration"]["outcome"], "aborted");
    assert_eq!(aborted["integrity"]["leftovers"], serde_json::json!([]));
    assert_eq!(abort["second_run"]["outcome"], "applied", "{abort}");
    assert_eq!(abort["second_run"]["left"], serde_json::json!([]));
    let (failed, told) = integrity(&report, "abort");
    assert!(!failed && told.contains("left nothing behind"), "{told}");
    // The sessions came back, and were served.
    let recovery = &aborted["phases"][2];
    assert!(
        recovery["accounting"]["completed"].as_u64().unwrap() > 0,
        "{recovery}"
    );
    assert!(
        stdout.contains("the server took no connections for"),
        "{stdout}"
    );
}

#[test]
fn batches_that_commit_stay_and_a_second_run_goes_on() {
    let (from, to) = STATEMENT;
    let scenario = Scenario::new().replacing(from, to).with(
        "migration.sql",
        "DO $$ BEGIN\n\
           FOR i IN 0..99 LOOP\n\
             UPDATE customers SET name = 'done' WHERE id % 100 = i AND name <> 'done';\n\
             COMMIT;\n\
             PERFORM pg_sleep(0.02);\n\
           END LOOP;\n\
         END $$;\n",
    );
    let (report, _) = run(&scenario, &["--abort", "50%"]);
    let left = pass(&report, "abort")["integrity"]["leftovers"].to_string();
    assert!(
        left.contains("statement 1 (migration.sql:1) commits by itself"),
        "{left}"
    );
    assert_eq!(report["abort"]["second_run"]["outcome"], "applied");
    let (failed, told) = integrity(&report, "abort");
    assert!(
        !failed && told.contains("a second run came to its end"),
        "{told}"
    );
}

#[test]
fn an_abort_that_comes_too_late_is_a_note() {
    let (report, stdout) = run(&Scenario::new(), &["--abort", "1m"]);
    assert_eq!(report["abort"]["asked"], Value::Null);
    assert_eq!(pass(&report, "abort")["migration"]["outcome"], "applied");
    assert!(
        stdout.contains("was over before it could be aborted"),
        "{stdout}"
    );
}

#[test]
fn a_way_back_is_compared_and_costs() {
    let scenario = Scenario::new()
        .replacing(
            "file = \"migration.sql\"",
            "file = \"migration.sql\"\ndown = \"down.sql\"",
        )
        .with("down.sql", "ALTER TABLE orders DROP COLUMN shipped_at;\n");
    let (report, stdout) = run(&scenario, &["--rollback"]);
    let rollback = &report["rollback"];
    assert_eq!(rollback["identical"], true, "{rollback}");
    assert_eq!(rollback["schema_diff"], serde_json::json!([]));
    let tables = rollback["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 2);
    assert_eq!(tables[1]["rows_before"], 2_000);
    let back = pass(&report, "rollback");
    assert_eq!(back["migration"]["file"], "down.sql");
    assert_eq!(back["migration"]["outcome"], "applied");
    let diff = back["integrity"]["schema_diff"].to_string();
    assert!(diff.contains("- column public.orders.shipped_at"), "{diff}");
    assert!(!integrity(&report, "rollback").0);
    for told in ["Rollback", "under load it took", "all is as before"] {
        assert!(stdout.contains(told), "{told}: {stdout}");
    }
}

#[test]
fn a_way_back_that_loses_values_is_unsafe() {
    let scenario = Scenario::new()
        .replacing(
            "file = \"migration.sql\"",
            "file = \"migration.sql\"\ndown = \"down.sql\"",
        )
        .with(
            "migration.sql",
            "ALTER TABLE customers DROP COLUMN name;\nDELETE FROM orders WHERE id <= 10;\n",
        )
        .with(
            "down.sql",
            "ALTER TABLE customers ADD COLUMN name text NOT NULL DEFAULT '';\n",
        );
    let (report, stdout) = run(&scenario, &["--rollback"]);
    let rollback = &report["rollback"];
    assert_eq!(rollback["identical"], false);
    let tables = &rollback["tables"];
    assert_eq!(tables[0]["name"], "public.customers");
    assert_eq!(tables[0]["columns"], serde_json::json!(["name"]));
    assert_eq!(tables[0]["checksum_equal"], false);
    assert_eq!(tables[1]["rows_before"], 2_000);
    assert_eq!(tables[1]["rows_after"], 1_990);
    let (failed, told) = integrity(&report, "rollback");
    assert!(
        failed && told.contains("public.orders has 1,990 rows, before 2,000"),
        "{told}"
    );
    assert_eq!(report["verdict"]["outcome"], "unsafe");
    let lost = &pass(&report, "quiet")["integrity"]["lost_rows"][0];
    assert_eq!(
        (&lost["rows"], &lost["how"]),
        (&10.into(), &"deleted".into())
    );
    assert!(
        stdout.contains("the values of public.customers are others, or gone, in name"),
        "{stdout}"
    );
}

#[test]
fn a_missing_way_back_says_what_to_write() {
    let scenario = Scenario::new();
    let output = scenario.command("run").arg("--rollback").output().unwrap();
    let (_, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("down = \"down.sql\""), "{stderr}");
}
