//! Before any traffic: can the server prepare every statement of it?

use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use super::TrafficError;
use super::error::describe;
use super::mix::{Command, Mix};
use super::registry::{Registry, Seat};
use super::session::Session;
use crate::scenario::plan::Protocol;

/// Prepares every statement on one connection of its own.
///
/// # Errors
///
/// The first statement that the server refuses, by file, line and column.
pub(super) async fn check(mix: &Mix, config: &Config) -> Result<(), TrafficError> {
    let seat = Seat::new(&Registry::new(0), 0);
    let opened = Session::open(config, &seat, || ()).await;
    let mut session = opened.map_err(TrafficError::Connect)?;
    for command in mix.commands() {
        match session.prepare(command).await {
            Err(error) if !only_simple_can(mix, command, &error) => {
                return Err(refused(mix, command, &error));
            }
            _ => {}
        }
    }
    session.close().await;
    Ok(())
}

/// Commands such as `SET x = :value` take no parameters: the simple protocol, which puts values into
/// the text, can send them, although they cannot be prepared.
fn only_simple_can(mix: &Mix, command: Command<'_>, error: &tokio_postgres::Error) -> bool {
    mix.protocol == Protocol::Simple
        && !command.sql.parameters.is_empty()
        && error.code() == Some(&SqlState::SYNTAX_ERROR)
}

/// The error for a statement that the server refused.
pub(super) fn refused(
    mix: &Mix,
    command: Command<'_>,
    error: &tokio_postgres::Error,
) -> TrafficError {
    let (transaction, file) = mix
        .transactions
        .get(command.place.0)
        .map(|transaction| (transaction.name.clone(), transaction.file.clone()))
        .unwrap_or_default();
    TrafficError::Prepare {
        transaction,
        file,
        line: command.sql.line,
        column: command.sql.column,
        sqlstate: error.code().map(|code| code.code().to_owned()),
        message: match error.as_db_error() {
            Some(answer) => answer.message().to_owned(),
            None => describe(error),
        },
    }
}
