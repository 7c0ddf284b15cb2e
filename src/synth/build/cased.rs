//! Columns whose values depend on the case that a row belongs to.

use std::sync::Arc;

use crate::sql::{Comparison, Relation};
use crate::synth::cases::{Group, Neighbour};
use crate::synth::choice::draw::Draw;
use crate::synth::column::{Apart, Bearing, Cased, ColumnPlan, Derived, Event, Source};
use crate::synth::error::SynthError;
use crate::synth::keys::links::Links;
use crate::synth::limits::Limits;
use crate::synth::own::{Made, Place, Within, nulls, own_column};
use crate::synth::value::form::scalar;

use super::Builder;
use super::scene::Scene;

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
        let cased = Cased {
            chooser: group.chooser.clone(),
            alike: group.is_alike(&place.column.name),
            plans,
        };
        Ok((
            Some(ColumnPlan {
                nulls: Event::default(),
                ..by_row(place, &Limits::default(), Source::Cases(cased))
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
        if let Some(copied) = self.copied(place, scene, &limits)? {
            return Ok(Variant::Plan(copied));
        }
        let own = self.on_ladder(place, scene, limits)?;
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
        mut limits: Limits,
    ) -> Result<Variant, SynthError> {
        let free = !scene.is_fixed(place);
        if let Some(ladder) = scene.ladder(place).filter(|_| free)
            && let Some(range) = ladder.range(&place.column.name)
            && let Some(scalar) = scalar(place.column.data_type.kind.below_domains())
        {
            let (floors, ceilings) = ladder.neighbours(&place.column.name);
            if !floors.is_empty() || !ceilings.is_empty() {
                let derived = Derived {
                    key: place.world.key(place.table, &place.column.name),
                    low: range.0,
                    high: range.1,
                    scalar,
                    floors: self.bearings(place, scene, floors)?,
                    ceilings: self.bearings(place, scene, ceilings)?,
                };
                let source = Source::Derived(Box::new(derived));
                return Ok(Variant::Plan(Arc::new(by_row(place, &limits, source))));
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
        let other = equal.into_iter().next();
        Ok(other.map(|other| Arc::new(by_row(place, limits, Source::Column(other)))))
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

/// A column whose values come from other columns of the same row.
fn by_row(place: Place<'_>, limits: &Limits, source: Source) -> ColumnPlan {
    ColumnPlan {
        name: place.column.name.clone(),
        rows: place.rows(),
        nulls: nulls(place, limits),
        orphans: Event::default(),
        draw: Draw::Row,
        source,
    }
}
