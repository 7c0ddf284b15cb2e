//! The arrivals of one worker, in the order in which they come due.

use std::time::Duration;

use super::arrivals::{Arrival, Arrivals};

/// Which instances a worker owns: instance `i` belongs to worker `i mod workers`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) instances: u64,
    pub(super) workers: u64,
    pub(super) worker: u64,
}

impl Share {
    /// The numbers of the worker's instances.
    pub(super) fn instances(&self) -> impl Iterator<Item = u64> + use<> {
        let (instances, workers, worker) = (self.instances, self.workers, self.worker);
        (0..instances).filter(move |instance| instance % workers == worker)
    }

    /// Which of the worker's own instances, from 0, has the request or client of this number; none if
    /// another worker's has it.
    pub(super) fn own_instance(&self, number: u64) -> Option<usize> {
        let instance = number % self.instances;
        match instance % self.workers == self.worker {
            true => usize::try_from(instance / self.workers).ok(),
            false => None,
        }
    }
}

/// What comes next for a worker, of one or more sequences.
pub(super) struct Agenda {
    sequences: Vec<Sequence>,
    share: Share,
    start: Duration,
}

/// A sequence of arrivals, and the worker's next one of it.
struct Sequence {
    arrivals: Arrivals,
    next: Option<Entry>,
}

/// One arrival of a worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The worker's own instance that serves it, from 0.
    pub(super) instance: usize,
    pub(super) arrival: Arrival,
    /// When it is due, since the timeline's origin.
    pub(super) due: Duration,
}

impl Agenda {
    /// A worker's share of sequences of arrivals that start at `start`, since the timeline's origin. They
    /// share one count: number `n` of the `i`-th of `k` sequences becomes `n k + i`.
    pub(super) fn new(sequences: Vec<Arrivals>, share: Share, start: Duration) -> Self {
        let sequences = sequences.into_iter().map(|arrivals| Sequence {
            arrivals,
            next: None,
        });
        let mut agenda = Self {
            sequences: sequences.collect(),
            share,
            start,
        };
        for place in 0..agenda.sequences.len() {
            agenda.advance(place);
        }
        agenda
    }

    /// When the next arrival is due; none if there are no more.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.next().map(|(_, entry)| entry.due)
    }

    /// Takes the next arrival if it is due at `moment`.
    pub(super) fn take_due(&mut self, moment: Duration) -> Option<Entry> {
        let (place, entry) = self.next().filter(|(_, entry)| entry.due <= moment)?;
        self.advance(place);
        Some(entry)
    }

    /// The next arrival, and which sequence has it.
    fn next(&self) -> Option<(usize, Entry)> {
        let next = self.sequences.iter().map(|sequence| sequence.next);
        next.enumerate()
            .filter_map(|(place, next)| Some((place, next?)))
            .min_by_key(|(_, entry)| entry.due)
    }

    fn advance(&mut self, place: usize) {
        let (share, start, count) = (self.share, self.start, self.sequences.len() as u64);
        let Some(Sequence { arrivals, next }) = self.sequences.get_mut(place) else {
            return;
        };
        *next = arrivals.find_map(|arrival| {
            let serial = arrival.serial.wrapping_mul(count);
            Some(Entry {
                instance: share.own_instance(arrival.serial)?,
                due: start + arrival.at,
                arrival: Arrival {
                    serial: serial.wrapping_add(place as u64),
                    ..arrival
                },
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::plan::{Arrivals as Spacing, Load, TrafficPlan, TransactionPlan};

    #[test]
    fn every_instance_belongs_to_one_worker() {
        let mut owned = Vec::new();
        for worker in 0..3 {
            let share = Share {
                instances: 7,
                workers: 3,
                worker,
            };
            for (own, instance) in share.instances().enumerate() {
                assert_eq!(share.own_instance(70 + instance), Some(own));
                owned.push(instance);
            }
        }
        owned.sort_unstable();
        assert_eq!(owned, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn sequences_are_merged_by_time_and_share_one_count() {
        let sequence = |rate| {
            let plan = TrafficPlan {
                load: Load::steady(rate, Spacing::Uniform),
                transactions: vec![TransactionPlan::default()],
                ..TrafficPlan::default()
            };
            Arrivals::new(&plan, 0).unwrap()
        };
        let mut all = Vec::new();
        for worker in 0..2 {
            let share = Share {
                instances: 3,
                workers: 2,
                worker,
            };
            let sequences = vec![sequence(10.0), sequence(4.0)];
            let mut agenda = Agenda::new(sequences, share, Duration::from_secs(1));
            let until = Duration::from_secs(2);
            let mine: Vec<Entry> = std::iter::from_fn(|| agenda.take_due(until)).collect();
            assert!(mine.is_sorted_by_key(|entry| entry.due));
            assert!(agenda.next_due().is_some_and(|due| due > until));
            all.extend(mine.iter().map(|entry| entry.arrival.serial));
        }
        all.sort_unstable();
        let first = (0..10).map(|number| 2 * number);
        let second = (0..4).map(|number| 2 * number + 1);
        let mut expected: Vec<u64> = first.chain(second).collect();
        expected.sort_unstable();
        assert_eq!(all, expected);
    }
}
