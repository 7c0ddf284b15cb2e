//! The embedded server against a real PostgreSQL: it starts, serves, and leaves nothing behind,
//! however the tool ends.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without has no error to handle"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use pgrehearse::postgres::connect::{Session, connect};
use pgrehearse::shadow::{Durability, Server, ServerError, ServerOptions, find_pg_bin, sweep};

fn options() -> ServerOptions {
    ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::new(),
        connections: 10,
        keep: false,
    }
}

fn with_setting(name: &str, value: &str) -> ServerOptions {
    ServerOptions {
        settings: BTreeMap::from([(name.to_owned(), value.to_owned())]),
        ..options()
    }
}

async fn session(server: &Server) -> Session {
    connect(&server.config(), "pgrehearse test").await.unwrap()
}

async fn number(session: &Session, sql: &str) -> i64 {
    session.client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn text(session: &Session, sql: &str) -> String {
    session.client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Processes that work in a folder or below it: a server's all work in its data directory.
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .map(|process| process.path())
        .filter(|process| {
            fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
        })
        .collect()
}

/// Waits for what comes in a moment, and fails if it never does.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// No process at once. A directory may be in another test's sweep just now.
fn assert_gone(directory: &Path) {
    assert_eq!(processes_in(directory), Vec::<PathBuf>::new());
    assert!(!directory.exists(), "{}", directory.display());
}

#[tokio::test]
async fn a_server_serves_and_is_gone_when_stopped() {
    let server = Server::start(options()).await.unwrap();
    let directory = server.directory().to_owned();
    assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
    let session = session(&server).await;
    assert_eq!(number(&session, "SELECT 42::int8").await, 42);
    assert_eq!(text(&session, "SHOW listen_addresses").await, "");
    assert_eq!(text(&session, "SHOW server_encoding").await, "UTF8");
    assert_eq!(
        text(&session, "SELECT current_database()::text").await,
        "shadow"
    );
    assert!(
        text(&session, "SHOW server_version")
            .await
            .starts_with(server.version())
    );
    server.stop().await.unwrap();
    assert_gone(&directory);
}

#[tokio::test]
async fn it_is_as_durable_as_production_unless_it_fills() {
    let mut server = Server::start(options()).await.unwrap();
    let durable = [
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "autovacuum",
    ];
    for (durability, state, wal_level) in [
        (Durability::Production, "on", "replica"),
        (Durability::Filling, "off", "minimal"),
        (Durability::Production, "on", "replica"),
    ] {
        if server.durability() != durability {
            server.restart(durability).await.unwrap();
        }
        let shown = server.settings_shown().await.unwrap();
        assert!(
            durable.iter().all(|name| shown[*name] == state),
            "{shown:?}"
        );
        assert_eq!(shown["wal_level"], wal_level);
    }
}

#[tokio::test]
async fn a_restart_keeps_the_data() {
    let mut server = Server::start(options()).await.unwrap();
    server.restart(Durability::Filling).await.unwrap();
    session(&server)
        .await
        .client
        .batch_execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        .await
        .unwrap();
    server.restart(Durability::Production).await.unwrap();
    let rows = number(&session(&server).await, "SELECT count(*) FROM kept").await;
    assert_eq!(rows, 1000);
}

#[tokio::test]
async fn the_users_settings_reach_the_server_letter_by_letter() {
    let value = "it's a \\ \"quoted\" %m";
    let server = Server::start(with_setting("log_line_prefix", value))
        .await
        .unwrap();
    assert_eq!(
        text(&session(&server).await, "SHOW log_line_prefix").await,
        value
    );
}

#[tokio::test]
async fn a_setting_that_the_server_refuses_is_told_with_its_log() {
    for (name, value) in [
        ("work_mam", "16MB"),
        ("work_mem", "a lot"),
        ("wal_level", "minimal"),
    ] {
        let error = Server::start(with_setting(name, value)).await.unwrap_err();
        let ServerError::Start { log, .. } = &error else {
            panic!("{error}");
        };
        // The third is a value that does not go with the others, and the log says so in its own way.
        assert!(log.contains(name) || log.contains("WAL"), "{log}");
        assert!(error.to_string().contains("[shadow.settings]"), "{error}");
    }
    let error = Server::start(with_setting("port", "1")).await.unwrap_err();
    assert!(
        matches!(error, ServerError::SettingReserved { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn dropping_a_server_ends_it_busy_or_not() {
    let server = Server::start(options()).await.unwrap();
    let directory = server.directory().to_owned();
    let busy = session(&server).await;
    let query =
        tokio::spawn(async move { busy.client.batch_execute("SELECT pg_sleep(600)").await });
    let watcher = session(&server).await;
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    while number(&watcher, sleeping).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(server);
    assert_gone(&directory);
    assert!(query.await.unwrap().is_err());
}

#[test]
fn a_panic_ends_the_server() {
    let (sender, directory) = std::sync::mpsc::channel();
    let panicked = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let server = Server::start(options()).await.unwrap();
            sender.send(server.directory().to_owned()).unwrap();
            panic!("as wanted");
        })
    });
    assert!(panicked.join().is_err());
    assert_gone(&directory.recv().unwrap());
}

#[tokio::test]
async fn a_breakdown_is_told_in_the_servers_own_words() {
    let server = Server::start(options()).await.unwrap();
    assert_eq!(server.last_words(), None);
    let session = session(&server).await;
    let backend = number(&session, "SELECT pg_backend_pid()::bigint").await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(backend).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let said = loop {
        if let Some(said) = server.last_words() {
            break said;
        }
        assert!(Instant::now() < deadline, "the log does not tell of it");
        thread::sleep(Duration::from_millis(10));
    };
    assert!(said.contains("was terminated by signal 9"), "{said}");
}

#[tokio::test]
async fn an_emergency_stop_ends_it_for_good() {
    let mut server = Server::start(options()).await.unwrap();
    let directory = server.directory().to_owned();
    let emergency = server.emergency();
    thread::spawn(move || emergency.stop_now())
        .join()
        .unwrap()
        .unwrap();
    assert_gone(&directory);
    let error = server.restart(Durability::Filling).await.unwrap_err();
    assert!(matches!(error, ServerError::NotRunning { .. }), "{error}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn two_servers_do_not_know_of_each_other() {
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.directory(), second.directory());
    session(&first)
        .await
        .client
        .batch_execute("CREATE TABLE mine ()")
        .await
        .unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'";
    assert_eq!(number(&session(&second).await, tables).await, 0);
    drop(first);
    assert_eq!(number(&session(&second).await, tables).await, 0);
}

#[tokio::test]
async fn a_kept_directory_stays_and_a_leftover_server_is_swept() {
    let kept = Server::start(ServerOptions {
        keep: true,
        ..options()
    })
    .await
    .unwrap();
    let directory = kept.directory().to_owned();
    kept.stop().await.unwrap();
    assert_eq!(processes_in(&directory), Vec::<PathBuf>::new());
    assert!(!sweep().contains(&directory));
    assert!(directory.join("data/postgresql.conf").exists());
    // Made to look as a crashed run's on a system without a parent-death signal: a server, and a
    // lock that nobody holds.
    let owner = fs::metadata(&directory).unwrap();
    let mut orphan = Command::new(find_pg_bin(None).unwrap().join("postgres"))
        .arg("-D")
        .arg(directory.join("data"))
        .current_dir(&directory)
        .uid(owner.uid())
        .gid(owner.gid())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("a server to sweep", || {
        directory.join("data/postmaster.pid").exists()
    });
    File::create(directory.join("lock")).unwrap();
    until("the sweep", || {
        sweep();
        !directory.exists()
    });
    assert_gone(&directory);
    orphan.wait().unwrap();
}

/// What [`stand_in`] should do, in its environment.
const PART: &str = "PGREHEARSE_TEST_PART";

/// Where it writes what came of it.
const ANSWER: &str = "PGREHEARSE_TEST_ANSWER";

/// Not a test of its own: the tool's part in tests that need another process, with its own `TMPDIR`
/// or for killing.
#[tokio::test]
async fn stand_in() {
    let Ok(part) = env::var(PART) else { return };
    let answer = PathBuf::from(env::var(ANSWER).unwrap());
    let started = Server::start(options()).await;
    let said = match &started {
        Ok(server) => server.directory().display().to_string(),
        Err(error) => format!("error: {error}"),
    };
    // Read by another process: it must be there whole or not at all.
    fs::write(answer.with_extension("new"), said).unwrap();
    fs::rename(answer.with_extension("new"), answer).unwrap();
    if part == "hold" {
        // Longer than any test waits.
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
}

fn stand_in_command(part: &str, answer: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "stand_in"])
        .env(PART, part)
        .env(ANSWER, answer)
        .stdout(Stdio::null());
    command
}

/// A folder as `/tmp`, for an environment's `TMPDIR`.
fn folder(parent: &Path, name: &str, mode: u32) -> PathBuf {
    let path = parent.join(name);
    fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_kill_of_the_tool_ends_the_server_and_the_next_run_sweeps() {
    let scratch = tempfile::tempdir().unwrap();
    let answer = scratch.path().join("answer");
    let mut tool = stand_in_command("hold", &answer).spawn().unwrap();
    until("a server in the other process", || answer.exists());
    let directory = PathBuf::from(fs::read_to_string(&answer).unwrap());
    assert_ne!(processes_in(&directory), Vec::<PathBuf>::new());
    assert!(!sweep().contains(&directory), "a running tool's directory");
    tool.kill().unwrap();
    tool.wait().unwrap();
    if cfg!(target_os = "linux") {
        until("the end of the server", || {
            processes_in(&directory).is_empty()
        });
    }
    // The sweep of a test beside this one may have been first.
    until("the sweep", || {
        sweep();
        !directory.exists()
    });
}

fn answer_under(tmpdir: &Path) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let answer = scratch.path().join("answer");
    let status = stand_in_command("start", &answer)
        .env("TMPDIR", tmpdir)
        .status()
        .unwrap();
    assert!(status.success());
    fs::read_to_string(answer).unwrap()
}

#[test]
fn a_temporary_folder_may_have_any_name() {
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let odd = folder(scratch.path(), "o'dd, \"tmp\"", 0o1777);
    let answer = answer_under(&odd);
    assert!(answer.starts_with(odd.to_str().unwrap()), "{answer}");
    assert_eq!(fs::read_dir(&odd).unwrap().count(), 0);
}

#[test]
fn a_directory_that_does_not_serve_is_named_with_what_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let deep = folder(scratch.path(), &"x".repeat(100), 0o1777);
    let error = answer_under(&deep);
    assert!(
        error.contains("TMPDIR") && error.contains("107") | error.contains("103"),
        "{error}"
    );
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
    let error = answer_under(&scratch.path().join("missing"));
    assert!(
        error.contains("TMPDIR") && error.contains("missing"),
        "{error}"
    );
    let closed = folder(scratch.path(), "closed", 0o700);
    let inner = folder(&closed, "tmp", 0o1777);
    let said = answer_under(&inner);
    // Only root has a server's user other than itself.
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        assert!(
            said.contains(&format!("{} keeps that user out", closed.display())),
            "{said}"
        );
    }
    assert_eq!(fs::read_dir(&inner).unwrap().count(), 0);
}

#[test]
fn a_bin_folder_without_a_server_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let error = find_pg_bin(Some(empty.path())).unwrap_err().to_string();
    assert!(
        error.contains("--pg-bin") && error.contains("`initdb`"),
        "{error}"
    );
}
