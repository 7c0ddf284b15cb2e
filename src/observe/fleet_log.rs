//! What the workers of the traffic record of the application's instances.

use std::time::Duration;

use super::{FleetEvent, FleetEventKind};

/// Fleet events that one worker keeps: an instance that restarts every few seconds for a whole day
/// makes fewer. The goings and comings of instances, which are counted, are kept beyond.
const EVENTS_KEPT: usize = 10_000;

/// The events of one worker, or of all when merged. Times are since the timeline's origin.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct FleetLog {
    events: Vec<FleetEvent>,
}

impl FleetLog {
    /// Keeps an event, if it is one that is counted or there are not too many.
    pub(super) fn keep(&mut self, event: FleetEvent) {
        let counted = matches!(
            event.kind,
            FleetEventKind::Restarted | FleetEventKind::Returned
        );
        if counted || self.events.len() < EVENTS_KEPT {
            self.events.push(event);
        }
    }

    /// The events from `zero` on, in order, with times since then.
    pub(super) fn since(&self, zero: Duration) -> Vec<FleetEvent> {
        let later = self.events.iter().filter_map(|event| {
            Some(FleetEvent {
                at: event.at.checked_sub(zero)?,
                ..event.clone()
            })
        });
        let mut events: Vec<FleetEvent> = later.collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Restarts of instances within `[from, to)`.
    pub(super) fn restarts(&self, from: Duration, to: Duration) -> u32 {
        let restarts = self.events.iter().filter(|event| {
            (from..to).contains(&event.at) && event.kind == FleetEventKind::Restarted
        });
        u32::try_from(restarts.count()).unwrap_or(u32::MAX)
    }

    /// Adds another worker's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.events.extend_from_slice(&other.events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_counted_however_much_else_happened() {
        let mut log = FleetLog::default();
        let happens = |kind| FleetEvent {
            at: Duration::from_secs(1),
            instance: 0,
            kind,
        };
        for _ in 0..2 * EVENTS_KEPT {
            log.keep(happens(FleetEventKind::PoolRecovered));
        }
        log.keep(happens(FleetEventKind::Restarted));
        log.keep(happens(FleetEventKind::Returned));
        assert_eq!(log.events.len(), EVENTS_KEPT + 2);
        assert_eq!(log.restarts(Duration::ZERO, Duration::MAX), 1);
    }
}
