//! One request from its scheduled arrival to its end.

use std::rc::Rc;
use std::sync::Arc;

use super::arrivals::Arrival;
use super::ledger::Ticket;
use super::mix::Mix;
use super::pool::Pool;
use super::session::{Failure, Session};
use crate::observe::Fate;
use crate::pgbench::{Run, Step};

/// Serves one request: waits for a connection, runs the script, records what became of it.
pub(super) async fn serve(mix: Arc<Mix>, pool: Rc<Pool>, arrival: Arrival, ticket: Ticket) {
    ticket.handed_over();
    let Some(mut lease) = pool.acquire().await else {
        return ticket.end(Fate::TimedOut("acquire_timeout".to_owned()));
    };
    let Some(session) = lease.session() else {
        return;
    };
    session.enter(Some(arrival.transaction));
    // The user has the answer before the connection is tidied up.
    match run(&mix, session, &arrival).await {
        Ok(()) => {
            ticket.end(Fate::Completed);
            lease.give_back();
        }
        Err(Failure { fate, usable }) => {
            ticket.end(fate);
            if usable && session.roll_back().await {
                lease.give_back();
            } else {
                lease.discard();
            }
        }
    }
}

/// Runs the script of a request. Its `\sleep` is precise to a millisecond.
async fn run(mix: &Mix, session: &mut Session, arrival: &Arrival) -> Result<(), Failure> {
    let Some(transaction) = mix.transactions.get(arrival.transaction) else {
        return Err(script_failure("script"));
    };
    let program = Arc::clone(&transaction.program);
    let mut run = Run::new(program, arrival.seed, arrival.serial);
    loop {
        match run.step(mix.keys.as_ref()) {
            Ok(Step::Sql {
                statement,
                parameters,
            }) => {
                let command = mix
                    .command((arrival.transaction, statement))
                    .ok_or_else(|| script_failure("script"))?;
                session.execute(command, &parameters, mix.protocol).await?;
            }
            Ok(Step::Sleep(pause)) => tokio::time::sleep(pause).await,
            // Its locks would stay with the connection while others use it.
            Ok(Step::Done) if session.in_block() => {
                return Err(script_failure("transaction_left_open"));
            }
            Ok(Step::Done) => return Ok(()),
            Err(_) => return Err(script_failure("script")),
        }
    }
}

fn script_failure(kind: &str) -> Failure {
    Failure {
        fate: Fate::Failed(kind.to_owned()),
        usable: true,
    }
}
