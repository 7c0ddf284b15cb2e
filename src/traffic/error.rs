//! Why traffic could not be sent.

use crate::pgbench::ScriptError;

/// Why traffic could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// No transaction has a weight.
    #[error("the traffic has no transaction with a weight above 0: add a [[traffic.transactions]]")]
    NoTransactions,
    /// No connection could ever be had.
    #[error("the application needs at least one instance with at least one connection")]
    NoConnections,
    /// A script does not fit the schema or the fill.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The server refused a connection or could not be reached.
    #[error("cannot open the traffic's connections: {}", describe(.0))]
    Connect(#[source] tokio_postgres::Error),
    /// A statement of the traffic is not valid on this schema.
    #[error(
        "transaction `{transaction}`, {file}:{line}:{column}: the server cannot prepare this statement: {message}{}",
        sqlstate.as_ref().map(|code| format!(" (SQLSTATE {code})")).unwrap_or_default()
    )]
    Prepare {
        /// The transaction's name in the scenario.
        transaction: String,
        /// The script's file, or the transaction's name where it stands inline.
        file: String,
        /// Where the statement begins, from 1.
        line: usize,
        /// Where the statement begins, from 1.
        column: usize,
        /// The server's code; none if it did not answer.
        sqlstate: Option<String>,
        /// The server's message.
        message: String,
    },
    /// The system refused a thread, a timer or an event queue.
    #[error("cannot start a traffic worker: {0}")]
    Spawn(#[from] std::io::Error),
    /// A worker ended by itself; what it recorded is lost.
    #[error("a traffic worker died, which is a bug in this program: {0}")]
    WorkerDied(String),
}

impl TrafficError {
    /// Whether the scenario is to be mended, and not the machine.
    pub fn is_the_scenarios(&self) -> bool {
        match self {
            Self::NoTransactions | Self::NoConnections | Self::Script(_) | Self::Prepare { .. } => {
                true
            }
            Self::Connect(_) | Self::Spawn(_) | Self::WorkerDied(_) => false,
        }
    }
}

/// An error of the client library with the server's own message, which its `Display` leaves out.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => format!("{} (SQLSTATE {})", answer.message(), answer.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
