//! What an application makes of a server in trouble, against a real one: pools drain, health checks
//! fail, instances restart, requests are tried again, given up and refused, and every one of them is
//! accounted for.

#![expect(
    clippy::unwrap_used,
    reason = "what a test's helpers cannot do, fails the test"
)]

#[path = "support/fleet.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use pgrehearse::observe::{Accounting, FleetEvent, FleetEventKind, Recording};
use pgrehearse::scenario::plan::{ApplicationPlan, HealthCheckPlan};
use pgrehearse::shadow::{Durability, Server};
use pgrehearse::traffic::{Fleet, Timeline, TrafficError};
use support::{
    NO_SESSIONS, PATIENCE, application, connect, fleet, make_tables, one, server_with,
    server_with_table, traffic, until, until_true, warmup,
};
use tokio_postgres::{Client, Transaction};

/// Fails soon, so that tests are short.
fn health_check(sql: &str) -> HealthCheckPlan {
    HealthCheckPlan {
        sql: sql.to_owned(),
        every: Duration::from_millis(200),
        timeout: Duration::from_millis(200),
        failures: 2,
        restart: Duration::from_millis(1_500),
    }
}

fn checked(instances: u32, pool_size: u32) -> ApplicationPlan {
    ApplicationPlan {
        health_check: Some(health_check("SELECT 1 FROM t LIMIT 1")),
        ..application(instances, pool_size)
    }
}

async fn started(fleet: &Fleet) -> Arc<Timeline> {
    let timeline = Arc::new(Timeline::new());
    fleet.go(Arc::clone(&timeline));
    until("traffic flows", || fleet.live().rate > 0.0).await;
    timeline
}

async fn locked(client: &mut Client) -> Transaction<'_> {
    let transaction = client.transaction().await.unwrap();
    let lock = "LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    transaction.batch_execute(lock).await.unwrap();
    transaction
}

/// What happened to an instance, in order.
fn events_of(recording: &Recording, instance: u32) -> Vec<FleetEventKind> {
    let events = recording.events(Duration::ZERO).into_iter();
    events
        .filter(|event| event.instance == instance)
        .map(|event| event.kind)
        .collect()
}

fn count(events: &[FleetEventKind], wanted: fn(&FleetEventKind) -> bool) -> usize {
    events.iter().filter(|event| wanted(event)).count()
}

/// Asserts that no event tells what another told already, and that each has its cause before it.
fn assert_causal(events: &[FleetEventKind], failures: u32) {
    let mut failed = 0;
    let mut away = false;
    let mut exhausted = false;
    for event in events {
        match event {
            FleetEventKind::PoolExhausted { waiting } => {
                assert!(!exhausted && *waiting > 0, "{events:?}");
                exhausted = true;
            }
            FleetEventKind::PoolRecovered => assert!(std::mem::take(&mut exhausted), "{events:?}"),
            FleetEventKind::HealthCheckFailed { in_a_row, .. } => {
                assert!(!away, "{events:?}");
                assert!(*in_a_row == failed + 1 || *in_a_row == 1, "{events:?}");
                failed = *in_a_row;
            }
            FleetEventKind::Restarted => {
                assert!(!away && failed == failures, "{events:?}");
                (away, exhausted, failed) = (true, false, 0);
            }
            FleetEventKind::Returned => assert!(std::mem::take(&mut away), "{events:?}"),
            FleetEventKind::ConnectionLost { .. }
            | FleetEventKind::ConnectFailed { .. }
            | FleetEventKind::Reconnected
            | FleetEventKind::Released => assert!(!away, "{events:?}"),
        }
    }
}

fn is_restart(event: &FleetEventKind) -> bool {
    *event == FleetEventKind::Restarted
}

#[tokio::test]
async fn a_lock_takes_the_whole_fleet_down_and_it_comes_back() {
    let (server, mut client) = server_with_table().await;
    let plan = traffic(
        200.0,
        &[
            (
                "write",
                "\\set id random(1, 1000)\nBEGIN;\nUPDATE t SET n = n + 1 WHERE id = :id;\nCOMMIT;",
            ),
            ("other", "SELECT 1;"),
        ],
    );
    let fleet = fleet(&server, &plan, &checked(2, 3)).await.unwrap();
    assert_eq!(fleet.live().instances, 2);
    started(&fleet).await;
    let lock = locked(&mut client).await;
    until("all instances are away", || {
        let live = fleet.live();
        (live.instances, live.connections) == (0, 0)
    })
    .await;
    let errors = fleet.live().errors;
    until("requests find no instance", || {
        fleet.live().errors > errors + 20
    })
    .await;
    until("they are back", || fleet.live().instances > 0).await;
    lock.commit().await.unwrap();
    until("all are back", || {
        let live = fleet.live();
        (live.instances, live.connections) == (2, 6)
    })
    .await;
    until("traffic flows again", || fleet.live().rate > 50.0).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();

    let phase = warmup(&recording, &plan);
    assert_eq!(phase.accounting.unfinished, 0);
    for kind in ["instance_restarted", "instance_down"] {
        assert!(phase.errors[kind] > 0, "{:?}", phase.errors);
    }
    // Whoever has nothing to do with the table suffers too.
    assert!(phase.transactions[1].errors["instance_down"] > 0);
    for instance in 0..2 {
        let events = events_of(&recording, instance);
        assert_causal(&events, 2);
        assert!(count(&events, is_restart) > 0);
        let first = |wanted: fn(&FleetEventKind) -> bool| events.iter().position(wanted);
        let drained = first(|event| matches!(event, FleetEventKind::PoolExhausted { .. }));
        let failed = first(|event| matches!(event, FleetEventKind::HealthCheckFailed { .. }));
        let restarted = first(is_restart);
        let returned = first(|event| *event == FleetEventKind::Returned);
        let reconnected = first(|event| *event == FleetEventKind::Reconnected);
        let chain = [drained, failed, restarted, returned, reconnected];
        assert!(
            chain.iter().all(Option::is_some) && chain.is_sorted(),
            "{events:?}"
        );
    }
    // A transaction that its instance did not live to see the end of, was not committed.
    let counted: i64 = one(&client, "SELECT sum(n) FROM t").await;
    let write = &phase.transactions[0].accounting;
    assert_eq!(write.completed, counted as u64);
    until_true(&client, NO_SESSIONS).await;
}

#[tokio::test]
async fn instances_restart_again_while_the_lock_is_held_and_their_backends_stay() {
    // Two of the test's own, eight of the application's, and six to spare.
    let server = server_with(10, &[("max_connections", "16")]).await;
    let mut client = make_tables(&server).await;
    let watcher = connect(&server).await;
    let plan = traffic(200.0, &[("read", "SELECT count(*) FROM t;")]);
    let mut application = checked(1, 8);
    application.health_check.as_mut().unwrap().restart = Duration::from_millis(100);
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    started(&fleet).await;
    let lock = locked(&mut client).await;
    until("the instance is away", || fleet.live().instances == 0).await;
    // Its backends wait for the lock still, and nobody waits for them.
    until_true(
        &watcher,
        "SELECT count(*) = 8 FROM pg_stat_activity
         WHERE application_name = 'pgrehearse traffic' AND wait_event_type = 'Lock'",
    )
    .await;
    until("it is back", || fleet.live().instances == 1).await;
    until("it is away again", || fleet.live().instances == 0).await;
    lock.commit().await.unwrap();
    until("traffic flows again", || {
        let live = fleet.live();
        live.connections == 8 && live.rate > 50.0
    })
    .await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    warmup(&recording, &plan);
    let events = events_of(&recording, 0);
    assert_causal(&events, 2);
    assert!(count(&events, is_restart) >= 2, "{events:?}");
    // The backends of the first life leave too few connections for the second.
    let full = FleetEventKind::ConnectFailed {
        error: "53300".to_owned(),
    };
    assert!(events.contains(&full), "{events:?}");
    assert_eq!(
        count(&events, |event| *event == FleetEventKind::Returned),
        count(&events, is_restart)
    );
    until_true(&client, NO_SESSIONS).await;
}

#[tokio::test]
async fn requests_of_an_instance_that_is_away_go_to_its_neighbour() {
    let (server, client) = server_with_table().await;
    // Only the instance whose check is the third restarts, and it does not come back.
    client
        .batch_execute("CREATE SEQUENCE checks")
        .await
        .unwrap();
    let plan = traffic(200.0, &[("read", "SELECT 1;")]);
    let mut application = application(2, 2);
    let sql = "DO $$ BEGIN IF nextval('checks') = 3 THEN RAISE EXCEPTION 'unwell'; END IF; END $$;";
    application.health_check = Some(HealthCheckPlan {
        failures: 1,
        timeout: PATIENCE,
        restart: PATIENCE,
        ..health_check(sql)
    });
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    started(&fleet).await;
    until("an instance is away", || fleet.live().instances == 1).await;
    let before = fleet.live().errors;
    until("traffic goes on", || fleet.live().rate > 100.0).await;
    until_true(&client, "SELECT last_value > 6 FROM checks").await;
    assert_eq!(fleet.live().errors, before);
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    // However many processors the machine has, the other instance takes all of it.
    assert!(!phase.errors.contains_key("instance_down"), "{phase:?}");
    let events = recording.events(Duration::ZERO);
    let raised = FleetEventKind::HealthCheckFailed {
        error: "P0001".to_owned(),
        in_a_row: 1,
    };
    assert!(events.iter().any(|event| event.kind == raised));
    assert_eq!(
        events
            .iter()
            .filter(|event| is_restart(&event.kind))
            .count(),
        1
    );
}

#[tokio::test]
async fn checks_of_a_healthy_fleet_count_as_nothing() {
    let (server, client) = server_with_table().await;
    client
        .batch_execute("CREATE SEQUENCE checks")
        .await
        .unwrap();
    let plan = traffic(50.0, &[("read", "SELECT 1;")]);
    let mut application = application(2, 2);
    application.health_check = Some(HealthCheckPlan {
        timeout: PATIENCE,
        every: Duration::from_millis(20),
        ..health_check("SELECT nextval('checks')")
    });
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    started(&fleet).await;
    until_true(&client, "SELECT last_value > 20 FROM checks").await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    let rate_alone = phase.accounting.scheduled;
    assert_eq!(phase.accounting.completed, rate_alone);
    assert_eq!(phase.transactions.len(), 1);
    assert_eq!(recording.events(Duration::ZERO), []);
}

#[tokio::test]
async fn a_stop_while_instances_are_away_accounts_for_everything() {
    let (server, mut client) = server_with_table().await;
    let plan = traffic(300.0, &[("read", "SELECT count(*) FROM t;")]);
    for drop_it in [false, true] {
        let mut application = checked(2, 2);
        application.health_check.as_mut().unwrap().restart = PATIENCE;
        let fleet = fleet(&server, &plan, &application).await.unwrap();
        started(&fleet).await;
        let lock = locked(&mut client).await;
        until("an instance is away", || fleet.live().instances < 2).await;
        if drop_it {
            drop(fleet);
        } else {
            let recording = fleet.stop(Duration::from_millis(20)).await.unwrap();
            let phase = warmup(&recording, &plan);
            assert!(phase.errors["instance_restarted"] > 0);
        }
        // Also the backends of the instances that were ended are gone, although the lock is held.
        let watcher = connect(&server).await;
        if !drop_it {
            until_true(&watcher, NO_SESSIONS).await;
        }
        drop(lock);
        until_true(&watcher, NO_SESSIONS).await;
    }
}

/// A transaction that fails at its first try, with this error, and tells what it has drawn.
fn fails_once(error: &str) -> String {
    format!(
        "\\set drawn random(1, 1000000000)
         SELECT CASE nextval('tries') WHEN 1 THEN setval('first', :drawn)
                                      WHEN 2 THEN setval('second', :drawn) END;
         BEGIN;
         UPDATE t SET n = n + 1 WHERE id = 1;
         {error}
         COMMIT;"
    )
}

async fn with_tries() -> (Server, Client) {
    let (server, client) = server_with_table().await;
    let sequences = "CREATE SEQUENCE tries; CREATE SEQUENCE first; CREATE SEQUENCE second";
    client.batch_execute(sequences).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn a_retry_draws_the_same_numbers_and_counts_once() {
    for (kind, error) in [
        (
            "40001",
            "DO $$ BEGIN IF currval('tries') = 1 THEN
                 RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF; END $$;",
        ),
        (
            "connection_lost",
            "SELECT CASE currval('tries') WHEN 1 THEN pg_terminate_backend(pg_backend_pid()) END;",
        ),
    ] {
        let (server, client) = with_tries().await;
        let plan = traffic(20.0, &[("again", &fails_once(error))]);
        let mut application = application(1, 2);
        application.retries = 3;
        application.retry_on = vec![kind.to_owned()];
        application.retry_backoff = Duration::from_millis(1);
        let fleet = fleet(&server, &plan, &application).await.unwrap();
        started(&fleet).await;
        until_true(&client, "SELECT last_value > 4 FROM tries").await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let phase = warmup(&recording, &plan);
        let Accounting {
            retried, retries, ..
        } = phase.accounting;
        assert_eq!((retried, retries), (1, 1), "{kind}");
        assert_eq!(phase.accounting.completed, phase.accounting.scheduled);
        assert!(phase.errors.is_empty(), "{:?}", phase.errors);
        let counted: i64 = one(&client, "SELECT sum(n) FROM t").await;
        assert_eq!(counted as u64, phase.accounting.completed);
        let tries: i64 = one(&client, "SELECT last_value FROM tries").await;
        assert_eq!(tries as u64, phase.accounting.completed + 1);
        if kind == "40001" {
            until_true(
                &client,
                "SELECT first.last_value = second.last_value AND second.last_value > 1
                 FROM first, second",
            )
            .await;
        }
    }
}

#[tokio::test]
async fn what_fails_for_ever_is_tried_as_often_as_it_says() {
    let (server, client) = with_tries().await;
    let script = "SELECT nextval('tries');\nDO $$ BEGIN RAISE SQLSTATE '40001'; END $$;";
    let plan = traffic(50.0, &[("never", script)]);
    let mut application = application(2, 2);
    application.retries = 4;
    application.retry_backoff = Duration::from_millis(1);
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    fleet.go(Arc::new(Timeline::new()));
    until("requests fail", || fleet.live().errors > 5).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    let scheduled = phase.accounting.scheduled;
    assert_eq!(phase.errors["40001"], scheduled);
    assert_eq!(phase.accounting.failed, scheduled);
    assert_eq!(phase.accounting.retries, 4 * scheduled);
    assert_eq!(phase.accounting.retried, scheduled);
    let tries: i64 = one(&client, "SELECT last_value FROM tries").await;
    assert_eq!(tries as u64, 5 * scheduled);
}

#[tokio::test]
async fn serialization_failures_and_deadlocks_are_overcome_by_retries() {
    let server = server_with(50, &[("deadlock_timeout", "10ms")]).await;
    let client = make_tables(&server).await;
    let add = |id| format!("UPDATE t SET n = n + 1 WHERE id = {id};\nSELECT pg_sleep(0.02);");
    let plan = traffic(
        100.0,
        &[
            (
                "serializable",
                "BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT n FROM t WHERE id = 3;
                 SELECT pg_sleep(0.02);\nUPDATE t SET n = n + 1 WHERE id = 3;\nCOMMIT;",
            ),
            ("forth", &format!("BEGIN;\n{}\n{}\nCOMMIT;", add(1), add(2))),
            ("back", &format!("BEGIN;\n{}\n{}\nCOMMIT;", add(2), add(1))),
        ],
    );
    for retries in [0, 10_000] {
        client.batch_execute("UPDATE t SET n = 0").await.unwrap();
        let mut application = application(2, 6);
        application.retries = retries;
        let fleet = fleet(&server, &plan, &application).await.unwrap();
        fleet.go(Arc::new(Timeline::new()));
        tokio::time::sleep(Duration::from_millis(700)).await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let phase = warmup(&recording, &plan);
        if retries == 0 {
            for code in ["40001", "40P01"] {
                assert!(phase.errors.contains_key(code), "{:?}", phase.errors);
            }
            assert_eq!(phase.accounting.retried, 0);
        } else {
            assert!(phase.accounting.retried > 0);
            assert_eq!(phase.accounting.completed, phase.accounting.scheduled);
        }
        let done = |kind: usize| phase.transactions[kind].accounting.completed;
        let counted: i64 = one(&client, "SELECT sum(n) FROM t").await;
        assert_eq!(counted as u64, done(0) + 2 * (done(1) + done(2)));
    }
}

#[tokio::test]
async fn requests_that_miss_their_deadline_are_cancelled_and_let_others_through() {
    let (server, client) = server_with_table().await;
    let plan = traffic(
        40.0,
        &[("slow", "SELECT pg_sleep(600);"), ("fast", "SELECT 1;")],
    );
    let mut application = application(1, 2);
    application.request_timeout = Duration::from_millis(300);
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    started(&fleet).await;
    until("requests are given up", || fleet.live().errors > 20).await;
    until("traffic flows still", || fleet.live().rate > 0.0).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    let slow = &phase.transactions[0];
    assert_eq!(slow.accounting.timed_out, slow.accounting.scheduled);
    assert_eq!(slow.errors["request_timeout"], slow.accounting.scheduled);
    assert_eq!(phase.accounting.unfinished, 0);
    assert!(phase.transactions[1].accounting.completed > 0);
    let ours = |event: &FleetEvent| matches!(event.kind, FleetEventKind::ConnectionLost { .. });
    assert!(!recording.events(Duration::ZERO).iter().any(ours));
    until_true(&client, NO_SESSIONS).await;
}

#[tokio::test]
async fn a_full_queue_sheds_what_comes() {
    let (server, _client) = server_with_table().await;
    let plan = traffic(200.0, &[("slow", "SELECT pg_sleep(0.05);")]);
    for limit in [0, 3] {
        let mut application = application(1, 2);
        application.queue_limit = Some(limit);
        let fleet = fleet(&server, &plan, &application).await.unwrap();
        fleet.go(Arc::new(Timeline::new()));
        let mut longest = 0;
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(500) {
            longest = longest.max(fleet.live().waiting);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(longest <= u64::from(limit), "{longest}");
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let phase = warmup(&recording, &plan);
        assert!(phase.accounting.shed > 0 && phase.accounting.completed > 0);
        let both = phase.accounting.shed + phase.accounting.completed;
        assert_eq!(both, phase.accounting.scheduled, "{:?}", phase.errors);
    }
}

#[tokio::test]
async fn a_pool_that_is_overloaded_for_long_is_not_exhausted_anew_each_time() {
    let (server, _client) = server_with_table().await;
    let plan = traffic(200.0, &[("slow", "SELECT pg_sleep(0.02);")]);
    let mut application = application(1, 1);
    application.acquire_timeout = Duration::from_millis(200);
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    started(&fleet).await;
    until("requests give up", || fleet.live().errors > 300).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    // While some give up, others still get the connection: that is no recovery.
    assert!(phase.accounting.completed > 50 && phase.accounting.timed_out > 300);
    let events = events_of(&recording, 0);
    assert_causal(&events, u32::MAX);
    let exhausted = |event: &FleetEventKind| matches!(event, FleetEventKind::PoolExhausted { .. });
    // More than one only where the machine stood still for so long that the whole queue gave up.
    assert!(count(&events, exhausted) <= 10, "{events:?}");
}

#[tokio::test]
async fn a_server_with_too_few_connections_is_named_before_the_start() {
    let server = server_with(10, &[]).await;
    let plan = traffic(1.0, &[("read", "SELECT 1;")]);
    let error = fleet(&server, &plan, &application(5, 10)).await.err();
    let Some(TrafficError::TooManyConnections {
        needed,
        limits: Some(limits),
        ..
    }) = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!((*needed, limits.reserved), (50, 3));
    let message = error.unwrap().to_string();
    assert!(
        message.contains("too many clients") && message.contains("superuser_reserved_connections"),
        "{message}"
    );
}

#[tokio::test]
async fn every_loss_is_told_once_and_so_is_its_end() {
    let (server, client) = server_with_table().await;
    let plan = traffic(100.0, &[("slow", "SELECT pg_sleep(0.02);")]);
    let fleet = fleet(&server, &plan, &application(2, 3)).await.unwrap();
    started(&fleet).await;
    for _ in 0..2 {
        let before = fleet.registry().pids();
        one::<i64>(
            &client,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE application_name = 'pgrehearse traffic'",
        )
        .await;
        until("all are replaced", || {
            let pids = fleet.registry().pids();
            pids.len() == 6 && !pids.iter().any(|pid| before.contains(pid))
        })
        .await;
        until("traffic flows again", || fleet.live().rate > 20.0).await;
    }
    let recording = fleet.stop(PATIENCE).await.unwrap();
    warmup(&recording, &plan);
    for instance in 0..2 {
        let lost = FleetEventKind::ConnectionLost {
            error: "57P01".to_owned(),
        };
        // A connection may be back before the next one is found to be lost.
        let events = events_of(&recording, instance);
        let pairs: Vec<_> = events.chunks(2).collect();
        assert!(pairs.len() >= 2, "{events:?}");
        for pair in pairs {
            assert_eq!(pair, [lost.clone(), FleetEventKind::Reconnected]);
        }
    }
}

#[tokio::test]
async fn a_restart_of_the_server_is_survived() {
    let (mut server, client) = server_with_table().await;
    drop(client);
    let plan = traffic(
        100.0,
        &[(
            "write",
            "\\set id random(1, 1000)\nUPDATE t SET n = n + 1 WHERE id = :id;",
        )],
    );
    let mut application = application(2, 2);
    application.health_check = Some(HealthCheckPlan {
        timeout: PATIENCE,
        failures: u32::MAX,
        ..health_check("SELECT 1")
    });
    let fleet = fleet(&server, &plan, &application).await.unwrap();
    started(&fleet).await;
    server.restart(Durability::Production).await.unwrap();
    until("connections are back", || fleet.live().connections == 4).await;
    until("traffic flows again", || fleet.live().rate > 50.0).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let phase = warmup(&recording, &plan);
    assert_eq!(phase.accounting.unfinished, 0);
    let client = connect(&server).await;
    let counted: i64 = one(&client, "SELECT sum(n) FROM t").await;
    // The answer to a commit may be lost on its way.
    let lost = phase.errors.get("connection_lost").copied().unwrap_or(0);
    let completed = phase.accounting.completed;
    assert!((completed..=completed + lost).contains(&(counted as u64)));
    for instance in 0..2 {
        let events = events_of(&recording, instance);
        let reconnected = |event: &FleetEventKind| *event == FleetEventKind::Reconnected;
        assert!(events.iter().any(reconnected), "{events:?}");
    }
}
