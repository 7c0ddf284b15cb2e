//! What a rehearsal measured, as report.json keeps it (DESIGN §8), and the pure folding of raw
//! records into it: requests into phases, ticks into series, lock samples into waits.

pub mod accounting;
pub mod activity;
mod attendance;
pub mod buckets;
mod cell;
mod coverage;
pub mod deadlock;
pub mod distribution;
mod disturbance;
mod ended_waits;
pub mod errors;
mod first_failure;
mod fleet_event;
mod fleet_log;
mod forecast;
pub mod impact;
mod integrity;
pub mod lock_mode;
pub mod lock_sample;
pub mod lockbook;
pub mod locks;
pub mod migration;
mod migration_locks;
pub mod phase;
pub mod processors;
pub mod recording;
mod request;
pub mod series;
mod spread;
mod sqlstate;
mod stall;
mod ticks;
pub mod toll;
mod trial;
pub mod waits;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use accounting::Accounting;
pub use activity::{Busy, SlowedBy, WaitShare, Waiting};
pub use attendance::Attendance;
pub use coverage::{LeftOutStatement, SentStatement, StatementCoverage};
pub use deadlock::{Deadlock, DeadlockPartner};
pub use distribution::{Distribution, HistogramError};
pub use disturbance::Disturbance;
pub use ended_waits::OwedWait;
pub use first_failure::{FirstFailure, Said};
pub use fleet_event::{FleetEvent, FleetEventKind};
pub use forecast::{Forecast, ForecastPoint, Growth, Interval, Quantity};
pub use impact::Window;
pub use integrity::{Integrity, Invariant, LaggingSequence, LostRows, RowChange, RowChangeKind};
pub use lock_mode::LockMode;
pub use locks::{LockWait, Locks, Root, RootKind};
pub use migration::{
    Attempt, HeldLock, Migration, MigrationError, MigrationOutcome, ServerError, Statement,
};
pub use migration_locks::SeenLock;
pub use phase::{Lag, Latency, Phase, PhaseName, TransactionPhase};
pub use processors::Processors;
pub use recording::Recording;
pub use request::{Due, Ended, Fate};
pub use spread::Spread;
pub use stall::never_made;
pub use toll::Toll;
pub use trial::{Abort, GrownTable, RestoredTable, Rollback, SecondRun};

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
    /// What happened to the application's instances, in order.
    #[serde(default)]
    pub events: Vec<FleetEvent>,
    /// What the first failure of each kind said, in order.
    #[serde(default)]
    pub first_failures: Vec<FirstFailure>,
    /// The kinds of transactions that only the next release sends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextTransaction>,
    /// Which tables the traffic used before the migration; empty where that was not read.
    #[serde(default)]
    pub usage: TableUsage,
    /// What sessions waited for, locks and all else, phase by phase.
    #[serde(default, skip_serializing_if = "Waiting::is_empty")]
    pub waiting: Waiting,
    /// How busy the machine's processors were; nothing where the server is on another machine.
    #[serde(default, skip_serializing_if = "Processors::is_empty")]
    pub cpu: Processors,
    /// What else went on by the scenario; empty in a quiet pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbances: Vec<Disturbance>,
    /// The schema and the invariants before and after this pass.
    #[serde(default)]
    pub integrity: Integrity,
    /// How its migration was ended on purpose; a report has it beside the passes.
    #[serde(skip)]
    pub abort: Option<Abort>,
    /// What the way back was compared with before it ran here; a report has it beside the passes.
    #[serde(skip)]
    pub rollback: Option<Rollback>,
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
            events: Vec::new(),
            first_failures: Vec::new(),
            next: Vec::new(),
            usage: TableUsage::default(),
            waiting: Waiting::default(),
            cpu: Processors::default(),
            disturbances: Vec::new(),
            integrity: Integrity::default(),
            abort: None,
            rollback: None,
        }
    }
}

/// A kind of transaction that only the next release sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextTransaction {
    /// Its name in the scenario.
    pub name: String,
    /// The kind that the current release sends in its place.
    pub replaces: Option<String>,
}

/// Which tables the traffic uses, schema-qualified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUsage {
    /// Tables that transactions read or wrote.
    pub used: Vec<String>,
    /// Tables that none did.
    pub idle: Vec<String>,
    /// Those of `used` whose rows they wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<String>,
}

/// The kinds of passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassName {
    /// Traffic and the migration alone.
    Quiet,
    /// With disturbances as production has them.
    Disturbed,
    /// The migration is ended on purpose in its midst.
    Abort,
    /// The way back, on a database that has the migration.
    Rollback,
    /// The migration on the bare schema.
    Check,
    /// Traffic alone: one phase, named as the baseline, no migration and nothing to judge.
    Load,
}

impl PassName {
    /// Whether traffic met a migration in it, so that there is something to judge.
    pub fn is_rehearsal(self) -> bool {
        match self {
            Self::Quiet | Self::Disturbed | Self::Abort | Self::Rollback => true,
            Self::Check | Self::Load => false,
        }
    }

    /// Whether it is the migration itself that runs in it, to its end.
    pub fn is_of_the_migration(self) -> bool {
        matches!(self, Self::Quiet | Self::Disturbed)
    }
}

/// What the traffic suffered in the migration and recovery phases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Requests due that did not complete, beyond the baseline's own share. In a closed loop also those
    /// that clients who were held up never made.
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
    /// The kind of transaction that was of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_transaction_before: Option<String>,
    /// Instances restarted by their health check, from the migration's start on.
    pub restarts: u32,
    /// The same of the baseline.
    #[serde(default)]
    pub restarts_before: u32,
    /// How long no instance was up, from the migration's start on.
    #[serde(default, with = "seconds")]
    pub none_up: Duration,
    /// From the migration's end until the traffic was as in the baseline again; none if it never was.
    #[serde(with = "optional_seconds")]
    pub recovery_time: Option<Duration>,
}

/// One second of a pass, all kinds of transactions together. Latencies are of the requests *due* in it; `rate` and `errors` count the
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
    /// Fewest instances that were up at one moment of it; none where nobody counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<u32>,
    /// What slowed its requests down, where its p99 was above the limit and most of them waited for
    /// something else than a lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowed_by: Option<SlowedBy>,
    /// How the latencies of the requests due in it are spread; empty in reports that have none.
    #[serde(default, skip_serializing_if = "Spread::is_empty")]
    pub latencies: Spread,
    /// Each kind of transaction that was due or ended in it, in the plan's order; empty where the plan
    /// has but one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transactions: Vec<SecondOfKind>,
}

/// One kind of transaction in a second. Fields as in [`Second`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SecondOfKind {
    /// Its name in the scenario.
    pub name: String,
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
    /// How the latencies are spread.
    #[serde(default, skip_serializing_if = "Spread::is_empty")]
    pub latencies: Spread,
}
