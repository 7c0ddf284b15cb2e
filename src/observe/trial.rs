//! What is tried beside the plain rehearsal: an end of the migration in its midst, and the way back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{MigrationError, MigrationOutcome};
use crate::units::{optional_seconds, seconds};

/// An end of the migration on purpose, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Abort {
    /// When it was to be ended, as asked for: `3.00 s`, `50 % of its time`, `statement 2`.
    pub after: String,
    /// How: `cancel`, `terminate`, `kill-server`.
    pub by: String,
    /// When it was, since the baseline began; none where the migration was over by then.
    #[serde(with = "optional_seconds")]
    pub asked: Option<Duration>,
    /// The statement that ran then, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// From then until the migration's session had ended: it may have to roll back.
    #[serde(with = "optional_seconds")]
    pub took: Option<Duration>,
    /// How long the server took no connections, where it was killed.
    #[serde(default, with = "optional_seconds")]
    pub server_down: Option<Duration>,
    /// From then until the traffic was as in the baseline again; none if it never was.
    #[serde(default, with = "optional_seconds")]
    pub traffic_back: Option<Duration>,
    /// Tables that are larger than before for what was rolled back: dead rows until a VACUUM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grown: Vec<GrownTable>,
    /// The same migration once more, on what was left; none where nothing was to be mended.
    pub second_run: Option<SecondRun>,
}

/// A table and how much larger it is than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrownTable {
    /// Its name, schema-qualified.
    pub relation: String,
    /// Bytes more, indexes and TOAST included.
    pub bytes: u64,
}

/// The same migration once more, on what an abort left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecondRun {
    /// How it ended.
    pub outcome: MigrationOutcome,
    /// The error that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MigrationError>,
    /// How long it took, on an idle server.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// What is not as after a migration that ran through, a sentence each.
    #[serde(default)]
    pub left: Vec<String>,
}

impl SecondRun {
    /// Whether all is as if the first run had come to its end.
    pub fn mended(&self) -> bool {
        self.outcome == MigrationOutcome::Applied && self.left.is_empty()
    }
}

/// The way back, tried on an idle database: the migration, then `down`, and all compared with before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// Whether schema and rows are as before.
    pub identical: bool,
    /// Why it could not be tried to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why schema and rows could not be compared; that is not the way back's doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncompared: Option<String>,
    /// Why the migration itself failed, half of it applied: then that is what the way back began from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_half: Option<String>,
    /// What the schema has after up and down other than before, a line each.
    pub schema_diff: Vec<String>,
    /// Those of the lines that the old release would miss: what is gone, and what is another than before.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Every table that was there before or is after.
    pub tables: Vec<RestoredTable>,
    /// How long the migration took, idle.
    #[serde(default, with = "seconds")]
    pub up: Duration,
    /// How long the way back took, idle.
    #[serde(default, with = "seconds")]
    pub down: Duration,
    /// Why the migration cannot be applied again after the way back; none where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

/// A table before the migration and after the way back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredTable {
    /// Its name, schema-qualified.
    pub name: String,
    /// Rows before; none where it was not there.
    pub rows_before: Option<u64>,
    /// Rows after; none where it is not there.
    pub rows_after: Option<u64>,
    /// Whether the values of all columns are the same.
    pub checksum_equal: bool,
    /// The columns whose values are others, and those that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

impl RestoredTable {
    /// Whether its rows are as before.
    pub fn is_same(&self) -> bool {
        self.checksum_equal && self.rows_before == self.rows_after
    }
}
