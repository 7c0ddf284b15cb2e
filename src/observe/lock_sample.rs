//! One look at `pg_locks`, and who stands at the root of each wait in it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::lock_mode::LockMode;
use super::locks::{DISTURBANCE, MIGRATION, OTHER};
use super::{LockWait, Root, RootKind};

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
    /// What is known of backends that are neither the migration's nor the traffic's:
    /// `autovacuum worker`, `psql`.
    pub strangers: BTreeMap<i32, String>,
}

impl LockSample {
    pub(super) fn owner(&self, pid: i32) -> &Owner {
        match self.migration {
            Some((migration, _)) if migration == pid => &Owner::Migration,
            _ => self.owners.get(&pid).unwrap_or(&Owner::Other),
        }
    }

    /// What a backend is called among those who wait and those who are waited for.
    pub(super) fn name(&self, pid: i32) -> &str {
        // Who has prepared a transaction is gone; the server gives it no process.
        if pid == 0 {
            return "prepared transaction";
        }
        match self.owner(pid) {
            owner @ (Owner::Migration | Owner::Traffic(_)) => owner.name(),
            owner => self
                .strangers
                .get(&pid)
                .map_or(owner.name(), String::as_str),
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
            Self::Migration => MIGRATION,
            Self::Disturbance => DISTURBANCE,
            Self::Traffic(transaction) => transaction,
            Self::Other => OTHER,
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

/// Who waits for whom in one sample. A queue of many for one row has as many edges as pairs, so that
/// the ways to the roots are found once for all of them.
pub(super) struct Queue<'a> {
    sample: &'a LockSample,
    waiting: BTreeMap<i32, &'a LockRow>,
    /// From those who wait to the migration.
    to_migration: Paths,
    /// From those who wait to one that waits for nobody, as if the migration were not there.
    to_workers: Paths,
}

/// The nearest way from each session to one of some: steps, and the next session on it.
type Paths = BTreeMap<i32, (u32, i32)>;

/// Who a wait is owed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) root: Root,
    /// Sessions before the waiter on the way to the root, the root included.
    pub(super) depth: u32,
    /// The names of those between the two, the waiter's own blocker first.
    pub(super) via: Vec<String>,
}

impl<'a> Queue<'a> {
    pub(super) fn of(sample: &'a LockSample) -> Self {
        let waiting: BTreeMap<i32, &LockRow> = sample
            .locks
            .iter()
            .filter(|row| !row.granted)
            .map(|row| (row.pid, row))
            .collect();
        let mut behind: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for row in waiting.values() {
            for &blocker in row.blockers.iter().filter(|blocker| **blocker != row.pid) {
                behind.entry(blocker).or_default().push(row.pid);
            }
        }
        let migration = sample.migration.map(|(pid, _)| pid);
        let works = |pid: &i32| !waiting.contains_key(pid) && Some(*pid) != migration;
        let workers: Vec<i32> = behind.keys().copied().filter(works).collect();
        Self {
            to_migration: paths(&behind, migration.as_slice(), None),
            to_workers: paths(&behind, &workers, migration),
            sample,
            waiting,
        }
    }

    /// Who a wait is owed to: the migration where the waiter would not wait without it, else the
    /// nearest session that waits for nobody (in a deadlock, the farthest one).
    pub(super) fn root(&self, waiter: &LockRow) -> Owed {
        let migration = self.sample.migration.map(|(pid, _)| pid);
        if migration == Some(waiter.pid) {
            return self.root_of_migration(waiter);
        }
        let way = if self.to_workers.contains_key(&waiter.pid) {
            Some(&self.to_workers)
        } else {
            Some(&self.to_migration).filter(|paths| paths.contains_key(&waiter.pid))
        };
        match way {
            Some(paths) => self.along(paths, (waiter, waiter.pid)),
            None => self.root_of_deadlock(waiter),
        }
    }

    /// Whom the migration itself waits for: its way leads through the nearest of its blockers.
    fn root_of_migration(&self, waiter: &LockRow) -> Owed {
        let steps = |pid: &i32| self.to_workers.get(pid).map(|(steps, _)| *steps);
        let nearest = waiter
            .blockers
            .iter()
            .filter_map(|blocker| Some((steps(blocker)?, *blocker)))
            .min();
        let Some((_, nearest)) = nearest else {
            return self.root_of_deadlock(waiter);
        };
        let owed = self.along(&self.to_workers, (waiter, nearest));
        let mut via = owed.via;
        if owed.root.pid != nearest {
            via.insert(0, self.sample.name(nearest).to_owned());
            via.truncate(LockWait::VIA_KEPT);
        }
        Owed {
            depth: owed.depth + 1,
            via,
            ..owed
        }
    }

    /// The root at the end of the way that begins at a session.
    fn along(&self, paths: &Paths, (waiter, begin): (&LockRow, i32)) -> Owed {
        let next = |pid: &i32| match paths.get(pid) {
            Some((1.., next)) => Some(*next),
            _ => None,
        };
        let way: Vec<i32> = std::iter::successors(next(&begin), next).collect();
        let (root, between) = way.split_last().unwrap_or((&begin, &[]));
        let named = between.iter().take(LockWait::VIA_KEPT);
        Owed {
            root: self.describe(*root, waiter),
            depth: u32::try_from(way.len()).unwrap_or(u32::MAX),
            via: named.map(|pid| self.sample.name(*pid).to_owned()).collect(),
        }
    }

    /// The farthest of those who wait for each other; nobody where it is not known who they are.
    fn root_of_deadlock(&self, waiter: &LockRow) -> Owed {
        let mut depths = BTreeMap::from([(waiter.pid, 0)]);
        let mut next = VecDeque::from([waiter]);
        while let Some(row) = next.pop_front() {
            let depth = depths.get(&row.pid).copied().unwrap_or(0) + 1;
            for &blocker in &row.blockers {
                if let Entry::Vacant(unseen) = depths.entry(blocker) {
                    unseen.insert(depth);
                    next.extend(self.waiting.get(&blocker));
                }
            }
        }
        depths.remove(&waiter.pid);
        let farthest = depths.into_iter().max_by_key(|(_, depth)| *depth);
        let nobody = Root {
            kind: RootKind::Other,
            statement: None,
            mode: None,
            pid: 0,
            name: None,
        };
        Owed {
            root: farthest.map_or(nobody, |(pid, _)| self.describe(pid, waiter)),
            depth: farthest.map_or(1, |(_, depth)| depth),
            via: Vec::new(),
        }
    }

    fn describe(&self, pid: i32, waiter: &LockRow) -> Root {
        let oid = waiter.relation.as_ref().map(|(oid, _)| *oid);
        let strongest = self
            .sample
            .locks
            .iter()
            .filter(|row| row.pid == pid && row.locktype == "relation")
            .filter(|row| row.relation.as_ref().map(|(oid, _)| *oid) == oid)
            .max_by_key(|row| row.mode.parse::<LockMode>().ok());
        let mode = strongest
            .filter(|_| waiter.locktype == "relation")
            .map(|row| row.mode.clone());
        let kind = self.sample.owner(pid).root_kind();
        let name = self.sample.name(pid);
        Root {
            kind,
            statement: None,
            mode,
            pid,
            name: (![MIGRATION, OTHER].contains(&name)).then(|| name.to_owned()),
        }
    }
}

/// The nearest ways to `ends` from those who wait behind them, none of which leads past `closed`.
/// `behind` has who waits directly for whom.
fn paths(behind: &BTreeMap<i32, Vec<i32>>, ends: &[i32], closed: Option<i32>) -> Paths {
    let mut paths: Paths = ends.iter().map(|end| (*end, (0, *end))).collect();
    let mut next: VecDeque<i32> = ends.iter().copied().collect();
    while let Some(pid) = next.pop_front() {
        let steps = paths.get(&pid).map_or(0, |(steps, _)| *steps) + 1;
        for &waiter in behind.get(&pid).into_iter().flatten() {
            if Some(waiter) != closed && !paths.contains_key(&waiter) {
                paths.insert(waiter, (steps, pid));
                next.push_back(waiter);
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIGRATION: i32 = 100;

    fn waiting(pid: i32, blockers: &[i32]) -> LockRow {
        LockRow {
            pid,
            locktype: "relation".into(),
            relation: Some((1, "public.a".into())),
            mode: "AccessShareLock".into(),
            granted: false,
            waited: None,
            blockers: blockers.to_vec(),
        }
    }

    fn sample(locks: Vec<LockRow>) -> LockSample {
        LockSample {
            locks,
            migration: Some((MIGRATION, 0)),
            owners: BTreeMap::from([
                (1, Owner::Traffic("record".into())),
                (2, Owner::Traffic("read".into())),
                (9, Owner::Disturbance),
            ]),
            strangers: BTreeMap::from([(9, "long-transaction".into())]),
            ..LockSample::default()
        }
    }

    fn owed(sample: &LockSample, waiter: usize) -> Owed {
        Queue::of(sample).root(&sample.locks[waiter])
    }

    #[test]
    fn a_queue_is_told_from_the_waiter_to_the_migration_that_waits_for_a_disturbance() {
        let sample = sample(vec![
            waiting(MIGRATION, &[9]),
            waiting(1, &[MIGRATION]),
            waiting(2, &[1]),
        ]);
        let reader = owed(&sample, 2);
        assert_eq!((reader.root.kind, reader.depth), (RootKind::Migration, 2));
        assert_eq!(reader.via, ["record"]);
        let own = owed(&sample, 0);
        assert_eq!(own.root.kind, RootKind::Disturbance);
        assert_eq!(own.root.name.as_deref(), Some("long-transaction"));
    }

    #[test]
    fn who_waits_for_the_disturbance_itself_is_not_the_migrations_victim() {
        // 1 may not pass the disturbance's lock, whether the migration is in the queue or not; 2 waits for 1.
        let sample = sample(vec![
            waiting(MIGRATION, &[9]),
            waiting(1, &[9, MIGRATION]),
            waiting(2, &[1, MIGRATION]),
        ]);
        for waiter in [1, 2] {
            let owed = owed(&sample, waiter);
            assert_eq!(owed.root.kind, RootKind::Disturbance, "{owed:?}");
        }
        assert_eq!(owed(&sample, 2).via, ["record"]);
    }

    #[test]
    fn a_prepared_transaction_is_nobodys_session() {
        let sample = sample(vec![waiting(1, &[0])]);
        let owed = owed(&sample, 0);
        assert_eq!((owed.root.kind, owed.root.pid), (RootKind::Other, 0));
        assert_eq!(owed.root.name.as_deref(), Some("prepared transaction"));
    }

    /// Whether a session would wait with the migration gone: somebody who works is in its way, or
    /// somebody who would wait too.
    fn waits_without_it(locks: &[LockRow], waiter: usize) -> bool {
        let mut stuck: Vec<bool> = vec![false; locks.len()];
        for _ in 0..=locks.len() {
            for row in 0..locks.len() {
                stuck[row] |= locks[row].blockers.iter().any(|pid| {
                    let place = locks.iter().position(|other| other.pid == *pid);
                    *pid != MIGRATION
                        && *pid != locks[row].pid
                        && place.is_none_or(|place| stuck[place])
                });
            }
        }
        stuck[waiter]
    }

    proptest! {
        #[test]
        fn a_wait_is_the_migrations_if_and_only_if_it_would_not_be_without_it(
            queue in prop::collection::vec(prop::collection::vec(0usize..8, 1..4), 1..6),
            migration_waits in any::<bool>(),
        ) {
            // Sessions 1 to 5 may wait; 7 and 8 never do; the migration does, or does not.
            let pid = |choice: usize| match choice { 0 => MIGRATION, choice => i32::try_from(choice).unwrap() };
            let mut locks: Vec<LockRow> = queue
                .iter()
                .enumerate()
                .map(|(index, blockers)| {
                    let blockers: Vec<i32> = blockers.iter().map(|&choice| pid(choice)).collect();
                    waiting(i32::try_from(index).unwrap() + 1, &blockers)
                })
                .collect();
            if migration_waits {
                locks.push(waiting(MIGRATION, &[7]));
            }
            let sample = sample(locks.clone());
            let behind = |row: &LockRow| Queue::of(&sample).to_migration.contains_key(&row.pid);
            for (index, row) in locks.iter().enumerate().filter(|(_, row)| row.pid != MIGRATION) {
                let by_it = owed(&sample, index).root.kind == RootKind::Migration;
                prop_assert_eq!(by_it, behind(row) && !waits_without_it(&locks, index), "{:?}", locks);
            }
        }
    }
}
