//! Which link decides each column of a table whose foreign keys must agree with others'.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::Table;

use super::kinship::Kinship;
use super::links::{Link, Links};
use super::relation::Relation;
use crate::synth::error::SynthError;
use crate::synth::world::World;

/// A link whose parent's order was not known yet, so that it was taken to reach all rows.
#[derive(Debug, Clone)]
pub(crate) struct Assumed {
    pub(crate) link: Link,
    pub(crate) down: u32,
    /// Rows of the ancestor that it must reach.
    pub(crate) rows: u64,
}

/// The links of one table while they are assigned.
pub(crate) struct Assigner<'a> {
    pub(crate) world: &'a World<'a>,
    pub(crate) kinship: &'a Kinship<'a>,
    pub(crate) table: &'a Table,
    pub(crate) links: Links,
    pub(crate) assumed: Vec<Assumed>,
}

impl Assigner<'_> {
    /// Assigns all links: first that to the table above, then always the one that shares most.
    pub(crate) fn assign(&mut self) -> Result<(), SynthError> {
        let name = &self.table.name;
        let above = self.kinship.member(name).and_then(|member| member.above);
        let mut open: BTreeSet<usize> = (0..self.links.all.len()).collect();
        self.links.positions = self.world.rows(name);
        let twins = |index: &usize| self.links.all.get(*index).is_some_and(|l| l.twin.is_some());
        let twins: Vec<usize> = open.iter().copied().filter(twins).collect();
        for index in twins {
            open.remove(&index);
            self.decide(index, Relation::Twin);
        }
        if let Some(index) = above {
            open.remove(&index);
            let rows = self.links.all.get(index).map_or(0, |link| link.parent_rows);
            let rows = self.distinct(index).map_or(rows, |most| most.min(rows));
            self.links.positions = self.links.positions.min(rows);
            self.decide(index, Relation::Above);
        }
        while let Some(index) = self.next(&open) {
            open.remove(&index);
            self.relate(index)?;
        }
        Ok(())
    }

    /// The open link that shares most columns with those decided.
    fn next(&self, open: &BTreeSet<usize>) -> Option<usize> {
        let shared = |index: usize| {
            let link = self.links.all.get(index)?;
            let columns = link.columns.iter();
            Some(columns.filter(|c| self.links.of.contains_key(*c)).count())
        };
        // The first one of several: the order of the links is the widest first.
        open.iter()
            .copied()
            .max_by_key(|index| (shared(*index), std::cmp::Reverse(*index)))
    }

    fn relate(&mut self, index: usize) -> Result<(), SynthError> {
        let Some(link) = self.links.all.get(index).cloned() else {
            return Ok(());
        };
        if link.columns.iter().any(|c| self.links.null.contains_key(c)) {
            return Ok(());
        }
        let kept = link.of_itself(self.table);
        let shared: Vec<&String> = link
            .columns
            .iter()
            .filter(|column| self.links.of.contains_key(*column) || kept.contains(column))
            .collect();
        if shared.len() == link.columns.len() {
            if kept.len() < link.columns.len() {
                self.links.implied.push(index);
            }
            return Ok(());
        }
        if link.parent_rows > 0 && shared.is_empty() && !self.is_ordered(&link) {
            let columns = link.columns.into_iter();
            self.links.of.extend(columns.map(|column| (column, index)));
            return Ok(());
        }
        let relation = match link.parent_rows {
            0 => None,
            _ if shared.is_empty() => Some(Relation::Free {
                rows: link.parent_rows,
            }),
            _ if link.parent == self.table.name => self.earlier(&link, &shared),
            _ => self.beside(&link, &shared),
        };
        match relation {
            Some(relation) => self.decide(index, relation),
            None => {
                let shared = shared.first().map(|column| (*column).clone());
                return self.links.leave_null(self.world, self.table, &link, shared);
            }
        }
        Ok(())
    }

    /// Whether the parent is another table whose rows have an order.
    fn is_ordered(&self, link: &Link) -> bool {
        link.parent != self.table.name && self.kinship.member(&link.parent).is_some()
    }

    fn decide(&mut self, index: usize, relation: Relation) {
        let columns = self.links.all.get(index).map(|link| link.columns.clone());
        for column in columns.into_iter().flatten() {
            self.links.of.entry(column).or_insert(index);
        }
        self.links.relations.insert(index, relation);
    }

    /// A link to an earlier row that keeps the shared columns.
    fn earlier(&self, link: &Link, shared: &[&String]) -> Option<Relation> {
        let name = &self.table.name;
        let levels = (1..self.kinship.depth(name)).find(|level| {
            shared.iter().all(|column| {
                let own = self.kinship.origins(name, column).nth(*level);
                let mut its = self.kinship.origins(name, link.referenced(column));
                own.is_some() && own == its.nth(*level)
            })
        })?;
        let levels = u32::try_from(levels).ok()?;
        Some(Relation::Earlier { levels })
    }

    /// A link to a row that agrees with the row that one other link chose.
    fn beside(&mut self, link: &Link, shared: &[&String]) -> Option<Relation> {
        let referenced: Vec<&str> = shared
            .iter()
            .map(|column| link.referenced(column))
            .collect();
        let mut found: Vec<(usize, u32, u32)> = Vec::new();
        for (&base, relation) in &self.links.relations {
            let Some(other) = self.links.all.get(base) else {
                continue;
            };
            let holds = shared.iter().all(|column| other.columns.contains(column));
            if !holds || matches!(relation, Relation::Earlier { .. }) {
                continue;
            }
            let its: Vec<&str> = shared
                .iter()
                .map(|column| other.referenced(column))
                .collect();
            let met = (self.kinship).meeting((&other.parent, &its), (&link.parent, &referenced));
            found.extend(met.map(|(up, down)| (base, up, down)));
        }
        // The order of the table itself first: unique keys can count by it.
        found.sort_by_key(|(base, ..)| match self.links.relations.get(base) {
            Some(Relation::Above) => 0,
            Some(Relation::Free { .. }) => 1,
            _ => 2,
        });
        found.into_iter().find_map(|(base, up, down)| {
            let assumed = self.assumed.len();
            let cover = self.cover(link, down)?;
            let reached = self.keep_within(base, up, cover);
            if !reached {
                self.assumed.truncate(assumed);
            }
            reached.then_some(Relation::Beside { base, up, down })
        })
    }

    /// How many of the ancestor's positions the parent has rows of; none if that cannot be known.
    fn cover(&mut self, link: &Link, down: u32) -> Option<u64> {
        let member = self.kinship.member(&link.parent)?;
        if let Some(order) = member.slot.get() {
            return Some(order.cover(down));
        }
        let rows = self.kinship.presumed_cover(&link.parent, down);
        self.assumed.push(Assumed {
            link: link.clone(),
            down,
            rows,
        });
        Some(rows)
    }

    /// Lets a link choose only rows whose ancestor is among the first ones.
    fn keep_within(&mut self, base: usize, up: u32, ancestors: u64) -> bool {
        let Some(link) = self.links.all.get(base) else {
            return false;
        };
        let order = self
            .kinship
            .member(&link.parent)
            .and_then(|member| member.slot.get());
        let Some(order) = order else {
            return false;
        };
        let reached = order.start(up, ancestors);
        match self.links.relations.get_mut(&base) {
            Some(Relation::Above) => {
                self.links.positions = self.links.positions.min(reached.max(1));
                reached > 0
            }
            Some(Relation::Free { rows }) => {
                *rows = (*rows).min(reached.max(1));
                reached > 0
            }
            // What these choose from is cut already.
            _ => reached >= order.rows(),
        }
    }

    /// The fewest parents that the scenario says a link shall use.
    fn distinct(&self, index: usize) -> Option<u64> {
        let link = self.links.all.get(index)?;
        let specs = link.columns.iter().map(|c| self.world.spec(self.table, c));
        specs.filter_map(|spec| spec.distinct).min()
    }
}

impl Links {
    /// Leaves a link's columns NULL that no other decides, if they may be.
    pub(crate) fn leave_null(
        &mut self,
        world: &World<'_>,
        table: &Table,
        link: &Link,
        shared: Option<String>,
    ) -> Result<(), SynthError> {
        let own = link.of_itself(table);
        let open = link
            .columns
            .iter()
            .filter(|column| !self.of.contains_key(*column) && !own.contains(column));
        let nullable: BTreeMap<String, String> = open
            .filter(|column| world.is_nullable(table, column))
            .map(|column| {
                let reason = format!("no row of {} can be chosen for it", link.parent);
                (column.clone(), reason)
            })
            .collect();
        if nullable.is_empty() {
            return Err(link.unsatisfied(table, shared.as_ref()));
        }
        self.null.extend(nullable);
        Ok(())
    }
}
