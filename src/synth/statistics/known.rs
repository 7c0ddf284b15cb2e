//! What is known of a column before its values are made: the captured statistics, with what the
//! scenario says over them.

use crate::synth::ColumnSpec;

use super::{ColumnStatistics, Distinct};

/// What values of a column shall be like, nulls included.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// The captured statistics as far as the scenario leaves them.
    pub(crate) column: ColumnStatistics,
}

impl Known {
    /// What is known of a column; none where everything is left to its type and the scenario.
    ///
    /// What the scenario gives of the values themselves (`values`, `range`, …) is not described by the
    /// captured ones any more.
    pub(crate) fn of(spec: &ColumnSpec, captured: Option<&ColumnStatistics>) -> Option<Self> {
        let replaced = spec.values.is_some()
            || spec.range.is_some()
            || spec.pattern.is_some()
            || spec.distribution.is_some()
            || spec.references.is_some()
            || spec.sql.is_some()
            || spec.histogram.is_some();
        let described = captured.filter(|_| !replaced);
        if described.is_none() && spec.histogram.is_none() && spec.correlation.is_none() {
            return None;
        }
        let mut column = described.cloned().unwrap_or_default();
        let nulls = captured.map(|captured| captured.null_fraction);
        column.null_fraction = spec.null_fraction.or(nulls).unwrap_or(0.0);
        if let Some(histogram) = &spec.histogram {
            column.histogram = histogram.iter().map(text_of).collect();
        }
        if let Some(distinct) = spec.distinct {
            column.distinct = Some(Distinct::Count(distinct as f64));
        }
        if spec.width.is_some() {
            column.average_width = None;
            column.min_length = None;
            column.max_length = None;
        }
        column.correlation = spec.correlation.or(column.correlation);
        Some(Self { column })
    }

    /// Whether it says more than what a column is like by its type.
    pub(crate) fn is_skewed(&self) -> bool {
        !self.column.most_common.is_empty() || !self.column.histogram.is_empty()
    }

    /// Different values in a table of so many rows, as far as they are known.
    pub(crate) fn different(&self, rows: u64) -> u64 {
        let common = self.column.most_common.len() as u64;
        let distinct = self.column.distinct;
        distinct.map_or(common, |distinct| distinct.of_rows(rows))
    }

    /// The share of rows whose value is neither NULL nor among the most common.
    pub(crate) fn rest(&self) -> f64 {
        let common = self.column.most_common.iter();
        let common: f64 = common.map(|common| common.frequency).sum();
        (1.0 - self.column.null_fraction - common).max(0.0)
    }
}

fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
