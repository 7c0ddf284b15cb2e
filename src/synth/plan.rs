//! The plan of a fill: every value of every row, not yet written.

use std::ops::Range;
use std::sync::Arc;

use crate::schema::RelationName;

use super::column::ColumnPlan;

/// Which values every row has: a function of (seed, table, column, row number), whatever the order
/// in which rows are made.
#[derive(Debug, Clone)]
pub struct FillPlan {
    /// The tables that the scenario names, in the schema's order.
    pub tables: Vec<TablePlan>,
    /// Tables that the fill references and leaves as the schema's files filled them.
    pub given: Vec<TablePlan>,
    /// Validated foreign keys, by table and name, whose columns the scenario gives values itself: only
    /// the server knows whether they hold.
    pub trusted_keys: Vec<(RelationName, String)>,
    /// What the reader of a report should know: columns left NULL or to their default, CHECKs not
    /// understood.
    pub notes: Vec<String>,
}

/// One table of the fill.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// Its name.
    pub name: RelationName,
    /// Its rows, numbered from 0.
    pub rows: u64,
    /// The columns that are written, in the table's order; the others are left to the database.
    pub columns: Vec<Arc<ColumnPlan>>,
}

impl FillPlan {
    /// The table that a script or scenario means by `name` or `schema.name`.
    pub fn table(&self, name: &str) -> Option<&TablePlan> {
        let tables = self.tables.iter().chain(&self.given);
        RelationName::find(name, tables, |table| &table.name)
    }

    /// The filled tables and the given ones.
    pub fn with_rows(&self) -> impl Iterator<Item = &TablePlan> {
        self.tables.iter().chain(&self.given)
    }

    /// Rows to write, of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

impl TablePlan {
    /// The written column of this name.
    pub fn column(&self, name: &str) -> Option<&Arc<ColumnPlan>> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Appends rows in COPY's text format, until `out` holds `limit` bytes, and returns the first
    /// row not written.
    pub fn encode(&self, rows: Range<u64>, limit: usize, out: &mut Vec<u8>) -> u64 {
        for row in rows.clone() {
            if out.len() >= limit {
                return row;
            }
            for (index, column) in self.columns.iter().enumerate() {
                if index > 0 {
                    out.push(b'\t');
                }
                column.copy(row, out);
            }
            out.push(b'\n');
        }
        rows.end
    }
}
