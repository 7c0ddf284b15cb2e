//! Keys of the format that this version cannot honour. They are refused rather than ignored: a
//! rehearsal that leaves something out would be called safe for the wrong reason.

use super::document::Document;
use super::error::ScenarioError;
use super::file::Contents;

/// A key that this version cannot honour.
struct Limitation {
    key: &'static [&'static str],
    asked_for: fn(&Contents) -> bool,
    instead: &'static str,
}

const LIMITATIONS: [Limitation; 3] = [
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
        key: &["migration", "command"],
        asked_for: |contents| contents.migration.command.is_some(),
        instead: "write the SQL that it sends to a file and name it with `file`",
    },
];

/// Refuses the first key that this version cannot honour.
pub(super) fn refuse_unsupported(
    document: &Document,
    contents: &Contents,
) -> Result<(), ScenarioError> {
    for limitation in &LIMITATIONS {
        if (limitation.asked_for)(contents) {
            let key = limitation.key;
            let message = format!("this version does not support `{}` yet", key.join("."));
            return Err(document.error_with_help(key, message, limitation.instead));
        }
    }
    Ok(())
}
