//! Before any traffic: can the server prepare every statement of the current release?

use super::TrafficError;
use super::mix::{Command, Mix};
use super::registry::Registry;
use super::session::Session;
use super::wire::{Error, Target};
use crate::scenario::plan::Protocol;

/// The SQLSTATE of what the server cannot parse.
const SYNTAX_ERROR: &str = "42601";

/// Prepares every statement of the current release on one connection of its own. The next release's may
/// need what the migration brings.
///
/// # Errors
///
/// The first statement that the server refuses, by file, line and column.
pub(super) async fn check(mix: &Mix, target: &Target) -> Result<(), TrafficError> {
    let mut session = Session::open(target, Registry::new(0).seat()).await?;
    for command in mix.current_commands() {
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

/// Commands such as `SET x = :value` take no parameters, and a value within quotes is none: the simple
/// protocol, which puts values into the text, can send them, although they cannot be prepared.
fn only_simple_can(mix: &Mix, command: Command<'_>, error: &Error) -> bool {
    let takes_values = !command.sql.parameters.is_empty() && error.sqlstate() == Some(SYNTAX_ERROR);
    mix.protocol == Protocol::Simple && (takes_values || !command.sql.can_be_prepared())
}

/// The error for a statement that the server refused.
pub(super) fn refused(mix: &Mix, command: Command<'_>, error: &Error) -> TrafficError {
    let (transaction, file) = mix
        .transaction(command.place.0)
        .map(|transaction| (transaction.name.clone(), transaction.file.clone()))
        .unwrap_or_default();
    TrafficError::Prepare {
        transaction,
        file,
        line: command.sql.line,
        column: command.sql.column,
        sqlstate: error.sqlstate().map(str::to_owned),
        message: match error.server() {
            Some(answer)
                if is_of_pgbench(&answer.message) && answer.sqlstate == UNDEFINED_TABLE =>
            {
                format!("{}; `pgbench -i` makes it", answer.message)
            }
            Some(answer) => answer.message.clone(),
            None => error.to_string(),
        },
    }
}

/// The SQLSTATE of a table that is not there.
const UNDEFINED_TABLE: &str = "42P01";

/// Whether a message is about one of the tables of pgbench's own scripts.
fn is_of_pgbench(message: &str) -> bool {
    message.contains("\"pgbench_")
}
