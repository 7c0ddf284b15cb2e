//! What the migration did, statement by statement.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{OwedWait, RowChange};
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
    /// What each attempt came to, where there were several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Attempt>,
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

/// One of several attempts, and what it cost the traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Start, since the baseline began.
    #[serde(with = "seconds")]
    pub start: Duration,
    /// End; the wait before the next one is not in it.
    #[serde(with = "seconds")]
    pub end: Duration,
    /// The error that it met; none of the one that came to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MigrationError>,
    /// Waits of the application behind it that began before the next attempt.
    #[serde(default)]
    pub waits: u64,
    /// The longest of them.
    #[serde(default, with = "seconds")]
    pub longest_wait: Duration,
    /// All of them summed: request-seconds.
    #[serde(default, with = "seconds")]
    pub total_wait: Duration,
}

impl Migration {
    /// Its statement of this index, from 0; none where the last attempt did not come to it.
    pub fn statement(&self, index: usize) -> Option<&Statement> {
        let mut statements = self.statements.iter();
        statements.find(|statement| statement.index == index)
    }
}

impl Attempt {
    /// Puts down what each attempt cost: the waits that began from its start on and before the next one's. Their times
    /// are on the timeline, those of the attempts since `zero` on it.
    pub fn charge(attempts: &mut [Self], waits: &[OwedWait], zero: Duration) {
        for wait in waits {
            let begun = |attempt: &&mut Self| zero + attempt.start <= wait.start;
            // A wait may seem to begin a moment before the attempt that it is owed to.
            let index = attempts.iter_mut().filter(begun).count().saturating_sub(1);
            if let Some(attempt) = attempts.get_mut(index) {
                attempt.waits += 1;
                attempt.longest_wait = attempt.longest_wait.max(wait.length);
                attempt.total_wait += wait.length;
            }
        }
    }
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// The session's `lock_timeout` while it ran; zero is none.
    #[serde(default, with = "seconds")]
    pub lock_timeout: Duration,
    /// WAL that the whole server wrote while it ran, the traffic's included; none where it was not read: of a statement
    /// that failed, and of a setting.
    pub wal_bytes: Option<u64>,
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
    /// Rows that it changed; empty where that could not be seen, as of code that commits by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowChange>,
    /// Whether it ran outside a transaction block, so that it could commit by itself.
    #[serde(default)]
    pub outside_transaction: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_is_charged_with_the_waits_that_began_in_it_or_the_pause_behind_it() {
        let secs = Duration::from_secs;
        let attempt = |start| Attempt {
            start: secs(start),
            end: secs(start + 1),
            error: None,
            waits: 0,
            longest_wait: Duration::ZERO,
            total_wait: Duration::ZERO,
        };
        let wait = |start, length| OwedWait {
            start: secs(100) + Duration::from_millis(start),
            length: secs(length),
        };
        let mut attempts = [attempt(10), attempt(15)];
        let waits = [
            wait(9_990, 1),
            wait(10_500, 2),
            wait(14_999, 3),
            wait(15_000, 4),
        ];
        Attempt::charge(&mut attempts, &waits, secs(100));
        let told =
            attempts.map(|attempt| (attempt.waits, attempt.longest_wait, attempt.total_wait));
        assert_eq!(told, [(3, secs(3), secs(6)), (1, secs(4), secs(4))]);
    }
}
