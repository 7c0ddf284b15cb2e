//! Production's statements as transactions: a pgbench script for each, whose variables are what its
//! parameters are, so that people can read it, change it and take it over.
//!
//! What a parameter is comes from the text ([`crate::sql::StatementUse`]); which column, from the schema;
//! what its values look like, from the filled tables. Nothing here asks the server.

mod assemble;
mod column;
mod decide;
mod guess;
mod mix;
mod new_row;
mod parameter;
mod range;
mod trial;
mod wish;

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use crate::scenario::statements::ProductionStatement;
use crate::schema::Schema;
use crate::synth::KeyBook;

pub use mix::{Bound, merge, names, weights};
pub use trial::Trial;

/// What values are drawn from.
pub struct Ground<'a> {
    /// The tables.
    pub schema: &'a Schema,
    /// Their rows, by schema-qualified name; of a table that is not filled, none.
    pub rows: BTreeMap<String, u64>,
    /// How far columns' values reach, by schema-qualified table and column.
    pub spans: BTreeMap<(String, String), Span>,
    /// What `\pick` and `\fresh` draw from.
    pub keys: KeyBook,
}

/// How far the values of a column reach: of numbers in units, of dates and times in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The lowest value, as text.
    pub low: String,
    /// The highest value, as text.
    pub high: String,
    /// From the one to the other.
    pub width: f64,
}

/// A statement's script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The script.
    pub script: String,
    /// Parameters whose values are plausible by their type alone.
    pub guessed: usize,
}

impl Ground<'_> {
    /// Writes the script of a statement whose parameters have these types. With `cast`, each parameter is
    /// cast to its type, for statements from which the server cannot infer it.
    ///
    /// # Errors
    /// Why the statement cannot be sent here, in one sentence.
    pub fn draft(
        &mut self,
        statement: &ProductionStatement,
        types: &[Type],
        cast: bool,
    ) -> Result<Draft, String> {
        for table in &statement.usage.tables {
            let Some(table) = self.schema.table(&table.full_name()) else {
                continue;
            };
            if self
                .rows
                .get(&table.name.to_string())
                .is_none_or(|rows| *rows == 0)
            {
                return Err(format!(
                    "table {} has no rows here: give [tables.{}] rows",
                    table.name,
                    table.name.scenario_key()
                ));
            }
        }
        let mut wishes = decide::wishes(self, statement, types);
        range::narrow(self, statement, types, &mut wishes);
        Ok(assemble::assemble(self, statement, (types, cast), wishes))
    }
}
