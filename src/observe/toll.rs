//! What the locks of the migration cost the traffic, summed over all waits, however many.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LockWait, Locks};
use crate::units::seconds;

/// What one kind of transaction waited for through one lock of the migration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Toll {
    /// The migration's statement that took or asked for the lock in the way, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// Schema-qualified relation; none where the table of a row is not known.
    pub relation: Option<String>,
    /// `pg_locks.locktype` of what was waited for.
    pub locktype: String,
    /// The mode waited for.
    pub mode: String,
    /// The migration's mode in the way, held or asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocking_mode: Option<String>,
    /// The transaction's name in the scenario.
    pub waiter: String,
    /// Requests that waited. The two steps of waiting for a row are one; who waits, fails and is tried
    /// again, waits twice.
    pub waits: u64,
    /// All of them summed: the request-seconds lost to the lock.
    #[serde(with = "seconds")]
    pub total: Duration,
    /// The longest.
    #[serde(with = "seconds")]
    pub longest: Duration,
    /// Most sessions between a waiter and the migration's, that one included.
    pub depth: u32,
    /// Who stood between the two there, as in [`LockWait::via`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
}

impl Toll {
    /// That of one wait.
    pub fn of(wait: &LockWait) -> Self {
        Self {
            statement: wait.root.statement,
            relation: wait.relation.clone(),
            locktype: wait.locktype.clone(),
            mode: wait.mode.clone(),
            blocking_mode: wait.root.mode.clone(),
            waiter: wait.waiter.clone(),
            waits: 1,
            total: wait.length,
            longest: wait.length,
            depth: wait.depth,
            via: wait.via.clone(),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.statement, &self.relation) == (other.statement, &other.relation)
            && (&self.locktype, &self.mode) == (&other.locktype, &other.mode)
            && (&self.blocking_mode, &self.waiter) == (&other.blocking_mode, &other.waiter)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.waits += other.waits;
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
        if other.depth > self.depth {
            self.depth = other.depth;
            self.via = other.via;
        }
    }
}

/// A toll while it is summed up, with its longest wait: the statement that took the lock is known only
/// when the migration is over.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenToll {
    pub(super) toll: Toll,
    pub(super) longest: LockWait,
}

/// Tolls while waits come in.
#[derive(Debug, Default)]
pub(super) struct Tolls {
    /// By statement, relation, type and mode, and who waited.
    open: BTreeMap<Key, OpenToll>,
}

type Key = (Option<usize>, Option<String>, [String; 3]);

impl Tolls {
    /// More than these are not told apart: a migration of a hundred thousand statements must not eat
    /// the memory.
    const MOST: usize = 20 * Locks::KEPT;

    /// Takes in a wait that is owed to the migration, and when it began, since the timeline's origin.
    pub(super) fn push(&mut self, wait: &LockWait, start: Duration) {
        let Self { open } = self;
        let start = start.as_secs_f64();
        let toll = Toll::of(wait);
        let names = [&wait.locktype, &wait.mode, &wait.waiter].map(Clone::clone);
        let mut key = (wait.root.statement, wait.relation.clone(), names);
        if open.len() >= Self::MOST && !open.contains_key(&key) {
            key.0 = None;
        }
        match open.get_mut(&key) {
            Some(known) => {
                known.toll.add(toll);
                if wait.length > known.longest.length {
                    known.longest = LockWait {
                        start,
                        ..wait.clone()
                    };
                }
            }
            None => {
                let statement = key.0;
                let toll = Toll { statement, ..toll };
                let longest = LockWait {
                    start,
                    ..wait.clone()
                };
                open.insert(key, OpenToll { toll, longest });
            }
        }
    }

    /// All, with the start of their longest waits since `zero`.
    pub(super) fn finish(self, zero: Duration) -> Vec<OpenToll> {
        let mut tolls: Vec<OpenToll> = self.open.into_values().collect();
        for open in &mut tolls {
            open.longest.start -= zero.as_secs_f64();
        }
        tolls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::lockbook::settled;
    use crate::observe::{Migration, MigrationOutcome, Root, RootKind};

    fn wait(statement: usize, waiter: &str, millis: u64, via: &[&str]) -> LockWait {
        LockWait {
            start: 12.0,
            length: Duration::from_millis(millis),
            relation: Some("public.a".to_owned()),
            mode: "RowExclusiveLock".to_owned(),
            locktype: "relation".to_owned(),
            waiter: waiter.to_owned(),
            root: Root {
                kind: RootKind::Migration,
                statement: Some(statement),
                mode: Some("ShareLock".to_owned()),
                pid: 1,
                name: None,
            },
            depth: u32::try_from(via.len()).unwrap() + 1,
            via: via.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn migration() -> Migration {
        Migration {
            file: "migration.sql".to_owned(),
            outcome: MigrationOutcome::Applied,
            attempts: 1,
            tries: Vec::new(),
            start: Duration::ZERO,
            end: Duration::ZERO,
            error: None,
            committed: 0,
            statements: Vec::new(),
        }
    }

    fn push(tolls: &mut Tolls, wait: LockWait) {
        tolls.push(&wait, Duration::from_secs(12));
    }

    #[test]
    fn every_wait_counts_and_the_deepest_queue_is_told() {
        let mut tolls = Tolls::default();
        for millis in 1..=1_000 {
            push(&mut tolls, wait(0, "read", millis, &[]));
        }
        push(&mut tolls, wait(0, "read", 5, &["record"]));
        push(&mut tolls, wait(0, "record", 700_000, &[]));
        let open = tolls.finish(Duration::from_secs(10));
        assert!((open[0].longest.start - 2.0).abs() < 1e-9);
        let settled = settled(open, &migration());
        assert_eq!(settled[0].waiter, "record");
        let read = &settled[1];
        assert_eq!(read.waits, 1_001);
        assert_eq!(read.total, Duration::from_millis(500_505));
        assert_eq!(read.longest, Duration::from_secs(1));
        assert_eq!((read.depth, &read.via[..]), (2, &["record".to_owned()][..]));
    }

    #[test]
    fn a_migration_of_any_number_of_statements_fits_the_memory() {
        let mut tolls = Tolls::default();
        for statement in 0..3 * Tolls::MOST {
            push(&mut tolls, wait(statement, "read", 1, &[]));
        }
        assert_eq!(tolls.open.len(), Tolls::MOST + 1);
        let settled = settled(tolls.finish(Duration::ZERO), &migration());
        assert_eq!(settled.len(), Locks::KEPT);
        assert_eq!(settled[0].statement, None, "the rest together");
        assert_eq!(settled[0].waits, 2 * Tolls::MOST as u64);
    }
}
