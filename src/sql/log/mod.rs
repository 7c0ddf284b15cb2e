//! A server's log read back into the sessions and transactions that wrote it, for replay.
//!
//! Read are csvlog (versions 12 to 18) and jsonlog (15 to 18) with English messages, written with
//! `log_statement = 'all'` or `log_min_duration_statement = 0`, or with both. The log knows when a statement
//! began to the millisecond, what it said and its parameters, and, with durations, when it ended. It
//! does not know the rows of `COPY`, parameters that were cut off (`log_parameter_max_length`), and what
//! one message of a pipeline had in common with the next; [`LoggedTraffic::left_out`] lists what is not
//! replayed.

mod csv;
mod entry;
mod error;
mod groups;
mod kinds;
mod message;
mod moment;
mod normal;
mod sessions;
mod statement_text;
mod transcript;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use error::LogError;

/// What to take from a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogOptions<'a> {
    /// The database whose statements are taken, of all its users; none for that with most of them.
    pub database: Option<&'a str>,
    /// How many times faster than it was: all times are divided by it.
    pub speed: f64,
}

/// The traffic of one database, as its server logged it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoggedTraffic {
    /// The database.
    pub database: String,
    /// From the first statement to the end of the last.
    pub length: Duration,
    /// What the transactions are, the most frequent first.
    pub kinds: Vec<LoggedKind>,
    /// Who sent them, in the order of their first transactions.
    pub sessions: Vec<LoggedSession>,
    /// Statements in all transactions, without those that begin and end one.
    pub statements: u64,
    /// Of these, statements with a literal or a parameter: values of the database that was logged.
    pub with_values: u64,
    /// What is not replayed, the most first.
    pub left_out: Vec<LeftOut>,
}

/// Transactions whose statements differ in their values alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedKind {
    /// Its statements in short: `select orders, update orders`.
    pub name: String,
    /// How many transactions of it the log has.
    pub transactions: u64,
}

/// Statements that are not replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The command, or why.
    pub what: String,
    /// How many.
    pub statements: u64,
}

/// One session of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedSession {
    /// When it began, since the first statement; zero if it was there before.
    pub start: Duration,
    /// When it ended; none if the log does not say so.
    pub end: Option<Duration>,
    /// Its transactions, in order.
    pub transactions: Vec<LoggedTransaction>,
}

/// One transaction of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedTransaction {
    /// When it began, since the first statement.
    pub at: Duration,
    /// Index into the kinds.
    pub kind: usize,
    /// What to send. A block that the log leaves open is rolled back.
    pub statements: Vec<LoggedStatement>,
}

/// One statement of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedStatement {
    /// How long the client waited before it sent this.
    pub pause: Pause,
    /// What it sent.
    pub text: Arc<str>,
    /// The values of `$1` and so on in text form, none for NULL, of a statement that came by the extended
    /// protocol. None of a simple query.
    pub parameters: Option<Vec<Option<String>>>,
    /// Whether it was a prepared statement with a name, parsed once and kept by its connection.
    pub kept: bool,
    /// The SQLSTATE with which it failed then. Where it fails so again, the client went on after it.
    pub error: Option<String>,
}

/// A wait before a statement. A log without durations does not know when a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Since the statement before ended.
    AfterEnd(Duration),
    /// Since the statement before began; no wait if that took longer.
    AfterStart(Duration),
}

impl LoggedTraffic {
    /// Reads a log; `file` is what errors call it. All of it is in memory, as are the transactions made of
    /// it, which need about as much again.
    ///
    /// # Errors
    ///
    /// Text that is no csvlog or jsonlog, a change of the time zone in the midst of it, and a log without
    /// a statement of the database.
    pub fn read(file: &str, text: &str, options: LogOptions<'_>) -> Result<Self, LogError> {
        let transcript = transcript::Transcript::read(text).map_err(|fault| fault.of(file))?;
        sessions::traffic(transcript, options).map_err(|message| LogError {
            file: file.to_owned(),
            line: 1,
            message,
        })
    }

    /// The transactions of all sessions.
    pub fn transactions(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.transactions).sum()
    }

    /// The most sessions that were open at a time.
    pub fn peak_sessions(&self) -> usize {
        let mut changes: Vec<(Duration, isize)> = Vec::with_capacity(2 * self.sessions.len());
        for session in &self.sessions {
            changes.push((session.start, 1));
            changes.extend(session.end.map(|end| (end, -1)));
        }
        // At the same moment those that begin come first, so that the peak is never told too low.
        changes.sort_by_key(|&(at, change)| (at, -change));
        let mut open = 0_isize;
        let peak = changes.iter().map(|(_, change)| {
            open += change;
            open
        });
        peak.max().unwrap_or_default().unsigned_abs()
    }
}

#[cfg(test)]
mod tests;
