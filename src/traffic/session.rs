//! One connection of the application, and how its statements are sent.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage, Statement};

use super::block::Effect;
use super::mix::Command;
use super::parameter::Text;
use super::registry::{Occupant, Seat};
use crate::observe::Fate;
use crate::scenario::plan::Protocol;

/// What the sessions call themselves in `pg_stat_activity`.
const APPLICATION_NAME: &str = "pgrehearse traffic";

/// How long a connection may take to open, unless its settings say otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a closing connection may take to cancel its statement, and to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// One open connection.
pub(super) struct Session {
    client: Client,
    occupant: Occupant,
    /// Prepared statements by transaction and statement.
    prepared: HashMap<(usize, usize), Statement>,
    /// Whether a transaction block is open, as far as its statements tell.
    in_block: bool,
    driver: JoinHandle<()>,
}

/// Why a request failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fate: Fate,
    /// Whether the session can go on after a rollback.
    pub(super) usable: bool,
}

impl Session {
    /// Opens a connection; `on_close` is called when it has ended, for whatever reason.
    pub(super) async fn open(
        config: &Config,
        seat: &Seat,
        on_close: impl FnOnce() + 'static,
    ) -> Result<Self, Error> {
        let (client, connection) = config.connect(NoTls).await?;
        let driver = tokio::task::spawn_local(async move {
            // Its error reaches the request that is under way.
            let _ = connection.await;
            on_close();
        });
        let occupant = seat.take(backend_pid(&client).await?);
        Ok(Self {
            client,
            occupant,
            prepared: HashMap::new(),
            in_block: false,
            driver,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether a transaction block is open.
    pub(super) fn in_block(&self) -> bool {
        self.in_block
    }

    /// Tells the registry which transaction the session is in.
    pub(super) fn enter(&self, transaction: Option<usize>) {
        self.occupant.enter(transaction);
    }

    /// Prepares a statement, if the protocol keeps prepared statements and it is not there yet.
    pub(super) async fn prepare(&mut self, command: Command<'_>) -> Result<Statement, Error> {
        if let Some(statement) = self.prepared.get(&command.place) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&command.sql.text).await?;
        self.prepared.insert(command.place, statement.clone());
        Ok(statement)
    }

    /// Sends one statement and reads its result to the end.
    pub(super) async fn execute(
        &mut self,
        command: Command<'_>,
        parameters: &[Option<String>],
        protocol: Protocol,
    ) -> Result<(), Failure> {
        let result = match protocol {
            Protocol::Prepared => self.execute_prepared(command, parameters).await,
            Protocol::Extended => self.execute_extended(command, parameters).await,
            Protocol::Simple => {
                let text = command.sql.interpolate(parameters);
                self.client.batch_execute(&text).await
            }
        };
        match (result, command.effect) {
            (Ok(()), Effect::Opens) => self.in_block = true,
            (Ok(()), Effect::Ends) => self.in_block = false,
            (Ok(()), Effect::Keeps) => {}
            (Err(error), _) => return Err(self.failure(&error, command)),
        }
        Ok(())
    }

    async fn execute_prepared(
        &mut self,
        command: Command<'_>,
        parameters: &[Option<String>],
    ) -> Result<(), Error> {
        let statement = self.prepare(command).await?;
        let parameters = parameters.iter().map(|value| Text(value.as_deref()));
        self.client.execute_raw(&statement, parameters).await?;
        Ok(())
    }

    /// Parse, bind and execute in one round trip; a parameter of unknown type has the type that the
    /// server infers.
    async fn execute_extended(
        &self,
        command: Command<'_>,
        parameters: &[Option<String>],
    ) -> Result<(), Error> {
        let parameters: Vec<Text<'_>> = parameters
            .iter()
            .map(|value| Text(value.as_deref()))
            .collect();
        let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
            .iter()
            .map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN))
            .collect();
        self.client.execute_typed(&command.sql.text, &typed).await?;
        Ok(())
    }

    /// Ends a transaction block that an error left open. False if the session is of no more use.
    pub(super) async fn roll_back(&mut self) -> bool {
        self.in_block = false;
        self.client.batch_execute("ROLLBACK").await.is_ok()
    }

    /// Asks the server to cancel what the session runs, then closes it.
    pub(super) async fn abandon(self) {
        let token = self.client.cancel_token();
        // A server that does not answer is not waited for.
        let _ = tokio::time::timeout(FAREWELL, token.cancel_query(NoTls)).await;
        self.close().await;
    }

    /// Closes the connection.
    pub(super) async fn close(self) {
        let Self { client, driver, .. } = self;
        drop(client);
        let _ = tokio::time::timeout(FAREWELL, driver).await;
    }

    /// Classifies an error. A statement whose plan or name the server no longer has is prepared anew
    /// next time, as drivers do: the request that found out still fails.
    fn failure(&mut self, error: &Error, command: Command<'_>) -> Failure {
        let Some(answer) = error.as_db_error() else {
            let lost = self.is_closed() || error.is_closed() || is_io(error);
            let kind = if lost { "connection_lost" } else { "protocol" };
            return Failure {
                fate: Fate::Failed(kind.to_owned()),
                usable: false,
            };
        };
        // The server ends the session after a fatal error.
        if matches!(
            answer.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        ) {
            return Failure {
                fate: Fate::Failed("connection_lost".to_owned()),
                usable: false,
            };
        }
        let code = answer.code();
        if matches!(
            *code,
            SqlState::FEATURE_NOT_SUPPORTED | SqlState::INVALID_SQL_STATEMENT_NAME
        ) {
            self.prepared.remove(&command.place);
        }
        let kind = code.code().to_owned();
        Failure {
            fate: match *code == SqlState::QUERY_CANCELED {
                true => Fate::TimedOut(kind),
                false => Fate::Failed(kind),
            },
            usable: true,
        }
    }
}

/// The connection settings of the traffic's sessions.
pub(super) fn configure(config: &Config, statement_timeout: Duration) -> Config {
    let mut config = config.clone();
    let timeout = format!("-c statement_timeout={}", statement_timeout.as_millis());
    let options = match config.get_options() {
        Some(options) => format!("{options} {timeout}"),
        None => timeout,
    };
    config.options(options).application_name(APPLICATION_NAME);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config
}

async fn backend_pid(client: &Client) -> Result<i32, Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    let pid = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    // A server that does not tell its process cannot be watched, but it can be used.
    Ok(pid.unwrap_or(0))
}

fn is_io(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}
