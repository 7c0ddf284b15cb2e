//! Rehearsals in which the next release comes, as a user runs them.

use std::fs;

use crate::fixture::{Scenario, printed};
use serde_json::Value;

/// A scenario whose next release reads a column that the migration brings, in the place of `read-order`, and
/// sends a report beside it.
fn releasing(release: &str) -> Scenario {
    let next = r#"
[[traffic.transactions]]
name = "read-shipped"
role = "next"
replaces = "read-order"
sql = '''
\pick id orders.id
SELECT total, shipped_at FROM orders WHERE id = :id;
'''
[[traffic.transactions]]
name = "report"
role = "next"
sql = "SELECT count(*) FROM orders WHERE shipped_at IS NULL"

"#;
    let before = "[application]\n";
    Scenario::new().replacing(before, &format!("{next}{release}\n{before}"))
}

/// The report of a run, which must not be what `not` is.
#[track_caller]
fn ran(scenario: &Scenario, codes: &[i32]) -> (Value, String) {
    let out = scenario.file("out");
    let mut command = scenario.command("run");
    let output = command.arg("--out").arg(&out).output().unwrap();
    let (stdout, stderr) = printed(&output);
    let code = output.status.code().unwrap();
    assert!(codes.contains(&code), "{code}\n{stdout}\n{stderr}");
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    (serde_json::from_str(&report).unwrap(), stdout)
}

/// When the instances went over.
fn released(report: &Value) -> Vec<f64> {
    let events = report["passes"][0]["events"].as_array().unwrap();
    let released = events.iter().filter(|event| event["event"] == "released");
    released
        .map(|event| event["at"].as_f64().unwrap())
        .collect()
}

/// What was due of a kind in the baseline, the migration and the recovery; all of it balances.
fn due(report: &Value, kind: &str) -> Vec<u64> {
    let phases = report["passes"][0]["phases"].as_array().unwrap();
    let due = phases.iter().map(|phase| {
        let kinds = phase["transactions"].as_array().unwrap();
        let kind = kinds.iter().find(|one| one["name"] == kind).unwrap();
        let of = |key: &str| kind["accounting"][key].as_u64().unwrap();
        let ends = ["completed", "failed", "timed_out", "shed", "unfinished"];
        assert_eq!(of("scheduled"), ends.map(of).iter().sum::<u64>());
        of("scheduled")
    });
    due.collect()
}

#[test]
fn by_default_the_code_comes_after_the_migration_and_all_goes_well() {
    let scenario = releasing("[release]\nrolling = \"100ms\"");
    // A busy machine may make the generator late: that is inconclusive, but never unsafe.
    let (report, stdout) = ran(&scenario, &[0, 3]);
    assert_eq!(report["plan"]["release"]["next_from"], "migration-end");
    let migration = &report["passes"][0]["migration"];
    let (end, released) = (migration["end"].as_f64().unwrap(), released(&report));
    assert_eq!(released.len(), 2);
    assert!(released.iter().all(|at| *at >= end), "{released:?}, {end}");
    assert!(released[1] >= end + 0.1, "{released:?}, {end}");
    for kind in ["read-shipped", "report"] {
        let due = due(&report, kind);
        assert_eq!(due[0], 0);
        assert!(due[2] > 0, "{kind}: {due:?}");
    }
    let errors = &report["passes"][0]["phases"][2]["errors"];
    assert!(errors.get("42703").is_none(), "{errors}");
    for told in [
        "read-shipped (next)",
        "the next release runs: 2 of 2 instances",
    ] {
        assert!(stdout.contains(told), "{stdout}");
    }
    let next = &report["passes"][0]["next"];
    assert_eq!(next[0]["replaces"], "read-order");
}

#[test]
fn code_that_comes_before_its_migration_is_unsafe_and_named() {
    let scenario = releasing("[release]\nnext_from = \"-500ms\"").with(
        "migration.sql",
        "SELECT pg_sleep(2);\nALTER TABLE orders ADD COLUMN shipped_at timestamptz;\n",
    );
    let (report, stdout) = ran(&scenario, &[1]);
    let start = report["passes"][0]["migration"]["start"].as_f64().unwrap();
    let released = released(&report);
    assert_eq!(released.len(), 2);
    assert!(
        released.iter().all(|at| *at < start),
        "{released:?}, {start}"
    );
    // The baseline ends with the release, and keeps its length.
    assert_eq!(due(&report, "read-shipped")[0], 0);
    let migrating = &report["passes"][0]["phases"][1];
    let began = migrating["start"].as_f64().unwrap();
    assert!(began >= 2.0 && start >= began + 0.5, "{began}, {start}");
    let errors = &migrating["errors"];
    assert!(errors["42703"].as_u64().unwrap() > 100, "{errors}");
    assert!(stdout.contains("42703"), "{stdout}");
    let findings = report["verdict"]["findings"].as_array().unwrap();
    let unavailable = findings
        .iter()
        .find(|one| one["rule"] == "unavailable")
        .unwrap();
    assert_eq!(unavailable["passed"], false);
    let kind = unavailable["transaction"].as_str().unwrap();
    assert!(["read-shipped", "report"].contains(&kind), "{kind}");
}

#[test]
fn after_a_migration_that_failed_no_release_comes() {
    let scenario = releasing("").with(
        "migration.sql",
        "ALTER TABLE orders ADD COLUMN note text;\n",
    );
    let (report, _) = ran(&scenario, &[1]);
    assert!(released(&report).is_empty());
    assert_eq!(due(&report, "report"), [0, 0, 0]);
    let regardless = releasing("[release]\nnext_from = \"migration-start\"").with(
        "migration.sql",
        "ALTER TABLE orders ADD COLUMN note text;\n",
    );
    let (report, _) = ran(&regardless, &[1]);
    assert_eq!(released(&report).len(), 2);
    assert!(due(&report, "report")[2] > 0);
}

#[test]
fn a_check_says_what_of_the_next_release_needs_the_migration_and_what_it_still_misses() {
    let check = |scenario: &Scenario, code: i32| {
        let output = scenario.command("check").arg("--json").output().unwrap();
        let (stdout, stderr) = printed(&output);
        assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
        serde_json::from_str::<Value>(&stdout).unwrap()
    };
    let notes = |report: &Value| -> Vec<String> {
        let notes = report["notes"].as_array().unwrap().iter();
        let notes = notes.map(|note| note.as_str().unwrap().to_owned());
        notes
            .filter(|note| note.contains("needs the migration"))
            .collect()
    };
    let first = check(&releasing(""), 0);
    assert!(first["broken_statements"].as_array().unwrap().is_empty());
    let [read, report] = &notes(&first)[..] else {
        panic!("two statements: {first}")
    };
    assert!(
        read.contains("read-shipped") && read.contains("42703"),
        "{read}"
    );
    assert!(report.ends_with("which comes first"), "{report}");
    let early = check(&releasing("[release]\nnext_from = \"-5s\""), 0);
    assert!(
        notes(&early)[0].ends_with("`release.next_from = \"-5.00 s\"` does not wait for its end"),
        "{early}"
    );

    let missing = "ALTER TABLE orders ADD COLUMN shipped date;\n";
    let report = check(&releasing("").with("migration.sql", missing), 1);
    let broken = report["broken_statements"].as_array().unwrap();
    let broken: Vec<(&str, &str)> = broken
        .iter()
        .map(|one| {
            (
                one["transaction"].as_str().unwrap(),
                one["role"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(broken, [("read-shipped", "next"), ("report", "next")]);
    assert!(notes(&report).is_empty(), "{report}");
}

/// The statements that break of a code on a schema, as `transaction SQLSTATE`.
fn broken(report: &Value, code: &str, schema: &str) -> Vec<String> {
    let cells = report["compatibility"].as_array().unwrap();
    let cell = cells
        .iter()
        .find(|cell| cell["code"] == code && cell["schema"] == schema)
        .unwrap();
    let broken = cell["broken"].as_array().unwrap().iter();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    broken
        .map(|one| format!("{} {}", text(one, "transaction"), text(one, "sqlstate")))
        .collect()
}

#[test]
fn a_check_tells_which_code_runs_on_which_schema() {
    let insert = r#"
[[traffic.transactions]]
name = "add-order"
sql = "\\pick id customers.id\nINSERT INTO orders (customer_id, total) VALUES (:id, 7);"
[[traffic.transactions]]
name = "add-shipped"
role = "next"
replaces = "add-order"
sql = "\\pick id customers.id\nINSERT INTO orders (customer_id, total, shipped_at) VALUES (:id, 7, now());"
"#;
    let loose = r#"
[[traffic.transactions]]
name = "add-loose"
role = "next"
sql = "INSERT INTO orders (total) VALUES (7);"

"#;
    let check_with = |kinds: &str, migration: &str, code: i32| {
        let before = "[application]\n";
        let scenario = releasing("").replacing(before, &format!("{kinds}{before}"));
        let scenario = scenario.with("migration.sql", migration);
        let out = scenario.file("out");
        let mut command = scenario.command("check");
        let output = command.arg("--out").arg(&out).output().unwrap();
        let (stdout, stderr) = printed(&output);
        assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
        let report = fs::read_to_string(out.join("report.json")).unwrap();
        (serde_json::from_str::<Value>(&report).unwrap(), stdout)
    };
    let check = |migration: &str, code| check_with(insert, migration, code);
    let needs = ["read-shipped 42703", "report 42703", "add-shipped 42703"];
    let add = "ALTER TABLE orders ADD COLUMN shipped_at timestamptz";
    let (report, stdout) = check(&format!("{add};\n"), 0);
    assert!(broken(&report, "old", "old").is_empty());
    assert!(broken(&report, "old", "new").is_empty());
    assert_eq!(broken(&report, "new", "old"), needs);
    assert!(broken(&report, "new", "new").is_empty());
    assert!(stdout.contains("the migration must come first"), "{stdout}");

    // It prepares, and fails when it is sent. Only on an empty table can such a column be added.
    let (report, stdout) = check(&format!("{add} NOT NULL;\n"), 1);
    assert_eq!(broken(&report, "old", "new"), ["add-order 23502"]);
    assert!(broken(&report, "new", "new").is_empty());
    assert!(stdout.contains("split the migration"), "{stdout}");
    assert_eq!(report["broken_statements"][0]["transaction"], "add-order");

    // A default, or whoever fills the column in before each row, is value enough.
    let (report, _) = check(&format!("{add} NOT NULL DEFAULT now();\n"), 0);
    assert!(broken(&report, "old", "new").is_empty());
    let trigger = format!(
        "{add} NOT NULL;\nCREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         NEW.shipped_at := now(); RETURN NEW; END $$;\nCREATE TRIGGER fill BEFORE INSERT ON orders \
         FOR EACH ROW EXECUTE FUNCTION fill();\n"
    );
    let (report, _) = check(&trigger, 0);
    assert!(broken(&report, "old", "new").is_empty());

    // What the next release leaves out, only the old schema asks for.
    let loosened = format!("{add};\nALTER TABLE orders ALTER customer_id DROP NOT NULL;\n");
    let (report, _) = check_with(loose, &loosened, 0);
    let expected = ["read-shipped 42703", "report 42703", "add-loose 23502"];
    assert_eq!(broken(&report, "new", "old"), expected);
    assert!(broken(&report, "new", "new").is_empty());
    // Where the migration does not loosen it, it fails after it too.
    let (report, _) = check_with(loose, &format!("{add};\n"), 1);
    assert_eq!(broken(&report, "new", "new"), ["add-loose 23502"]);
}

#[test]
fn orders_of_release_and_migration_are_shown_side_by_side() {
    let scenario = releasing("[release]\nnext_from = \"-500ms\"").with(
        "migration.sql",
        "SELECT pg_sleep(2);\nALTER TABLE orders ADD COLUMN shipped_at timestamptz;\n",
    );
    let out = scenario.file("out");
    let mut command = scenario.command("run");
    command.args(["--ordering", "migration-first", "--ordering", "app-first"]);
    let output = command.arg("--out").arg(&out).output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{stdout}\n{stderr}");
    let read = |path: &str| {
        let text = fs::read_to_string(out.join(path)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let rows = read("comparison.json");
    let orders: Vec<&str> = (rows.as_array().unwrap().iter())
        .map(|row| row["ordering"].as_str().unwrap())
        .collect();
    assert_eq!(orders, ["app-first", "migration-first"]);
    assert_eq!(rows[0]["got"], "unsafe");
    assert_ne!(rows[1]["got"], "unsafe");
    let early = read("migration-app-first/report.json");
    assert_eq!(early["plan"]["release"]["ordering"], "app-first");
    assert_eq!(early["plan"]["release"]["next_from"], "-500 ms");
    let late = read("migration-migration-first/report.json");
    assert_eq!(late["plan"]["release"]["next_from"], "migration-end");
    assert!(stdout.contains("app-first"), "{stdout}");
}

#[test]
fn an_order_needs_a_next_release() {
    let scenario = Scenario::new();
    let mut command = scenario.command("run");
    let output = command.args(["--ordering", "all"]).output().unwrap();
    let (_, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("role = \"next\""), "{stderr}");
    let mut command = scenario.command("run");
    let output = command.args(["--ordering", "code-first"]).output().unwrap();
    assert!(
        printed(&output)
            .1
            .contains("migration-first, rolling, or all")
    );
}

#[test]
fn a_load_is_the_current_releases() {
    let scenario = releasing("");
    let output = scenario.command("load").arg("--json").output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let kinds = report["passes"][0]["phases"][0]["transactions"]
        .as_array()
        .unwrap();
    let kinds: Vec<&str> = kinds
        .iter()
        .map(|kind| kind["name"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["read-order", "touch-order"]);
    assert!(
        stdout.contains("its transactions are not sent: read-shipped, report"),
        "{stdout}"
    );
}
