//! Keys that reference each other in a circle: one-to-one both ways.
//!
//! The tables of such a circle have the same keys, so they must have as many rows. Then one of the
//! foreign keys can be left to the others: each of these uses every row of its parent once. What goes
//! round in other ways is left to [twins](super::twins).

use crate::schema::{RelationName, Table};

use super::links::AllLinks;
use crate::synth::error::SynthError;
use crate::synth::world::World;

/// A table and the number of one of its links.
type Step<'a> = (&'a RelationName, usize);

/// Takes one link from every circle of keys, and links that every row satisfies by itself.
///
/// # Errors
/// Tables of a circle without nullable columns that do not have the same number of rows.
pub(crate) fn cut(world: &World<'_>, all: &mut AllLinks<'_>) -> Result<(), SynthError> {
    for (table, links) in all.values_mut() {
        links.retain(|link| link.of_itself(table).len() < link.columns.len());
    }
    while let Some(circle) = find(world, all) {
        let rows = |step: &Step<'_>| world.rows(step.0);
        let most = circle.iter().max_by_key(|step| rows(step));
        let fewest = circle.iter().min_by_key(|step| rows(step));
        let (Some(most), Some(fewest)) = (most, fewest) else {
            return Ok(());
        };
        if rows(most) > rows(fewest) {
            return Err(SynthError::CircleRows {
                table: most.0.to_string(),
                rows: rows(most),
                other: fewest.0.to_string(),
                fewer: rows(fewest),
            });
        }
        // Values come from where another foreign key decides them, else from where the database would
        // make them, else from the first table.
        let other = circle.iter().find(|step| is_decided_elsewhere(all, step));
        let own = other.or_else(|| circle.iter().find(|step| makes_its_keys(all, step)));
        let (name, index) = own.or(circle.first()).copied().unwrap_or(*most);
        let name = name.clone();
        if let Some((_, links)) = all.get_mut(&name) {
            links.remove(index);
        }
    }
    Ok(())
}

/// Whether another foreign key of the table decides a link's columns too.
fn is_decided_elsewhere(all: &AllLinks<'_>, (name, index): &Step<'_>) -> bool {
    let links = all.get(name).map_or(&[][..], |(_, links)| links);
    let others = links.iter().enumerate().filter(|(other, _)| other != index);
    links.get(*index).is_some_and(|link| {
        let mut others = others.map(|(_, other)| other);
        others.any(|other| other.columns.iter().any(|own| link.columns.contains(own)))
    })
}

/// Whether a link's columns have a sequence or a default of their own.
fn makes_its_keys(all: &AllLinks<'_>, (name, index): &Step<'_>) -> bool {
    let Some((table, links)) = all.get(name) else {
        return false;
    };
    let columns = links.get(*index).into_iter().flat_map(|link| &link.columns);
    let mut columns = columns.filter_map(|column| table.column(column));
    columns.any(|column| column.sequence || column.default.is_some())
}

/// The links of a circle of which every column is NOT NULL, or whose tables have as many rows.
fn find<'a>(world: &World<'_>, all: &AllLinks<'a>) -> Option<Vec<Step<'a>>> {
    all.iter().find_map(|(name, (_, links))| {
        links.iter().enumerate().find_map(|(index, link)| {
            let mut path = vec![(*name, index)];
            let goal = (*name, link.columns.as_slice());
            let next = (&link.parent, link.parent_columns.clone());
            let is_circle = leads_back(all, &mut path, next, goal);
            let even = || {
                path.iter()
                    .all(|step| world.rows(step.0) == world.rows(name))
            };
            let strict = || !path.iter().any(|step| is_nullable(all, step.0, step.1));
            (is_circle && (even() || strict())).then_some(path)
        })
    })
}

fn is_nullable(all: &AllLinks<'_>, name: &RelationName, index: usize) -> bool {
    let Some((table, links)) = all.get(name) else {
        return true;
    };
    let nullable =
        |table: &Table, column: &String| table.column(column).is_none_or(|column| !column.not_null);
    let columns = links.get(index).into_iter().flat_map(|link| &link.columns);
    columns.into_iter().any(|column| nullable(table, column))
}

/// Whether links lead from columns of a table to the goal, over tables not yet on the path.
fn leads_back<'a>(
    all: &AllLinks<'a>,
    path: &mut Vec<Step<'a>>,
    (name, columns): (&RelationName, Vec<String>),
    goal: (&RelationName, &[String]),
) -> bool {
    if (name, columns.as_slice()) == goal {
        return true;
    }
    let Some((name, (_, links))) = all.get_key_value(name) else {
        return false;
    };
    if path.iter().any(|(visited, _)| visited == name) {
        return false;
    }
    for (index, link) in links.iter().enumerate() {
        // A wider one holds more than goes round.
        let same = columns.len() == link.columns.len()
            && columns.iter().all(|column| link.columns.contains(column));
        if !same {
            continue;
        }
        path.push((name, index));
        let next = columns
            .iter()
            .map(|column| link.referenced(column).to_owned());
        if leads_back(all, path, (&link.parent, next.collect()), goal) {
            return true;
        }
        path.pop();
    }
    false
}
