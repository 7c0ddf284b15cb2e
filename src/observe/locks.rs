//! Lock waits: who waited for what, how long, and behind whom.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
}

/// The session at the root of a wait: the migration's, if it stands anywhere in the queue before the
/// waiter (without it the waiter would not wait), else the last one that waits for nobody.
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
