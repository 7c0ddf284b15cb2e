//! What the lock sampler has seen so far: lock waits, what sessions did, how busy the machine was.

use std::collections::BTreeMap;
use std::time::Duration;

use super::processors;
use super::watch::Watch;
use crate::observe::Busy;
use crate::observe::activity::{ActivityTracker, Doing};
use crate::observe::processors::ProcessorReading;
use crate::observe::waits::{TrackedLocks, WaitTracker};

/// Time between two readings of the processors, whose counters tick every 10 ms.
const PROCESSORS_EVERY: Duration = Duration::from_millis(250);

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) locks: WaitTracker,
    activity: ActivityTracker,
    /// The names of sessions that are neither the traffic's nor the migration's, as last seen.
    pub(super) strangers: BTreeMap<i32, String>,
    processors: Vec<ProcessorReading>,
}

impl Seen {
    /// Reads the processors, if it is time to.
    pub(super) fn look_at_processors(&mut self, at: Duration) {
        let due = self
            .processors
            .last()
            .map(|last| last.at + PROCESSORS_EVERY);
        if due.is_none_or(|due| due <= at) {
            self.processors.extend(processors::read(at));
        }
    }

    /// Takes in what sessions do.
    pub(super) fn observe_activity(&mut self, watch: &Watch, doings: Vec<Doing>) {
        let at = watch.timeline.now();
        let migration = watch.roster.migration().map(|(pid, _)| pid);
        self.strangers.clear();
        let mut known = Vec::new();
        for mut doing in doings {
            if migration == Some(doing.pid) {
                known.push((Busy::Migration, doing));
            } else if watch.registry.lookup(doing.pid).is_some() {
                known.push((Busy::Traffic, doing));
            } else if let Some(name) = doing.name.take() {
                // The tool's own sessions are called after what they do.
                let name = name.strip_prefix("pgrehearse ").unwrap_or(&name);
                self.strangers.insert(doing.pid, name.to_owned());
            }
        }
        let phase = watch.timeline.phase_at(at);
        self.activity.observe((at, phase), known.into_iter());
    }

    /// All that was seen; times in it are since `zero` on the timeline where the tracked locks' are.
    pub(super) fn finish(self, zero: Duration) -> TrackedLocks {
        TrackedLocks {
            activity: self.activity.finish(),
            processors: self.processors,
            ..self.locks.finish(zero)
        }
    }
}
