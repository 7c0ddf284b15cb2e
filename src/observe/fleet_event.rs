//! What happened to the application's instances: the chain from a lock to a fleet that is down.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::seconds;

/// Something that happened to one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetEvent {
    /// When, since the timeline's origin while recorded, since the baseline began in reports; what was
    /// before the baseline is not reported.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// Its number, from 0.
    pub instance: u32,
    /// What.
    #[serde(flatten)]
    pub kind: FleetEventKind,
}

/// What can happen to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum FleetEventKind {
    /// All its connections are taken, and a request has waited for one until it gave up.
    PoolExhausted {
        /// Requests that wait for a connection at this moment.
        waiting: u64,
    },
    /// A request got a connection again, and no other gave up while it waited.
    PoolRecovered,
    /// Its health check failed.
    HealthCheckFailed {
        /// The SQLSTATE or kind of the error.
        error: String,
        /// Failures in a row, this one included.
        in_a_row: u32,
    },
    /// The platform ended it: its connections are closed, its requests lost.
    Restarted,
    /// It is back and opens its connections, all at once.
    Returned,
    /// The server closed one of its connections, the first since all were open.
    ConnectionLost {
        /// The SQLSTATE or kind of the error.
        error: String,
    },
    /// A connection could not be opened, the first time since one could be.
    ConnectFailed {
        /// The SQLSTATE or kind of the error.
        error: String,
    },
    /// All its connections are open again.
    Reconnected,
    /// It runs the next release from now on.
    Released,
}
