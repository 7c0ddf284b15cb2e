//! Which backend runs which transaction, readable from any thread at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The traffic's sessions by their backend's process id. Writers store one word, readers load some:
/// nobody waits.
#[derive(Debug)]
pub struct Registry {
    /// A process id in the upper half; below it 0 for an idle session, else the transaction plus 1.
    /// A whole word of 0 is no session.
    slots: Box<[AtomicU64]>,
}

/// What one of the traffic's sessions does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// The transaction that it is in, as an index into the plan's; none when it is idle.
    pub transaction: Option<usize>,
}

impl Registry {
    pub(super) fn new(sessions: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: (0..sessions).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// What the session with this backend does now; none if it is not one of the traffic's.
    pub fn lookup(&self, pid: i32) -> Option<Activity> {
        if pid <= 0 {
            return None;
        }
        let wanted = u64::from(pid.unsigned_abs());
        self.slots
            .iter()
            .map(|slot| slot.load(Ordering::Acquire))
            .find(|word| word >> 32 == wanted)
            .map(|word| Activity {
                transaction: ((word & u64::from(u32::MAX)) as usize).checked_sub(1),
            })
    }

    /// The backends of all sessions that are open.
    pub fn pids(&self) -> Vec<i32> {
        self.slots
            .iter()
            .map(|slot| slot.load(Ordering::Acquire) >> 32)
            .filter(|&pid| pid != 0)
            .filter_map(|pid| i32::try_from(pid).ok())
            .collect()
    }
}

/// The place of one connection in the registry; it passes on to the connection that replaces it.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    registry: Arc<Registry>,
    index: usize,
}

impl Seat {
    pub(super) fn new(registry: &Arc<Registry>, index: usize) -> Self {
        Self {
            registry: Arc::clone(registry),
            index,
        }
    }

    /// An idle session takes the place.
    pub(super) fn take(&self, pid: i32) -> Occupant {
        let occupant = Occupant {
            seat: self.clone(),
            pid,
        };
        occupant.enter(None);
        occupant
    }

    fn store(&self, word: u64) {
        if let Some(slot) = self.registry.slots.get(self.index) {
            slot.store(word, Ordering::Release);
        }
    }
}

/// A session in its place, which it leaves when dropped.
#[derive(Debug)]
pub(super) struct Occupant {
    seat: Seat,
    pid: i32,
}

impl Occupant {
    /// The session is in a transaction now, or idle.
    pub(super) fn enter(&self, transaction: Option<usize>) {
        let transaction = transaction.map_or(0, |index| index as u64 + 1);
        let pid = u64::from(self.pid.unsigned_abs());
        self.seat
            .store((pid << 32) | (transaction & u64::from(u32::MAX)));
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        self.seat.store(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_by_their_backend() {
        let registry = Registry::new(3);
        let seat = Seat::new(&registry, 1);
        assert_eq!(registry.lookup(4711), None);
        let session = seat.take(4711);
        assert_eq!(registry.lookup(4711), Some(Activity { transaction: None }));
        session.enter(Some(0));
        assert_eq!(
            registry.lookup(4711),
            Some(Activity {
                transaction: Some(0)
            })
        );
        assert_eq!(registry.pids(), [4711]);
        drop(session);
        assert_eq!(registry.lookup(4711), None);
        assert_eq!(registry.lookup(0), None);
    }
}
