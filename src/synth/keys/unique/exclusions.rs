//! Exclusion constraints: of all their operators, one that holds for no two rows is enough.

use crate::schema::{Exclusion, UniqueKey};
use crate::sql::read_range_expression;
use crate::synth::error::SynthError;

use super::Planner;

/// Which end of each row's own stretch of values a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Lower,
    Upper,
}

/// A column that is one end of a range which another column is the other end of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounding {
    pub(crate) end: End,
    pub(crate) other: String,
}

impl Planner<'_> {
    /// Plans an exclusion constraint by the element that is most easily made to hold.
    pub(super) fn exclude(&mut self, exclusion: &Exclusion) -> Result<(), SynthError> {
        let with = |operator: &'static str| {
            let elements = exclusion.elements.iter();
            elements
                .filter(move |(_, own)| own == operator)
                .map(|(text, _)| text)
        };
        let columns: Vec<&String> = exclusion.elements.iter().map(|(text, _)| text).collect();
        let held = |column: &&String| {
            self.result.unique.contains(*column) || self.links.null.contains_key(*column)
        };
        if self.rows <= 1 || with("=").any(|column| held(&column)) || self.is_given(&columns) {
            return Ok(());
        }
        for text in with("&&") {
            if self.keep_apart(text, &exclusion.name) {
                return Ok(());
            }
        }
        if with("=").count() == exclusion.elements.len() {
            return self.plan(&UniqueKey {
                name: exclusion.name.clone(),
                primary: false,
                columns: columns.into_iter().cloned().collect(),
                partial: exclusion.partial,
                expressions: Vec::new(),
                predicate: exclusion.predicate.clone(),
                nulls_not_distinct: false,
            });
        }
        let free = |text: &&String| self.table.column(text).is_some_and(|c| self.is_free(c));
        if let Some(column) = with("=").find(free) {
            self.result.unique.insert(column.clone());
            return Ok(());
        }
        if let Some(column) = with("<>").find(free) {
            self.result.constant.insert(column.clone());
            return Ok(());
        }
        Err(SynthError::Excluded {
            table: self.table.name.to_string(),
            constraint: exclusion.name.clone(),
        })
    }

    /// Whether the scenario gives the values of a column that the constraint is about.
    fn is_given(&self, columns: &[&String]) -> bool {
        columns.iter().any(|text| {
            self.world.is_overridden(self.table, text)
                || self.world.spec(self.table, text).sql.is_some()
        })
    }

    /// Makes values that overlap for no two rows: of a range's column, or of the two columns that a
    /// range is made of. False where that cannot be.
    fn keep_apart(&mut self, text: &str, constraint: &str) -> bool {
        if let Some(column) = self.table.column(text) {
            let free = self.is_free(column);
            if free {
                self.result.unique.insert(text.to_owned());
                self.result.disjoint.insert(text.to_owned());
            }
            return free;
        }
        let Some((lower, upper)) = read_range_expression(text) else {
            return false;
        };
        let ends = (self.table.column(&lower), self.table.column(&upper));
        let (Some(low), Some(high)) = ends else {
            return false;
        };
        let alike = low.data_type.kind.below_domains() == high.data_type.kind.below_domains();
        let taken = |name: &String| self.result.unique.contains(name);
        if !alike || !self.is_free(low) || !self.is_free(high) || taken(&lower) || taken(&upper) {
            return false;
        }
        for (own, end, other) in [(&lower, End::Lower, &upper), (&upper, End::Upper, &lower)] {
            let reason = format!(
                "exclusion constraint {constraint} takes a range without an end as endless"
            );
            self.refuse_null(own, reason);
            let other = other.clone();
            self.result
                .ends
                .insert(own.clone(), Bounding { end, other });
        }
        true
    }
}
