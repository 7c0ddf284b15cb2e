//! Which column of a unique key can be unique by itself.

use crate::schema::{Column, TypeKind, UniqueKey};
use crate::synth::error::SynthError;
use crate::synth::limits::Limits;
use crate::synth::partition::key_columns;

use super::Planner;

impl Planner<'_> {
    /// The column that is most easily made unique, and whether it is a number, which can as well
    /// count within the other columns.
    pub(super) fn best_free_column(
        &self,
        key: &UniqueKey,
    ) -> Result<Option<(String, bool)>, SynthError> {
        let mut free = Vec::new();
        for column in key
            .columns
            .iter()
            .filter_map(|name| self.table.column(name))
        {
            if self.is_free(column) && !(key.columns.len() > 1 && self.is_narrow(column)?) {
                free.push((column.name.clone(), is_number(column)));
            }
        }
        // Others before numbers: a timestamp can be unique and look natural. What decides where a row
        // lies has other things to do.
        let partitioning = self.table.partitioning.as_ref();
        let deciding = partitioning.map(key_columns).unwrap_or_default();
        Ok(free
            .into_iter()
            .min_by_key(|(name, number)| (deciding.contains(name), *number)))
    }

    /// Has a number that counts within the columns of another key, as that of an issue in its
    /// project, count all rows instead, so that it is unique whatever else this key has; false
    /// where the key has no such number.
    pub(super) fn count_all_rows(&mut self, key: &UniqueKey) -> Result<bool, SynthError> {
        for column in key
            .columns
            .iter()
            .filter_map(|name| self.table.column(name))
        {
            if self.counts_within(&column.name) && (self.capacity)(column)? >= self.rows {
                self.result.digits.remove(&column.name);
                self.result.indexed.remove(&column.name);
                self.result.unique.insert(column.name.clone());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a column is the number of rows within the columns of a key.
    fn counts_within(&self, column: &str) -> bool {
        let digit = self.result.digits.get(column);
        let index = self.result.indexed.get(column);
        digit.is_some_and(|digit| digit.radix.is_none())
            || index.is_some_and(|(_, part)| part.is_none())
    }

    /// Whether nothing else decides its values, and there are many.
    pub(super) fn is_free(&self, column: &Column) -> bool {
        let (name, spec) = (&column.name, self.world.spec(self.table, &column.name));
        let numbered = |pattern: &String| pattern.contains("{n}");
        let chosen = spec.values.is_some()
            || spec.distinct.is_some()
            || spec.distribution.is_some()
            || !spec.pattern.as_ref().is_none_or(numbered);
        let fixed = self.links.of.contains_key(name) || self.result.is_decided(name);
        let limits = Limits::of(self.table, name, &column.data_type.kind).0;
        let overridden = self.world.is_overridden(self.table, name);
        let limited = !overridden && limits.leave_few(&column.data_type.kind);
        !chosen && !fixed && !limited
    }

    /// Whether a range, of the scenario or of its CHECKs, holds fewer values than there are rows.
    fn is_narrow(&self, column: &Column) -> Result<bool, SynthError> {
        let limits = Limits::of(self.table, &column.name, &column.data_type.kind).0;
        let ranged = self.world.spec(self.table, &column.name).range.is_some();
        let bounded = ranged
            || !limits.patterns.is_empty()
            || !(limits.min.is_empty() || limits.max.is_empty());
        Ok(bounded && (self.capacity)(column)? < self.rows)
    }
}

fn is_number(column: &Column) -> bool {
    matches!(column.data_type.kind.below_domains(), TypeKind::Base { name, .. }
        if matches!(name.as_str(), "int2" | "int4" | "int8" | "numeric" | "oid"))
}
