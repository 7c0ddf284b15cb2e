//! What the migration's statements did, as far as it has come, and which of it is for good.

use std::time::Duration;

use super::facts::StatementFacts;
use crate::observe::{HeldLock, Statement};
use crate::postgres::facts::FactSnapshot;

/// The account of a migration that runs.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The statements of the last attempt that began, in order.
    pub(super) statements: Vec<Statement>,
    /// The first so many of them have done their work for good.
    pub(super) committed: usize,
    /// Whether a transaction block is open.
    pub(super) in_transaction: bool,
    /// The first of the statements that the open transaction ran.
    open_from: usize,
    /// What the session saw after the open transaction's last statement.
    known: Option<FactSnapshot>,
    /// The session's `lock_timeout`; none where it may have changed since it was read.
    lock_timeout: Option<Duration>,
}

impl Ledger {
    /// A transaction block is open, and the next statement is its first.
    pub(super) fn begin(&mut self) {
        self.start_here();
        self.in_transaction = true;
    }

    /// Should the next statement fail, it and those after it are what is undone.
    pub(super) fn start_here(&mut self) {
        self.open_from = self.statements.len();
    }

    /// The open transaction was committed at `now`.
    pub(super) fn commit(&mut self, now: Duration) {
        self.release(now);
        self.close();
        self.start_here();
        self.keep();
    }

    /// What was run so far is committed.
    pub(super) fn keep(&mut self) {
        self.committed = self.statements.len();
    }

    /// Forgets the statements of the transaction that failed.
    pub(super) fn rewind(&mut self) {
        self.statements.truncate(self.open_from);
        self.close();
    }

    /// What was seen and set in the transaction went with it.
    fn close(&mut self) {
        self.in_transaction = false;
        self.known = None;
        self.lock_timeout = None;
    }

    /// The locks of the open transaction are released now: by its end, or by the error that it met.
    pub(super) fn release(&mut self, now: Duration) {
        for statement in self.statements.iter_mut().skip(self.open_from) {
            for lock in &mut statement.locks {
                lock.held = Some(now.saturating_sub(statement.start));
            }
        }
    }

    /// What the session saw after the open transaction's last statement, if that is known.
    pub(super) fn take_known(&mut self) -> Option<FactSnapshot> {
        self.known.take()
    }

    /// The session's `lock_timeout`, if it is known.
    pub(super) fn take_lock_timeout(&mut self) -> Option<Duration> {
        self.lock_timeout.take()
    }

    /// A statement was run. A `setting` may have changed the `lock_timeout` that it ran under.
    pub(super) fn push(&mut self, statement: Statement, setting: bool) {
        self.lock_timeout = (!setting).then_some(statement.lock_timeout);
        self.statements.push(statement);
    }

    /// What the statement that was run last did, as the session saw it `before` and `after` and the server told it.
    pub(super) fn note(
        &mut self,
        (mut before, after): (FactSnapshot, FactSnapshot),
        messages: &[String],
    ) {
        let facts = StatementFacts::between(&before, &after, messages);
        if let Some(statement) = self.statements.last_mut() {
            let held = |(relation, mode)| HeldLock {
                relation,
                mode,
                held: None,
            };
            statement.locks = facts.locks.into_iter().map(held).collect();
            statement.rewrites = facts.rewrites;
            statement.scans = facts.scans;
            statement.indexes_built = facts.indexes_built;
            if self.in_transaction {
                // Otherwise the counters are not this statement's alone: they are sent off at any time.
                statement.rows = facts.rows;
            }
            statement.wal_bytes = Some(facts.wal_bytes);
            statement.size_change = Some(facts.size_change);
        }
        if self.in_transaction {
            before.update(after);
            self.known = Some(before);
        }
    }
}
