//! The schema and the data's invariants before and after a migration, and what it left behind.

use serde::{Deserialize, Serialize};

/// The schema and the data's invariants before and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Integrity {
    /// A digest of the schema before the migration.
    pub fingerprint_before: Option<String>,
    /// A digest of the schema after it.
    pub fingerprint_after: Option<String>,
    /// What the schema has after the migration other than before, a line each, as a diff.
    #[serde(default)]
    pub schema_diff: Vec<String>,
    /// Indexes that the migration left invalid, schema-qualified.
    pub invalid_indexes: Vec<String>,
    /// Constraints that the migration left not validated, as `schema.table.constraint`.
    pub unvalidated_constraints: Vec<String>,
    /// Sequences that the migration left behind the columns that they number.
    #[serde(default)]
    pub lagging_sequences: Vec<LaggingSequence>,
    /// Rows that the migration's own statements took away for good.
    #[serde(default)]
    pub lost_rows: Vec<LostRows>,
    /// The scenario's invariants.
    pub invariants: Vec<Invariant>,
    /// What a failed or aborted migration left behind, a sentence each.
    pub leftovers: Vec<String>,
}

impl Integrity {
    /// How many things are not as they should be.
    pub fn faults(&self) -> usize {
        let broken = self.invariants.iter().filter(|invariant| !invariant.passed);
        broken.count()
            + self.leftovers.len()
            + self.invalid_indexes.len()
            + self.lagging_sequences.len()
    }

    /// Holds the invariants to what they must be afterwards, whatever they were before.
    pub fn judge_after_alone(&mut self) {
        for invariant in &mut self.invariants {
            invariant.passed = invariant.worst() == Some(invariant.expect);
        }
    }

    /// That with the most faults, the first of equals.
    pub fn worst<'a>(all: impl IntoIterator<Item = &'a Self>) -> Option<&'a Self> {
        all.into_iter()
            .reduce(|worst, other| match other.faults() > worst.faults() {
                true => other,
                false => worst,
            })
    }
}

/// One invariant's values. All are read in one snapshot at each moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invariant {
    /// Its name in the scenario.
    pub name: String,
    /// Its value before the migration.
    pub before: i64,
    /// Its value at the moment when the migration had ended, under traffic; none if it could not be read
    /// or there was no traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_end: Option<i64>,
    /// Its value after the recovery; none if it could not be read.
    pub after: Option<i64>,
    /// Why it could not be read after the migration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it must be.
    pub expect: i64,
    /// Whether it was, whenever it was read.
    pub passed: bool,
}

impl Invariant {
    /// Of the values since the migration's end the one that is farthest from what it must be; none if
    /// the last one could not be read.
    pub fn worst(&self) -> Option<i64> {
        let values = [self.after, self.at_end.filter(|_| self.after.is_some())];
        values
            .into_iter()
            .flatten()
            .max_by_key(|value| value.abs_diff(self.expect))
    }
}

/// A sequence whose next value is already in the column that it numbers: the next insert fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaggingSequence {
    /// The sequence, schema-qualified.
    pub sequence: String,
    /// The column, as `schema.table.column`.
    pub column: String,
    /// What it gives next.
    pub next: i64,
    /// The column's highest value.
    pub highest: i64,
}

/// Rows that a statement of the migration took away for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRows {
    /// The table, schema-qualified, as it was named then.
    pub relation: String,
    /// How they went.
    pub how: RowChangeKind,
    /// How many; of a table that was dropped or truncated as the planner estimated it.
    pub rows: u64,
    /// The statement, from 0.
    pub statement: usize,
}

/// Rows of one table that a statement changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    /// The table, schema-qualified.
    pub relation: String,
    /// What became of them.
    pub kind: RowChangeKind,
    /// How many; of a table that was dropped or truncated as the planner estimated it.
    pub rows: u64,
}

/// What becomes of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowChangeKind {
    /// They are new.
    Inserted,
    /// They have other values.
    Updated,
    /// `DELETE` took them.
    Deleted,
    /// `TRUNCATE` took them.
    Truncated,
    /// They went with their table.
    Dropped,
}

impl RowChangeKind {
    /// Whether the rows are gone.
    pub fn is_loss(self) -> bool {
        matches!(self, Self::Deleted | Self::Truncated | Self::Dropped)
    }

    /// The participle: `deleted`.
    pub fn participle(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Truncated => "truncated",
            Self::Dropped => "dropped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_value_since_the_migration_counts() {
        let mut invariant = Invariant {
            name: "i".to_owned(),
            before: 0,
            at_end: Some(7),
            after: Some(-2),
            error: None,
            expect: 0,
            passed: false,
        };
        assert_eq!(invariant.worst(), Some(7));
        invariant.at_end = None;
        assert_eq!(invariant.worst(), Some(-2));
        (invariant.at_end, invariant.after) = (Some(7), None);
        assert_eq!(invariant.worst(), None);
    }
}
