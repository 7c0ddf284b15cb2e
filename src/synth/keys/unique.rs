//! How the unique keys of a table are made to hold: which columns must be unique by themselves, and
//! which only together.

mod combined;
mod exclusions;
mod expressions;
mod free;
mod kin;
mod partial;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::schema::{Column, Table, UniqueKey};

use super::kin::Index;
use super::kinship::Kinship;
use super::links::{Link, Links};
use crate::synth::choice::draw::Digit;
use crate::synth::error::SynthError;
use crate::synth::partition::key_columns;
use crate::synth::world::World;

pub(crate) use exclusions::{Bounding, End};
pub(crate) use partial::{Lead, Side, Switch};

/// What unique keys ask of the columns of one table.
#[derive(Debug, Default)]
pub(crate) struct Uniqueness {
    /// Columns whose every value is different.
    pub(crate) unique: BTreeSet<String>,
    /// Columns, or links by their first column, that are a digit of the row's number.
    pub(crate) digits: BTreeMap<String, Digit>,
    /// Links that go from each row to the one before.
    pub(crate) chains: BTreeSet<String>,
    /// Columns, or links by their first column, that are a digit of the row's number among those of
    /// the same ancestor; the rest of it, where there is no digit.
    pub(crate) indexed: BTreeMap<String, (Arc<Index>, Option<usize>)>,
    /// The keys whose combinations must suffice for the rows of each ancestor, with their indexes.
    pub(crate) bounded: Vec<(String, Arc<Index>)>,
    /// Columns whose values overlap for no two rows.
    pub(crate) disjoint: BTreeSet<String>,
    /// Columns that are the ends of each row's own stretch of values.
    pub(crate) ends: BTreeMap<String, Bounding>,
    /// Columns with one value.
    pub(crate) constant: BTreeSet<String>,
    /// Columns that are never NULL, and why.
    pub(crate) never_null: BTreeMap<String, String>,
    /// Columns that keep rows out of partial indexes.
    pub(crate) switches: Vec<Switch>,
    /// Columns that keep all but the first row of each ancestor out of partial indexes.
    pub(crate) leads: BTreeMap<String, Lead>,
    /// Whether rows may break one of the keys.
    pub(crate) doubted: bool,
    pub(crate) notes: Vec<String>,
}

/// Looks up how many different values a column can have.
pub(crate) type Capacity<'c> = dyn Fn(&Column) -> Result<u64, SynthError> + 'c;

/// Looks up how many rows of a link's parent, from the first, are told apart by some of the link's
/// columns; none where that is not known.
pub(crate) type Different<'c> = dyn Fn(&Link, &[String]) -> Option<u64> + 'c;

/// What the keys of a table draw from.
#[derive(Clone, Copy)]
pub(crate) struct Counts<'c> {
    pub(crate) values: &'c Capacity<'c>,
    pub(crate) rows: &'c Different<'c>,
}

/// A table and what decides its linked columns.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'p> {
    pub(crate) world: &'p World<'p>,
    pub(crate) kinship: &'p Kinship<'p>,
    pub(crate) table: &'p Table,
    pub(crate) links: &'p Links,
}

/// One table whose keys are being planned.
struct Planner<'p> {
    world: &'p World<'p>,
    kinship: &'p Kinship<'p>,
    table: &'p Table,
    links: &'p Links,
    rows: u64,
    capacity: &'p Capacity<'p>,
    different: &'p Different<'p>,
    result: Uniqueness,
}

impl Uniqueness {
    /// Plans the unique keys of a table with rows.
    pub(crate) fn of_table(ground: Ground<'_>, counts: Counts<'_>) -> Result<Self, SynthError> {
        let Ground {
            world,
            kinship,
            table,
            links,
        } = ground;
        let mut planner = Planner {
            world,
            kinship,
            table,
            links,
            rows: world.rows(&table.name),
            capacity: counts.values,
            different: counts.rows,
            result: Self::default(),
        };
        for column in table.columns.iter().filter(|column| column.sequence) {
            let overridden = world.is_overridden(table, &column.name);
            if !overridden && links.deciding(&column.name).is_none() {
                planner.result.unique.insert(column.name.clone());
            }
        }
        // Single columns first: a wider key that holds one of them needs nothing more.
        let mut keys: Vec<&UniqueKey> = table.unique_keys.iter().collect();
        keys.sort_by_key(|key| (key.columns.len(), !key.primary));
        for key in keys {
            planner.plan(key)?;
            if key.nulls_not_distinct {
                planner.refuse_nulls(key)?;
            }
        }
        for exclusion in &table.exclusions {
            planner.exclude(exclusion)?;
        }
        Ok(planner.result)
    }
}

impl Uniqueness {
    /// The columns, and links by their first column, that keys decide.
    pub(crate) fn decided(&self) -> BTreeSet<String> {
        // Every field by name: one that is added must say here whether it decides values.
        let Self {
            unique,
            digits,
            chains,
            indexed,
            disjoint,
            ends,
            constant,
            switches,
            leads,
            bounded: _,
            never_null: _,
            doubted: _,
            notes: _,
        } = self;
        let sets = [unique, chains, disjoint, constant].into_iter().flatten();
        let maps = digits.keys().chain(indexed.keys()).chain(ends.keys());
        let switches = switches.iter().map(|switch| &switch.column);
        sets.chain(maps)
            .chain(leads.keys())
            .chain(switches)
            .cloned()
            .collect()
    }

    /// How many rows, from the first, these columns tell apart; none where that is not known.
    pub(crate) fn different_rows(&self, columns: &[&str], rows: u64) -> Option<u64> {
        if columns.iter().any(|column| self.unique.contains(*column)) {
            return Some(rows);
        }
        // Rows of a block have all combinations of its digits, each once.
        let digits = columns.iter().filter_map(|column| self.digits.get(*column));
        let digits: Vec<&Digit> = digits.collect();
        let first = digits.first()?;
        let block = first.block;
        let combinations = digits
            .iter()
            .filter(|digit| digit.shuffle == first.shuffle)
            .filter_map(|digit| digit.radix)
            .fold(1, u64::saturating_mul);
        (combinations == block && first.limit >= block).then_some(block.min(rows))
    }

    /// Whether a column, or a link by its first column, has all its values by a key already, so that no
    /// other key can have a say. Columns that are only [`unique`](Self::unique) or disjoint, and those that
    /// switch rows out of partial indexes, are [decided](Self::decided) too, but not to the last value.
    pub(crate) fn is_decided(&self, name: &str) -> bool {
        self.digits.contains_key(name)
            || self.chains.contains(name)
            || self.ends.contains_key(name)
            || self.constant.contains(name)
            || self.leads.contains_key(name)
            || self.indexed.contains_key(name)
    }
}

impl Planner<'_> {
    fn plan(&mut self, key: &UniqueKey) -> Result<(), SynthError> {
        let Some(key) = &self.plain_key(key)? else {
            return Ok(());
        };
        let unwritten = |column: &String| {
            (self.links.null.contains_key(column) && !key.nulls_not_distinct)
                || self.result.unique.contains(column)
                // An expression is the scenario's to get right; the server checks it.
                || self.world.spec(self.table, column).sql.is_some()
                || self
                    .table
                    .column(column)
                    .is_none_or(|column| column.generated)
        };
        if self.rows <= 1 || key.columns.iter().any(unwritten) {
            return Ok(());
        }
        match self.best_free_column(key)? {
            Some((column, false)) => {
                self.result.unique.insert(column);
                Ok(())
            }
            Some((column, true)) if self.decides_partition(key) => {
                self.result.unique.insert(column);
                Ok(())
            }
            Some((column, true)) => match self.within_kin(key, Some(&column))? {
                true => Ok(()),
                false => self.number_within(key, column),
            },
            None if self.decides_partition(key) => {
                self.doubt(key);
                Ok(())
            }
            None if self.count_all_rows(key)? => Ok(()),
            None if key.partial && self.is_in_order(key) => {
                self.lead(key);
                Ok(())
            }
            None if key.partial => self.combine(key),
            None => match self.within_kin(key, None)? {
                true => Ok(()),
                false => self.combine(key),
            },
        }
    }

    /// Keeps NULLs from a key that takes them as equal: from a column that tells all rows apart by
    /// itself, else from all of its columns.
    fn refuse_nulls(&mut self, key: &UniqueKey) -> Result<(), SynthError> {
        let Some(key) = self.plain_key(key)? else {
            return Ok(());
        };
        let unique = |column: &&String| self.result.unique.contains(*column);
        let columns = match key.columns.iter().find(unique) {
            Some(column) => vec![column.clone()],
            None => key.columns,
        };
        for column in columns {
            let reason = format!("unique key {} takes NULLs as equal", key.name);
            self.refuse_null(&column, reason);
        }
        Ok(())
    }

    fn refuse_null(&mut self, column: &str, reason: String) {
        if self.world.is_nullable(self.table, column) {
            let note = format!("{}.{column} is never NULL: {reason}", self.table.name);
            self.result.notes.push(note);
        }
        self.result.never_null.insert(column.to_owned(), reason);
    }

    /// Whether a column of the key says in which partition a row lies: it has other things to do than
    /// count.
    fn decides_partition(&self, key: &UniqueKey) -> bool {
        let deciding = self.table.partitioning.as_ref().map(key_columns);
        deciding.is_some_and(|columns| columns.iter().any(|c| key.columns.contains(c)))
    }

    fn doubt(&mut self, key: &UniqueKey) {
        self.result.doubted = true;
        self.result.notes.push(format!(
            "{}: rows may break unique key {}, whose columns are decided elsewhere",
            self.table.name, key.name
        ));
    }
}
