//! Columns whose values are those of a parent's rows.

use std::sync::Arc;

use crate::schema::Table;

use super::kin::{Choice, Kin, Places};
use super::links::Link;
use super::relation::Relation;
use crate::synth::choice::distribution::Distribution;
use crate::synth::choice::draw::{Chosen, Digit, Draw};
use crate::synth::choice::random;
use crate::synth::column::{ColumnPlan, Event, Source};
use crate::synth::error::{Problem, SynthError};
use crate::synth::own::Place;
use crate::synth::partition::Layout;
use crate::synth::statistics::{self, Known};
use crate::synth::value::shape::Shape;
use crate::synth::world::World;

/// Plans a column whose values are a parent's.
pub(crate) fn linked_column(
    place: Place<'_>,
    link: &Link,
    parent: Arc<ColumnPlan>,
) -> Result<ColumnPlan, SynthError> {
    let spec = place.spec();
    for (key, given) in [
        ("width", spec.width.is_some()),
        ("weights", spec.weights.is_some()),
    ] {
        if given {
            return Err(place.fail(Problem::WrongOverride(key)));
        }
    }
    place.refuse_nulls()?;
    let orphans = spec.orphan_fraction.unwrap_or(0.0);
    if orphans > 0.0 && !link.allows_orphans {
        return Err(place.fail(Problem::NoOrphans(link.name.clone())));
    }
    if orphans > 0.0 && parent.root().room() == 0 {
        return Err(place.fail(Problem::NoRoomForOrphans));
    }
    let orphan_key = format!("{} orphans", link.name);
    Ok(ColumnPlan {
        name: place.column.name.clone(),
        rows: place.rows(),
        nulls: nulls(place, link),
        orphans: Event::new(place.world.key(place.table, &orphan_key), orphans),
        draw: draw(place, link).map_err(|problem| place.fail(problem))?,
        source: Source::Column(parent),
    })
}

/// Which row of the parent a row has: the same for all columns of a link.
fn draw(place: Place<'_>, link: &Link) -> Result<Draw, Problem> {
    let own = by_itself(place, link)?;
    let rival = place.links.rival(&place.column.name);
    let column = rival.and_then(|rival| place.table.column(rival.columns.first()?));
    let (Some(rival), Some(column)) = (rival, column) else {
        return Ok(own);
    };
    if !matches!(own, Draw::Chosen(_) | Draw::Digit(_)) {
        return Ok(own);
    }
    let other = draw(Place { column, ..place }, rival)?;
    Ok(Draw::Beside(Arc::new((own, other))))
}

/// Which row of the parent a row has, whatever others have; of all but one where it has a rival.
fn by_itself(place: Place<'_>, link: &Link) -> Result<Draw, Problem> {
    let Place { world, table, .. } = place;
    if let Some(twin) = link.twin {
        return Ok(Draw::Digit(Digit::of_twin(twin.rows, twin.limit)));
    }
    let index = place.links.of.get(&place.column.name).copied();
    if let Some(kin) = index.and_then(|index| kin(place, index).transpose()) {
        return Ok(Draw::Kin(Arc::new(kin?)));
    }
    let first = link.columns.first().unwrap_or(&place.column.name);
    let specs = link.columns.iter().map(|column| world.spec(table, column));
    let distribution = distribution(world, table, link)?;
    let key = world.key(table, &link.name);
    let earlier = |distribution| Draw::Earlier {
        key,
        distribution,
        first_is_null: world.is_nullable(table, &place.column.name),
    };
    let choose = |piece, rows| {
        let key = random::key(key, "partition") ^ piece;
        Chosen::among_rows(key, distribution, rows)
    };
    let decided = |layout: &&Layout| link.columns.iter().any(|column| layout.decides(column));
    if let Some(layout) = place.layout.filter(decided)
        && let Some(draw) = layout.draw(link, &choose)
    {
        return Ok(draw);
    }
    if place.unique.chains.contains(first) {
        return Ok(earlier(Distribution::Sequence));
    }
    if let Some(digit) = place.unique.digits.get(first) {
        return Ok(Draw::Digit(Digit {
            limit: match world.is_nullable(table, &place.column.name) {
                true => digit.limit,
                // It repeats where another column of the key is NULL.
                false => u64::MAX,
            },
            ..digit.clone()
        }));
    }
    if link.parent == table.name {
        return Ok(earlier(distribution));
    }
    let room = place.links.room(&place.column.name);
    if let Some(known) = known(place, link).filter(|_| room == link.parent_rows) {
        let parents = statistics::parents(key, place.rows(), link.parent_rows, &known);
        if let Some(ranks) = parents {
            return Ok(Draw::Ranked(Box::new(ranks)));
        }
    }
    let distinct = specs.filter_map(|spec| spec.distinct).min();
    let rows = distinct.map_or(room, |most| most.min(room));
    Ok(Draw::Chosen(Chosen::among_rows(key, distribution, rows)))
}

/// How a link's parents are chosen, by the scenario.
pub(crate) fn distribution(
    world: &World<'_>,
    table: &Table,
    link: &Link,
) -> Result<Distribution, Problem> {
    let mut specs = link.columns.iter().map(|column| world.spec(table, column));
    match specs.find_map(|spec| spec.distribution.as_deref()) {
        Some(text) => Ok(text.parse::<Distribution>()?.of_shares()?),
        None => Ok(Distribution::Uniform),
    }
}

/// Which row of the parent a row of a table with an order has.
fn kin(place: Place<'_>, index: usize) -> Result<Option<Kin>, Problem> {
    let Place {
        world,
        table,
        links,
        kinship,
        unique,
        ..
    } = place;
    let (Some(link), Some(relation)) = (links.all.get(index), links.relations.get(&index)) else {
        return Ok(None);
    };
    let slot = |name| kinship.member(name).map(|member| Arc::clone(&member.slot));
    let (Some(own), Some(parent)) = (slot(&table.name), slot(&link.parent)) else {
        return Ok(None);
    };
    let key = world.key(table, &link.name);
    let distribution = distribution(world, table, link)?;
    let first = links.leading(index).map_or("", String::as_str);
    let chained = unique.chains.contains(first);
    Ok(Some(match *relation {
        Relation::Above => Kin::Above { order: own },
        Relation::Earlier { levels } => Kin::Earlier {
            order: own,
            levels,
            key,
            distribution: if chained {
                Distribution::Sequence
            } else {
                distribution
            },
            first_is_null: link.columns.iter().any(|c| world.is_nullable(table, c)),
        },
        Relation::Twin => Kin::Twin {
            order: parent,
            digit: match link.twin {
                Some(twin) => Digit::of_twin(twin.rows, twin.limit),
                None => return Ok(None),
            },
        },
        Relation::Free { rows } => Kin::Free {
            order: parent,
            places: match unique.digits.get(first) {
                Some(digit) => Places::Digit(digit.clone()),
                None => Places::Chosen(Chosen::within(key, distribution, rows)),
            },
        },
        Relation::Beside { base, up, down } => {
            let Some(base) = kin(place, base)? else {
                return Ok(None);
            };
            Kin::Beside {
                base: Arc::new(base),
                up,
                order: parent,
                down,
                choice: match unique.indexed.get(first) {
                    Some((index, Some(part))) => Choice::Digit(Arc::clone(index), *part),
                    _ => Choice::Random { key, distribution },
                },
            }
        }
    }))
}

/// What is known of the link by the first of its columns that anything is known of.
fn known(place: Place<'_>, link: &Link) -> Option<Known> {
    let Place { world, table, .. } = place;
    let mut known = link.columns.iter().filter_map(|column| {
        let captured = world.statistics(table, column);
        Known::of(world.spec(table, column), captured)
    });
    // A link to a wider key is skewed by the column that has the most different values.
    let first = known.next()?;
    Some(known.fold(first, |widest, next| {
        let values = |known: &Known| known.different(place.rows());
        match values(&next) > values(&widest) {
            true => next,
            false => widest,
        }
    }))
}

/// What to say where a key or the table's own rows decide a link whose column has other statistics.
pub(crate) fn unfollowed(place: Place<'_>, link: &Link) -> Option<String> {
    let first = link.columns.first()?;
    let Place { unique, links, .. } = place;
    let is_key = unique.digits.contains_key(first) || unique.chains.contains(first);
    let related = links.of.get(&place.column.name);
    let layout = place.layout;
    let reason = match is_key {
        true => "its statistics, for a unique key decides it",
        false if related.is_some_and(|index| links.relations.contains_key(index)) => {
            "its statistics, for its rows agree with those of other foreign keys"
        }
        false if layout.is_some_and(|layout| layout.decides(&place.column.name)) => {
            "its statistics, for it decides the partition"
        }
        false if link.parent == place.table.name => {
            "its statistics, for it references earlier rows of its own table"
        }
        false => return None,
    };
    let known = place.known().filter(Known::is_skewed);
    known.map(|_| place.lost(reason))
}

/// A link's columns are NULL together, as MATCH FULL wants it.
fn nulls(place: Place<'_>, link: &Link) -> Event {
    let Place { world, table, .. } = place;
    let columns = link.columns.iter();
    let needed = columns.filter_map(|column| world.with_values(table, column));
    if let Some(rows) = needed.min() {
        return match world.is_nullable(table, &place.column.name) {
            true => Event::from_row(rows),
            false => Event::default(),
        };
    }
    let given = link
        .columns
        .iter()
        .filter_map(|column| world.null_fraction(table, column));
    let never = |column: &String| place.unique.never_null.contains_key(column);
    let nullable = world.is_nullable(table, &place.column.name);
    let share = match nullable && !link.columns.iter().any(never) {
        true => given.fold(0.0, f64::max),
        false => 0.0,
    };
    Event::new(world.key(table, &format!("{} nulls", link.name)), share)
}

/// Whether every value of one column is among those of another, because it comes from it or because
/// both count from the same number.
pub(crate) fn is_within(column: &ColumnPlan, other: &ColumnPlan) -> bool {
    let numbers = |column: &ColumnPlan| match (&column.draw, &column.source) {
        (
            Draw::Row,
            Source::Shape {
                shape: Shape::Numbers(numbers),
                ..
            },
        ) => Some(numbers.clone()),
        _ => None,
    };
    let root = column.root();
    let series = numbers(root);
    column.comes_from(other)
        || (series.is_some() && series == numbers(other) && root.rows <= other.rows)
}
