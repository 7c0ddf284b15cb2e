//! The clock that all parts of a pass share, and the boundaries of its phases.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::observe::PhaseName;

/// The clock of a pass: monotonic time since its origin, and when each phase began.
#[derive(Debug)]
pub struct Timeline {
    origin: Instant,
    warmup: Mark,
    baseline: Mark,
    migration: Mark,
    recovery: Mark,
}

impl Timeline {
    /// A clock that starts now. The warm-up begins with it.
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
            warmup: Mark(AtomicU64::new(0)),
            baseline: Mark::default(),
            migration: Mark::default(),
            recovery: Mark::default(),
        }
    }

    /// Time since the origin.
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// A time since the origin as an instant of the system's clock.
    pub fn instant(&self, at: Duration) -> Instant {
        self.origin + at
    }

    /// Marks the beginning of a phase and gives its time. A phase begins once: a second call changes
    /// nothing and gives the first time.
    pub fn begin(&self, phase: PhaseName) -> Duration {
        self.mark(phase).set(self.now())
    }

    /// When a phase began; none if it has not.
    pub fn start_of(&self, phase: PhaseName) -> Option<Duration> {
        self.mark(phase).get()
    }

    /// The phase that a moment belongs to, as far as phases have begun.
    pub fn phase_at(&self, at: Duration) -> PhaseName {
        [
            PhaseName::Recovery,
            PhaseName::Migration,
            PhaseName::Baseline,
        ]
        .into_iter()
        .find(|&phase| self.start_of(phase).is_some_and(|start| start <= at))
        .unwrap_or(PhaseName::Warmup)
    }

    fn mark(&self, phase: PhaseName) -> &Mark {
        match phase {
            PhaseName::Warmup => &self.warmup,
            PhaseName::Baseline => &self.baseline,
            PhaseName::Migration => &self.migration,
            PhaseName::Recovery => &self.recovery,
        }
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

/// A time in nanoseconds that is set once.
#[derive(Debug)]
struct Mark(AtomicU64);

const UNSET: u64 = u64::MAX;

impl Default for Mark {
    fn default() -> Self {
        Self(AtomicU64::new(UNSET))
    }
}

impl Mark {
    fn set(&self, at: Duration) -> Duration {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(UNSET - 1);
        match self
            .0
            .compare_exchange(UNSET, nanos, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => Duration::from_nanos(nanos),
            Err(first) => Duration::from_nanos(first),
        }
    }

    fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Acquire) {
            UNSET => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_belong_to_the_phase_that_had_begun() {
        let timeline = Timeline::new();
        assert_eq!(timeline.start_of(PhaseName::Warmup), Some(Duration::ZERO));
        assert_eq!(timeline.start_of(PhaseName::Baseline), None);
        assert_eq!(timeline.phase_at(timeline.now()), PhaseName::Warmup);
        let baseline = timeline.begin(PhaseName::Baseline);
        let migration = timeline.begin(PhaseName::Migration);
        assert_eq!(timeline.start_of(PhaseName::Baseline), Some(baseline));
        assert_eq!(timeline.phase_at(migration), PhaseName::Migration);
        let before = baseline.saturating_sub(Duration::from_nanos(1));
        assert_eq!(timeline.phase_at(before), PhaseName::Warmup);
    }

    #[test]
    fn a_phase_begins_once() {
        let timeline = Timeline::new();
        let first = timeline.begin(PhaseName::Recovery);
        assert_eq!(timeline.begin(PhaseName::Recovery), first);
    }
}
