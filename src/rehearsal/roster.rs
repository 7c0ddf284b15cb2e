//! Which backends are the migration's and the disturbances', for the lock sampler's thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::starvation::waited;
use crate::scenario::plan::DisturbanceKind;

/// The migration's place, and the disturbances, shared between those who run them and the lock sampler.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// The backend's pid in the upper half, the statement's index in the lower; 0 is none.
    migration: AtomicU64,
    disturbances: RwLock<BTreeMap<i32, DisturbanceKind>>,
    starved: Mutex<Starved>,
}

/// For how long each statement had no processor.
#[derive(Debug, Default)]
struct Starved {
    /// The backend's time without one when the statement that runs began.
    before: Option<Duration>,
    statements: BTreeMap<usize, Duration>,
}

impl Roster {
    /// A disturbance has this backend from now on.
    pub(super) fn disturbed_by(&self, pid: i32, kind: DisturbanceKind) {
        let disturbances = self.disturbances.write();
        let mut disturbances = disturbances.unwrap_or_else(PoisonError::into_inner);
        disturbances.insert(pid, kind);
    }

    /// What disturbance a backend is; none if it is none.
    pub(super) fn disturbance(&self, pid: i32) -> Option<DisturbanceKind> {
        let disturbances = self.disturbances.read();
        let disturbances = disturbances.unwrap_or_else(PoisonError::into_inner);
        disturbances.get(&pid).copied()
    }

    /// The migration's backend begins this statement.
    pub(super) fn enter(&self, pid: i32, statement: usize) {
        let statement = u32::try_from(statement).unwrap_or(u32::MAX);
        let packed = u64::from(pid.cast_unsigned()) << 32 | u64::from(statement);
        self.migration.store(packed, Ordering::Release);
        self.lock().before = waited(pid);
    }

    /// The backend has ended its statement, whichever way.
    pub(super) fn rest(&self) {
        let Some((pid, statement)) = self.migration() else {
            return;
        };
        let mut starved = self.lock();
        let before = starved.before.take();
        if let Some((before, after)) = before.zip(waited(pid)) {
            let longer = after.saturating_sub(before);
            starved.statements.insert(statement, longer);
        }
    }

    /// For how long each statement's backend was ready to run and had no processor, as far as the system says.
    pub(super) fn starved(&self) -> BTreeMap<usize, Duration> {
        self.lock().statements.clone()
    }

    /// Nothing that holds it can panic half way.
    fn lock(&self) -> MutexGuard<'_, Starved> {
        self.starved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The migration's session is over.
    pub(super) fn leave(&self) {
        self.migration.store(0, Ordering::Release);
    }

    /// The migration's backend and statement.
    pub(super) fn migration(&self) -> Option<(i32, usize)> {
        let packed = self.migration.load(Ordering::Acquire);
        let pid = u32::try_from(packed >> 32).unwrap_or(0).cast_signed();
        let statement = usize::try_from(packed & u64::from(u32::MAX)).unwrap_or(usize::MAX);
        (pid != 0).then_some((pid, statement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_reads_back_as_written() {
        let roster = Roster::default();
        assert_eq!(roster.migration(), None);
        roster.enter(4_194_303, 17);
        assert_eq!(roster.migration(), Some((4_194_303, 17)));
        roster.leave();
        assert_eq!(roster.migration(), None);
        roster.disturbed_by(7, DisturbanceKind::Dump);
        assert_eq!(roster.disturbance(7), Some(DisturbanceKind::Dump));
        assert_eq!(roster.disturbance(8), None);
    }
}
