//! The next release of the application, against a real server: who sends what from when on, what an
//! instance's going over costs, and what becomes of prepared statements.

#![expect(
    clippy::unwrap_used,
    reason = "what a test's helpers cannot do, fails the test"
)]

#[path = "support/fleet.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use pgrehearse::observe::{FleetEvent, FleetEventKind, PhaseName, Recording};
use pgrehearse::scenario::plan::{
    ApplicationPlan, HealthCheckPlan, Load, Protocol, Role, TrafficPlan,
};
use pgrehearse::scenario::release::ReleasePlan;
use pgrehearse::shadow::Server;
use pgrehearse::traffic::{Fleet, FleetSetup, Timeline};
use support::{
    Ids, NO_SESSIONS, PATIENCE, application, connect, make_tables, one, server_with,
    server_with_table, traffic, until, until_true, warmup,
};
use tokio_postgres::Client;

fn release(next_from: &str, rolling: Duration) -> ReleasePlan {
    ReleasePlan {
        next_from: next_from.parse().unwrap(),
        rolling,
        ordering: None,
    }
}

async fn fleet(
    server: &Server,
    (traffic, application): (&TrafficPlan, &ApplicationPlan),
    release: ReleasePlan,
) -> Fleet {
    let started = Fleet::start(FleetSetup {
        traffic,
        application,
        release: Some(release),
        seed: 42,
        config: server.config(),
        keys: Box::new(Ids),
    });
    started.await.unwrap()
}

/// Writes down who sends it.
fn signed(kind: &str) -> String {
    format!("INSERT INTO sent VALUES ('{kind}', pg_backend_pid());")
}

/// A mix of which `old` becomes `new`, `kept` stays and `extra` comes on top, half as often as these two.
fn mix(rate: f64) -> TrafficPlan {
    let kinds = ["old", "kept", "new", "extra"].map(|kind| (kind, signed(kind)));
    let kinds = kinds.each_ref().map(|(name, text)| (*name, text.as_str()));
    let mut plan = traffic(rate, &kinds);
    let [_, _, new, extra] = &mut plan.transactions[..] else {
        unreachable!("four kinds")
    };
    (new.role, new.replaces) = (Role::Next, Some(0));
    extra.role = Role::Next;
    plan
}

async fn with_sent() -> (Server, Client) {
    let (server, client) = server_with_table().await;
    let table = "CREATE TABLE sent (kind text, pid int, at timestamptz DEFAULT clock_timestamp())";
    client.batch_execute(table).await.unwrap();
    (server, client)
}

async fn started(fleet: &Fleet) -> Arc<Timeline> {
    let timeline = Arc::new(Timeline::new());
    fleet.go(Arc::clone(&timeline));
    until("traffic flows", || fleet.live().rate > 0.0).await;
    timeline
}

/// When instances went over, in the order of their numbers.
fn releases(recording: &Recording) -> Vec<Duration> {
    let events = recording.events(Duration::ZERO);
    let of = |event: &&FleetEvent| event.kind == FleetEventKind::Released;
    let mut released: Vec<&FleetEvent> = events.iter().filter(of).collect();
    released.sort_by_key(|event| event.instance);
    let numbers: Vec<u32> = released.iter().map(|event| event.instance).collect();
    let expected: Vec<u32> = (0..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "each once");
    released.iter().map(|event| event.at).collect()
}

/// Begins the migration, and gives the time.
fn migrate(timeline: &Timeline) -> Duration {
    timeline.begin(PhaseName::Migration);
    timeline.migration_started()
}

/// What happened, in order.
fn events(recording: &Recording) -> Vec<FleetEventKind> {
    let events = recording.events(Duration::ZERO).into_iter();
    events.map(|event| event.kind).collect()
}

/// What was due of each kind, none of which was lost, and the server has seen each once.
async fn due(recording: &Recording, plan: &TrafficPlan, client: &Client) -> Vec<u64> {
    let phases = [PhaseName::Warmup, PhaseName::Migration, PhaseName::Recovery];
    let zero = Duration::ZERO;
    let mut due = vec![0; plan.transactions.len()];
    for phase in phases.map(|phase| recording.phase(phase, &plan.names(), zero, zero)) {
        assert!(phase.accounting.balances(), "{:?}", phase.accounting);
        for (kind, due) in phase.transactions.iter().zip(&mut due) {
            let accounting = &kind.accounting;
            assert_eq!(accounting.completed, accounting.scheduled, "{kind:?}");
            *due += accounting.scheduled;
        }
    }
    for (name, due) in plan.names().iter().zip(&due) {
        let sent = format!("SELECT count(*) FROM sent WHERE kind = '{name}'");
        assert_eq!(one::<i64>(client, &sent).await as u64, *due, "{name}");
    }
    due
}

/// No connection has sent what two different releases send.
const FAITHFUL: &str = "SELECT NOT EXISTS (SELECT FROM sent GROUP BY pid
     HAVING bool_or(kind = 'old') AND bool_or(kind IN ('new', 'extra')))";

/// Waits until every session is another than these, and as many.
async fn replaced(fleet: &Fleet, before: &[i32]) {
    until("all sessions are new", || {
        let now = fleet.registry().pids();
        now.len() == before.len() && !now.iter().any(|pid| before.contains(pid))
    })
    .await;
}

/// Waits until so many more were sent, and says whether one of this kind was among them.
async fn is_still_sent(client: &Client, kind: &str, more: u32) -> bool {
    let since: String = one(client, "SELECT clock_timestamp()::text").await;
    let sent = format!("SELECT count(*) > {more} FROM sent WHERE at > '{since}'");
    until_true(client, &sent).await;
    let sql = format!("SELECT bool_or(kind = '{kind}') FROM sent WHERE at > '{since}'");
    one(client, &sql).await
}

#[tokio::test]
async fn instances_go_over_one_after_the_other_and_send_what_is_theirs() {
    let (server, client) = with_sent().await;
    let plan = mix(400.0);
    let rolling = Duration::from_millis(300);
    let release = release("migration-start", rolling);
    let fleet = fleet(&server, (&plan, &application(4, 3)), release).await;
    let before = fleet.registry().pids();
    let timeline = started(&fleet).await;
    until_true(&client, "SELECT count(*) > 100 FROM sent").await;
    let current = "SELECT bool_and(kind IN ('old', 'kept')) FROM sent";
    assert!(one::<bool>(&client, current).await);
    let start = migrate(&timeline);
    replaced(&fleet, &before).await;
    assert!(!is_still_sent(&client, "old", 100).await);
    let recording = fleet.stop(PATIENCE).await.unwrap();

    let released = releases(&recording);
    assert_eq!(released.len(), 4);
    for (instance, at) in (0..).zip(&released) {
        assert!(*at >= start + rolling * instance, "{released:?}, {start:?}");
    }
    assert!(one::<bool>(&client, FAITHFUL).await);
    let due = due(&recording, &plan, &client).await;
    assert!(due.iter().all(|due| *due > 0), "{due:?}");
    let told = events(&recording);
    let released = |event: &FleetEventKind| *event == FleetEventKind::Released;
    assert!(told.iter().all(released), "nothing else happened: {told:?}");
    until_true(&client, NO_SESSIONS).await;
}

#[tokio::test]
async fn what_is_new_comes_on_top_of_the_rate_and_what_replaces_does_not() {
    let (server, client) = with_sent().await;
    let plan = mix(300.0);
    let release = release("migration-start", Duration::ZERO);
    let fleet = fleet(&server, (&plan, &application(3, 2)), release).await;
    let timeline = Arc::new(Timeline::new());
    let before_go = timeline.now();
    fleet.go(Arc::clone(&timeline));
    let after_go = timeline.now();
    tokio::time::sleep(Duration::from_millis(300)).await;
    migrate(&timeline);
    tokio::time::sleep(Duration::from_millis(900)).await;
    let before_stop = timeline.now();
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let after_stop = timeline.now();

    let due = due(&recording, &plan, &client).await;
    let [old, kept, new, extra] = due[..] else {
        unreachable!("four kinds")
    };
    // At a uniform rate the numbers follow from the times; the start is up to 5 ms after the order.
    let at = |rate: f64, from: Duration, to: Duration| (to - from).as_secs_f64() * rate;
    let lead = Duration::from_millis(5);
    let (fewest, most) = (
        at(300.0, after_go + lead, before_stop),
        at(300.0, before_go, after_stop),
    );
    let all = (old + kept + new) as f64;
    assert!(fewest.floor() <= all && all <= most.ceil(), "{due:?}");
    let released = releases(&recording);
    assert_eq!(released.len(), 3);
    let (first, last) = (
        released.iter().min().unwrap(),
        released.iter().max().unwrap(),
    );
    // Each of the three instances may be off by one of its own.
    let fewest = at(150.0, *last, before_stop) - 3.0;
    let most = at(150.0, *first, after_stop) + 3.0;
    let extra = extra as f64;
    assert!(
        fewest <= extra && extra <= most,
        "{fewest}, {extra}, {most}"
    );
    assert!(old > 0 && new > 0);
}

#[tokio::test]
async fn the_moment_counts_from_the_plan_the_start_or_the_success() {
    let (server, client) = with_sent().await;
    let plan = mix(100.0);
    let planned = Duration::from_millis(1_200);
    for (next_from, success) in [
        ("-400ms", false),
        ("200ms", false),
        ("migration-end", true),
        ("migration-end", false),
    ] {
        client.batch_execute("TRUNCATE sent").await.unwrap();
        let fleet = fleet(
            &server,
            (&plan, &application(2, 1)),
            release(next_from, Duration::ZERO),
        )
        .await;
        let timeline = Arc::new(Timeline::new());
        timeline.plan_migration(planned);
        fleet.go(Arc::clone(&timeline));
        tokio::time::sleep(planned).await;
        let start = migrate(&timeline);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let applied = success.then(|| timeline.migration_applied());
        timeline.begin(PhaseName::Recovery);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let due = due(&recording, &plan, &client).await;
        let released = releases(&recording);
        let expected = match next_from {
            "-400ms" => Some(planned - Duration::from_millis(400)),
            "200ms" => Some(start + Duration::from_millis(200)),
            _ => applied,
        };
        match expected {
            Some(from) => {
                assert_eq!(released.len(), 2, "{next_from}");
                assert!(released.iter().all(|at| *at >= from), "{released:?}");
                assert!(due[2] > 0 && due[3] > 0, "{next_from}: {due:?}");
            }
            None => assert_eq!((released.len(), &due[2..]), (0, &[0, 0][..])),
        }
    }
}

#[tokio::test]
async fn clients_draw_from_what_the_release_of_their_instance_sends() {
    let (server, client) = with_sent().await;
    let mut plan = mix(0.0);
    plan.load = Load::clients(4);
    let release = release("migration-start", Duration::ZERO);
    let fleet = fleet(&server, (&plan, &application(2, 2)), release).await;
    let before = fleet.registry().pids();
    let timeline = started(&fleet).await;
    until_true(&client, "SELECT count(*) > 100 FROM sent").await;
    migrate(&timeline);
    replaced(&fleet, &before).await;
    assert!(!is_still_sent(&client, "old", 200).await);
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let due = due(&recording, &plan, &client).await;
    assert!(due.iter().all(|due| *due > 0), "{due:?}");
    assert!(one::<bool>(&client, FAITHFUL).await);
}

#[tokio::test]
async fn requests_under_way_end_where_they_began() {
    let (server, client) = with_sent().await;
    let slow = format!("SELECT pg_sleep(0.3);\n{}", signed("old"));
    let mut plan = traffic(12.0, &[("old", &slow), ("new", &signed("new"))]);
    let new = plan.transactions.last_mut().unwrap();
    (new.role, new.replaces) = (Role::Next, Some(0));
    let release = release("migration-start", Duration::ZERO);
    let fleet = fleet(&server, (&plan, &application(1, 2)), release).await;
    let before = fleet.registry().pids();
    let timeline = started(&fleet).await;
    // Two connections serve fewer than 7 a second, so that some wait.
    until("requests wait", || fleet.live().waiting > 2).await;
    migrate(&timeline);
    until_true(
        &client,
        "SELECT EXISTS (SELECT FROM sent WHERE kind = 'new')",
    )
    .await;
    // The former instance still works while the next one does.
    assert!(
        fleet
            .registry()
            .pids()
            .iter()
            .any(|pid| before.contains(pid))
    );
    replaced(&fleet, &before).await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let due = due(&recording, &plan, &client).await;
    assert!(due.iter().all(|due| *due > 0), "{due:?}");
    assert!(one::<bool>(&client, FAITHFUL).await);
}

#[tokio::test]
async fn a_request_that_is_tried_again_finds_a_connection_of_its_own_release() {
    let (server, client) = with_sent().await;
    client.batch_execute("CREATE SEQUENCE tries").await.unwrap();
    let fails_once = format!("SELECT 1 / (nextval('tries') - 1);\n{}", signed("old"));
    let mut plan = traffic(2.0, &[("old", &fails_once), ("new", &signed("new"))]);
    let new = plan.transactions.last_mut().unwrap();
    (new.role, new.replaces) = (Role::Next, Some(0));
    let application = ApplicationPlan {
        retries: 1,
        retry_on: vec!["22012".to_owned()],
        retry_backoff: Duration::from_secs(1),
        ..application(1, 1)
    };
    let release = release("migration-start", Duration::ZERO);
    let fleet = fleet(&server, (&plan, &application), release).await;
    let before = fleet.registry().pids();
    let timeline = Arc::new(Timeline::new());
    fleet.go(Arc::clone(&timeline));
    until_true(&client, "SELECT is_called FROM tries").await;
    migrate(&timeline);
    replaced(&fleet, &before).await;
    until_true(
        &client,
        "SELECT EXISTS (SELECT FROM sent WHERE kind = 'old')",
    )
    .await;
    until("that connection goes again", || {
        fleet.live().connections == 1
    })
    .await;
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let due = due(&recording, &plan, &client).await;
    let (first, retried) = (
        recording.accounting(PhaseName::Warmup),
        recording.accounting(PhaseName::Migration),
    );
    assert_eq!(first.retried + retried.retried, 1);
    assert_eq!(due[0], 1, "{due:?}");
    assert!(one::<bool>(&client, FAITHFUL).await);
}

/// Fails as long as nothing is `well`, and restarts soon.
fn checked(application: ApplicationPlan, restart: Duration) -> ApplicationPlan {
    ApplicationPlan {
        health_check: Some(HealthCheckPlan {
            sql: "SELECT 1 / (SELECT count(*) FROM well)".to_owned(),
            every: Duration::from_millis(50),
            timeout: PATIENCE,
            failures: 2,
            restart,
        }),
        ..application
    }
}

async fn with_well() -> (Server, Client) {
    let (server, client) = with_sent().await;
    let table = "CREATE TABLE well (); INSERT INTO well DEFAULT VALUES";
    client.batch_execute(table).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn health_checks_go_on_and_restart_the_release_that_runs() {
    let (server, client) = with_well().await;
    let plan = mix(200.0);
    let application = checked(application(1, 2), Duration::from_millis(50));
    let release = release("migration-start", Duration::ZERO);
    let fleet = fleet(&server, (&plan, &application), release).await;
    let before = fleet.registry().pids();
    let timeline = started(&fleet).await;
    migrate(&timeline);
    replaced(&fleet, &before).await;
    let next = fleet.registry().pids();
    client.batch_execute("TRUNCATE well").await.unwrap();
    until("it is restarted", || {
        let now = fleet.registry().pids();
        !now.iter().any(|pid| next.contains(pid))
    })
    .await;
    let well = "INSERT INTO well DEFAULT VALUES";
    client.batch_execute(well).await.unwrap();
    until("it is back", || fleet.live().instances == 1).await;
    assert!(is_still_sent(&client, "new", 50).await);
    assert!(!is_still_sent(&client, "old", 50).await);
    let recording = fleet.stop(PATIENCE).await.unwrap();
    assert!(one::<bool>(&client, FAITHFUL).await);
    let told = events(&recording);
    let place = |kind: FleetEventKind| told.iter().position(|event| *event == kind);
    let released = place(FleetEventKind::Released);
    assert!(released.is_some() && released < place(FleetEventKind::Restarted));
    assert!(place(FleetEventKind::Restarted) < place(FleetEventKind::Returned));
}

#[tokio::test]
async fn an_instance_that_is_away_comes_back_as_the_next_release() {
    let (server, client) = with_well().await;
    let plan = mix(200.0);
    let application = checked(application(1, 2), PATIENCE * 10);
    let release = release("migration-start", Duration::ZERO);
    let fleet = fleet(&server, (&plan, &application), release).await;
    let timeline = started(&fleet).await;
    client.batch_execute("TRUNCATE well").await.unwrap();
    until("it is away", || fleet.live().instances == 0).await;
    let well = "INSERT INTO well DEFAULT VALUES";
    client.batch_execute(well).await.unwrap();
    let errors = fleet.live().errors;
    until("requests find none", || fleet.live().errors > errors).await;
    migrate(&timeline);
    until("it is back", || fleet.live().instances == 1).await;
    assert!(is_still_sent(&client, "new", 50).await);
    let recording = fleet.stop(PATIENCE).await.unwrap();
    let told = events(&recording);
    let turns: Vec<_> = told
        .iter()
        .filter(|event| !matches!(event, FleetEventKind::HealthCheckFailed { .. }))
        .collect();
    assert_eq!(
        turns,
        [
            &FleetEventKind::Restarted,
            &FleetEventKind::Returned,
            &FleetEventKind::Released
        ]
    );
}

#[tokio::test]
async fn where_the_server_has_no_room_the_former_instance_goes_on_until_it_has() {
    let server = server_with(10, &[("max_connections", "12")]).await;
    let client = make_tables(&server).await;
    let table = "CREATE TABLE sent (kind text, pid int, at timestamptz DEFAULT clock_timestamp())";
    client.batch_execute(table).await.unwrap();
    let plan = mix(200.0);
    let release = release("migration-start", Duration::ZERO);
    let fleet = fleet(&server, (&plan, &application(1, 4)), release).await;
    let before = fleet.registry().pids();
    let timeline = started(&fleet).await;
    let mut others = Vec::new();
    for _ in 0..7 {
        others.push(connect(&server).await);
    }
    migrate(&timeline);
    assert!(is_still_sent(&client, "old", 100).await);
    assert_eq!(fleet.live().instances, 1);
    drop(others);
    replaced(&fleet, &before).await;
    assert!(is_still_sent(&client, "new", 100).await);
    let recording = fleet.stop(PATIENCE).await.unwrap();
    due(&recording, &plan, &client).await;
    let told = events(&recording);
    let full = FleetEventKind::ConnectFailed {
        error: "53300".to_owned(),
    };
    assert_eq!(told.first(), Some(&full), "{told:?}");
    assert_eq!(releases(&recording).len(), 1);
}

#[tokio::test]
async fn a_release_before_its_schema_fails_by_name_until_that_comes() {
    for protocol in [Protocol::Prepared, Protocol::Simple] {
        let (server, client) = server_with_table().await;
        let next = "\\pick id t.id\nSELECT region FROM t WHERE id = :id;";
        let kinds = [("read", "SELECT n FROM t WHERE id = 1;"), ("region", next)];
        let mut plan = traffic(200.0, &kinds);
        plan.protocol = protocol;
        plan.transactions.last_mut().unwrap().role = Role::Next;
        let release = release("migration-start", Duration::ZERO);
        let fleet = fleet(&server, (&plan, &application(2, 2)), release).await;
        let timeline = started(&fleet).await;
        migrate(&timeline);
        until("it fails", || fleet.live().errors > 20).await;
        let column = "ALTER TABLE t ADD COLUMN region text";
        client.batch_execute(column).await.unwrap();
        timeline.begin(PhaseName::Recovery);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let zero = Duration::ZERO;
        let phase = |name| recording.phase(name, &plan.names(), zero, zero);
        let (early, late) = (phase(PhaseName::Migration), phase(PhaseName::Recovery));
        let [read, region] = &early.transactions[..] else {
            unreachable!("two kinds")
        };
        assert!(early.accounting.balances() && late.accounting.balances());
        assert_eq!(read.accounting.lost(), 0);
        assert!(region.errors["42703"] > 20, "{:?}", region.errors);
        assert_eq!(region.accounting.failed, region.errors["42703"]);
        let after = &late.transactions[1].accounting;
        assert!(after.scheduled > 0 && after.lost() == 0, "{after:?}");
    }
}

#[tokio::test]
async fn a_stale_plan_fails_once_a_connection_and_statement_and_never_where_none_is_kept() {
    let slow = "SELECT t.*, pg_sleep(0.02) FROM t WHERE id = 1;";
    for (protocol, expected) in [
        (Protocol::Prepared, 3 * 2),
        (Protocol::Extended, 0),
        (Protocol::Simple, 0),
    ] {
        let (server, client) = server_with_table().await;
        let mut plan = traffic(
            200.0,
            &[("star", slow), ("other", slow), ("count", "SELECT 1;")],
        );
        plan.protocol = protocol;
        let fleet = support::fleet(&server, &plan, &application(1, 3))
            .await
            .unwrap();
        started(&fleet).await;
        let column = "ALTER TABLE t ADD COLUMN more int";
        client.batch_execute(column).await.unwrap();
        until("it fails", || fleet.live().errors >= expected).await;
        // Whatever is to come, has come then.
        until("requests go on", || fleet.live().rate > 50.0).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let recording = fleet.stop(PATIENCE).await.unwrap();
        let phase = warmup(&recording, &plan);
        let stale = phase.errors.get("0A000").copied().unwrap_or_default();
        assert_eq!(stale, expected, "{protocol:?}: {:?}", phase.errors);
        assert_eq!(phase.accounting.lost(), expected);
        let by_kind = phase.transactions.iter().map(|kind| kind.accounting.failed);
        let half = expected / 2;
        assert_eq!(by_kind.collect::<Vec<_>>(), [half, half, 0]);
    }
}

#[tokio::test]
async fn a_stop_in_the_midst_of_it_leaves_nothing_behind() {
    let (server, mut client) = with_sent().await;
    let watcher = connect(&server).await;
    let plan = mix(200.0);
    for drop_it in [false, true] {
        let release = release("migration-start", Duration::from_millis(50));
        let fleet = fleet(&server, (&plan, &application(4, 2)), release).await;
        let timeline = started(&fleet).await;
        let transaction = client.transaction().await.unwrap();
        let lock = "LOCK TABLE sent IN ACCESS EXCLUSIVE MODE";
        transaction.batch_execute(lock).await.unwrap();
        until("connections are taken", || fleet.live().waiting > 10).await;
        migrate(&timeline);
        until("both releases are there", || fleet.live().connections > 10).await;
        if drop_it {
            drop(fleet);
            drop(transaction);
        } else {
            let recording = fleet.stop(Duration::from_millis(20)).await.unwrap();
            for phase in [PhaseName::Warmup, PhaseName::Migration] {
                assert!(recording.accounting(phase).balances());
            }
            until_true(&watcher, NO_SESSIONS).await;
            drop(transaction);
        }
        until_true(&watcher, NO_SESSIONS).await;
    }
}
