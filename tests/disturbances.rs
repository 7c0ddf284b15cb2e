//! The disturbed pass on a real server: each kind of disturbance stands in the migration's way for its time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test cannot do without fails it"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use pgrehearse::observe::{MigrationOutcome, Pass, PassName, RootKind};
use pgrehearse::rehearsal::{
    Options, Rehearsal, RehearsalError, Silent, Surroundings, stop_switch,
};
use pgrehearse::scenario::{Plan, parse};

const SCHEMA: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, status text NOT NULL);
CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders (id));";

fn plan(disturbances: &str, migration: &str) -> Plan {
    let text = format!(
        r#"name = "disturbed"
{disturbances}
[schema]
file = "schema.sql"
[tables.orders]
rows = "20k"
[tables.items]
rows = 500
[traffic]
rate = 100
[[traffic.transactions]]
name = "read-order"
sql = '''
\pick id orders.id
SELECT status FROM orders WHERE id = :id;
'''
[application]
instances = 1
pool_size = 4
[migration]
file = "migration.sql"
transaction = "statement"
{migration}
[phases]
warmup = "100ms"
baseline = "1s"
recovery = "500ms"
"#
    );
    let file = parse("scenario.toml", &text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let sources = [
        ("schema.sql", SCHEMA),
        ("migration.sql", "ALTER TABLE orders ADD COLUMN note text"),
    ];
    let sources: BTreeMap<PathBuf, String> = sources
        .into_iter()
        .map(|(name, text)| (name.into(), text.to_owned()))
        .collect();
    file.resolve(&sources, None, 1.0).unwrap()
}

async fn passes(plan: &Plan) -> Result<Vec<Pass>, RehearsalError> {
    let (_switch, stop) = stop_switch();
    let around = Surroundings {
        observer: &Silent,
        stop: &stop,
    };
    let options = Options {
        parallelism: 2,
        ..Options::default()
    };
    let mut rehearsal = Rehearsal::begin(plan, &options, around)?;
    for name in rehearsal.passes() {
        rehearsal.make(name).await?;
    }
    Ok(rehearsal.finish().unwrap().passes)
}

/// The one pass with disturbances, after a quiet one on the same data.
async fn disturbed(plan: &Plan) -> Pass {
    let mut passes = passes(plan).await.unwrap();
    assert_eq!(passes.len(), 2);
    let disturbed = passes.pop().unwrap();
    let quiet = passes.pop().unwrap();
    assert_eq!(
        (quiet.name, disturbed.name),
        (PassName::Quiet, PassName::Disturbed)
    );
    assert!(quiet.disturbances.is_empty());
    // The second pass had the same data, without what the first had made of them.
    let before = |pass: &Pass| pass.integrity.fingerprint_before.clone().unwrap();
    assert_eq!(before(&quiet), before(&disturbed));
    disturbed
}

async fn stands_in_the_way(kind: &str) {
    let disturbance = format!(
        "disturbances = [{{ kind = \"{kind}\", table = \"orders\", start = \"-500ms\", duration = \"2s\" }}]"
    );
    let pass = disturbed(&plan(&disturbance, "")).await;
    let [disturbance] = &pass.disturbances[..] else {
        panic!("{:?}", pass.disturbances);
    };
    assert_eq!(disturbance.kind, kind);
    assert_eq!(disturbance.error, None);
    let migration = pass.migration.unwrap();
    assert_eq!(migration.outcome, MigrationOutcome::Applied);
    assert!(disturbance.start.unwrap() < migration.start);
    assert!(migration.end >= migration.start + migration.statements[0].lock_wait);
    let behind = pass
        .locks
        .waits
        .iter()
        .find(|wait| wait.is_of_migration() && wait.root.kind == RootKind::Disturbance)
        .unwrap_or_else(|| panic!("{kind}: {:?}", pass.locks.waits));
    assert_eq!(behind.relation.as_deref(), Some("public.orders"));
    assert_eq!(behind.root.pid, disturbance.pid);
}

#[tokio::test]
async fn a_long_transaction_stands_in_the_way() {
    stands_in_the_way("long-transaction").await;
}

#[tokio::test]
async fn an_idle_transaction_stands_in_the_way() {
    stands_in_the_way("idle-in-transaction").await;
}

#[tokio::test]
async fn a_long_query_stands_in_the_way() {
    stands_in_the_way("long-query").await;
}

#[tokio::test]
async fn a_dump_stands_in_the_way() {
    stands_in_the_way("dump").await;
}

#[tokio::test]
async fn a_vacuum_that_does_not_give_way_stands_in_the_way() {
    stands_in_the_way("anti-wraparound-vacuum").await;
}

#[tokio::test]
async fn with_a_lock_timeout_the_migration_gets_by_in_several_attempts() {
    let patient = "lock_timeout = \"100ms\"\nattempts = 100\nbackoff = \"50ms\"";
    // Left out, there is the usual disturbance.
    let pass = disturbed(&plan("", patient)).await;
    assert_eq!(pass.disturbances[0].kind, "long-transaction");
    let migration = pass.migration.unwrap();
    assert_eq!(migration.outcome, MigrationOutcome::Applied);
    assert!(migration.attempts > 1);
    assert_eq!(migration.tries.len(), migration.attempts as usize);
    let (last, failed) = migration.tries.split_last().unwrap();
    assert_eq!(last.error, None);
    for attempt in failed {
        let error = attempt.error.as_ref().unwrap();
        assert_eq!(error.sqlstate.as_deref(), Some("55P03"));
    }
    assert_eq!(migration.statements[0].lock_timeout.as_millis(), 100);
}

#[tokio::test]
async fn a_disturbance_of_a_table_that_is_not_there_is_the_scenarios_error() {
    let disturbance = "disturbances = [{ kind = \"dump\", table = \"invoices\" }]";
    let error = passes(&plan(disturbance, "")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "disturbance `dump`: the schema has no table `invoices`"
    );
}
