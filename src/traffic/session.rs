//! One connection of the application, and how its statements are sent.

use std::cell::RefCell;
use std::time::Duration;

use super::mix::Command;
use super::registry::{Doing, Occupant, Seat};
use super::wire::{Canceller, ConnectError, Connection, Error, Statement, Status, Target};
use crate::observe::{Fate, Said};
use crate::pgbench::{Pipeline, ResultSet};
use crate::postgres::endpoint::Endpoint;
use crate::scenario::plan::{ApplicationPlan, Protocol};

/// What the sessions call themselves in `pg_stat_activity`.
const APPLICATION_NAME: &str = "pgrehearse traffic";

/// How long a closing connection may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// Connections that a worker opens at a time before the traffic starts: forking backends for all at once
/// would only make the server slow to answer any.
pub(super) const OPENING: usize = 8;

/// The kind of an error that is the end of the connection.
const CONNECTION_LOST: &str = "connection_lost";

/// The SQLSTATE of a statement that a timeout, or whoever may, has cancelled.
const QUERY_CANCELED: &str = "57014";

/// One open connection.
pub(super) struct Session {
    /// Whether it is closed is asked by whoever holds it, and finding out is reading.
    connection: RefCell<Connection>,
    occupant: Occupant,
}

/// What the server still has of a session whose client is gone: a backend that finds out when it next
/// reads or writes, and not while it waits for a lock.
pub(super) struct Remains {
    canceller: Canceller,
    _occupant: Occupant,
}

impl Remains {
    /// Asks the server to cancel what the backend runs, upon which it ends.
    pub(super) async fn cancel(self) {
        // Nobody is left who could do more than ask.
        let _ = self.canceller.cancel().await;
    }
}

/// Why a request failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fate: Fate,
    /// Whether the session can go on after a rollback.
    pub(super) usable: bool,
    /// The server's code; none where the server said nothing.
    pub(super) sqlstate: Option<String>,
    /// What the server or the script said, and where in the script.
    pub(super) said: Said,
}

impl Session {
    /// Opens a connection.
    ///
    /// # Errors
    /// What the server or the network says.
    pub(super) async fn open(target: &Target, seat: Seat) -> Result<Self, ConnectError> {
        let connection = Connection::open(target).await?;
        let occupant = seat.take(connection.process_id());
        Ok(Self {
            connection: RefCell::new(connection),
            occupant,
        })
    }

    /// Whether the session is of no more use: the server has ended it, or a request was cut off in the
    /// middle of a statement. Costs no system call while nothing has happened.
    pub(super) fn is_closed(&self) -> bool {
        self.connection.borrow_mut().is_closed()
    }

    /// The same as far as is known without looking.
    pub(super) fn is_spent(&self) -> bool {
        self.connection.borrow().is_spent()
    }

    /// The SQLSTATE or kind of what ended the session; none while nothing has.
    pub(super) fn end(&self) -> Option<String> {
        let connection = self.connection.borrow();
        let lost = connection.lost()?;
        let sqlstate = lost.error.as_ref().map(|error| error.sqlstate.clone());
        Some(sqlstate.unwrap_or_else(|| CONNECTION_LOST.to_owned()))
    }

    /// Whether a transaction block is open, failed ones included.
    pub(super) fn in_block(&self) -> bool {
        self.connection.borrow().status() != Status::Idle
    }

    /// Tells the registry what the session does.
    pub(super) fn enter(&self, doing: Doing) {
        self.occupant.enter(doing);
    }

    /// Prepares a statement, unless it is already.
    pub(super) async fn prepare(&mut self, command: Command<'_>) -> Result<(), Error> {
        let connection = self.connection.get_mut();
        connection.prepare(command.place, &command.sql.text).await
    }

    /// Has the server plan a prepared statement anew, with NULL for its parameters.
    pub(super) async fn plan(&mut self, command: Command<'_>) -> Result<(), Error> {
        let nulls = vec![None; command.sql.parameters.len()];
        self.connection.get_mut().plan(command.place, &nulls).await
    }

    /// Sends one statement and reads its result to the end; in a pipeline it is only sent, and its
    /// error is that of the pipeline's end.
    pub(super) async fn execute(
        &mut self,
        command: Command<'_>,
        parameters: &[Option<String>],
        protocol: Protocol,
    ) -> Result<(), Failure> {
        let connection = self.connection.get_mut();
        let keep = command.sql.capture.is_some();
        let sent = match protocol {
            Protocol::Simple => {
                let text = command.sql.interpolate(parameters);
                connection.query(&text, keep).await
            }
            Protocol::Extended | Protocol::Prepared => {
                let statement = Statement {
                    text: &command.sql.text,
                    parameters,
                    key: (protocol == Protocol::Prepared).then_some(command.place),
                    keep,
                };
                connection.execute(&statement).await
            }
        };
        sent.map_err(|error| self.failure(error))
    }

    /// Sends a text by the simple protocol and reads its answers to the end.
    pub(super) async fn query(&mut self, text: &str) -> Result<(), Failure> {
        let sent = self.connection.get_mut().query(text, false).await;
        sent.map_err(|error| self.failure(error))
    }

    /// Sends a statement by the extended protocol and reads its answer to the end.
    pub(super) async fn send(&mut self, statement: &Statement<'_>) -> Result<(), Failure> {
        let sent = self.connection.get_mut().execute(statement).await;
        sent.map_err(|error| self.failure(error))
    }

    /// The server has forgotten all prepared statements: it was told to.
    pub(super) fn forget_prepared(&mut self) {
        self.connection.get_mut().forget_prepared();
    }

    /// What cancels the statement under way, for whoever does not hold the session.
    pub(super) fn canceller(&self) -> Canceller {
        self.connection.borrow().canceller().clone()
    }

    /// What the last statement returned, if a command of the script captures it.
    pub(super) fn results(&mut self) -> &[ResultSet] {
        self.connection.get_mut().results()
    }

    /// Begins, synchronises or ends a pipeline.
    pub(super) async fn pipeline(&mut self, command: Pipeline) -> Result<(), Failure> {
        let connection = self.connection.get_mut();
        let done = match command {
            Pipeline::Start => connection.start_pipeline(),
            Pipeline::Sync => connection.synchronise_pipeline().await,
            Pipeline::End => connection.end_pipeline().await,
        };
        done.map_err(|error| self.failure(error))
    }

    /// Ends a transaction block that an error left open. False if the session is of no more use.
    pub(super) async fn roll_back(&mut self) -> bool {
        let connection = self.connection.get_mut();
        connection.give_up_pipeline();
        if connection.is_closed() {
            return false;
        }
        connection.status() == Status::Idle || connection.query("ROLLBACK", false).await.is_ok()
    }

    /// Asks the server to cancel what the session runs, then closes it.
    pub(super) async fn abandon(self) {
        // Its place in the registry is left when it is closed.
        let Self {
            connection,
            occupant: _occupant,
        } = self;
        let connection = connection.into_inner();
        // Cancelled or not, it is closed.
        let _ = connection.canceller().cancel().await;
        let _ = tokio::time::timeout(FAREWELL, connection.close()).await;
    }

    /// Closes the connection. The server has let go of it when this returns, unless that takes long.
    pub(super) async fn close(self) {
        let closed = self.connection.into_inner().close();
        let _ = tokio::time::timeout(FAREWELL, closed).await;
    }

    /// Cuts the connection as the end of its process does: the server is told nothing.
    pub(super) fn sever(self) -> Remains {
        Remains {
            canceller: self.connection.into_inner().sever(),
            _occupant: self.occupant,
        }
    }

    fn failure(&mut self, error: Error) -> Failure {
        let sqlstate = error.sqlstate().map(str::to_owned);
        let failed = |kind: &str| Fate::Failed(kind.to_owned());
        let fate = match (&error, &sqlstate) {
            (Error::Server(_), Some(code)) if code == QUERY_CANCELED => {
                Fate::TimedOut(code.clone())
            }
            (Error::Server(_), Some(code)) => failed(code),
            (Error::Lost(_) | Error::Server(_), _) => failed(CONNECTION_LOST),
            (Error::Protocol(_), _) => failed("protocol"),
            (Error::Unsendable(_), _) => failed("script"),
            (Error::CopyIn, _) => failed("copy_from_stdin"),
        };
        Failure {
            fate,
            usable: self.connection.get_mut().lost().is_none(),
            sqlstate,
            said: Said {
                place: None,
                message: error.told(),
            },
        }
    }
}

/// Where the traffic's sessions go to.
pub(super) fn configure(endpoint: &Endpoint, application: &ApplicationPlan) -> Target {
    let milliseconds = |timeout: Duration| timeout.as_millis().to_string();
    let statement_timeout = milliseconds(application.statement_timeout);
    let lock_timeout = milliseconds(application.lock_timeout);
    let endpoint = endpoint
        .with_setting("statement_timeout", &statement_timeout)
        .with_setting("lock_timeout", &lock_timeout);
    Target::new(&endpoint, APPLICATION_NAME)
}
