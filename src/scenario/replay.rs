//! A server's log as the traffic.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sql::{LeftOut, LoggedTraffic};
use crate::units::seconds;

/// The sessions of a server's log, sent again and again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplayLoad {
    /// The log as the scenario names it.
    pub log: String,
    /// The database whose statements these are.
    pub database: String,
    /// How many times faster than it was.
    pub speed: f64,
    /// Whether it begins again when it has ended.
    pub repeat: bool,
    /// How long it takes once, at that speed.
    #[serde(with = "seconds")]
    pub length: Duration,
    /// Sessions that have a transaction to send.
    pub sessions: usize,
    /// The most of them that were open at a time.
    pub peak_sessions: u32,
    /// Transactions in the whole log.
    pub logged_transactions: u64,
    /// Their statements, without those that begin and end a transaction.
    pub statements: u64,
    /// Of these, the share that names values of production, by a literal or a parameter: keys in them may
    /// have no row in the shadow.
    pub with_values: f64,
    /// Statements of the log that are not sent.
    pub left_out: Vec<LeftOut>,
    /// What to send; a load read back from a report has none.
    #[serde(skip)]
    pub traffic: Arc<LoggedTraffic>,
}

impl ReplayLoad {
    /// The load of a log that has been read.
    pub fn new(log: &str, speed: f64, traffic: LoggedTraffic) -> Self {
        Self {
            log: log.to_owned(),
            database: traffic.database.clone(),
            speed,
            repeat: true,
            length: traffic.length,
            sessions: traffic.sessions.len(),
            peak_sessions: u32::try_from(traffic.peak_sessions()).unwrap_or(u32::MAX),
            logged_transactions: traffic.transactions(),
            statements: traffic.statements,
            with_values: traffic.with_values as f64 / traffic.statements.max(1) as f64,
            left_out: traffic.left_out.clone(),
            traffic: Arc::new(traffic),
        }
    }

    /// What a person must know of what is sent.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.with_values > 0.0 {
            notes.push(format!(
                "{:.0} % of the statements of {} name values of the database `{}` as it was: where the \
                 shadow has no such rows they find, change and lock nothing",
                self.with_values * 100.0,
                self.log,
                self.database
            ));
        }
        if !self.left_out.is_empty() {
            let left: Vec<String> = self
                .left_out
                .iter()
                .map(|left| format!("{} {}", left.statements, left.what))
                .collect();
            notes.push(format!(
                "statements of {} that are not sent: {}",
                self.log,
                left.join("; ")
            ));
        }
        notes
    }
}
