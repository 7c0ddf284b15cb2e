//! Foreign keys that a schema leaves out and its others imply.
//!
//! Where tasks reference the users and the projects of a tenant, but projects have no foreign key to
//! tenants, their tenants must be those of users all the same. Such columns get a link to the table
//! whose key the values are; where there is none, to a table that is made up.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{RelationName, Table, UniqueKey};

use super::kinship::Kinship;
use super::links::{AllLinks, Link};
use crate::synth::world::World;

/// Rows that each row of a made-up table stands for, of the smallest of the tables below it.
const ROWS_OF_EACH: u64 = 10;

/// A table and one of its columns.
pub(crate) type Place = (RelationName, String);

/// Columns that foreign keys connect, each with another one of its class; classes have one that leads
/// to itself.
#[derive(Default)]
pub(crate) struct Classes {
    next: BTreeMap<Place, Place>,
}

impl Classes {
    pub(crate) fn of(&self, place: &Place) -> Place {
        let mut place = place;
        while let Some(next) = self.next.get(place).filter(|next| *next != place) {
            place = next;
        }
        place.clone()
    }

    pub(crate) fn join(&mut self, one: &Place, other: &Place) {
        let (one, other) = (self.of(one), self.of(other));
        self.next.insert(other.clone(), one.clone());
        self.next.insert(one.clone(), one);
    }
}

/// What is added to the schema's own links.
#[derive(Debug, Default)]
pub(crate) struct Inferred {
    /// Made-up tables and their rows.
    pub(crate) domains: Vec<(Table, u64)>,
    links: Vec<(RelationName, Link)>,
}

impl Inferred {
    /// What the links of all tables imply.
    pub(crate) fn of(world: &World<'_>, all: &AllLinks<'_>) -> Self {
        let kinship = Kinship::new(world, all);
        let mut inferred = Self::default();
        for (class, sources) in sources(all, &kinship) {
            inferred.add(world, all, &class, &sources);
        }
        inferred
    }

    /// Gives all sources of a class the same table to take their values from.
    fn add(
        &mut self,
        world: &World<'_>,
        all: &AllLinks<'_>,
        class: &BTreeSet<Place>,
        sources: &BTreeSet<Place>,
    ) {
        let keyed = class.iter().filter(|(name, column)| {
            let table = all.get(name);
            table.is_some_and(|(table, links)| {
                let alone = |key: &UniqueKey| !key.partial && key.columns == [column.clone()];
                table.unique_keys.iter().any(alone) && !is_decided(table, links, column)
            })
        });
        // Rows that are there already can only be chosen from.
        let order = |name| (world.given(name).is_some(), world.rows(name));
        let anchor = keyed.max_by_key(|(name, _)| order(name)).cloned();
        let Some(anchor) = anchor.or_else(|| self.domain(world, all, sources)) else {
            return;
        };
        let domain = self
            .domains
            .iter()
            .find(|(table, _)| table.name == anchor.0);
        let rows = domain.map_or(world.rows(&anchor.0), |(_, rows)| *rows);
        for (name, column) in sources.iter().filter(|source| **source != anchor) {
            if world.given(name).is_some() {
                continue;
            }
            let link = Link {
                name: column.clone(),
                columns: vec![column.clone()],
                parent: anchor.0.clone(),
                parent_columns: vec![anchor.1.clone()],
                parent_rows: rows,
                allows_orphans: false,
                twin: None,
            };
            self.links.push((name.clone(), link));
        }
    }

    /// A made-up table with the values of a class.
    fn domain(
        &mut self,
        world: &World<'_>,
        all: &AllLinks<'_>,
        sources: &BTreeSet<Place>,
    ) -> Option<Place> {
        let fewest = sources.iter().map(|(name, _)| world.rows(name)).min()?;
        let (name, column) = sources.first()?;
        let (table, _) = all.get(name)?;
        let distinct = sources.iter().filter_map(|(name, column)| {
            let (table, _) = all.get(name)?;
            world.spec(table, column).distinct
        });
        let rows = distinct.min().unwrap_or(fewest / ROWS_OF_EACH).max(1);
        let mut own = table.column(column)?.clone();
        own.not_null = true;
        let made_up = RelationName {
            schema: String::new(),
            name: format!("{column} of {name}"),
        };
        let table = Table {
            oid: 0,
            name: made_up.clone(),
            columns: vec![own],
            unique_keys: vec![UniqueKey {
                name: made_up.name.clone(),
                primary: true,
                columns: vec![column.clone()],
                partial: false,
                predicate: None,
                expressions: Vec::new(),
                nulls_not_distinct: false,
            }],
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            partitioning: None,
        };
        self.domains.push((table, rows));
        Some((made_up, column.clone()))
    }

    /// Adds the links to those of the schema.
    pub(crate) fn extend(self, all: &mut AllLinks<'_>) {
        for (name, link) in self.links {
            if let Some((_, links)) = all.get_mut(&name) {
                links.push(link);
            }
        }
    }
}

/// The columns of each class by which rows are wanted, and that no link decides, if they do not come
/// from one place.
fn sources(all: &AllLinks<'_>, kinship: &Kinship<'_>) -> Vec<(BTreeSet<Place>, BTreeSet<Place>)> {
    let mut classes = Classes::default();
    let mut places = BTreeSet::new();
    for (name, (_, links)) in all {
        for link in links.iter().filter(|link| all.contains_key(&link.parent)) {
            for (column, referenced) in link.columns.iter().zip(&link.parent_columns) {
                let own = ((*name).clone(), column.clone());
                let its = (link.parent.clone(), referenced.clone());
                classes.join(&own, &its);
                places.extend([own, its]);
            }
        }
    }
    let mut found: BTreeMap<Place, (BTreeSet<Place>, BTreeSet<Place>)> = BTreeMap::new();
    for place in places {
        let (class, sources) = found.entry(classes.of(&place)).or_default();
        let decided = comes_from_elsewhere(all, &place);
        if !decided && kinship.wants(&place.0, &place.1) {
            sources.insert(place.clone());
        }
        class.insert(place);
    }
    let split = |sources: &BTreeSet<Place>| {
        sources.len() > 1 || sources.iter().any(|place| is_told_apart(all, place))
    };
    found
        .into_values()
        .filter(|(_, sources)| split(sources))
        .collect()
}

/// Whether rows of a table are found by a column that is not its key: a link to another row of the
/// table keeps it, or two links of one table to this one share it.
fn is_told_apart(all: &AllLinks<'_>, (name, column): &Place) -> bool {
    let alone = |key: &UniqueKey| !key.partial && key.columns == [column.clone()];
    all.values().any(|(table, links)| {
        let leading = links.iter().filter(|link| {
            link.parent == *name
                && link.parent_columns.len() > 1
                && link.parent_columns.contains(column)
                && !(table.name == *name && table.unique_keys.iter().any(alone))
        });
        let mut own: Vec<&String> = Vec::new();
        for link in leading {
            let pairs = link.columns.iter().zip(&link.parent_columns);
            for (own_column, _) in pairs.filter(|(_, referenced)| *referenced == column) {
                let kept = table.name == *name && own_column == column;
                if kept || own.contains(&own_column) {
                    return true;
                }
                own.push(own_column);
            }
        }
        false
    })
}

/// Whether a link decides a column, rather than keep it.
fn is_decided(table: &Table, links: &[Link], column: &String) -> bool {
    links
        .iter()
        .any(|link| link.columns.contains(column) && !link.of_itself(table).contains(&column))
}

/// Whether links lead from a column to one that has its values by itself: not so where they only go
/// round in a circle.
fn comes_from_elsewhere(all: &AllLinks<'_>, place: &Place) -> bool {
    let mut open = vec![place.clone()];
    let mut seen = BTreeSet::new();
    while let Some((name, column)) = open.pop() {
        let Some((table, links)) = all.get(&name) else {
            return true;
        };
        if !is_decided(table, links, &column) {
            if (&name, &column) != (&place.0, &place.1) {
                return true;
            }
            continue;
        }
        if seen.insert((name, column.clone())) {
            let through = links.iter().filter(|link| link.columns.contains(&column));
            open.extend(through.map(|link| {
                let referenced = link.referenced(&column).to_owned();
                (link.parent.clone(), referenced)
            }));
        }
    }
    false
}
