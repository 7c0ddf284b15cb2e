//! What decides the columns of every table, found for the whole schema before any column is planned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::schema::{Column, RelationName, Table};

use super::cases::Cases;
use super::error::{Problem, SynthError};
use super::keys::assign::{Assigner, Assumed};
use super::keys::kinship::Kinship;
use super::keys::linked::distribution;
use super::keys::links::{AllLinks, Link, Links};
use super::keys::order::Order;
use super::keys::relation::Relation;
use super::keys::rivals::rivals;
use super::keys::spread::Spread;
use super::keys::unique::{Counts, Ground, Uniqueness};
use super::overrides::check_overrides;
use super::own::capacity;
use super::world::World;

/// What is known of a table before its columns are planned.
pub(super) struct Surveyed<'a> {
    pub(super) table: &'a Table,
    pub(super) links: Links,
    pub(super) unique: Uniqueness,
    pub(super) cases: Cases,
}

/// Tables with rows to fill, and what decides their columns.
pub(super) type Surveys<'a> = BTreeMap<&'a RelationName, Surveyed<'a>>;

/// Plans tables, each after those whose orders its own needs and, where that is possible, after those
/// that it references.
struct Surveyor<'s, 'a> {
    world: &'s World<'a>,
    kinship: &'s Kinship<'s>,
    all: &'s AllLinks<'a>,
    done: Surveys<'a>,
    open: BTreeSet<&'a RelationName>,
    assumed: Vec<(&'a Table, Assumed)>,
}

/// The links of all tables with rows. Rows that are there already have none.
pub(super) fn all_links<'a>(world: &World<'a>) -> Result<AllLinks<'a>, SynthError> {
    let mut all = AllLinks::new();
    for table in &world.schema.tables {
        if world.rows(&table.name) > 0 {
            let links = match world.given(&table.name) {
                Some(_) => Vec::new(),
                None => Links::collect(world, table)?,
            };
            all.insert(&table.name, (table, links));
        }
    }
    Ok(all)
}

/// Surveys all tables that get rows.
pub(super) fn survey<'a>(
    world: &World<'a>,
    kinship: &Kinship<'_>,
    all: &AllLinks<'a>,
) -> Result<Surveys<'a>, SynthError> {
    let mut surveyor = Surveyor {
        world,
        kinship,
        all,
        done: Surveys::new(),
        open: BTreeSet::new(),
        assumed: Vec::new(),
    };
    for (table, _) in all.values() {
        surveyor.visit(&table.name)?;
    }
    for (table, assumed) in &surveyor.assumed {
        let slot = kinship
            .member(&assumed.link.parent)
            .map(|member| &member.slot);
        let order = slot.and_then(|slot| slot.get());
        if order.is_none_or(|order| order.cover(assumed.down) < assumed.rows) {
            return Err(assumed
                .link
                .unsatisfied(table, assumed.link.columns.first()));
        }
    }
    Ok(surveyor.done)
}

impl<'a> Surveyor<'_, 'a> {
    /// Plans a table, after those above it and, where that is possible, all others that it references.
    fn visit(&mut self, name: &RelationName) -> Result<(), SynthError> {
        let all = self.all;
        let Some((name, (table, links))) = all.get_key_value(name) else {
            return Ok(());
        };
        if self.done.contains_key(*name) || self.open.contains(*name) {
            return Ok(());
        }
        self.open.insert(name);
        if let Some(link) = self.kinship.link_above(name) {
            self.visit(&link.parent)?;
        }
        for link in links {
            let waits = |open: &&&RelationName| self.kinship.is_below(&link.parent, open);
            if !self.open.iter().any(|open| waits(&open)) {
                self.visit(&link.parent)?;
            }
        }
        self.open.remove(*name);
        let surveyed = self.survey(table)?;
        self.done.insert(name, surveyed);
        Ok(())
    }

    fn survey(&mut self, table: &'a Table) -> Result<Surveyed<'a>, SynthError> {
        let world = self.world;
        for column in &table.columns {
            check_overrides(world, table, column)
                .map_err(|problem| world.fail(table, column, problem))?;
        }
        let mut links = self.links(table)?;
        links.rivals = rivals(table, &links);
        let counted = |column: &Column| capacity(world, table, column);
        let ground = Ground {
            world,
            kinship: self.kinship,
            table,
            links: &links,
        };
        let mut unique = match world.given(&table.name) {
            Some(_) => Uniqueness::default(),
            None => Uniqueness::of_table(
                ground,
                Counts {
                    values: &counted,
                    rows: &|link, columns| self.different_rows(link, columns),
                },
            )?,
        };
        self.order(ground, &mut unique)?;
        let cases = match world.given(&table.name) {
            Some(_) => Cases::default(),
            None => Cases::of_table(world, table, &links, &unique)?,
        };
        Ok(Surveyed {
            table,
            links,
            unique,
            cases,
        })
    }

    /// How many rows of a link's parent, from the first, are told apart by these of its columns alone.
    fn different_rows(&self, link: &Link, columns: &[String]) -> Option<u64> {
        let parent = self.done.get(&link.parent)?;
        let referenced: Vec<&str> = columns.iter().map(|name| link.referenced(name)).collect();
        let rows = parent.unique.different_rows(&referenced, link.parent_rows);
        // Their order is not that of the columns' draws.
        rows.filter(|_| parent.table.partitioning.is_none())
    }

    fn links(&mut self, table: &'a Table) -> Result<Links, SynthError> {
        let all = self.all.get(&table.name).map(|(_, links)| links.clone());
        let all = all.unwrap_or_default();
        if self.kinship.member(&table.name).is_none() {
            return Links::of_table(self.world, table, all);
        }
        let mut assigner = Assigner {
            world: self.world,
            kinship: self.kinship,
            table,
            links: Links {
                all,
                ..Links::default()
            },
            assumed: Vec::new(),
        };
        assigner.assign()?;
        let Assigner { links, assumed, .. } = assigner;
        self.assumed
            .extend(assumed.into_iter().map(|assumed| (table, assumed)));
        Ok(links)
    }

    /// Sets the order of a member's rows, so that its keys have combinations enough.
    fn order(&self, ground: Ground<'_>, unique: &mut Uniqueness) -> Result<(), SynthError> {
        let (world, table) = (ground.world, ground.table);
        let Some(member) = self.kinship.member(&table.name) else {
            return Ok(());
        };
        let rows = world.rows(&table.name);
        let key = world.key(table, "order");
        let above = self.kinship.link_above(&table.name);
        let parent = above.and_then(|link| self.kinship.member(&link.parent)?.slot.get());
        let spread = match (above, parent) {
            (Some(link), Some(_)) => {
                let distribution = distribution(world, table, link)
                    .map_err(|problem| fail(world, table, link, problem))?;
                unique.notes.extend(ignored(ground, distribution));
                let spread = Spread::new(rows, ground.links.positions, distribution);
                Some(self.capped(ground, unique, spread)?)
            }
            _ => None,
        };
        let above = parent.map(Arc::clone).zip(spread);
        let order = Arc::new(Order::new(key, rows, above));
        for (name, index) in unique.bounded.iter().filter(|(_, index)| index.levels > 1) {
            let sizes =
                (0..order.cover(index.levels)).map(|group| order.within(index.levels, group));
            for range in sizes {
                let room = index.combinations(order.parent(), order.above(1, range.start));
                if range.end - range.start > room {
                    return Err(too_few(table, name, room, range.end - range.start));
                }
            }
        }
        // It is set once: a table is surveyed once.
        member.slot.set(order).ok();
        Ok(())
    }

    /// The spread with as many rows below each row of the table above as keys have combinations.
    fn capped(
        &self,
        ground: Ground<'_>,
        unique: &Uniqueness,
        spread: Spread,
    ) -> Result<Spread, SynthError> {
        let table = ground.table;
        let above = self.kinship.link_above(&table.name);
        let above = above.and_then(|link| self.kinship.member(&link.parent)?.slot.get());
        let direct = || unique.bounded.iter().filter(|(_, index)| index.levels == 1);
        let room = |position: u64| {
            let rooms =
                direct().map(|(_, index)| index.combinations(above.map(AsRef::as_ref), position));
            rooms.min().unwrap_or(u64::MAX)
        };
        let Some((name, _)) = direct().next() else {
            return Ok(spread);
        };
        let rows = ground.world.rows(&table.name);
        spread.capped(room).ok_or_else(|| {
            let total = (0..spread.groups()).map(room).fold(0, u64::saturating_add);
            too_few(table, name, total, rows)
        })
    }
}

/// The error of a link's first column.
fn fail(world: &World<'_>, table: &Table, link: &Link, problem: Problem) -> SynthError {
    let first = link.columns.first();
    match first.and_then(|column| table.column(column)) {
        Some(column) => world.fail(table, column, problem),
        None => SynthError::Circle(table.name.to_string()),
    }
}

fn too_few(table: &Table, key: &str, combinations: u64, rows: u64) -> SynthError {
    SynthError::TooFewCombinations {
        table: table.name.to_string(),
        key: key.to_owned(),
        combinations,
        rows,
    }
}

/// The note of a distribution that the order cannot have.
fn ignored(ground: Ground<'_>, distribution: super::Distribution) -> Option<String> {
    let used = Spread::shapes(distribution) || distribution == super::Distribution::Uniform;
    let mut relations = ground.links.relations.iter();
    let (index, _) = relations.find(|(_, relation)| **relation == Relation::Above)?;
    let column = ground.links.leading(*index)?;
    (!used).then(|| {
        format!(
            "{}.{column}: its distribution is not used, for its rows must agree with other foreign \
             keys: zipf and exponential can",
            ground.table.name
        )
    })
}
