//! Scripts that the tests of this module try out.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Definitions, KeyId, Keys, Program, ResultSet, Run, Script, ScriptError, Step};

/// Picks print their random bits, fresh values their number.
pub(super) struct Numbers(Vec<(String, u64)>);

impl Keys for Numbers {
    fn resolve(&mut self, table: &str, column: &str, _: Option<&str>) -> Result<KeyId, String> {
        match (table, column) {
            ("users", "id") => Ok(KeyId(0)),
            ("users", "name") => Ok(KeyId(1)),
            ("users", "mood") => Ok(KeyId(2)),
            _ => Err(format!("there is no column {table}.{column}")),
        }
    }

    fn pick(&self, key: KeyId, random: u64) -> String {
        let name = if key == KeyId(0) { "" } else { "user " };
        format!("{name}{}", random % 1000)
    }

    fn has_fresh(&self, key: KeyId) -> bool {
        key != KeyId(2)
    }

    fn fresh(&self, _: KeyId, n: u64) -> String {
        n.to_string()
    }

    fn resolve_row(
        &mut self,
        table: &str,
        columns: &[String],
        distribution: Option<&str>,
    ) -> Result<KeyId, String> {
        let [column] = columns else {
            return Ok(KeyId(3));
        };
        self.resolve(table, column, distribution)
    }

    fn pick_row(&self, key: KeyId, random: u64) -> Vec<String> {
        let whole = key == KeyId(3);
        let second = whole.then(|| format!("{}b", random % 1000));
        [self.pick(key, random)].into_iter().chain(second).collect()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        self.0.clone()
    }
}

/// Ten users, and some tables more.
pub(super) fn keys() -> Numbers {
    let rows = [
        ("users", 10),
        ("app.order-lines", 20),
        ("pgbench_branches", 7),
    ];
    Numbers(rows.map(|(table, rows)| (table.to_owned(), rows)).into())
}

/// The program of a script.
pub(super) fn bind(text: &str) -> Result<Program, ScriptError> {
    bind_with(text, &Definitions::default())
}

/// The program of a script with definitions.
pub(super) fn bind_with(text: &str, definitions: &Definitions) -> Result<Program, ScriptError> {
    Script::parse("t.sql", text)?.bind_with(&mut keys(), definitions)
}

/// What the server answers, statement by statement.
pub(super) type Answers = VecDeque<Vec<ResultSet>>;

/// The texts of the steps of a run, with the values in their places.
pub(super) fn finish(run: &mut Run, mut answers: Answers) -> Result<Vec<String>, ScriptError> {
    let program = Arc::clone(&run.program);
    let mut steps = Vec::new();
    loop {
        steps.push(match run.step(&keys())? {
            Step::Done => return Ok(steps),
            Step::Sleep(time) => format!("{time:?}"),
            Step::Pipeline(pipeline) => format!("{pipeline:?}"),
            Step::Sql {
                statement,
                parameters,
            } => {
                run.store(statement, &answers.pop_front().unwrap_or_default())?;
                program.statements()[statement].interpolate(&parameters)
            }
        });
    }
}

/// The same of a run of a script to which nothing is answered.
pub(super) fn trace(text: &str, seed: u64, serial: u64) -> Result<Vec<String>, ScriptError> {
    let mut run = Run::new(Arc::new(bind(text)?), seed, serial);
    finish(&mut run, Answers::new())
}

/// The same with the error as it is shown.
pub(super) fn outcome(text: &str) -> Result<Vec<String>, String> {
    trace(text, 1, 0).map_err(|error| error.to_string())
}

/// The same where nothing may fail.
pub(super) fn steps(text: &str) -> Vec<String> {
    outcome(text).unwrap()
}

/// One result: columns, and the values of its rows; `NULL` is one.
pub(super) fn result(columns: &[&str], rows: &[&[&str]]) -> ResultSet {
    let value = |value: &&str| (*value != "NULL").then(|| (*value).to_owned());
    ResultSet {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: rows
            .iter()
            .map(|row| row.iter().map(value).collect())
            .collect(),
    }
}
