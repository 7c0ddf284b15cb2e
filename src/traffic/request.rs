//! One request from its scheduled arrival to its end.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::arrivals::Arrival;
use super::backoff::Backoff;
use super::ledger::Ticket;
use super::memory::Memory;
use super::mix::{Command, Mix};
use super::pool::{Lease, Pool, Refusal};
use super::registry::Doing;
use super::session::{Failure, Session};
use super::site::Site;
use crate::observe::deadlock::DEADLOCK_DETECTED;
use crate::observe::{Fate, Said};
use crate::pgbench::{Run, ScriptError, Step};
use crate::scenario::plan::ApplicationPlan;

/// The longest pause before a request is tried again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Serves one request of an instance: waits for a connection of its pool, runs the script, tries again
/// where the application does, records what became of it. No pool: no instance was up. Says whether it
/// completed. `memory` is that of who makes it.
pub(super) async fn serve(
    pool: Option<Rc<Pool>>,
    (arrival, mut ticket): (Arrival, Ticket),
    memory: &mut Memory,
) -> bool {
    ticket.handed_over();
    let Some(pool) = pool else {
        ticket.end(failed("instance_down"));
        return false;
    };
    let timeout = pool.site().application.request_timeout;
    let deadline = match timeout.is_zero() {
        true => None,
        false => ticket.deadline(timeout),
    };
    let Some(run) = memory.begin(&pool.site().mix, &arrival) else {
        ticket.end(failed("script"));
        return false;
    };
    let mut request = Request {
        pool: &pool,
        arrival,
        run,
        deadline,
        tries: 0,
        backoff: None,
        ticket,
    };
    let cut_off = tokio::select! {
        biased;
        in_time = request.within_deadline() => match in_time {
            true => return request.ticket.is_completed(),
            false => Fate::TimedOut("request_timeout".to_owned()),
        },
        () = pool.ended() => failed("instance_restarted"),
    };
    request.ticket.end(cut_off);
    false
}

/// A request at an instance.
struct Request<'a> {
    pool: &'a Rc<Pool>,
    arrival: Arrival,
    run: &'a mut Run,
    /// When it is given up.
    deadline: Option<Instant>,
    /// Tries after the first.
    tries: u32,
    backoff: Option<Box<Backoff>>,
    ticket: Ticket,
}

impl Request<'_> {
    /// Serves the request; false if its deadline came first.
    async fn within_deadline(&mut self) -> bool {
        match self.deadline {
            None => self.attempts().await,
            Some(deadline) => {
                let attempts = tokio::time::timeout_at(deadline.into(), self.attempts());
                return attempts.await.is_ok();
            }
        }
        true
    }

    /// Tries until the request has ended.
    async fn attempts(&mut self) {
        while !self.attempt().await {
            self.tries += 1;
            self.ticket.retried();
            let pause = self.pause();
            let alarm = &self.pool.site().ledger.alarm;
            alarm.sleep_until(Instant::now() + pause).await;
            self.run.again();
        }
    }

    /// Tries once; false if another try is to follow.
    async fn attempt(&mut self) -> bool {
        let mut lease = match self.acquire().await {
            Ok(lease) => lease,
            Err(fate) => return self.settle(fate, None),
        };
        let Some(session) = lease.session() else {
            return true;
        };
        session.enter(Doing::Transaction(self.arrival.transaction));
        // The user has the answer before the connection is tidied up.
        let kind = self.arrival.transaction;
        match execute(self.pool.site(), session, (kind, &mut *self.run)).await {
            Ok(()) => {
                self.ticket.end(Fate::Completed);
                lease.give_back();
                true
            }
            Err(failure) => {
                let settled = self.settle(failure.fate.clone(), Some(&failure.said));
                // In a box, so that requests that wait need no room for it.
                Box::pin(lease.tidy_up(&failure)).await;
                settled
            }
        }
    }

    async fn acquire(&self) -> Result<Lease, Fate> {
        let patience = self.application().acquire_timeout;
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
            .filter(|left| *left < patience);
        let lease = self.pool.acquire(left.unwrap_or(patience)).await;
        lease.map_err(|refusal| match (refusal, left) {
            (Refusal::Full, _) => Fate::Shed,
            (Refusal::GaveUp, None) => Fate::TimedOut("acquire_timeout".to_owned()),
            (Refusal::GaveUp, Some(_)) => Fate::TimedOut("request_timeout".to_owned()),
            (Refusal::Ended, _) => failed("instance_restarted"),
        })
    }

    /// Ends the request unless it is to be tried again, and tells whether it has ended. `said` is what the
    /// server or the script said of a failure.
    fn settle(&mut self, fate: Fate, said: Option<&Said>) -> bool {
        if let (Fate::Failed(kind), Some(said)) = (&fate, said)
            && kind == DEADLOCK_DETECTED
        {
            self.ticket.deadlocked(&said.message);
        }
        let again = self.tries < self.application().retries
            && match &fate {
                Fate::Failed(kind) | Fate::TimedOut(kind) => {
                    self.application().retry_on.contains(kind)
                }
                Fate::Completed | Fate::Shed | Fate::Unfinished => false,
            };
        match said {
            _ if again => {}
            Some(said) => self.ticket.fail(fate, said.clone()),
            None => self.ticket.end(fate),
        }
        !again
    }

    fn pause(&mut self) -> Duration {
        let first = self.application().retry_backoff;
        let seed = self.arrival.seed;
        let backoff = self
            .backoff
            .get_or_insert_with(|| Box::new(Backoff::new(first, LONGEST_BACKOFF.max(first), seed)));
        backoff.pause()
    }

    fn application(&self) -> &ApplicationPlan {
        &self.pool.site().application
    }
}

impl Lease {
    /// Gives back what a failure left, if it is of use.
    pub(super) async fn tidy_up(mut self, failure: &Failure) {
        if failure.usable
            && let Some(session) = self.session()
            && session.roll_back().await
        {
            return self.give_back();
        }
        match &failure.fate {
            Fate::Failed(kind) if !failure.usable => {
                self.discard(failure.sqlstate.as_ref().unwrap_or(kind));
            }
            _ => self.discard("connection_lost"),
        }
    }
}

/// Executes a run of the script at a place of the mix.
pub(super) async fn execute(
    site: &Site,
    session: &mut Session,
    (place, run): (usize, &mut Run),
) -> Result<(), Failure> {
    let mix = &site.mix;
    loop {
        match run.step(mix.keys.as_ref()) {
            Ok(Step::Sql {
                statement,
                parameters,
            }) => {
                let command = mix
                    .command((place, statement))
                    .ok_or_else(|| script_failure("script", Said::default()))?;
                let sent = session.execute(command, &parameters, mix.protocol).await;
                sent.map_err(|failure| failure.of(mix, command))?;
                if command.sql.capture.is_some() {
                    run.store(statement, session.results())
                        .map_err(|error| script_failure("script", at(&error)))?;
                }
            }
            Ok(Step::Pipeline(command)) => session.pipeline(command).await?,
            Ok(Step::Sleep(pause)) => {
                let alarm = &site.ledger.alarm;
                alarm.sleep_until(Instant::now() + pause).await;
            }
            // Its locks would stay with the connection while others use it.
            Ok(Step::Done) if session.in_block() => {
                let said = Said {
                    place: mix.transaction(place).map(|kind| kind.file.clone()),
                    message: "the script ends within a transaction: COMMIT or ROLLBACK is missing"
                        .to_owned(),
                };
                return Err(script_failure("transaction_left_open", said));
            }
            Ok(Step::Done) => return Ok(()),
            Err(error) => return Err(script_failure("script", at(&error))),
        }
    }
}

fn failed(kind: &str) -> Fate {
    Fate::Failed(kind.to_owned())
}

fn script_failure(kind: &str, said: Said) -> Failure {
    Failure {
        fate: failed(kind),
        usable: true,
        sqlstate: None,
        said,
    }
}

/// What a script says against itself.
fn at(error: &ScriptError) -> Said {
    let ScriptError {
        file,
        line,
        column,
        message,
    } = error;
    Said {
        place: Some(format!("{file}:{line}:{column}")),
        message: message.clone(),
    }
}

impl Failure {
    /// The failure with the place of the statement that failed.
    fn of(mut self, mix: &Mix, command: Command<'_>) -> Self {
        let transaction = mix.transaction(command.place.0);
        let file = transaction.map_or("", |transaction| &transaction.file);
        let (line, column) = (command.sql.line, command.sql.column);
        self.said.place = Some(format!("{file}:{line}:{column}"));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, F>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_that_waits_takes_little() {
        type Made = (Option<Rc<Pool>>, (Arrival, Ticket), &'static mut Memory);
        // Hundreds of thousands may wait where a server cannot keep up.
        let size = size(|(pool, request, memory): Made| serve(pool, request, memory));
        assert!(size <= 2_304, "{size} bytes");
    }
}
