//! Rows that are there before the fill: a dump's lookup tables, which filled tables reference.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::schema::{RelationName, Schema, Table};

use super::choice::draw::Draw;
use super::column::{ColumnPlan, Event, Source};
use super::plan::TablePlan;
use super::value::shape::Shape;
use super::{EVERY_TABLE, TableSpec};

/// Rows that a table got from the schema's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GivenRows {
    /// The table.
    pub name: RelationName,
    /// All its rows, known here or not.
    pub count: u64,
    /// How many are known here.
    pub known: u64,
    /// The known rows' values of columns that others may reference, none of them NULL.
    pub columns: BTreeMap<String, Vec<String>>,
}

/// Tables whose given rows matter to a fill, and the columns of each: those that it fills, which must
/// be empty, and those that it does not fill but references, by all columns of their keys. A table
/// that [`EVERY_TABLE`] stands for is the one or the other, by whether it has rows.
pub fn wanted_rows<'s>(
    schema: &'s Schema,
    tables: &BTreeMap<String, TableSpec>,
) -> Vec<(&'s Table, BTreeSet<String>)> {
    let filled: BTreeMap<&RelationName, &TableSpec> = tables
        .iter()
        .filter(|(_, spec)| spec.rows > 0)
        .filter_map(|(name, spec)| Some((&schema.table(name)?.name, spec)))
        .collect();
    let every = tables.get(EVERY_TABLE).is_some_and(|spec| spec.rows > 0);
    let is_filled = |table: &Table| every || filled.contains_key(&table.name);
    let mut wanted: BTreeMap<&RelationName, BTreeSet<String>> = BTreeMap::new();
    for (name, spec) in &filled {
        wanted.entry(name).or_default();
        for column in spec.columns.values() {
            let target = column.references.as_deref();
            let parent = target.and_then(|target| target.rsplit_once('.'));
            if let Some((parent, column)) = parent
                && let Some(parent) = schema.table(parent)
            {
                let columns = wanted.entry(&parent.name).or_default();
                columns.insert(column.to_owned());
            }
        }
    }
    for table in schema.tables.iter().filter(|table| is_filled(table)) {
        wanted.entry(&table.name).or_default();
        for key in &table.foreign_keys {
            let columns = wanted.entry(&key.references).or_default();
            columns.extend(key.referenced_columns.iter().cloned());
        }
    }
    let found = schema.tables.iter().filter_map(|table| {
        let mut columns = wanted.remove(&table.name)?;
        match filled.contains_key(&table.name) {
            true => columns.clear(),
            false => columns.extend(table.unique_keys.iter().flat_map(|key| key.columns.clone())),
        }
        columns.retain(|column| table.column(column).is_some());
        Some((table, columns))
    });
    found.collect()
}

impl GivenRows {
    /// The values of a column by their row's number; none where they are not known.
    pub(crate) fn column(&self, name: &str) -> Option<ColumnPlan> {
        let values = self.columns.get(name)?;
        Some(ColumnPlan {
            name: name.to_owned(),
            rows: self.known,
            nulls: Event::default(),
            orphans: Event::default(),
            draw: Draw::Row,
            source: Source::Shape {
                capacity: self.known,
                shape: Shape::Choice(values.clone()),
            },
        })
    }

    /// The table as scripts draw keys from it.
    pub(crate) fn table(
        &self,
        columns: impl IntoIterator<Item = std::sync::Arc<ColumnPlan>>,
    ) -> TablePlan {
        TablePlan {
            name: self.name.clone(),
            rows: self.known,
            columns: columns.into_iter().collect(),
        }
    }

    /// What a reader of the report should know of them.
    pub(crate) fn note(&self) -> Option<String> {
        let Self {
            name, count, known, ..
        } = self;
        (known < count)
            .then(|| format!("{name}: only the first {known} of its {count} rows are referenced"))
    }
}
