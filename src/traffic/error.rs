//! Why traffic could not be sent.

use super::wire::ConnectError;
use crate::pgbench::ScriptError;
use crate::postgres::limits::ConnectionLimits;

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
    #[error("cannot open the traffic's connections: {0}")]
    Connect(#[from] ConnectError),
    /// The server has not enough connections for the application, or for the sessions of a log.
    #[error(
        "the traffic needs {needed} connections at once, and the server refused one: {message}{}. \
         Raise the server's max_connections (a scenario's [shadow.settings]), or let fewer send: `instances` × `pool_size` \
         in [application], --clients",
        limits.map(|limits| format!(" ({limits})")).unwrap_or_default()
    )]
    TooManyConnections {
        /// Instances × pool_size, or the most sessions of a log at a time.
        needed: u64,
        /// What the server said.
        message: String,
        /// The server's own limits; none if it could not be asked.
        limits: Option<ConnectionLimits>,
    },
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
    /// The server did not tell what its columns need.
    #[error("cannot read the catalog: {0}")]
    Catalog(#[from] tokio_postgres::Error),
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
            Self::NoTransactions
            | Self::NoConnections
            | Self::Script(_)
            | Self::TooManyConnections { .. }
            | Self::Prepare { .. } => true,
            Self::Connect(_) | Self::Catalog(_) | Self::Spawn(_) | Self::WorkerDied(_) => false,
        }
    }
}
