//! Closed loops and rates that change, against a real server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test's helpers cannot do, fails the test"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pgrehearse::observe::{Phase, PhaseName, Recording};
use pgrehearse::pgbench::{KeyId, Keys, Script};
use pgrehearse::scenario::plan::{
    ApplicationPlan, Arrivals, Bursts, ClosedLoad, Curve, Load, OpenLoad, Shape, Think,
    TrafficPlan, TransactionPlan,
};
use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use pgrehearse::traffic::{Fleet, FleetSetup, Timeline};
use pgrehearse::units::Rate;
use tokio_postgres::{Client, NoTls};

/// How long a test waits for what must happen, before it gives up: long, as machines may be slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Values that nothing else has.
struct Fresh;

impl Keys for Fresh {
    fn resolve(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<KeyId, String> {
        Ok(KeyId(0))
    }

    fn pick(&self, _: KeyId, random: u64) -> String {
        random.to_string()
    }

    fn fresh(&self, _: KeyId, n: u64) -> String {
        n.to_string()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

/// Marks itself as under way while it runs, and leaves a row behind: its number, who sent it, when.
const MARKED: &str = "\\fresh id marks.id
SELECT pg_advisory_lock_shared(42);
SELECT pg_sleep(0.002);
INSERT INTO marks SELECT :id, pg_backend_pid(),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted);
SELECT pg_advisory_unlock_shared(42);";

fn traffic(load: Load, scripts: &[(&str, &str)]) -> TrafficPlan {
    TrafficPlan {
        load,
        transactions: scripts
            .iter()
            .map(|(name, text)| TransactionPlan {
                name: (*name).to_owned(),
                script: Script::parse(name, text).unwrap(),
                ..TransactionPlan::default()
            })
            .collect(),
        ..TrafficPlan::default()
    }
}

fn clients(clients: u32, think_time: Duration, think: Think) -> Load {
    Load::Closed(ClosedLoad {
        clients,
        think_time,
        think,
        transactions: None,
    })
}

fn application(instances: u32, pool_size: u32) -> ApplicationPlan {
    ApplicationPlan {
        instances,
        pool_size,
        acquire_timeout: PATIENCE,
        statement_timeout: Duration::ZERO,
        ..ApplicationPlan::default()
    }
}

async fn fleet(server: &Server, traffic: &TrafficPlan, application: &ApplicationPlan) -> Fleet {
    Fleet::start(FleetSetup {
        traffic,
        application,
        release: None,
        seed: 42,
        config: server.config(),
        keys: Box::new(Fresh),
    })
    .await
    .unwrap()
}

async fn server() -> (Server, Client) {
    let server = Server::start(ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::new(),
        connections: 50,
        keep: false,
    })
    .await
    .unwrap();
    let (client, connection) = server.config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE TABLE marks (id bigint PRIMARY KEY, pid int, together bigint);
             CREATE TABLE t (id int PRIMARY KEY);
             INSERT INTO t SELECT generate_series(1, 100)",
        )
        .await
        .unwrap();
    (server, client)
}

/// The only phase of a test's traffic, whose accounts must balance.
fn warmup(recording: &Recording, plan: &TrafficPlan) -> Phase {
    let length = Duration::from_secs(1);
    let names = plan.names();
    let phase = recording.phase(PhaseName::Warmup, &names, Duration::ZERO, length);
    assert!(phase.accounting.balances(), "{:?}", phase.accounting);
    phase
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    tokio::time::timeout(PATIENCE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

async fn one(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Requests that have left their row.
async fn until_marks(client: &Client, least: i64) {
    tokio::time::timeout(PATIENCE, async {
        while one(client, "SELECT count(*) FROM marks").await < least {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("waited in vain for {least} marks"));
}

#[tokio::test]
async fn clients_are_never_more_than_they_are() {
    let (server, client) = server().await;
    let plan = traffic(Load::clients(5), &[("marked", MARKED)]);
    // Three instances: two of them have two clients, one has one.
    let fleet = fleet(&server, &plan, &application(3, 4)).await;
    fleet.go(Arc::new(Timeline::new()));
    let mut most = 0;
    until("requests are made", || {
        let live = fleet.live();
        most = most.max(live.in_flight);
        live.rate > 0.0
    })
    .await;
    until_marks(&client, 300).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    assert!(most <= 5, "{most} in flight");
    let phase = warmup(&recording, &plan);
    assert_eq!(
        phase.accounting.scheduled, phase.accounting.completed,
        "{:?}",
        phase.errors
    );
    // Every request was sent once, and the server saw five at a time and no more.
    let marks = one(&client, "SELECT count(*) FROM marks").await;
    assert_eq!(marks as u64, phase.accounting.completed);
    assert_eq!(one(&client, "SELECT max(together) FROM marks").await, 5);
    // All five made requests: those of client i have numbers that leave i when divided by 5.
    let senders = "SELECT count(DISTINCT id % 5) FROM marks";
    assert_eq!(one(&client, senders).await, 5);
}

#[tokio::test]
async fn a_pool_smaller_than_its_clients_makes_them_queue() {
    let (server, client) = server().await;
    let script = "\\fresh id marks.id\nSELECT pg_sleep(0.02);\nINSERT INTO marks VALUES (:id);";
    let plan = traffic(Load::clients(6), &[("slow", script)]);
    let fleet = fleet(&server, &plan, &application(1, 2)).await;
    fleet.go(Arc::new(Timeline::new()));
    until("clients queue", || fleet.live().waiting == 4).await;
    until_marks(&client, 40).await;
    let sessions = "SELECT count(*) FROM pg_stat_activity
         WHERE application_name = 'pgrehearse traffic'";
    assert_eq!(one(&client, sessions).await, 2);
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    assert_eq!(phase.accounting.scheduled, phase.accounting.completed);
    // Three take turns at each connection: most requests wait for two others.
    let latency = phase.latency.unwrap();
    assert!(latency.p50 >= 0.055, "{latency:?}");
}

#[tokio::test]
async fn clients_think_between_requests() {
    let (server, _client) = server().await;
    for think in [Think::Constant, Think::Exponential] {
        let pause = Duration::from_millis(50);
        let plan = traffic(clients(4, pause, think), &[("read", "SELECT 1;")]);
        let fleet = fleet(&server, &plan, &application(2, 2)).await;
        let timeline = Arc::new(Timeline::new());
        fleet.go(Arc::clone(&timeline));
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let length = timeline.now().as_secs_f64();
        let phase = warmup(&recording, &plan);
        let made = phase.accounting.scheduled;
        assert_eq!(phase.accounting.completed, made);
        assert!(made >= 4, "{made}");
        // No client makes more than one for each pause, and one; of exponential pauses, these are some
        // 80, whose number is off by 9 (one standard deviation).
        let most = 4.0 * (length / pause.as_secs_f64() + 1.0);
        let most = match think {
            Think::Constant => most,
            Think::Exponential => 2.0 * most,
        };
        assert!(made as f64 <= most, "{made} of {most}");
    }
}

#[tokio::test]
async fn clients_that_think_for_long_do_not_hold_up_the_stop() {
    let (server, _client) = server().await;
    let hour = Duration::from_secs(3_600);
    let plan = traffic(clients(8, hour, Think::Constant), &[("read", "SELECT 1;")]);
    let fleet = fleet(&server, &plan, &application(2, 2)).await;
    fleet.go(Arc::new(Timeline::new()));
    // The first of them makes one request at once.
    until("a request is made", || fleet.live().rate > 0.0).await;
    let stopping = fleet.stop(hour);
    let recording = tokio::time::timeout(PATIENCE, stopping).await.unwrap();
    let phase = warmup(&recording.unwrap(), &plan);
    assert_eq!(phase.accounting.completed, 1);
    assert_eq!(phase.accounting.scheduled, 1);
}

#[tokio::test]
async fn clients_whose_requests_fail_go_on_without_hammering() {
    let (server, client) = server().await;
    let plan = traffic(
        Load::clients(2),
        &[(
            "fails",
            "\\set id random(1, 1000)\nSELECT 1 / (:id::int - :id::int);",
        )],
    );
    let fleet = fleet(&server, &plan, &application(2, 1)).await;
    let timeline = Arc::new(Timeline::new());
    fleet.go(Arc::clone(&timeline));
    until("requests fail again and again", || fleet.live().errors > 24).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE application_name = 'pgrehearse traffic'";
    assert_eq!(one(&client, end).await, 2);
    let before = fleet.live().errors;
    until("they go on", || fleet.live().errors > before + 4).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    assert_eq!(phase.accounting.failed, phase.accounting.scheduled);
    assert_eq!(phase.accounting.completed, 0);
    // After nine failures each client makes ten requests a second at most.
    let most = 2.0 * (10.0 + 10.0 * timeline.now().as_secs_f64());
    assert!((phase.accounting.failed as f64) <= most, "{most}");
}

#[tokio::test]
async fn clients_cut_off_in_a_lock_are_unfinished() {
    let (server, mut client) = server().await;
    let plan = traffic(Load::clients(3), &[("read", "SELECT count(*) FROM t;")]);
    let fleet = fleet(&server, &plan, &application(1, 3)).await;
    fleet.go(Arc::new(Timeline::new()));
    until("requests are made", || fleet.live().rate > 0.0).await;
    let transaction = client.transaction().await.unwrap();
    let lock = "LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    transaction.batch_execute(lock).await.unwrap();
    until("all wait", || fleet.live().in_flight == 3).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let recording = fleet.stop(Duration::from_millis(50)).await.unwrap();
    drop(transaction);
    let phase = warmup(&recording, &plan);
    // A closed loop in a stall: one request of each client, and nothing else is due.
    assert_eq!(phase.accounting.unfinished, 3);
    assert_eq!(
        phase.accounting.completed + 3,
        phase.accounting.scheduled,
        "{:?}",
        phase.accounting
    );
    assert!(phase.latency.unwrap().max >= 0.3);
}

#[tokio::test]
async fn a_script_that_asks_nothing_does_not_stop_the_others() {
    let (server, _client) = server().await;
    let plan = traffic(Load::clients(3), &[("idle", "\\set x 1")]);
    let fleet = fleet(&server, &plan, &application(1, 3)).await;
    fleet.go(Arc::new(Timeline::new()));
    until("they are made", || fleet.live().rate > 0.0).await;
    let stopped = tokio::time::timeout(PATIENCE, fleet.stop(PATIENCE)).await;
    let phase = warmup(&stopped.unwrap().unwrap(), &plan);
    assert_eq!(phase.accounting.completed, phase.accounting.scheduled);
}

#[tokio::test]
async fn a_fleet_of_clients_can_be_dropped() {
    let (server, client) = server().await;
    let plan = traffic(Load::clients(4), &[("slow", "SELECT pg_sleep(30);")]);
    let fleet = fleet(&server, &plan, &application(2, 2)).await;
    fleet.go(Arc::new(Timeline::new()));
    until("requests run", || fleet.live().in_flight == 4).await;
    drop(fleet);
    let sessions = "SELECT count(*) FROM pg_stat_activity
         WHERE application_name = 'pgrehearse traffic'";
    tokio::time::timeout(PATIENCE, async {
        while one(&client, sessions).await > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

/// Bursts over a curve that repeats, uniform, so that the number due follows from the time alone.
fn shaped() -> Load {
    let curve = Curve::parse("up.csv", "time,rate\n0,10\n1,100\n1,40\n2,40\n").unwrap();
    Load::Open(OpenLoad {
        rate: Rate(600.0),
        arrivals: Arrivals::Uniform,
        shape: Some(Shape::Curve(curve.lasting(Duration::from_millis(400)))),
        bursts: Some(Bursts {
            every: Duration::from_millis(300),
            length: Duration::from_millis(60),
            factor: 3.0,
        }),
        transactions: None,
    })
}

#[tokio::test]
async fn a_curve_with_bursts_sends_what_it_has_due() {
    let (server, client) = server().await;
    let plan = traffic(shaped(), &[("marked", MARKED)]);
    let fleet = fleet(&server, &plan, &application(3, 4)).await;
    let timeline = Arc::new(Timeline::new());
    let before = timeline.now();
    fleet.go(Arc::clone(&timeline));
    let after_go = timeline.now();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before_stop = timeline.now();
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let after_stop = timeline.now();
    let phase = warmup(&recording, &plan);
    let scheduled = phase.accounting.scheduled as f64;
    assert_eq!(
        phase.accounting.scheduled, phase.accounting.completed,
        "{:?}",
        phase.errors
    );
    // The start is up to 5 ms after the order.
    let due_by = |length| plan.load.expected(Duration::ZERO, length).unwrap();
    let lead = Duration::from_millis(5);
    let fewest = due_by(before_stop.saturating_sub(after_go + lead));
    let most = due_by(after_stop.saturating_sub(before));
    assert!(scheduled >= fewest.floor(), "{scheduled} of {fewest}");
    assert!(scheduled <= most.ceil(), "{scheduled} of {most}");
    let marks = one(&client, "SELECT count(*) FROM marks").await;
    assert_eq!(marks as u64, phase.accounting.completed);
}

#[tokio::test]
async fn a_shaped_load_stopped_in_a_lock_loses_nothing() {
    let (server, mut client) = server().await;
    let plan = traffic(shaped(), &[("read", "SELECT count(*) FROM t;")]);
    let mut application = application(2, 2);
    application.acquire_timeout = Duration::from_millis(100);
    let fleet = fleet(&server, &plan, &application).await;
    fleet.go(Arc::new(Timeline::new()));
    until("requests are made", || fleet.live().rate > 0.0).await;
    let transaction = client.transaction().await.unwrap();
    let lock = "LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    transaction.batch_execute(lock).await.unwrap();
    until("requests time out", || fleet.live().errors > 20).await;
    let recording = fleet.stop(Duration::from_millis(20)).await.unwrap();
    drop(transaction);
    let accounting = warmup(&recording, &plan).accounting;
    assert!(accounting.timed_out > 20, "{accounting:?}");
    assert!(accounting.unfinished >= 4, "{accounting:?}");
    assert!(accounting.completed > 0, "{accounting:?}");
}

#[tokio::test]
async fn sleeping_scripts_sleep_as_long_as_they_say() {
    let (server, _client) = server().await;
    let script = "\\sleep 1500 us\nSELECT 1;";
    let plan = traffic(Load::clients(4), &[("sleepy", script)]);
    let fleet = fleet(&server, &plan, &application(2, 2)).await;
    fleet.go(Arc::new(Timeline::new()));
    until("requests are made", || fleet.live().rate > 0.0).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    assert_eq!(phase.accounting.completed, phase.accounting.scheduled);
    // No latency is shorter than the pause; the histogram is precise to a thousandth.
    assert!(phase.latency.unwrap().p50 >= 0.0015 * 0.998);
}
