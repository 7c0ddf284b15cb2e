//! What is known of a table when its rows are spread over partitions.

use std::sync::Arc;

use crate::schema::{Column, Table};
use crate::synth::column::ColumnPlan;
use crate::synth::error::{Problem, SynthError};
use crate::synth::keys::links::{Link, Links};
use crate::synth::keys::unique::Uniqueness;
use crate::synth::limits::Limits;
use crate::synth::own::ask;
use crate::synth::value::form::Ask;
use crate::synth::world::World;

use super::cases::Case;
use super::order::Order;
use super::stretch::Stretch;
use super::{key_columns, shares, values};

/// The parts of a plan that decide which rows a partition can have.
#[derive(Clone, Copy)]
pub(in crate::synth) struct Known<'k> {
    pub(in crate::synth) world: &'k World<'k>,
    pub(in crate::synth) table: &'k Table,
    pub(in crate::synth) links: &'k Links,
    pub(in crate::synth) unique: &'k Uniqueness,
}

/// Finds the plan of a column of another table.
pub(in crate::synth) type Parents<'p> =
    dyn FnMut(&Link, &str) -> Result<Option<Arc<ColumnPlan>>, SynthError> + 'p;

/// Rows of a parent that are tried for each partition, evenly chosen where it has more.
const MOST_TRIED: u64 = 50_000;

impl Known<'_> {
    /// Whether the scenario says what values a column has, or foreign keys that must agree: rows then
    /// lie where these lead.
    pub(super) fn is_given(&self, column: &str) -> bool {
        let agreed = self.links.of.get(column);
        self.world.is_overridden(self.table, column)
            || agreed.is_some_and(|index| self.links.relations.contains_key(index))
    }

    /// Whether the limits of a case leave values. Those of linked columns are the parent's.
    pub(super) fn is_feasible(&self, case: &Case) -> Result<bool, SynthError> {
        let nullable = |column: &String| {
            let listed = case
                .limits
                .get(column)
                .is_some_and(|limits| limits.one_of.is_some());
            !listed && self.world.is_nullable(self.table, column)
        };
        if !case.nulls.iter().all(nullable) {
            return Ok(false);
        }
        for name in case.limits.keys() {
            let linked = self.links.of.contains_key(name) || self.links.null.contains_key(name);
            let column = self.table.column(name).filter(|_| !linked);
            let own = column.filter(|_| !self.is_given(name) && !case.nulls.contains(name));
            if let Some(column) = own
                && self.capacity(case, column)? == 0
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many different values a column has in a case.
    fn capacity(&self, case: &Case, column: &Column) -> Result<u64, SynthError> {
        let (mut limits, kind) = Limits::of(self.table, &column.name, &column.data_type.kind);
        limits.and(case.limits.get(&column.name).cloned().unwrap_or_default());
        let unlimited = Limits::default();
        let ask = Ask {
            limits: &limits,
            different: Some(1),
            ..ask(self.world, self.table, column, &unlimited)
        };
        match values::form_within(kind, &ask) {
            Ok(form) => Ok(form.capacity),
            Err(Problem::Contradiction | Problem::TooFew { .. }) => Ok(0),
            Err(problem) => Err(self.world.fail(self.table, column, problem)),
        }
    }

    /// Links of which a partition decides a column.
    pub(super) fn deciding_links(&self) -> Vec<&Link> {
        let Some(partitioning) = &self.table.partitioning else {
            return Vec::new();
        };
        let keys = key_columns(partitioning);
        let decides = |link: &&Link| {
            link.columns.iter().any(|column| {
                let own = self.links.deciding(column).is_some_and(|own| own == *link);
                own && keys.contains(column) && !self.is_given(column)
            })
        };
        self.links.all.iter().filter(decides).collect()
    }

    /// Finds the rows of a link's parent that lead to each partition, and forgets partitions that none
    /// leads to.
    pub(super) fn lead(
        &self,
        link: &Link,
        stretches: &mut Vec<Stretch>,
        parents: &mut Parents<'_>,
    ) -> Result<(), SynthError> {
        let mut tested = Vec::new();
        for column in &link.columns {
            let decided = stretches.iter().any(|stretch| stretch.case.decides(column));
            let own = self.table.column(column).filter(|_| decided);
            if let (Some(own), Some(plan)) = (own, parents(link, link.referenced(column))?) {
                tested.push((column, Order::of(&own.data_type.kind), plan));
            }
        }
        let stride = link.parent_rows.div_ceil(MOST_TRIED).max(1);
        let mut found: Vec<Vec<u64>> = vec![Vec::new(); stretches.len()];
        let mut row = 0;
        while row < link.parent_rows {
            let values: Vec<Option<String>> =
                tested.iter().map(|(.., plan)| plan.text(row)).collect();
            for (stretch, rows) in stretches.iter().zip(&mut found) {
                let admitted = tested
                    .iter()
                    .zip(&values)
                    .all(|((column, order, _), value)| {
                        let limits = stretch.case.limits.get(*column);
                        match (value, limits) {
                            (Some(value), Some(limits)) => order.admits(limits, value),
                            (value, _) => value.is_some() && !stretch.case.nulls.contains(*column),
                        }
                    });
                if admitted {
                    rows.push(row);
                }
            }
            row = row.saturating_add(stride);
        }
        for (stretch, rows) in stretches.iter_mut().zip(found) {
            stretch.parents.insert(link.name.clone(), rows.into());
        }
        stretches.retain(|stretch| stretch.parents.values().all(|rows| !rows.is_empty()));
        Ok(())
    }

    /// Gives each partition its rows: its share or, where it has not so many different values, fewer.
    pub(super) fn allot(&self, stretches: &mut [Stretch]) -> Result<(), SynthError> {
        let mut capacities = Vec::with_capacity(stretches.len());
        for stretch in stretches.iter() {
            let mut most = u64::MAX;
            let unique = stretch
                .case
                .limits
                .keys()
                .filter(|name| self.unique.unique.contains(*name));
            for column in unique.filter_map(|name| self.table.column(name)) {
                most = most.min(self.capacity(&stretch.case, column)?);
            }
            capacities.push(most);
        }
        let weights: Vec<f64> = stretches
            .iter()
            .map(|stretch| stretch.case.weight)
            .collect();
        let total = self.world.rows(&self.table.name);
        let shared = shares::share(total, &weights, &capacities);
        let rows = shared.ok_or_else(|| SynthError::TooFewInPartitions {
            table: self.table.name.to_string(),
            capacity: capacities
                .iter()
                .fold(0, |sum: u64, own| sum.saturating_add(*own)),
            rows: total,
        })?;
        let mut start = 0;
        for (stretch, rows) in stretches.iter_mut().zip(rows) {
            (stretch.start, stretch.rows) = (start, rows);
            start += rows;
        }
        Ok(())
    }
}
