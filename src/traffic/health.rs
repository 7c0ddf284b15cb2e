//! What a container platform does to find out whether an instance is well.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::arrivals::Arrival;
use super::memory::Memory;
use super::pool::{Pool, Refusal};
use super::registry::Doing;
use super::request::execute;
use crate::observe::{Fate, FleetEventKind};
use crate::scenario::plan::HealthCheckPlan;

/// Checks an instance, the first time after `first`, until the checks have failed as often in a row as
/// the plan allows.
pub(super) async fn until_it_fails(pool: &Rc<Pool>, check: &HealthCheckPlan, first: Duration) {
    // The platform gives a check up, the application goes on with it: most do not notice.
    let mut handlers = JoinSet::new();
    let mut next = Instant::now() + first;
    let mut in_a_row = 0;
    loop {
        tokio::time::sleep_until(next).await;
        while handlers.try_join_next().is_some() {}
        let place = Rc::new(Cell::new(Place::Queue));
        let (answer, answered) = tokio::sync::oneshot::channel();
        let handler = handle(Rc::clone(pool), Rc::clone(&place));
        handlers.spawn_local(async move {
            // The platform may have given it up.
            let _ = answer.send(handler.await);
        });
        let result = match tokio::time::timeout(check.timeout, answered).await {
            Ok(result) => result.unwrap_or_else(|_| Err("script".to_owned())),
            Err(_) if place.get() == Place::Queue => {
                pool.gave_up();
                Err(NO_CONNECTION.to_owned())
            }
            Err(_) => Err("health_check_timeout".to_owned()),
        };
        match result {
            Ok(()) => in_a_row = 0,
            Err(error) => {
                in_a_row += 1;
                let failed = FleetEventKind::HealthCheckFailed { error, in_a_row };
                pool.condition().tell(failed);
                if in_a_row >= check.failures {
                    return;
                }
            }
        }
        next = (next + check.every).max(Instant::now());
    }
}

/// What a check that got no connection is told as.
const NO_CONNECTION: &str = "acquire_timeout";

/// Where a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It waits for a connection.
    Queue,
    /// It has had one.
    Server,
}

/// Answers one check as the application does: with a connection of its pool. The error is its
/// SQLSTATE or kind.
async fn handle(pool: Rc<Pool>, place: Rc<Cell<Place>>) -> Result<(), String> {
    let mix = &pool.site().mix;
    let arrival = Arrival {
        serial: 0,
        at: Duration::ZERO,
        transaction: mix.health_check(),
        seed: 0,
    };
    // A plan with a check has its script in the mix.
    let mut memory = Memory::default();
    let Some(run) = memory.begin(mix, &arrival) else {
        return Ok(());
    };
    let patience = pool.site().application.acquire_timeout;
    let lease = pool.acquire(patience).await;
    let mut lease = lease.map_err(|refusal| match refusal {
        Refusal::Full => "queue_full".to_owned(),
        Refusal::GaveUp | Refusal::Ended => NO_CONNECTION.to_owned(),
    })?;
    place.set(Place::Server);
    let Some(session) = lease.session() else {
        return Ok(());
    };
    session.enter(Doing::HealthCheck);
    match execute(pool.site(), session, (arrival.transaction, run)).await {
        Ok(()) => {
            lease.give_back();
            Ok(())
        }
        Err(failure) => {
            let error = match &failure.fate {
                Fate::Failed(kind) | Fate::TimedOut(kind) => kind.clone(),
                Fate::Completed | Fate::Shed | Fate::Unfinished => String::new(),
            };
            lease.tidy_up(&failure).await;
            Err(error)
        }
    }
}
