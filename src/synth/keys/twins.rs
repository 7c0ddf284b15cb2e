//! Circles of foreign keys of several columns: locks reference the mode that they are held in, and
//! modes one of their locks.
//!
//! The tables of such a circle are twins: their rows of the same number belong together, so that any
//! way round the circle ends where it began. The columns that its keys connect are of one class, and
//! have their values from one of them. A table with more rows than the smallest has these again.

mod promised;

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{RelationName, Schema, Table, UniqueKey};
use crate::sql::understand_check;

use super::domains::{Classes, Place};
use super::links::{AllLinks, Link, Twin};
use super::rounds::Round;
use crate::synth::error::SynthError;
use crate::synth::world::World;

/// What takes the place of the links of circles.
#[derive(Debug, Default)]
pub(crate) struct Twins {
    dropped: Vec<(RelationName, Link)>,
    links: Vec<(RelationName, Link)>,
    /// Keys that a column's table must have for the sake of others that take its values.
    keys: Vec<(RelationName, UniqueKey)>,
}

/// A circle whose classes of columns are being planned.
struct Pairing<'p, 'a> {
    world: &'p World<'a>,
    all: &'p AllLinks<'a>,
    round: &'p Round,
    /// The table with the fewest rows.
    head: RelationName,
    /// Its rows.
    rows: u64,
    /// Where each of the circle's columns has its values from.
    sources: BTreeMap<Place, Place>,
    result: Twins,
}

impl Twins {
    /// What makes the tables of a circle twins.
    ///
    /// # Errors
    /// A unique key that does not allow a table more rows than another has.
    pub(crate) fn of(
        world: &World<'_>,
        all: &AllLinks<'_>,
        round: &Round,
    ) -> Result<Self, SynthError> {
        let Some(head) = round.head(world, all) else {
            return Ok(Self::default());
        };
        let mut pairing = Pairing {
            world,
            all,
            round,
            rows: world.rows(&head),
            head,
            sources: BTreeMap::new(),
            result: Self::default(),
        };
        pairing.choose_sources()?;
        pairing.follow()?;
        pairing.promise();
        pairing.part();
        pairing.lift();
        pairing.result.dropped = round.links.clone();
        Ok(pairing.result)
    }

    /// Puts the links of twins in the place of those of circles.
    pub(crate) fn apply(&self, all: &mut AllLinks<'_>) {
        for (name, link) in &self.dropped {
            if let Some((_, links)) = all.get_mut(name) {
                links.retain(|own| own != link);
            }
        }
        for (name, link) in &self.links {
            if let Some((_, links)) = all.get_mut(name) {
                // Before all others, for nothing else may decide their columns.
                let place = if link.twin.is_some() { 0 } else { links.len() };
                links.insert(place, link.clone());
            }
        }
    }

    /// Adds the keys that the columns of twins must have.
    pub(crate) fn extend(&self, schema: &mut Schema) {
        for (name, key) in &self.keys {
            let mut tables = schema.tables.iter_mut();
            if let Some(table) = tables.find(|table| table.name == *name) {
                table.unique_keys.push(key.clone());
            }
        }
    }
}

impl Pairing<'_, '_> {
    /// Chooses for every class the column that has its values by itself: one that nothing in the
    /// circle decides in a table with rows to spare, else that of the smallest table.
    fn choose_sources(&mut self) -> Result<(), SynthError> {
        let mut classes = Classes::default();
        for (own, its) in self.round.pairs() {
            classes.join(&own, &its);
        }
        let mut members: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
        for place in self.round.places() {
            members.entry(classes.of(&place)).or_default().push(place);
        }
        for places in members.into_values() {
            let rank = |place: &&Place| {
                let rows = self.world.rows(&place.0);
                let spare = !self.round.decides(place) && rows > self.rows;
                (!spare, place.0 != self.head, rows)
            };
            let Some(source) = places.iter().min_by_key(rank).cloned() else {
                continue;
            };
            let rows = self.world.rows(&source.0);
            if rows > self.rows && self.round.decides(&source) {
                return Err(self.uneven(&source.0));
            }
            let all = places.into_iter().map(|place| (place, source.clone()));
            self.sources.extend(all);
        }
        Ok(())
    }

    /// Links every column of a class to the one that its values come from.
    fn follow(&mut self) -> Result<(), SynthError> {
        for name in self.round.tables() {
            let Some((table, _)) = self.all.get(&name) else {
                continue;
            };
            let limited = self.limited(table)?;
            let mut links: BTreeMap<(RelationName, bool), Vec<(String, String)>> = BTreeMap::new();
            for column in &table.columns {
                let column = &column.name;
                let source = self.sources.get(&(name.clone(), column.clone()));
                if let Some((parent, its)) = source.filter(|source| source.0 != name) {
                    let key = (parent.clone(), limited.contains(column));
                    let pairs = links.entry(key).or_default();
                    pairs.push((column.clone(), its.clone()));
                }
            }
            for ((parent, limited), pairs) in links {
                let first = pairs.first().map(|(column, _)| column.as_str());
                let link = Link {
                    name: self.round.constraint(&name, first.unwrap_or_default()),
                    columns: pairs.iter().map(|(own, _)| own.clone()).collect(),
                    parent_columns: pairs.into_iter().map(|(_, its)| its).collect(),
                    parent_rows: self.world.rows(&parent),
                    parent,
                    allows_orphans: false,
                    twin: Some(Twin {
                        rows: self.rows,
                        limit: if limited { self.rows } else { u64::MAX },
                    }),
                };
                self.result.links.push((name.clone(), link));
            }
        }
        Ok(())
    }

    /// The columns of a table that are NULL where there is no row of the same number, so that its keys
    /// hold.
    fn limited(&self, table: &Table) -> Result<BTreeSet<String>, SynthError> {
        let mut limited = BTreeSet::new();
        if self.world.rows(&table.name) <= self.rows {
            return Ok(limited);
        }
        let follows = |column: &String| self.follows(table, column);
        for key in &table.unique_keys {
            if !key.expressions.is_empty() || !key.columns.iter().all(follows) {
                continue;
            }
            // A column of the condition can keep rows out of a partial index.
            let bounds = key.predicate.as_deref().map(understand_check);
            if bounds
                .into_iter()
                .flatten()
                .any(|bound| table.column(&bound.column).is_some() && !follows(&bound.column))
            {
                continue;
            }
            let mut columns = key.columns.iter();
            match columns.find(|column| self.world.is_nullable(table, column)) {
                Some(column) => limited.insert(column.clone()),
                None => return Err(self.uneven(&table.name)),
            };
        }
        Ok(limited)
    }

    /// Whether a column of a table has the values of another table's.
    fn follows(&self, table: &Table, column: &str) -> bool {
        let place = (table.name.clone(), column.to_owned());
        let source = self.sources.get(&place);
        source.is_some_and(|source| source.0 != table.name)
    }

    /// Gives the columns that values come from the foreign keys of those that take them.
    fn lift(&mut self) {
        let mut lifted: Vec<(RelationName, Link)> = Vec::new();
        for name in self.round.tables() {
            let Some((_, links)) = self.all.get(&name) else {
                continue;
            };
            for link in links.iter().filter(|link| !self.round.has(&name, link)) {
                let sources = link
                    .columns
                    .iter()
                    .map(|column| self.sources.get(&(name.clone(), column.clone())));
                let Some(sources) = sources.collect::<Option<Vec<&Place>>>() else {
                    continue;
                };
                let Some((parent, _)) = sources.first() else {
                    continue;
                };
                let together = sources.iter().all(|source| source.0 == *parent);
                if !together || *parent == name || link.parent == *parent || link.parent == name {
                    continue;
                }
                let columns = sources.iter().map(|source| source.1.clone()).collect();
                let link = Link {
                    columns,
                    ..link.clone()
                };
                let same = |own: &Link| {
                    own.columns == link.columns
                        && own.parent == link.parent
                        && own.parent_columns == link.parent_columns
                };
                let theirs = self.all.get(parent).map(|(_, links)| links);
                let known = theirs.into_iter().flatten().any(same)
                    || lifted.iter().any(|(name, own)| name == parent && same(own));
                if !known {
                    lifted.push((parent.clone(), link));
                }
            }
        }
        self.result.links.extend(lifted);
    }

    /// The error of a table with more rows than the smallest.
    fn uneven(&self, table: &RelationName) -> SynthError {
        SynthError::CircleRows {
            table: table.to_string(),
            rows: self.world.rows(table),
            other: self.head.to_string(),
            fewer: self.rows,
        }
    }
}
