//! Which backend runs which transaction, readable from any thread at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The traffic's sessions by their backend's process id. Writers store one word, readers load some:
/// nobody waits.
#[derive(Debug)]
pub struct Registry {
    /// A process id in the upper half, what it does in the lower. A whole word of 0 is no session.
    slots: Box<[AtomicU64]>,
    /// Slots that nobody has. Needed where connections open and close, never while they work.
    free: Mutex<Vec<usize>>,
}

/// What one of the traffic's sessions does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// The transaction that it is in, as an index into the plan's; none when it is idle or checks.
    pub transaction: Option<usize>,
    /// Whether it runs its instance's health check.
    pub health_check: bool,
}

/// What a session is used for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Nothing.
    Idle,
    /// A transaction, by its index in the plan.
    Transaction(usize),
    /// The health check of its instance.
    HealthCheck,
}

impl Doing {
    /// The lower half of a word.
    fn encode(self) -> u64 {
        match self {
            Self::Idle => 0,
            Self::HealthCheck => 1,
            Self::Transaction(index) => (index as u64 + 2) & u64::from(u32::MAX),
        }
    }

    fn decode(word: u64) -> Self {
        match word & u64::from(u32::MAX) {
            0 => Self::Idle,
            1 => Self::HealthCheck,
            index => Self::Transaction((index - 2) as usize),
        }
    }
}

impl Registry {
    /// A registry of at most so many sessions; those beyond go unseen.
    pub(super) fn new(sessions: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: (0..sessions).map(|_| AtomicU64::new(0)).collect(),
            free: Mutex::new((0..sessions).rev().collect()),
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
            .map(|word| {
                let doing = Doing::decode(word);
                Activity {
                    transaction: match doing {
                        Doing::Transaction(index) => Some(index),
                        Doing::Idle | Doing::HealthCheck => None,
                    },
                    health_check: doing == Doing::HealthCheck,
                }
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

    /// A place for one more session.
    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        Seat {
            registry: Arc::clone(self),
            index: free.pop(),
        }
    }
}

/// The place of one session in the registry. It is free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    registry: Arc<Registry>,
    /// None where the registry was full.
    index: Option<usize>,
}

impl Seat {
    /// An idle session takes the place.
    pub(super) fn take(self, pid: i32) -> Occupant {
        // A backend that ended unnoticed may have had the same id.
        let own = u64::from(pid.unsigned_abs());
        for slot in &self.registry.slots {
            let word = slot.load(Ordering::Acquire);
            if word >> 32 == own {
                // Whoever changed it meanwhile is another session by now.
                let _ = slot.compare_exchange(word, 0, Ordering::AcqRel, Ordering::Acquire);
            }
        }
        let occupant = Occupant { seat: self, pid };
        occupant.enter(Doing::Idle);
        occupant
    }

    fn store(&self, word: u64) {
        if let Some(slot) = self.index.and_then(|index| self.registry.slots.get(index)) {
            slot.store(word, Ordering::Release);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.store(0);
        let free = self.registry.free.lock();
        let mut free = free.unwrap_or_else(PoisonError::into_inner);
        free.extend(self.index);
    }
}

/// A session in its place, which it leaves when dropped.
#[derive(Debug)]
pub(super) struct Occupant {
    seat: Seat,
    pid: i32,
}

impl Occupant {
    /// The session does this from now on.
    pub(super) fn enter(&self, doing: Doing) {
        let pid = u64::from(self.pid.unsigned_abs());
        self.seat.store((pid << 32) | doing.encode());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Activity = Activity {
        transaction: None,
        health_check: false,
    };

    #[test]
    fn sessions_are_found_by_their_backend() {
        let registry = Registry::new(3);
        assert_eq!(registry.lookup(4711), None);
        let session = registry.seat().take(4711);
        assert_eq!(registry.lookup(4711), Some(IDLE));
        session.enter(Doing::Transaction(0));
        let activity = registry.lookup(4711).unwrap();
        assert_eq!(
            (activity.transaction, activity.health_check),
            (Some(0), false)
        );
        session.enter(Doing::HealthCheck);
        let activity = registry.lookup(4711).unwrap();
        assert_eq!((activity.transaction, activity.health_check), (None, true));
        assert_eq!(registry.pids(), [4711]);
        drop(session);
        assert_eq!(registry.lookup(4711), None);
        assert_eq!(registry.lookup(0), None);
    }

    #[test]
    fn places_are_used_again_and_those_beyond_go_unseen() {
        let registry = Registry::new(2);
        let sessions: Vec<_> = (1..=3).map(|pid| registry.seat().take(pid)).collect();
        let mut seen = registry.pids();
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        drop(sessions);
        let _sessions: Vec<_> = (4..=5).map(|pid| registry.seat().take(pid)).collect();
        assert_eq!(registry.pids().len(), 2);
    }

    #[test]
    fn a_process_id_that_comes_again_is_the_newer_session() {
        let registry = Registry::new(2);
        let old = registry.seat().take(7);
        old.enter(Doing::Transaction(3));
        let _new = registry.seat().take(7);
        assert_eq!(registry.lookup(7), Some(IDLE));
    }
}
