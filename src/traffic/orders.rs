//! What the fleet tells its workers: when to start and when to stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::timeline::Timeline;

/// The orders so far. Both are kept, so that a worker that was busy misses none.
#[derive(Debug, Clone, Default)]
pub(super) struct Bulletin {
    pub(super) start: Option<Start>,
    pub(super) stop: Option<Stop>,
}

/// Begin to send.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) timeline: Arc<Timeline>,
    /// When the traffic starts, since the timeline's origin.
    pub(super) at: Duration,
}

/// Send nothing that is due after `cutoff`, and cut off what has not ended by `drained`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) cutoff: Instant,
    pub(super) drained: Instant,
}

/// A worker's view of the orders.
pub(super) struct Orders(pub(super) watch::Receiver<Bulletin>);

impl Orders {
    /// Waits for the order to start; none if the fleet was dropped or stopped before.
    pub(super) async fn start(&mut self) -> Option<Start> {
        loop {
            let Bulletin { start, stop } = self.0.borrow_and_update().clone();
            if start.is_some() || stop.is_some() {
                return start;
            }
            self.0.changed().await.ok()?;
        }
    }

    /// The order to stop, if it was given.
    pub(super) fn stop(&mut self) -> Option<Stop> {
        self.0.borrow_and_update().stop
    }

    /// Waits for news. False if there can be no more, because the fleet was dropped.
    pub(super) async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }

    /// Waits until the fleet is dropped.
    pub(super) async fn dropped(&mut self) {
        while self.changed().await {}
    }
}
