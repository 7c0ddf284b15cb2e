//! The same thing happening to one instance after the other, seen as one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use crate::observe::errors::named;
use crate::observe::{FleetEvent, FleetEventKind};

use super::wording::{moment, thousands};

/// Instances to which the same happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wave {
    /// One event of it: what happened.
    kind: FleetEventKind,
    /// Whether the same had happened to these instances before.
    again: bool,
    instances: BTreeSet<u32>,
    times: u64,
    /// Errors and how often each was met.
    errors: BTreeMap<String, u64>,
    /// When it began.
    pub(super) first: Duration,
    /// When it reached the last of them.
    last: Duration,
}

/// Less than this apart is at once.
const APART: Duration = Duration::from_millis(100);

/// Groups events, which are in order, into waves: of each kind one of what happened to every instance
/// first, and one of all that happened again.
pub(super) fn waves(events: &[FleetEvent]) -> Vec<Wave> {
    let mut met: HashSet<(Discriminant<FleetEventKind>, u32)> = HashSet::new();
    let mut waves: Vec<Wave> = Vec::new();
    for event in events.iter().filter(|event| begins(&event.kind)) {
        let kind = discriminant(&event.kind);
        let again = !met.insert((kind, event.instance));
        let same = |wave: &&mut Wave| discriminant(&wave.kind) == kind && wave.again == again;
        match waves.iter_mut().find(same) {
            Some(wave) => wave.add(event),
            None => waves.push(Wave::of(event, again)),
        }
    }
    waves
}

/// A health check that goes on failing is one event.
fn begins(kind: &FleetEventKind) -> bool {
    !matches!(kind, FleetEventKind::HealthCheckFailed { in_a_row, .. } if *in_a_row > 1)
}

impl Wave {
    fn of(event: &FleetEvent, again: bool) -> Self {
        let mut wave = Self {
            kind: event.kind.clone(),
            again,
            instances: BTreeSet::new(),
            times: 0,
            errors: BTreeMap::new(),
            first: event.at,
            last: event.at,
        };
        wave.add(event);
        wave
    }

    fn add(&mut self, event: &FleetEvent) {
        self.instances.insert(event.instance);
        self.times += 1;
        self.last = event.at;
        if let Some(error) = error(&event.kind) {
            *self.errors.entry(error.to_owned()).or_default() += 1;
        }
    }

    /// Whether this is the first time that it happened to these instances.
    pub(super) fn is_first_of(&self, kind: &FleetEventKind) -> bool {
        !self.again && discriminant(&self.kind) == discriminant(kind)
    }

    /// What happened, and to how many of so many instances: `restarted: 4 of 4 instances, by 27.3 s`.
    pub(super) fn told(&self, instances: u32) -> String {
        let what = what(&self.kind);
        let noun = if instances == 1 {
            "instance"
        } else {
            "instances"
        };
        let who = format!("{} of {instances} {noun}", self.instances.len());
        let lasted = self.last.saturating_sub(self.first) >= APART;
        let mut text = match self.again {
            true if self.times == 1 => format!("{what} again: once, {who}"),
            true => format!("{what} again: {} times, {who}", thousands(self.times)),
            false => format!("{what}: {who}"),
        };
        if lasted {
            let word = if self.again { "until" } else { "by" };
            text += &format!(", {word} {}", moment(self.last));
        }
        text + &self.causes()
    }

    /// The two most frequent errors: ` (57014 query_canceled, acquire_timeout)`.
    fn causes(&self) -> String {
        let mut errors: Vec<(&String, &u64)> = self.errors.iter().collect();
        errors.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        let errors: Vec<String> = errors
            .iter()
            .take(2)
            .map(|(error, _)| named(error))
            .collect();
        match errors.is_empty() {
            true => String::new(),
            false => format!(" ({})", errors.join(", ")),
        }
    }
}

fn what(kind: &FleetEventKind) -> &'static str {
    match kind {
        FleetEventKind::PoolExhausted { .. } => "pools drained",
        FleetEventKind::PoolRecovered => "pools have connections to give",
        FleetEventKind::HealthCheckFailed { .. } => "health checks fail",
        FleetEventKind::Restarted => "restarted",
        FleetEventKind::Returned => "back",
        FleetEventKind::ConnectionLost { .. } => "connections lost",
        FleetEventKind::ConnectFailed { .. } => "cannot connect",
        FleetEventKind::Reconnected => "all connections open",
        FleetEventKind::Released => "the next release runs",
    }
}

fn error(kind: &FleetEventKind) -> Option<&str> {
    match kind {
        FleetEventKind::HealthCheckFailed { error, .. }
        | FleetEventKind::ConnectionLost { error }
        | FleetEventKind::ConnectFailed { error } => Some(error),
        _ => None,
    }
}
