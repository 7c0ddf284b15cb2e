//! What is known of variables before a script runs, beside what its own commands set.

use std::collections::{BTreeMap, BTreeSet};

use super::script::{Command, Script};
use super::source::{continues_name, is_name};

/// Variables that are there when a script begins, as `pgbench -D` defines them, and how they are sent.
///
/// ```
/// # use pgrehearse::pgbench::Definitions;
/// let mut definitions = Definitions::default();
/// definitions.define("orders=250000")?;
/// assert!(definitions.define("2nd=1").is_err());
/// # Ok::<(), pgrehearse::pgbench::DefinitionError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definitions {
    values: BTreeMap<String, String>,
    given: BTreeSet<String>,
    elsewhere: Elsewhere,
    substitutes: bool,
}

/// What other scripts of the same client set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Elsewhere {
    names: BTreeSet<String>,
    /// Of what they capture: the columns' names follow.
    prefixes: BTreeSet<String>,
}

/// Why a definition is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// It has not the form of one.
    #[error("`{0}` defines no variable: write NAME=VALUE")]
    Form(String),
    /// No variable can be called so.
    #[error(
        "`{0}` is no name of a variable: write letters, digits and underscores, no digit first"
    )]
    Name(String),
}

impl Definitions {
    /// Adds what `pgbench -D` takes: `NAME=VALUE`, neither of them empty.
    ///
    /// # Errors
    ///
    /// It has another form, or no variable can have this name.
    pub fn define(&mut self, definition: &str) -> Result<(), DefinitionError> {
        match definition.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => self.set(name, value),
            _ => Err(DefinitionError::Form(definition.to_owned())),
        }
    }

    /// Adds a variable with the value that it has when a run begins, in the place of a predefined one too.
    ///
    /// # Errors
    ///
    /// No variable can have this name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), DefinitionError> {
        self.values.insert(checked(name)?, value.to_owned());
        Ok(())
    }

    /// Adds a variable that the caller sets by [`Run::give`](super::Run::give), or that another script of
    /// the same client sets; without a value until then.
    ///
    /// # Errors
    ///
    /// No variable can have this name.
    pub fn expect(&mut self, name: &str) -> Result<(), DefinitionError> {
        self.given.insert(checked(name)?);
        Ok(())
    }

    /// The same for a client that runs this script too, and keeps what it sets.
    #[must_use]
    pub fn beside(mut self, script: &Script) -> Self {
        let Elsewhere { names, prefixes } = &mut self.elsewhere;
        for command in &script.commands {
            match command {
                Command::Set(name, _) => {
                    names.insert(name.clone());
                }
                // What is drawn from rows is a text of any kind, as what a caller gives is.
                Command::Pick(drawn, _) | Command::Fresh(drawn, _) => {
                    self.given.extend(drawn.iter().cloned());
                }
                other => prefixes.extend(other.capture().map(|capture| capture.prefix.clone())),
            }
        }
        self
    }

    /// The same, for statements that are sent with the values in their text, by
    /// [`Sql::interpolate`](super::Sql::interpolate): variables within quotes are variables too then, and
    /// a value may be a table's name, as pgbench has it in its simple protocol.
    #[must_use]
    pub fn substituted(mut self) -> Self {
        self.substitutes = true;
        self
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter();
        values.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn given(&self) -> impl Iterator<Item = &str> {
        self.given.iter().map(String::as_str)
    }

    /// Whether a variable has a value of these.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a variable is the caller's to set.
    pub(super) fn expects(&self, name: &str) -> bool {
        self.given.contains(name)
    }

    /// Whether another script of the same client may set a variable.
    pub(super) fn may_be_set_elsewhere(&self, name: &str) -> bool {
        let Elsewhere { names, prefixes } = &self.elsewhere;
        let captured = |prefix: &String| name.len() > prefix.len() && name.starts_with(prefix);
        names.contains(name) || prefixes.iter().any(captured)
    }

    /// Whether statements are sent with the values in their text.
    pub(super) fn substitutes(&self) -> bool {
        self.substitutes
    }
}

fn checked(name: &str) -> Result<String, DefinitionError> {
    if is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(DefinitionError::Name(name.to_owned()))
    }
}

/// pgbench's variables that are there without being set: one client, as each run is one of many that share
/// no session unless it is told [whose](super::Run::of_client) it is, and a scale of 1 where no tables say
/// otherwise. The seeds are set by [`Program::with_seed`](super::Program::with_seed).
const PREDEFINED: [(&str, i64); 4] = [
    ("client_id", 0),
    ("default_seed", 0),
    ("random_seed", 0),
    ("scale", 1),
];

/// The predefined variables: pgbench's own and `rows_<table>` for each table.
///
/// A table in a schema has its schema in the variable's name, and the bare name too where no other table
/// claims it first; characters that no variable's name can have become underscores.
pub(super) fn predefined(tables: &[(String, u64)]) -> BTreeMap<String, i64> {
    let mut variables: BTreeMap<String, i64> = PREDEFINED
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let name = |table: &str| {
        let clean = |c| {
            if continues_name(c) { c } else { '_' }
        };
        format!("rows_{}", table.chars().map(clean).collect::<String>())
    };
    let rows = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    for (table, count) in tables {
        variables.insert(name(table), rows(*count));
    }
    for (table, count) in tables {
        if let Some((_, bare)) = table.rsplit_once('.') {
            variables.entry(name(bare)).or_insert(rows(*count));
        }
    }
    // What `pgbench -s` would say of the tables that `pgbench -i` makes.
    if let Some(branches) = variables.get("rows_pgbench_branches").copied() {
        variables.insert("scale".to_owned(), branches);
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_has_a_name_and_a_value() {
        let mut definitions = Definitions::default();
        definitions.define("a=1").unwrap();
        definitions.define("b_2=x = y").unwrap();
        let values: Vec<_> = definitions.values().collect();
        assert_eq!(values, [("a", "1"), ("b_2", "x = y")]);
        for (definition, message) in [
            ("a", "`a` defines no variable: write NAME=VALUE"),
            ("=1", "`=1` defines no variable: write NAME=VALUE"),
            ("a=", "`a=` defines no variable: write NAME=VALUE"),
            (
                "1a=1",
                "`1a` is no name of a variable: write letters, digits and underscores, no digit first",
            ),
        ] {
            let error = definitions.define(definition).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
