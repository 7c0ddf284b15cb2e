//! Where every scheduled request went.

use serde::{Deserialize, Serialize};

/// The fate of every request that was due: `scheduled` is the sum of all the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// Requests that came due.
    pub scheduled: u64,
    /// Requests whose transaction succeeded.
    pub completed: u64,
    /// Requests that ended in an error other than a timeout.
    pub failed: u64,
    /// Requests given up for time: no free connection within the acquire timeout, or cancelled by
    /// the statement timeout.
    pub timed_out: u64,
    /// Requests refused by the application because its queue was full.
    pub shed: u64,
    /// Requests still waiting or running when the measurement ended.
    pub unfinished: u64,
    /// Of all these, requests that were tried more than once. Not a fate of its own: each also has one.
    #[serde(default)]
    pub retried: u64,
    /// How often requests were tried again, all together.
    #[serde(default)]
    pub retries: u64,
}

impl Accounting {
    /// Whether the identity `scheduled = completed + failed + timed_out + shed + unfinished` holds.
    pub fn balances(&self) -> bool {
        let Self {
            scheduled,
            completed,
            failed,
            timed_out,
            shed,
            unfinished,
            retried: _,
            retries: _,
        } = *self;
        scheduled == completed + failed + timed_out + shed + unfinished
    }

    /// Requests that were due and did not complete.
    pub fn lost(&self) -> u64 {
        self.scheduled - self.completed.min(self.scheduled)
    }

    /// The share of the scheduled requests that did not complete; none where none was due.
    pub fn error_rate(&self) -> Option<f64> {
        (self.scheduled > 0).then(|| self.lost() as f64 / self.scheduled as f64)
    }

    /// Adds another count to this one.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            scheduled,
            completed,
            failed,
            timed_out,
            shed,
            unfinished,
            retried,
            retries,
        } = *other;
        self.scheduled += scheduled;
        self.completed += completed;
        self.failed += failed;
        self.timed_out += timed_out;
        self.shed += shed;
        self.unfinished += unfinished;
        self.retried += retried;
        self.retries += retries;
    }
}
