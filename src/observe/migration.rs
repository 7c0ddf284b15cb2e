//! What the migration did, statement by statement.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sql::Hazard;
use crate::units::{optional_seconds, seconds};

/// The migration of a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// The file, as the scenario names it.
    pub file: String,
    /// How it ended.
    pub outcome: MigrationOutcome,
    /// Attempts made, the last included.
    pub attempts: u32,
    /// Start, since the baseline began (since the start of the check).
    #[serde(with = "seconds")]
    pub start: Duration,
    /// End of the last attempt.
    #[serde(with = "seconds")]
    pub end: Duration,
    /// The error that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<MigrationError>,
    /// How many of the statements, from the first on, were committed.
    #[serde(default)]
    pub committed: usize,
    /// The statements of the last attempt that began, in order.
    pub statements: Vec<Statement>,
}

/// How a migration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationOutcome {
    /// Every statement succeeded and was committed.
    Applied,
    /// A statement or the commit failed.
    Failed,
    /// The tool stopped it.
    Aborted,
}

/// The error that ended a migration, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationError {
    /// SQLSTATE; none if the server did not answer (connection lost).
    pub sqlstate: Option<String>,
    /// The message, as the server said it.
    pub message: String,
    /// The statement's index, from 0; none if it was not one statement's doing (COMMIT, connect).
    pub statement: Option<usize>,
}

/// An error as PostgreSQL reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerError {
    /// SQLSTATE; none if the server did not answer.
    pub sqlstate: Option<String>,
    /// The message.
    pub message: String,
}

/// One statement of the migration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Its place in the migration, from 0.
    pub index: usize,
    /// The file that it stands in.
    pub file: String,
    /// The line where it begins, from 1.
    pub line: usize,
    /// Its text.
    pub sql: String,
    /// Start, since the baseline began.
    #[serde(with = "seconds")]
    pub start: Duration,
    /// How long it ran.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// How long it waited for locks, by the sampler.
    #[serde(with = "seconds")]
    pub lock_wait: Duration,
    /// WAL that the whole server wrote while it ran, the traffic's included.
    pub wal_bytes: u64,
    /// Change of the size of the relations that it locked, in bytes; none where it was not read.
    pub size_change: Option<i64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ServerError>,
    /// Locks on relations that it newly took.
    pub locks: Vec<HeldLock>,
    /// Relations whose file it replaced.
    pub rewrites: Vec<String>,
    /// Relations that it read from end to end.
    pub scans: Vec<String>,
    /// Indexes that it built.
    pub indexes_built: Vec<String>,
    /// What is dangerous in it by its text.
    pub hazards: Vec<Hazard>,
}

/// A lock of the migration on a relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldLock {
    /// Schema-qualified name.
    pub relation: String,
    /// As `pg_locks.mode` (`AccessExclusiveLock`).
    pub mode: String,
    /// From when it was got to the end of its transaction; none if that was not seen.
    #[serde(with = "optional_seconds")]
    pub held: Option<Duration>,
}
