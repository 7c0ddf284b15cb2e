//! A phase of a pass and what its requests experienced. A request belongs to the phase in which it
//! was *due*, however late it ended; one that was still under way when the migration began belongs to
//! the migration, which it met.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Accounting;
use crate::units::seconds;

/// The phases of a pass, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    /// Before anything is judged: caches fill, statements are prepared. Not in reports.
    Warmup,
    /// Traffic alone.
    Baseline,
    /// From the migration's first statement to its end.
    Migration,
    /// After the migration.
    Recovery,
}

/// One phase, all transactions together and each by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Which phase.
    pub name: PhaseName,
    /// Start, since the baseline began.
    #[serde(with = "seconds")]
    pub start: Duration,
    /// End, since the baseline began.
    #[serde(with = "seconds")]
    pub end: Duration,
    /// Where its requests went.
    pub accounting: Accounting,
    /// Completed transactions per second.
    pub rate: f64,
    /// Latency of ended requests from their scheduled arrival; none where none ended.
    pub latency: Option<Latency>,
    /// How late the generator itself was; none where nothing was sent.
    pub lag: Option<Lag>,
    /// Errors by SQLSTATE or kind.
    pub errors: BTreeMap<String, u64>,
    /// The latencies in microseconds: HdrHistogram V2, deflated, base64.
    pub histogram: String,
    /// Each kind of transaction.
    pub transactions: Vec<TransactionPhase>,
}

/// One kind of transaction in a phase. Fields as in [`Phase`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransactionPhase {
    /// Its name in the scenario.
    pub name: String,
    /// Where its requests went.
    pub accounting: Accounting,
    /// Completed transactions per second.
    pub rate: f64,
    /// Latency of ended requests from their scheduled arrival.
    pub latency: Option<Latency>,
    /// How late the generator itself was.
    pub lag: Option<Lag>,
    /// Errors by SQLSTATE or kind.
    pub errors: BTreeMap<String, u64>,
    /// The latencies in microseconds: HdrHistogram V2, deflated, base64.
    pub histogram: String,
}

/// A latency distribution in seconds. Every request that ended counts, failed ones too: a request
/// that waited 5 s for a connection and got an error was a 5 s wait to its user.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Longest.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
}

/// How late the generator was in handing arrivals to the application, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Longest.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
}
