//! What of a schema is passed over on a server that is not the tool's own.

use tokio_postgres::error::{DbError, SqlState};

use super::words::begins_with;
use super::{Host, LoadSummary, SchemaError, load_files};
use crate::postgres::endpoint::Endpoint;
use crate::scenario::plan::SourceFile;

/// As [`load_schema`], on a server that others use too: what would change more than the session's
/// database is passed over with a note, and so is who owns what where the user may not say so. A role
/// that does not exist is created if the user may, and stays.
///
/// # Errors
/// As of [`load_schema`].
pub async fn load_schema_as_guest(
    endpoint: &Endpoint,
    files: &[SourceFile],
) -> Result<LoadSummary, SchemaError> {
    let mut summary = load_files(endpoint, files, Host::Other).await?;
    if summary.unowned > 0 {
        summary.notes.push(format!(
            "{} statements of the schema on owners and rights were passed over: the user may not carry them out, and what they speak of is the user's own",
            summary.unowned
        ));
    }
    if !summary.roles.is_empty() {
        let roles: Vec<&str> = summary.roles.iter().map(String::as_str).collect();
        summary.notes.push(format!(
            "roles that the schema speaks of were created, without login, and stay on the server: {}",
            roles.join(", ")
        ));
    }
    Ok(summary)
}

/// Statements that would change what other databases of the server share, by their first words.
const SHARED: [(&[&str], &str); 18] = [
    (
        &["ALTER", "SYSTEM"],
        "the server's settings are not the shadow's to change",
    ),
    (
        &["ALTER", "DATABASE"],
        "the shadow's database has another name, and keeps its own settings",
    ),
    (
        &["DROP", "DATABASE"],
        "other databases of the server are not the shadow's",
    ),
    (&["ALTER", "ROLE"], ROLES),
    (&["ALTER", "USER"], ROLES),
    (&["CREATE", "ROLE"], ROLES),
    (&["CREATE", "USER"], ROLES),
    (&["DROP", "ROLE"], ROLES),
    (&["DROP", "USER"], ROLES),
    (&["CREATE", "GROUP"], ROLES),
    (&["ALTER", "GROUP"], ROLES),
    (&["DROP", "GROUP"], ROLES),
    (
        &["COMMENT", "ON", "DATABASE"],
        "the comment of the shadow's database is where its mark stands",
    ),
    (&["COMMENT", "ON", "ROLE"], ROLES),
    (&["COMMENT", "ON", "TABLESPACE"], TABLESPACES),
    (&["ALTER", "TABLESPACE"], TABLESPACES),
    (&["CREATE", "TABLESPACE"], TABLESPACES),
    (&["DROP", "TABLESPACE"], TABLESPACES),
];

const ROLES: &str = "roles belong to the whole server";
const TABLESPACES: &str = "tablespaces belong to the whole server";

/// Why a statement is not sent to somebody else's server, if so. User mappings begin as users do, and
/// belong to the database.
pub(super) fn shared(statement: &str) -> Option<&'static str> {
    let mapping = ["CREATE", "ALTER", "DROP"]
        .iter()
        .any(|verb| begins_with(statement, &[verb, "USER", "MAPPING"]));
    let found = SHARED
        .iter()
        .find(|(words, _)| begins_with(statement, words));
    found.filter(|_| !mapping).map(|(_, reason)| *reason)
}

/// Whether a refusal is of who owns an object or may use it, which a fill does not depend on.
pub(super) fn is_of_ownership(statement: &str, error: &DbError) -> bool {
    if *error.code() != SqlState::INSUFFICIENT_PRIVILEGE {
        return false;
    }
    let rights: [&[&str]; 7] = [
        &["GRANT"],
        &["REVOKE"],
        &["ALTER", "DEFAULT", "PRIVILEGES"],
        &["SET", "ROLE"],
        &["SET", "SESSION", "AUTHORIZATION"],
        &["COMMENT", "ON", "EXTENSION"],
        &["ALTER", "SCHEMA"],
    ];
    let words: Vec<&str> = statement.split_whitespace().collect();
    let changes_owner = begins_with(statement, &["ALTER"])
        && words.windows(2).any(|pair| {
            matches!(pair, [owner, to] if owner.eq_ignore_ascii_case("OWNER") && to.eq_ignore_ascii_case("TO"))
        });
    changes_owner || rights.iter().any(|words| begins_with(statement, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_server_is_not_sent() {
        for statement in [
            "ALTER SYSTEM SET work_mem = '1GB'",
            "alter role app set search_path = x",
            "CREATE USER app",
            "DROP DATABASE shop",
            "DROP USER app",
            "ALTER GROUP staff ADD USER app",
            "COMMENT ON DATABASE shop IS 'x'",
            "CREATE TABLESPACE fast LOCATION '/x'",
        ] {
            assert!(shared(statement).is_some(), "{statement}");
        }
        for statement in [
            "CREATE TABLE system (id int)",
            "CREATE USER MAPPING FOR app SERVER s",
            "ALTER TABLE database ADD x int",
        ] {
            assert_eq!(shared(statement), None, "{statement}");
        }
    }
}
