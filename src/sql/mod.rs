//! Migration text: statements, their kinds, and what is dangerous in them.

mod dump;
mod error;
mod expression;
mod hazard;
mod index_expression;
mod kind;
mod locking;
mod log;
mod parameters;
mod partition_bound;
mod rewrite;
mod scanner;
mod split;
mod statement;
mod subject;
mod syntax;
mod transactions;
mod words;
mod writing;

pub use dump::{SchemaItem, parse_schema_file};
pub use error::SqlError;
pub use expression::{
    Bound, BoundRule, Comparison, Formula, Relation, TextPattern, understand_check,
    understand_condition,
};
pub use hazard::{Session, WORKING_UNDER_LOCK, hazards, script_hazards};
pub use index_expression::{IndexExpression, read_index_expression, read_range_expression};
pub use kind::StatementKind;
pub use locking::try_again;
pub use log::{
    LeftOut, LogError, LogOptions, LoggedKind, LoggedSession, LoggedStatement, LoggedTraffic,
    LoggedTransaction, Pause,
};
pub use parameters::{
    ColumnUse, Given, Inserted, Insertion, Match, OnConflict, Parameter, Role, StatementUse,
    TableUse, Target, Verb,
};
pub use partition_bound::parse_partition_bound;
pub use rewrite::{Ground, Rewrite, Rewritten, Skipped, rewrite};
pub use split::split;
pub use transactions::check_transactions;
pub use writing::may_write;

use serde::{Deserialize, Serialize};

/// A migration file split into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationScript {
    /// The file, as the scenario names it.
    pub file: String,
    /// Its statements in order.
    pub statements: Vec<SqlStatement>,
}

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlStatement {
    /// The text without leading comments and blank space, and without the final semicolon.
    pub text: String,
    /// The line where it begins, from 1.
    pub line: usize,
    /// The column where it begins, from 1, in characters.
    pub column: usize,
    /// The byte where it begins.
    pub offset: usize,
}

/// A danger that a statement's text shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hazard {
    /// The rule's name, kebab-case.
    pub rule: String,
    /// What happens.
    pub message: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
    /// The strongest lock that it takes, as PostgreSQL names it; none in older reports, and where it takes
    /// none itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// What it does while it holds it, by its text; none in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Work>,
}

/// What a statement does under its lock, by its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Changes the catalog alone.
    Catalog,
    /// Reads every row.
    Scan,
    /// Builds an index over every row.
    Build,
    /// Writes the relation anew.
    Rewrite,
    /// Changes the rows that it finds.
    Rows,
}
