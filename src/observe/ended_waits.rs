//! Waits that ended: sums over all of them, and the longest ones themselves. An hour under a load that
//! fights for rows has millions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::toll::{OpenToll, Tolls};
use super::{LockWait, Locks, RootKind};

/// A wait and when it began, since the timeline's origin.
#[derive(Debug, Clone)]
pub(super) struct EndedWait {
    pub(super) start: Duration,
    pub(super) wait: LockWait,
}

/// The waits that ended so far.
#[derive(Debug, Default)]
pub(super) struct EndedWaits {
    /// The migration's own: some for each of its statements at most.
    of_migration: Vec<EndedWait>,
    /// The longest of those owed to the migration.
    behind_migration: Longest,
    /// The longest of all others.
    others: Longest,
    counts: BTreeMap<String, u64>,
    tolls: Tolls,
    moments: Vec<OwedWait>,
    max: Duration,
    total: Duration,
    seen: u64,
}

/// When a wait that was owed to the migration began, and how long it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwedWait {
    /// Since the timeline's origin.
    pub start: Duration,
    /// Its length.
    pub length: Duration,
}

/// All waits together.
pub(super) struct AllWaits {
    /// The sums, and the waits that may be kept: twice as many as a report has, since which ones tell most is decided
    /// when all are known.
    pub(super) locks: Locks,
    /// What those owed to the migration cost.
    pub(super) tolls: Vec<OpenToll>,
    /// All that were owed to it, as far as there is room.
    pub(super) owed: Vec<OwedWait>,
}

impl EndedWaits {
    /// More waits than these are not told apart: 2 MB.
    const MOMENTS: usize = 65_536;

    /// Takes in a wait.
    pub(super) fn push(&mut self, ended: EndedWait) {
        self.seen += 1;
        let wait = &ended.wait;
        if wait.is_of_migration() {
            return self.of_migration.push(ended);
        }
        self.max = self.max.max(wait.length);
        self.total += wait.length;
        if wait.root.kind != RootKind::Migration {
            return self.others.push(ended);
        }
        if wait.is_owed_to_migration() {
            self.tolls.push(wait, ended.start);
            if self.moments.len() < Self::MOMENTS {
                self.moments.push(OwedWait {
                    start: ended.start,
                    length: wait.length,
                });
            }
            match self.counts.get_mut(&wait.waiter) {
                Some(count) => *count += 1,
                None => {
                    self.counts.insert(wait.waiter.clone(), 1);
                }
            }
        }
        self.behind_migration.push(ended);
    }

    /// All of them, with times since `zero` but for those of `owed`; what the samples themselves were like is left
    /// open.
    pub(super) fn finish(self, zero: Duration) -> AllWaits {
        let Self {
            of_migration,
            behind_migration,
            others,
            counts,
            tolls,
            moments,
            max,
            total,
            seen,
        } = self;
        let mut kept = of_migration;
        kept.extend(behind_migration.finish());
        kept.extend(others.finish());
        kept.sort_by(longest_first);
        let since_zero = |EndedWait { start, wait, .. }| LockWait {
            start: start.as_secs_f64() - zero.as_secs_f64(),
            ..wait
        };
        let locks = Locks {
            max_wait: max,
            total_wait: total,
            waits: kept.into_iter().map(since_zero).collect(),
            waits_seen: seen,
            behind_migration: counts,
            ..Locks::default()
        };
        AllWaits {
            locks,
            tolls: tolls.finish(zero),
            owed: moments,
        }
    }
}

fn longest_first(a: &EndedWait, b: &EndedWait) -> std::cmp::Ordering {
    (b.wait.length.cmp(&a.wait.length)).then(a.start.cmp(&b.start))
}

/// As many of the longest waits as a report keeps.
#[derive(Debug, Default)]
struct Longest(Vec<EndedWait>);

impl Longest {
    fn push(&mut self, ended: EndedWait) {
        let Self(waits) = self;
        waits.push(ended);
        // Sorting them only now and then makes each cheap.
        if waits.len() >= 2 * Locks::KEPT {
            waits.sort_by(longest_first);
            waits.truncate(Locks::KEPT);
        }
    }

    fn finish(self) -> Vec<EndedWait> {
        let Self(mut waits) = self;
        waits.sort_by(longest_first);
        waits.truncate(Locks::KEPT);
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Root;

    fn ended(millis: u64, waiter: &str, kind: RootKind) -> EndedWait {
        let length = Duration::from_millis(millis);
        EndedWait {
            start: Duration::from_secs(10),
            wait: LockWait {
                start: 0.0,
                length,
                relation: None,
                mode: "ShareLock".into(),
                locktype: "relation".into(),
                waiter: waiter.into(),
                root: Root {
                    kind,
                    statement: None,
                    mode: None,
                    pid: 1,
                    name: None,
                },
                depth: 1,
                via: Vec::new(),
            },
        }
    }

    #[test]
    fn a_million_waits_leave_the_longest_and_the_sums_of_all() {
        let mut waits = EndedWaits::default();
        let many = 10 * Locks::KEPT as u64;
        for millis in 1..=many {
            waits.push(ended(millis, "pay", RootKind::Traffic));
            waits.push(ended(millis, "read", RootKind::Migration));
        }
        waits.push(ended(1, "migration", RootKind::Traffic));
        assert!(waits.others.0.len() < 2 * Locks::KEPT);
        let AllWaits { locks, tolls, owed } = waits.finish(Duration::from_secs(10));
        assert_eq!(owed.len() as u64, many);
        assert_eq!(
            tolls[0].toll.waits, many,
            "all of them, not only those kept"
        );
        assert_eq!(locks.waits_seen, 2 * many + 1);
        assert_eq!(locks.max_wait, Duration::from_millis(many));
        assert_eq!(locks.total_wait, Duration::from_millis(many * (many + 1)));
        assert_eq!(
            locks.behind_migration,
            BTreeMap::from([("read".into(), many)])
        );
        assert_eq!(locks.waits.len(), 2 * Locks::KEPT + 1);
        assert!(locks.waits.is_sorted_by(|a, b| a.length >= b.length));
        let shortest = Duration::from_millis(many - Locks::KEPT as u64);
        let kept = locks.waits.iter().filter(|wait| wait.waiter != "migration");
        assert!(kept.map(|wait| wait.length).all(|length| length > shortest));
    }
}
