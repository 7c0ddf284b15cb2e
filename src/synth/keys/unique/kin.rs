//! Unique keys of tables whose rows have an order: rows are counted below an ancestor.

use std::sync::Arc;

use crate::schema::{RelationName, UniqueKey};
use crate::synth::error::SynthError;
use crate::synth::keys::kin::{Index, Radix};
use crate::synth::keys::links::Link;
use crate::synth::keys::relation::Relation;

use super::Planner;

/// A column, or a link by its first column, that a digit of an index decides.
struct Part {
    name: String,
    radix: Radix,
    nullable: bool,
}

/// What a key says of a link.
enum Found {
    /// The ancestor, which the order decides.
    Decided,
    /// A choice that a digit can make, below an ancestor so many levels up.
    Part(Part, Option<u32>),
    /// Nothing can be said.
    Unknown,
}

impl Planner<'_> {
    /// Plans a key by the order of the table; false where it does not speak of an ancestor.
    /// `number` is a column that may count.
    pub(super) fn within_kin(
        &mut self,
        key: &UniqueKey,
        number: Option<&String>,
    ) -> Result<bool, SynthError> {
        if self.links.relations.is_empty() {
            return Ok(false);
        }
        let mut levels = self.known_level(&key.columns);
        let mut parts: Vec<Part> = Vec::new();
        for column in key.columns.iter().filter(|column| Some(*column) != number) {
            match self.part(key, column)? {
                Found::Decided => {}
                Found::Unknown => return Ok(false),
                Found::Part(part, level) => {
                    levels = [levels, level].into_iter().flatten().min();
                    match parts.iter_mut().find(|known| known.name == part.name) {
                        Some(known) => known.nullable |= part.nullable,
                        None => parts.push(part),
                    }
                }
            }
        }
        let Some(levels) = levels else {
            return Ok(false);
        };
        if let [part] = parts.as_slice()
            && let Some(column) = self.table.column(&part.name)
            && number.is_none()
            && self.is_chain(&part.name)
        {
            self.result.chains.insert(column.name.clone());
            return Ok(true);
        }
        self.index(key, levels, parts, number);
        Ok(true)
    }

    /// The nearest ancestor that columns tell apart, by levels up.
    pub(super) fn known_level(&self, columns: &[String]) -> Option<u32> {
        let mut ancestor: &RelationName = &self.table.name;
        for level in 1u32.. {
            ancestor = &self.kinship.link_above(ancestor)?.parent;
            let depth = usize::try_from(level).ok()?;
            let known: Vec<&str> = columns
                .iter()
                .filter_map(|column| self.kinship.origins(&self.table.name, column).nth(depth))
                .map(|(_, column)| column)
                .collect();
            let table = self
                .world
                .schema
                .tables
                .iter()
                .find(|t| t.name == *ancestor)?;
            let mut keys = table.unique_keys.iter();
            if keys.any(|key| {
                let mut columns = key.columns.iter();
                !key.partial
                    && key.expressions.is_empty()
                    && columns.all(|column| known.contains(&column.as_str()))
            }) {
                return Some(level);
            }
        }
        None
    }

    /// What a column is in a key.
    fn part(&self, key: &UniqueKey, column: &String) -> Result<Found, SynthError> {
        let nullable = !key.nulls_not_distinct && self.world.is_nullable(self.table, column);
        let Some(&index) = self.links.of.get(column) else {
            let Some(own) = self.table.column(column) else {
                return Ok(Found::Unknown);
            };
            if self.result.is_decided(column) {
                return Ok(Found::Unknown);
            }
            let part = Part {
                name: column.clone(),
                radix: Radix::Fixed((self.capacity)(own)?),
                nullable,
            };
            return Ok(Found::Part(part, None));
        };
        let Some(link) = self.links.all.get(index) else {
            return Ok(Found::Unknown);
        };
        let (radix, level) = match self.links.relations.get(&index) {
            Some(Relation::Above) => return Ok(Found::Decided),
            Some(Relation::Beside { base, up, down })
                if self.links.relations.get(base) == Some(&Relation::Above) =>
            {
                let Some(member) = self.kinship.member(&link.parent) else {
                    return Ok(Found::Unknown);
                };
                let radix = Radix::Belonging {
                    up: *up,
                    order: Arc::clone(&member.slot),
                    down: *down,
                };
                (radix, Some(up + 1))
            }
            Some(Relation::Earlier { levels }) => (Radix::Fixed(1), Some(*levels)),
            _ => return Ok(Found::Unknown),
        };
        let name = self.links.leading(index).unwrap_or(column).clone();
        let mut known = key.columns.clone();
        known.extend(self.below(&key.columns, link));
        if !self.is_whole(link, &known) || self.result.is_decided(&name) {
            return Ok(Found::Unknown);
        }
        Ok(Found::Part(
            Part {
                name,
                radix,
                nullable,
            },
            level,
        ))
    }

    /// The columns of a link that are known with the ancestor that a key's columns tell apart.
    fn below(&self, columns: &[String], link: &Link) -> Vec<String> {
        let level = self
            .known_level(columns)
            .and_then(|level| usize::try_from(level).ok());
        let Some(level) = level else {
            return Vec::new();
        };
        let mut origins = link.columns.clone();
        origins.retain(|column| {
            let mut origins = self.kinship.origins(&self.table.name, column);
            origins.nth(level).is_some()
        });
        origins
    }

    /// Whether a link goes to an earlier row and may be NULL, so that it can go from each row to the
    /// one before.
    fn is_chain(&self, first: &str) -> bool {
        let index = self.links.of.get(first);
        let earlier = index.is_some_and(|index| {
            matches!(
                self.links.relations.get(index),
                Some(Relation::Earlier { .. })
            )
        });
        let link = self.links.deciding(first);
        earlier
            && link.is_some_and(|link| {
                let mut columns = link.columns.iter();
                columns.any(|column| self.world.is_nullable(self.table, column))
            })
    }

    /// Makes the parts digits of one index.
    fn index(&mut self, key: &UniqueKey, levels: u32, parts: Vec<Part>, number: Option<&String>) {
        let Some(member) = self.kinship.member(&self.table.name) else {
            return;
        };
        let index = Arc::new(Index {
            order: Arc::clone(&member.slot),
            levels,
            key: self.world.key(self.table, &key.name),
            parts: parts.iter().map(|part| part.radix.clone()).collect(),
            once: (parts.iter().enumerate())
                .filter(|(_, part)| part.nullable && number.is_none())
                .map(|(place, _)| place)
                .collect(),
        });
        let nullable = parts.iter().any(|part| part.nullable);
        for (place, part) in parts.into_iter().enumerate() {
            let digit = (Arc::clone(&index), Some(place));
            self.result.indexed.insert(part.name, digit);
        }
        match number {
            Some(number) => {
                let rest = (Arc::clone(&index), None);
                self.result.indexed.insert(number.clone(), rest);
            }
            None if !nullable => self.result.bounded.push((key.name.clone(), index)),
            None => {}
        }
    }
}
