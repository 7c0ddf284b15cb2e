//! `[tables."*"]`: rows for all tables that the scenario does not name, as many as each can hold.

use std::collections::BTreeMap;

use crate::schema::RelationName;

use super::error::{Problem, SynthError};

/// The name under `[tables]` that stands for all tables that no other name stands for and that have
/// no rows of the schema's files.
pub const EVERY_TABLE: &str = "*";

/// The tables that [`EVERY_TABLE`] stands for. Nobody has looked at each of them, so one that cannot
/// hold the rows asked for, such as a table of one row, gets as many as it can.
#[derive(Debug, Default, Clone)]
pub(super) struct Unnamed<'a> {
    /// Rows that every one of them shall have.
    asked: u64,
    /// Rows of each.
    rows: BTreeMap<&'a RelationName, u64>,
    /// Why some have fewer, in the order in which it was found out.
    reasons: BTreeMap<&'a RelationName, String>,
}

impl<'a> Unnamed<'a> {
    pub(super) fn new(asked: u64, tables: impl Iterator<Item = &'a RelationName>) -> Self {
        Self {
            asked,
            rows: tables.map(|table| (table, asked)).collect(),
            reasons: BTreeMap::new(),
        }
    }

    /// The rows of a table, none of one that is named.
    pub(super) fn rows(&self, table: &RelationName) -> Option<u64> {
        self.rows.get(table).copied()
    }

    /// Gives the table that an error is about as many rows as the error says that it can have.
    /// Whether it can have some, though fewer: else the error stands.
    pub(super) fn shrink(&mut self, error: &SynthError) -> bool {
        let Some(limit) = Limit::of(error) else {
            return false;
        };
        let mut rows = self.rows.iter_mut();
        let Some((table, rows)) = rows.find(|(table, _)| table.to_string() == limit.table) else {
            return false;
        };
        let shrinks = (1..*rows).contains(&limit.rows);
        if shrinks {
            *rows = limit.rows;
            self.reasons.insert(table, limit.reason);
        }
        shrinks
    }

    /// What a reader of the report should know of the tables with fewer rows.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let Self { asked, rows, .. } = self;
        self.reasons.iter().map(move |(table, reason)| {
            let held = rows.get(table).copied().unwrap_or_default();
            format!("{table} has {held} of the {asked} rows that [tables.\"*\"] asks for: {reason}")
        })
    }
}

/// How many rows a table can have.
struct Limit<'e> {
    table: &'e str,
    rows: u64,
    reason: String,
}

impl<'e> Limit<'e> {
    /// The limit that an error is about, if it is about one.
    fn of(error: &'e SynthError) -> Option<Self> {
        match error {
            SynthError::TooFewCombinations {
                table,
                key,
                combinations,
                ..
            } => Some(Self {
                table,
                rows: *combinations,
                reason: format!("its unique key {key} has no more combinations of values"),
            }),
            SynthError::Column {
                table,
                column,
                problem: Problem::TooFew { capacity, .. },
                ..
            } => Some(Self {
                table,
                rows: *capacity,
                reason: format!("its {column} is unique and has no more values"),
            }),
            SynthError::CircleRows {
                table,
                other,
                fewer,
                ..
            } => Some(Self {
                table,
                rows: *fewer,
                reason: format!(
                    "{other}, whose keys and its own reference each other, has no more"
                ),
            }),
            _ => None,
        }
    }
}
