//! Why rows cannot be made, and what the scenario can say so that they can.

use super::distribution::{DistributionError, MeanError};

/// A scenario and a schema for which no rows can be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SynthError {
    /// A table that the schema lacks.
    #[error("the schema has no table `{table}`{}", suggestion(near))]
    NoTable {
        /// As the scenario writes it.
        table: String,
        /// The table whose name is nearest.
        near: Option<String>,
    },
    /// A relation that is not filled.
    #[error(
        "`{name}` is {kind}: only tables get rows; leave it out of the scenario, \
         or make it an ordinary table in the schema"
    )]
    NotATable {
        /// Its name.
        name: String,
        /// What it is, with its article.
        kind: String,
    },
    /// One table under two names.
    #[error("`{0}` is given rows twice: name it once under [tables]")]
    SameTable(String),
    /// A table that shall be filled and has rows of the schema's files.
    #[error(
        "`{table}` has {rows} rows already, from the schema's files: leave it out of [tables] to use \
         these, or leave its data out of the schema (pg_dump --exclude-table-data)"
    )]
    HasRows {
        /// The table.
        table: String,
        /// Its rows.
        rows: u64,
    },
    /// A column that the table lacks.
    #[error("table `{table}` has no column `{column}`{}", suggestion(near))]
    NoColumn {
        /// The table.
        table: String,
        /// As the scenario writes it.
        column: String,
        /// The column whose name is nearest.
        near: Option<String>,
    },
    /// A column whose values cannot be made.
    #[error("`{table}.{column}` ({data_type}): {problem}")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The column's type.
        data_type: String,
        /// What is wrong and what to do.
        problem: Problem,
    },
    /// A NOT NULL foreign key to a table that gets no rows.
    #[error(
        "`{table}` has rows and its foreign key `{constraint}` is NOT NULL, but `{parent}` has none: \
         give [tables.{parent}] rows, or let the schema's files bring them"
    )]
    EmptyParent {
        /// The referencing table.
        table: String,
        /// The constraint, or the column of a `references`.
        constraint: String,
        /// The table without rows.
        parent: String,
    },
    /// Foreign keys whose values depend on each other.
    #[error(
        "the foreign keys of `{0}` go round in a circle and it is NOT NULL: give one of its columns \
         `values` or a `range`"
    )]
    Circle(String),
    /// Keys that reference each other, of tables that cannot have the same ones.
    #[error(
        "the keys of `{table}` and `{other}` reference each other, so that both must have the same \
         number of rows: not {rows} and {fewer}"
    )]
    CircleRows {
        /// The larger table.
        table: String,
        /// Its rows.
        rows: u64,
        /// The smaller table.
        other: String,
        /// Its rows.
        fewer: u64,
    },
    /// A unique key with fewer combinations than the table has rows.
    #[error(
        "unique key `{key}` of `{table}` has only {combinations} combinations of values for {rows} \
         rows: give the table fewer rows, or what it references more"
    )]
    TooFewCombinations {
        /// The table.
        table: String,
        /// The index.
        key: String,
        /// How many rows it could have.
        combinations: u64,
        /// How many rows it shall have.
        rows: u64,
    },
    /// A unique index with an expression that is not understood.
    #[error(
        "unique index `{key}` of `{table}` is on {expression}, whose values may repeat whatever the \
         rows are: give a column that it mentions `values`, a `pattern` or `sql` that keep it unique"
    )]
    Colliding {
        /// The table.
        table: String,
        /// The index.
        key: String,
        /// The expressions.
        expression: String,
    },
    /// An exclusion constraint that no plan is known for.
    #[error(
        "exclusion constraint `{constraint}` of `{table}`: rows that do not exclude each other are not \
         known; give one of its columns `values`, a `pattern` or `sql` that keep rows apart"
    )]
    Excluded {
        /// The table.
        table: String,
        /// The constraint.
        constraint: String,
    },
    /// A hash partition that is missing.
    #[error(
        "`{table}` lacks a hash partition, so that rows whose hash has none cannot be written: create \
         all remainders of its modulus in the schema"
    )]
    MissingPartition {
        /// The table.
        table: String,
    },
    /// Hash partitions whose own partitions differ.
    #[error(
        "partitions of `{table}` among which rows go by hash, or by an expression, are partitioned \
         differently themselves: give the columns of their keys `values` or a `range`"
    )]
    UnlikePartitions {
        /// The table.
        table: String,
    },
    /// A table none of whose partitions takes rows.
    #[error(
        "no partition of `{table}` takes rows that its constraints and foreign keys allow: create \
         partitions in the schema, or give the columns of its key `values` or a `range`"
    )]
    NoPartition {
        /// The table.
        table: String,
    },
    /// Partitions with fewer different keys than rows.
    #[error(
        "the partitions of `{table}` hold only {capacity} different keys for {rows} rows: give the \
         table fewer rows, or wider partitions in the schema"
    )]
    TooFewInPartitions {
        /// The table.
        table: String,
        /// Rows that it could have.
        capacity: u64,
        /// Rows that it shall have.
        rows: u64,
    },
    /// Conditions that leave no row.
    #[error(
        "no row of `{table}` can satisfy {constraints} as it is understood: say what holds with \
         `values`, `range` or `pattern` for {columns} under [tables.{section}.columns]"
    )]
    NoCase {
        /// The table.
        table: String,
        /// The constraints.
        constraints: String,
        /// Their columns.
        columns: String,
        /// The table's key in a scenario.
        section: String,
    },
    /// Foreign keys that share a column and cannot all hold.
    #[error(
        "foreign key `{constraint}` of `{table}` shares column `{column}` with another one and rows \
         that satisfy both are not found: give its columns `values`, or make one of them nullable"
    )]
    SharedColumn {
        /// The table.
        table: String,
        /// The foreign key.
        constraint: String,
        /// The shared column.
        column: String,
    },
}

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

fn suggestion(near: &Option<String>) -> String {
    match near {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    }
}

impl SynthError {
    /// Whether foreign keys that go round in a circle may be why, and NULLs in them may help.
    pub(crate) fn is_of_circle(&self) -> bool {
        matches!(self, Self::Circle(_) | Self::SharedColumn { .. })
    }
}

/// The name nearest to a mistyped one, none where all are far.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}
