//! Lock samples folded into waits: who waited for what, how long, and who stood at the root.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::lock_mode::can_block;
use super::lock_sample::{LockRow, LockSample, Queue};
use super::{LockWait, Locks, Root, RootKind};

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

/// Folds samples, in the order of their times, into waits.
#[derive(Debug, Default)]
pub struct WaitTracker {
    open: BTreeMap<i32, OpenWait>,
    ended: Vec<EndedWait>,
    /// The migration's locks in the latest sample.
    held: BTreeMap<(u32, String), SeenLock>,
    /// Its locks that later samples no longer showed.
    released: Vec<SeenLock>,
    samples: u64,
    first: Option<Duration>,
    last: Option<Duration>,
    widest_gap: Duration,
    peak_waiters: u32,
    waiters: Vec<(Duration, u32)>,
}

#[derive(Debug)]
struct OpenWait {
    lock: (String, Option<u32>, String),
    start: Duration,
    last_seen: Duration,
    wait: LockWait,
}

#[derive(Debug)]
struct EndedWait {
    start: Duration,
    wait: LockWait,
}

impl WaitTracker {
    /// Nothing was seen from the last sample, or the timeline's origin, up to this moment.
    pub fn blind_until(&mut self, at: Duration) {
        let since = self.last.unwrap_or_default();
        self.widest_gap = self.widest_gap.max(at.saturating_sub(since));
    }

    /// Takes in one sample.
    pub fn observe(&mut self, sample: &LockSample) {
        if self.last.is_some() {
            self.blind_until(sample.at);
        }
        self.first.get_or_insert(sample.at);
        self.samples += 1;
        self.note_migration_locks(sample);
        let queue = Queue::of(sample);
        let mut waiting = BTreeSet::new();
        for row in sample.locks.iter().filter(|row| !row.granted) {
            waiting.insert(row.pid);
            self.extend_or_open(sample, row, &queue);
        }
        let gone: Vec<i32> = self
            .open
            .keys()
            .copied()
            .filter(|pid| !waiting.contains(pid))
            .collect();
        for pid in gone {
            self.close(pid, sample.at);
        }
        let waiters = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        self.peak_waiters = self.peak_waiters.max(waiters);
        self.note_waiters(sample.at, waiters);
        self.last = Some(sample.at);
    }

    /// Most sessions seen waiting in each second that had any, by the second's start.
    fn note_waiters(&mut self, at: Duration, waiters: u32) {
        let second = Duration::from_secs(at.as_secs());
        match self.waiters.last_mut() {
            Some((last, most)) if *last == second => *most = (*most).max(waiters),
            _ if waiters > 0 => self.waiters.push((second, waiters)),
            _ => {}
        }
    }

    /// A lock that a sample no longer shows was released: the same one later is another.
    fn note_migration_locks(&mut self, sample: &LockSample) {
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

    fn extend_or_open(&mut self, sample: &LockSample, row: &LockRow, queue: &Queue<'_>) {
        let oid = row.relation.as_ref().map(|(oid, _)| *oid);
        let lock = (row.locktype.clone(), oid, row.mode.clone());
        let begun = row.waited.map(|waited| sample.at.saturating_sub(waited));
        let (root, depth) = queue.root(row);
        let root = Root {
            statement: self.blamed_statement(sample, row, &root),
            ..root
        };
        let open = self
            .open
            .get(&row.pid)
            .filter(|open| open.lock == lock && begun.is_none_or(|begun| begun <= open.last_seen));
        // What a session waited before the migration stood in its way is not the migration's; what it
        // waits afterwards is, since it would have had its turn.
        let start = match open {
            None => Some(begun.unwrap_or(sample.at)),
            Some(open) if open.wait.root.kind == RootKind::Migration => None,
            Some(open) => (root.kind == RootKind::Migration).then_some(open.last_seen),
        };
        if let Some(start) = start {
            self.close(row.pid, start);
        }
        let open = self.open.entry(row.pid).or_insert_with(|| OpenWait {
            lock,
            start: start.unwrap_or(sample.at),
            last_seen: sample.at,
            wait: LockWait {
                start: 0.0,
                length: Duration::ZERO,
                relation: row.relation.as_ref().map(|(_, name)| name.clone()),
                mode: row.mode.clone(),
                locktype: row.locktype.clone(),
                waiter: sample.owner(row.pid).name().to_owned(),
                root: root.clone(),
                depth,
            },
        });
        open.last_seen = sample.at;
        if open.wait.root.kind != RootKind::Migration {
            open.wait.root = root;
            open.wait.depth = depth;
        }
    }

    /// The statement that took, or asked for, the lock in the way: the first one seen with a lock on
    /// the relation that can be it, else the one that runs.
    fn blamed_statement(&self, sample: &LockSample, row: &LockRow, root: &Root) -> Option<usize> {
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

    /// A wait ended somewhere between the sample that last showed it and `by`: the middle is taken.
    fn close(&mut self, pid: i32, by: Duration) {
        let Some(open) = self.open.remove(&pid) else {
            return;
        };
        let end = open.last_seen + by.saturating_sub(open.last_seen) / 2;
        let length = end.saturating_sub(open.start);
        self.ended.push(EndedWait {
            start: open.start,
            wait: LockWait {
                length,
                ..open.wait
            },
        });
    }

    /// Ends the tracking. Times in the result are since `zero`.
    pub fn finish(mut self, zero: Duration) -> TrackedLocks {
        let open: Vec<i32> = self.open.keys().copied().collect();
        for pid in open {
            let last = self.last.unwrap_or_default();
            self.close(pid, last);
        }
        let span = self
            .last
            .unwrap_or_default()
            .saturating_sub(self.first.unwrap_or_default());
        let gaps = u32::try_from(self.samples.saturating_sub(1)).unwrap_or(u32::MAX);
        let mut waits: Vec<LockWait> = self
            .ended
            .into_iter()
            .map(|EndedWait { start, wait }| LockWait {
                start: start.as_secs_f64() - zero.as_secs_f64(),
                ..wait
            })
            .collect();
        waits.sort_by(|a, b| b.length.cmp(&a.length).then(a.start.total_cmp(&b.start)));
        let victims = || waits.iter().filter(|wait| wait.waiter != "migration");
        let locks = Locks {
            sample_interval: span.checked_div(gaps).unwrap_or_default(),
            sample_error: self.widest_gap,
            samples: self.samples,
            max_wait: victims().map(|wait| wait.length).max().unwrap_or_default(),
            total_wait: victims().map(|wait| wait.length).sum(),
            peak_waiters: self.peak_waiters,
            waits_seen: waits.len() as u64,
            waits: Vec::new(),
        };
        TrackedLocks {
            locks: Locks { waits, ..locks },
            migration: self
                .released
                .into_iter()
                .chain(self.held.into_values())
                .collect(),
            waiters: self.waiters,
        }
    }
}

/// All that the samples showed.
#[derive(Debug, Default)]
pub struct TrackedLocks {
    /// The waits, all of them, longest first.
    pub locks: Locks,
    /// The migration's own locks.
    pub migration: Vec<SeenLock>,
    /// Most sessions waiting at once in each second that had any (seconds of the timeline).
    pub waiters: Vec<(Duration, u32)>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observe::lock_sample::Owner;

    const MIGRATION: i32 = 100;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn row(pid: i32, mode: &str, granted: bool, blockers: &[i32]) -> LockRow {
        LockRow {
            pid,
            locktype: "relation".into(),
            relation: Some((1, "public.measurements".into())),
            mode: mode.into(),
            granted,
            waited: None,
            blockers: blockers.to_vec(),
        }
    }

    fn sample(at: u64, statement: usize, locks: Vec<LockRow>) -> LockSample {
        let owners = BTreeMap::from([
            (1, Owner::Traffic("record".into())),
            (2, Owner::Traffic("read".into())),
        ]);
        LockSample {
            at: millis(at),
            locks,
            migration: Some((MIGRATION, statement)),
            owners,
        }
    }

    fn track(samples: &[LockSample]) -> TrackedLocks {
        let mut tracker = WaitTracker::default();
        for sample in samples {
            tracker.observe(sample);
        }
        tracker.finish(Duration::ZERO)
    }

    #[test]
    fn a_wait_is_owed_to_the_statement_that_took_the_conflicting_lock() {
        let held = || row(MIGRATION, "ShareRowExclusiveLock", true, &[]);
        let blocked = || row(1, "RowExclusiveLock", false, &[MIGRATION]);
        let tracked = track(&[
            sample(0, 2, vec![held()]),
            sample(10, 3, vec![held(), blocked()]),
            sample(20, 3, vec![held(), blocked()]),
            sample(30, 3, vec![held()]),
        ]);
        let wait = &tracked.locks.waits[0];
        assert_eq!(wait.root.kind, RootKind::Migration);
        assert_eq!(
            wait.root.statement,
            Some(2),
            "statement 3 runs, statement 2 took the lock"
        );
        assert_eq!(wait.root.mode.as_deref(), Some("ShareRowExclusiveLock"));
        assert_eq!((wait.waiter.as_str(), wait.depth), ("record", 1));
        assert_eq!(wait.length, millis(15), "10 to the middle of 20 and 30");
        assert_eq!(tracked.migration[0].granted, Some(Duration::ZERO));
    }

    #[test]
    fn readers_queued_behind_a_waiting_migration_are_its_victims() {
        // 2 waits for 1, which waits for the migration, which itself waits for 7's long transaction.
        let tracked = track(&[sample(
            10,
            0,
            vec![
                row(7, "AccessShareLock", true, &[]),
                row(MIGRATION, "AccessExclusiveLock", false, &[7]),
                row(1, "AccessShareLock", false, &[MIGRATION]),
                row(2, "AccessShareLock", false, &[1]),
            ],
        )]);
        let of = |waiter: &str| {
            tracked
                .locks
                .waits
                .iter()
                .find(|wait| wait.waiter == waiter)
                .unwrap()
        };
        assert_eq!((of("read").root.pid, of("read").depth), (MIGRATION, 2));
        assert_eq!(
            (of("record").root.kind, of("record").depth),
            (RootKind::Migration, 1)
        );
        assert_eq!(
            (of("migration").root.pid, of("migration").root.kind),
            (7, RootKind::Other)
        );
        assert_eq!(tracked.locks.peak_waiters, 3);
    }

    #[test]
    fn the_servers_own_wait_start_is_used_and_splits_waits() {
        let blocked = |waited| LockRow {
            waited: Some(millis(waited)),
            ..row(1, "RowExclusiveLock", false, &[MIGRATION])
        };
        let tracked = track(&[
            sample(100, 0, vec![blocked(95)]),
            sample(110, 0, vec![blocked(105)]),
            sample(130, 0, vec![blocked(2)]),
            sample(140, 0, vec![]),
        ]);
        let lengths: Vec<_> = tracked.locks.waits.iter().map(|wait| wait.length).collect();
        assert_eq!(lengths, [millis(114), millis(7)]);
        assert_eq!(tracked.locks.sample_error, millis(20));
    }

    #[test]
    fn what_was_waited_before_the_migration_came_is_not_owed_to_it() {
        let behind = |blocker| row(1, "RowExclusiveLock", false, &[blocker]);
        let tracked = track(&[
            sample(0, 0, vec![behind(2)]),
            sample(10, 0, vec![behind(2)]),
            sample(20, 0, vec![behind(MIGRATION)]),
            sample(30, 0, vec![behind(2)]),
            sample(40, 0, vec![]),
        ]);
        let of = |kind| {
            tracked
                .locks
                .waits
                .iter()
                .find(|wait| wait.root.kind == kind)
                .unwrap()
        };
        assert_eq!(of(RootKind::Traffic).length, millis(10));
        assert_eq!(
            of(RootKind::Migration).length,
            millis(25),
            "from 10 to the middle of 30 and 40"
        );
    }

    #[test]
    fn a_lock_taken_again_by_a_later_statement_is_another() {
        let held = || row(MIGRATION, "ShareLock", true, &[]);
        let tracked = track(&[
            sample(0, 0, vec![held()]),
            sample(10, 1, vec![]),
            sample(
                20,
                2,
                vec![held(), row(1, "RowExclusiveLock", false, &[MIGRATION])],
            ),
            sample(30, 2, vec![held()]),
        ]);
        assert_eq!(tracked.locks.waits[0].root.statement, Some(2));
        let seen: Vec<_> = tracked
            .migration
            .iter()
            .map(|seen| (seen.statement, seen.last))
            .collect();
        assert_eq!(seen, [(0, millis(0)), (2, millis(30))]);
    }

    #[test]
    fn a_row_is_owed_to_the_statement_that_wrote_its_table() {
        let wait = LockRow {
            locktype: "transactionid".into(),
            ..row(1, "ShareLock", false, &[MIGRATION])
        };
        let tracked = track(&[
            sample(0, 1, vec![row(MIGRATION, "RowExclusiveLock", true, &[])]),
            sample(
                10,
                2,
                vec![row(MIGRATION, "RowExclusiveLock", true, &[]), wait],
            ),
        ]);
        assert_eq!(tracked.locks.waits[0].root.statement, Some(1));
    }

    #[test]
    fn time_without_samples_is_told() {
        let mut tracker = WaitTracker::default();
        tracker.blind_until(millis(700));
        assert_eq!(
            tracker.finish(Duration::ZERO).locks.sample_error,
            millis(700)
        );
        let mut tracker = WaitTracker::default();
        tracker.observe(&sample(500, 0, vec![]));
        tracker.blind_until(millis(800));
        assert_eq!(
            tracker.finish(Duration::ZERO).locks.sample_error,
            millis(300)
        );
    }

    #[test]
    fn a_deadlock_has_a_root_and_ends() {
        let tracked = track(&[sample(
            0,
            0,
            vec![
                row(1, "ShareLock", false, &[2]),
                row(2, "ShareLock", false, &[1]),
            ],
        )]);
        assert_eq!(tracked.locks.waits.len(), 2);
    }

    proptest! {
        #[test]
        fn any_samples_fold_without_panic_and_waits_fit_the_span(
            samples in prop::collection::vec(
                prop::collection::vec((1i32..6, any::<bool>(), prop::collection::vec(1i32..6, 0..3)), 0..6),
                1..20,
            ),
        ) {
            let samples: Vec<_> = samples
                .into_iter()
                .enumerate()
                .map(|(i, rows)| {
                    let locks = rows.iter().map(|(pid, granted, blockers)| row(*pid, "ShareLock", *granted, blockers)).collect();
                    sample(i as u64 * 10, i, locks)
                })
                .collect();
            let tracked = track(&samples);
            let span = millis(samples.len() as u64 * 10);
            prop_assert!(tracked.locks.waits.iter().all(|wait| wait.length <= span));
            prop_assert_eq!(tracked.locks.waits.len() as u64, tracked.locks.waits_seen);
        }
    }
}
