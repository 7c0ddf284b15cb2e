//! One entry a second: what was due in it, what ended in it, of each kind of transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use super::buckets::SparseBuckets;
use super::{Recording, Second, SecondOfKind, Spread};

/// Seconds since the timeline's origin.
///
/// A second of one kind takes 32 bytes, and four for each latency told apart in it: of ten kinds whose
/// latencies spread evenly from 0.2 to 20 ms 9 kB, 33 MB an hour, however high the rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seconds {
    /// Of each kind of transaction.
    kinds: Vec<Vec<Tally>>,
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

/// How a request ended, as far as a second's entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    Error,
    /// It was still under way when the measurement ended.
    Unknown,
}

impl Seconds {
    /// More seconds than this (a month) are not kept: a wrong clock must not eat the memory.
    const LIMIT: usize = 31 * 24 * 3_600;

    /// A second is over and most of its requests have ended when so many more have begun.
    const SETTLED: usize = 3;

    /// No second of so many kinds of transactions.
    pub(super) fn new(transactions: usize) -> Self {
        Self {
            kinds: vec![Vec::new(); transactions],
            connections: BTreeMap::new(),
        }
    }

    /// Counts a request of a kind: its latency in the second in which it was due, its ending in that in
    /// which it ended.
    pub(super) fn ended(&mut self, kind: usize, due: Duration, (at, ending): (Duration, Ending)) {
        let Some(seconds) = self.kinds.get_mut(kind) else {
            return;
        };
        let (due_in, ended_in) = (index(due), index(at));
        if let Some(tally) = tally(seconds, due_in) {
            tally.latencies.record(at.saturating_sub(due));
        }
        let Some(tally) = tally(seconds, ended_in) else {
            return;
        };
        match ending {
            Ending::Success => tally.succeeded = tally.succeeded.saturating_add(1),
            Ending::Error => tally.failed = tally.failed.saturating_add(1),
            Ending::Unknown => {}
        }
    }

    pub(super) fn connections(&mut self, at: Duration, change: i64) {
        *self.connections.entry(index(at)).or_default() += change;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let Self { kinds, connections } = other;
        for (own, seconds) in self.kinds.iter_mut().zip(kinds) {
            if own.len() < seconds.len() {
                own.resize_with(seconds.len(), Tally::default);
            }
            for (own, second) in own.iter_mut().zip(seconds) {
                own.merge(second);
            }
        }
        for (&second, change) in connections {
            *self.connections.entry(second).or_default() += change;
        }
    }

    /// Bytes that the tallies take.
    pub(super) fn heap_bytes(&self) -> usize {
        let of = |seconds: &Vec<Tally>| {
            let latencies: usize = seconds.iter().map(|tally| tally.latencies.bytes()).sum();
            seconds.capacity() * size_of::<Tally>() + latencies
        };
        self.kinds.iter().map(of).sum()
    }

    /// A second of all kinds together.
    fn total(&self, index: usize) -> Tally {
        let mut total = Tally::default();
        for second in self.kinds.iter().filter_map(|kind| kind.get(index)) {
            total.merge(second);
        }
        total
    }

    /// The kinds that were due or ended in a second.
    fn of_kinds(&self, index: usize) -> impl Iterator<Item = (usize, &Tally)> {
        let kinds = self.kinds.iter().enumerate();
        kinds.filter_map(move |(kind, seconds)| {
            let tally = seconds.get(index)?;
            (*tally != Tally::default()).then_some((kind, tally))
        })
    }
}

/// A second's tally, made where it is the first of its second.
fn tally(seconds: &mut Vec<Tally>, index: usize) -> Option<&mut Tally> {
    if seconds.len() <= index && index < Seconds::LIMIT {
        let settled = seconds.len().saturating_sub(Seconds::SETTLED);
        seconds.resize_with(index + 1, Tally::default);
        // Vectors grow by doubling: what a settled second has left over is given back.
        let until = (index + 1).saturating_sub(Seconds::SETTLED);
        for tally in seconds.get_mut(settled..until).unwrap_or_default() {
            tally.latencies.shrink();
        }
    }
    seconds.get_mut(index)
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

    /// As reports have it, of a second that lasted `length` seconds.
    fn second_of(&self, name: String, length: f64) -> SecondOfKind {
        let quantile = |share| {
            let latency = self.latencies.quantile(share);
            latency.map(|latency| latency.as_secs_f64())
        };
        SecondOfKind {
            name,
            rate: round_millis(f64::from(self.succeeded) / length),
            p50: quantile(0.5),
            p99: quantile(0.99),
            max: quantile(1.0),
            errors: u64::from(self.failed),
            latencies: Spread::of(&self.latencies),
        }
    }
}

fn index(at: Duration) -> usize {
    usize::try_from(at.as_secs()).unwrap_or(usize::MAX)
}

impl Recording {
    /// One entry for every second from the origin to `until`, both since the origin; times in it
    /// count from `baseline_start`, so that the warm-up is negative. `names` are the transactions' in
    /// the plan's order; with fewer than two the kinds are not told apart. `waiters` is 0 and `up` none:
    /// the traffic sees neither locks nor instances. Latencies are at most 1.6 % off.
    ///
    /// The last second is as long as it lasted, and left out if that was under a tenth.
    pub fn series(
        &self,
        names: &[String],
        baseline_start: Duration,
        until: Duration,
    ) -> Vec<Second> {
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
            let all = self.seconds.total(index).second_of(String::new(), length);
            series.push(Second {
                t: round_millis(start - baseline_start.as_secs_f64()),
                rate: all.rate,
                p50: all.p50,
                p99: all.p99,
                max: all.max,
                errors: all.errors,
                waiters: 0,
                connections: u32::try_from(connections).unwrap_or(0),
                up: None,
                slowed_by: None,
                latencies: all.latencies,
                transactions: self.kinds_of(index, names, length),
            });
        }
        series
    }

    /// Each kind's part of a second; nothing where there is but one kind.
    fn kinds_of(&self, index: usize, names: &[String], length: f64) -> Vec<SecondOfKind> {
        if names.len() < 2 {
            return Vec::new();
        }
        self.seconds
            .of_kinds(index)
            .filter_map(|(kind, tally)| Some(tally.second_of(names.get(kind)?.clone(), length)))
            .collect()
    }
}

fn round_millis(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
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
                    retries: 0,
                },
            );
        }
        let series = recording.series(&[], Duration::from_secs(1), Duration::from_millis(4_050));
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
                    retries: 0,
                },
            );
        }
        let series = recording.series(&[], Duration::ZERO, Duration::from_millis(1_500));
        assert_eq!(series.len(), 2);
        assert!((series[1].rate - 6.0).abs() < 1e-9);
    }

    #[test]
    fn each_kind_has_its_own_part_of_a_second() {
        let mut recording = Recording::new(3);
        for (kind, due, latency, fate) in [
            (0, 100, 10, Fate::Completed),
            (0, 200, 1_500, Fate::TimedOut("acquire_timeout".to_owned())),
            (2, 300, 20, Fate::Completed),
        ] {
            let at = Duration::from_millis(due);
            let ticket = recording.scheduled(kind, PhaseName::Baseline, at);
            let ended = Ended {
                lag: Duration::ZERO,
                at: at + Duration::from_millis(latency),
                fate,
                retries: 0,
            };
            recording.ended(ticket, ended);
        }
        let names = ["read", "idle", "write"].map(str::to_owned);
        let series = recording.series(&names, Duration::ZERO, Duration::from_secs(2));
        let told = |second: usize| -> Vec<(&str, f64, u64)> {
            let kinds = series[second].transactions.iter();
            kinds
                .map(|kind| (kind.name.as_str(), kind.rate, kind.errors))
                .collect()
        };
        assert_eq!(told(0), [("read", 1.0, 0), ("write", 1.0, 0)]);
        assert_eq!(told(1), [("read", 0.0, 1)]);
        assert!((series[0].transactions[0].max.unwrap() - 1.5).abs() < 0.03);
        assert_eq!(series[1].transactions[0].max, None);
        assert!((series[0].max.unwrap() - 1.5).abs() < 0.03);
        let alone = recording.series(&names[..1], Duration::ZERO, Duration::from_secs(2));
        assert!(alone[0].transactions.is_empty());
    }

    /// Bytes that the seconds of all kinds take.
    fn bytes(seconds: &Seconds) -> usize {
        let tallies = seconds.kinds.iter();
        tallies
            .map(|tallies| {
                let buckets: usize = tallies.iter().map(|tally| tally.latencies.bytes()).sum();
                tallies.capacity() * size_of::<Tally>() + buckets
            })
            .sum()
    }

    #[test]
    fn an_hour_of_ten_kinds_stays_small() {
        const KINDS: usize = 10;
        const LENGTH: u64 = 20;
        let bytes_a_second = |rate: u64| {
            let mut seconds = Seconds::new(KINDS);
            for serial in 0..rate * LENGTH {
                let due = Duration::from_nanos(serial * 1_000_000_000 / rate);
                // From 0.2 ms to 20 ms, every magnitude as often as the others.
                let scatter = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                let latency = 2e-4 * 100f64.powf(scatter as f64 / f64::from(u32::MAX));
                let at = due + Duration::from_secs_f64(latency);
                seconds.ended(scatter as usize % KINDS, due, (at, Ending::Success));
            }
            bytes(&seconds) as u64 / LENGTH
        };
        let (usual, most) = (bytes_a_second(1_000), bytes_a_second(10_000));
        // 6.6 octaves of 32 buckets of four bytes, and 32 bytes beside them, ten times; doubled for what
        // the newest seconds have left over.
        assert!(most < 12_000, "{most} bytes a second");
        // Ten times the requests need not even three times the room: it is the buckets that count.
        assert!(most < 3 * usual, "{usual} and {most} bytes a second");
    }
}
