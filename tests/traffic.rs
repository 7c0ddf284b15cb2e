//! The traffic against a real server: everything that is due is sent and accounted for, whatever
//! the server does meanwhile.

#![expect(
    clippy::panic,
    reason = "what a test's helpers cannot do, fails the test"
)]

use std::sync::Arc;
use std::time::Duration;

use pgrehearse::observe::{Accounting, PhaseName};
use pgrehearse::pgbench::{KeyId, Keys};
use pgrehearse::scenario::plan::{Arrivals, Load, Protocol};
use pgrehearse::traffic::{Fleet, FleetSetup, Timeline, TrafficError};

#[path = "support/fleet.rs"]
mod support;

use support::{
    NO_SESSIONS, PATIENCE, application, connect, fleet, one, server, server_with_table, traffic,
    until, until_true, warmup,
};

#[tokio::test]
async fn everything_due_is_sent_once_and_accounted_for() {
    let (server, client) = server_with_table().await;
    let plan = traffic(
        300.0,
        &[
            ("hit", "\\fresh id hits.id\nINSERT INTO hits VALUES (:id);"),
            (
                "count",
                "\\pick id t.id\nBEGIN;\nUPDATE t SET n = n + 1 WHERE id = :id;\nCOMMIT;",
            ),
        ],
    );
    let fleet = fleet(&server, &plan, &application(3, 2)).await.unwrap();
    assert_eq!(fleet.live().connections, 6);
    let timeline = Arc::new(Timeline::new());
    let before = timeline.now();
    fleet.go(Arc::clone(&timeline));
    let after_go = timeline.now();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before_stop = timeline.now();
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let after_stop = timeline.now();

    let phase = warmup(&recording, &plan);
    let Accounting {
        scheduled,
        completed,
        ..
    } = phase.accounting;
    assert_eq!(scheduled, completed, "{:?}", phase.errors);
    // At a uniform rate the number follows from the time; the start is up to 5 ms after the order.
    let lead = Duration::from_millis(5);
    let fewest = (before_stop.saturating_sub(after_go + lead)).as_secs_f64() * 300.0;
    let most = (after_stop - before).as_secs_f64() * 300.0;
    assert!(
        scheduled as f64 >= fewest.floor(),
        "{scheduled} of {fewest}"
    );
    assert!(scheduled as f64 <= most.ceil(), "{scheduled} of {most}");
    // The server saw each once.
    let hits: i64 = one(&client, "SELECT count(*) FROM hits").await;
    let counted: i64 = one(&client, "SELECT sum(n) FROM t").await;
    let [hit, count] = &phase.transactions[..] else {
        panic!("two kinds of transactions");
    };
    assert_eq!(hit.accounting.completed, hits as u64);
    assert_eq!(count.accounting.completed, counted as u64);
    assert_eq!(hits as u64 + counted as u64, completed);
    let series = recording.series(&[], Duration::ZERO, after_stop);
    assert_eq!(series[0].connections, 6);
    until_true(&client, NO_SESSIONS).await;
}

#[tokio::test]
async fn phases_take_the_requests_that_were_due_in_them() {
    let (server, _client) = server_with_table().await;
    let plan = traffic(400.0, &[("read", "SELECT 1;")]);
    let fleet = fleet(&server, &plan, &application(2, 2)).await.unwrap();
    let timeline = Arc::new(Timeline::new());
    fleet.go(Arc::clone(&timeline));
    let mut starts = Vec::new();
    for phase in [
        PhaseName::Baseline,
        PhaseName::Migration,
        PhaseName::Recovery,
    ] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        starts.push(timeline.begin(phase));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    for (phase, window) in [
        (PhaseName::Baseline, starts[1] - starts[0]),
        (PhaseName::Migration, starts[2] - starts[1]),
    ] {
        let accounting = recording.accounting(phase);
        assert!(accounting.balances());
        let expected = window.as_secs_f64() * 400.0;
        let off = (accounting.scheduled as f64 - expected).abs();
        assert!(off <= 2.0, "{phase:?}: {accounting:?}, {expected}");
    }
    assert!(recording.accounting(PhaseName::Recovery).scheduled > 0);
}

#[tokio::test]
async fn lost_connections_are_counted_and_replaced() {
    let (server, client) = server_with_table().await;
    let plan = traffic(200.0, &[("slow", "SELECT pg_sleep(0.05);")]);
    let fleet = fleet(&server, &plan, &application(2, 3)).await.unwrap();
    fleet.go(Arc::new(Timeline::new()));
    // 200/s of 50 ms each need ten connections: all six are busy.
    until("the pools are busy", || fleet.live().waiting > 0).await;
    let before = fleet.registry().pids();
    let killed: i64 = one(
        &client,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE application_name = 'pgrehearse traffic'",
    )
    .await;
    assert_eq!(killed, 6);
    until("connections are lost", || fleet.live().errors > 0).await;
    until("all are replaced", || {
        let pids = fleet.registry().pids();
        pids.len() == 6 && !pids.iter().any(|pid| before.contains(pid))
    })
    .await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    let lost = phase.errors["connection_lost"];
    assert!((1..=6).contains(&lost), "{lost}");
    assert_eq!(phase.accounting.failed, lost);
    assert!(phase.accounting.completed > 0);
    assert_eq!(phase.accounting.unfinished, 0);
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_is_found_again() {
    let (server, client) = server_with_table().await;
    let plan = traffic(100.0, &[("read", "SELECT count(*) FROM t;")]);
    let mut application = application(2, 2);
    application.acquire_timeout = Duration::from_millis(100);
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    fleet.go(Arc::new(Timeline::new()));
    until("traffic flows", || fleet.live().rate > 0.0).await;
    // For whoever connects, a server whose socket is gone is not there.
    let socket = server.directory().join("s/.s.PGSQL.5432");
    let aside = socket.with_extension("aside");
    std::fs::rename(&socket, &aside).unwrap();
    let end_all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE application_name = 'pgrehearse traffic'";
    assert_eq!(one::<i64>(&client, end_all).await, 4);
    until("requests fail", || fleet.live().errors > 20).await;
    assert_eq!(fleet.live().connections, 0);
    std::fs::rename(&aside, &socket).unwrap();
    until("connections are back", || fleet.live().connections == 4).await;
    let errors = fleet.live().errors;
    until("traffic flows again", || fleet.live().rate > 50.0).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    assert!(phase.errors["acquire_timeout"] > 0, "{:?}", phase.errors);
    assert!(phase.accounting.timed_out + phase.accounting.failed >= errors);
}

#[tokio::test]
async fn a_lock_drains_the_pool_and_latency_counts_from_the_arrival() {
    let (server, mut client) = server_with_table().await;
    let plan = traffic(50.0, &[("read", "SELECT count(*) FROM t;")]);
    let mut application = application(1, 2);
    application.acquire_timeout = Duration::from_millis(500);
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    let timeline = Arc::new(Timeline::new());
    fleet.go(Arc::clone(&timeline));
    until("traffic flows", || fleet.live().rate > 0.0).await;

    let transaction = client.transaction().await.unwrap();
    let lock = "LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    transaction.batch_execute(lock).await.unwrap();
    let locked = timeline.now();
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    // The sampler knows whom it sees waiting.
    let waiter: i32 = transaction
        .query_one("SELECT pid FROM pg_locks WHERE NOT granted LIMIT 1", &[])
        .await
        .unwrap()
        .get(0);
    let activity = fleet.registry().lookup(waiter).unwrap();
    assert_eq!(activity.transaction, Some(0));
    assert!(fleet.live().waiting > 0);
    let released = timeline.now();
    transaction.commit().await.unwrap();
    until("traffic flows again", || {
        let live = fleet.live();
        live.waiting == 0 && live.in_flight <= 2
    })
    .await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let end = timeline.now();

    let phase = warmup(&recording, &plan);
    let held = (released - locked).as_secs_f64();
    assert!(phase.accounting.timed_out > 0);
    assert_eq!(phase.errors["acquire_timeout"], phase.accounting.timed_out);
    assert_eq!(phase.errors.len(), 1, "{:?}", phase.errors);
    // Who waited for a connection waited at least the timeout; who had one, nearly the whole lock
    // (two requests come in 40 ms).
    let latency = phase.latency.unwrap();
    assert!(latency.max > held - 0.5, "{latency:?}, held for {held}");
    let waited = latency.mean * phase.accounting.scheduled as f64;
    assert!(
        waited > 0.5 * phase.accounting.timed_out as f64,
        "{latency:?}"
    );
    let (outage, kind) = recording.unavailable(Duration::ZERO, end);
    assert_eq!(kind, Some(0));
    assert!(outage.as_secs_f64() > held - 0.5, "{outage:?}, {held}");
    let series = recording.series(&[], Duration::ZERO, end);
    assert!(
        series
            .iter()
            .any(|second| second.rate == 0.0 && second.errors > 0),
        "a whole second without success: {series:?}"
    );
}

#[tokio::test]
async fn requests_cut_off_at_the_end_are_unfinished_and_leave_nothing_behind() {
    let (server, mut client) = server_with_table().await;
    let plan = traffic(100.0, &[("read", "SELECT count(*) FROM t;")]);
    let fleet = fleet(&server, &plan, &application(2, 2)).await.unwrap();
    let timeline = Arc::new(Timeline::new());
    let transaction = client.transaction().await.unwrap();
    let lock = "LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    transaction.batch_execute(lock).await.unwrap();
    fleet.go(Arc::clone(&timeline));
    until("requests queue", || fleet.live().in_flight > 10).await;
    let recording = fleet.stop(Duration::from_millis(50)).await.unwrap();
    let phase = warmup(&recording, &plan);
    assert_eq!(phase.accounting.completed, 0);
    assert_eq!(phase.accounting.unfinished, phase.accounting.scheduled);
    assert!(phase.latency.unwrap().max > 0.05);
    // Those who waited for the lock do not wait on after they were given up. A transaction sees the
    // same sessions as long as it lasts, so another has to look.
    let watcher = connect(&server).await;
    until_true(&watcher, NO_SESSIONS).await;
    drop(transaction);
}

#[tokio::test]
async fn a_statement_that_the_server_refuses_is_named_by_file_and_line() {
    let (server, _client) = server_with_table().await;
    for protocol in [Protocol::Prepared, Protocol::Extended, Protocol::Simple] {
        let mut plan = traffic(
            1.0,
            &[
                ("good", "SELECT 1;"),
                ("bad", "-- Reads.\nSELECT 1;\n  SELECT nope FROM t;\n"),
            ],
        );
        plan.protocol = protocol;
        let error = fleet(&server, &plan, &application(2, 2))
            .await
            .err()
            .expect("a column is missing");
        let message = error.to_string();
        assert!(
            message.contains("`bad`, traffic/bad.sql:3:3:")
                && message.contains("column \"nope\" does not exist")
                && message.contains("42703"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_error() {
    let server = server().await;
    server.emergency().stop_now().unwrap();
    let plan = traffic(1.0, &[("read", "SELECT 1;")]);
    let error = fleet(&server, &plan, &application(1, 1)).await.err();
    assert!(matches!(error, Some(TrafficError::Connect(_))));
}

#[tokio::test]
async fn errors_are_classified_and_leave_the_session_clean() {
    let (server, client) = server_with_table().await;
    let plan = traffic(
        200.0,
        &[
            (
                "duplicate",
                "BEGIN;\nINSERT INTO hits VALUES (1);\nINSERT INTO hits VALUES (1);\nCOMMIT;",
            ),
            ("slow", "SELECT pg_sleep(10);"),
            (
                "zero",
                "\\set zero 0\nBEGIN;\nSELECT 1;\n\\set x 1 / :zero\nCOMMIT;",
            ),
            ("open", "BEGIN;\nSELECT 1;"),
            (
                "good",
                "\\set id random(1, 1000)\nUPDATE t SET n = n + 1 WHERE id = :id;",
            ),
        ],
    );
    let mut application = application(2, 4);
    application.statement_timeout = Duration::from_millis(400);
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    fleet.go(Arc::new(Timeline::new()));
    tokio::time::sleep(Duration::from_millis(700)).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    for (transaction, kind) in
        phase
            .transactions
            .iter()
            .zip(["23505", "57014", "script", "transaction_left_open"])
    {
        let Accounting { scheduled, .. } = transaction.accounting;
        assert!(scheduled > 0);
        let name = &transaction.name;
        assert_eq!(transaction.errors.get(kind), Some(&scheduled), "{name}");
    }
    assert_eq!(
        phase.accounting.timed_out,
        phase.transactions[1].accounting.scheduled
    );
    // An open transaction block would have kept these from being committed.
    let good = &phase.transactions[4].accounting;
    let counted: i64 = one(&client, "SELECT sum(n) FROM t").await;
    assert_eq!(good.completed, counted as u64);
    assert_eq!(good.completed, good.scheduled);
}

#[tokio::test]
async fn every_protocol_sends_values_of_every_type() {
    let (server, client) = server_with_table().await;
    client
        .batch_execute(
            "CREATE TYPE mood AS ENUM ('calm');
             CREATE TABLE wide (id bigint, amount numeric, note text, mood mood, at timestamptz,
                                data jsonb, key uuid, flag bool, list int[])",
        )
        .await
        .unwrap();
    let script = "\\fresh id wide.id
        \\set amount random(1, 9) / 4.0
        INSERT INTO wide VALUES (:id, :amount, 'it''s ' || :id, 'calm', now(), '{}',
                                 '00000000-0000-0000-0000-000000000000', :id = :id, ARRAY[:id]::int[]);";
    let mut sent = 0;
    for protocol in [Protocol::Prepared, Protocol::Extended, Protocol::Simple] {
        let mut plan = traffic(200.0, &[("wide", script)]);
        plan.protocol = protocol;
        let fleet = fleet(&server, &plan, &application(1, 2)).await.unwrap();
        fleet.go(Arc::new(Timeline::new()));
        until("rows are written", || fleet.live().rate > 0.0).await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let phase = warmup(&recording, &plan);
        assert_eq!(
            phase.accounting.scheduled, phase.accounting.completed,
            "{:?}",
            phase.errors
        );
        sent += phase.accounting.completed;
    }
    let rows: i64 = one(&client, "SELECT count(*) FROM wide").await;
    assert_eq!(rows as u64, sent);
}

#[tokio::test]
async fn a_plan_that_a_migration_made_stale_fails_once_a_connection() {
    let (server, client) = server_with_table().await;
    let plan = traffic(100.0, &[("star", "SELECT * FROM t WHERE id = 1;")]);
    let fleet = fleet(&server, &plan, &application(1, 2)).await.unwrap();
    fleet.go(Arc::new(Timeline::new()));
    until("traffic flows", || fleet.live().rate > 0.0).await;
    client
        .batch_execute("ALTER TABLE t ADD COLUMN more int")
        .await
        .unwrap();
    until("the change is noticed", || fleet.live().errors > 0).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    let stale = phase.errors["0A000"];
    assert!((1..=2).contains(&stale), "{:?}", phase.errors);
    assert_eq!(phase.accounting.failed, stale);
}

#[tokio::test]
async fn what_cannot_be_prepared_can_still_be_sent_by_the_simple_protocol() {
    let (server, _client) = server_with_table().await;
    let script = "\\set memory random(1000, 2000)\nSET work_mem = :memory;";
    let mut plan = traffic(100.0, &[("set", script)]);
    let refused = fleet(&server, &plan, &application(1, 1)).await.err();
    assert!(matches!(
        refused,
        Some(TrafficError::Prepare { line: 2, .. })
    ));
    plan.protocol = Protocol::Simple;
    let fleet = fleet(&server, &plan, &application(1, 1)).await.unwrap();
    fleet.go(Arc::new(Timeline::new()));
    until("it is sent", || fleet.live().rate > 0.0).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    assert_eq!(phase.accounting.completed, phase.accounting.scheduled);
}

/// Keys with a bug.
struct Broken;

impl Keys for Broken {
    fn resolve(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<KeyId, String> {
        Ok(KeyId(0))
    }

    fn pick(&self, _: KeyId, _: u64) -> String {
        panic!("keys are broken")
    }

    fn fresh(&self, _: KeyId, _: u64) -> String {
        String::new()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_worker_that_panics_is_an_error_and_no_hang() {
    let (server, client) = server_with_table().await;
    let plan = traffic(
        100.0,
        &[("read", "\\pick id t.id\nSELECT * FROM t WHERE id = :id;")],
    );
    let fleet = Fleet::start(FleetSetup {
        traffic: &plan,
        application: &application(2, 2),
        release: None,
        seed: 42,
        config: server.config(),
        keys: Box::new(Broken),
    })
    .await
    .unwrap();
    assert!(fleet.is_alive());
    fleet.go(Arc::new(Timeline::new()));
    until("a worker dies", || !fleet.is_alive()).await;
    let error = fleet.stop(PATIENCE).await.unwrap_err();
    assert!(matches!(&error, TrafficError::WorkerDied(reason) if reason == "keys are broken"));
    until_true(&client, NO_SESSIONS).await;
}

#[tokio::test]
async fn the_same_seed_sends_the_same_requests() {
    let (server, client) = server_with_table().await;
    client
        .batch_execute("CREATE TABLE picked (serial bigint, instances int, id int, value int)")
        .await
        .unwrap();
    let mut fewest = u64::MAX;
    for instances in [1, 4] {
        let script = format!(
            "\\fresh serial picked.serial\n\\pick id t.id\n\\set value random(1, 1000000)
             INSERT INTO picked VALUES (:serial, {instances}, :id, :value);"
        );
        let mut plan = traffic(400.0, &[("pick", &script)]);
        plan.load = Load::steady(400.0, Arrivals::Poisson);
        let fleet = fleet(&server, &plan, &application(instances, 2))
            .await
            .unwrap();
        fleet.go(Arc::new(Timeline::new()));
        tokio::time::sleep(Duration::from_millis(500)).await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        fewest = fewest.min(warmup(&recording, &plan).accounting.completed);
    }
    let same: i64 = one(
        &client,
        "SELECT count(*) FROM picked a JOIN picked b USING (serial, id, value)
         WHERE (a.instances, b.instances) = (1, 4)",
    )
    .await;
    assert_eq!(same as u64, fewest);
}

#[tokio::test]
async fn dropping_a_fleet_ends_it() {
    let (server, client) = server_with_table().await;
    let plan = traffic(100.0, &[("slow", "SELECT pg_sleep(30);")]);
    let running = fleet(&server, &plan, &application(2, 2)).await.unwrap();
    running.go(Arc::new(Timeline::new()));
    until("requests run", || running.live().in_flight > 4).await;
    drop(running);
    until_true(&client, NO_SESSIONS).await;
    let idle = fleet(&server, &plan, &application(2, 2)).await.unwrap();
    drop(idle);
    until_true(&client, NO_SESSIONS).await;
}
