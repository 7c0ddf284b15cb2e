//! The migration's statements, one after the other, on its session.

use std::time::Duration;

use super::events::Event;
use super::ground::Ground;
use super::ledger::Ledger;
use super::migration_session::{MigrationSession, Outcome, failure, server_error};
use crate::observe::{MigrationError, Statement};
use crate::postgres::facts::FactSnapshot;
use crate::scenario::plan::{MigrationPlan, TransactionMode};
use crate::sql::{Hazard, MigrationScript, Session, SqlStatement, StatementKind, script_hazards};

/// A migration that runs.
pub(super) struct Execution<'a> {
    ground: Ground<'a>,
    plan: &'a MigrationPlan,
    /// Of every statement of every file.
    hazards: Vec<Vec<Hazard>>,
    place: Place,
    /// What it did so far.
    pub(super) ledger: Ledger,
}

/// How far the migration has come: a retry begins with the transaction that failed, since what was
/// committed before it cannot be applied twice.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    script: usize,
    statement: usize,
}

impl<'a> Execution<'a> {
    pub(super) fn new(ground: Ground<'a>, plan: &'a MigrationPlan) -> Self {
        let session = Session {
            one_transaction: plan.transaction == TransactionMode::File,
            lock_timeout: !plan.lock_timeout.is_zero(),
        };
        let hazards = plan
            .scripts
            .iter()
            .flat_map(|script| script_hazards(script, session));
        Self {
            ground,
            plan,
            hazards: hazards.collect(),
            place: Place::default(),
            ledger: Ledger::default(),
        }
    }

    /// Runs what is left of it, up to an error, after which nothing is open.
    pub(super) async fn proceed(&mut self, line: &mut MigrationSession) -> Outcome<()> {
        let result = self.remaining(line).await;
        if result.is_err() {
            self.ledger.release(self.ground.timeline.now());
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
            if !self.ledger.in_transaction {
                self.place.statement = index;
                self.ledger.start_here();
            }
            match statement.kind() {
                StatementKind::TransactionStart => {
                    self.execute(line, script, statement).await?;
                    self.ledger.in_transaction = true;
                }
                StatementKind::TransactionEnd => {
                    self.execute(line, script, statement).await?;
                    self.ledger.commit(self.ground.timeline.now());
                }
                StatementKind::Ordinary if !self.ledger.in_transaction => {
                    self.begin(line).await?;
                    self.observed(line, script, statement).await?;
                    self.commit(line).await?;
                }
                // What no transaction block can hold is read after it; its locks are left to the sampler.
                kind => {
                    self.observed(line, script, statement).await?;
                    if !self.ledger.in_transaction && !kind.is_setting() {
                        self.ledger.keep();
                    }
                }
            }
        }
        Ok(())
    }

    async fn begin(&mut self, line: &MigrationSession) -> Outcome<()> {
        let begun = line.client().batch_execute("BEGIN").await;
        begun.map_err(|error| failure(&error, None))?;
        self.ledger.begin();
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
        self.ledger.commit(self.ground.timeline.now());
        Ok(())
    }

    /// A statement with its facts, read before the transaction block ends, if there is one.
    async fn observed(
        &mut self,
        line: &mut MigrationSession,
        script: &MigrationScript,
        statement: &SqlStatement,
    ) -> Outcome<()> {
        if self.ledger.in_transaction && statement.kind().is_setting() {
            // SET TRANSACTION "must be called before any query", the tool's included. A setting has no facts.
            return self.execute(line, script, statement).await;
        }
        let before = match self.ledger.take_known() {
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
        let index = self.ledger.statements.len();
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
        let setting = statement.kind().is_setting();
        let lock_timeout = match self.ledger.take_lock_timeout() {
            Some(known) => known,
            None if self.ledger.in_transaction && setting => Duration::ZERO,
            None => line.lock_timeout().await?,
        };
        line.messages();
        self.ground.roster.enter(line.pid(), index);
        let start = self.ground.timeline.now();
        let result = line.client().batch_execute(&statement.text).await;
        let duration = self.ground.timeline.now().saturating_sub(start);
        self.ground.roster.rest();
        let run = Statement {
            index,
            file: script.file.clone(),
            line: statement.line,
            sql: statement.text.clone(),
            start,
            duration,
            lock_timeout,
            error: result.as_ref().err().map(server_error),
            outside_transaction: !self.ledger.in_transaction,
            hazards: self.hazards.get(index).cloned().unwrap_or_default(),
            // What it did is told by its facts, and how long it waited by the sampler.
            ..Statement::default()
        };
        self.ledger.push(run, setting);
        result.map_err(|error| failure(&error, Some(index)))
    }

    async fn note_facts(
        &mut self,
        line: &mut MigrationSession,
        before: FactSnapshot,
    ) -> Outcome<()> {
        let after = match self.ledger.in_transaction {
            true => line.locked().await?,
            false => line.snapshot().await?,
        };
        self.ledger.note((before, after), &line.messages());
        Ok(())
    }
}
