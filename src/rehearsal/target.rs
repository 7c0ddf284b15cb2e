//! What a script knows of a database that no scenario has filled.

use super::RehearsalError;
use crate::pgbench::{KeyId, Keys, ScriptError};
use crate::postgres::scale::pgbench_scale;
use crate::scenario::plan::TrafficPlan;
use crate::shadow::Target;
use crate::sql::may_write;

/// Finds the first statement of the traffic that may write, by place and text, and what only a scenario's
/// fill can give.
///
/// # Errors
/// A script that asks for a row of a filled table, or for a variable that nothing sets.
pub fn first_write(traffic: &TrafficPlan) -> Result<Option<String>, ScriptError> {
    let (mut first, definitions) = (None, traffic.scripts_know());
    for kind in &traffic.transactions {
        let mut nothing = Unfilled { branches: None };
        let program = kind.script.bind_with(&mut nothing, &definitions);
        let program = program.map_err(explained)?;
        let writing = program.statements().iter().find(|sql| may_write(&sql.text));
        first = first.or(writing.map(|sql| {
            let text: Vec<&str> = sql.text.split_whitespace().collect();
            let file = kind.file.as_ref().unwrap_or(&kind.name);
            format!("{file}:{}: `{}`", sql.line, text.join(" "))
        }));
    }
    Ok(first)
}

/// `:rows_orders` is a variable where a scenario says how many there are.
fn explained(error: ScriptError) -> ScriptError {
    let message = match error.message.contains("`rows_") {
        true => format!(
            "{}; the rows of a table are known where a scenario fills it: give the scenario instead of --url, or --define the variable",
            error.message
        ),
        false => error.message,
    };
    ScriptError { message, ..error }
}

/// What is known of the rows of a database that the tool did not fill: at most pgbench's scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unfilled {
    branches: Option<u64>,
}

/// Looks for pgbench's tables.
pub(super) async fn unfilled(target: &Target) -> Result<Unfilled, RehearsalError> {
    let session = target.endpoint().connect("pgrehearse load").await?;
    let branches = pgbench_scale(&session.client).await?;
    // It has served; what ends it is of no consequence.
    let _ = session.close().await;
    Ok(Unfilled { branches })
}

impl Keys for Unfilled {
    fn resolve(&mut self, table: &str, column: &str, _: Option<&str>) -> Result<KeyId, String> {
        Err(format!(
            "the rows of {table} are not known here: \\pick and \\fresh draw from what a scenario filled, so give the scenario instead of --url, or draw {column} with \\set and random()"
        ))
    }

    fn pick(&self, _: KeyId, _: u64) -> String {
        String::new()
    }

    fn fresh(&self, _: KeyId, _: u64) -> String {
        String::new()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        let branches = self.branches.into_iter();
        branches
            .map(|rows| ("pgbench_branches".to_owned(), rows))
            .collect()
    }
}
