//! Unique keys whose columns have their values from other tables of a circle.

use std::collections::BTreeMap;

use crate::schema::{RelationName, Table, TypeKind, UniqueKey};

use super::Pairing;

impl Pairing<'_, '_> {
    /// Has the columns that values come from keep the keys of those that take them.
    pub(super) fn promise(&mut self) {
        for name in self.round.tables() {
            let Some((table, _)) = self.all.get(&name) else {
                continue;
            };
            for key in &table.unique_keys {
                let (theirs, own): (Vec<&String>, Vec<&String>) = key
                    .columns
                    .iter()
                    .partition(|column| self.follows(table, column));
                // Columns with many values keep a key by themselves.
                if theirs.is_empty() || own.iter().any(|column| !is_list(table, column)) {
                    continue;
                }
                let sources = theirs
                    .into_iter()
                    .filter_map(|column| self.sources.get(&(name.clone(), column.clone())));
                let mut parts: BTreeMap<&RelationName, Vec<String>> = BTreeMap::new();
                for (parent, column) in sources {
                    parts.entry(parent).or_default().push(column.clone());
                }
                // Where one part is different in all rows, so is the whole.
                let part = parts.remove_entry(&self.head).or_else(|| parts.pop_first());
                if let Some((parent, columns)) = part {
                    let key = UniqueKey {
                        name: key.name.clone(),
                        primary: false,
                        columns,
                        partial: false,
                        predicate: None,
                        expressions: Vec::new(),
                        nulls_not_distinct: key.nulls_not_distinct,
                    };
                    self.result.keys.push((parent.clone(), key));
                }
            }
        }
    }

    /// Lets promised keys that share columns with others hold by the columns with many values alone:
    /// those with few cannot count for several keys.
    pub(super) fn part(&mut self) {
        let before = self.result.keys.clone();
        for (name, key) in &mut self.result.keys {
            let Some((table, _)) = self.all.get(name) else {
                continue;
            };
            let promised = before.iter().filter(|(other, _)| other == name);
            let mut others = (table.unique_keys.iter()).chain(promised.map(|(_, key)| key));
            let holds = |one: &UniqueKey, other: &UniqueKey| {
                let mut columns = other.columns.iter();
                columns.all(|column| one.columns.contains(column))
            };
            let crosses = others.any(|other| {
                let mut columns = other.columns.iter();
                columns.any(|column| key.columns.contains(column))
                    && !holds(key, other)
                    && !holds(other, key)
            });
            let many = |column: &String| !is_list(table, column);
            if crosses && key.columns.iter().any(many) {
                key.columns.retain(many);
            }
        }
    }
}

/// Whether a column has one of few values.
fn is_list(table: &Table, name: &str) -> bool {
    table
        .column(name)
        .is_some_and(|column| match column.data_type.kind.below_domains() {
            TypeKind::Enum { .. } => true,
            TypeKind::Base { name, .. } => name == "bool",
            _ => false,
        })
}
