//! Migration text: statements, their kinds, and what is dangerous in them.

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
