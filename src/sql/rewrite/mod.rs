//! The safe form of a migration: what can be written mechanically, with what is known of the schema.
//! It is one migration's, to be run statement by statement, and ends in the same schema.

mod alter_table;
mod batches;
mod column;
mod constraint;
mod ground;
mod index;
mod naming;
mod not_null;
mod partition;
mod replaced;
mod script;
mod settings;
mod statement;
mod step;
mod target;
#[cfg(test)]
mod tests;
mod transactions;
mod unique;

use serde::{Deserialize, Serialize};

pub use ground::Ground;
pub use script::rewrite;

/// The safe form of a migration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    /// Its text; empty where nothing could be rewritten.
    pub sql: String,
    /// The statements that it has a safe form of.
    pub rewritten: Vec<Rewritten>,
    /// Those that need one that could not be written mechanically.
    pub skipped: Vec<Skipped>,
}

impl Rewrite {
    /// Whether nothing could be rewritten.
    pub fn is_empty(&self) -> bool {
        self.rewritten.is_empty()
    }
}

/// A statement with a safe form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// The file, as the scenario names it.
    pub file: String,
    /// The line where it begins, from 1.
    pub line: usize,
    /// The hazards that the safe form avoids, each once.
    pub rules: Vec<String>,
}

/// A statement that stays as it is although it should not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The file, as the scenario names it.
    pub file: String,
    /// The line where it begins, from 1.
    pub line: usize,
    /// Why it has no safe form that could be written mechanically, and what to do.
    pub why: String,
}

/// The safe form of one statement by the hazard's name, on a line, as far as it can be written without
/// knowing the schema; none where there is none.
pub(super) fn advice(statement: &squawk_syntax::ast::Stmt, rule: &str) -> Option<String> {
    let turning = statement::turn(statement, &mut ground::Known::nothing());
    let steps: Vec<String> = turning
        .steps()
        .filter(|step| step.rule == rule)
        .map(|step| format!("{};", step.brief.as_ref().unwrap_or(&step.sql)))
        .collect();
    (!steps.is_empty()).then(|| steps.join(" "))
}
