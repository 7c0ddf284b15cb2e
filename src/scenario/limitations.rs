//! Keys of the format that this version cannot honour. They are refused rather than ignored: a
//! rehearsal that leaves something out would be called safe for the wrong reason.

use super::document::Document;
use super::error::ScenarioError;
use super::file::{Contents, Role};

/// A key that this version cannot honour.
struct Limitation {
    key: &'static [&'static str],
    asked_for: fn(&Contents) -> bool,
    instead: &'static str,
}

const LIMITATIONS: [Limitation; 8] = [
    Limitation {
        key: &["shadow", "tcp"],
        asked_for: |contents| contents.shadow.tcp,
        instead: "leave it out: the server listens on its Unix socket alone",
    },
    Limitation {
        key: &["schema", "source"],
        asked_for: |contents| contents.schema.source.is_some(),
        instead: "write the schema to a file with `pg_dump --schema-only` and name it with `file`",
    },
    Limitation {
        key: &["traffic", "clients"],
        asked_for: |contents| {
            let mut traffic = contents.traffic.iter();
            traffic.any(|traffic| traffic.clients.is_some())
        },
        instead: "give a `rate` instead: transactions per second, open loop",
    },
    Limitation {
        key: &["application", "retries"],
        asked_for: |contents| {
            contents
                .application
                .retries
                .is_some_and(|retries| retries > 0)
        },
        instead: "leave it out or set it to 0: a failed transaction counts as failed",
    },
    Limitation {
        key: &["application", "health_check"],
        asked_for: |contents| contents.application.health_check.is_some(),
        instead: "leave it out: no instance is restarted",
    },
    Limitation {
        key: &["migration", "command"],
        asked_for: |contents| contents.migration.command.is_some(),
        instead: "write the SQL that it sends to a file and name it with `file`",
    },
    Limitation {
        key: &["migration", "down"],
        asked_for: |contents| contents.migration.down.is_some(),
        instead: "leave it out, or rehearse the way back with `--migration`",
    },
    Limitation {
        key: &["disturbances"],
        asked_for: |contents| {
            contents
                .disturbances
                .as_ref()
                .is_some_and(|list| !list.is_empty())
        },
        instead: "set `disturbances = []`: the rehearsal makes its quiet pass alone",
    },
];

/// Refuses the first key that this version cannot honour.
pub(super) fn refuse_unsupported(
    document: &Document,
    contents: &Contents,
) -> Result<(), ScenarioError> {
    let refuse = |key: &[&str], instead| {
        let message = format!("this version does not support `{}` yet", key.join("."));
        Err(document.error_with_help(key, message, instead))
    };
    for limitation in &LIMITATIONS {
        if (limitation.asked_for)(contents) {
            return refuse(limitation.key, limitation.instead);
        }
    }
    let mut transactions = contents.transactions().iter();
    match transactions.position(|transaction| transaction.role == Role::Next) {
        Some(index) => refuse(
            &["traffic", "transactions", &index.to_string(), "role"],
            "leave out the transactions that only the next release sends",
        ),
        None => Ok(()),
    }
}
