//! Runs the migration on one session and notes what each statement did.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use super::events::Event;
use super::facts::StatementFacts;
use super::loaded::Surroundings;
use super::migration_session::{MigrationSession, Outcome, failure, server_error};
use super::roster::Roster;
use crate::observe::{HeldLock, Migration, MigrationError, MigrationOutcome, Statement};
use crate::postgres::facts::FactSnapshot;
use crate::scenario::plan::{MigrationPlan, TransactionMode};
use crate::sql::{Hazard, MigrationScript, SqlStatement, StatementKind, script_hazards};
use crate::traffic::Timeline;

/// Where a migration runs.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    /// The shadow database.
    pub config: &'a Config,
    /// The rehearsal's clock.
    pub timeline: &'a Timeline,
    /// Where the lock sampler finds the migration's place.
    pub roster: &'a Roster,
    /// Who is told of each statement, and who may end the migration early.
    pub around: Surroundings<'a>,
}

/// Runs the migration to its end: applied, failed, or aborted by the stop or by `time_limit`.
/// Never fails: what went wrong is in the result. Times are on the timeline.
pub(super) async fn run(
    ground: Ground<'_>,
    plan: &MigrationPlan,
    time_limit: Duration,
) -> Migration {
    let one_transaction = plan.transaction == TransactionMode::File;
    let hazards = plan
        .scripts
        .iter()
        .flat_map(|script| script_hazards(script, one_transaction));
    let mut runner = Runner {
        ground,
        plan,
        hazards: hazards.collect(),
        place: Place::default(),
        statements: Vec::new(),
        in_transaction: false,
        open_from: 0,
        committed: 0,
        known: None,
        pid: 0,
        aborting: false,
    };
    let start = ground.timeline.now();
    let (result, attempts) = runner.attempts(start + time_limit).await;
    ground.roster.leave();
    let outcome = match &result {
        Ok(()) => MigrationOutcome::Applied,
        Err(_) if runner.aborting => MigrationOutcome::Aborted,
        Err(_) => MigrationOutcome::Failed,
    };
    Migration {
        file: plan.file.clone(),
        outcome,
        attempts,
        start,
        end: ground.timeline.now(),
        error: result.err(),
        committed: runner.committed,
        statements: runner.statements,
    }
}

/// How far the migration has come: a retry begins with the transaction that failed, since what was
/// committed before it cannot be applied twice.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    script: usize,
    statement: usize,
}

struct Runner<'a> {
    ground: Ground<'a>,
    plan: &'a MigrationPlan,
    /// Of every statement of every file.
    hazards: Vec<Vec<Hazard>>,
    place: Place,
    statements: Vec<Statement>,
    in_transaction: bool,
    /// The first of `statements` that the open transaction ran.
    open_from: usize,
    /// The first so many of `statements` that have done their work for good.
    committed: usize,
    /// What the session saw after the open transaction's last statement.
    known: Option<FactSnapshot>,
    pid: i32,
    aborting: bool,
}

impl Runner<'_> {
    /// Attempts it as often as the plan allows, on one session: what was set before the failed
    /// transaction stays set. Also says how many attempts were made.
    async fn attempts(&mut self, deadline: Duration) -> (Outcome<()>, u32) {
        let opened = MigrationSession::open(self.ground.config, self.plan.lock_timeout).await;
        let mut line = match opened {
            Ok(line) => line,
            Err(error) => return (Err(error), 1),
        };
        self.pid = line.pid();
        let mut attempts = 1;
        loop {
            let result = self.attempt(&mut line, deadline).await;
            let timed_out = |error: &MigrationError| {
                error.sqlstate.as_deref() == Some(SqlState::LOCK_NOT_AVAILABLE.code())
            };
            if !result.as_ref().is_err_and(timed_out)
                || self.aborting
                || attempts >= self.plan.attempts
                || !self.ground.around.stop.sleep(self.plan.backoff).await
            {
                return (result, attempts);
            }
            attempts += 1;
            self.rewind();
        }
    }

    /// Forgets the statements of the transaction that failed.
    fn rewind(&mut self) {
        self.statements.truncate(self.open_from);
        self.in_transaction = false;
        self.known = None;
    }

    /// One attempt, cancelled when the stop is asked for or the deadline on the timeline has come.
    async fn attempt(&mut self, line: &mut MigrationSession, deadline: Duration) -> Outcome<()> {
        let (stop, timeline) = (self.ground.around.stop, self.ground.timeline);
        let cancel = line.client().cancel_token();
        let aborted = {
            let scripts = self.scripts(line);
            tokio::pin!(scripts);
            tokio::select! {
                result = &mut scripts => return result,
                () = stop.asked() => {}
                () = tokio::time::sleep(deadline.saturating_sub(timeline.now())) => {}
            }
            // Cancelling can miss: between two statements nothing runs. So it is asked again.
            loop {
                // A cancel request that cannot be delivered means a server that is gone: the session
                // then ends by itself.
                let _ = cancel.cancel_query(tokio_postgres::NoTls).await;
                tokio::select! {
                    result = &mut scripts => break result,
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
        };
        self.aborting = aborted.is_err();
        aborted
    }

    async fn scripts(&mut self, line: &mut MigrationSession) -> Outcome<()> {
        let result = self.remaining(line).await;
        if result.is_err() {
            self.note_release();
            // On a session that is lost there is nothing to undo.
            let _ = line.client().batch_execute("ROLLBACK").await;
        }
        result
    }

    async fn remaining(&mut self, line: &mut MigrationSession) -> Outcome<()> {
        let plan = self.plan;
        for (index, script) in plan.scripts.iter().enumerate().skip(self.place.script) {
            if index != self.place.script {
                self.place = Place {
                    script: index,
                    statement: 0,
                };
            }
            match plan.transaction {
                TransactionMode::File => self.whole(line, script).await?,
                TransactionMode::Statement => self.one_by_one(line, script).await?,
            }
        }
        Ok(())
    }

    /// A file in one transaction.
    async fn whole(
        &mut self,
        line: &mut MigrationSession,
        script: &MigrationScript,
    ) -> Outcome<()> {
        self.begin(line).await?;
        for statement in &script.statements {
            self.observed(line, script, statement).await?;
        }
        self.commit(line).await
    }

    /// Autocommit. A statement that can run in a transaction block gets one of its own, which is the
    /// same to everyone else, so that its facts can be read before it commits.
    async fn one_by_one(
        &mut self,
        line: &mut MigrationSession,
        script: &MigrationScript,
    ) -> Outcome<()> {
        let from = self.place.statement;
        for (index, statement) in script.statements.iter().enumerate().skip(from) {
            if !self.in_transaction {
                self.place.statement = index;
                self.open_from = self.statements.len();
            }
            match statement.kind() {
                StatementKind::TransactionStart => {
                    self.execute(line, script, statement).await?;
                    self.in_transaction = true;
                }
                StatementKind::TransactionEnd => {
                    self.execute(line, script, statement).await?;
                    self.transaction_ended();
                }
                StatementKind::Ordinary if !self.in_transaction => {
                    self.begin(line).await?;
                    self.observed(line, script, statement).await?;
                    self.commit(line).await?;
                }
                // What no transaction block can hold is read after it; its locks are left to the sampler.
                kind => {
                    self.observed(line, script, statement).await?;
                    if !self.in_transaction && !kind.is_setting() {
                        self.committed = self.statements.len();
                    }
                }
            }
        }
        Ok(())
    }

    async fn begin(&mut self, line: &MigrationSession) -> Outcome<()> {
        self.open_from = self.statements.len();
        let begun = line.client().batch_execute("BEGIN").await;
        begun.map_err(|error| failure(&error, None))?;
        self.in_transaction = true;
        Ok(())
    }

    async fn commit(&mut self, line: &MigrationSession) -> Outcome<()> {
        let committed = line.client().batch_execute("COMMIT").await;
        // A deferred constraint fails here, and no one statement can be named for it.
        committed.map_err(|error| {
            let failed = failure(&error, None);
            let message = format!("at COMMIT: {}", failed.message);
            MigrationError { message, ..failed }
        })?;
        self.transaction_ended();
        Ok(())
    }

    /// The open transaction was committed now.
    fn transaction_ended(&mut self) {
        self.note_release();
        self.in_transaction = false;
        self.known = None;
        self.open_from = self.statements.len();
        self.committed = self.open_from;
    }

    /// The locks of the open transaction are released now: by its end, or by the error that it met.
    fn note_release(&mut self) {
        let now = self.ground.timeline.now();
        for statement in self.statements.iter_mut().skip(self.open_from) {
            for lock in &mut statement.locks {
                lock.held = Some(now.saturating_sub(statement.start));
            }
        }
    }

    /// A statement with its facts, read before the transaction block ends, if there is one.
    async fn observed(
        &mut self,
        line: &mut MigrationSession,
        script: &MigrationScript,
        statement: &SqlStatement,
    ) -> Outcome<()> {
        let before = match self.known.take() {
            Some(known) => known,
            None => line.snapshot().await?,
        };
        self.execute(line, script, statement).await?;
        self.note_facts(line, before).await
    }

    async fn execute(
        &mut self,
        line: &mut MigrationSession,
        script: &MigrationScript,
        statement: &SqlStatement,
    ) -> Outcome<()> {
        let index = self.statements.len();
        let count = self
            .plan
            .scripts
            .iter()
            .map(|script| script.statements.len())
            .sum();
        self.ground.around.observer.event(Event::Statement {
            index,
            count,
            sql: &statement.text,
        });
        line.messages();
        self.ground.roster.enter(self.pid, index);
        let start = self.ground.timeline.now();
        let result = line.client().batch_execute(&statement.text).await;
        let duration = self.ground.timeline.now().saturating_sub(start);
        self.statements.push(Statement {
            index,
            file: script.file.clone(),
            line: statement.line,
            sql: statement.text.clone(),
            start,
            duration,
            lock_wait: Duration::ZERO,
            wal_bytes: 0,
            size_change: None,
            error: result.as_ref().err().map(server_error),
            locks: Vec::new(),
            rewrites: Vec::new(),
            scans: Vec::new(),
            indexes_built: Vec::new(),
            hazards: self.hazards.get(index).cloned().unwrap_or_default(),
        });
        result.map_err(|error| failure(&error, Some(index)))
    }

    async fn note_facts(
        &mut self,
        line: &mut MigrationSession,
        mut before: FactSnapshot,
    ) -> Outcome<()> {
        let after = match self.in_transaction {
            true => line.locked().await?,
            false => line.snapshot().await?,
        };
        let facts = StatementFacts::between(&before, &after, &line.messages());
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
            statement.wal_bytes = facts.wal_bytes;
            statement.size_change = Some(facts.size_change);
        }
        if self.in_transaction {
            before.update(after);
            self.known = Some(before);
        }
        Ok(())
    }
}
