//! Partial unique indexes: where there are more rows than combinations, the condition holds for one
//! row of each, and for none of the others.

use crate::schema::UniqueKey;
use crate::sql::{BoundRule, understand_check};
use crate::synth::error::SynthError;
use crate::synth::limits::Limits;

use super::Planner;

/// A column that decides whether a row is in a partial index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Switch {
    /// The rows, from the first, that may be in it.
    pub(crate) rows: u64,
    pub(crate) column: String,
    /// What the column is in these rows.
    pub(crate) inside: Side,
    /// What it is in all others, so that they are not.
    pub(crate) outside: Side,
}

/// What a column is on one side of a switch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    /// NULL.
    Null,
    /// Within these limits, and never NULL.
    Within(Box<Limits>),
}

impl Planner<'_> {
    /// Has a column keep all but the first `rows` rows out of a partial index; false where its
    /// condition is not understood.
    pub(super) fn switch(&mut self, key: &UniqueKey, rows: u64) -> Result<bool, SynthError> {
        let Some(predicate) = &key.predicate else {
            return Ok(false);
        };
        for bound in understand_check(predicate) {
            let Some((inside, outside)) = sides(&bound.rule) else {
                continue;
            };
            if !self.can_switch(key, &bound.column, [&inside, &outside]) {
                continue;
            }
            self.result.switches.push(Switch {
                rows,
                column: bound.column,
                inside,
                outside,
            });
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether a column is free to be either.
    fn can_switch(&self, key: &UniqueKey, name: &str, sides: [&Side; 2]) -> bool {
        let Some(column) = self.table.column(name) else {
            return false;
        };
        let keyed = key.columns.iter().any(|own| own == name)
            || self.result.unique.contains(name)
            || self.result.is_decided(name)
            || self.links.of.contains_key(name)
            || self.links.null.contains_key(name);
        let given = *self.world.spec(self.table, name) != crate::synth::ColumnSpec::default();
        let agrees = |switch: &super::Switch| {
            switch.column != name || [&switch.inside, &switch.outside] == sides
        };
        let nullable = self.world.is_nullable(self.table, name);
        let null = sides.contains(&&Side::Null);
        !column.generated
            && !keyed
            && !given
            && (nullable || !null)
            && self.result.switches.iter().all(agrees)
    }
}

/// What a column is where a condition on it holds, and where it does not.
fn sides(rule: &BoundRule) -> Option<(Side, Side)> {
    let within = |rule: &BoundRule| {
        let mut limits = Limits::default();
        limits.add(rule.clone());
        Side::Within(Box::new(limits))
    };
    let opposite = match rule {
        BoundRule::NotNull => return Some((Side::Within(Box::default()), Side::Null)),
        BoundRule::Null => return Some((Side::Null, Side::Within(Box::default()))),
        BoundRule::OneOf(values) if values.as_slice() == ["true"] => {
            BoundRule::OneOf(vec!["false".to_owned()])
        }
        BoundRule::OneOf(values) if values.as_slice() == ["false"] => {
            BoundRule::OneOf(vec!["true".to_owned()])
        }
        BoundRule::OneOf(values) => {
            let mut limits = Limits::default();
            for value in values {
                limits.add(BoundRule::Not(value.clone()));
            }
            return Some((within(rule), Side::Within(Box::new(limits))));
        }
        BoundRule::Not(value) => BoundRule::OneOf(vec![value.clone()]),
        BoundRule::Min { value, inclusive } => BoundRule::Max {
            value: value.clone(),
            inclusive: !inclusive,
        },
        BoundRule::Max { value, inclusive } => BoundRule::Min {
            value: value.clone(),
            inclusive: !inclusive,
        },
        _ => return None,
    };
    Some((within(rule), within(&opposite)))
}
