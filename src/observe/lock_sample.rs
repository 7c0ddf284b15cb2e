//! One look at `pg_locks`, and who stands at the root of each wait in it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::lock_mode::LockMode;
use super::{Root, RootKind};

/// What one look at `pg_locks` showed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LockSample {
    /// When, since the timeline's origin.
    pub at: Duration,
    /// Locks waited for, and the locks that others hold or ask for on the same relations.
    pub locks: Vec<LockRow>,
    /// The migration's backend and the statement it is in.
    pub migration: Option<(i32, usize)>,
    /// Whose sessions the backends are; [`Owner::Other`] where nothing is said.
    pub owners: BTreeMap<i32, Owner>,
}

impl LockSample {
    pub(super) fn owner(&self, pid: i32) -> &Owner {
        match self.migration {
            Some((migration, _)) if migration == pid => &Owner::Migration,
            _ => self.owners.get(&pid).unwrap_or(&Owner::Other),
        }
    }
}

/// One row of `pg_locks`.
#[derive(Debug, Clone, PartialEq)]
pub struct LockRow {
    /// The backend that holds it or waits for it.
    pub pid: i32,
    /// `pg_locks.locktype`.
    pub locktype: String,
    /// The relation's oid and schema-qualified name.
    pub relation: Option<(u32, String)>,
    /// `pg_locks.mode`.
    pub mode: String,
    /// Held, or waited for.
    pub granted: bool,
    /// How long it has been waited for already, where the server says (14 and later).
    pub waited: Option<Duration>,
    /// Whom it waits for: `pg_blocking_pids`, holders and those before it in the queue.
    pub blockers: Vec<i32>,
}

/// Whose session a backend serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The migration.
    Migration,
    /// A disturbance of the scenario.
    Disturbance,
    /// The traffic, in this kind of transaction.
    Traffic(String),
    /// Anything else.
    Other,
}

impl Owner {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Migration => "migration",
            Self::Disturbance => "disturbance",
            Self::Traffic(transaction) => transaction,
            Self::Other => "other",
        }
    }

    fn root_kind(&self) -> RootKind {
        match self {
            Self::Migration => RootKind::Migration,
            Self::Disturbance => RootKind::Disturbance,
            Self::Traffic(_) => RootKind::Traffic,
            Self::Other => RootKind::Other,
        }
    }
}

/// Who waits for whom in one sample.
pub(super) struct Queue<'a> {
    sample: &'a LockSample,
    waiting: BTreeMap<i32, &'a LockRow>,
}

impl<'a> Queue<'a> {
    pub(super) fn of(sample: &'a LockSample) -> Self {
        let waiting = sample
            .locks
            .iter()
            .filter(|row| !row.granted)
            .map(|row| (row.pid, row))
            .collect();
        Self { sample, waiting }
    }

    /// The root of a wait and how many sessions stand before the waiter on the way to it: the
    /// migration if it stands in the queue at all, else the farthest session that waits for nobody
    /// (in a deadlock, the farthest one).
    pub(super) fn root(&self, waiter: &LockRow) -> (Root, u32) {
        let migration = self.sample.migration.map(|(pid, _)| pid);
        let mut depths = BTreeMap::from([(waiter.pid, 0)]);
        let mut next = VecDeque::from([waiter]);
        while let Some(row) = next.pop_front() {
            let depth = depths.get(&row.pid).copied().unwrap_or(0) + 1;
            for &blocker in &row.blockers {
                if depths.contains_key(&blocker) {
                    continue;
                }
                depths.insert(blocker, depth);
                next.extend(self.waiting.get(&blocker));
            }
        }
        depths.remove(&waiter.pid);
        let by_migration = migration.and_then(|pid| depths.get_key_value(&pid));
        let farthest = || {
            depths
                .iter()
                .max_by_key(|(pid, depth)| (!self.waiting.contains_key(pid), **depth))
        };
        match by_migration.or_else(farthest) {
            Some((&pid, &depth)) => (self.describe(pid, waiter), depth),
            None => (
                Root {
                    kind: RootKind::Other,
                    statement: None,
                    mode: None,
                    pid: 0,
                },
                1,
            ),
        }
    }

    fn describe(&self, pid: i32, waiter: &LockRow) -> Root {
        let rows = || self.sample.locks.iter().filter(|row| row.pid == pid);
        let oid = waiter.relation.as_ref().map(|(oid, _)| *oid);
        let strongest = rows()
            .filter(|row| {
                row.relation.as_ref().map(|(oid, _)| *oid) == oid && row.locktype == "relation"
            })
            .max_by_key(|row| row.mode.parse::<LockMode>().ok());
        let kind = self.sample.owner(pid).root_kind();
        let mode = strongest
            .filter(|_| waiter.locktype == "relation")
            .map(|row| row.mode.clone());
        Root {
            kind,
            statement: None,
            mode,
            pid,
        }
    }
}
