//! Columns that may be NULL and whose values columns that are NOT NULL take.
//!
//! They have a value in every row; but where the scenario asks for NULLs, or a unique foreign key has
//! too few parents, only in the first rows, and only these are referenced.

use std::collections::BTreeMap;

use crate::schema::Table;

use super::domains::Place;
use super::kinship::Kinship;
use super::links::{AllLinks, Link};
use crate::synth::error::{Problem, SynthError};
use crate::synth::world::{Demand, World};

/// Finds the columns, and lets foreign keys choose only rows that have values.
///
/// # Errors
/// NULLs that the scenario asks for in rows that cannot be passed over.
pub(crate) fn demand(world: &World<'_>, all: &mut AllLinks<'_>) -> Result<Demand, SynthError> {
    let mut needs = Needs::new();
    for (table, links) in all.values() {
        for link in links {
            for column in &link.columns {
                if !world.is_nullable(table, column) {
                    need(world, all, (table, link, column), &mut needs);
                }
            }
        }
    }
    let kinship = Kinship::new(world, all);
    let mut demand = Demand::new();
    for ((name, column), all_used) in needs {
        let Some((table, links)) = all.get(&name) else {
            continue;
        };
        let mut rows = with_values(world, table, &column);
        let may_lack = !all_used && kinship.member(&name).is_none();
        for link in links.iter().filter(|link| link.columns.contains(&column)) {
            rows = match link.twin {
                Some(twin) => rows.min(twin.limit),
                None if may_lack && is_one_to_one(table, link) => rows.min(link.parent_rows),
                None => rows,
            };
        }
        demand.insert((name, column), rows);
    }
    check(world, (all, &kinship), &demand)?;
    for (_, links) in all.values_mut() {
        for link in links.iter_mut().filter(|link| link.twin.is_none()) {
            link.parent_rows = rows_with_values(link, &demand);
        }
    }
    Ok(demand)
}

/// Columns that others need values of, and whether these use all rows.
type Needs = BTreeMap<Place, bool>;

/// Adds the column that a link's column references, and those that this has its values from.
fn need(
    world: &World<'_>,
    all: &AllLinks<'_>,
    (child, link, column): (&Table, &Link, &str),
    needs: &mut Needs,
) {
    let Some((table, links)) = all.get(&link.parent) else {
        return;
    };
    let referenced = link.referenced(column).to_owned();
    // What is NOT NULL needs values for itself.
    if !world.is_nullable(table, &referenced) || world.given(&table.name).is_some() {
        return;
    }
    let all_used = is_bound(child, link);
    let known = needs.insert((table.name.clone(), referenced.clone()), all_used);
    if let Some(known) = known {
        needs.insert((table.name.clone(), referenced), all_used || known);
        return;
    }
    for next in links
        .iter()
        .filter(|next| next.columns.contains(&referenced))
    {
        need(world, all, (table, next, &referenced), needs);
    }
}

/// Whether a link's rows are not its own choice.
fn is_bound(child: &Table, link: &Link) -> bool {
    link.parent == child.name || link.twin.is_some() || child.partitioning.is_some()
}

/// The rows that have a value, as the scenario asks.
fn with_values(world: &World<'_>, table: &Table, column: &str) -> u64 {
    let rows = world.rows(&table.name);
    let share = world.spec(table, column).null_fraction.unwrap_or(0.0);
    // The cast saturates, and a share is at most 1.
    rows - ((rows as f64 * share).ceil() as u64).min(rows)
}

/// Whether each row has a parent of its own.
fn is_one_to_one(table: &Table, link: &Link) -> bool {
    link.parent != table.name
        && table.unique_keys.iter().any(|key| {
            let plain = !key.partial && key.expressions.is_empty();
            plain && key.columns.iter().all(|own| link.columns.contains(own))
        })
}

/// The rows of its parent that have values in all columns that a link takes.
fn rows_with_values(link: &Link, demand: &Demand) -> u64 {
    let columns = link.parent_columns.iter();
    let known = columns.filter_map(|column| demand.get(&(link.parent.clone(), column.clone())));
    known.copied().fold(link.parent_rows, u64::min)
}

/// Rows that agree with others, or are the ones before, cannot pass over those without values.
fn check(
    world: &World<'_>,
    (all, kinship): (&AllLinks<'_>, &Kinship<'_>),
    demand: &Demand,
) -> Result<(), SynthError> {
    for (name, (table, links)) in all {
        for link in links {
            let bound = is_bound(table, link) || kinship.member(&link.parent).is_some();
            let Some((parent, _)) = all.get(&link.parent).filter(|_| bound) else {
                continue;
            };
            let asked = |column: &&String| {
                let place = (link.parent.clone(), (*column).clone());
                let fraction = world.spec(parent, column).null_fraction;
                demand.contains_key(&place) && fraction.is_some_and(|share| share > 0.0)
            };
            let first = link.parent_columns.iter().find(asked);
            if let Some(column) = first.and_then(|column| parent.column(column)) {
                let problem = Problem::NullsOfKeys(format!("{name}.{}", link.name));
                return Err(world.fail(parent, column, problem));
            }
        }
    }
    Ok(())
}
