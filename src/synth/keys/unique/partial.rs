//! Partial unique indexes: where there are more rows than combinations, the condition holds for one
//! row of each, and for none of the others.

use std::sync::Arc;

use crate::schema::UniqueKey;
use crate::sql::{BoundRule, understand_check};
use crate::synth::error::SynthError;
use crate::synth::keys::order::Slot;
use crate::synth::keys::relation::Relation;
use crate::synth::limits::Limits;
use crate::synth::partition::key_columns;

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

/// A column that decides whether a row is in a partial index, of which only the first row of each
/// ancestor is.
#[derive(Debug)]
pub(crate) struct Lead {
    /// The order of the table.
    pub(crate) order: Slot,
    /// Levels up to the ancestor.
    pub(crate) levels: u32,
    /// What the column is in the first row of each ancestor.
    pub(crate) inside: Side,
    /// What it is in all others, so that they are not in the index.
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

    /// Whether the order of the table, in which rows of one ancestor stand together, decides a column of
    /// the key.
    pub(super) fn is_in_order(&self, key: &UniqueKey) -> bool {
        key.columns.iter().any(|column| {
            let relation = self.links.of.get(column);
            let relation = relation.and_then(|index| self.links.relations.get(index));
            matches!(relation, Some(Relation::Above | Relation::Beside { .. }))
        })
    }

    /// Has a column keep all but the first row of each ancestor that the key tells apart out of a
    /// partial index.
    pub(super) fn lead(&mut self, key: &UniqueKey) {
        let levels = self.known_level(&key.columns);
        let member = self.kinship.member(&self.table.name);
        if let (Some(levels), Some(member), Some(predicate)) = (levels, member, &key.predicate) {
            for bound in understand_check(predicate) {
                let Some((inside, outside)) = sides(&bound.rule) else {
                    continue;
                };
                let known = self.result.leads.get_mut(&bound.column);
                if let Some(lead) =
                    known.filter(|lead| lead.inside == inside && lead.outside == outside)
                {
                    // The first row of a wider ancestor is the first one of a narrower, too.
                    lead.levels = lead.levels.max(levels);
                    return;
                }
                if self.can_lead(key, &bound.column, [&inside, &outside]) {
                    let lead = Lead {
                        order: Arc::clone(&member.slot),
                        levels,
                        inside,
                        outside,
                    };
                    self.result.leads.insert(bound.column, lead);
                    return;
                }
            }
        }
        self.doubt_partial(key);
    }

    fn can_lead(&self, key: &UniqueKey, name: &str, sides: [&Side; 2]) -> bool {
        let mut switches = self.result.switches.iter();
        let partitioning = self.table.partitioning.as_ref();
        let spreads = partitioning.is_some_and(|one| key_columns(one).iter().any(|c| c == name));
        !spreads
            && !switches.any(|switch| switch.column == name)
            && self.can_switch(key, name, sides)
    }

    /// Says that a partial key may not hold.
    pub(super) fn doubt_partial(&mut self, key: &UniqueKey) {
        self.result.notes.push(format!(
            "{}: rows may break partial unique key {}: if so, give the columns of its condition \
             `values`",
            self.table.name, key.name
        ));
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
