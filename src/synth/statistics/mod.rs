//! What a captured database says of its tables: the format of `statistics.json` (docs/statistics.md).

mod follow;
mod known;
mod listed;
mod measure;
mod parents;
mod plan;
mod prose;
mod ranks;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schema::{RelationName, Schema};
use crate::units::Rows;

pub(crate) use follow::follow;
pub(crate) use known::Known;
pub(crate) use parents::parents;
pub(crate) use plan::Role;
pub(crate) use ranks::Ranks;

/// The version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

/// A whole `statistics.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// [`FORMAT_VERSION`] of the tool that wrote it.
    pub format_version: u32,
    /// `server_version` of the database that it was captured from.
    pub postgres_version: String,
    /// Tables by `schema.name`, unquoted.
    pub tables: BTreeMap<String, TableStatistics>,
}

/// One table, as `pg_class` and `pg_stats` have it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableStatistics {
    /// `pg_class.reltuples`.
    pub rows: u64,
    /// `pg_class.relpages`, of 8 kB as PostgreSQL is built by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// `pg_total_relation_size`: with indexes and TOAST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Columns by name.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnStatistics>,
}

/// What is known of one column, as `pg_stats` has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnStatistics {
    /// `null_frac`: share of nulls, 0 to 1.
    pub null_fraction: f64,
    /// `n_distinct`: different values, NULL aside; none where PostgreSQL does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct: Option<Distinct>,
    /// `avg_width`: bytes of a value as stored, the header of a value of variable length included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_width: Option<u32>,
    /// `correlation`: how far the order of the values follows the order of the rows, −1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation: Option<f64>,
    /// `most_common_freqs` and, where they may leave production, `most_common_vals`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub most_common: Vec<MostCommon>,
    /// `histogram_bounds`: values, in order, between which lie equally many of the rows whose value is
    /// not among the most common. Empty where values may not leave production.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub histogram: Vec<String>,
    /// Fewest characters (bytes, of `bytea`) of a value. Not of `pg_stats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Most characters (bytes, of `bytea`) of a value. Not of `pg_stats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// What is known of the elements of arrays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elements: Option<ElementStatistics>,
}

/// One value that many rows have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MostCommon {
    /// Share of all rows, those with NULL included.
    pub frequency: f64,
    /// The value's text; none where values may not leave production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The elements of an array column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElementStatistics {
    /// The last of `elem_count_histogram`: different elements of an array, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_count: Option<f64>,
    /// `most_common_elem_freqs` and, where they may leave, `most_common_elems`: shares of the rows
    /// whose array holds the element.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub most_common: Vec<MostCommon>,
}

/// How many different values a column has, written as `pg_stats.n_distinct` is: above 0 the number of
/// values, however many rows there are; below 0 the number divided by the rows, negated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub enum Distinct {
    /// So many.
    Count(f64),
    /// So many a row, above 0 and up to 1.
    Share(f64),
}

/// A `distinct` that PostgreSQL would not write.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "distinct is {0}: above 0 it is a number of values, from -1 to below 0 a share of the rows"
)]
pub struct DistinctError(f64);

impl TryFrom<f64> for Distinct {
    type Error = DistinctError;

    fn try_from(number: f64) -> Result<Self, DistinctError> {
        match number {
            count if count > 0.0 && count.is_finite() => Ok(Self::Count(count)),
            share if (-1.0..0.0).contains(&share) => Ok(Self::Share(-share)),
            other => Err(DistinctError(other)),
        }
    }
}

impl From<Distinct> for f64 {
    fn from(distinct: Distinct) -> Self {
        match distinct {
            Distinct::Count(count) => count,
            Distinct::Share(share) => -share,
        }
    }
}

impl Distinct {
    /// The number of values in a table of so many rows, one at least.
    pub(crate) fn of_rows(self, rows: u64) -> u64 {
        let number = match self {
            Self::Count(count) => count,
            Self::Share(share) => share * rows as f64,
        };
        (number.round() as u64).clamp(1, rows.max(1))
    }
}

/// Why a `statistics.json` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatisticsError {
    /// Not JSON of this format.
    #[error("{0}; see docs/statistics.md")]
    Format(String),
    /// Of another version.
    #[error(
        "format_version is {0}, but this version of pgrehearse reads {FORMAT_VERSION}: capture it again"
    )]
    Version(u32),
    /// A number that is none of its kind.
    #[error("{column}: {key} is {value}: it must be from {least} to 1")]
    Number {
        /// `table.column`.
        column: String,
        /// The field.
        key: &'static str,
        /// Its value.
        value: String,
        /// The least that it may be.
        least: &'static str,
    },
}

impl Statistics {
    /// Reads the text of a `statistics.json`.
    ///
    /// # Errors
    /// What is not of the format, by line and column; a share that is none, by table and column.
    pub fn parse(text: &str) -> Result<Self, StatisticsError> {
        let statistics: Self = serde_json::from_str(text)
            .map_err(|error| StatisticsError::Format(error.to_string()))?;
        if statistics.format_version != FORMAT_VERSION {
            return Err(StatisticsError::Version(statistics.format_version));
        }
        for (table, of_table) in &statistics.tables {
            for (column, of_column) in &of_table.columns {
                of_column.check(&format!("{table}.{column}"))?;
            }
        }
        Ok(statistics)
    }

    /// The table that a scenario or a schema means by `name` or `schema.name`.
    pub fn table(&self, name: &str) -> Option<&TableStatistics> {
        let tables = self.tables.iter().map(|(key, table)| {
            let (schema, name) = key.split_once('.').unwrap_or(("public", key));
            let name = RelationName {
                schema: schema.to_owned(),
                name: name.to_owned(),
            };
            (name, table)
        });
        let tables: Vec<_> = tables.collect();
        RelationName::find(name, tables.iter(), |(name, _)| name).map(|(_, table)| *table)
    }

    /// Tables that a schema lacks, one note for all: production is ahead of it, or behind.
    pub fn strangers(&self, schema: &Schema) -> Option<String> {
        let known = |name: &&String| {
            let is = |table: &RelationName| table.to_string() == **name;
            schema.tables.iter().any(|table| is(&table.name))
                || schema.others.iter().any(|other| is(&other.name))
        };
        let strange: Vec<&str> = self
            .tables
            .keys()
            .filter(|name| !known(name))
            .map(String::as_str)
            .collect();
        (!strange.is_empty()).then(|| {
            let names = strange.join(", ");
            format!("the statistics know tables that the schema has not: {names}")
        })
    }
}

impl TableStatistics {
    /// Its rows; none where it was never analyzed, or is empty.
    pub fn known_rows(&self) -> Option<Rows> {
        (self.rows > 0).then_some(Rows(self.rows))
    }
}

impl ColumnStatistics {
    fn check(&self, column: &str) -> Result<(), StatisticsError> {
        let elements = self.elements.iter().flat_map(|of| &of.most_common);
        let frequencies = self.most_common.iter().chain(elements);
        let shares = frequencies.map(|common| ("frequency", common.frequency, 0.0));
        let own = [
            ("null_fraction", self.null_fraction, 0.0),
            ("correlation", self.correlation.unwrap_or(0.0), -1.0),
        ];
        for (key, value, least) in shares.chain(own) {
            if !(least..=1.0).contains(&value) {
                return Err(StatisticsError::Number {
                    column: column.to_owned(),
                    key,
                    value: value.to_string(),
                    least: if least < 0.0 { "-1" } else { "0" },
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
