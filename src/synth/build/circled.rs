//! Planning again and again until circles of foreign keys hold.

use crate::synth::error::SynthError;
use crate::synth::keys::circles;
use crate::synth::keys::demand::demand;
use crate::synth::keys::domains::Inferred;
use crate::synth::keys::rounds::{Round, rounds};
use crate::synth::keys::twins::Twins;
use crate::synth::plan::FillPlan;
use crate::synth::survey::all_links;
use crate::synth::world::World;
use crate::synth::{GivenRows, TableSpec};

use super::{Planned, plan};

/// What becomes of foreign keys that go round in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circles {
    /// They hold.
    Hold,
    /// Those that may be NULL are.
    Break,
}

/// Plans all tables that the scenario names. Circles that nothing else makes hold become twins.
pub(super) fn build(
    world: &World<'_>,
    given: &[GivenRows],
    circles: Circles,
) -> Result<FillPlan, SynthError> {
    let mut all = all_links(world)?;
    circles::cut(world, &mut all)?;
    let (apart, mut open): (Vec<Round>, Vec<Round>) = rounds(&all)
        .into_iter()
        .partition(|round| round.tells_apart(&all));
    let twins = apart.iter().map(|round| Twins::of(world, &all, round));
    let mut twins = twins.collect::<Result<Vec<_>, _>>()?;
    let mut doubted = None;
    loop {
        let made = build_beside(world, given, (circles, &twins));
        let cause = open.iter().position(|round| match &made {
            Ok(planned) => !planned.doubted.is_disjoint(&round.tables()),
            Err(error) => round.explains(error),
        });
        let more = cause.map(|index| Twins::of(world, &all, &open.swap_remove(index)));
        match (made, more) {
            (Ok(Planned { plan, .. }), None) => return Ok(plan),
            (Ok(Planned { plan, .. }), Some(Err(_))) => return Ok(plan),
            (Ok(Planned { plan, .. }), Some(Ok(more))) => {
                doubted = Some(plan);
                twins.push(more);
            }
            (Err(_), Some(Ok(more))) => twins.push(more),
            // Too few combinations say more than that twins are no help.
            (Err(error @ SynthError::TooFewCombinations { .. }), _)
            | (Err(_), Some(Err(error)))
            | (Err(error), None) => return doubted.ok_or(error),
        }
    }
}

/// Plans all tables, those of some circles as twins.
fn build_beside(
    world: &World<'_>,
    given: &[GivenRows],
    (circles, twins): (Circles, &[Twins]),
) -> Result<Planned, SynthError> {
    let mut all = all_links(world)?;
    circles::cut(world, &mut all)?;
    twins.iter().for_each(|twins| twins.apply(&mut all));
    let inferred = Inferred::of(world, &all);
    let mut schema = world.schema.clone();
    twins.iter().for_each(|twins| twins.extend(&mut schema));
    let mut specs = Vec::new();
    for (table, rows) in &inferred.domains {
        schema.tables.push(table.clone());
        let spec = TableSpec {
            rows: *rows,
            ..TableSpec::default()
        };
        specs.push((table.name.clone(), spec));
    }
    let world = &world.with_domains(&schema, &specs);
    let mut all = all_links(world)?;
    circles::cut(world, &mut all)?;
    twins.iter().for_each(|twins| twins.apply(&mut all));
    inferred.extend(&mut all);
    let demand = demand(world, &mut all)?;
    let world = &world.clone().demanding(demand);
    plan(world, &all, (given, circles))
}
