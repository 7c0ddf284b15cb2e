//! Which of the application's instances were up when, as their events tell.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{FleetEvent, FleetEventKind};

/// How many instances were up, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendance {
    /// Instances up before the first change.
    first: u32,
    /// Moments in order, and how many are up from then on.
    changes: Vec<(Duration, u32)>,
}

impl Attendance {
    /// Of so many instances, with what happened to them, in order. One whose first word is that it
    /// returned was away from the beginning.
    pub fn of(instances: u32, events: &[FleetEvent]) -> Self {
        let mut away: BTreeMap<u32, bool> = BTreeMap::new();
        for event in events {
            if let Some(turn) = turn(event) {
                away.entry(event.instance).or_insert(turn == Turn::Came);
            }
        }
        let first = up(instances, &away);
        let mut changes = Vec::new();
        for event in events {
            if let Some(turn) = turn(event) {
                away.insert(event.instance, turn == Turn::Went);
                changes.push((event.at, up(instances, &away)));
            }
        }
        Self { first, changes }
    }

    /// The fewest that were up at one moment of `[from, to)`.
    pub fn fewest(&self, from: Duration, to: Duration) -> u32 {
        self.spans(from, to)
            .map(|(_, up)| up)
            .min()
            .unwrap_or(self.first)
    }

    /// How long in `[from, to)` not one was up.
    pub fn none_up(&self, from: Duration, to: Duration) -> Duration {
        self.spans(from, to)
            .filter(|(_, up)| *up == 0)
            .map(|(length, _)| length)
            .sum()
    }

    /// The parts of `[from, to)` between changes: how long, and how many were up.
    fn spans(&self, from: Duration, to: Duration) -> impl Iterator<Item = (Duration, u32)> {
        let starts =
            std::iter::once((Duration::ZERO, self.first)).chain(self.changes.iter().copied());
        let ends = self.changes.iter().map(|(at, _)| *at);
        starts
            .zip(ends.chain([Duration::MAX]))
            .map(move |((start, up), end)| (end.min(to).saturating_sub(start.max(from)), up))
            .filter(|(length, _)| !length.is_zero())
    }
}

/// An instance's going and coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Went,
    Came,
}

fn turn(event: &FleetEvent) -> Option<Turn> {
    match event.kind {
        FleetEventKind::Restarted => Some(Turn::Went),
        FleetEventKind::Returned => Some(Turn::Came),
        _ => None,
    }
}

fn up(instances: u32, away: &BTreeMap<u32, bool>) -> u32 {
    let away = away.values().filter(|away| **away).count();
    instances.saturating_sub(u32::try_from(away).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn event(at: u64, instance: u32, kind: FleetEventKind) -> FleetEvent {
        FleetEvent {
            at: secs(at),
            instance,
            kind,
        }
    }

    #[test]
    fn all_are_up_where_nothing_happened() {
        let quiet = Attendance::of(4, &[]);
        assert_eq!(quiet.fewest(secs(0), secs(60)), 4);
        assert_eq!(quiet.none_up(secs(0), secs(60)), secs(0));
    }

    #[test]
    fn instances_that_are_away_together_leave_nobody() {
        let events = [
            event(10, 0, FleetEventKind::Restarted),
            event(12, 1, FleetEventKind::Restarted),
            event(30, 0, FleetEventKind::Returned),
            event(32, 1, FleetEventKind::Returned),
        ];
        let both = Attendance::of(2, &events);
        assert_eq!(both.fewest(secs(9), secs(10)), 2);
        assert_eq!(both.fewest(secs(10), secs(12)), 1);
        assert_eq!(both.fewest(secs(11), secs(13)), 0);
        assert_eq!(both.none_up(secs(0), secs(60)), secs(18));
        assert_eq!(both.none_up(secs(20), secs(25)), secs(5));
    }

    #[test]
    fn one_that_only_returns_was_away_from_the_beginning() {
        let events = [event(5, 0, FleetEventKind::Returned)];
        let late = Attendance::of(1, &events);
        assert_eq!(late.none_up(secs(0), secs(60)), secs(5));
        assert_eq!(late.fewest(secs(5), secs(60)), 1);
    }

    proptest! {
        #[test]
        fn there_are_never_more_up_than_there_are(
            turns in prop::collection::vec((0..100u64, 0..4u32, any::<bool>()), 0..30),
        ) {
            let mut events: Vec<FleetEvent> = turns
                .into_iter()
                .map(|(at, instance, went)| match went {
                    true => event(at, instance, FleetEventKind::Restarted),
                    false => event(at, instance, FleetEventKind::Returned),
                })
                .collect();
            events.sort_by_key(|event| event.at);
            let attendance = Attendance::of(4, &events);
            prop_assert!(attendance.changes.iter().all(|(_, up)| *up <= 4));
            let whole = attendance.none_up(secs(0), secs(100));
            let halves = attendance.none_up(secs(0), secs(37)) + attendance.none_up(secs(37), secs(100));
            prop_assert_eq!(whole, halves);
        }
    }
}
