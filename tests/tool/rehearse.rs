//! Whole rehearsals of a small scenario, as a user runs them.

use std::fs;

use crate::fixture::{Scenario, printed};
use serde_json::Value;

/// Runs with `--out`, demands an exit code, and hands report.json back.
#[track_caller]
fn rehearsed(scenario: &Scenario, arguments: &[&str], code: i32) -> Value {
    let out = scenario.file("out");
    let output = scenario
        .command("run")
        .arg("--out")
        .arg(&out)
        .args(arguments)
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    serde_json::from_str(&fs::read_to_string(out.join("report.json")).unwrap()).unwrap()
}

/// Every phase's accounting balances, for all transactions together and each by itself.
#[track_caller]
fn assert_balanced(report: &Value) {
    let phases = report["passes"][0]["phases"].as_array().unwrap();
    for phase in phases {
        let parts = phase["transactions"].as_array().unwrap();
        for part in parts.iter().chain([phase]) {
            let of = |key: &str| part["accounting"][key].as_u64().unwrap();
            let ends =
                of("completed") + of("failed") + of("timed_out") + of("shed") + of("unfinished");
            assert_eq!(of("scheduled"), ends, "{}", part["accounting"]);
        }
    }
}

#[test]
fn a_harmless_migration_is_not_unsafe() {
    let scenario = Scenario::new();
    let out = scenario.file("out");
    let output = scenario
        .command("run")
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    // A busy machine may make the generator late: that is inconclusive, but never unsafe.
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{stdout}\n{stderr}"
    );
    let report: Value =
        serde_json::from_str(&fs::read_to_string(out.join("report.json")).unwrap()).unwrap();
    assert_balanced(&report);
    let statement = &report["passes"][0]["migration"]["statements"][0];
    assert_eq!(statement["locks"][0]["relation"], "public.orders");
    assert_eq!(statement["locks"][0]["mode"], "AccessExclusiveLock");
    assert!(statement["rewrites"].as_array().unwrap().is_empty());
    assert!(
        fs::read_to_string(out.join("report.md"))
            .unwrap()
            .contains("small")
    );
}

#[test]
fn a_lock_that_is_held_is_unsafe_and_blamed_on_its_statement() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "-- first\nLOCK TABLE orders;\nSELECT pg_sleep(3);\n",
    );
    let report = rehearsed(&scenario, &[], 1);
    assert_balanced(&report);
    assert_eq!(report["verdict"]["outcome"], "unsafe");
    let findings = report["verdict"]["findings"].as_array().unwrap();
    let lock_wait = findings
        .iter()
        .find(|finding| finding["rule"] == "lock_wait" && finding["passed"] == false)
        .unwrap();
    assert_eq!(lock_wait["statement"], 0);
    assert_eq!(lock_wait["relation"], "public.orders");
    assert!(lock_wait["measured"].as_f64().unwrap() > 2.0);
    let wait = &report["passes"][0]["locks"]["waits"][0];
    assert_eq!(wait["root"]["kind"], "migration");
    assert_eq!(wait["root"]["mode"], "AccessExclusiveLock");
    let held = report["passes"][0]["migration"]["statements"][0]["locks"][0]["held"]
        .as_f64()
        .unwrap();
    assert!(
        held >= 3.0,
        "held until the end of the transaction, {held} s"
    );
    // Two instances of three connections, a lock of 3 s and an acquire timeout of 1 s.
    let errors = &report["passes"][0]["phases"][1]["errors"];
    assert!(errors["acquire_timeout"].as_u64().unwrap() > 0, "{errors}");
}

#[test]
fn a_migration_that_fails_is_unsafe_and_names_statement_and_sqlstate() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "SELECT 1;\nALTER TABLE orders ADD COLUMN note text;\n",
    );
    let output = scenario
        .command("run")
        .arg("--out")
        .arg(scenario.file("out"))
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{stdout}\n{stderr}");
    assert!(
        stdout.contains("42701") && stdout.contains("migration.sql:2"),
        "{stdout}"
    );
    let report: Value = serde_json::from_str(
        &fs::read_to_string(scenario.file("out").join("report.json")).unwrap(),
    )
    .unwrap();
    let migration = &report["passes"][0]["migration"];
    assert_eq!(
        (&migration["outcome"], &migration["error"]["statement"]),
        (&"failed".into(), &1.into())
    );
}

#[test]
fn statements_outside_a_transaction_are_rehearsed() {
    let scenario = Scenario::new()
        .replacing("file = \"migration.sql\"", "file = \"migration.sql\"\ntransaction = \"statement\"")
        .with("migration.sql", "CREATE INDEX CONCURRENTLY orders_total ON orders (total);\nBEGIN;\nALTER TABLE orders ADD COLUMN a int;\nALTER TABLE orders ALTER COLUMN total TYPE numeric(12,3);\nCOMMIT;\nDO $$ BEGIN UPDATE orders SET note = ''; COMMIT; END $$;\n");
    let output = scenario.command("check").arg("--json").output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{stdout}\n{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let statements = report["passes"][0]["migration"]["statements"]
        .as_array()
        .unwrap();
    let broken = &report["broken_statements"][0];
    assert_eq!(
        broken["sqlstate"], "0A000",
        "prepared before its column changed its type: {broken}"
    );
    assert_eq!(statements.len(), 6);
    assert_eq!(statements[0]["indexes_built"][0], "public.orders_total");
    assert_eq!(statements[3]["rewrites"][0], "public.orders");
    let locks = statements[3]["locks"].as_array().unwrap();
    let on_orders = locks
        .iter()
        .any(|lock| lock["relation"] == "public.orders" && lock["mode"] == "AccessExclusiveLock");
    assert!(!on_orders, "the statement before took it: {locks:?}");
}

#[test]
fn a_check_names_the_traffic_that_the_migration_breaks() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "ALTER TABLE orders RENAME COLUMN total TO amount;\n",
    );
    let output = scenario.command("check").output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{stdout}\n{stderr}");
    assert!(
        stdout.contains("read-order") && stdout.contains("42703"),
        "{stdout}"
    );
}

#[test]
fn lock_timeout_and_attempts_end_a_migration_that_cannot_get_its_lock() {
    // The traffic itself holds the table: every transaction keeps its lock for a while.
    let scenario = Scenario::new()
        .with(
            "read.sql",
            "BEGIN;\nSELECT count(*) FROM orders WHERE id < 10;\n\\sleep 150 ms\nCOMMIT;\n",
        )
        .replacing("rate = 200", "rate = 120")
        .replacing(
            "file = \"migration.sql\"",
            "file = \"migration.sql\"\nlock_timeout = \"50ms\"\nattempts = 3\nbackoff = \"100ms\"",
        );
    let report = rehearsed(&scenario, &["--set", "application.pool_size=15"], 1);
    let migration = &report["passes"][0]["migration"];
    assert_eq!(
        (&migration["outcome"], &migration["attempts"]),
        (&"failed".into(), &3.into())
    );
    assert_eq!(migration["error"]["sqlstate"], "55P03");
    let locks = migration["statements"][0]["locks"].as_array().unwrap();
    assert!(locks.is_empty(), "asked for, never held: {locks:?}");
}

#[test]
fn tables_without_rows_are_no_error() {
    let scenario = Scenario::new()
        .replacing("rows = \"2k\"", "rows = 0")
        .replacing(
            "sql = \"\\\\pick id orders.id\\nUPDATE orders SET note = 'seen' WHERE id = :id;\"",
            "sql = \"UPDATE orders SET note = 'seen' WHERE id = 1;\"",
        )
        .with("read.sql", "SELECT total FROM orders WHERE id = 1;\n");
    let output = scenario.command("run").output().unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{:?}",
        printed(&output)
    );
}

#[test]
fn verify_compares_with_what_is_expected() {
    let scenario = Scenario::new()
        .with("bad.sql", "LOCK TABLE orders;\nSELECT pg_sleep(3);\n")
        .replacing("[phases]", "[expect]\n\"bad.sql\" = \"unsafe\"\n[phases]");
    let output = scenario.command("verify").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{:?}", printed(&output));
    let wrong = scenario.replacing("\"unsafe\"", "\"safe\"");
    let output = wrong.command("verify").output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{stdout}\n{stderr}");
    assert!(stdout.contains("bad.sql"), "{stdout}");
}

#[test]
fn a_scenario_that_cannot_run_does_not_cost_the_others() {
    let expecting =
        || Scenario::new().replacing("[phases]", "[expect]\n\"bad.sql\" = \"unsafe\"\n[phases]");
    let bad = "LOCK TABLE orders;\nSELECT pg_sleep(3);\n";
    let broken = expecting()
        .with("bad.sql", bad)
        .with("schema.sql", "CREATE TABLE orders (id no_such_type);\n");
    let whole = expecting().with("bad.sql", bad);
    let out = whole.file("out");
    let output = broken
        .command("verify")
        .arg(whole.path())
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(4), "{stdout}\n{stderr}");
    assert!(stdout.contains("1 of 2 as expected"), "{stdout}");
    assert!(stderr.contains("no_such_type"), "{stderr}");
    let rows = fs::read_to_string(out.join("comparison.json")).unwrap();
    let rows: Value = serde_json::from_str(&rows).unwrap();
    let got = |row: usize| (rows[row]["got"].clone(), rows[row]["deciding"].to_string());
    let ((none, why), (outcome, _)) = (got(0), got(1));
    assert!(none.is_null() && why.contains("no_such_type"), "{rows}");
    assert_eq!(outcome, "unsafe");
}

/// The waits of a report's only pass whose root is the migration.
fn behind_migration(report: &Value) -> Vec<&Value> {
    let waits = report["passes"][0]["locks"]["waits"].as_array().unwrap();
    let owed = waits
        .iter()
        .filter(|wait| wait["root"]["kind"] == "migration");
    owed.collect()
}

#[test]
fn an_invariant_that_the_migration_breaks_is_unsafe() {
    let scenario = Scenario::new()
        .replacing(
            "[phases]",
            "[[invariants]]\nname = \"no-negative-total\"\nsql = \"SELECT count(*) FROM orders WHERE total < 0\"\nexpect = 0\n[phases]",
        )
        .with(
            "migration.sql",
            "ALTER TABLE orders DROP CONSTRAINT orders_total_check;\nUPDATE orders SET total = -1 WHERE id = 5;\n",
        );
    let report = rehearsed(&scenario, &[], 1);
    let finding = report["verdict"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "integrity")
        .unwrap();
    assert_eq!(finding["passed"], false);
    let detail = finding["detail"].as_str().unwrap();
    assert!(detail.contains("no-negative-total"), "{detail}");
}

#[test]
fn requests_under_way_when_the_migration_begins_are_its_victims_and_not_the_baselines() {
    // 18 requests are under way at any moment: 6 % of the baseline's.
    let scenario = Scenario::new()
        .with(
            "read.sql",
            "BEGIN;\n\\sleep 120 ms\n\\pick id orders.id\nSELECT total FROM orders WHERE id = :id;\nCOMMIT;\n",
        )
        .with("migration.sql", "LOCK TABLE orders;\nSELECT pg_sleep(2.5);\n")
        .replacing("rate = 200", "rate = 150")
        .replacing("pool_size = 3", "pool_size = 40")
        .replacing("acquire_timeout = \"1s\"", "acquire_timeout = \"9s\"");
    let report = rehearsed(&scenario, &[], 1);
    assert_balanced(&report);
    let stalled = &report["passes"][0]["phases"][1]["latency"]["max"];
    assert!(stalled.as_f64().unwrap() > 2.5, "{stalled}");
    let baseline = &report["passes"][0]["phases"][0]["latency"]["max"];
    assert!(baseline.as_f64().unwrap() < 2.5, "{baseline}");
}

#[test]
fn a_workload_that_is_slow_and_steady_can_be_judged() {
    let scenario = Scenario::new()
        .with("read.sql", "SELECT pg_sleep(0.35);\n")
        .replacing("rate = 200", "rate = 100")
        .replacing("pool_size = 3", "pool_size = 40");
    let output = scenario.command("run").output().unwrap();
    let (stdout, _) = printed(&output);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{stdout}");
    assert!(!stdout.contains("baseline already breaks"), "{stdout}");
}

#[test]
fn row_locks_are_blamed_on_the_statement_that_took_them() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "UPDATE orders SET note = 'x';\nSELECT pg_sleep(2.5);\n",
    );
    let report = rehearsed(&scenario, &[], 1);
    let finding = report["verdict"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "lock_wait")
        .unwrap();
    assert_eq!(finding["statement"], 0, "{finding}");
    let detail = finding["detail"].as_str().unwrap();
    assert!(detail.contains("a row of public.orders"), "{detail}");
}

#[test]
fn a_migration_that_ends_other_sessions_does_not_blind_the_lock_sampler() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgrehearse lock sampler';\nLOCK TABLE orders;\nSELECT pg_sleep(2.5);\n",
    );
    let report = rehearsed(&scenario, &[], 1);
    let longest = behind_migration(&report)[0]["length"].as_f64().unwrap();
    assert!(longest > 2.0, "{longest}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("lock sampler saw nothing"), "{notes}");
}

#[test]
fn a_retry_keeps_what_was_set_before_the_failed_transaction() {
    let scenario = Scenario::new()
        .with(
            "read.sql",
            "BEGIN;\nSELECT count(*) FROM orders WHERE id < 10;\n\\sleep 150 ms\nCOMMIT;\n",
        )
        .with(
            "migration.sql",
            "SET lock_timeout = '50ms';\nCREATE TABLE a (b int);\nALTER TABLE orders ADD COLUMN b int;\n",
        )
        .replacing("rate = 200", "rate = 120")
        .replacing("pool_size = 3", "pool_size = 15")
        .replacing(
            "file = \"migration.sql\"",
            "file = \"migration.sql\"\ntransaction = \"statement\"\nattempts = 3\nbackoff = \"50ms\"",
        );
    let report = rehearsed(&scenario, &[], 1);
    let migration = &report["passes"][0]["migration"];
    assert_eq!(migration["attempts"], 3);
    assert_eq!(migration["error"]["sqlstate"], "55P03");
    assert_eq!(migration["committed"], 2);
    let leftovers = report["integrity"]["leftovers"].to_string();
    assert!(leftovers.contains("statements 1 to 2"), "{leftovers}");
}

#[test]
fn a_commit_that_fails_is_unsafe() {
    let deferred = crate::fixture::SCHEMA.replace(
        "REFERENCES customers (id)",
        "REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED",
    );
    let scenario = Scenario::new().with("schema.sql", &deferred).with(
        "migration.sql",
        "INSERT INTO orders (customer_id, total) VALUES (-1, 1);\n",
    );
    let report = rehearsed(&scenario, &[], 1);
    let migration = &report["passes"][0]["migration"];
    assert_eq!(migration["error"]["sqlstate"], "23503");
    let message = migration["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("at COMMIT"), "{message}");
    let held = &migration["statements"][0]["locks"][0]["held"];
    assert!(
        held.as_f64().is_some(),
        "locks end with the failure: {held}"
    );
}

#[test]
fn an_invalid_index_that_a_failed_build_leaves_is_shown() {
    let scenario = Scenario::new()
        .with(
            "migration.sql",
            "CREATE UNIQUE INDEX CONCURRENTLY orders_customer ON orders (customer_id);\n",
        )
        .replacing(
            "file = \"migration.sql\"",
            "file = \"migration.sql\"\ntransaction = \"statement\"",
        );
    let output = scenario.command("run").output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{stdout}\n{stderr}");
    assert!(
        stdout.contains("23505") && stdout.contains("index public.orders_customer is not valid"),
        "{stdout}"
    );
}

#[test]
fn a_statement_is_told_apart_from_those_before_it_in_its_transaction() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,3);\n\
         CREATE INDEX orders_note ON orders (note);\n\
         CREATE TABLE audit (id int);\n\
         ALTER TABLE customers ADD CHECK (name <> '');\n\
         DROP TABLE customers CASCADE;\n",
    );
    let output = scenario.command("check").arg("--json").output().unwrap();
    let (stdout, stderr) = printed(&output);
    let report: Value = serde_json::from_str(&stdout).expect(&stderr);
    let told: Vec<String> = report["passes"][0]["migration"]["statements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| {
            let locks = statement["locks"].as_array().unwrap().iter();
            let locks: Vec<String> = locks
                .map(|lock| format!("{} {}", lock["relation"], lock["mode"]).replace('"', ""))
                .filter(|lock| !lock.contains("_id_seq") && !lock.contains("_pkey"))
                .collect();
            format!(
                "{} {} {} {}",
                statement["rewrites"],
                statement["scans"],
                statement["indexes_built"],
                locks.join(", ")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    ["public.orders"] ["public.orders"] ["public.orders_pkey"] public.orders AccessExclusiveLock, public.orders ShareLock
    [] ["public.orders"] ["public.orders_note"] 
    [] [] [] 
    [] ["public.customers"] [] public.customers AccessExclusiveLock
    [] [] []
    "#);
}
