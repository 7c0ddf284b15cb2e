//! Values of new rows: new where they are unique, a parent's where they are its keys, else those of an
//! existing row.

use tokio_postgres::types::Type;

use super::column::{can_be_named, element, fits, inserted};
use super::wish::{Draw, Group, Part};
use crate::scenario::statements::ProductionStatement;
use crate::schema::{Column, ForeignKey, Schema, Table};
use crate::sql::{Inserted, OnConflict, Role};

/// The rows that a statement inserts.
pub(super) struct NewRows<'a, 's> {
    pub(super) schema: &'s Schema,
    pub(super) statement: &'a ProductionStatement,
    /// The parameters' types.
    pub(super) types: &'a [Type],
}

impl<'s> NewRows<'_, 's> {
    /// The value of a parameter for the row of this number.
    pub(super) fn part(&self, index: usize, value: &Inserted, row: usize) -> Part<'s> {
        let found = inserted(self.schema, value);
        let Some((table, column)) = found.filter(|(table, column)| {
            let own = self.types.get(index);
            let of = if value.array { own.map(element) } else { own };
            can_be_named(table, &column.name) && of.is_some_and(|of| fits(column, of))
        }) else {
            return Part::Guess;
        };
        if self.must_be_new()
            && let Some(key) = self.unique_key(table, &column.name)
        {
            return Part::Draw(Draw {
                group: Group::Fresh(row, key),
                table,
                column,
            });
        }
        match self.parent(table, &column.name) {
            Some((table, column)) => Part::Draw(Draw {
                group: Group::Alone(index, row),
                table,
                column,
            }),
            None => Part::Draw(Draw {
                group: Group::Model(row),
                table,
                column,
            }),
        }
    }

    /// Whether a row that is inserted must not be there already: an upsert mostly meets one that is.
    fn must_be_new(&self) -> bool {
        match self.statement.usage.on_conflict {
            None => true,
            Some(OnConflict::Update) => false,
            Some(OnConflict::Nothing) => self.statement.load.rows_per_call() >= 0.5,
        }
    }

    /// The columns that the statement gives values to.
    fn given(&self, table: &Table) -> Vec<&'s str> {
        let parameters = self.statement.usage.parameters.iter();
        parameters
            .filter_map(|parameter| match &parameter.role {
                Role::Inserted(value) => inserted(self.schema, value),
                _ => None,
            })
            .filter(|(own, _)| own.name == table.name)
            .map(|(_, column)| column.name.as_str())
            .collect()
    }

    /// The name of the first unique key that a column is in, all of whose columns are given: one new part
    /// of a key makes it new, so a later key is passed over where an earlier one has renewed it.
    fn unique_key(&self, table: &Table, column: &str) -> Option<String> {
        let given = self.given(table);
        let mut renewed: Vec<&str> = Vec::new();
        for key in &table.unique_keys {
            let of_expressions =
                |column: &&&str| key.expressions.iter().any(|text| text.contains(**column));
            let mentioned: Vec<&str> = match key.expressions.is_empty() {
                true => key.columns.iter().map(String::as_str).collect(),
                false => given.iter().filter(of_expressions).copied().collect(),
            };
            let is_given = mentioned.iter().all(|column| given.contains(column));
            if !is_given || mentioned.iter().any(|column| renewed.contains(column)) {
                continue;
            }
            if mentioned.contains(&column) {
                return Some(key.name.clone());
            }
            renewed.extend(mentioned);
        }
        None
    }

    /// The parent's column that a foreign key of one column points at, where it is the only one that the
    /// statement gives values to: several may have to agree, as those of a row of the table do.
    fn parent(&self, table: &Table, column: &str) -> Option<(&'s Table, &'s Column)> {
        let given = self.given(table);
        let is_given = |key: &&ForeignKey| {
            key.columns
                .iter()
                .any(|column| given.contains(&column.as_str()))
        };
        let mut keys = table.foreign_keys.iter().filter(is_given);
        let key = keys.next().filter(|_| keys.next().is_none())?;
        if key.columns != [column] {
            return None;
        }
        let parent = self.schema.table(&key.references.to_string())?;
        let referenced = parent.column(key.referenced_columns.first()?)?;
        can_be_named(parent, &referenced.name).then_some((parent, referenced))
    }
}
