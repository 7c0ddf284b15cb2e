//! Sums a pass up: raw records into the phases, waits, impact and series of a report.

use std::sync::Arc;
use std::time::Duration;

use crate::observe::lock_mode::can_block;
use crate::observe::recording::Recording;
use crate::observe::waits::{SeenLock, TrackedLocks};
use crate::observe::{
    HeldLock, LockMode, LockWait, Locks, Migration, Pass, PassName, PhaseName, RootKind, Second,
    Statement, TableUsage, Window,
};
use crate::scenario::Plan;
use crate::traffic::Timeline;

/// What a pass measured, before it is summed up.
pub(super) struct Raw {
    pub(super) recording: Recording,
    pub(super) timeline: Arc<Timeline>,
    pub(super) migration: Option<Migration>,
    pub(super) locks: TrackedLocks,
    pub(super) usage: TableUsage,
    pub(super) end: Duration,
}

/// The phases that a report shows, in order.
const REPORTED: [PhaseName; 3] = [
    PhaseName::Baseline,
    PhaseName::Migration,
    PhaseName::Recovery,
];

/// A pass as reports keep it. Times on the timeline become times since the baseline began.
pub(super) fn settle(plan: &Plan, raw: Raw) -> Pass {
    let Raw {
        recording,
        timeline,
        migration,
        locks: tracked,
        usage,
        end,
    } = raw;
    let names: Vec<String> = plan
        .traffic
        .transactions
        .iter()
        .map(|transaction| transaction.name.clone())
        .collect();
    let zero = timeline.start_of(PhaseName::Baseline).unwrap_or(end);
    let phases = bounds(&timeline, end)
        .map(|(name, from, to)| {
            recording.phase(
                name,
                &names,
                from.saturating_sub(zero),
                to.saturating_sub(zero),
            )
        })
        .collect();
    let p99 = recording.p99(PhaseName::Baseline).unwrap_or_default();
    let migration_end = migration.as_ref().map_or(end, |migration| migration.end);
    let window = Window {
        baseline_start: zero,
        migration_start: timeline.start_of(PhaseName::Migration).unwrap_or(end),
        migration_end,
        until: end,
        p99_limit: p99
            .mul_f64(plan.limits.p99_ratio)
            .max(plan.limits.p99_floor),
    };
    let impact = recording.impact(&window, &names);
    let mut series = recording.series(zero, end);
    add_waiters(&mut series, &tracked, zero);
    let migration = migration.map(|migration| {
        let book = Lockbook {
            tracked: &tracked,
            zero,
        };
        book.complete(migration)
    });
    let mut locks = tracked.locks;
    if let Some(migration) = &migration {
        for wait in &mut locks.waits {
            blame_taker(wait, migration);
        }
    }
    keep_the_telling(&mut locks.waits);
    Pass {
        name: PassName::Quiet,
        phases,
        migration,
        locks,
        impact,
        series,
        usage,
    }
}

/// Keeps as many waits as a report holds: those behind the migration first, then the longest. `waits`
/// are the longest first, and stay so.
fn keep_the_telling(waits: &mut Vec<LockWait>) {
    waits.sort_by_key(|wait| wait.root.kind != RootKind::Migration);
    waits.truncate(Locks::KEPT);
    waits.sort_by_key(|wait| std::cmp::Reverse(wait.length));
}

/// The reported phases that began, with their start and end on the timeline.
fn bounds(
    timeline: &Timeline,
    end: Duration,
) -> impl Iterator<Item = (PhaseName, Duration, Duration)> {
    REPORTED
        .into_iter()
        .enumerate()
        .filter_map(move |(index, name)| {
            let next = REPORTED
                .get(index + 1)
                .and_then(|&next| timeline.start_of(next));
            Some((name, timeline.start_of(name)?, next.unwrap_or(end)))
        })
}

/// Puts the most sessions seen waiting into each second of the series.
fn add_waiters(series: &mut [Second], tracked: &TrackedLocks, zero: Duration) {
    for &(second, waiters) in &tracked.waiters {
        let t = second.as_secs_f64() - zero.as_secs_f64();
        // The series' times are rounded to the millisecond.
        if let Some(entry) = series.iter_mut().find(|entry| (entry.t - t).abs() < 0.01) {
            entry.waiters = waiters;
        }
    }
}

/// Puts the statement that *took* the lock in the way at the root of a wait. The sampler names the one
/// that ran when it first saw the lock, which comes later where the taker was over within a sample.
fn blame_taker(wait: &mut LockWait, migration: &Migration) {
    if wait.root.kind != RootKind::Migration {
        return;
    }
    let blocks = |lock: &&HeldLock| {
        Some(&lock.relation) == wait.relation.as_ref()
            && can_block(&lock.mode, (&wait.locktype, &wait.mode))
    };
    let ends = wait.start + wait.length.as_secs_f64();
    let taken = migration.statements.iter().find_map(|statement| {
        let lock = statement.locks.iter().find(blocks)?;
        let until = statement.start + statement.lock_wait + lock.held.unwrap_or(statement.duration);
        let overlaps = statement.start.as_secs_f64() <= ends && wait.start <= until.as_secs_f64();
        overlaps.then(|| (statement.index, lock.mode.clone()))
    });
    if let Some((statement, mode)) = taken {
        wait.root.statement = Some(statement);
        // What blocks a row is the row's own lock.
        wait.root.mode = Some(mode).filter(|_| wait.locktype == "relation");
    }
}

/// What the lock sampler knows of the migration, to complete what its own session knows.
struct Lockbook<'a> {
    tracked: &'a TrackedLocks,
    zero: Duration,
}

impl Lockbook<'_> {
    fn complete(&self, migration: Migration) -> Migration {
        let statements = migration
            .statements
            .iter()
            .map(|statement| self.statement(statement, &migration.statements))
            .collect();
        Migration {
            start: migration.start.saturating_sub(self.zero),
            end: migration.end.saturating_sub(self.zero),
            statements,
            ..migration
        }
    }

    fn statement(&self, statement: &Statement, all: &[Statement]) -> Statement {
        let lock_wait = self.lock_wait(statement);
        let mut locks: Vec<HeldLock> = statement
            .locks
            .iter()
            .map(|lock| self.held(lock, statement, lock_wait))
            .collect();
        // Where the session could not be asked (the statement failed, or no transaction block can hold
        // it), the samples say what it locked.
        if locks.is_empty() {
            let own = |seen: &&SeenLock| !all.iter().any(|taker| has_taken(taker, seen));
            locks = self
                .seen_in(statement)
                .filter(own)
                .filter_map(sampled)
                .collect();
        }
        let start = statement.start.saturating_sub(self.zero);
        Statement {
            lock_wait,
            locks,
            start,
            ..statement.clone()
        }
    }

    /// How long the migration's session was seen waiting while the statement ran.
    fn lock_wait(&self, statement: &Statement) -> Duration {
        let from = statement.start.as_secs_f64() - self.zero.as_secs_f64();
        let to = from + statement.duration.as_secs_f64();
        let waits = self
            .tracked
            .locks
            .waits
            .iter()
            .filter(|wait| wait.waiter == "migration");
        let seconds: f64 = waits
            .map(|wait| (wait.start + wait.length.as_secs_f64()).min(to) - wait.start.max(from))
            .filter(|overlap| *overlap > 0.0)
            .sum();
        Duration::from_secs_f64(seconds)
    }

    /// `lock.held` runs from the statement's start so far: it was got when it was first seen granted,
    /// or at the latest when the waiting was over.
    fn held(&self, lock: &HeldLock, statement: &Statement, lock_wait: Duration) -> HeldLock {
        let seen = self
            .seen_in(statement)
            .find(|seen| seen.relation == lock.relation && seen.mode == lock.mode);
        let got = seen
            .and_then(|seen| seen.granted)
            .map_or(lock_wait, |granted| granted.saturating_sub(statement.start));
        HeldLock {
            held: lock.held.map(|held| held.saturating_sub(got)),
            ..lock.clone()
        }
    }

    /// Locks first seen in this statement, in the attempt that it belongs to.
    fn seen_in(&self, statement: &Statement) -> impl Iterator<Item = &SeenLock> {
        let (index, start) = (statement.index, statement.start);
        self.tracked
            .migration
            .iter()
            .filter(move |seen| seen.statement == index && seen.last >= start)
    }
}

/// Whether a statement's own facts say that it was the one to take a lock, and until when.
fn has_taken(statement: &Statement, seen: &SeenLock) -> bool {
    let same = |lock: &&HeldLock| lock.relation == seen.relation && lock.mode == seen.mode;
    let lock = statement.locks.iter().find(same);
    let until = |lock: &HeldLock| statement.start + lock.held.unwrap_or(statement.duration);
    lock.is_some_and(|lock| seen.granted.is_some_and(|granted| granted <= until(lock)))
}

/// A lock that was seen granted; one that was only asked for was never held. AccessShareLock is left out:
/// the questions about the statement take it too, on the same session.
fn sampled(seen: &SeenLock) -> Option<HeldLock> {
    if seen.mode.parse() == Ok(LockMode::AccessShare) {
        return None;
    }
    let granted = seen.granted?;
    Some(HeldLock {
        relation: seen.relation.clone(),
        mode: seen.mode.clone(),
        held: Some(seen.last.saturating_sub(granted)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{MigrationOutcome, Root};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn statement(locks: Vec<HeldLock>) -> Statement {
        Statement {
            index: 0,
            file: "migration.sql".into(),
            line: 1,
            sql: "ALTER TABLE a ADD b int".into(),
            start: seconds(15),
            duration: seconds(5),
            lock_wait: Duration::ZERO,
            wal_bytes: 0,
            size_change: None,
            error: None,
            locks,
            rewrites: Vec::new(),
            scans: Vec::new(),
            indexes_built: Vec::new(),
            hazards: Vec::new(),
        }
    }

    fn tracked(granted: Option<u64>) -> TrackedLocks {
        let root = Root {
            kind: RootKind::Traffic,
            statement: None,
            mode: None,
            pid: 1,
        };
        let wait = LockWait {
            start: 5.0,
            length: seconds(2),
            relation: Some("public.a".into()),
            mode: "AccessExclusiveLock".into(),
            locktype: "relation".into(),
            waiter: "migration".into(),
            root,
            depth: 1,
        };
        TrackedLocks {
            locks: Locks {
                waits: vec![wait],
                ..Locks::default()
            },
            migration: vec![SeenLock {
                relation: "public.a".into(),
                mode: "AccessExclusiveLock".into(),
                statement: 0,
                granted: granted.map(seconds),
                last: seconds(20),
            }],
            waiters: Vec::new(),
        }
    }

    #[test]
    fn a_lock_is_held_from_when_it_was_seen_granted() {
        let asked = HeldLock {
            relation: "public.a".into(),
            mode: "AccessExclusiveLock".into(),
            held: Some(seconds(10)),
        };
        for (granted, held) in [(Some(18), 7), (None, 8)] {
            let tracked = tracked(granted);
            let book = Lockbook {
                tracked: &tracked,
                zero: seconds(10),
            };
            let completed = book.statement(&statement(vec![asked.clone()]), &[]);
            assert_eq!(completed.lock_wait, seconds(2));
            assert_eq!(completed.locks[0].held, Some(seconds(held)));
            assert_eq!(completed.start, seconds(5));
        }
    }

    #[test]
    fn a_wait_is_owed_to_the_statement_that_took_the_lock_not_to_the_one_that_ran() {
        let taker = Statement {
            locks: vec![HeldLock {
                relation: "public.a".into(),
                mode: "AccessExclusiveLock".into(),
                held: Some(seconds(10)),
            }],
            start: seconds(5),
            duration: Duration::from_micros(300),
            ..statement(Vec::new())
        };
        let slow = Statement {
            index: 1,
            start: seconds(6),
            ..statement(Vec::new())
        };
        let migration = Migration {
            file: "migration.sql".into(),
            outcome: MigrationOutcome::Applied,
            attempts: 1,
            start: seconds(5),
            end: seconds(15),
            error: None,
            committed: 2,
            statements: vec![taker, slow],
        };
        let mut wait = tracked(None).locks.waits.remove(0);
        wait.root = Root {
            kind: RootKind::Migration,
            statement: Some(1),
            mode: None,
            pid: 1,
        };
        wait.mode = "AccessShareLock".into();
        blame_taker(&mut wait, &migration);
        assert_eq!(wait.root.statement, Some(0));
        assert_eq!(wait.root.mode.as_deref(), Some("AccessExclusiveLock"));
    }

    #[test]
    fn the_samples_stand_in_for_a_session_that_could_not_be_asked() {
        let tracked = tracked(Some(16));
        let book = Lockbook {
            tracked: &tracked,
            zero: seconds(10),
        };
        assert_eq!(
            book.statement(&statement(Vec::new()), &[]).locks[0].held,
            Some(seconds(4))
        );
    }
}
