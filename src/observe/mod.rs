//! What a rehearsal measured, as report.json keeps it (DESIGN §8), and the pure folding of raw
//! records into it: requests into phases, ticks into series, lock samples into waits.

pub mod accounting;
pub mod buckets;
mod cell;
pub mod distribution;
pub mod impact;
pub mod lock_mode;
pub mod lock_sample;
pub mod locks;
pub mod migration;
pub mod phase;
pub mod recording;
pub mod series;
mod ticks;
pub mod waits;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use accounting::Accounting;
pub use distribution::{Distribution, HistogramError};
pub use impact::Window;
pub use lock_mode::LockMode;
pub use locks::{LockWait, Locks, Root, RootKind};
pub use migration::{
    HeldLock, Migration, MigrationError, MigrationOutcome, ServerError, Statement,
};
pub use phase::{Lag, Latency, Phase, PhaseName, TransactionPhase};
pub use recording::{Due, Ended, Fate, Recording};

use crate::units::{optional_seconds, seconds};

/// One pass over the data: quiet, disturbed, or a check without load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Which pass.
    pub name: PassName,
    /// The measured phases in order; empty for a check.
    pub phases: Vec<Phase>,
    /// The migration; none if the run ended before it began.
    pub migration: Option<Migration>,
    /// Lock waits of all sessions.
    pub locks: Locks,
    /// What the traffic suffered.
    pub impact: Impact,
    /// One entry a second.
    pub series: Vec<Second>,
    /// Which tables the traffic used before the migration; empty where that was not read.
    #[serde(default)]
    pub usage: TableUsage,
}

impl Pass {
    /// The pass of a check: the migration's statements, and no traffic that could suffer.
    pub fn check(migration: Migration) -> Self {
        Self {
            name: PassName::Check,
            phases: Vec::new(),
            migration: Some(migration),
            locks: Locks::default(),
            impact: Impact::default(),
            series: Vec::new(),
            usage: TableUsage::default(),
        }
    }
}

/// Which tables the traffic uses, schema-qualified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUsage {
    /// Tables that transactions read or wrote.
    pub used: Vec<String>,
    /// Tables that none did.
    pub idle: Vec<String>,
}

/// The kinds of passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassName {
    /// Traffic and the migration alone.
    Quiet,
    /// With disturbances as production has them.
    Disturbed,
    /// The migration on the bare schema.
    Check,
}

/// What the traffic suffered in the migration and recovery phases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Requests due that did not complete, beyond the baseline's own share.
    pub lost_requests: u64,
    /// Latency beyond the baseline's p99, summed over all requests, in request-seconds.
    pub lost_request_seconds: f64,
    /// The longest single latency.
    #[serde(with = "seconds")]
    pub worst_stall: Duration,
    /// Seconds of the series whose p99 was above the limit that the verdict applied.
    #[serde(with = "seconds")]
    pub degraded: Duration,
    /// The longest stretch in which no transaction of a kind succeeded, although due.
    #[serde(with = "seconds")]
    pub unavailable: Duration,
    /// The kind of transaction that stretch was of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_transaction: Option<String>,
    /// The same of the baseline.
    #[serde(default, with = "seconds")]
    pub unavailable_before: Duration,
    /// Instances restarted by their health check.
    pub restarts: u32,
    /// From the migration's end until the traffic was as in the baseline again; none if it never was.
    #[serde(with = "optional_seconds")]
    pub recovery_time: Option<Duration>,
}

/// One second of a pass. Latencies are of the requests *due* in it; `rate` and `errors` count the
/// requests that *ended* in it, so a stall shows as rate 0 and the latencies of those it held.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Seconds since the baseline began (the warm-up is negative).
    pub t: f64,
    /// Transactions that succeeded, per second.
    pub rate: f64,
    /// Median latency in seconds; none when nothing due in this second has ended.
    pub p50: Option<f64>,
    /// 99th percentile latency in seconds.
    pub p99: Option<f64>,
    /// Longest latency in seconds.
    pub max: Option<f64>,
    /// Transactions that ended in an error.
    pub errors: u64,
    /// Most sessions seen waiting for a lock in one sample of this second.
    pub waiters: u32,
    /// Connections that the application had open at the end of it.
    pub connections: u32,
}

/// The schema and the data's invariants before and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Integrity {
    /// A digest of the schema before the migration.
    pub fingerprint_before: Option<String>,
    /// A digest of the schema after it.
    pub fingerprint_after: Option<String>,
    /// Indexes that the migration left invalid, schema-qualified.
    pub invalid_indexes: Vec<String>,
    /// Constraints that the migration left not validated, as `schema.table.constraint`.
    pub unvalidated_constraints: Vec<String>,
    /// The scenario's invariants.
    pub invariants: Vec<Invariant>,
    /// What a failed or aborted migration left behind.
    pub leftovers: Vec<String>,
}

/// One invariant's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invariant {
    /// Its name in the scenario.
    pub name: String,
    /// Its value before the migration.
    pub before: i64,
    /// Its value after the migration; none if it could not be read.
    pub after: Option<i64>,
    /// Why it could not be read after the migration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it must be.
    pub expect: i64,
    /// Whether it was, before and after.
    pub passed: bool,
}

/// A projection of one quantity to production size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The migration's statement, from 0.
    pub statement: usize,
    /// `duration`, `lock_held` or `wal_bytes`.
    pub quantity: String,
    /// The measured points.
    pub sizes: Vec<ForecastPoint>,
    /// Rows in production.
    pub production_rows: u64,
    /// The projected value.
    pub predicted: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Relative error of the fit over the measured points.
    pub fit_error: f64,
}

/// One measured point of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ForecastPoint {
    /// Rows at which it was measured.
    pub rows: u64,
    /// The value measured.
    pub measured: f64,
}
