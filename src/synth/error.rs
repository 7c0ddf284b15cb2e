//! Why rows cannot be made, and what the scenario can say so that they can.

mod problem;

pub use problem::Problem;

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
