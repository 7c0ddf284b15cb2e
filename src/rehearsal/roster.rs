//! Which backend is the migration's and which statement it is in, for the lock sampler's thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// The migration's place, shared between its runner and the lock sampler.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// The backend's pid in the upper half, the statement's index in the lower; 0 is none.
    migration: AtomicU64,
}

impl Roster {
    /// The migration's backend begins this statement.
    pub(super) fn enter(&self, pid: i32, statement: usize) {
        let statement = u32::try_from(statement).unwrap_or(u32::MAX);
        let packed = u64::from(pid.cast_unsigned()) << 32 | u64::from(statement);
        self.migration.store(packed, Ordering::Release);
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
    }
}
