//! What only the report of a load has: where it was sent, and what sending it took.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::judge::wording::percent;
use crate::units::{Bytes, Span, optional_seconds, seconds};

/// Where a load was sent, and what sending it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The database; none where the load had a private shadow of its own.
    pub target: Option<LoadTarget>,
    /// What it took of the machine that sent it.
    pub usage: Usage,
}

/// A database that a load was sent to as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadTarget {
    /// The address, without the password.
    pub url: String,
    /// The database's name.
    pub database: String,
    /// The cluster's `system_identifier`, as text: it does not fit the numbers of most JSON readers.
    pub system_identifier: String,
    /// Why the traffic might write to it, or that it might not.
    pub licence: String,
}

/// What sending took. The processor's time is that of the measured phase, without the warm-up and the
/// fill; the memory is the most that the process held at any time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time of all threads, the user's and the system's.
    #[serde(with = "seconds")]
    pub cpu: Duration,
    /// The same for each transaction that ended; none where none did.
    #[serde(with = "optional_seconds")]
    pub cpu_per_transaction: Option<Duration>,
    /// The share of one processor.
    pub cpu_share: f64,
    /// The most memory that the process held at once; none where the system does not say.
    pub peak_memory_bytes: Option<u64>,
}

impl Usage {
    /// What `cpu` is for so many transactions within `length`.
    pub fn of(cpu: Duration, transactions: u64, length: Duration) -> Self {
        let each = cpu.as_secs_f64() / transactions.max(1) as f64;
        Self {
            cpu,
            cpu_per_transaction: (transactions > 0).then(|| Duration::from_secs_f64(each)),
            cpu_share: cpu.as_secs_f64() / length.as_secs_f64().max(1e-9),
            peak_memory_bytes: None,
        }
    }
}

/// `pgrehearse itself took 31 µs of a processor for each transaction, 39 % of one over all, and 24 MB`.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sending it took ")?;
        if let Some(each) = self.cpu_per_transaction {
            write!(f, "{} of a CPU for each transaction, ", Span(each))?;
        }
        write!(f, "{} of one over all", percent(self.cpu_share))?;
        match self.peak_memory_bytes {
            Some(bytes) => write!(f, ", and {} of memory", Bytes(bytes)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_told_for_each_transaction() {
        let second = Duration::from_secs(1);
        let usage = Usage {
            peak_memory_bytes: Some(24_000_000),
            ..Usage::of(Duration::from_millis(310), 10_000, second)
        };
        assert_eq!(
            usage.to_string(),
            "sending it took 31 µs of a CPU for each transaction, 31.0 % of one over all, and 24 MB of memory"
        );
        assert_eq!(Usage::of(second, 0, second).cpu_per_transaction, None);
    }
}
