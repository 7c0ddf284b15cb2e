//! Lock waits: who waited for what, how long, and behind whom.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Deadlock, Toll};
use crate::units::seconds;

/// All lock waits of a pass.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Locks {
    /// The mean time between two samples.
    #[serde(with = "seconds")]
    pub sample_interval: Duration,
    /// The longest time without a sample: no wait's length is off by more.
    #[serde(with = "seconds")]
    pub sample_error: Duration,
    /// Samples taken.
    pub samples: u64,
    /// The longest wait of any session but the migration's own.
    #[serde(with = "seconds")]
    pub max_wait: Duration,
    /// The sum of all waits of sessions but the migration's own.
    #[serde(with = "seconds")]
    pub total_wait: Duration,
    /// Most sessions seen waiting at once.
    pub peak_waiters: u32,
    /// The waits, longest first, at most [`Locks::KEPT`], of which those behind the migration come
    /// first; the sums above cover all.
    pub waits: Vec<LockWait>,
    /// How many waits there were in all.
    pub waits_seen: u64,
    /// How many requests of each kind of transaction waited for the migration; kinds that never did are
    /// not among them. The two steps of waiting for a row are one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub behind_migration: BTreeMap<String, u64>,
    /// What each lock of the migration cost each kind of transaction, over all waits owed to it, the
    /// most waiting first. Empty in reports of versions that did not sum it up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolls: Vec<Toll>,
    /// Deadlocks that the server broke, in the order of time, at most [`Locks::KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadlocks: Vec<Deadlock>,
    /// How many deadlocks there were in all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deadlocks_seen: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Locks {
    /// Waits kept in a report.
    pub const KEPT: usize = 500;
}

/// One session waiting for one lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockWait {
    /// Start, in seconds since the baseline began (negative in the warm-up).
    pub start: f64,
    /// Length.
    #[serde(with = "seconds")]
    pub length: Duration,
    /// Schema-qualified relation; none for waits on transactions whose row's table is not known.
    pub relation: Option<String>,
    /// The mode waited for, as `pg_locks.mode`.
    pub mode: String,
    /// `pg_locks.locktype`: `relation`, `transactionid`, `tuple`, …
    pub locktype: String,
    /// The transaction's name in the scenario, `migration`, or `other`.
    pub waiter: String,
    /// Whom the wait is owed to.
    pub root: Root,
    /// Sessions between the waiter and the root, the root included (1: waits for the root itself).
    pub depth: u32,
    /// Those that stand between the two, the waiter's own blocker first: at most
    /// [`LockWait::VIA_KEPT`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
}

/// How the migration's own session is called among the waiters.
pub(super) const MIGRATION: &str = "migration";
/// How the sessions of the scenario's disturbances are called.
pub(super) const DISTURBANCE: &str = "disturbance";
/// How sessions are called that are neither the migration's nor the traffic's.
pub(super) const OTHER: &str = "other";

impl LockWait {
    /// Sessions kept of a queue: nobody follows a longer one.
    pub const VIA_KEPT: usize = 6;

    /// Whether the migration's own session waited.
    pub fn is_of_migration(&self) -> bool {
        self.waiter == MIGRATION
    }

    /// Whether a session of the application waited, and would not have without the migration.
    pub fn is_owed_to_migration(&self) -> bool {
        let of_application = ![MIGRATION, DISTURBANCE, OTHER].contains(&self.waiter.as_str());
        self.root.kind == RootKind::Migration && of_application
    }
}

/// The session at the root of a wait: the migration's, if without it the waiter would not wait, else
/// the last one before it that waits for nobody. A migration that waits itself is at the root of
/// those who queue behind it, whoever it waits for; not of those who wait for that one directly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Root {
    /// Whose session it is.
    pub kind: RootKind,
    /// The migration's statement that took or asked for the blocking lock, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// The blocking mode on the waiter's relation, held or asked for by the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Its backend's process id.
    pub pid: i32,
    /// Which of its kind it is: the transaction in the scenario, the disturbance, the server's process
    /// (`autovacuum worker`); none for the migration and where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Whose session blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootKind {
    /// The migration.
    Migration,
    /// A disturbance of the scenario.
    Disturbance,
    /// Another transaction of the traffic.
    Traffic,
    /// Any other backend (autovacuum, …).
    Other,
}
