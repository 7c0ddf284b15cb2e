//! Unique indexes with expressions among their columns.

use crate::schema::{TypeKind, UniqueKey};
use crate::sql::{IndexExpression, read_index_expression};
use crate::synth::error::SynthError;

use super::Planner;

/// The field of a generated JSON object that is different in every row, and those that are not.
const JSON_FIELDS: (&str, [&str; 2]) = ("id", ["kind", "value"]);

/// What an expression adds to a key.
enum Part {
    /// As much as this column.
    Column(String),
    /// NULL in every row: nothing can repeat.
    Null,
    /// Nothing that is known.
    Nothing,
}

impl Planner<'_> {
    /// A key with columns in the place of its expressions that hold it: where these columns' values do
    /// not repeat together, the key's do not. None where it holds whatever the rows are.
    pub(super) fn plain_key(&self, key: &UniqueKey) -> Result<Option<UniqueKey>, SynthError> {
        let mut plain = key.clone();
        let mut given = false;
        for text in &key.expressions {
            let expression = read_index_expression(text);
            given |= self.gives(&expression);
            match self.contribution(expression) {
                Part::Column(column) if !plain.columns.contains(&column) => {
                    plain.columns.push(column);
                }
                Part::Column(_) | Part::Nothing => {}
                Part::Null if !key.nulls_not_distinct => return Ok(None),
                Part::Null => {}
            }
        }
        if !plain.columns.is_empty() || given || self.rows <= 1 {
            return Ok((!plain.columns.is_empty()).then_some(plain));
        }
        let constant = key
            .expressions
            .iter()
            .all(|text| read_index_expression(text) == IndexExpression::Merges(Vec::new()));
        match constant {
            // Such an index lets a table have one row.
            true => Err(SynthError::TooFewCombinations {
                table: self.table.name.to_string(),
                key: key.name.clone(),
                combinations: 1,
                rows: self.rows,
            }),
            false => Err(SynthError::Colliding {
                table: self.table.name.to_string(),
                key: key.name.clone(),
                expression: key.expressions.join(", "),
            }),
        }
    }

    /// Whether the scenario gives the values of a column that an expression is about.
    fn gives(&self, expression: &IndexExpression) -> bool {
        let given = |column: &String| {
            self.world.is_overridden(self.table, column)
                || self.world.spec(self.table, column).sql.is_some()
        };
        match expression {
            IndexExpression::Keeps(column) | IndexExpression::Field { column, .. } => given(column),
            IndexExpression::Merges(columns) => columns.iter().any(given),
        }
    }

    fn contribution(&self, expression: IndexExpression) -> Part {
        match expression {
            IndexExpression::Keeps(column) if self.table.column(&column).is_some() => {
                Part::Column(column)
            }
            IndexExpression::Field { column, name } => {
                let json = self.table.column(&column).is_some_and(|column| {
                    matches!(column.data_type.kind.below_domains(), TypeKind::Base { name, .. }
                        if name == "json" || name == "jsonb")
                });
                let generated = json && !self.world.is_overridden(self.table, &column);
                match (generated, name.as_str()) {
                    (true, name) if name == JSON_FIELDS.0 => Part::Column(column),
                    (true, name) if !JSON_FIELDS.1.contains(&name) => Part::Null,
                    _ => Part::Nothing,
                }
            }
            _ => Part::Nothing,
        }
    }
}
