//! What can be wrong with one column.

use crate::synth::choice::distribution::{DistributionError, MeanError};

use super::SynthError;

/// What is wrong with one column.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// A type that values are not generated for.
    #[error(
        "values of this type are not generated: give it `values`, a `pattern` or \
         `sql = \"<expression over n>\"`"
    )]
    Unsupported,
    /// An override that does not go with the column's type.
    #[error("`{0}` does not apply to this type")]
    WrongOverride(&'static str),
    /// Two overrides of which one is enough.
    #[error("`{0}` and `{1}` exclude each other: give one")]
    Both(&'static str, &'static str),
    /// An override on a column that is not written.
    #[error("the database generates this column's values: it takes no overrides")]
    Generated,
    /// A value that the column cannot hold.
    #[error("`{value}` is not a value of this type (in `{key}`)")]
    WrongValue {
        /// The override.
        key: &'static str,
        /// The value.
        value: String,
    },
    /// Not a distribution.
    #[error(transparent)]
    Distribution(#[from] DistributionError),
    /// A normal distribution over rows whose mean is no share of them.
    #[error(transparent)]
    Mean(#[from] MeanError),
    /// A distribution on something that is not chosen.
    #[error("`distribution` needs `references`, `range`, `values` or `distinct` beside it")]
    NothingToDistribute,
    /// Not between 0 and 1.
    #[error("`{key}` is {value}: it must be between 0 and 1")]
    Fraction {
        /// The override.
        key: &'static str,
        /// Its value.
        value: f64,
    },
    /// Not between −1 and 1.
    #[error("`correlation` is {0}: it must be between -1 and 1")]
    Correlation(f64),
    /// A histogram without a bucket.
    #[error("`histogram` needs two bounds at least")]
    Histogram,
    /// Nulls in a NOT NULL column.
    #[error("the column is NOT NULL: it takes no `null_fraction`")]
    NotNull,
    /// Nulls that a key or an exclusion constraint does not bear.
    #[error("{0}: it takes no `null_fraction`")]
    NeverNull(String),
    /// An override that is empty or zero.
    #[error("`{0}` must not be empty or 0")]
    Empty(&'static str),
    /// Weights that do not go with the values.
    #[error("`weights` must be as many as `values`, none negative and not all 0")]
    Weights,
    /// A range whose end is before its beginning.
    #[error("the range from {low} to {high} is empty")]
    EmptyRange {
        /// As written.
        low: String,
        /// As written.
        high: String,
    },
    /// A CHECK that leaves no value.
    #[error("its CHECKs and its type leave no value: give it `values`")]
    Contradiction,
    /// Text longer than the type allows.
    #[error("{key} needs {needed} characters, but the type holds {allowed}")]
    TooWide {
        /// The override, or what needs the width.
        key: &'static str,
        /// Characters needed.
        needed: u64,
        /// Characters allowed.
        allowed: u32,
    },
    /// Values that an exclusion constraint forbids to overlap, of a type whose values may.
    #[error(
        "exclusion constraint `{0}` forbids its values to overlap, which is not known of this type: \
         give it `values`, a `pattern` or `sql`"
    )]
    Overlaps(String),
    /// Fewer different values than rows.
    #[error(
        "it must be unique over {needed} rows, but has only {capacity} different values: give the \
         table fewer rows, or the column other `values`, `range` or `pattern`"
    )]
    TooFew {
        /// Different values that the column can have.
        capacity: u64,
        /// Different values that it needs.
        needed: u64,
    },
    /// `distinct` on a unique column.
    #[error("it is unique, so `distinct` and `distribution` do not apply")]
    Unique,
    /// A `references` that is not `table.column`.
    #[error("`references` must be \"table.column\", not `{0}`")]
    NotAColumn(String),
    /// A foreign key to a column whose values the database makes.
    #[error("it references `{0}`, which the fill does not write: give it `values` or a `range`")]
    UnwrittenParent(String),
    /// A `references` to what the schema lacks.
    #[error("`references`: {0}")]
    References(Box<SynthError>),
    /// A `references` on a column with a foreign key.
    #[error("it already has foreign key `{0}`: leave `references` out")]
    AlreadyReferences(String),
    /// A `references` to a column of another type.
    #[error("`references` is to a column of type {0}")]
    OtherType(String),
    /// Orphans where a validated foreign key forbids them.
    #[error("foreign key `{0}` allows no orphans: drop it from the schema and use `references`")]
    NoOrphans(String),
    /// Nulls in rows that others need.
    #[error(
        "`null_fraction` leaves rows without a key that `{0}` takes into columns that are NOT NULL: \
         leave it out"
    )]
    NullsOfKeys(String),
    /// Orphans of nothing.
    #[error("`orphan_fraction` needs `references`")]
    OrphansOfNothing,
    /// A parent whose values leave no room for orphans.
    #[error("every possible value of the referenced column is taken: there can be no orphans")]
    NoRoomForOrphans,
}
