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

    /// Which of the worker's own instances, from 0, serves an arrival; none if another worker's does.
    fn instance_of(&self, arrival: &Arrival) -> Option<usize> {
        let instance = arrival.serial % self.instances;
        match instance % self.workers == self.worker {
            true => usize::try_from(instance / self.workers).ok(),
            false => None,
        }
    }
}

/// What comes next for a worker.
pub(super) struct Agenda {
    arrivals: Arrivals,
    share: Share,
    start: Duration,
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
    /// A worker's share of arrivals that start at `start`, since the timeline's origin.
    pub(super) fn new(arrivals: Arrivals, share: Share, start: Duration) -> Self {
        let mut agenda = Self {
            arrivals,
            share,
            start,
            next: None,
        };
        agenda.advance();
        agenda
    }

    /// When the next arrival is due; none if there are no more.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.next.map(|entry| entry.due)
    }

    /// Takes the next arrival if it is due at `moment`.
    pub(super) fn take_due(&mut self, moment: Duration) -> Option<Entry> {
        let entry = self.next.filter(|entry| entry.due <= moment)?;
        self.advance();
        Some(entry)
    }

    fn advance(&mut self) {
        let Self {
            arrivals,
            share,
            start,
            next,
        } = self;
        *next = arrivals.find_map(|arrival| {
            Some(Entry {
                instance: share.instance_of(&arrival)?,
                due: *start + arrival.at,
                arrival,
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let arrival = Arrival {
                    serial: 70 + instance,
                    at: Duration::ZERO,
                    transaction: 0,
                    seed: 0,
                };
                assert_eq!(share.instance_of(&arrival), Some(own));
                owned.push(instance);
            }
        }
        owned.sort_unstable();
        assert_eq!(owned, [0, 1, 2, 3, 4, 5, 6]);
    }
}
