//! Rows as a pure function of (seed, table, column, row number).

//!
//! A column's value in a row is made in two steps. Its *draw* turns the row's number into an ordinal:
//! the row itself, a choice by a distribution, a digit of the row in a mixed radix. Its *shape* turns
//! the ordinal into text; a foreign key's ordinal is a row of the parent, whose value it takes. Shapes
//! give different values for different ordinals, so whatever the draw keeps apart is unique.

mod build;
mod cases;
mod choice;
mod column;
mod error;
mod evaluated;
mod every;
mod given;
mod keybook;
mod keys;
mod limits;
mod overrides;
mod own;
mod partition;
mod plan;
pub mod statistics;
mod survey;
mod value;
mod world;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use choice::distribution::{Distribution, DistributionError, MeanError};
pub use column::ColumnPlan;
pub use error::{Problem, SynthError};
pub use evaluated::{Answers, Question};
pub use every::EVERY_TABLE;
pub use given::{GivenRows, wanted_rows};
pub use keybook::KeyBook;
pub use plan::{FillPlan, TablePlan};
pub use statistics::{ColumnStatistics, Distinct, MostCommon, Statistics, TableStatistics};

/// How many rows a table gets and what the scenario says of its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableSpec {
    /// Rows to fill.
    pub rows: u64,
    /// Overrides by column name.
    pub columns: BTreeMap<String, ColumnSpec>,
    /// What is known of columns from a captured database, by column name; overrides win.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statistics: BTreeMap<String, ColumnStatistics>,
    /// Of [`EVERY_TABLE`], what is known of the tables that it stands for, by `schema.name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unnamed: BTreeMap<String, TableStatistics>,
}

/// What a scenario says of one column (DESIGN §6).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnSpec {
    /// `table.column` whose values it takes, where no foreign key says it.
    pub references: Option<String>,
    /// `uniform`, `zipf(s)`, `normal(mean,sd)`, `exponential(rate)`, `sequence`.
    pub distribution: Option<String>,
    /// Share of nulls.
    pub null_fraction: Option<f64>,
    /// Share of keys that point nowhere.
    pub orphan_fraction: Option<f64>,
    /// The values to choose from.
    pub values: Option<Vec<toml::Value>>,
    /// Their relative frequencies.
    pub weights: Option<Vec<f64>>,
    /// Lowest and highest value.
    pub range: Option<[toml::Value; 2]>,
    /// A text in which `{n}` is the row number from 1.
    pub pattern: Option<String>,
    /// Characters (or bytes, of bytea) a value has.
    pub width: Option<u32>,
    /// Distinct values.
    pub distinct: Option<u64>,
    /// A SQL expression over `n`, the row number from 1, that the server evaluates.
    pub sql: Option<String>,
    /// How far the order of the values follows the order of the rows: −1 to 1, as
    /// `pg_stats.correlation`.
    pub correlation: Option<f64>,
    /// Values, in order, between which lie equally many rows each.
    pub histogram: Option<Vec<toml::Value>>,
}

#[cfg(test)]
mod tests;
