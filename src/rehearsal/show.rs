//! The phases of a pass as they pass, with the live state told meanwhile.

use std::time::Duration;

use super::events::Event;
use super::loaded::Surroundings;
use super::sampler::Sampler;
use crate::observe::PhaseName;
use crate::traffic::{Fleet, Timeline};

/// How often the live state is told.
const LIVE_EVERY: Duration = Duration::from_millis(250);

/// What the live state is read from.
pub(super) struct Show<'a> {
    pub(super) around: Surroundings<'a>,
    pub(super) fleet: &'a Fleet,
    /// None where nobody looks at locks.
    pub(super) sampler: Option<&'a Sampler>,
    pub(super) timeline: &'a Timeline,
}

impl Show<'_> {
    /// Begins a phase and lets it last so long; false if the stop came.
    pub(super) async fn phase(&self, name: PhaseName, length: Duration) -> bool {
        self.timeline.begin(name);
        self.around.observer.event(Event::Phase(name, Some(length)));
        tokio::select! {
            went = self.around.stop.sleep(length) => went,
            () = self.live() => false,
            () = self.died() => false,
        }
    }

    /// Begins a phase and lets it last until the traffic has made its last request; false if the stop came.
    pub(super) async fn to_the_last(&self, name: PhaseName) -> bool {
        self.timeline.begin(name);
        self.around.observer.event(Event::Phase(name, None));
        tokio::select! {
            () = self.fleet.finished() => true,
            () = self.around.stop.asked() => false,
            () = self.live() => false,
            () = self.died() => false,
        }
    }

    /// Tells the live state for ever.
    pub(super) async fn live(&self) {
        loop {
            tokio::time::sleep(LIVE_EVERY).await;
            let traffic = self.fleet.live();
            self.around.observer.event(Event::Live {
                traffic: &traffic,
                waiters: self.sampler.map_or(0, Sampler::waiters),
            });
        }
    }

    /// Returns when a worker of the traffic has died: waiting out the phase would tell nothing more.
    async fn died(&self) {
        while self.fleet.is_alive() {
            tokio::time::sleep(LIVE_EVERY).await;
        }
    }
}
