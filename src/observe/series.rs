//! One entry a second: what was due in it, what ended in it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::buckets::SparseBuckets;
use super::{Recording, Second};

/// Seconds since the timeline's origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seconds {
    seconds: Vec<Tally>,
    /// Connections opened less those closed in a second, so that workers' counts add up.
    connections: BTreeMap<usize, i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    /// Latencies of the requests due in this second.
    latencies: SparseBuckets,
    /// Requests that succeeded in it.
    succeeded: u32,
    /// Requests that ended in an error in it.
    failed: u32,
}

impl Seconds {
    /// More seconds than this (a month) are not kept: a wrong clock must not eat the memory.
    const LIMIT: usize = 31 * 24 * 3_600;

    pub(super) fn latency(&mut self, due: Duration, latency: Duration) {
        if let Some(second) = self.at(due) {
            second.latencies.record(latency);
        }
    }

    pub(super) fn succeeded(&mut self, at: Duration) {
        if let Some(second) = self.at(at) {
            second.succeeded = second.succeeded.saturating_add(1);
        }
    }

    pub(super) fn failed(&mut self, at: Duration) {
        if let Some(second) = self.at(at) {
            second.failed = second.failed.saturating_add(1);
        }
    }

    pub(super) fn connections(&mut self, at: Duration, change: i64) {
        *self.connections.entry(index(at)).or_default() += change;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let Self {
            seconds,
            connections,
        } = other;
        if self.seconds.len() < seconds.len() {
            self.seconds.resize_with(seconds.len(), Tally::default);
        }
        for (own, second) in self.seconds.iter_mut().zip(seconds) {
            own.merge(second);
        }
        for (&second, change) in connections {
            *self.connections.entry(second).or_default() += change;
        }
    }

    fn at(&mut self, at: Duration) -> Option<&mut Tally> {
        let index = index(at);
        if self.seconds.len() <= index && index < Self::LIMIT {
            self.seconds.resize_with(index + 1, Tally::default);
        }
        self.seconds.get_mut(index)
    }
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        let Self {
            latencies,
            succeeded,
            failed,
        } = other;
        self.latencies.merge(latencies);
        self.succeeded = self.succeeded.saturating_add(*succeeded);
        self.failed = self.failed.saturating_add(*failed);
    }
}

fn index(at: Duration) -> usize {
    usize::try_from(at.as_secs()).unwrap_or(usize::MAX)
}

impl Recording {
    /// One entry for every second from the origin to `until`, both since the origin; times in it
    /// count from `baseline_start`, so that the warm-up is negative. `waiters` is 0: the traffic does
    /// not see locks. Latencies are at most 1.6 % off.
    ///
    /// The last second is as long as it lasted, and left out if that was under a tenth.
    pub fn series(&self, baseline_start: Duration, until: Duration) -> Vec<Second> {
        let empty = Tally::default();
        let mut changes = self.seconds.connections.iter().peekable();
        let mut connections = 0i64;
        let mut series = Vec::new();
        for index in 0..usize::try_from(until.as_secs_f64().ceil() as u64).unwrap_or(0) {
            let start = index as f64;
            let length = (until.as_secs_f64() - start).min(1.0);
            if length < 0.1 {
                break;
            }
            while let Some((_, change)) = changes.next_if(|(second, _)| **second <= index) {
                connections += change;
            }
            let second = self.seconds.seconds.get(index).unwrap_or(&empty);
            let quantile = |share| {
                second
                    .latencies
                    .quantile(share)
                    .map(|latency| latency.as_secs_f64())
            };
            series.push(Second {
                t: round_millis(start - baseline_start.as_secs_f64()),
                rate: f64::from(second.succeeded) / length,
                p50: quantile(0.5),
                p99: quantile(0.99),
                max: quantile(1.0),
                errors: u64::from(second.failed),
                waiters: 0,
                connections: u32::try_from(connections).unwrap_or(0),
            });
        }
        series
    }
}

fn round_millis(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Ended, Fate, PhaseName};

    #[test]
    fn a_stall_shows_as_rate_zero_and_in_the_latencies_of_those_it_held() {
        let mut recording = Recording::new(1);
        recording.connected(Duration::ZERO);
        recording.connected(Duration::ZERO);
        recording.disconnected(Duration::from_millis(2_500));
        for due in (0..4_000).step_by(100) {
            let at = Duration::from_millis(due);
            let ended = match due {
                1_000..3_000 => Duration::from_millis(3_000),
                _ => at + Duration::from_millis(1),
            };
            let due = recording.scheduled(0, PhaseName::Baseline, at);
            recording.ended(
                due,
                Ended {
                    lag: Duration::ZERO,
                    at: ended,
                    fate: Fate::Completed,
                },
            );
        }
        let series = recording.series(Duration::from_secs(1), Duration::from_millis(4_050));
        let rates: Vec<f64> = series.iter().map(|second| second.rate).collect();
        assert_eq!(rates, [10.0, 0.0, 0.0, 30.0]);
        let times: Vec<f64> = series.iter().map(|second| second.t).collect();
        assert_eq!(times, [-1.0, 0.0, 1.0, 2.0]);
        let connections: Vec<u32> = series.iter().map(|second| second.connections).collect();
        assert_eq!(connections, [2, 2, 1, 1]);
        let longest = series[1].max.unwrap();
        assert!((longest - 2.0).abs() < 0.04, "{longest}");
        assert!(series[0].p99.unwrap() < 0.0011);
    }

    #[test]
    fn the_last_second_counts_by_its_own_length() {
        let mut recording = Recording::new(1);
        for due in [1_100, 1_200, 1_300] {
            let at = Duration::from_millis(due);
            let due = recording.scheduled(0, PhaseName::Baseline, at);
            recording.ended(
                due,
                Ended {
                    lag: Duration::ZERO,
                    at,
                    fate: Fate::Completed,
                },
            );
        }
        let series = recording.series(Duration::ZERO, Duration::from_millis(1_500));
        assert_eq!(series.len(), 2);
        assert!((series[1].rate - 6.0).abs() < 1e-9);
    }
}
