//! `pgrehearse load` while its server fails it, as a user sees it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgrehearse::postgres::connect::connect;
use pgrehearse::shadow::Durability;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::existing::Existing;
use crate::load::{assert_balanced, of, phase};

/// How long a test waits for what must happen, before it gives up: long, as machines may be slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// A load, and the folder that its report comes into.
struct Running {
    tool: Child,
    out: TempDir,
}

/// The sessions that send.
const SESSIONS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrehearse traffic'";

/// Both loops, at eight connections.
const LOOPS: [&[&str]; 2] = [&["-c", "8"], &["-c", "8", "-R", "200"]];

const SCHEMA: &str = "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO t SELECT id, 0 FROM generate_series(1, 1000) id;";

impl Running {
    /// Starts a load of one writing and one reading script, and returns once it measures.
    fn start(url: &str, arguments: &[&str]) -> Self {
        let out = TempDir::new().unwrap();
        let script = |name: &str, text: &str| {
            let path = out.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let write = script(
            "write.sql",
            "\\set id random(1, 1000)\nUPDATE t SET n = n + 1 WHERE id = :id;\n\\sleep 2 ms\n",
        );
        let read = script("read.sql", "SELECT n FROM t WHERE id = 1;\n\\sleep 2 ms\n");
        let mut tool = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
            .args(["load", "--url", url, "-f", &write, "-f", &read])
            .args(["--i-know-this-is-disposable", "shop", "--out"])
            .arg(out.path().join("out"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(tool.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap);
        assert!(said.any(|line| line.starts_with("measuring")));
        // Read on, or the tool could not write.
        std::thread::spawn(move || said.for_each(drop));
        Self { tool, out }
    }

    /// The report of the finished load, which must be exact whatever became of it.
    #[track_caller]
    fn report(mut self, code: i32) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let ended = loop {
            match self.tool.try_wait().unwrap() {
                Some(ended) => break ended,
                None if Instant::now() > deadline => {
                    self.tool.kill().unwrap();
                    unreachable!("the load does not end");
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert_eq!(ended.code(), Some(code));
        let path: &Path = &self.out.path().join("out/report.json");
        let report = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        assert_balanced(&report);
        assert_sums_up(&report);
        report
    }
}

/// Every request of a phase is one of a kind, and every one that failed has its error.
#[track_caller]
fn assert_sums_up(report: &Value) {
    let phase = phase(report);
    let kinds = phase["transactions"].as_array().unwrap();
    for key in [
        "scheduled",
        "completed",
        "failed",
        "timed_out",
        "unfinished",
    ] {
        let sum: u64 = kinds.iter().map(|kind| of(kind, key)).sum();
        assert_eq!(of(phase, key), sum, "{key}");
    }
    for part in kinds.iter().chain([phase]) {
        let errors = part["errors"].as_object().unwrap();
        let told: u64 = errors.values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(
            of(part, "failed") + of(part, "timed_out"),
            told,
            "{errors:?}"
        );
    }
}

fn errors(report: &Value, kind: &str) -> u64 {
    phase(report)["errors"][kind].as_u64().unwrap_or(0)
}

/// What a server that goes away makes of requests: ended by an administrator or by a crash, not up yet, gone
/// without a word, and no connection in time.
#[track_caller]
fn assert_only_outage_errors(report: &Value) {
    let errors = phase(report)["errors"].as_object().unwrap();
    for kind in errors.keys() {
        let expected = [
            "57P01",
            "57P02",
            "57P03",
            "connection_lost",
            "acquire_timeout",
        ];
        assert!(expected.contains(&kind.as_str()), "{errors:?}");
    }
}

/// The last whole seconds of the series have successes again.
#[track_caller]
fn assert_recovered(report: &Value) {
    let series = report["passes"][0]["series"].as_array().unwrap();
    let rates: Vec<f64> = series
        .iter()
        .map(|second| second["rate"].as_f64().unwrap())
        .collect();
    assert!(
        rates.iter().rev().take(2).all(|&rate| rate > 0.0),
        "{rates:?}"
    );
}

/// What was written is what succeeded, but for commits whose answers got lost.
async fn assert_nothing_twice(existing: &Existing, report: &Value) {
    let written = existing.number("shop", "SELECT sum(n) FROM t").await;
    let kinds = phase(report)["transactions"].as_array().unwrap();
    let write = kinds.iter().find(|kind| kind["name"] == "write.sql");
    let write = write.unwrap();
    let (completed, failed) = (of(write, "completed"), of(write, "failed"));
    let written = u64::try_from(written).unwrap();
    assert!(
        (completed..=completed + failed).contains(&written),
        "{written} written, {completed} completed, {failed} failed"
    );
}

/// The server lists a session a moment longer than it has a client.
async fn assert_nothing_left(existing: &Existing) {
    let deadline = Instant::now() + PATIENCE;
    while existing.number("postgres", SESSIONS).await > 0 {
        assert!(Instant::now() < deadline, "sessions are left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn sessions_that_are_ended_are_replaced() {
    let existing = Existing::start().await;
    for (round, arguments) in LOOPS.iter().enumerate() {
        let url = existing.database("shop", SCHEMA).await;
        let running = Running::start(&url, &[arguments, &["-T", "6s"][..]].concat());
        let session = connect(&existing.server.config(), "test").await.unwrap();
        let mut ended = 0;
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let end_all = SESSIONS.replace("count(*)", "count(pg_terminate_backend(pid))");
            ended += number(&session.client, &end_all).await;
        }
        assert!(ended > 8, "{ended} sessions in all");
        let report = running.report(0);
        assert_recovered(&report);
        // In a closed loop somebody is always in the middle of something.
        let lost = errors(&report, "57P01") + errors(&report, "connection_lost");
        assert!(lost > 0 || round > 0, "{}", phase(&report)["errors"]);
        assert!(lost <= u64::try_from(ended).unwrap());
        assert_nothing_twice(&existing, &report).await;
        assert_nothing_left(&existing).await;
        let drop = "DROP DATABASE shop WITH (FORCE)";
        session.client.batch_execute(drop).await.unwrap();
        session.close().await.unwrap();
    }
}

/// How a server goes away and comes back by itself.
#[derive(Debug, Clone, Copy)]
enum Outage {
    /// A fast shutdown, and a start.
    Restart,
    /// A process of it is killed, upon which all others are ended at once and it recovers from its log, as
    /// after an immediate shutdown.
    Crash,
}

impl Outage {
    async fn strike(self, existing: &mut Existing) {
        match self {
            Outage::Restart => existing
                .server
                .restart(Durability::Production)
                .await
                .unwrap(),
            Outage::Crash => {
                let session = connect(&existing.server.config(), "test").await.unwrap();
                let victim = "SELECT pg_backend_pid()";
                let row = session.client.query_one(victim, &[]).await.unwrap();
                let victim = Pid::from_raw(row.get(0)).unwrap();
                kill_process(victim, Signal::KILL).unwrap();
            }
        }
    }
}

/// A load in whose midst the server goes away and comes back.
async fn survives(outage: Outage) {
    for (round, arguments) in LOOPS.iter().enumerate() {
        let mut existing = Existing::start().await;
        let url = existing.database("shop", SCHEMA).await;
        let running = Running::start(&url, &[arguments, &["-T", "15s"][..]].concat());
        tokio::time::sleep(Duration::from_secs(1)).await;
        outage.strike(&mut existing).await;
        let report = running.report(0);
        assert_recovered(&report);
        assert_nothing_twice(&existing, &report).await;
        assert_nothing_left(&existing).await;
        assert_only_outage_errors(&report);
        // In a closed loop somebody is always in the middle of something.
        let told = phase(&report)["errors"].as_object().unwrap();
        assert!(!told.is_empty() || round > 0);
        let told = report["passes"][0]["events"].as_array().unwrap();
        for event in ["connection_lost", "reconnected"] {
            let told_of = |told: &Value| told["event"] == event;
            assert!(told.iter().any(told_of), "{event}: {told:?}");
        }
    }
}

#[tokio::test]
async fn a_restart_of_the_server_is_survived() {
    survives(Outage::Restart).await;
}

#[tokio::test]
async fn a_crash_of_the_server_is_survived() {
    survives(Outage::Crash).await;
}

#[tokio::test]
async fn a_server_that_is_gone_for_good_is_reported() {
    for arguments in LOOPS {
        let existing = Existing::start().await;
        let url = existing.database("shop", SCHEMA).await;
        let running = Running::start(&url, &[arguments, &["-T", "3s"]].concat());
        tokio::time::sleep(Duration::from_secs(1)).await;
        existing.server.stop().await.unwrap();
        let report = running.report(0);
        let phase = phase(&report);
        assert!(of(phase, "completed") > 0);
        assert_only_outage_errors(&report);
        assert!(!phase["errors"].as_object().unwrap().is_empty());
    }
}
