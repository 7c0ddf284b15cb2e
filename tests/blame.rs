//! Who blocks whom on a real server: rows, transactions, queues with a disturbance at their root,
//! deadlocks with their partners, and what sessions do that wait for no lock.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test's helpers cannot do, fails the test"
)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pgrehearse::observe::lock_sample::{LockRow, LockSample, Owner};
use pgrehearse::observe::waits::{TrackedLocks, WaitTracker};
use pgrehearse::observe::{Busy, LockWait, Pass, PassName, RootKind};
use pgrehearse::postgres::activity::ActivityQuery;
use pgrehearse::postgres::locks::LockQuery;
use pgrehearse::rehearsal::{Options, Rehearsal, Silent, Surroundings, stop_switch};
use pgrehearse::scenario::{Plan, parse};
use pgrehearse::shadow::Server;
use support::{connect, execute, server};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// How long a test waits for what must happen, before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

const TABLES: &str =
    "CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int);
     INSERT INTO a SELECT g, 0 FROM generate_series(1, 10) g;
     INSERT INTO b SELECT g, 0 FROM generate_series(1, 10) g";

/// The lock sampler's eyes, without its thread, and the sessions that it watches.
struct Stand {
    server: Server,
    eyes: Client,
    query: LockQuery,
    owners: BTreeMap<i32, Owner>,
    migration: i32,
    origin: Instant,
    tracker: WaitTracker,
}

impl Stand {
    async fn new() -> Self {
        let server = server().await;
        let eyes = connect(&server.config()).await;
        execute(&eyes, TABLES).await;
        let version = version(&eyes).await;
        Self {
            query: LockQuery::prepare(&eyes, version).await.unwrap(),
            server,
            eyes,
            owners: BTreeMap::new(),
            migration: 0,
            origin: Instant::now(),
            tracker: WaitTracker::default(),
        }
    }

    /// A session of somebody's, who has done this already.
    async fn session(&mut self, owner: Owner, done: &str) -> Client {
        let client = connect(&self.server.config()).await;
        let row = client.query_one("SELECT pg_backend_pid()", &[]).await;
        let pid = row.unwrap().get(0);
        if owner == Owner::Migration {
            self.migration = pid;
        }
        self.owners.insert(pid, owner);
        client.batch_execute(done).await.unwrap();
        client
    }

    /// Lets a session run what waits, and looks until so many wait.
    async fn waits(&mut self, client: Client, sql: &'static str, waiting: usize) -> Waiting {
        let running = tokio::spawn(async move {
            let done = client.batch_execute(sql).await;
            drop(client);
            done
        });
        let begun = Instant::now();
        while self.look().await < waiting {
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {sql}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        running
    }

    /// Takes a sample; how many wait in it.
    async fn look(&mut self) -> usize {
        let locks: Vec<LockRow> = self.query.read(&self.eyes, self.migration).await.unwrap();
        let waiting = locks.iter().filter(|row| !row.granted).count();
        self.tracker.observe(&LockSample {
            at: self.origin.elapsed(),
            locks,
            migration: (self.migration != 0).then_some((self.migration, 3)),
            owners: self.owners.clone(),
            strangers: BTreeMap::new(),
        });
        waiting
    }

    /// What was seen, when it is over.
    fn seen(self) -> (Server, TrackedLocks) {
        (self.server, self.tracker.finish(Duration::ZERO))
    }
}

type Waiting = JoinHandle<Result<(), tokio_postgres::Error>>;

fn traffic(name: &str) -> Owner {
    Owner::Traffic(name.to_owned())
}

async fn version(client: &Client) -> i32 {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int4", &[])
        .await;
    row.unwrap().get(0)
}

/// The longest wait of a session.
#[track_caller]
fn of<'a>(tracked: &'a TrackedLocks, waiter: &str) -> &'a LockWait {
    let waits = tracked.locks.waits.iter();
    waits
        .filter(|wait| wait.waiter == waiter)
        .max_by_key(|wait| wait.length)
        .unwrap_or_else(|| panic!("no wait of {waiter}: {:?}", tracked.locks.waits))
}

#[tokio::test]
async fn rows_of_a_backfill_are_waited_for_by_those_who_write_them() {
    let mut stand = Stand::new().await;
    let backfill = stand
        .session(
            Owner::Migration,
            "BEGIN; UPDATE a SET n = 1; INSERT INTO b VALUES (50, 0)",
        )
        .await;
    let first = stand.session(traffic("first"), "BEGIN").await;
    let first = stand
        .waits(first, "UPDATE a SET n = 2 WHERE id = 4; COMMIT", 1)
        .await;
    let second = stand.session(traffic("second"), "BEGIN").await;
    let second = stand
        .waits(second, "DELETE FROM a WHERE id = 4; COMMIT", 2)
        .await;
    // The key is another's, who has not committed: there is no row to lock.
    let third = stand.session(traffic("third"), "BEGIN").await;
    let third = stand
        .waits(third, "INSERT INTO b VALUES (50, 1); COMMIT", 3)
        .await;
    execute(&backfill, "ROLLBACK").await;
    for done in [first, second, third] {
        done.await.unwrap().unwrap();
    }
    let (server, tracked) = stand.seen();
    for (waiter, locktype, relation) in [
        ("first", "transactionid", "public.a"),
        ("second", "tuple", "public.a"),
        ("third", "transactionid", "public.b"),
    ] {
        let wait = of(&tracked, waiter);
        assert_eq!(wait.locktype, locktype);
        assert_eq!(wait.relation.as_deref(), Some(relation), "{wait:?}");
        assert!(wait.is_owed_to_migration(), "{wait:?}");
        assert_eq!(wait.root.statement, Some(3));
    }
    let behind = of(&tracked, "second");
    assert_eq!(
        (behind.depth, &behind.via[..]),
        (2, &["first".to_owned()][..])
    );
    let waited: Vec<_> = tracked.locks.behind_migration.keys().collect();
    assert_eq!(waited, ["first", "second", "third"]);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_index_built_concurrently_waits_for_old_snapshots() {
    let mut stand = Stand::new().await;
    let old = stand
        .session(
            Owner::Disturbance,
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM b",
        )
        .await;
    let migration = stand.session(Owner::Migration, "SELECT 1").await;
    let built = stand
        .waits(migration, "CREATE INDEX CONCURRENTLY ON a (n)", 1)
        .await;
    // The first wait may be for the sampler's own snapshot.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(200) {
        stand.look().await;
    }
    execute(&old, "COMMIT").await;
    built.await.unwrap().unwrap();
    let (server, tracked) = stand.seen();
    let wait = of(&tracked, "migration");
    assert_eq!(wait.locktype, "virtualxid");
    assert_eq!(wait.relation.as_deref(), Some("public.a"));
    assert_eq!(wait.root.kind, RootKind::Disturbance);
    assert!(tracked.locks.behind_migration.is_empty());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_queue_is_owed_to_the_migration_that_waits_and_not_to_whom_it_waits_for() {
    let mut stand = Stand::new().await;
    let disturbance = stand
        .session(
            Owner::Disturbance,
            "BEGIN; SELECT FROM a; UPDATE b SET n = 1 WHERE id = 9",
        )
        .await;
    let migration = stand.session(Owner::Migration, "BEGIN").await;
    let migration = stand
        .waits(migration, "ALTER TABLE a ADD c int; COMMIT", 1)
        .await;
    // This one holds a row, and reads what the migration stands before.
    let reader = stand
        .session(traffic("reader"), "BEGIN; UPDATE b SET n = 1 WHERE id = 1")
        .await;
    let reader = stand.waits(reader, "SELECT FROM a; COMMIT", 2).await;
    let writer = stand.session(traffic("writer"), "BEGIN").await;
    let writer = stand
        .waits(writer, "UPDATE b SET n = 2 WHERE id = 1; COMMIT", 3)
        .await;
    // These two would wait without the migration too.
    let row = stand.session(traffic("row"), "BEGIN").await;
    let row = stand
        .waits(row, "UPDATE b SET n = 2 WHERE id = 9; COMMIT", 4)
        .await;
    let table = stand.session(traffic("table"), "BEGIN").await;
    let table = stand
        .waits(
            table,
            "LOCK TABLE a IN ACCESS EXCLUSIVE MODE NOWAIT; COMMIT",
            4,
        )
        .await;
    assert!(
        table.await.unwrap().is_err(),
        "nobody gets it without waiting"
    );
    let table = stand.session(traffic("table"), "BEGIN").await;
    let table = stand
        .waits(table, "LOCK TABLE a IN ACCESS EXCLUSIVE MODE; COMMIT", 5)
        .await;
    execute(&disturbance, "COMMIT").await;
    for done in [migration, reader, writer, row, table] {
        done.await.unwrap().unwrap();
    }
    let (server, tracked) = stand.seen();
    let own = of(&tracked, "migration");
    assert_eq!(own.root.kind, RootKind::Disturbance);
    assert_eq!(own.relation.as_deref(), Some("public.a"));
    for waiter in ["reader", "writer"] {
        let wait = of(&tracked, waiter);
        assert!(wait.is_owed_to_migration(), "{wait:?}");
    }
    assert_eq!(
        of(&tracked, "reader").root.mode.as_deref(),
        Some("AccessExclusiveLock")
    );
    let writer = of(&tracked, "writer");
    assert_eq!(
        (writer.depth, &writer.via[..]),
        (2, &["reader".to_owned()][..])
    );
    for waiter in ["row", "table"] {
        let wait = of(&tracked, waiter);
        assert_eq!(wait.root.kind, RootKind::Disturbance, "{wait:?}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_sessions_do_is_read_with_their_waits() {
    let mut stand = Stand::new().await;
    let query = ActivityQuery::prepare(&stand.eyes, version(&stand.eyes).await)
        .await
        .unwrap();
    let sleeper = stand
        .session(traffic("sleeper"), "SET application_name = 'psql'")
        .await;
    let holder = stand.session(Owner::Migration, "BEGIN; LOCK TABLE a").await;
    let reader = stand.session(traffic("reader"), "SELECT 1").await;
    let reader = stand.waits(reader, "SELECT FROM a", 1).await;
    let sleeping = tokio::spawn(async move { sleeper.batch_execute("SELECT pg_sleep(600)").await });
    let begun = Instant::now();
    loop {
        let doings = query.read(&stand.eyes).await.unwrap();
        let active = |event: Option<&str>| {
            let mut active = doings.iter().filter(|doing| doing.active);
            active
                .find(|doing| doing.wait_event.as_deref() == event)
                .cloned()
        };
        if let Some(sleeping) = active(Some("PgSleep")) {
            assert_eq!(sleeping.wait_event_type, "Timeout");
            assert_eq!(sleeping.name.as_deref(), Some("psql"));
            let waiting = active(Some("relation")).unwrap();
            assert_eq!(waiting.wait_event_type, "Lock");
            let idle = doings.iter().find(|doing| doing.pid == stand.migration);
            assert!(!idle.unwrap().active, "idle in its transaction");
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    execute(&holder, "ROLLBACK").await;
    reader.await.unwrap().unwrap();
    sleeping.abort();
    let (server, _) = stand.seen();
    server.stop().await.unwrap();
}

/// What differs between the scenarios of these tests.
struct Case {
    disturbances: &'static str,
    sql: &'static str,
    migration: &'static str,
}

/// Two transactions that take the tables in opposite order: the traffic b first, the migration a first.
const DEADLOCK: Case = Case {
    disturbances: "disturbances = []",
    sql: "BEGIN; UPDATE b SET n = 1 WHERE id = 1; SELECT pg_sleep(0.05); UPDATE a SET n = 1 WHERE id = 1; COMMIT;",
    migration: "LOCK TABLE a; SELECT pg_sleep(0.5); LOCK TABLE b;",
};

/// A quick change that meets a long transaction.
const DISTURBED: Case = Case {
    disturbances: "",
    sql: "SELECT n FROM a WHERE id = 1;",
    migration: "SELECT 1; ALTER TABLE a ADD c int;",
};

fn plan(case: Case) -> Plan {
    let Case {
        disturbances,
        sql,
        migration,
    } = case;
    let scenario = format!(
        r#"
        name = "blame"
        {disturbances}
        [shadow]
        settings = {{ deadlock_timeout = "300ms" }}
        [schema]
        file = "schema.sql"
        [tables.a]
        rows = 10
        [tables.b]
        rows = 10
        [traffic]
        clients = 2
        [[traffic.transactions]]
        name = "transfer"
        sql = "{sql}"
        [application]
        instances = 1
        pool_size = 4
        [migration]
        file = "m.sql"
        [phases]
        warmup = "1s"
        baseline = "2s"
        recovery = "2s"
        "#
    );
    let file = parse("scenario.toml", &scenario, &[]).unwrap_or_else(|error| panic!("{error}"));
    let sources = [
        (
            "schema.sql",
            "CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int);",
        ),
        ("m.sql", migration),
    ];
    let sources: BTreeMap<PathBuf, String> = sources
        .iter()
        .map(|(name, text)| (PathBuf::from(name), (*text).to_owned()))
        .collect();
    file.resolve(&sources, None, 1.0)
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn rehearsed(plan: &Plan, name: PassName) -> Pass {
    let (_switch, stop) = stop_switch();
    let around = Surroundings {
        observer: &Silent,
        stop: &stop,
    };
    let options = Options {
        parallelism: 2,
        ..Options::default()
    };
    let mut rehearsal = Rehearsal::begin(plan, &options, around).unwrap();
    rehearsal.make(name).await.unwrap();
    let rehearsed = rehearsal.finish().unwrap();
    rehearsed.passes.into_iter().next_back().unwrap()
}

#[tokio::test]
async fn a_deadlock_names_its_victim_and_its_partners() {
    let pass = rehearsed(&plan(DEADLOCK), PassName::Quiet).await;
    let deadlocks = &pass.locks.deadlocks;
    let deadlock = deadlocks
        .iter()
        .find(|deadlock| deadlock.involves_migration())
        .unwrap_or_else(|| panic!("{:?}", pass.locks));
    assert_eq!(pass.locks.deadlocks_seen, deadlocks.len() as u64);
    assert!(["transfer", "migration"].contains(&deadlock.victim.as_str()));
    assert_eq!(deadlock.statement, Some(2), "{deadlock:?}");
    let partners: BTreeMap<&str, _> = deadlock
        .partners
        .iter()
        .map(|partner| {
            let lock = (partner.relation.as_deref(), partner.mode.as_str());
            (partner.who.as_str(), lock)
        })
        .collect();
    assert_eq!(
        partners.get("migration"),
        Some(&(Some("public.b"), "AccessExclusiveLock"))
    );
    assert_eq!(
        partners.get("transfer"),
        Some(&(Some("public.a"), "RowExclusiveLock"))
    );
    // The same report says what sessions did that waited for no lock.
    let sleeping = pass
        .waiting
        .baseline
        .iter()
        .find(|share| share.who == Busy::Traffic);
    assert!(sleeping.is_some(), "{:?}", pass.waiting);
    if cfg!(target_os = "linux") {
        assert!(pass.cpu.baseline.is_some_and(|usage| usage.busy <= 1.0));
    }
    let waited: u64 = pass.locks.tolls.iter().map(|toll| toll.waits).sum();
    assert_eq!(waited, pass.locks.behind_migration.values().sum::<u64>());
}

#[tokio::test]
async fn a_stall_behind_a_disturbance_is_blamed_on_the_statement_that_waited_for_it() {
    let pass = rehearsed(&plan(DISTURBED), PassName::Disturbed).await;
    let mut own = pass
        .locks
        .waits
        .iter()
        .filter(|wait| wait.is_of_migration());
    let own = own.next().unwrap_or_else(|| panic!("{:?}", pass.locks));
    assert_eq!(own.root.kind, RootKind::Disturbance);
    assert_eq!(own.root.name.as_deref(), Some("long-transaction"));
    let blames = pgrehearse::judge::blame(&pass);
    let worst = blames.first().unwrap_or_else(|| panic!("{:?}", pass.locks));
    assert_eq!(worst.statement, Some(1), "{worst:?}");
    assert_eq!(worst.relation.as_deref(), Some("public.a"));
    assert_eq!(worst.mode.as_deref(), Some("AccessExclusiveLock"));
    let cause = worst.cause.as_ref().unwrap_or_else(|| panic!("{worst:?}"));
    assert_eq!(cause.lock, "AccessExclusiveLock on public.a");
    assert_eq!(cause.behind, "the disturbance (long-transaction)");
    assert!(
        worst.waits >= 1
            && worst
                .waiters
                .iter()
                .all(|waiter| waiter.transaction == "transfer")
    );
}
