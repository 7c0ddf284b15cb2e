//! The migration's locks on relations, as samples one after the other show them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Root;
use super::lock_mode::can_block;
use super::lock_sample::{LockRow, LockSample};

/// A lock of the migration on a relation, as samples one after the other showed it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenLock {
    /// Schema-qualified relation.
    pub relation: String,
    /// `pg_locks.mode`.
    pub mode: String,
    /// The statement in which it was first seen, held or asked for.
    pub statement: usize,
    /// When it was first seen granted, since the timeline's origin.
    pub granted: Option<Duration>,
    /// When it was last seen, since the timeline's origin.
    pub last: Duration,
}

/// Follows the migration's locks from sample to sample.
#[derive(Debug, Default)]
pub(super) struct MigrationLocks {
    /// Those in the latest sample, by relation and mode.
    held: BTreeMap<(u32, String), SeenLock>,
    /// Those that later samples no longer showed.
    released: Vec<SeenLock>,
}

impl MigrationLocks {
    /// A lock that a sample no longer shows was released: the same one later is another.
    pub(super) fn observe(&mut self, sample: &LockSample) {
        let mut held = BTreeMap::new();
        let rows = sample.locks.iter().filter(|row| row.locktype == "relation");
        for row in rows.filter(|row| Some(row.pid) == sample.migration.map(|(pid, _)| pid)) {
            let (Some((oid, name)), Some((_, statement))) = (&row.relation, sample.migration)
            else {
                continue;
            };
            let lock = (*oid, row.mode.clone());
            let mut seen = self.held.remove(&lock).unwrap_or_else(|| SeenLock {
                relation: name.clone(),
                mode: row.mode.clone(),
                statement,
                granted: None,
                last: sample.at,
            });
            seen.last = sample.at;
            if row.granted {
                seen.granted.get_or_insert(sample.at);
            }
            held.insert(lock, seen);
        }
        let released = std::mem::replace(&mut self.held, held);
        self.released.extend(released.into_values());
    }

    /// The statement that took, or asked for, the lock in the way: the first one seen with a lock on
    /// the relation that can be it, else the one that runs.
    pub(super) fn blamed_statement(
        &self,
        sample: &LockSample,
        row: &LockRow,
        root: &Root,
    ) -> Option<usize> {
        let (pid, current) = sample.migration?;
        if root.pid != pid {
            return None;
        }
        let oid = row.relation.as_ref().map(|(oid, _)| *oid);
        let in_the_way = self.held.iter().filter(|((relation, mode), _)| {
            Some(*relation) == oid && can_block(mode, (&row.locktype, &row.mode))
        });
        in_the_way
            .map(|(_, seen)| seen.statement)
            .min()
            .or(Some(current))
    }

    /// All that were seen.
    pub(super) fn finish(self) -> Vec<SeenLock> {
        self.released
            .into_iter()
            .chain(self.held.into_values())
            .collect()
    }
}
