//! What holds of columns in one case of their rows.

use crate::sql::{Comparison, Relation};
use crate::synth::ColumnSpec;
use crate::synth::cases::{Case, Group, Ladder, Rung};
use crate::synth::keys::links::Links;
use crate::synth::limits::Limits;
use crate::synth::own::Place;
use crate::synth::value::form::{Scalar, scalar};

/// One case of a group, and what decides the columns of its table.
#[derive(Clone, Copy)]
pub(super) struct Scene<'g> {
    pub(super) links: &'g Links,
    pub(super) group: &'g Group,
    pub(super) index: usize,
    pub(super) case: &'g Case,
}

impl Scene<'_> {
    /// The limits of a column in this case.
    pub(super) fn limits(&self, place: Place<'_>) -> Limits {
        let column = place.column;
        match self.case.limits.get(&column.name) {
            Some(limits) => limits.clone(),
            None => Limits::of(place.table, &column.name, &column.data_type.kind).0,
        }
    }

    /// What the scenario says of the column, without values that the case does not have.
    pub(super) fn spec(&self, place: Place<'_>, limits: &Limits) -> ColumnSpec {
        let mut spec = place.spec().clone();
        let (Some(values), Some(allowed)) = (&spec.values, &limits.one_of) else {
            return spec;
        };
        let text = |value: &toml::Value| match value {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let kept: Vec<bool> = values
            .iter()
            .map(|value| allowed.contains(&text(value)))
            .collect();
        if !kept.contains(&true) {
            return spec;
        }
        let keep = |index: usize| kept.get(index).copied().unwrap_or(true);
        let values = values.iter().enumerate().filter(|(index, _)| keep(*index));
        let values = values.map(|(_, value)| value.clone()).collect();
        if let Some(weights) = &mut spec.weights {
            let mut index = 0;
            weights.retain(|_| {
                index += 1;
                keep(index - 1)
            });
        }
        spec.values = Some(values);
        spec
    }

    /// The columns that are compared with this one, directly or not, in their order.
    pub(super) fn ladder(&self, place: Place<'_>) -> Option<Ladder> {
        let ordered = |one: &&Relation| one.comparison != Comparison::Unequal;
        let relations: Vec<Relation> = self
            .case
            .relations
            .iter()
            .filter(ordered)
            .cloned()
            .collect();
        let mut names = vec![place.column.name.clone()];
        let mut related: Vec<Relation> = Vec::new();
        // Columns far away come in one step at a time.
        for _ in 0..=relations.len() {
            for relation in &relations {
                let Relation { left, right, .. } = relation;
                if names.contains(left) || names.contains(right) {
                    for name in [left, right] {
                        if !names.contains(name) {
                            names.push(name.clone());
                        }
                    }
                    if !related.contains(relation) {
                        related.push(relation.clone());
                    }
                }
            }
        }
        let rung = |name: &String| {
            let column = place.table.column(name)?;
            let place = Place { column, ..place };
            Some(Rung {
                column: name.clone(),
                scalar: scalar(column.data_type.kind.below_domains())?,
                limits: self.limits(place),
                fixed: self.is_fixed(place),
            })
        };
        if related.is_empty() {
            return None;
        }
        names.sort();
        Ladder::new(names.iter().map(rung).collect::<Option<_>>()?, &related)
    }

    /// Whether something else than its case decides the column's values.
    pub(super) fn is_fixed(&self, place: Place<'_>) -> bool {
        let name = &place.column.name;
        let (unique, spec) = (place.unique, place.world.spec(place.table, name));
        unique.decided().contains(name)
            || place.layout.is_some_and(|layout| layout.decides(name))
            || self.links.deciding(name).is_some()
            || place.world.is_overridden(place.table, name)
            || spec.distinct.is_some()
            || spec.distribution.is_some()
    }
}

impl Case {
    /// Whether a column is compared with another one.
    pub(super) fn relates(&self, column: &str) -> bool {
        let speaks = |one: &Relation| one.left == column || one.right == column;
        self.relations.iter().any(speaks)
    }
}

impl Group {
    /// Whether a column's values are the same in all cases, but for NULL.
    pub(super) fn is_alike(&self, column: &str) -> bool {
        let mut limits = self.cases.iter().filter_map(|case| {
            let limits = case.limits.get(column).cloned().unwrap_or_default();
            (!limits.null).then(|| limits.of_values())
        });
        let first = limits.next();
        let related = self.cases.iter().any(|case| case.relates(column));
        !related && limits.all(|one| Some(&one) == first.as_ref())
    }
}

/// How many times as far as values usually range a bound is out of their reach.
const WIDE: i64 = 100;

impl Limits {
    /// Keeps values within what other columns leave. A bound a step from the end of the type is none:
    /// it would make prices of quintillions out of `sale_price < price`.
    pub(super) fn leave_room(&mut self, scalar: &Scalar, range: (i64, i64)) {
        let text = |units: i64| {
            let mut out = Vec::new();
            scalar.write(units, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        let (first, last) = scalar.usual;
        let room = WIDE.saturating_mul(i64::try_from(scalar.reach).unwrap_or(i64::MAX));
        let ends_far = range.1.abs_diff(scalar.high) <= scalar.reach
            && range.1.saturating_sub(range.0.max(first)) >= room;
        let begins_far = range.0.abs_diff(scalar.low) <= scalar.reach
            && range.1.min(last).saturating_sub(range.0) >= room;
        if range.0 > scalar.low && !begins_far {
            self.min.push((text(range.0), true));
        }
        if range.1 < scalar.high && !ends_far {
            self.max.push((text(range.1), true));
        }
    }
}
