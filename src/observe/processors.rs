//! How busy the machine's processors were, phase by phase.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The processors' counters at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorReading {
    /// When, since the timeline's origin.
    pub at: Duration,
    /// Ticks that any of them worked so far.
    pub busy: u64,
    /// Ticks that passed on all of them so far.
    pub total: u64,
    /// Threads that ran or could have run, at this moment.
    pub runnable: u64,
}

/// How busy the machine's processors were in each phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Processors {
    /// In the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Usage>,
    /// While migrating.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Usage>,
    /// In recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Usage>,
}

impl Processors {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.baseline.is_none() && self.migration.is_none() && self.recovery.is_none()
    }
}

/// How busy the processors were, of all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// The share of the time that they worked, from 0 to 1: the machine's, whoever it worked for.
    pub busy: f64,
    /// Threads that ran or waited for a processor at a moment, on average.
    pub runnable: f64,
}

impl Usage {
    /// Between two moments; none where fewer than two readings lie there.
    pub fn between(
        readings: &[ProcessorReading],
        (from, to): (Duration, Duration),
    ) -> Option<Self> {
        let middle = |a: &ProcessorReading, b: &ProcessorReading| (a.at + b.at) / 2;
        let (mut busy, mut total, mut runnable, mut count) = (0, 0, 0, 0u32);
        for pair in readings.windows(2) {
            let [a, b] = pair else { continue };
            if (from..to).contains(&middle(a, b)) {
                busy += b.busy.saturating_sub(a.busy);
                total += b.total.saturating_sub(a.total);
                runnable += b.runnable;
                count += 1;
            }
        }
        (total > 0).then(|| Self {
            busy: rounded((busy as f64 / total as f64).min(1.0)),
            runnable: rounded(runnable as f64 / f64::from(count.max(1))),
        })
    }
}

/// More digits than these are not known.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn the_busy_share_is_of_the_readings_within_the_phase() {
        // Two processors of 100 ticks a second: half busy for two seconds, then wholly.
        let readings: Vec<_> = (0..=4u64)
            .map(|second| ProcessorReading {
                at: Duration::from_secs(second),
                busy: if second <= 2 {
                    100 * second
                } else {
                    200 * (second - 1)
                },
                total: 200 * second,
                runnable: if second <= 2 { 1 } else { 9 },
            })
            .collect();
        let of = |from, to| Usage::between(&readings, (seconds(from), seconds(to)));
        assert_eq!(
            of(0.0, 2.0).map(|usage| (usage.busy, usage.runnable)),
            Some((0.5, 1.0))
        );
        assert_eq!(
            of(2.0, 4.0).map(|usage| (usage.busy, usage.runnable)),
            Some((1.0, 9.0))
        );
        assert_eq!(of(0.0, 4.0).map(|usage| usage.busy), Some(0.75));
        assert_eq!(of(0.6, 1.4), None, "no two readings around it");
        assert_eq!(Usage::between(&[], (seconds(0.0), seconds(9.0))), None);
    }
}
