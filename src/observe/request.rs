//! A request from when it comes due to its end, as its recorder sees it.

use std::time::Duration;

use super::PhaseName;

/// A request that came due and has not ended. [`Recording::ended`](super::Recording::ended) takes it back; one that is never
/// given back stays unfinished, so the accounting balances at every moment.
#[derive(Debug)]
#[must_use = "a request that came due must end"]
pub struct Due {
    pub(super) transaction: usize,
    pub(super) phase: PhaseName,
    pub(super) at: Duration,
}

impl Due {
    /// When it came due.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// Its kind, as an index into the plan's transactions.
    pub fn transaction(&self) -> usize {
        self.transaction
    }
}

/// The end of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How late the generator handed it to the application.
    pub lag: Duration,
    /// When it ended.
    pub at: Duration,
    /// How.
    pub fate: Fate,
    /// How often it was tried again before.
    pub retries: u32,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its transaction succeeded.
    Completed,
    /// An error other than a timeout: its SQLSTATE or kind.
    Failed(String),
    /// Given up for time: `acquire_timeout`, `request_timeout`, or the SQLSTATE of the statement timeout.
    TimedOut(String),
    /// Refused by the application.
    Shed,
    /// Still waiting or running when the measurement ended.
    Unfinished,
}
