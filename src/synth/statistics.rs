//! What a captured database says of its columns' values.

use serde::{Deserialize, Serialize};

/// What is known of one column, as `pg_stats` has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnStatistics {
    /// Share of nulls.
    pub null_fraction: f64,
}
