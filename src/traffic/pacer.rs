//! Hands arrivals to the application when they are due: none earlier, none never.

use std::io;
use std::time::Duration;

use super::agenda::{Agenda, Entry};
use super::arrivals::Arrival;
use super::balancer::Route;
use super::orders::{Orders, Stop};
use super::outbox::Outbox;
use super::servants::Job;

/// Hands over every arrival when it is due, until told to stop: everything due up to the stop is
/// handed over, nothing after it. None if the fleet was dropped.
pub(super) async fn pace(
    outbox: &mut Outbox,
    orders: &mut Orders,
    mut agenda: Agenda,
) -> io::Result<Option<Stop>> {
    loop {
        let stop = orders.stop();
        let moment = match &stop {
            Some(stop) => outbox.since_origin(stop.cutoff),
            None => outbox.timeline.now(),
        };
        dispatch(outbox, &mut agenda, moment);
        if agenda.next_due().is_none() {
            outbox.work = None;
        }
        if stop.is_some() {
            return Ok(stop);
        }
        let changed = match agenda.next_due() {
            // Behind, even after all that: the requests must get their turn too.
            Some(due) if due <= outbox.timeline.now() => {
                tokio::task::yield_now().await;
                true
            }
            Some(due) => {
                let deadline = outbox.timeline.instant(due);
                tokio::select! {
                    biased;
                    woken = outbox.ledger.alarm.until(deadline) => woken.map(|()| true)?,
                    changed = orders.changed() => changed,
                }
            }
            None => orders.changed().await,
        };
        if !changed {
            return Ok(None);
        }
    }
}

/// Hands over everything due at `moment`.
fn dispatch(outbox: &mut Outbox, agenda: &mut Agenda, moment: Duration) {
    outbox.reap();
    while let Some(Entry {
        instance,
        arrival,
        due,
    }) = agenda.take_due(moment)
    {
        let at = (instance, due);
        if !outbox.balancer.admits(at, arrival.transaction) {
            continue;
        }
        let Route { pool, transaction } = outbox.balancer.route(at, arrival.transaction);
        let arrival = Arrival {
            transaction,
            ..arrival
        };
        let ticket = outbox.ledger.open(&arrival, due);
        let job = Job {
            pool,
            arrival,
            ticket,
        };
        outbox.servants.serve(job, &mut outbox.requests);
    }
}
