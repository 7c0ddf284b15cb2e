//! What the lock samples and the migration's own session each know of its locks, put together.

use std::time::Duration;

use super::lock_mode::can_block;
use super::toll::{OpenToll, Toll};
use super::waits::TrackedLocks;
use super::{
    Attempt, HeldLock, LockMode, LockWait, Locks, Migration, RootKind, SeenLock, Statement,
};
use crate::sql::StatementKind;

/// What the lock sampler knows of the migration, to complete what its own session knows.
pub struct Lockbook<'a> {
    /// What the samples showed.
    pub tracked: &'a TrackedLocks,
    /// When the baseline began, since the timeline's origin.
    pub zero: Duration,
}

impl Lockbook<'_> {
    /// The migration with its locks and waits; times in it are since the baseline began.
    pub fn complete(&self, migration: Migration) -> Migration {
        let statements = migration
            .statements
            .iter()
            .map(|statement| self.statement(statement, &migration.statements))
            .collect();
        Migration {
            start: migration.start.saturating_sub(self.zero),
            end: migration.end.saturating_sub(self.zero),
            tries: migration
                .tries
                .iter()
                .map(|attempt| Attempt {
                    start: attempt.start.saturating_sub(self.zero),
                    end: attempt.end.saturating_sub(self.zero),
                    ..attempt.clone()
                })
                .collect(),
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
        // Where the session was not asked (the statement or the question failed, or no transaction block can hold
        // it), the samples say what it locked. At a transaction's end they show what the transaction itself has made.
        let ends = StatementKind::of(&statement.sql) == StatementKind::TransactionEnd;
        let unread = statement.size_change.is_none() && !ends;
        if locks.is_empty()
            && (unread || statement.error.is_some() || statement.outside_transaction)
        {
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
            .filter(|wait| wait.is_of_migration());
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

/// Puts the statement that *took* the lock in the way at the root of a wait. The sampler names the one
/// that ran when it first saw the lock, which comes later where the taker was over within a sample.
pub fn blame_taker(wait: &mut LockWait, migration: &Migration) {
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

/// Puts the statements that took the locks into the tolls, and keeps as many as a report has, the most
/// waiting first.
pub fn settled(open: Vec<OpenToll>, migration: &Migration) -> Vec<Toll> {
    let mut tolls: Vec<Toll> = Vec::new();
    for OpenToll { toll, mut longest } in open {
        if toll.statement.is_some() {
            blame_taker(&mut longest, migration);
        }
        let toll = Toll {
            statement: toll.statement.and(longest.root.statement),
            blocking_mode: longest.root.mode,
            ..toll
        };
        match tolls.iter_mut().find(|known| known.is_same(&toll)) {
            Some(known) => known.add(toll),
            None => tolls.push(toll),
        }
    }
    tolls.sort_by_key(|toll| std::cmp::Reverse((toll.total, toll.waits)));
    tolls.truncate(Locks::KEPT);
    tolls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{MigrationOutcome, Root, ServerError};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn statement(locks: Vec<HeldLock>) -> Statement {
        Statement {
            file: "migration.sql".into(),
            line: 1,
            sql: "ALTER TABLE a ADD b int".into(),
            start: seconds(15),
            duration: seconds(5),
            locks,
            ..Statement::default()
        }
    }

    fn tracked(granted: Option<u64>) -> TrackedLocks {
        let root = Root {
            kind: RootKind::Traffic,
            statement: None,
            mode: None,
            pid: 1,
            name: None,
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
            via: Vec::new(),
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
            ..TrackedLocks::default()
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
            tries: Vec::new(),
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
            name: None,
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
        let locks = |statement: &Statement| book.statement(statement, &[]).locks;
        let alone = Statement {
            outside_transaction: true,
            ..statement(Vec::new())
        };
        let failed = Statement {
            error: Some(ServerError {
                sqlstate: None,
                message: "connection closed".into(),
            }),
            ..statement(Vec::new())
        };
        for asked_in_vain in [alone, failed] {
            assert_eq!(locks(&asked_in_vain)[0].held, Some(seconds(4)));
        }
        // What is seen in a COMMIT is of tables that nobody else knows yet; what was asked is known better.
        let commit = Statement {
            sql: "COMMIT".into(),
            ..statement(Vec::new())
        };
        let asked = Statement {
            size_change: Some(0),
            ..statement(Vec::new())
        };
        assert_eq!((locks(&commit), locks(&asked)), (vec![], vec![]));
    }
}
