//! What the workers of the traffic record, and how it becomes phases. Every worker owns one
//! [`Recording`]; merged in any order they are one.
//!
//! All times are durations since the timeline's origin, the moment in which the traffic started.

use std::time::Duration;

use super::cell::Cell;
use super::deadlock::{DeadlockLog, DeadlockReport};
use super::first_failure::{FirstFailures, Said};
use super::fleet_log::FleetLog;
use super::request::{Due, Ended, Fate};
use super::series::{Ending, Seconds};
use super::ticks::Ticks;
use super::{Accounting, Attendance, FirstFailure, FleetEvent, Phase, PhaseName, TransactionPhase};

/// The requests of one worker, or of all when merged.
///
/// Memory does not grow with the number of requests: per phase and kind of transaction it holds two
/// histograms (about 100 kB), per kind two bits every 10 ms and one short list of buckets a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    warmup: Vec<Cell>,
    baseline: Vec<Cell>,
    migration: Vec<Cell>,
    recovery: Vec<Cell>,
    ticks: Vec<Ticks>,
    pub(super) seconds: Seconds,
    /// What happened to the instances.
    pub(super) events: FleetLog,
    first_failures: FirstFailures,
    deadlocks: DeadlockLog,
}

impl Recording {
    /// An empty recording of so many kinds of transactions.
    pub fn new(transactions: usize) -> Self {
        let cells = || (0..transactions).map(|_| Cell::new()).collect();
        Self {
            warmup: cells(),
            baseline: cells(),
            migration: cells(),
            recovery: cells(),
            ticks: vec![Ticks::default(); transactions],
            seconds: Seconds::new(transactions),
            events: FleetLog::default(),
            first_failures: FirstFailures::new(transactions),
            deadlocks: DeadlockLog::default(),
        }
    }

    /// Counts a request that came due at `at`, which decides its phase.
    pub fn scheduled(&mut self, transaction: usize, phase: PhaseName, at: Duration) -> Due {
        if let Some(cell) = self.cells_mut(phase).get_mut(transaction) {
            cell.accounting.scheduled += 1;
            cell.accounting.unfinished += 1;
        }
        Due {
            transaction,
            phase,
            at,
        }
    }

    /// Moves a request that is under way to another phase.
    pub fn moved(&mut self, due: Due, phase: PhaseName) -> Due {
        if let Some(cell) = self.cells_mut(due.phase).get_mut(due.transaction) {
            cell.accounting.scheduled -= 1;
            cell.accounting.unfinished -= 1;
        }
        self.scheduled(due.transaction, phase, due.at)
    }

    /// Counts the end of a request.
    pub fn ended(&mut self, due: Due, ended: Ended) {
        let Due {
            transaction,
            phase,
            at,
        } = due;
        let latency = ended.at.saturating_sub(at);
        let Some(cell) = self.cells_mut(phase).get_mut(transaction) else {
            return;
        };
        cell.latency.record(latency);
        cell.lag.record(ended.lag);
        cell.count(&ended.fate, ended.retries);
        if let Some(ticks) = self.ticks.get_mut(transaction) {
            ticks.ended((at, ended.at), ended.fate == Fate::Completed);
        }
        let ending = match ended.fate {
            Fate::Completed => Ending::Success,
            Fate::Failed(_) | Fate::TimedOut(_) | Fate::Shed => Ending::Error,
            Fate::Unfinished => Ending::Unknown,
        };
        self.seconds.ended(transaction, at, (ended.at, ending));
    }

    /// Keeps what a request's failure said, at `at`, if it is the first of its kind that is measured.
    pub fn said(&mut self, due: &Due, error: &str, (at, said): (Duration, Said)) {
        if due.phase != PhaseName::Warmup {
            self.first_failures.keep(due.transaction, error, (at, said));
        }
    }

    /// What the first failure of each kind said, in order, with times since `zero`.
    pub fn first_failures(&self, names: &[String], zero: Duration) -> Vec<FirstFailure> {
        self.first_failures.told(names, zero)
    }

    /// Keeps what a request was told that the server ended to break a deadlock, whether it was tried
    /// again or not. Those of the warm-up are nobody's concern.
    pub fn deadlocked(&mut self, due: &Due, (at, message): (Duration, &str)) {
        if due.phase == PhaseName::Warmup {
            return;
        }
        self.deadlocks.told(due.transaction, at, message);
    }

    /// The deadlocks that requests were ended for, as far as they were kept; and how many there were.
    pub fn deadlocks(&self, names: &[String]) -> (Vec<DeadlockReport>, u64) {
        self.deadlocks.reports(names)
    }

    /// Counts a connection that the application opened.
    pub fn connected(&mut self, at: Duration) {
        self.seconds.connections(at, 1);
    }

    /// Counts a connection that it lost or closed.
    pub fn disconnected(&mut self, at: Duration) {
        self.seconds.connections(at, -1);
    }

    /// Records what happened to an instance.
    pub fn happened(&mut self, event: FleetEvent) {
        self.events.keep(event);
    }

    /// What happened to the instances from `zero` on, in order, with times since then.
    pub fn events(&self, zero: Duration) -> Vec<FleetEvent> {
        self.events.since(zero)
    }

    /// Which of so many instances were up when, since the timeline's origin.
    pub fn attendance(&self, instances: u32) -> Attendance {
        Attendance::of(instances, &self.events(Duration::ZERO))
    }

    /// Adds another worker's recording.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            warmup,
            baseline,
            migration,
            recovery,
            ticks,
            seconds,
            events,
            first_failures,
            deadlocks,
        } = other;
        merge_cells(&mut self.warmup, warmup);
        merge_cells(&mut self.baseline, baseline);
        merge_cells(&mut self.migration, migration);
        merge_cells(&mut self.recovery, recovery);
        for (own, ticks) in self.ticks.iter_mut().zip(ticks) {
            own.merge(ticks);
        }
        self.seconds.merge(seconds);
        self.events.merge(events);
        self.first_failures.merge(first_failures);
        self.deadlocks.merge(deadlocks);
    }

    /// One phase as reports keep it. `names` are the transactions' names in the plan's order;
    /// `start` and `end` are when the phase was, since the baseline began.
    pub fn phase(
        &self,
        name: PhaseName,
        names: &[String],
        start: Duration,
        end: Duration,
    ) -> Phase {
        let length = end.saturating_sub(start).as_secs_f64();
        let rate = |completed: u64| {
            if length > 0.0 {
                completed as f64 / length
            } else {
                0.0
            }
        };
        let transactions = self
            .cells(name)
            .iter()
            .zip(names)
            .map(|(cell, name)| TransactionPhase {
                name: name.clone(),
                accounting: cell.accounting,
                rate: rate(cell.accounting.completed),
                latency: cell.latency.latency(),
                lag: cell.lag.lag(),
                errors: cell.errors.clone(),
                histogram: cell.latency.encode(),
            })
            .collect();
        let all = self.total(name);
        Phase {
            name,
            start,
            end,
            accounting: all.accounting,
            rate: rate(all.accounting.completed),
            latency: all.latency.latency(),
            lag: all.lag.lag(),
            errors: all.errors,
            histogram: all.latency.encode(),
            transactions,
        }
    }

    /// Where the requests of a phase went, all kinds together.
    pub fn accounting(&self, phase: PhaseName) -> Accounting {
        let mut all = Accounting::default();
        for cell in self.cells(phase) {
            all.merge(&cell.accounting);
        }
        all
    }

    /// The 99th percentile of a phase's latencies; none where no request ended.
    pub fn p99(&self, phase: PhaseName) -> Option<Duration> {
        self.total(phase).latency.quantile(0.99)
    }

    /// Bytes that the recording takes beside itself, about: events and the kinds of errors, of which there are
    /// few, are left out.
    pub fn heap_bytes(&self) -> usize {
        let cells = PHASES.iter().flat_map(|&phase| self.cells(phase));
        let ticks = self.ticks.iter().map(Ticks::heap_bytes);
        cells.map(Cell::heap_bytes).sum::<usize>()
            + ticks.sum::<usize>()
            + self.seconds.heap_bytes()
    }

    /// How many latencies were beyond the histograms' hour and counted as one.
    pub fn overflowed(&self) -> u64 {
        PHASES
            .iter()
            .flat_map(|&phase| self.cells(phase))
            .map(|cell| cell.latency.overflowed())
            .sum()
    }

    /// The longest stretch within `[from, to)` in which no transaction of one kind succeeded although
    /// one was due, and which kind it was. A stretch starts with the first request due after the last
    /// success and ends with the next success or at `to`; it is measured in ticks of 10 ms and off by
    /// less than two of them. Requests lost in one tick alone are no longer a stretch than requests took: of a rare
    /// kind, the next success may be far away without anything having been in its way.
    pub fn unavailable(&self, from: Duration, to: Duration) -> (Duration, Option<usize>) {
        let mut longest = (Duration::ZERO, None);
        for (transaction, ticks) in self.ticks.iter().enumerate() {
            let outage = ticks.longest_outage(from, to);
            if outage > longest.0 {
                longest = (outage, Some(transaction));
            }
        }
        longest
    }

    /// All kinds of a phase together.
    pub(super) fn total(&self, phase: PhaseName) -> Cell {
        let mut total = Cell::new();
        for cell in self.cells(phase) {
            total.merge(cell);
        }
        total
    }

    fn cells(&self, phase: PhaseName) -> &[Cell] {
        match phase {
            PhaseName::Warmup => &self.warmup,
            PhaseName::Baseline => &self.baseline,
            PhaseName::Migration => &self.migration,
            PhaseName::Recovery => &self.recovery,
        }
    }

    fn cells_mut(&mut self, phase: PhaseName) -> &mut [Cell] {
        match phase {
            PhaseName::Warmup => &mut self.warmup,
            PhaseName::Baseline => &mut self.baseline,
            PhaseName::Migration => &mut self.migration,
            PhaseName::Recovery => &mut self.recovery,
        }
    }
}

const PHASES: [PhaseName; 4] = [
    PhaseName::Warmup,
    PhaseName::Baseline,
    PhaseName::Migration,
    PhaseName::Recovery,
];

fn merge_cells(own: &mut [Cell], other: &[Cell]) {
    for (own, other) in own.iter_mut().zip(other) {
        own.merge(other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observe::Distribution;

    #[derive(Debug, Clone)]
    struct Request {
        transaction: usize,
        phase: PhaseName,
        due: u64,
        lag: u64,
        latency: u64,
        fate: Option<Fate>,
        retries: u32,
    }

    fn request() -> impl Strategy<Value = Request> {
        let fate = prop_oneof![
            Just(Fate::Completed),
            Just(Fate::Failed("40001".to_owned())),
            Just(Fate::Failed("connection_lost".to_owned())),
            Just(Fate::TimedOut("acquire_timeout".to_owned())),
            Just(Fate::Shed),
            Just(Fate::Unfinished),
        ];
        (
            0..3usize,
            prop::sample::select(PHASES.to_vec()),
            0..20_000_000u64,
            0..100_000u64,
            0..9_000_000u64,
            prop::option::weighted(0.9, fate),
            prop_oneof![4 => Just(0u32), 1 => 1..4u32],
        )
            .prop_map(
                |(transaction, phase, due, lag, latency, fate, retries)| Request {
                    transaction,
                    phase,
                    due,
                    lag,
                    latency,
                    fate,
                    retries,
                },
            )
    }

    fn record(recording: &mut Recording, request: &Request) {
        let at = Duration::from_micros(request.due);
        let due = recording.scheduled(request.transaction, request.phase, at);
        if let Some(fate) = request.fate.clone() {
            recording.ended(
                due,
                Ended {
                    lag: Duration::from_micros(request.lag),
                    at: at + Duration::from_micros(request.latency),
                    fate,
                    retries: request.retries,
                },
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_request_is_accounted_for(requests in prop::collection::vec(request(), 0..100)) {
            let mut recording = Recording::new(3);
            for (seen, request) in requests.iter().enumerate() {
                record(&mut recording, request);
                let scheduled: u64 = PHASES.iter().map(|&phase| {
                    let accounting = recording.accounting(phase);
                    assert!(accounting.balances(), "{accounting:?}");
                    accounting.scheduled
                }).sum();
                prop_assert_eq!(scheduled, seen as u64 + 1);
            }
            let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
            for name in PHASES {
                let phase = recording.phase(name, &names, Duration::ZERO, Duration::from_secs(1));
                let mut sum = Accounting::default();
                for transaction in &phase.transactions {
                    prop_assert!(transaction.accounting.balances());
                    sum.merge(&transaction.accounting);
                }
                prop_assert_eq!(sum, phase.accounting);
                let errors: u64 = phase.errors.values().sum();
                prop_assert_eq!(errors, phase.accounting.failed + phase.accounting.timed_out);
            }
        }

        #[test]
        fn recordings_merge_in_any_order(
            requests in prop::collection::vec((request(), 0..3usize), 0..60),
            connections in prop::collection::vec((0..20u64, 0..3usize, any::<bool>()), 0..20),
        ) {
            let mut workers = vec![Recording::new(3); 3];
            let mut whole = Recording::new(3);
            for (request, worker) in &requests {
                record(&mut workers[*worker], request);
                record(&mut whole, request);
            }
            for &(second, worker, opened) in &connections {
                for recording in [&mut workers[worker], &mut whole] {
                    match opened {
                        true => recording.connected(Duration::from_secs(second)),
                        false => recording.disconnected(Duration::from_secs(second)),
                    }
                }
            }
            for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
                let mut merged = Recording::new(3);
                for worker in order {
                    merged.merge(&workers[worker]);
                }
                prop_assert_eq!(&merged, &whole);
            }
        }
    }

    /// Of a million requests of ten kinds over an hour, latencies from 0.2 to 20 ms, every so many.
    fn record_an_hour(recording: &mut Recording, every: usize) {
        for serial in (0..1_000_000u64).step_by(every) {
            let scatter = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let request = Request {
                transaction: (scatter % 10) as usize,
                phase: PhaseName::Baseline,
                due: serial * 3_600,
                lag: scatter % 300,
                latency: 200 + (scatter % 100) * (scatter / 100 % 200),
                fate: Some(match scatter % 7 {
                    0 => Fate::Failed("40001".to_owned()),
                    _ => Fate::Completed,
                }),
                retries: 0,
            };
            record(recording, &request);
        }
    }

    #[test]
    fn memory_follows_time_and_kinds_and_not_the_number_of_requests() {
        let mut recording = Recording::new(10);
        record_an_hour(&mut recording, 1);
        let bytes = recording.heap_bytes();
        // Ten kinds' histograms of one phase and ticks are 2 MB. Of a kind 28 requests a second are at most as
        // many latencies told apart, of four bytes, beside a tally of 32.
        let seconds = 10 * 4_096 * (32 + 28 * 4);
        assert!(bytes <= 2_500_000 + seconds, "{bytes}");
        record_an_hour(&mut recording, 5);
        assert_eq!(recording.heap_bytes(), bytes);
        let scheduled = recording.accounting(PhaseName::Baseline).scheduled;
        assert_eq!(scheduled, 1_200_000);
    }

    #[test]
    fn a_failed_request_counts_with_its_latency() {
        let mut recording = Recording::new(1);
        let due = recording.scheduled(0, PhaseName::Migration, Duration::from_secs(1));
        recording.ended(
            due,
            Ended {
                lag: Duration::from_micros(50),
                at: Duration::from_secs(6),
                fate: Fate::TimedOut("acquire_timeout".to_owned()),
                retries: 0,
            },
        );
        let phase = recording.phase(
            PhaseName::Migration,
            &["pay".to_owned()],
            Duration::ZERO,
            Duration::from_secs(10),
        );
        assert_eq!(phase.accounting.timed_out, 1);
        assert_eq!(phase.errors["acquire_timeout"], 1);
        assert!((phase.latency.unwrap().p50 - 5.0).abs() < 0.005);
        assert!((phase.lag.unwrap().max - 50e-6).abs() < 1e-6);
        assert_eq!(
            Distribution::decode(&phase.histogram).unwrap().latency(),
            phase.latency
        );
    }

    #[test]
    fn the_kind_that_was_away_longest_is_named() {
        let mut recording = Recording::new(2);
        for (transaction, latency) in [(0, 1), (1, 3_000)] {
            let at = Duration::from_secs(1);
            let due = recording.scheduled(transaction, PhaseName::Migration, at);
            recording.ended(
                due,
                Ended {
                    lag: Duration::ZERO,
                    at: at + Duration::from_millis(latency),
                    fate: Fate::Completed,
                    retries: 0,
                },
            );
        }
        let (outage, transaction) = recording.unavailable(Duration::ZERO, Duration::from_secs(10));
        assert_eq!(outage, Duration::from_secs(3));
        assert_eq!(transaction, Some(1));
    }
}
