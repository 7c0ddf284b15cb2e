//! The schema and the scenario's invariants before and after the migration.

use std::time::Duration;

use tokio_postgres::{Config, Error};

use super::RehearsalError;
use super::leftovers::{Remains, leftovers, lost_rows, touched};
use crate::observe::{Integrity, Invariant, LaggingSequence, Migration, MigrationOutcome};
use crate::postgres::connect::{connect_unlimited, describe};
use crate::postgres::integrity::Snapshot;
use crate::postgres::{integrity, inventory, sequences};
use crate::scenario::Plan;
use crate::scenario::plan::InvariantPlan;
use crate::schema::inventory::{Inventory, difference};

const APPLICATION: &str = "pgrehearse integrity";

/// How long a server that restarts is asked for a snapshot.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(20);

/// What is known before the migration.
pub(super) struct Known {
    integrity: Integrity,
    inventory: Inventory,
    /// None where they could not be read: then nobody can tell which of them are behind since.
    lagging: Option<Vec<LaggingSequence>>,
}

/// Snapshots of the data under traffic. They are read when the traffic is over, which they would disturb.
#[derive(Default)]
pub(super) struct Moments {
    /// When the migration had ended.
    pub(super) at_end: Option<Snapshot>,
    /// When the recovery had.
    pub(super) after: Option<Snapshot>,
}

/// The data of now; none where the plan has no invariants or the server does not come back.
pub(super) async fn moment(plan: &Plan, config: &Config) -> Option<Snapshot> {
    if plan.invariants.is_empty() {
        return None;
    }
    let mut waited = Duration::ZERO;
    loop {
        match Snapshot::take(config, APPLICATION).await {
            Ok(snapshot) => return Some(snapshot),
            Err(_) if waited < PATIENCE => tokio::time::sleep(PAUSE).await,
            Err(_) => return None,
        }
        waited += PAUSE;
    }
}

/// Reads it before the migration. An invariant that cannot be read is the scenario's error.
pub(super) async fn before(plan: &Plan, config: &Config) -> Result<Known, RehearsalError> {
    let snapshot = Snapshot::take(config, APPLICATION).await?;
    let mut invariants = Vec::new();
    for planned in &plan.invariants {
        let error = |message: String| RehearsalError::Invariant {
            name: planned.name.clone(),
            message,
        };
        let before = read(&snapshot, planned).await.map_err(error)?;
        invariants.push(Invariant {
            name: planned.name.clone(),
            before,
            at_end: None,
            after: None,
            error: None,
            expect: planned.expect,
            passed: before == planned.expect,
        });
    }
    drop(snapshot);
    let session = connect_unlimited(config, APPLICATION).await?;
    let client = &session.client;
    let inventory = inventory::read(client).await?;
    Ok(Known {
        integrity: Integrity {
            fingerprint_before: Some(inventory.fingerprint()),
            invariants,
            // Until the migration has run: what is not as it should be already.
            invalid_indexes: integrity::invalid_indexes(client).await?,
            unvalidated_constraints: integrity::unvalidated_constraints(client).await?,
            ..Integrity::default()
        },
        inventory,
        lagging: sequences::lagging(client).await.ok(),
    })
}

/// Reads it after the migration. A schema that cannot be read (the server may be gone) has no fingerprint after, so
/// that nobody takes it for one in which nothing is left; an invariant not read has not passed.
pub(super) async fn after(
    plan: &Plan,
    config: &Config,
    (known, moments): (&Known, Moments),
    migration: Option<&Migration>,
) -> Integrity {
    let Known {
        integrity: before,
        inventory,
        ..
    } = known;
    let mut state = Integrity {
        invalid_indexes: Vec::new(),
        unvalidated_constraints: Vec::new(),
        ..before.clone()
    };
    read_invariants(plan, config, (&mut state.invariants, moments)).await;
    let mut remains = Remains::default();
    if let Ok(now) = read_schema(config, known).await {
        state.invalid_indexes = now.invalid_indexes;
        state.unvalidated_constraints = now.unvalidated_constraints;
        state.fingerprint_after = Some(now.inventory.fingerprint());
        remains.differences = difference(inventory, &now.inventory);
        state.lagging_sequences = now.lagging;
    }
    state.schema_diff = remains.differences.iter().map(|d| d.to_string()).collect();
    if let Some(migration) = migration {
        state.lost_rows = lost_rows(migration, inventory);
        // Traffic that brings its own keys leaves a sequence behind, too.
        let touched = touched(migration, &remains.differences);
        state.lagging_sequences.retain(|one| touched.by(one));
        remains.invalid_indexes = state.invalid_indexes.clone();
        remains.unvalidated_constraints = state.unvalidated_constraints.clone();
        if migration.outcome != MigrationOutcome::Applied {
            state.leftovers = leftovers(migration, &remains);
        }
    }
    state
}

/// What is in the schema after the migration, and was not before it.
struct Now {
    inventory: Inventory,
    invalid_indexes: Vec<String>,
    unvalidated_constraints: Vec<String>,
    lagging: Vec<LaggingSequence>,
}

/// All of it, or an error: half of it would read as if nothing were left.
async fn read_schema(config: &Config, known: &Known) -> Result<Now, Error> {
    let before = &known.integrity;
    let session = connect_unlimited(config, APPLICATION).await?;
    let client = &session.client;
    let indexes = integrity::invalid_indexes(client).await?;
    let constraints = integrity::unvalidated_constraints(client).await?;
    Ok(Now {
        inventory: inventory::read(client).await?,
        invalid_indexes: added(indexes, &before.invalid_indexes),
        unvalidated_constraints: added(constraints, &before.unvalidated_constraints),
        lagging: match &known.lagging {
            Some(before) => newly(sequences::lagging(client).await?, before),
            None => Vec::new(),
        },
    })
}

/// What is not as after a migration that ran through, a sentence each: `whole` is what that one made of the
/// schema. What cannot be read counts as well.
pub(super) async fn amiss(
    plan: &Plan,
    config: &Config,
    (known, whole): (&Known, Option<&[String]>),
) -> Vec<String> {
    let mut now = after(plan, config, (known, Moments::default()), None).await;
    let mut amiss: Vec<String> = Vec::new();
    if now.fingerprint_after.is_none() {
        amiss.push("what is in the schema cannot be read".to_owned());
    } else if let Some(whole) = whole {
        let missing = whole.iter().filter(|line| !now.schema_diff.contains(line));
        amiss.extend(missing.map(|line| format!("not in the schema: {line}")));
        let extra = now.schema_diff.iter().filter(|line| !whole.contains(line));
        amiss.extend(extra.map(|line| format!("in the schema as well: {line}")));
    }
    let invalid = now.invalid_indexes.drain(..);
    amiss.extend(invalid.map(|name| format!("index {name} is not valid")));
    let held = now.invariants.iter().filter(|one| one.before == one.expect);
    let broken = held.filter(|one| one.after != Some(one.expect));
    amiss.extend(broken.map(|one| match one.after {
        Some(value) => format!("the invariant {} gives {value}", one.name),
        None => format!("the invariant {} cannot be read", one.name),
    }));
    amiss
}

async fn read_invariants(
    plan: &Plan,
    config: &Config,
    (invariants, moments): (&mut [Invariant], Moments),
) {
    let Moments { at_end, after } = moments;
    let after = match after {
        Some(after) => Ok(after),
        None => Snapshot::take(config, APPLICATION).await,
    };
    for (invariant, planned) in invariants.iter_mut().zip(&plan.invariants) {
        if let Some(at_end) = &at_end {
            // What the migration left unreadable is so after the recovery as well.
            invariant.at_end = read(at_end, planned).await.ok();
        }
        let read = match &after {
            Ok(after) => read(after, planned).await,
            Err(error) => Err(describe(error)),
        };
        match read {
            Ok(value) => invariant.after = Some(value),
            Err(error) => invariant.error = Some(error),
        }
        invariant.passed &= invariant.worst() == Some(planned.expect);
    }
}

/// What was not there before.
fn added(mut now: Vec<String>, before: &[String]) -> Vec<String> {
    now.retain(|name| !before.contains(name));
    now
}

/// The sequences that were not behind before.
fn newly(mut now: Vec<LaggingSequence>, before: &[LaggingSequence]) -> Vec<LaggingSequence> {
    let same = |a: &LaggingSequence, b: &LaggingSequence| {
        (&a.sequence, &a.column) == (&b.sequence, &b.column)
    };
    now.retain(|one| !before.iter().any(|other| same(one, other)));
    now
}

async fn read(snapshot: &Snapshot, planned: &InvariantPlan) -> Result<i64, String> {
    match snapshot.number(&planned.sql).await {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err("its sql must give one whole number".to_owned()),
        Err(error) => Err(describe(&error)),
    }
}
