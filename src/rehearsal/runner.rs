//! Runs the migration on one session: as many attempts as the plan allows, each ended early by the stop, the time
//! limit or an order.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::execution::Execution;
use super::ground::Ground;
use super::migration_session::{MigrationSession, Outcome};
use crate::observe::{Attempt, Migration, MigrationError, MigrationOutcome};
use crate::scenario::plan::MigrationPlan;

/// Runs the migration to its end: applied, failed, or aborted by the stop or by `time_limit`.
/// Never fails: what went wrong is in the result. Times are on the timeline.
pub(super) async fn run(
    ground: Ground<'_>,
    plan: &MigrationPlan,
    time_limit: Duration,
) -> Migration {
    let mut runner = Runner {
        ground,
        plan,
        execution: Execution::new(ground, plan),
        tries: Vec::new(),
        aborting: false,
    };
    let start = ground.timeline.now();
    let result = runner.attempts(start.saturating_add(time_limit)).await;
    let attempts = u32::try_from(runner.tries.len()).unwrap_or(u32::MAX);
    let several = runner.tries.len() > 1;
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
        tries: if several { runner.tries } else { Vec::new() },
        start,
        end: ground.timeline.now(),
        error: result.err(),
        committed: runner.execution.ledger.committed,
        statements: runner.execution.ledger.statements,
    }
}

struct Runner<'a> {
    ground: Ground<'a>,
    plan: &'a MigrationPlan,
    execution: Execution<'a>,
    tries: Vec<Attempt>,
    aborting: bool,
}

impl Runner<'_> {
    /// Attempts it as often as the plan allows, on one session: what was set before the failed
    /// transaction stays set.
    async fn attempts(&mut self, deadline: Duration) -> Outcome<()> {
        let start = self.ground.timeline.now();
        let opened = MigrationSession::open(self.ground.config, self.plan.lock_timeout).await;
        let mut line = match opened {
            Ok(line) => line,
            Err(error) => {
                self.note_attempt(start, &Err(error.clone()));
                return Err(error);
            }
        };
        loop {
            let start = self.ground.timeline.now();
            let result = self.attempt(&mut line, deadline).await;
            self.note_attempt(start, &result);
            let timed_out = |error: &MigrationError| {
                error.sqlstate.as_deref() == Some(SqlState::LOCK_NOT_AVAILABLE.code())
            };
            if !result.as_ref().is_err_and(timed_out)
                || self.aborting
                || self.tries.len() >= usize::try_from(self.plan.attempts).unwrap_or(usize::MAX)
            {
                return result;
            }
            if !self.ground.around.stop.sleep(self.plan.backoff).await {
                // Another attempt would have followed: it did not fail, it was stopped.
                self.aborting = true;
                return result;
            }
            self.execution.ledger.rewind();
        }
    }

    fn note_attempt(&mut self, start: Duration, result: &Outcome<()>) {
        self.tries.push(Attempt {
            start,
            end: self.ground.timeline.now(),
            error: result.as_ref().err().cloned(),
            waits: 0,
            longest_wait: Duration::ZERO,
            total_wait: Duration::ZERO,
        });
    }

    /// One attempt, cancelled when the stop is asked for or the deadline on the timeline has come, or ended
    /// as ordered.
    async fn attempt(&mut self, line: &mut MigrationSession, deadline: Duration) -> Outcome<()> {
        let ground = self.ground;
        let (stop, timeline) = (ground.around.stop, ground.timeline);
        let cancel = line.client().cancel_token();
        let ordered = (line.pid(), &cancel);
        let aborted = {
            let scripts = self.execution.proceed(line);
            tokio::pin!(scripts);
            let abortion = tokio::select! {
                result = &mut scripts => return result,
                () = stop.asked() => None,
                () = tokio::time::sleep(deadline.saturating_sub(timeline.now())) => None,
                abortion = ground.abort_due() => Some(abortion),
            };
            // Cancelling can miss: between two statements nothing runs. So it is asked again.
            loop {
                let strike = async {
                    match abortion {
                        Some(abortion) => abortion.strike(ground.config, ordered).await,
                        // A cancel request that cannot be delivered means a server that is gone: the
                        // session then ends by itself.
                        None => drop(cancel.cancel_query(tokio_postgres::NoTls).await),
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                };
                tokio::pin!(strike);
                tokio::select! {
                    result = &mut scripts => {
                        if let Some(abortion) = abortion {
                            abortion.end(timeline);
                            if abortion.kills_server() {
                                // It is to be there again.
                                strike.await;
                            }
                        }
                        break result;
                    }
                    () = &mut strike => {}
                }
            }
        };
        self.aborting = aborted.is_err();
        aborted
    }
}
