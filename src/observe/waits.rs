//! Lock samples folded into waits: who waited for what, how long, and who stood at the root.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::activity::Activity;
use super::deadlock::Rings;
use super::ended_waits::{AllWaits, EndedWait, EndedWaits, OwedWait};
use super::lock_sample::{LockRow, LockSample, Owed, Queue};
use super::locks::OTHER;
use super::migration_locks::{MigrationLocks, SeenLock};
use super::processors::ProcessorReading;
use super::toll::OpenToll;
use super::{LockWait, Locks, Root, RootKind};

/// Samples for one that is looked through for deadlocks.
const RING_EVERY: u64 = 3;

/// Folds samples, in the order of their times, into waits.
#[derive(Debug, Default)]
pub struct WaitTracker {
    open: BTreeMap<i32, OpenWait>,
    ended: EndedWaits,
    migration: MigrationLocks,
    samples: u64,
    first: Option<Duration>,
    last: Option<Duration>,
    widest_gap: Duration,
    peak_waiters: u32,
    waiters: Vec<(Duration, u32)>,
    rings: Rings,
}

/// What a session waits for: `locktype`, the relation's OID, the mode.
type Awaited = (String, Option<u32>, String);

#[derive(Debug)]
struct OpenWait {
    lock: Awaited,
    start: Duration,
    last_seen: Duration,
    /// Whom it was owed to, and for how long.
    owed: Vec<(Owed, Duration)>,
    wait: LockWait,
}

/// Different roots told apart in one wait: more come only where many fight for one row.
const ROOTS: usize = 8;

impl OpenWait {
    /// It has been owed to somebody for so much longer. One that is owed to the migration stays so: it
    /// is what the waiter would have been spared.
    fn note(&mut self, owed: Owed, length: Duration) {
        let stays = self.is_owed_to_migration() || self.owed.len() >= ROOTS;
        let same = |(known, _): &&mut (Owed, Duration)| known.root.pid == owed.root.pid;
        if let Some((_, total)) = self.owed.iter_mut().find(same) {
            *total += length;
        } else if !stays {
            self.owed.push((owed, length));
        }
    }

    /// Whether it is owed to the migration.
    fn is_owed_to_migration(&self) -> bool {
        let first = self.owed.first();
        first.is_some_and(|(first, _)| first.root.kind == RootKind::Migration)
    }

    /// Whether a wait for this lock is the next step of the same wait: who waits for a row queues for
    /// the right to wait for it, then waits for the transaction that has it (`heap_acquire_tuplock`).
    fn leads_to(&self, (locktype, relation, _): &Awaited, root: &Root) -> bool {
        let (own_type, own_relation, _) = &self.lock;
        (own_type.as_str(), locktype.as_str()) == ("tuple", "transactionid")
            && own_relation == relation
            && self.is_owed_to_migration() == (root.kind == RootKind::Migration)
    }

    /// Goes over to its next step.
    fn go_on(&mut self, lock: Awaited) {
        let (locktype, _, mode) = &lock;
        (self.wait.locktype, self.wait.mode) = (locktype.clone(), mode.clone());
        self.lock = lock;
    }
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
        self.migration.observe(sample);
        // A deadlock stands for long before the server looks for it, and long queues are many samples.
        if self.samples.is_multiple_of(RING_EVERY) {
            self.rings.observe(sample);
        }
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

    fn extend_or_open(&mut self, sample: &LockSample, row: &LockRow, queue: &Queue<'_>) {
        let oid = row.relation.as_ref().map(|(oid, _)| *oid);
        let lock = (row.locktype.clone(), oid, row.mode.clone());
        let mut begun = row.waited.map(|waited| sample.at.saturating_sub(waited));
        let mut owed = queue.root(row);
        owed.root.statement = self.migration.blamed_statement(sample, row, &owed.root);
        if let Some(open) = self.open.get_mut(&row.pid)
            && open.leads_to(&lock, &owed.root)
        {
            open.go_on(lock.clone());
            begun = None;
        }
        let open = self
            .open
            .get(&row.pid)
            .filter(|open| open.lock == lock && begun.is_none_or(|begun| begun <= open.last_seen));
        // What a session waited before the migration stood in its way is not the migration's; what it
        // waits afterwards is, since it would have had its turn.
        let start = match open {
            None => Some(begun.unwrap_or(sample.at)),
            Some(open) if open.is_owed_to_migration() => None,
            Some(open) => (owed.root.kind == RootKind::Migration).then_some(open.last_seen),
        };
        if let Some(start) = start {
            self.close(row.pid, start);
        }
        let begins = start.unwrap_or(sample.at);
        let open = self.open.entry(row.pid).or_insert_with(|| OpenWait {
            lock,
            start: begins,
            last_seen: begins,
            owed: Vec::new(),
            wait: LockWait {
                start: 0.0,
                length: Duration::ZERO,
                relation: row.relation.as_ref().map(|(_, name)| name.clone()),
                mode: row.mode.clone(),
                locktype: row.locktype.clone(),
                waiter: sample.owner(row.pid).name().to_owned(),
                root: owed.root.clone(),
                depth: owed.depth,
                via: Vec::new(),
            },
        });
        // It may have begun a moment before it was known whose the session is.
        if open.wait.waiter == OTHER {
            open.wait.waiter = sample.owner(row.pid).name().to_owned();
        }
        // Who has got the lock between the two looks waits for nobody any more.
        if !row.blockers.is_empty() {
            open.note(owed, sample.at.saturating_sub(open.last_seen));
        }
        open.last_seen = sample.at;
    }

    /// A wait ended somewhere between the sample that last showed it and `by`: the middle is taken.
    fn close(&mut self, pid: i32, by: Duration) {
        let Some(open) = self.open.remove(&pid) else {
            return;
        };
        let end = open.last_seen + by.saturating_sub(open.last_seen) / 2;
        let mut wait = LockWait {
            length: end.saturating_sub(open.start),
            ..open.wait
        };
        // Of several, the one in the way for longest.
        let most = open.owed.into_iter().max_by_key(|(_, length)| *length);
        if let Some((Owed { root, depth, via }, _)) = most {
            (wait.root, wait.depth, wait.via) = (root, depth, via);
        }
        self.ended.push(EndedWait {
            start: open.start,
            wait,
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
        let AllWaits { locks, tolls, owed } = self.ended.finish(zero);
        TrackedLocks {
            locks: Locks {
                sample_interval: span.checked_div(gaps).unwrap_or_default(),
                sample_error: self.widest_gap,
                samples: self.samples,
                peak_waiters: self.peak_waiters,
                ..locks
            },
            migration: self.migration.finish(),
            waiters: self.waiters,
            tolls,
            owed,
            rings: self.rings,
            activity: Activity::default(),
            processors: Vec::new(),
        }
    }
}

/// All that the samples showed.
#[derive(Debug, Default)]
pub struct TrackedLocks {
    /// The waits, longest first: more of them than a report keeps.
    pub locks: Locks,
    /// The migration's own locks.
    pub migration: Vec<SeenLock>,
    /// Most sessions waiting at once in each second that had any (seconds of the timeline).
    pub waiters: Vec<(Duration, u32)>,
    /// What the waits owed to the migration cost, by lock and kind of transaction.
    pub tolls: Vec<OpenToll>,
    /// The waits owed to the migration, in the order in which they ended.
    pub owed: Vec<OwedWait>,
    /// Sessions that waited for each other.
    pub rings: Rings,
    /// What sessions did, that waited for locks and the others.
    pub activity: Activity,
    /// The processors' counters, in the order of time.
    pub processors: Vec<ProcessorReading>,
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
            strangers: BTreeMap::new(),
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
    fn a_session_may_become_known_after_it_began_to_wait() {
        let rows = || {
            vec![
                row(7, "AccessShareLock", true, &[]),
                row(MIGRATION, "AccessExclusiveLock", false, &[7]),
            ]
        };
        let early = LockSample {
            migration: None,
            ..sample(10, 0, rows())
        };
        let tracked = track(&[early, sample(20, 0, rows())]);
        let [wait] = &tracked.locks.waits[..] else {
            panic!("{:?}", tracked.locks.waits);
        };
        assert!(wait.is_of_migration());
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
    fn who_was_in_the_way_for_longest_is_the_root_and_nobody_at_the_end_is_none() {
        let behind = |blockers: &[i32]| row(MIGRATION, "AccessExclusiveLock", false, blockers);
        let mut samples: Vec<_> = (0..40)
            .map(|n| sample(n * 10, 0, vec![behind(&[7])]))
            .collect();
        samples.push(sample(400, 0, vec![behind(&[1])]));
        samples.push(sample(410, 0, vec![behind(&[])]));
        let wait = &track(&samples).locks.waits[0];
        assert_eq!((wait.root.pid, wait.length), (7, millis(410)));
    }

    #[test]
    fn the_two_steps_of_waiting_for_a_row_are_one_wait() {
        let step = |locktype: &str| LockRow {
            locktype: locktype.into(),
            ..row(1, "ExclusiveLock", false, &[MIGRATION])
        };
        let tracked = track(&[
            sample(0, 0, vec![step("tuple")]),
            sample(10, 0, vec![step("transactionid")]),
            sample(20, 0, vec![]),
            sample(30, 0, vec![step("transactionid")]),
        ]);
        assert_eq!(tracked.locks.waits_seen, 2);
        let longest = &tracked.locks.waits[0];
        let told = (longest.locktype.as_str(), longest.length);
        assert_eq!(told, ("transactionid", millis(15)));
        assert_eq!(tracked.locks.behind_migration["record"], 2);
        let requests: u64 = tracked.tolls.iter().map(|open| open.toll.waits).sum();
        assert_eq!(requests, 2);
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
