//! Migration text: statements, their kinds, and what is dangerous in them.

mod expression;

use serde::{Deserialize, Serialize};

pub use expression::{Bound, BoundRule, understand_check};

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
