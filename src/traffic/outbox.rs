//! What a worker sends requests with, and the requests that are under way.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

use super::balancer::Balancer;
use super::gauges::AtWork;
use super::ledger::Ledger;
use super::servants::Servants;
use super::timeline::Timeline;

/// What a worker sends requests with.
pub(super) struct Outbox {
    /// The worker's own instances.
    pub(super) balancer: Rc<Balancer>,
    pub(super) ledger: Rc<Ledger>,
    pub(super) timeline: Arc<Timeline>,
    /// The tasks that serve requests, and those that ended since the last look.
    pub(super) requests: JoinSet<()>,
    /// Who of them serves the requests of an open loop.
    pub(super) servants: Servants,
    /// Until all requests of a load that has a last one are made, or in the hands of its clients.
    pub(super) work: Option<AtWork>,
}

impl Outbox {
    /// Forgets the tasks that have ended.
    pub(super) fn reap(&mut self) {
        while let Some(ended) = self.requests.try_join_next() {
            pass_on_panic(ended);
        }
    }

    /// Waits for a task to panic, which goes on here, and forgets the tasks that end meanwhile. Never
    /// returns.
    pub(super) async fn broken(&mut self) {
        while let Some(ended) = self.requests.join_next().await {
            pass_on_panic(ended);
        }
        std::future::pending().await
    }

    /// Waits until all tasks have ended, at most until `deadline`; the rest is cut off.
    pub(super) async fn drain(&mut self, deadline: Instant) {
        self.servants.dismiss();
        let ended = async {
            while let Some(ended) = self.requests.join_next().await {
                pass_on_panic(ended);
            }
        };
        // Past the deadline or not: what is left is cut off and records itself as unfinished.
        let _ = tokio::time::timeout_at(deadline.into(), ended).await;
        self.requests.shutdown().await;
    }

    /// A moment as a time since the timeline's origin.
    pub(super) fn since_origin(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.timeline.instant(Duration::ZERO))
    }
}

/// A request that panicked must not look like one that ended.
pub(super) fn pass_on_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}
