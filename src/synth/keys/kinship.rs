//! Which tables stand below which others, so that foreign keys that share a column agree.
//!
//! Where two foreign keys of a table share a column, as `(tenant, user)` and `(tenant, project)` do,
//! the rows of both parents must be computable by what they share: both parents get an
//! [order](super::order::Order) below the table that the shared column comes from. What stands below
//! what is decided here for the whole schema, before any column is planned.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::RelationName;

use super::implied::{goes_round, shared_columns};
use super::links::{AllLinks, Link};
use super::order::Slot;
use crate::synth::world::World;

/// The tables whose rows have an order.
#[derive(Debug, Default)]
pub(crate) struct Kinship<'a> {
    members: BTreeMap<&'a RelationName, Member<'a>>,
    modest: bool,
}

/// One such table.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    rows: u64,
    links: &'a [Link],
    /// Columns by which others want to find its rows, or that its own foreign keys share.
    wanted: BTreeSet<String>,
    /// The link to the table above.
    pub(crate) above: Option<usize>,
    pub(crate) slot: Slot,
}

/// Whether a link decides columns that another table of a circle does.
fn shares_twin(links: &[Link], link: &Link) -> bool {
    let mut twins = links.iter().filter(|twin| twin.twin.is_some());
    twins.any(|twin| link.columns.iter().any(|own| twin.columns.contains(own)))
}

impl<'a> Kinship<'a> {
    pub(crate) fn new(world: &World<'_>, all: &'a AllLinks<'a>) -> Self {
        let mut kinship = Self::default();
        for (table, links) in all.values() {
            for (column, link) in shared_columns(all, table, links) {
                kinship.want(all, &table.name, &column);
                if let Some((name, _)) = all.get_key_value(&link.parent) {
                    kinship.want(all, name, link.referenced(&column));
                }
            }
            for column in table
                .columns
                .iter()
                .filter(|c| goes_round(all, table, &c.name))
            {
                kinship.want(all, &table.name, &column.name);
            }
        }
        let names: Vec<&RelationName> = kinship.members.keys().copied().collect();
        for name in names {
            let above = kinship.choose_above(world, all, name);
            if let Some(member) = kinship.members.get_mut(name) {
                member.above = above;
            }
        }
        kinship
    }

    /// Makes a table a member, that its rows be found by this column, and so upwards.
    fn want(&mut self, all: &'a AllLinks<'a>, name: &RelationName, column: &str) {
        let Some((name, (_, links))) = all.get_key_value(name) else {
            return;
        };
        let member = self.members.entry(name).or_insert_with(|| Member {
            rows: 0,
            links,
            wanted: BTreeSet::new(),
            above: None,
            slot: Slot::default(),
        });
        if !member.wanted.insert(column.to_owned()) {
            return;
        }
        for link in links {
            if link.parent != **name && link.columns.iter().any(|own| own == column) {
                self.want(all, &link.parent, link.referenced(column));
            }
        }
    }

    /// The link to the table that a member stands below: the one that decides most of what is wanted,
    /// and nothing else.
    fn choose_above(
        &mut self,
        world: &World<'_>,
        all: &AllLinks<'_>,
        name: &'a RelationName,
    ) -> Option<usize> {
        let (table, links) = all.get(name)?;
        let member = self.members.get_mut(name)?;
        member.rows = world.rows(name);
        let member = self.members.get(name)?;
        let wanted = |link: &Link| {
            let columns = link.columns.iter();
            columns.filter(|c| member.wanted.contains(*c)).count()
        };
        let mut candidates: Vec<(usize, &Link)> = links
            .iter()
            .enumerate()
            .filter(|(_, link)| link.parent != *name && link.parent_rows > 0 && wanted(link) > 0)
            .filter(|(_, link)| all.contains_key(&link.parent))
            .filter(|(_, link)| !shares_twin(links, link))
            .filter(|(_, link)| !self.is_below(&link.parent, name))
            .collect();
        candidates.sort_by_key(|(_, link)| {
            let mut columns = link.columns.iter();
            (
                std::cmp::Reverse(wanted(link)),
                columns.any(|column| world.is_nullable(table, column)),
                link.columns.len(),
                link.parent_rows,
            )
        });
        candidates.first().map(|(index, _)| *index)
    }

    /// Whether a table stands below another or is it.
    pub(crate) fn is_below(&self, name: &RelationName, other: &RelationName) -> bool {
        let mut next = Some(name);
        while let Some(name) = next {
            if name == other {
                return true;
            }
            next = self.link_above(name).map(|link| &link.parent);
        }
        false
    }

    /// Whether rows of a table must be found by a column.
    pub(crate) fn wants(&self, name: &RelationName, column: &str) -> bool {
        let member = self.members.get(name);
        member.is_some_and(|member| member.wanted.contains(column))
    }

    /// The member of this name.
    pub(crate) fn member(&self, name: &RelationName) -> Option<&Member<'a>> {
        self.members.get(name)
    }

    /// The link from a table to the one above.
    pub(crate) fn link_above(&self, name: &RelationName) -> Option<&'a Link> {
        let member = self.members.get(name)?;
        member.links.get(member.above?)
    }

    /// The ancestor's column that a column takes its values from, with the levels up to it.
    pub(crate) fn origins<'k>(
        &'k self,
        name: &'k RelationName,
        column: &'k str,
    ) -> impl Iterator<Item = (&'k RelationName, &'k str)> {
        std::iter::successors(Some((name, column)), |(name, column)| {
            let link = self.link_above(name)?;
            let holds = link.columns.iter().any(|own| own == column);
            holds.then(|| (&link.parent, link.referenced(column)))
        })
    }

    /// How many tables there are from a table to the topmost, both counted.
    pub(crate) fn depth(&self, name: &RelationName) -> usize {
        let above = |name: &&RelationName| self.link_above(name).map(|link| &link.parent);
        std::iter::successors(Some(name), |name| above(name)).count()
    }

    /// The levels up from each of two tables to the nearest ancestor that their pairs of columns all
    /// come from.
    pub(crate) fn meeting<'k>(
        &'k self,
        one: (&'k RelationName, &[&'k str]),
        other: (&'k RelationName, &[&'k str]),
    ) -> Option<(u32, u32)> {
        (0..self.depth(one.0)).find_map(|up| {
            let down = (0..self.depth(other.0)).find(|down| {
                let mut pairs = one.1.iter().zip(other.1);
                pairs.all(|(mine, its)| {
                    let mine = self.origins(one.0, mine).nth(up);
                    mine.is_some() && mine == self.origins(other.0, its).nth(*down)
                })
            })?;
            Some((u32::try_from(up).ok()?, u32::try_from(down).ok()?))
        })
    }

    /// The same tables, but of orders that are not known yet only the first ancestor's rows are taken
    /// for granted: where tables reference each other in a circle, one may leave the others less.
    pub(crate) fn modest(self) -> Self {
        Self {
            modest: true,
            ..self
        }
    }

    /// How many rows of a table's ancestor will have rows of it, as far as numbers of rows alone say:
    /// as many as the smallest has of all tables that it agrees with.
    pub(crate) fn presumed_cover(&self, name: &RelationName, levels: u32) -> u64 {
        let (mut ancestor, mut whole) = (name, true);
        for _ in 0..levels {
            let (Some(member), Some(link)) = (self.member(ancestor), self.link_above(ancestor))
            else {
                return 1;
            };
            whole &= member.rows >= link.parent_rows;
            ancestor = &link.parent;
        }
        let rows = self.member(ancestor).map_or(1, |member| member.rows);
        let fewest = self.fewest_rows(name, ancestor).min(rows);
        match !self.modest && (levels <= 1 || whole && fewest == rows) {
            true => fewest,
            false => 1,
        }
    }

    /// The fewest rows of the tables that links lead to from one below an ancestor.
    fn fewest_rows(&self, name: &RelationName, ancestor: &RelationName) -> u64 {
        let mut open = vec![name];
        let mut seen = BTreeSet::new();
        let mut fewest = u64::MAX;
        while let Some(name) = open.pop() {
            if self.is_below(ancestor, name) || !seen.insert(name) {
                continue;
            }
            if let Some(member) = self.member(name) {
                fewest = fewest.min(member.rows);
                open.extend(member.links.iter().map(|link| &link.parent));
            }
        }
        fewest
    }
}
