//! Which tables stand below which others, so that foreign keys that share a column agree.
//!
//! Where two foreign keys of a table share a column, as `(tenant, user)` and `(tenant, project)` do,
//! the rows of both parents must be computable by what they share: both parents get an
//! [order](super::order::Order) below the table that the shared column comes from. What stands below
//! what is decided here for the whole schema, before any column is planned.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{RelationName, Table};

use super::links::Link;
use super::order::Slot;
use super::world::World;

/// The tables whose rows have an order.
#[derive(Debug, Default)]
pub(crate) struct Kinship<'a> {
    members: BTreeMap<&'a RelationName, Member<'a>>,
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

/// The links of every table with rows.
pub(crate) type AllLinks<'a> = BTreeMap<&'a RelationName, (&'a Table, Vec<Link>)>;

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

    /// Whether, by the numbers of rows alone, every row of a table's ancestor has rows of it.
    pub(crate) fn seems_to_cover(&self, name: &RelationName, levels: u32) -> bool {
        let mut name = name;
        for _ in 0..levels {
            let (Some(member), Some(link)) = (self.member(name), self.link_above(name)) else {
                return false;
            };
            if member.rows < link.parent_rows {
                return false;
            }
            name = &link.parent;
        }
        true
    }
}

/// Columns that several links of a table share, none of them by way of another, or that a link to the
/// table itself keeps, each with one of these links.
fn shared_columns<'l>(
    all: &AllLinks<'_>,
    table: &Table,
    links: &'l [Link],
) -> Vec<(String, &'l Link)> {
    let mut shared = Vec::new();
    for (index, link) in links.iter().enumerate() {
        let kept = link.of_itself(table).into_iter();
        shared.extend(kept.map(|column| (column.clone(), link)));
        for (_, other) in links
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
        {
            let both = link.columns.iter().filter(|c| other.columns.contains(c));
            if !implies(all, link, other) && !implies(all, other, link) {
                shared.extend(both.map(|column| (column.clone(), link)));
            }
        }
    }
    shared
}

/// Whether the widest links lead from a column back to itself: teams of a tenant have users, and users
/// have teams.
fn goes_round(all: &AllLinks<'_>, table: &Table, column: &str) -> bool {
    let (mut name, mut at) = (&table.name, column);
    for _ in 0..=all.len() {
        let next = all.get(name).and_then(|(table, links)| {
            let mut links = links.iter();
            links.find(|link| {
                let kept = link.of_itself(table);
                link.columns
                    .iter()
                    .any(|own| own == at && !kept.contains(&own))
            })
        });
        let Some(link) = next else {
            return false;
        };
        (name, at) = (&link.parent, link.referenced(at));
        if (name, at) == (&table.name, column) {
            return true;
        }
    }
    false
}

/// Whether rows that satisfy one link satisfy another, for the parent of the one has, by itself or its
/// own parents, a link to the parent of the other.
fn implies(all: &AllLinks<'_>, link: &Link, other: &Link) -> bool {
    if !other.columns.iter().all(|c| link.columns.contains(c)) {
        return false;
    }
    let columns = other.columns.iter().map(|column| link.referenced(column));
    let mut open = vec![(&link.parent, columns.collect::<Vec<&str>>())];
    let mut seen = BTreeSet::new();
    while let Some((name, columns)) = open.pop() {
        let mut pairs = columns.iter().zip(&other.parent_columns);
        if *name == other.parent && pairs.all(|(own, its)| own == its) {
            return true;
        }
        let links = all.get(name).filter(|_| seen.insert(name));
        for next in links.into_iter().flat_map(|(_, links)| links) {
            if columns
                .iter()
                .all(|own| next.columns.iter().any(|c| c == own))
            {
                let columns = columns.iter().map(|column| next.referenced(column));
                open.push((&next.parent, columns.collect()));
            }
        }
    }
    false
}
