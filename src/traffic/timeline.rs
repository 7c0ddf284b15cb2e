//! The clock that all parts of a pass share, and the boundaries of its phases.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::observe::PhaseName;
use crate::scenario::release::Marks;

/// The clock of a pass: monotonic time since its origin, when each phase began, and what else is known of
/// its migration.
#[derive(Debug)]
pub struct Timeline {
    origin: Instant,
    warmup: Mark,
    baseline: Mark,
    migration: Mark,
    recovery: Mark,
    planned: Mark,
    started: Mark,
    applied: Mark,
    marked: Notify,
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
            planned: Mark::default(),
            started: Mark::default(),
            applied: Mark::default(),
            marked: Notify::new(),
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

    /// Says when the migration is to start by the plan, since the origin; the first word counts.
    pub fn plan_migration(&self, at: Duration) {
        self.planned.set(at);
        self.marked.notify_waiters();
    }

    /// Marks that the migration starts, now, and gives the time; the first word counts. Its phase may have
    /// begun before: with a release that comes first.
    pub fn migration_started(&self) -> Duration {
        let started = self.started.set(self.now());
        self.marked.notify_waiters();
        started
    }

    /// Marks that the migration has been applied, now, and gives the time; the first word counts.
    pub fn migration_applied(&self) -> Duration {
        let applied = self.applied.set(self.now());
        self.marked.notify_waiters();
        applied
    }

    /// What is known of the migration so far.
    pub fn marks(&self) -> Marks {
        Marks {
            planned: self.planned.get(),
            started: self.started.get(),
            applied: self.applied.get(),
        }
    }

    /// Comes when more is known than when this was called.
    pub(super) fn marked(&self) -> Notified<'_> {
        self.marked.notified()
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

    #[test]
    fn what_is_known_of_the_migration_grows() {
        let timeline = Timeline::new();
        assert_eq!(timeline.marks(), Marks::default());
        let planned = Some(Duration::from_secs(13));
        timeline.plan_migration(Duration::from_secs(13));
        timeline.plan_migration(Duration::from_secs(14));
        timeline.begin(PhaseName::Migration);
        assert_eq!(timeline.marks().started, None);
        let started = Some(timeline.migration_started());
        let applied = Some(timeline.migration_applied());
        timeline.migration_applied();
        let known = Marks {
            planned,
            started,
            applied,
        };
        assert_eq!(timeline.marks(), known);
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_every_mark() {
        let timeline = Timeline::new();
        let marks: [&dyn Fn(); 3] = [
            &|| timeline.plan_migration(Duration::ZERO),
            &|| _ = timeline.migration_started(),
            &|| _ = timeline.migration_applied(),
        ];
        for mark in marks {
            let marked = timeline.marked();
            mark();
            marked.await;
        }
    }
}
