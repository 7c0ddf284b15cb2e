//! `[traffic.variables]`: what the scripts find set.

use super::document::Document;
use super::error::ScenarioError;
use super::file::{Traffic, setting_text};
use super::load::Load;
use super::plan::TrafficPlan;
use crate::pgbench::Definitions;

/// The definitions of a scenario's variables; scripts see their texts, as those of `pgbench -D`.
///
/// # Errors
///
/// A name that no variable can have, or a value that is a list or a table, by its line.
pub(super) fn definitions(
    traffic: &Traffic,
    document: &Document,
) -> Result<Definitions, ScenarioError> {
    let mut definitions = Definitions::default();
    for (name, value) in &traffic.variables {
        let wrong = |message: String| document.error_at(&["traffic", "variables", name], message);
        let text = setting_text(value)
            .ok_or_else(|| wrong("a variable is a text, a number or a boolean".to_owned()))?;
        definitions
            .set(name, &text)
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(definitions)
}

impl TrafficPlan {
    /// What the scripts know: the variables that they find set, and in a closed loop what the others set,
    /// since its clients keep their variables from one script to the next.
    pub fn scripts_know(&self) -> Definitions {
        let definitions = self.definitions.clone();
        match self.load {
            Load::Open(_) | Load::Replay(_) => definitions,
            Load::Closed(_) => {
                let scripts = self.transactions.iter().map(|kind| &kind.script);
                scripts.fold(definitions, Definitions::beside)
            }
        }
    }
}
