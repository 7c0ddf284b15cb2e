//! Why a schema could not be loaded: the file, the line, the statement, and the server's words.

use std::fmt;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::postgres::connect::describe;
use crate::scenario::plan::SourceFile;
use crate::sql::{SqlError, SqlStatement};

/// Characters of a statement that an error shows.
const EXCERPT: usize = 100;

/// Why a schema could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file is not SQL.
    #[error(transparent)]
    Syntax(#[from] SqlError),
    /// No session to load with, or it was lost.
    #[error("the schema could not be loaded: {}", describe(.0))]
    Session(Error),
    /// The server refused a statement.
    #[error("{0}")]
    Statement(Box<StatementFailure>),
    /// An extension that the server does not have.
    #[error(
        "{file}:{line}: the extension `{extension}` is not installed in the PostgreSQL that runs the shadow: install its package there (for those of PostgreSQL itself, contrib), or name an installation that has it with --pg-bin"
    )]
    Extension {
        /// The file.
        file: String,
        /// The line of `CREATE EXTENSION`.
        line: usize,
        /// The extension.
        extension: String,
    },
    /// A transaction that the file begins and does not end, so that all it did is undone.
    #[error("{file}: the file ends inside of a transaction that it began: end it with COMMIT")]
    OpenTransaction {
        /// The file.
        file: String,
    },
    /// A dump that makes its own databases.
    #[error(
        "{file}:{line}: this file creates a database, but a schema is loaded into the shadow's own: dump one database, with pg_dump and without --create (not with pg_dumpall)"
    )]
    CreatesDatabase {
        /// The file.
        file: String,
        /// The line of `CREATE DATABASE`.
        line: usize,
    },
}

/// A statement that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementFailure {
    /// The file.
    pub file: String,
    /// The line of the error where the server gave one, else of the statement; from 1.
    pub line: usize,
    /// The statement's first line.
    pub statement: String,
    /// The SQLSTATE.
    pub sqlstate: String,
    /// The server's message.
    pub message: String,
    /// The server's details, each with what it is: `detail: …`.
    pub details: Vec<String>,
}

impl fmt::Display for StatementFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            statement,
            sqlstate,
            message,
            details,
        } = self;
        write!(f, "{file}:{line}: {message} (SQLSTATE {sqlstate})")?;
        for detail in details {
            write!(f, "\n  {detail}")?;
        }
        write!(f, "\n  in: {statement}")
    }
}

/// What a refusal means to the user.
pub(super) fn failure(file: &SourceFile, statement: &SqlStatement, error: Error) -> SchemaError {
    let Some(server) = error.as_db_error() else {
        return SchemaError::Session(error);
    };
    if let Some(extension) = unavailable_extension(server) {
        return SchemaError::Extension {
            file: file.name.clone(),
            line: statement.line,
            extension: extension.to_owned(),
        };
    }
    let details = [
        ("detail", server.detail()),
        ("hint", server.hint().or_else(|| advice(server))),
        ("where", server.where_()),
    ];
    SchemaError::Statement(Box::new(StatementFailure {
        file: file.name.clone(),
        line: statement.line + lines_before_error(statement, server),
        statement: excerpt(&statement.text),
        sqlstate: server.code().code().to_owned(),
        message: server.message().to_owned(),
        details: details
            .into_iter()
            .filter_map(|(name, text)| Some(format!("{name}: {}", text?)))
            .collect(),
    }))
}

/// The extension of `extension "name" is not available`, which before PostgreSQL 15 said `could not
/// open extension control file "…/name.control"`.
fn unavailable_extension(error: &DbError) -> Option<&str> {
    let message = error.message();
    let named = message
        .strip_prefix("extension \"")
        .and_then(|rest| rest.strip_suffix("\" is not available"));
    named.or_else(|| {
        let (path, _) = message
            .strip_prefix("could not open extension control file \"")?
            .split_once(".control\"")?;
        path.rsplit('/').next()
    })
}

/// The role of `role "name" does not exist`. Its SQLSTATE is that of all missing objects, or, from
/// `SET ROLE` and `SET SESSION AUTHORIZATION`, that of bad values: the name is in the text alone.
pub(super) fn missing_role(error: &DbError) -> Option<&str> {
    let codes = [
        SqlState::UNDEFINED_OBJECT,
        SqlState::INVALID_PARAMETER_VALUE,
    ];
    codes.contains(error.code()).then_some(())?;
    error
        .message()
        .strip_prefix("role \"")?
        .strip_suffix("\" does not exist")
}

/// What to do about refusals that come from what a dump holds beside the schema.
fn advice(error: &DbError) -> Option<&'static str> {
    let missing_tablespace =
        *error.code() == SqlState::UNDEFINED_OBJECT && error.message().starts_with("tablespace ");
    missing_tablespace.then_some("dump the schema with pg_dump --no-tablespaces")
}

/// Line breaks of the statement before the character that the server points at.
fn lines_before_error(statement: &SqlStatement, error: &DbError) -> usize {
    let Some(ErrorPosition::Original(position)) = error.position() else {
        return 0;
    };
    let before = (*position as usize).saturating_sub(1);
    let text = statement.text.chars().take(before);
    text.filter(|character| *character == '\n').count()
}

/// A statement's first line, shortened.
pub(super) fn excerpt(statement: &str) -> String {
    let line = statement.lines().next().unwrap_or_default().trim_end();
    let mut shown: String = line.chars().take(EXCERPT).collect();
    if shown.len() < statement.len() {
        shown.push('…');
    }
    shown
}
