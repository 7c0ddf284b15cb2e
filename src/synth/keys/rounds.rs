//! Which foreign keys go round in a circle: their columns lead back to themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::RelationName;

use super::domains::Place;
use super::links::{AllLinks, Link};
use crate::synth::error::SynthError;
use crate::synth::world::World;

/// Foreign keys of a circle, or of several that share columns.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// Each with its table.
    pub(crate) links: Vec<(RelationName, Link)>,
}

/// All circles of a schema.
pub(crate) fn rounds(all: &AllLinks<'_>) -> Vec<Round> {
    let next = edges(all);
    let mut rounds: Vec<Round> = Vec::new();
    for (name, (_, links)) in all {
        for link in links {
            let goes_round = pairs(name, link)
                .any(|(own, its)| next.contains_key(&own) && leads_to(&next, &its, &own));
            if link.parent == **name || !goes_round {
                continue;
            }
            let mut round = Round {
                links: vec![((*name).clone(), link.clone())],
            };
            // Circles that share a column are one.
            let places = round.places();
            rounds.retain(|other| {
                let apart = other.places().is_disjoint(&places);
                if !apart {
                    round.links.extend(other.links.iter().cloned());
                }
                apart
            });
            rounds.push(round);
        }
    }
    rounds
}

/// The columns that each column references.
fn edges(all: &AllLinks<'_>) -> BTreeMap<Place, BTreeSet<Place>> {
    let mut next: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
    for (name, (_, links)) in all {
        for link in links.iter().filter(|link| link.parent != **name) {
            for (own, its) in pairs(name, link) {
                next.entry(own).or_default().insert(its);
            }
        }
    }
    next
}

/// The columns of a link, each with the one that it references.
fn pairs(name: &RelationName, link: &Link) -> impl Iterator<Item = (Place, Place)> {
    let columns = link.columns.iter().zip(&link.parent_columns);
    columns.map(|(own, its)| {
        let own = (name.clone(), own.clone());
        (own, (link.parent.clone(), its.clone()))
    })
}

fn leads_to(next: &BTreeMap<Place, BTreeSet<Place>>, from: &Place, to: &Place) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(place) = open.pop() {
        if place == to {
            return true;
        }
        if seen.insert(place) {
            open.extend(next.get(place).into_iter().flatten());
        }
    }
    false
}

impl Round {
    /// The columns that its keys connect.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Place, Place)> {
        self.links.iter().flat_map(|(name, link)| pairs(name, link))
    }

    /// All its columns.
    pub(crate) fn places(&self) -> BTreeSet<Place> {
        self.pairs().flat_map(|(own, its)| [own, its]).collect()
    }

    /// Its tables.
    pub(crate) fn tables(&self) -> BTreeSet<RelationName> {
        self.places().into_iter().map(|(table, _)| table).collect()
    }

    /// Whether one of its keys decides a column.
    pub(crate) fn decides(&self, (table, column): &Place) -> bool {
        let mut links = self.links.iter();
        links.any(|(name, link)| name == table && link.columns.contains(column))
    }

    /// Whether a table's link is one of its keys.
    pub(crate) fn has(&self, table: &RelationName, link: &Link) -> bool {
        let mut links = self.links.iter();
        links.any(|(name, own)| name == table && own == link)
    }

    /// The key that decides a column of a table; one that has no key is named by the column.
    pub(crate) fn constraint(&self, table: &RelationName, column: &str) -> String {
        let mut links = self.links.iter();
        let own = links
            .find(|(name, link)| name == table && link.columns.iter().any(|own| own == column));
        own.map_or(column, |(_, link)| &link.name).to_owned()
    }

    /// The table with the fewest rows; of several, one that makes its keys itself, or has keys of the
    /// columns that go round.
    pub(crate) fn head(&self, world: &World<'_>, all: &AllLinks<'_>) -> Option<RelationName> {
        let places = self.places();
        let rank = |name: &RelationName| {
            let table = all.get(name).map(|(table, _)| *table);
            let within = |column: &String| places.contains(&(name.clone(), column.clone()));
            let mut columns = table.into_iter().flat_map(|table| &table.columns);
            let own = columns.any(|column| {
                within(&column.name) && (column.sequence || column.default.is_some())
            });
            let keys = table.into_iter().flat_map(|table| &table.unique_keys);
            let fewest = keys
                .filter(|key| !key.columns.is_empty() && key.columns.iter().all(within))
                .map(|key| key.columns.len())
                .min();
            (world.rows(name), !own, fewest.unwrap_or(usize::MAX))
        };
        self.tables().into_iter().min_by_key(rank)
    }

    /// Whether the columns that go round tell rows apart, by several columns or in several tables: no
    /// order of rows can make them hold.
    pub(crate) fn tells_apart(&self, all: &AllLinks<'_>) -> bool {
        let next = edges(all);
        let round: BTreeSet<Place> = self
            .pairs()
            .filter(|(own, its)| leads_to(&next, its, own))
            .flat_map(|(own, its)| [own, its])
            .collect();
        let widths = self.tables().into_iter().filter_map(|name| {
            let within = |column: &String| round.contains(&(name.clone(), column.clone()));
            let keys = all.get(&name).map(|(table, _)| &table.unique_keys);
            let keys = keys.into_iter().flatten().filter(|key| {
                let plain = !key.partial && key.expressions.is_empty();
                plain && !key.columns.is_empty() && key.columns.iter().all(within)
            });
            keys.map(|key| key.columns.len()).max()
        });
        widths.sum::<usize>() > 1
    }

    /// Whether an error is about one of its columns.
    pub(crate) fn explains(&self, error: &SynthError) -> bool {
        let mut places = self.places().into_iter();
        match error {
            SynthError::Circle(column) => {
                places.any(|(table, own)| *column == format!("{table}.{own}"))
            }
            SynthError::SharedColumn { table, .. }
            | SynthError::TooFewCombinations { table, .. } => {
                places.any(|(name, _)| *table == name.to_string())
            }
            _ => false,
        }
    }
}
