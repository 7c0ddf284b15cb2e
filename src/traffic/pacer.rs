//! Hands arrivals to the application when they are due: none earlier, none never.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::agenda::{Agenda, Entry};
use super::ledger::Ledger;
use super::mix::Mix;
use super::orders::{Orders, Stop};
use super::pool::Pool;
use super::request::serve;
use super::timeline::Timeline;
use super::timer::Timer;

/// One worker's requests.
pub(super) struct Pacer {
    pub(super) mix: Arc<Mix>,
    /// The pools of the worker's own instances.
    pub(super) pools: Vec<Rc<Pool>>,
    pub(super) ledger: Rc<Ledger>,
    pub(super) timeline: Arc<Timeline>,
    /// The requests under way, and those that ended since the last look.
    pub(super) requests: JoinSet<()>,
}

impl Pacer {
    /// Hands over every arrival when it is due, until told to stop: everything due up to the stop is
    /// handed over, nothing after it. None if the fleet was dropped.
    pub(super) async fn run(
        &mut self,
        mut agenda: Agenda,
        orders: &mut Orders,
    ) -> io::Result<Option<Stop>> {
        let mut timer = Timer::new()?;
        loop {
            let stop = orders.stop();
            let moment = match &stop {
                Some(stop) => self.since_origin(stop.cutoff),
                None => self.timeline.now(),
            };
            self.dispatch(&mut agenda, moment);
            if stop.is_some() {
                return Ok(stop);
            }
            let changed = match agenda.next_due() {
                // Behind, even after all that: the requests must get their turn too.
                Some(due) if due <= self.timeline.now() => {
                    tokio::task::yield_now().await;
                    true
                }
                Some(due) => {
                    let deadline = self.timeline.instant(due);
                    tokio::select! {
                        biased;
                        fired = timer.until(deadline) => fired.map(|()| true)?,
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

    /// Waits until all requests have ended, at most until `deadline`; the rest is cut off.
    pub(super) async fn drain(&mut self, deadline: Instant) {
        let ended = async {
            while let Some(ended) = self.requests.join_next().await {
                pass_on_panic(ended);
            }
        };
        // Past the deadline or not: what is left is cut off and records itself as unfinished.
        let _ = tokio::time::timeout_at(deadline.into(), ended).await;
        self.requests.shutdown().await;
    }

    /// Starts a task for everything due at `moment`.
    fn dispatch(&mut self, agenda: &mut Agenda, moment: Duration) {
        while let Some(ended) = self.requests.try_join_next() {
            pass_on_panic(ended);
        }
        while let Some(Entry {
            instance,
            arrival,
            due,
        }) = agenda.take_due(moment)
        {
            let ticket = self.ledger.open(&arrival, due);
            // An agenda names only instances of its own worker.
            let Some(pool) = self.pools.get(instance) else {
                continue;
            };
            let (mix, pool) = (Arc::clone(&self.mix), Rc::clone(pool));
            self.requests.spawn_local(serve(mix, pool, arrival, ticket));
        }
    }

    fn since_origin(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.timeline.instant(Duration::ZERO))
    }
}

/// A request that panicked must not look like one that ended.
fn pass_on_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}
