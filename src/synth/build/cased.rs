//! Columns whose values depend on the case that a row belongs to.

use std::sync::Arc;

use crate::sql::{Comparison, Relation};
use crate::synth::ColumnSpec;
use crate::synth::cases::{Case, Group, Ladder, Neighbour, Rung};
use crate::synth::column::{Cased, ColumnPlan, Event, Source};
use crate::synth::derived::{Apart, Bearing, Derived};
use crate::synth::draw::Draw;
use crate::synth::error::SynthError;
use crate::synth::form::scalar;
use crate::synth::limits::Limits;
use crate::synth::links::Links;
use crate::synth::own::{Made, Place, Within, nulls, own_column};

use super::Builder;

/// A column in one case.
#[derive(Debug, Clone)]
pub(super) enum Variant {
    /// NULL.
    Null,
    /// Left to the database, and what to say of it.
    Unwritten(Option<String>),
    /// With values.
    Plan(Arc<ColumnPlan>),
}

/// One case of a group, and what decides the columns of its table.
#[derive(Clone, Copy)]
struct Scene<'g> {
    links: &'g Links,
    group: &'g Group,
    index: usize,
    case: &'g Case,
}

impl<'g> Builder<'g> {
    /// Plans a column in every case of its group.
    pub(super) fn cased_column(
        &mut self,
        place: Place<'_>,
        links: &'g Links,
        group: &'g Group,
    ) -> Result<Made, SynthError> {
        let mut plans = Vec::new();
        for (index, case) in group.cases.iter().enumerate() {
            let scene = Scene {
                links,
                group,
                index,
                case,
            };
            match self.variant(place, scene)? {
                Variant::Null => plans.push(None),
                Variant::Plan(plan) => plans.push(Some(plan)),
                Variant::Unwritten(note) => return Ok((None, note)),
            }
        }
        let first = plans.iter().flatten().next().cloned();
        let one = |plan: &Option<Arc<ColumnPlan>>| match (plan, &first) {
            (Some(plan), Some(first)) => Arc::ptr_eq(plan, first),
            _ => false,
        };
        if let Some(first) = first.as_ref().filter(|_| plans.iter().all(one)) {
            return Ok((Some(ColumnPlan::clone(first)), None));
        }
        let limits = group.cases.iter().filter_map(|case| {
            let limits = case.limits.get(&place.column.name).cloned();
            let limits = limits.unwrap_or_default();
            (!limits.null).then(|| limits.of_values())
        });
        let mut limits = limits.collect::<Vec<_>>();
        limits.dedup();
        let plain = !group.relates(&place.column.name);
        Ok((
            Some(ColumnPlan {
                name: place.column.name.clone(),
                rows: place.rows(),
                nulls: Event::default(),
                orphans: Event::default(),
                draw: Draw::Row,
                source: Source::Cases(Cased {
                    chooser: group.chooser.clone(),
                    plans,
                    alike: limits.len() <= 1 && plain,
                }),
            }),
            None,
        ))
    }

    /// Plans a column in one case.
    fn variant(&mut self, place: Place<'_>, scene: Scene<'g>) -> Result<Variant, SynthError> {
        let name = &place.column.name;
        let key = (place.table.name.clone(), name.clone(), scene.index);
        if let Some(variant) = self.variants.get(&key) {
            return Ok(variant.clone());
        }
        let limits = scene.limits(place);
        let variant = match self.alike(place, scene, &limits) {
            Some(variant) => variant,
            None => self.new_variant(place, scene, limits)?,
        };
        self.variants.insert(key, variant.clone());
        Ok(variant)
    }

    /// The plan of an earlier case in which the same holds of the column.
    fn alike(&self, place: Place<'_>, scene: Scene<'g>, limits: &Limits) -> Option<Variant> {
        let name = &place.column.name;
        let earlier = scene.group.cases.iter().enumerate().take(scene.index);
        let mut same = earlier.filter(|(_, case)| {
            !case.relates(name)
                && !scene.case.relates(name)
                && case.limits.get(name) == scene.case.limits.get(name)
        });
        let (index, _) = same.next().filter(|_| !limits.null)?;
        let key = (place.table.name.clone(), name.clone(), index);
        self.variants.get(&key).cloned()
    }

    fn new_variant(
        &mut self,
        place: Place<'_>,
        scene: Scene<'g>,
        limits: Limits,
    ) -> Result<Variant, SynthError> {
        if limits.null {
            return Ok(Variant::Null);
        }
        let name = &place.column.name;
        if let Some(link) = scene.links.deciding(name) {
            let (plan, note) = self.new_linked_column(place, link)?;
            return Ok(match plan {
                Some(mut plan) => {
                    if limits.not_null {
                        plan.nulls = Event::default();
                    }
                    Variant::Plan(Arc::new(plan))
                }
                None => Variant::Unwritten(note),
            });
        }
        let ladder = scene.ladder(place);
        if let Some(copied) = self.copied(place, scene, &limits)? {
            return Ok(Variant::Plan(copied));
        }
        let own = self.on_ladder(place, scene, ladder.as_ref(), limits)?;
        let Variant::Plan(own) = own else {
            return Ok(own);
        };
        let others = self.others(place, scene, Comparison::Unequal)?;
        Ok(Variant::Plan(match others.as_slice() {
            [] => own,
            _ => Arc::new(ColumnPlan {
                source: Source::Apart(Apart {
                    own: Arc::clone(&own),
                    others,
                }),
                nulls: Event::default(),
                draw: Draw::Row,
                ..ColumnPlan::clone(&own)
            }),
        }))
    }

    /// A column's own values, or those between its neighbours on the ladder.
    fn on_ladder(
        &mut self,
        place: Place<'_>,
        scene: Scene<'g>,
        ladder: Option<&Ladder>,
        mut limits: Limits,
    ) -> Result<Variant, SynthError> {
        let column = place.column;
        let range = ladder.and_then(|ladder| ladder.range(&column.name));
        let scalar = scalar(column.data_type.kind.below_domains());
        if let (Some(ladder), Some(scalar), Some(range), false) =
            (ladder, scalar, range, scene.is_fixed(place))
        {
            let (floors, ceilings) = ladder.neighbours(&column.name);
            if !floors.is_empty() || !ceilings.is_empty() {
                let floors = self.bearings(place, scene, floors)?;
                let ceilings = self.bearings(place, scene, ceilings)?;
                return Ok(Variant::Plan(Arc::new(ColumnPlan {
                    name: column.name.clone(),
                    rows: place.rows(),
                    nulls: nulls(place, &limits),
                    orphans: Event::default(),
                    draw: Draw::Row,
                    source: Source::Derived(Box::new(Derived {
                        key: place.world.key(place.table, &column.name),
                        low: range.0,
                        high: range.1,
                        scalar,
                        floors,
                        ceilings,
                    })),
                })));
            }
            limits.leave_room(&scalar, range);
        }
        let spec = scene.spec(place, &limits);
        let within = Within { limits, spec };
        let (plan, note) = own_column(Place {
            within: Some(&within),
            ..place
        })?;
        Ok(match plan {
            Some(plan) => Variant::Plan(Arc::new(plan)),
            None => Variant::Unwritten(note),
        })
    }

    fn bearings(
        &mut self,
        place: Place<'_>,
        scene: Scene<'g>,
        neighbours: Vec<Neighbour>,
    ) -> Result<Vec<Bearing>, SynthError> {
        let mut bearings = Vec::new();
        for Neighbour { column, distance } in neighbours {
            let Some(column) = place.table.column(&column) else {
                continue;
            };
            let Some(scalar) = scalar(column.data_type.kind.below_domains()) else {
                continue;
            };
            if let Variant::Plan(plan) = self.variant(Place { column, ..place }, scene)? {
                bearings.push(Bearing {
                    plan,
                    scalar,
                    distance,
                });
            }
        }
        Ok(bearings)
    }

    /// The plan of a column that must equal an earlier one and has no order.
    fn copied(
        &mut self,
        place: Place<'_>,
        scene: Scene<'g>,
        limits: &Limits,
    ) -> Result<Option<Arc<ColumnPlan>>, SynthError> {
        if scalar(place.column.data_type.kind.below_domains()).is_some() {
            return Ok(None);
        }
        let equal = self.others(place, scene, Comparison::Equal)?;
        Ok(equal.into_iter().next().map(|other| {
            Arc::new(ColumnPlan {
                name: place.column.name.clone(),
                rows: place.rows(),
                nulls: nulls(place, limits),
                orphans: Event::default(),
                draw: Draw::Row,
                source: Source::Column(other),
            })
        }))
    }

    /// The plans of the columns before this one that a relation without an order holds with.
    fn others(
        &mut self,
        place: Place<'_>,
        scene: Scene<'g>,
        comparison: Comparison,
    ) -> Result<Vec<Arc<ColumnPlan>>, SynthError> {
        let name = &place.column.name;
        let mut plans = Vec::new();
        for relation in &scene.case.relations {
            let other = match relation {
                Relation { left, right, .. } if left == name => right,
                Relation { left, right, .. } if right == name => left,
                _ => continue,
            };
            let Some(column) = place.table.column(other) else {
                continue;
            };
            let other = Place { column, ..place };
            let rank = |place: Place<'_>| (!scene.is_fixed(place), place.column.name.clone());
            if relation.comparison != comparison || rank(other) > rank(place) {
                continue;
            }
            if let Variant::Plan(plan) = self.variant(other, scene)? {
                plans.push(plan);
            }
        }
        Ok(plans)
    }
}

impl<'g> Scene<'g> {
    /// The limits of a column in this case.
    fn limits(&self, place: Place<'_>) -> Limits {
        let column = place.column;
        match self.case.limits.get(&column.name) {
            Some(limits) => limits.clone(),
            None => Limits::of(place.table, &column.name, &column.data_type.kind).0,
        }
    }

    /// What the scenario says of the column, without values that the case does not have.
    fn spec(&self, place: Place<'_>, limits: &Limits) -> ColumnSpec {
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
    fn ladder(&self, place: Place<'_>) -> Option<Ladder> {
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
    fn is_fixed(&self, place: Place<'_>) -> bool {
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
    fn relates(&self, column: &str) -> bool {
        let speaks = |one: &Relation| one.left == column || one.right == column;
        self.relations.iter().any(speaks)
    }
}

impl Group {
    fn relates(&self, column: &str) -> bool {
        self.cases.iter().any(|case| case.relates(column))
    }
}

impl Limits {
    /// Keeps values within what other columns leave.
    fn leave_room(&mut self, scalar: &crate::synth::form::Scalar, range: (i64, i64)) {
        let text = |units: i64| {
            let mut out = Vec::new();
            scalar.write(units, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        if range.0 > scalar.low {
            self.min.push((text(range.0), true));
        }
        if range.1 < scalar.high {
            self.max.push((text(range.1), true));
        }
    }
}
