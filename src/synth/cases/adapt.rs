//! What a condition means for one table: columns that others decide, that must not be NULL, that the
//! scenario gives values of.

use std::collections::BTreeMap;

use crate::schema::{Column, Table, TypeKind};
use crate::sql::{Bound, BoundRule, Comparison, Formula, Relation};
use crate::synth::keys::links::Links;
use crate::synth::keys::unique::Uniqueness;
use crate::synth::limits::Limits;
use crate::synth::partition::key_columns;
use crate::synth::value::form::scalar;
use crate::synth::world::World;

use super::Case;
use super::normal::Clause;

/// A table and what is known of it before its columns are planned.
pub(super) struct Ground<'g> {
    pub(super) world: &'g World<'g>,
    pub(super) table: &'g Table,
    pub(super) links: &'g Links,
    pub(super) unique: &'g Uniqueness,
}

impl Ground<'_> {
    /// The formula with what is known of the columns put in. `within` says whether it is one of
    /// several alternatives.
    pub(super) fn adapted(&self, formula: Formula, within: bool) -> Formula {
        match formula {
            Formula::All(parts) => {
                let parts = parts.into_iter();
                Formula::all(parts.map(|part| self.adapted(part, within)).collect())
            }
            Formula::Any(parts) => {
                let parts = parts.into_iter();
                let parts: Vec<_> = parts.map(|part| self.adapted(part, true)).collect();
                match parts.contains(&Formula::always()) {
                    true => Formula::always(),
                    false => Formula::any(parts),
                }
            }
            Formula::Column(bound) => self.bound(bound, within),
            Formula::Columns(relation) => self.relation(relation),
            Formula::Unknown { text, columns } => {
                // Whoever gives a column values answers for its conditions.
                let given = |column: &String| self.world.is_overridden(self.table, column);
                match columns.iter().any(given) {
                    true => Formula::always(),
                    false => Formula::Unknown { text, columns },
                }
            }
        }
    }

    fn bound(&self, bound: Bound, within: bool) -> Formula {
        let unknown = |bound: &Bound| Formula::Unknown {
            text: format!("{bound:?}"),
            columns: vec![bound.column.clone()],
        };
        let Some(column) = self.table.column(&bound.column) else {
            return unknown(&bound);
        };
        let null = self.links.null.contains_key(&column.name);
        let rule = &bound.rule;
        match rule {
            BoundRule::Null if null => Formula::always(),
            BoundRule::NotNull if null => Formula::never(),
            _ if null => Formula::always(),
            BoundRule::Null if self.is_never_null(column) => Formula::never(),
            BoundRule::NotNull if self.is_never_null(column) => Formula::always(),
            _ if column.generated => unknown(&bound),
            BoundRule::Null | BoundRule::NotNull => Formula::Column(bound),
            _ if self.has_values(column) && within => Formula::Column(bound),
            _ if self.world.is_overridden(self.table, &column.name) => Formula::always(),
            _ if within && self.links.deciding(&column.name).is_some() => unknown(&bound),
            _ if within && self.is_partition_key(column) => unknown(&bound),
            _ => Formula::Column(bound),
        }
    }

    fn relation(&self, relation: Relation) -> Formula {
        let Relation { left, right, .. } = &relation;
        let columns = [left, right].map(|name| self.table.column(name));
        let unknown = || Formula::Unknown {
            text: format!("{left} and {right}"),
            columns: vec![left.clone(), right.clone()],
        };
        let [Some(first), Some(second)] = columns else {
            return unknown();
        };
        if [left, right]
            .iter()
            .any(|name| self.links.null.contains_key(*name))
        {
            return Formula::always();
        }
        let fixed = [first, second].map(|column| self.is_fixed(column));
        if fixed == [true, true] {
            return match self.is_itself(&relation) || self.are_rivals(&relation) {
                true => Formula::always(),
                false => unknown(),
            };
        }
        let scalars = [first, second].map(|column| scalar(column.data_type.kind.below_domains()));
        let ordered = match scalars {
            [Some(a), Some(b)] => a.is_same_family(&b),
            _ => false,
        };
        let plain = relation.offset.is_none()
            && matches!(relation.comparison, Comparison::Equal | Comparison::Unequal);
        match ordered || plain {
            true => Formula::Columns(relation),
            false => unknown(),
        }
    }

    /// Whether `parent_id <> id` is what the foreign key of the table to itself does anyway: it
    /// points at earlier rows.
    fn is_itself(&self, relation: &Relation) -> bool {
        let points = |child: &str, key: &str| {
            self.links.deciding(child).is_some_and(|link| {
                link.parent == self.table.name
                    && link.columns.len() == 1
                    && link.referenced(child) == key
            })
        };
        relation.comparison == Comparison::Unequal
            && (points(&relation.left, &relation.right) || points(&relation.right, &relation.left))
    }

    /// Whether the columns are foreign keys that are kept from having one parent.
    fn are_rivals(&self, relation: &Relation) -> bool {
        let apart = |one: &str, other: &str| {
            let rival = self.links.rival(one).map(|rival| &rival.columns);
            rival.is_some_and(|columns| columns.iter().any(|column| column == other))
        };
        relation.comparison == Comparison::Unequal
            && (apart(&relation.left, &relation.right) || apart(&relation.right, &relation.left))
    }

    /// Whether something else than the table's conditions decides the column's values.
    fn is_fixed(&self, column: &Column) -> bool {
        let spec = self.world.spec(self.table, &column.name);
        column.generated
            || column.sequence
            || self.is_partition_key(column)
            || self.links.deciding(&column.name).is_some()
            || self.world.is_overridden(self.table, &column.name)
            || spec.distinct.is_some()
            || spec.distribution.is_some()
    }

    fn is_never_null(&self, column: &Column) -> bool {
        column.not_null || self.unique.never_null.contains_key(&column.name)
    }

    fn is_partition_key(&self, column: &Column) -> bool {
        let partitioning = self.table.partitioning.as_ref();
        partitioning.is_some_and(|one| key_columns(one).contains(&column.name))
    }

    fn has_values(&self, column: &Column) -> bool {
        self.world.spec(self.table, &column.name).values.is_some()
    }

    /// Whether rows can be as the clause demands.
    pub(super) fn is_possible(&self, clause: &Clause) -> bool {
        self.limits(clause).is_some()
    }

    /// The limits of the columns that the clause speaks of; none if they leave no value.
    fn limits(&self, clause: &Clause) -> Option<BTreeMap<String, Limits>> {
        let mut all = BTreeMap::new();
        let related = clause
            .relations
            .iter()
            .flat_map(|one| [&one.left, &one.right]);
        let bounded = clause.bounds.iter().map(|bound| &bound.column);
        for name in related.chain(bounded) {
            if all.contains_key(name) {
                continue;
            }
            let column = self.table.column(name)?;
            let (mut limits, base) = Limits::of(self.table, name, &column.data_type.kind);
            if self.world.is_overridden(self.table, name) {
                limits = Limits::default();
            }
            for bound in clause.bounds.iter().filter(|bound| bound.column == *name) {
                limits.add(bound.rule.clone());
            }
            limits.not_null |= self.is_never_null(column);
            let limits = limits.narrowed(&self.listed(column, base));
            if limits.is_contradiction() {
                return None;
            }
            all.insert(name.clone(), limits);
        }
        Some(all)
    }

    /// The only values that a column can have by its type or the scenario, if these are few.
    fn listed(&self, column: &Column, base: &TypeKind) -> Vec<String> {
        let spec = self.world.spec(self.table, &column.name);
        if let Some(values) = &spec.values {
            return values.iter().map(text_of).collect();
        }
        match base {
            TypeKind::Enum { labels } => labels.clone(),
            TypeKind::Base { name, .. } if name == "bool" => {
                vec!["true".to_owned(), "false".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    /// The case that a clause is; none if it leaves a column no value.
    pub(super) fn case(&self, clause: Clause) -> Option<Case> {
        let limits = self.limits(&clause)?;
        let shares = limits.iter().map(|(name, limits)| self.share(name, limits));
        let share: f64 = shares.product();
        Some(Case {
            weight: clause.weight * share,
            limits,
            relations: clause.relations,
            unknown: clause.unknown,
        })
    }

    /// How much of the values that the scenario gives, by their weights, is within the limits.
    fn share(&self, column: &str, limits: &Limits) -> f64 {
        let spec = self.world.spec(self.table, column);
        let (Some(values), Some(allowed)) = (&spec.values, &limits.one_of) else {
            return 1.0;
        };
        let weight = |index: usize| match &spec.weights {
            Some(weights) => weights.get(index).copied().unwrap_or(0.0),
            None => 1.0,
        };
        let texts = values.iter().map(text_of).enumerate();
        let kept = texts.filter(|(_, text)| allowed.contains(text));
        let kept: f64 = kept.map(|(index, _)| weight(index)).sum();
        kept / (0..values.len()).map(weight).sum::<f64>()
    }
}

/// A value of the scenario as CHECKs would write it.
fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
