//! What a real server logs of a workload is read back whole, and sent again it leaves the same tables.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test's helpers cannot do, fails the test"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use pgrehearse::observe::{Accounting, Phase, PhaseName};
use pgrehearse::pgbench::{KeyId, Keys};
use pgrehearse::scenario::plan::{ApplicationPlan, ReplayLoad, TrafficPlan};
use pgrehearse::shadow::{Durability, Server};
use pgrehearse::sql::{
    LogOptions, LoggedKind, LoggedSession, LoggedStatement, LoggedTraffic, LoggedTransaction, Pause,
};
use pgrehearse::traffic::{Fleet, FleetSetup, Timeline};
use support::{connect, execute, number, server_with, text};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config};

/// How long a test waits for what must happen, before it gives up: long, as machines may be slow.
const PATIENCE: Duration = Duration::from_secs(60);

const SCHEMA: &str = "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL, note text);
    INSERT INTO accounts SELECT id, 100, NULL FROM generate_series(1, 50) id;
    CREATE TABLE events (session int, step int, what text, PRIMARY KEY (session, step));";

/// The pause of a client between two statements of a transaction.
const THINKING: Duration = Duration::from_millis(30);

/// A log has no keys to pick.
struct NoKeys;

impl Keys for NoKeys {
    fn resolve(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<KeyId, String> {
        Err("there are none".to_owned())
    }

    fn pick(&self, _: KeyId, _: u64) -> String {
        String::new()
    }

    fn fresh(&self, _: KeyId, _: u64) -> String {
        String::new()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

/// A statement and its parameters, none of a simple query.
type Said = (String, Option<Vec<Option<String>>>);

/// A client that remembers what it said.
struct Speaker {
    client: Client,
    said: Vec<Said>,
}

impl Speaker {
    async fn open(config: &Config) -> Self {
        Self {
            client: connect(config).await,
            said: Vec::new(),
        }
    }

    /// A simple query; whether it succeeds is for the caller to know.
    async fn try_simple(&mut self, text: &str) -> bool {
        self.said.push((text.to_owned(), None));
        self.client.batch_execute(text).await.is_ok()
    }

    async fn simple(&mut self, text: &str) {
        assert!(self.try_simple(text).await, "{text}");
    }

    fn remember(&mut self, text: &str, values: &[Option<String>]) {
        self.said.push((text.to_owned(), Some(values.to_vec())));
    }

    /// By the extended protocol with a named prepared statement.
    async fn prepared(
        &mut self,
        text: &str,
        parameters: &[&(dyn ToSql + Sync)],
        values: &[Option<String>],
    ) {
        self.remember(text, values);
        self.client.query(text, parameters).await.unwrap();
    }

    /// By the extended protocol without a name.
    async fn unnamed(&mut self, text: &str, value: &str) {
        self.remember(text, &[Some(value.to_owned())]);
        let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&value, Type::TEXT)];
        self.client.query_typed(text, &parameters).await.unwrap();
    }
}

fn some(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

/// One session's part: what it changes does not depend on when the others' parts come.
async fn perform(config: Config, session: i32) -> Vec<Said> {
    let mut speaker = Speaker::open(&config).await;
    speaker.simple("SET search_path = public").await;
    speaker.simple("CREATE TEMP TABLE seen (id int)").await;
    speaker
        .simple("PREPARE seen AS INSERT INTO seen VALUES ($1)")
        .await;
    for round in 1..=3 {
        let id = session * 10 + round;
        speaker.simple("BEGIN;").await;
        speaker
            .simple(&format!(
                "UPDATE accounts SET balance = balance - {round} WHERE id = {id}"
            ))
            .await;
        tokio::time::sleep(THINKING).await;
        let update = "UPDATE accounts SET balance = balance + $1, note = $2 WHERE id = 1";
        let note: Option<&str> = None;
        let values = [some(round), None];
        speaker.prepared(update, &[&round, &note], &values).await;
        speaker.simple("COMMIT").await;
        let what = format!("it's round\n{round}, \"quoted\" \\ and ''");
        let insert = "INSERT INTO events VALUES ($1, $2, $3)";
        let values = [some(session), some(round), some(&what)];
        speaker
            .prepared(insert, &[&session, &round, &what], &values)
            .await;
        speaker
            .unnamed("SELECT id FROM accounts WHERE note = $1", &what)
            .await;
        speaker.simple(&format!("EXECUTE seen({id})")).await;
    }
    // A transaction that survives an error, one that does not, and several in one text.
    speaker.simple("BEGIN").await;
    speaker.simple("SAVEPOINT a").await;
    assert!(
        !speaker
            .try_simple("INSERT INTO accounts VALUES (1, 0, NULL)")
            .await
    );
    speaker.simple("ROLLBACK TO a").await;
    speaker
        .simple(&format!(
            "INSERT INTO events VALUES ({session}, 100, 'after an error')"
        ))
        .await;
    speaker.simple("COMMIT").await;
    speaker.simple("BEGIN").await;
    speaker.simple("DELETE FROM events").await;
    speaker.simple("ROLLBACK").await;
    speaker.simple(&format!(
        "BEGIN; INSERT INTO events VALUES ({session}, 101, 'one of'); INSERT INTO events VALUES ({session}, 102, 'several'); COMMIT"
    )).await;
    let seen = "INSERT INTO events SELECT 1000 + id, 0, 'seen' FROM seen";
    speaker.simple(seen).await;
    speaker.said
}

/// What the tables hold.
async fn contents(client: &Client) -> String {
    let rows = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (SELECT a::text AS line FROM accounts a UNION ALL SELECT e::text FROM events e) all_rows";
    text(client, rows).await
}

/// Of the database without the statements in the log.
fn silent(config: &Config) -> Config {
    let mut config = config.clone();
    config.options("-c log_statement=none -c log_min_duration_statement=-1");
    config
}

/// A server that logs, with the same tables in two databases, and what was said to the first.
struct Recorded {
    server: Server,
    original: Client,
    copy: (Config, Client),
    said: Vec<Vec<Said>>,
    jsonlog: bool,
}

async fn record(settings: &[(&str, &str)]) -> Recorded {
    let modern = {
        let probe = server_with(&[], Durability::Filling).await;
        let major = probe.version().split('.').next().unwrap().parse::<u32>();
        major.is_ok_and(|major| major >= 15)
    };
    let destination = if modern { "csvlog,jsonlog" } else { "csvlog" };
    let mut all = vec![
        ("logging_collector", "on"),
        ("log_destination", destination),
        ("log_directory", "log"),
        ("log_filename", "p.log"),
        ("log_connections", "on"),
        ("log_disconnections", "on"),
        ("lc_messages", "C"),
    ];
    all.extend_from_slice(settings);
    let server = server_with(&all, Durability::Filling).await;
    let quiet = connect(&silent(&server.config())).await;
    let mut databases = Vec::new();
    for name in ["original", "copy"] {
        execute(&quiet, &format!("CREATE DATABASE {name}")).await;
        let mut config = server.config();
        config.dbname(name);
        let client = connect(&silent(&config)).await;
        execute(&client, SCHEMA).await;
        databases.push((config, client));
    }
    let [(config, original), copy] = <[_; 2]>::try_from(databases).ok().unwrap();
    let performing = (1..=3).map(|session| tokio::spawn(perform(config.clone(), session)));
    let mut said = Vec::new();
    for performed in performing.collect::<Vec<_>>() {
        said.push(performed.await.unwrap());
    }
    Recorded {
        server,
        original,
        copy,
        said,
        jsonlog: modern,
    }
}

impl Recorded {
    /// A log, once the sessions' ends are in it.
    async fn log(&self, extension: &str) -> String {
        let path = self
            .server
            .directory()
            .join("data/log")
            .join(format!("p.{extension}"));
        let ended =
            |line: &&str| line.contains("disconnection: ") && line.contains("database=original");
        let complete = |text: &str| text.lines().filter(ended).count() >= 3;
        tokio::time::timeout(PATIENCE, async {
            loop {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                if complete(&text) && text.ends_with('\n') {
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{} is never complete", path.display()))
    }

    async fn read(&self, extension: &str) -> LoggedTraffic {
        let options = LogOptions {
            database: Some("original"),
            speed: 1.0,
        };
        let text = self.log(extension).await;
        LoggedTraffic::read(extension, &text, options).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sends a log to the copy.
    async fn replay(&self, traffic: LoggedTraffic) -> Accounting {
        sent(&self.copy.0, traffic).await.accounting
    }
}

/// Sends a log once, to its end.
async fn sent(config: &Config, traffic: LoggedTraffic) -> Phase {
    let length = traffic.length;
    let (fleet, plan) = begun(config, traffic).await;
    // By then all of it is due, and what is due is sent however far behind the fleet is.
    tokio::time::sleep(length + Duration::from_millis(200)).await;
    let phase = ended(fleet, &plan, PATIENCE).await;
    assert!(phase.errors.is_empty(), "{:?}", phase.errors);
    phase
}

/// Begins to send a log once.
async fn begun(config: &Config, traffic: LoggedTraffic) -> (Fleet, TrafficPlan) {
    let length = traffic.length;
    let replay = ReplayLoad {
        repeat: false,
        ..ReplayLoad::new("p.csv", 1.0, traffic)
    };
    let plan = TrafficPlan::replay(replay);
    let fleet = Fleet::start(FleetSetup {
        traffic: &plan,
        application: &ApplicationPlan::default(),
        release: None,
        seed: 0,
        config: silent(config),
        keys: Box::new(NoKeys),
    })
    .await
    .unwrap();
    fleet.go(Arc::new(Timeline::new()));
    // All of it is due from here on, whatever became of the first.
    tokio::time::sleep(length).await;
    (fleet, plan)
}

/// What became of it, where what is under way has so long to end.
async fn ended(fleet: Fleet, plan: &TrafficPlan, drain: Duration) -> Phase {
    let recording = fleet.stop(drain).await.unwrap();
    let phase = recording.phase(PhaseName::Warmup, &plan.names(), Duration::ZERO, PATIENCE);
    assert!(phase.accounting.balances(), "{:?}", phase.accounting);
    phase
}

/// What each session of a log said, ordered as [`perform`]'s sessions are.
fn spoken(traffic: &LoggedTraffic) -> Vec<Vec<Said>> {
    let mut sessions: Vec<Vec<Said>> = traffic
        .sessions
        .iter()
        .map(|session| {
            let statements = session
                .transactions
                .iter()
                .flat_map(|transaction| &transaction.statements);
            let said = statements.map(|statement| {
                let values = statement.parameters.as_ref().map(|values| {
                    values
                        .iter()
                        .map(|value| value.as_deref().map(str::to_owned))
                        .collect()
                });
                (statement.text.to_string(), values)
            });
            said.collect()
        })
        .collect();
    sessions.sort_by_key(|said| {
        said.iter()
            .find(|(text, _)| text.contains("WHERE id ="))
            .cloned()
    });
    sessions
}

async fn is_read_back_and_sent_again(settings: &[(&str, &str)]) {
    let recorded = record(settings).await;
    let traffic = recorded.read("csv").await;
    for (read, said) in spoken(&traffic).iter().zip(&recorded.said) {
        for (read, said) in read.iter().zip(said) {
            assert_eq!(read, said);
        }
        assert_eq!(read.len(), said.len());
    }
    assert!(
        traffic
            .left_out
            .iter()
            .all(|left| left.what == "of other databases"),
        "{:?}",
        traffic.left_out
    );
    assert_eq!(traffic.sessions.len(), 3);
    assert_eq!(traffic.peak_sessions(), 3);
    if recorded.jsonlog {
        assert_eq!(recorded.read("json").await, traffic);
    }
    let pauses = traffic
        .sessions
        .iter()
        .flat_map(|session| &session.transactions)
        .flat_map(|transaction| &transaction.statements);
    let thought = pauses.filter(|statement| {
        let (Pause::AfterEnd(pause) | Pause::AfterStart(pause)) = statement.pause;
        // The log's times are cut to milliseconds.
        pause + Duration::from_millis(2) >= THINKING
    });
    assert!(thought.count() >= 9);

    let before = contents(&recorded.copy.1).await;
    let accounting = recorded.replay(traffic).await;
    assert_eq!(accounting.completed, accounting.scheduled, "{accounting:?}");
    let after = contents(&recorded.copy.1).await;
    assert_ne!(after, before);
    assert_eq!(after, contents(&recorded.original).await);
}

#[tokio::test]
async fn a_log_of_statements_as_they_begin() {
    is_read_back_and_sent_again(&[("log_statement", "all")]).await;
}

#[tokio::test]
async fn a_log_of_statements_as_they_end() {
    is_read_back_and_sent_again(&[("log_min_duration_statement", "0")]).await;
}

#[tokio::test]
async fn a_log_of_both() {
    let both = [
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
    ];
    is_read_back_and_sent_again(&both).await;
}

#[tokio::test]
async fn parameters_that_were_cut_off_are_not_sent() {
    let recorded = record(&[("log_statement", "all"), ("log_parameter_max_length", "5")]).await;
    let traffic = recorded.read("csv").await;
    let cut = traffic
        .left_out
        .iter()
        .find(|left| left.what.contains("cut off"));
    // The note of each round, inserted and looked for, in three sessions.
    assert_eq!(cut.map(|left| left.statements), Some(3 * 3 * 2));
}

/// A transaction of one statement, due so many milliseconds after the log's beginning.
fn logged(at: u64, text: &str) -> LoggedTransaction {
    LoggedTransaction {
        at: Duration::from_millis(at),
        kind: 0,
        statements: vec![LoggedStatement {
            pause: Pause::AfterEnd(Duration::ZERO),
            text: text.into(),
            parameters: None,
            kept: false,
            error: None,
        }],
    }
}

/// A log of one session whose transactions come due within 10 ms of each other.
fn one_session(texts: &[&str]) -> LoggedTraffic {
    let transactions = (0..).step_by(10).zip(texts);
    LoggedTraffic {
        length: Duration::from_millis(10 * texts.len() as u64),
        kinds: vec![LoggedKind {
            name: "select".to_owned(),
            transactions: texts.len() as u64,
        }],
        sessions: vec![LoggedSession {
            transactions: transactions.map(|(at, text)| logged(at, text)).collect(),
            ..LoggedSession::default()
        }],
        ..LoggedTraffic::default()
    }
}

/// Waits until so many requests are due and have not ended.
async fn until_due(fleet: &Fleet, requests: u64) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while fleet.live().in_flight != requests {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap();
}

/// Waits until a session sleeps in the server, or until none does.
async fn until_asleep(client: &Client, asleep: bool) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let waited = tokio::time::timeout(PATIENCE, async {
        while (number(client, sql).await > 0) != asleep {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap();
}

#[tokio::test]
async fn a_log_may_end_while_its_statements_run() {
    let server = server_with(&[], Durability::Filling).await;
    let client = connect(&server.config()).await;
    let log = one_session(&["SELECT 1", "SELECT pg_sleep(600)", "SELECT 2"]);
    let (fleet, plan) = begun(&server.config(), log).await;
    until_asleep(&client, true).await;
    until_due(&fleet, 2).await;
    let phase = ended(fleet, &plan, Duration::from_millis(100)).await;
    // What runs is cut off, and what waits for it is never sent.
    assert_eq!(phase.accounting.scheduled, 3);
    assert_eq!(phase.accounting.completed, 1);
    assert_eq!(phase.accounting.unfinished, 2);
    until_asleep(&client, false).await;
}

#[tokio::test]
async fn a_session_that_loses_its_connection_goes_on_with_another() {
    let server = server_with(&[], Durability::Filling).await;
    let client = connect(&server.config()).await;
    let log = one_session(&["SELECT pg_sleep(600)", "SELECT 1", "SELECT 2"]);
    let (fleet, plan) = begun(&server.config(), log).await;
    until_asleep(&client, true).await;
    until_due(&fleet, 3).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    assert_eq!(number(&client, end).await, 1);
    let phase = ended(fleet, &plan, PATIENCE).await;
    assert_eq!(phase.accounting.completed, 2);
    assert_eq!(phase.errors, [("connection_lost".to_owned(), 1)].into());
}

const SCENARIO: &str = r#"
name = "log"
title = "What was logged"
[schema]
file = "schema.sql"
[tables.accounts]
rows = 50
[tables.events]
rows = 0
[traffic]
log = "p.csv"
log_database = "original"
"#;

#[tokio::test]
async fn a_scenario_with_a_log_is_loaded_by_the_command() {
    let recorded = record(&[("log_statement", "all")]).await;
    let transactions = recorded.read("csv").await.sessions;
    let transactions = transactions
        .iter()
        .map(|session| session.transactions.len());
    let folder = tempfile::tempdir().unwrap();
    let schema: Vec<&str> = SCHEMA
        .lines()
        .filter(|line| !line.contains("INSERT"))
        .collect();
    for (file, text) in [
        ("scenario.toml", SCENARIO),
        ("schema.sql", &schema.join("\n")),
        ("p.csv", &recorded.log("csv").await),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
        .args(["load", "--quiet", "--json", "--no-cache"])
        .arg(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let phase = &report["passes"][0]["phases"][0];
    assert_eq!(phase["errors"], serde_json::json!({}), "{report}");
    let accounting = &phase["accounting"];
    assert_eq!(accounting["scheduled"], transactions.sum::<usize>());
    assert_eq!(accounting["completed"], accounting["scheduled"]);
}

#[tokio::test]
async fn a_session_that_the_server_holds_up_is_not_the_generators_lateness() {
    let server = server_with(&[], Durability::Filling).await;
    let texts = ["SELECT pg_sleep(0.4)"; 3];
    let phase = sent(&server.config(), one_session(&texts)).await;
    assert_eq!(phase.accounting.completed, 3);
    // The last waits for two others, and that is no fault of who sends.
    let (lag, latency) = (phase.lag.unwrap().max, phase.latency.unwrap().max);
    assert!(latency > 1.1 && lag < latency / 2.0, "{lag} of {latency}");
}
