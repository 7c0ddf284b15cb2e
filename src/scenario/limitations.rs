//! Keys of the format that this version cannot honour. They are refused rather than ignored: a
//! rehearsal that leaves something out would be called safe for the wrong reason.

use super::document::Document;
use super::error::ScenarioError;
use super::file::{Contents, Role};

/// Refuses the first key that this version cannot honour.
pub(super) fn refuse_unsupported(
    document: &Document,
    contents: &Contents,
) -> Result<(), ScenarioError> {
    let next_release = contents
        .traffic
        .transactions
        .iter()
        .position(|transaction| transaction.role == Role::Next)
        .map(|index| index.to_string());
    let role: Vec<&str> = match &next_release {
        Some(index) => vec!["traffic", "transactions", index, "role"],
        None => Vec::new(),
    };
    let refusals: [(bool, &[&str], &str); 9] = [
        (
            contents.shadow.tcp,
            &["shadow", "tcp"],
            "leave it out: the server listens on its Unix socket alone",
        ),
        (
            contents.schema.source.is_some(),
            &["schema", "source"],
            "write the schema to a file with `pg_dump --schema-only` and name it with `file`",
        ),
        (
            contents.traffic.clients.is_some(),
            &["traffic", "clients"],
            "give a `rate` instead: transactions per second, open loop",
        ),
        (
            next_release.is_some(),
            &role,
            "leave out the transactions that only the next release sends",
        ),
        (
            contents
                .application
                .retries
                .is_some_and(|retries| retries > 0),
            &["application", "retries"],
            "leave it out or set it to 0: a failed transaction counts as failed",
        ),
        (
            contents.application.health_check.is_some(),
            &["application", "health_check"],
            "leave it out: no instance is restarted",
        ),
        (
            contents.migration.command.is_some(),
            &["migration", "command"],
            "write the SQL that it sends to a file and name it with `file`",
        ),
        (
            contents.migration.down.is_some(),
            &["migration", "down"],
            "leave it out, or rehearse the way back with `--migration`",
        ),
        (
            contents
                .disturbances
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
            &["disturbances"],
            "set `disturbances = []`: the rehearsal makes its quiet pass alone",
        ),
    ];
    match refusals.into_iter().find(|(given, _, _)| *given) {
        Some((_, key, instead)) => {
            Err(document.error_with_help(key, "this version cannot do this yet", instead))
        }
        None => Ok(()),
    }
}
