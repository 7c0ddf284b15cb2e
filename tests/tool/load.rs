//! `pgrehearse load` as people call it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::existing::Existing;
use crate::fixture::{Scenario, pgrehearse, printed};

/// What `pgbench -i -s 2` makes, with fewer accounts than it would.
const PGBENCH: &str = "
    CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88));
    CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84));
    CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
    CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
    INSERT INTO pgbench_branches SELECT n, 0 FROM generate_series(1, 2) n;
    INSERT INTO pgbench_tellers SELECT n, 1 + n % 2, 0 FROM generate_series(1, 20) n;
    INSERT INTO pgbench_accounts SELECT n * 10, 1 + n % 2, 0 FROM generate_series(1, 20000) n;";

fn load(url: &str, arguments: &[&str]) -> Output {
    let mut command = pgrehearse();
    command.args(["load", "--quiet", "--url", url]);
    command.args(arguments).output().unwrap()
}

/// Demands an exit code and hands the report back that `--json` prints.
#[track_caller]
fn report(output: &Output, code: i32) -> Value {
    let (stdout, stderr) = printed(output);
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// Demands a refusal that says all this.
#[track_caller]
fn refused(output: &Output, code: i32, says: &[&str]) {
    let (_, stderr) = printed(output);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for words in says {
        assert!(stderr.contains(words), "not said: {words}\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

pub(crate) fn phase(report: &Value) -> &Value {
    let phases = report["passes"][0]["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 1, "a load has one phase");
    &phases[0]
}

pub(crate) fn of(phase: &Value, key: &str) -> u64 {
    phase["accounting"][key].as_u64().unwrap()
}

#[track_caller]
pub(crate) fn assert_balanced(report: &Value) {
    let phase = phase(report);
    for part in phase["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .chain([phase])
    {
        let ends = ["completed", "failed", "timed_out", "shed", "unfinished"];
        let ends: u64 = ends.iter().map(|end| of(part, end)).sum();
        assert_eq!(of(part, "scheduled"), ends, "{}", part["accounting"]);
    }
}

#[test]
fn a_scenario_needs_no_migration() {
    let scenario = Scenario::new().replacing("[migration]\nfile = \"migration.sql\"\n", "");
    let out = scenario.file("out");
    let output = scenario
        .command("load")
        .args(["--duration", "2", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    for words in [
        "LOAD",
        "transactions/s",
        "read-order",
        "touch-order",
        "p99.9",
    ] {
        assert!(stdout.contains(words), "not said: {words}\n{stdout}");
    }
    let text = fs::read_to_string(out.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_balanced(&report);
    assert_eq!(report["passes"][0]["name"], "load");
    assert_eq!(report["passes"][0]["migration"], Value::Null);
    assert_eq!(phase(&report)["name"], "baseline");
    assert!(of(phase(&report), "completed") > 0);
    assert_eq!(report["fill"]["rows"], 2_200);
    let verdict = &report["verdict"];
    assert_eq!(verdict["outcome"], Value::Null);
    assert!(
        verdict["reasons"][0]
            .as_str()
            .unwrap()
            .contains("not judged")
    );
    assert_eq!(verdict["findings"], Value::Array(Vec::new()));
    let usage = &report["load"]["usage"];
    assert!(usage["cpu"].as_f64().unwrap() > 0.0, "{usage}");
    assert!(
        usage["cpu_per_transaction"].as_f64().unwrap() > 0.0,
        "{usage}"
    );
    assert!(report["plan"]["limits"].is_null(), "nothing is judged");
    let markdown = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(markdown.starts_with("# Load: A small shop"), "{markdown}");
}

#[test]
fn a_scenario_says_itself_what_is_sent() {
    let scenario = Scenario::new();
    for (flags, says) in [
        (["--builtin", "select-only"], "--file and --builtin"),
        (
            ["--i-know-this-is-disposable", "x"],
            "--i-know-this-is-disposable",
        ),
        (["--url", "postgres:///shop"], "leave --url out"),
        (["--rate=5", "--clients=2"], "--rate with --clients"),
    ] {
        let output = scenario.command("load").args(flags).output().unwrap();
        refused(&output, 2, &[says]);
    }
}

#[test]
fn what_is_missing_is_said_before_anything_is_connected_to() {
    let nowhere = "postgres://%2Fnowhere/x";
    refused(&pgrehearse().arg("load").output().unwrap(), 2, &["--url"]);
    refused(&load(nowhere, &["--rate", "10"]), 2, &["--builtin"]);
    refused(&load(nowhere, &["-S"]), 2, &["--rate", "--clients"]);
    refused(&load(nowhere, &["-S", "-R", "0"]), 2, &["above 0"]);
    refused(
        &load(nowhere, &["-b", "tpcc", "-c", "1"]),
        2,
        &["tpcb-like"],
    );
    refused(
        &load(nowhere, &["-f", "/no/such.sql", "-c", "1"]),
        2,
        &["/no/such.sql"],
    );
    refused(
        &load(nowhere, &["-S", "-c", "1", "--set", "a=b"]),
        2,
        &["--url"],
    );
    let unnamed = load(nowhere, &["-S", "-c", "1", "-D", "9=1"]);
    refused(&unnamed, 2, &["`9"]);
    refused(
        &load(nowhere, &["-S", "-c", "1"]),
        4,
        &["cannot connect", "nowhere"],
    );
}

#[test]
fn rows_of_a_fill_are_not_known_without_the_scenario() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("pick.sql");
    let nowhere = "postgres://%2Fnowhere/x";
    for (text, place, says) in [
        (
            "SELECT 1;\n\\pick id orders.id\nSELECT :id;\n",
            "pick.sql:2:",
            "scenario",
        ),
        ("SELECT :rows_orders;\n", "pick.sql:1:", "rows_orders"),
    ] {
        fs::write(&script, text).unwrap();
        let output = load(nowhere, &["-f", script.to_str().unwrap(), "-R", "10"]);
        refused(&output, 2, &[place, says]);
    }
}

#[tokio::test]
async fn what_only_reads_may_be_sent_anywhere_and_the_server_sees_to_it() {
    let existing = Existing::start().await;
    let url = existing
        .database(
            "bench",
            &format!(
                "{PGBENCH} CREATE FUNCTION spend() RETURNS int LANGUAGE sql AS
                 'UPDATE pgbench_branches SET bbalance = bbalance - 1 RETURNING bbalance'"
            ),
        )
        .await;
    let output = load(&url, &["-S", "-R", "200", "-c", "4", "-T", "2", "--json"]);
    let read = report(&output, 0);
    assert_balanced(&read);
    assert_eq!(phase(&read)["errors"], serde_json::json!({}));
    assert_eq!(read["load"]["target"]["database"], "bench");
    assert_eq!(read["load"]["target"]["licence"], "read only");
    assert_eq!(
        read["passes"][0]["locks"]["samples"], 0,
        "only with --locks"
    );
    let connections = &read["passes"][0]["series"][0]["connections"];
    assert_eq!(connections, 4);

    let folder = TempDir::new().unwrap();
    let script = folder.path().join("spend.sql");
    fs::write(&script, "SELECT spend();\n").unwrap();
    let script = script.to_str().unwrap();
    let output = load(&url, &["-f", script, "-R", "50", "-T", "1", "--json"]);
    let spent = report(&output, 1);
    assert_balanced(&spent);
    assert_eq!(of(phase(&spent), "completed"), 0);
    assert!(phase(&spent)["errors"]["25006"].as_u64().unwrap() > 0);
    let notes = spent["notes"].to_string();
    assert!(notes.contains("no transaction succeeded"), "{notes}");
    let balance = "SELECT sum(bbalance) FROM pgbench_branches";
    assert_eq!(existing.number("bench", balance).await, 0);
}

#[tokio::test]
async fn what_writes_is_sent_only_where_somebody_said_so() {
    let existing = Existing::start().await;
    let url = existing.database("bench", PGBENCH).await;
    let tpcb = ["-b", "tpcb-like", "-R", "50", "-T", "1", "--json"];
    let sent = "SELECT count(*) FROM pgbench_history";
    let output = load(&url, &tpcb);
    refused(
        &output,
        4,
        &[
            "tpcb-like:6",
            "UPDATE pgbench_accounts",
            "--i-know-this-is-disposable bench",
            "mark",
        ],
    );
    assert_eq!(existing.number("bench", sent).await, 0);

    let named = |name| {
        let confirmation = ["--i-know-this-is-disposable", name];
        load(&url, &[&tpcb[..], &confirmation].concat())
    };
    refused(&named("other"), 2, &["`other`", "`bench`"]);
    assert_eq!(existing.number("bench", sent).await, 0);
    let confirmed = report(&named("bench"), 0);
    let completed = of(phase(&confirmed), "completed");
    assert_balanced(&confirmed);
    assert_eq!(
        existing.number("bench", sent).await,
        i64::try_from(completed).unwrap(),
        "every transaction that counts as completed is in the history"
    );

    let mut mark = pgrehearse();
    mark.args(["mark", &url, "--i-know-this-is-disposable", "bench"]);
    assert_eq!(mark.output().unwrap().status.code(), Some(0));
    let marked = report(&load(&url, &tpcb), 0);
    assert_eq!(marked["load"]["target"]["licence"], "marked as disposable");
}

#[tokio::test]
async fn scripts_have_weights_and_errors_are_told_by_sqlstate() {
    let existing = Existing::start().await;
    let url = existing.database("bench", PGBENCH).await;
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // `:scale` is the number of branches, as pgbench counts them.
    let scale = file(
        "scale.sql",
        "SELECT 1 / (:scale = 2 AND :given = 7)::int;\n",
    );
    let failing = file(
        "failing.sql",
        "\\set n random(1, 9)\nSELECT 1 / (:n::int - :n::int);\n",
    );
    let never = file("never.sql", "SELECT pg_sleep(100);\n");
    let (scale, failing, never) = (
        format!("{scale}@8"),
        format!("{failing}@2"),
        format!("{never}@0"),
    );
    let output = load(
        &url,
        &[
            "-f", &scale, "-f", &failing, "-f", &never, "-b", "se", "-R", "300", "-T", "2", "-M",
            "extended", "--seed", "5", "-D", "given=7", "--locks", "--json",
        ],
    );
    let report = report(&output, 0);
    assert_balanced(&report);
    let kinds = phase(&report)["transactions"].as_array().unwrap();
    let named = |name: &str| kinds.iter().find(|kind| kind["name"] == name).unwrap();
    assert_eq!(of(named("never.sql"), "scheduled"), 0);
    assert_eq!(named("scale.sql")["errors"], serde_json::json!({}));
    let failed = of(named("failing.sql"), "failed");
    assert_eq!(named("failing.sql")["errors"]["22012"], failed);
    assert!(failed > 0 && of(named("failing.sql"), "completed") == 0);
    let all = of(phase(&report), "scheduled") as f64;
    let share = of(named("scale.sql"), "scheduled") as f64 / all;
    assert!((share - 8.0 / 11.0).abs() < 0.1, "{share}");
    assert_eq!(report["plan"]["seed"], 5);
    assert_eq!(report["plan"]["traffic"]["protocol"], "extended");
    assert!(report["passes"][0]["locks"]["samples"].as_u64().unwrap() > 0);
    let first = &report["passes"][0]["first_failures"];
    assert_eq!(first.as_array().unwrap().len(), 1, "{first}");
    assert_eq!(first[0]["transaction"], "failing.sql");
    assert_eq!(first[0]["error"], "22012");
    assert_eq!(first[0]["message"], "division by zero");
    let place = first[0]["place"].as_str().unwrap();
    assert!(place.ends_with("failing.sql:2:1"), "{place}");
}

#[tokio::test]
async fn what_fails_always_says_why_and_where() {
    let existing = Existing::start().await;
    let url = existing.database("bench", PGBENCH).await;
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("range.sql");
    fs::write(&script, "\\set n random(9, 1)\nSELECT :n;\n").unwrap();
    let output = load(
        &url,
        &["-f", script.to_str().unwrap(), "-c", "1", "-T", "1"],
    );
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{stdout}\n{stderr}");
    let words = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["range.sql:1:8:", "empty range given to random"] {
        assert!(words.contains(said), "{stdout}");
    }
}

#[tokio::test]
async fn a_full_server_is_told_in_terms_of_clients() {
    let existing = Existing::start().await;
    let url = existing.database("bench", PGBENCH).await;
    let output = load(&url, &["-S", "-c", "5000", "-T", "1"]);
    refused(
        &output,
        4,
        &["5,000 connections", "fewer --clients", "max_connections"],
    );
}

/// Starts a load of an hour and returns once it measures.
fn begin(url: &str, arguments: &[&str]) -> Child {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
        .args(["load", "--url", url, "-S", "-R", "100", "-T", "1h"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = tool.stderr.take().unwrap();
    let mut said = BufReader::new(stderr).lines().map(Result::unwrap);
    let first = said.next().unwrap();
    assert!(
        first.contains("/bench:") && first.contains("system identifier"),
        "{first}"
    );
    assert!(said.any(|line| line.starts_with("measuring")));
    // Read on, or the tool could not write.
    std::thread::spawn(move || said.for_each(drop));
    tool
}

fn interrupt(tool: &Child) {
    let pid = Pid::from_raw(tool.id().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

#[tokio::test]
async fn an_interrupt_reports_what_was_measured_and_leaves_no_session() {
    let existing = Existing::start().await;
    let url = existing.database("bench", PGBENCH).await;
    let out = TempDir::new().unwrap();
    let mut tool = begin(&url, &["--out", out.path().to_str().unwrap()]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    interrupt(&tool);
    assert_eq!(tool.wait().unwrap().code(), Some(130));
    let text = fs::read_to_string(out.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["interrupted"], true);
    assert_balanced(&report);
    assert!(of(phase(&report), "completed") > 0);
    assert!(
        phase(&report)["end"].as_f64().unwrap() < 600.0,
        "as long as it lasted"
    );
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgrehearse%'";
    // The server lists a session a moment longer than it has a client.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while existing.number("postgres", sessions).await > 0 {
        assert!(std::time::Instant::now() < deadline, "sessions are left");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
