//! What a disturbance did.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::optional_seconds;

/// One disturbance of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disturbance {
    /// As the scenario calls it (`long-transaction`).
    pub kind: String,
    /// The table that it was about; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// When it began, since the baseline began; none if the pass ended before.
    #[serde(with = "optional_seconds")]
    pub start: Option<Duration>,
    /// When it ended.
    #[serde(with = "optional_seconds")]
    pub end: Option<Duration>,
    /// Its backend's process id.
    pub pid: i32,
    /// Why it ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
