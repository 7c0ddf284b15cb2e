//! Migration text: statements, their kinds, and what is dangerous in them.

mod dump;
mod error;
mod expression;
mod hazard;
mod index_expression;
mod kind;
mod partition_bound;
mod scanner;
mod split;
mod statement;
mod syntax;
mod transactions;

pub use dump::{SchemaItem, parse_schema_file};
pub use error::SqlError;
pub use expression::{
    Bound, BoundRule, Comparison, Formula, Relation, TextPattern, understand_check,
    understand_condition,
};
pub use hazard::{hazards, script_hazards};
pub use index_expression::{IndexExpression, read_index_expression, read_range_expression};
pub use kind::StatementKind;
pub use partition_bound::parse_partition_bound;
pub use split::split;
pub use transactions::check_transactions;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hazard {
    /// The rule's name, kebab-case.
    pub rule: String,
    /// What happens.
    pub message: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
}
