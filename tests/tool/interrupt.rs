//! Ctrl-C, SIGTERM and `kill -9` of the tool: what was measured is reported, and nothing stays behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::Scenario;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Starts a long rehearsal whose shadows live in a directory of their own.
fn start(scenario: &Scenario, shadows: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
        .arg("run")
        .arg(scenario.path())
        .args(["--set", "phases.baseline=60s", "--out"])
        .arg(scenario.file("out"))
        .env("TMPDIR", shadows)
        .env("PGREHEARSE_CACHE_DIR", scenario.file("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A short-named directory that the server's own user can enter.
fn shadows() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("pgr")
        .tempdir_in("/tmp")
        .unwrap();
    fs::set_permissions(
        folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    folder
}

/// Waits until `found` gives something, for a minute at most.
#[track_caller]
fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what} did not come"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The server's postmaster.pid once traffic flows (its log tells of the second start).
fn postmaster(shadows: &Path) -> Option<i32> {
    let directory = shadow_directories(shadows).pop()?;
    let text = fs::read_to_string(directory.join("data/postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}

fn shadow_directories(shadows: &Path) -> Vec<PathBuf> {
    fs::read_dir(shadows)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Whether the application's sessions are there: the traffic has begun.
fn traffic_flows(postmaster: i32) -> bool {
    let sessions = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process = entry.ok()?.path();
        let stat = fs::read_to_string(process.join("stat")).ok()?;
        let (_, after) = stat.rsplit_once(") ")?;
        let title = fs::read_to_string(process.join("cmdline")).ok()?;
        // How many processes of its own a server has depends on its version.
        (after.split(' ').nth(1)? == postmaster.to_string() && title.contains("[local]"))
            .then_some(())
    });
    // The application's; nothing else has so many.
    sessions.count() >= 6
}

fn alive(pid: i32) -> bool {
    // A zombie has ended: its parent has only not been told yet.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, state)| !state.starts_with('Z'))
    })
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

fn until_traffic(shadows: &Path) -> i32 {
    wait_for("traffic", || {
        postmaster(shadows).filter(|&pid| traffic_flows(pid))
    })
}

#[test]
fn the_first_interrupt_reports_and_leaves_nothing() {
    for stop in [Signal::INT, Signal::TERM] {
        let (scenario, shadows) = (Scenario::new(), shadows());
        let mut tool = start(&scenario, shadows.path());
        let server = until_traffic(shadows.path());
        signal(&tool, stop);
        assert_eq!(tool.wait().unwrap().code(), Some(130));
        assert!(!alive(server));
        assert_eq!(shadow_directories(shadows.path()), Vec::<PathBuf>::new());
        let report = fs::read_to_string(scenario.file("out/report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["verdict"]["outcome"], "inconclusive");
        assert_eq!(report["interrupted"], true);
    }
}

#[test]
fn an_interrupt_once_the_migration_began_is_reported_and_never_safe() {
    let slow = Scenario::new().with("migration.sql", "SELECT pg_sleep(60);\n");
    for (scenario, phase, migration) in [
        (slow, "statement 1", "aborted"),
        (Scenario::new(), "recovery", "applied"),
    ] {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
            .arg("run")
            .arg(scenario.path())
            .args(["--set", "phases.recovery=60s", "--out"])
            .arg(scenario.file("out"))
            .env("PGREHEARSE_CACHE_DIR", scenario.file("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(tool.stderr.take().unwrap()).lines();
        let began = said.any(|line| line.unwrap().starts_with(phase));
        assert!(began, "{phase} did not come");
        // Long enough for more requests than a verdict needs.
        std::thread::sleep(Duration::from_secs(1));
        signal(&tool, Signal::INT);
        assert_eq!(said.last().map(|line| line.is_ok()), Some(true));
        assert_eq!(tool.wait().unwrap().code(), Some(130));
        let report = fs::read_to_string(scenario.file("out/report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["passes"][0]["migration"]["outcome"], migration);
        assert_eq!(report["verdict"]["outcome"], "inconclusive");
        let reasons = report["verdict"]["reasons"].to_string();
        assert!(reasons.contains("interrupted"), "{reasons}");
    }
}

#[test]
fn the_second_interrupt_ends_at_once_and_leaves_nothing() {
    let (scenario, shadows) = (Scenario::new(), shadows());
    let mut tool = start(&scenario, shadows.path());
    let server = until_traffic(shadows.path());
    signal(&tool, Signal::INT);
    std::thread::sleep(Duration::from_millis(20));
    signal(&tool, Signal::INT);
    assert_eq!(tool.wait().unwrap().code(), Some(130));
    wait_for("the server's end", || (!alive(server)).then_some(()));
    assert_eq!(shadow_directories(shadows.path()), Vec::<PathBuf>::new());
}

#[test]
fn kill_9_leaves_no_server_and_the_next_run_no_directory() {
    let (scenario, shadows) = (Scenario::new(), shadows());
    let mut tool = start(&scenario, shadows.path());
    let server = until_traffic(shadows.path());
    signal(&tool, Signal::KILL);
    tool.wait().unwrap();
    wait_for("the server's end", || (!alive(server)).then_some(()));
    assert_eq!(
        shadow_directories(shadows.path()).len(),
        1,
        "nobody could remove it"
    );
    let next = scenario
        .command("check")
        .env("TMPDIR", shadows.path())
        .output()
        .unwrap();
    assert_eq!(next.status.code(), Some(0));
    assert_eq!(shadow_directories(shadows.path()), Vec::<PathBuf>::new());
}
