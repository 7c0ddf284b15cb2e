//! The pgbench script language.

use std::sync::Arc;
use std::time::Duration;

/// A parsed script.
#[derive(Debug, Clone, Default)]
pub struct Script {}

/// Where a script is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ScriptError {
    /// The script's name.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// A key that [`Keys`] can draw values of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub usize);

/// What `\pick` and `\fresh` draw from: the tables as they were filled.
pub trait Keys: Send + Sync {
    /// Finds `table.column` with an optional distribution; the error says what is wrong.
    fn resolve(
        &mut self,
        table: &str,
        column: &str,
        distribution: Option<&str>,
    ) -> Result<KeyId, String>;

    /// The value in some existing row, chosen by 64 uniformly random bits.
    fn pick(&self, key: KeyId, random: u64) -> String;

    /// The `n`-th value that no filled row has.
    fn fresh(&self, key: KeyId, n: u64) -> String;

    /// `(table, rows)` of every table, for the variables `:rows_<table>`.
    fn rows(&self) -> Vec<(String, u64)>;
}

/// A SQL command of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The text with `$1`, `$2`, … for the variables.
    pub text: String,
    /// The variables in the order of their numbers.
    pub parameters: Vec<String>,
    /// Where it begins, from 1.
    pub line: usize,
    /// Where it begins, from 1.
    pub column: usize,
}

impl Script {
    /// Parses a script; `name` is used in errors.
    pub fn parse(_name: &str, _text: &str) -> Result<Self, ScriptError> {
        Ok(Self {})
    }

    /// Resolves its keys and variables, so that it can run.
    pub fn bind(&self, _keys: &mut dyn Keys) -> Result<Program, ScriptError> {
        Ok(Program {})
    }
}

/// A script ready to run.
#[derive(Debug, Clone)]
pub struct Program {}

impl Program {
    /// Its SQL commands; [`Step::Sql`] gives an index into them.
    pub fn statements(&self) -> &[Sql] {
        &[]
    }
}

/// One execution of a program: its variables, random numbers and place.
#[derive(Debug)]
pub struct Run {}

/// What the caller does next for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this statement with these parameters in text form.
    Sql {
        /// Index into [`Program::statements`].
        statement: usize,
        /// The values, none for NULL.
        parameters: Vec<Option<String>>,
    },
    /// Wait.
    Sleep(Duration),
    /// The transaction is over.
    Done,
}

impl Run {
    /// Begins a run. `seed` decides its random numbers; `serial` is unique among all runs of a
    /// rehearsal and decides what `\fresh` yields.
    pub fn new(_program: Arc<Program>, _seed: u64, _serial: u64) -> Self {
        Self {}
    }

    /// Goes on to the next thing that the caller must do. An error (division by zero, …) ends the run.
    pub fn step(&mut self, _keys: &dyn Keys) -> Result<Step, ScriptError> {
        Ok(Step::Done)
    }
}
