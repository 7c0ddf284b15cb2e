//! How the rows of a partitioned table are spread over its partitions: each gets a stretch of the rows,
//! in which the columns that decide where a row lies have values of their own.

mod beyond;
mod cases;
mod order;
mod shares;
mod values;
mod weights;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::schema::{Column, Table};

use super::column::ColumnPlan;
use super::draw::{Chosen, Draw, Piece};
use super::error::{Problem, SynthError};
use super::form::Ask;
use super::limits::Limits;
use super::links::{Link, Links};
use super::own::ask;
use super::pieces::Pieces;
use super::random;
use super::unique::{Side, Switch, Uniqueness};
use super::world::World;

use cases::{Case, Cases};
use order::Order;
pub(super) use values::pieces;

/// Which rows of a table lie in which partition.
#[derive(Debug)]
pub(crate) struct Layout {
    stretches: Vec<Stretch>,
}

/// The rows of one partition.
#[derive(Debug)]
struct Stretch {
    case: Case,
    /// The first of its rows, and how many they are.
    start: u64,
    rows: u64,
    /// By link, the rows of its parent that lead here.
    parents: BTreeMap<String, Arc<[u64]>>,
}

/// The parts of a plan that decide which rows a partition can have.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) world: &'k World<'k>,
    pub(super) table: &'k Table,
    pub(super) links: &'k Links,
    pub(super) unique: &'k Uniqueness,
}

/// Finds the plan of a column of another table.
pub(super) type Parents<'p> =
    dyn FnMut(&Link, &str) -> Result<Option<Arc<ColumnPlan>>, SynthError> + 'p;

/// Rows of a parent that are tried for each partition, evenly chosen where it has more.
const MOST_TRIED: u64 = 50_000;

impl Layout {
    /// Spreads the rows of a table over its partitions; none where it has none.
    pub(super) fn of_table(
        known: Known<'_>,
        parents: &mut Parents<'_>,
    ) -> Result<Option<Self>, SynthError> {
        let Some(partitioning) = &known.table.partitioning else {
            return Ok(switched(known));
        };
        let cases = Cases {
            table: known.table,
            given: &|column| known.is_given(column),
            feasible: &|case| known.is_feasible(case),
        };
        let whole = Case {
            weight: 1.0,
            ..Case::default()
        };
        let mut cases = cases.expand(partitioning, &whole)?;
        for case in &mut cases {
            case.limits.retain(|column, _| !known.is_given(column));
        }
        let mut stretches: Vec<Stretch> = cases.into_iter().map(Stretch::new).collect();
        for link in known.deciding_links() {
            known.lead(link, &mut stretches, parents)?;
        }
        let none = SynthError::NoPartition {
            table: known.table.name.to_string(),
        };
        if stretches.is_empty() {
            return Err(none);
        }
        known.allot(&mut stretches)?;
        Ok(Some(Self { stretches }))
    }

    /// Whether partitions decide what values a column has.
    pub(super) fn decides(&self, column: &str) -> bool {
        self.stretches
            .iter()
            .any(|stretch| stretch.case.decides(column))
    }

    /// Which row of its parent each row has, for a link that partitions decide.
    pub(super) fn draw(&self, link: &Link, choose: &dyn Fn(u64, u64) -> Chosen) -> Option<Draw> {
        let mut draws = Pieces::default();
        for stretch in &self.stretches {
            let rows = Arc::clone(stretch.parents.get(&link.name)?);
            let key = random::key(0, &stretch.case.name);
            let chosen = choose(key, rows.len() as u64);
            let draw = Draw::Listed { rows, chosen };
            draws.push(stretch.start, Piece { offset: 0, draw });
        }
        Some(Draw::Pieces(draws))
    }
}

impl Stretch {
    fn new(case: Case) -> Self {
        Self {
            case,
            start: 0,
            rows: 0,
            parents: BTreeMap::new(),
        }
    }
}

impl Case {
    fn put(&mut self, column: &str, side: &Side) {
        match side {
            Side::Null => self.set_null(column),
            Side::Within(limits) => {
                self.limits.insert(column.to_owned(), (**limits).clone());
            }
        }
    }

    fn decides(&self, column: &str) -> bool {
        self.limits.contains_key(column) || self.nulls.contains(column)
    }
}

impl Known<'_> {
    /// Whether the scenario says what values a column has, or foreign keys that must agree: rows then
    /// lie where these lead.
    fn is_given(&self, column: &str) -> bool {
        let spec = self.world.spec(self.table, column);
        let agreed = self.links.of.get(column);
        self.world.is_overridden(self.table, column)
            || spec.sql.is_some()
            || agreed.is_some_and(|index| self.links.relations.contains_key(index))
    }

    /// Whether the limits of a case leave values. Those of linked columns are the parent's.
    fn is_feasible(&self, case: &Case) -> Result<bool, SynthError> {
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
    fn deciding_links(&self) -> Vec<&Link> {
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
    fn lead(
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
    fn allot(&self, stretches: &mut [Stretch]) -> Result<(), SynthError> {
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

/// The rows of a table by the partial indexes that they are in; none where all may be in all.
fn switched(known: Known<'_>) -> Option<Layout> {
    let mut switches: Vec<&Switch> = known.unique.switches.iter().collect();
    // Of two that switch one column, the one with fewer rows inside is the stricter.
    switches.sort_by_key(|switch| std::cmp::Reverse(switch.rows));
    let rows = known.world.rows(&known.table.name);
    let mut starts: Vec<u64> = switches.iter().map(|switch| switch.rows).collect();
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([rows]);
    let stretches = starts.iter().zip(ends).map(|(&start, end)| {
        let mut case = Case {
            name: format!("rows from {start}"),
            ..Case::default()
        };
        for switch in &switches {
            let side = match start < switch.rows {
                true => &switch.inside,
                false => &switch.outside,
            };
            case.put(&switch.column, side);
        }
        Stretch {
            start,
            rows: end.saturating_sub(start),
            ..Stretch::new(case)
        }
    });
    let stretches: Vec<Stretch> = stretches.collect();
    (!switches.is_empty()).then_some(Layout { stretches })
}

/// The columns that decide between partitions, at any depth.
pub(super) fn key_columns(partitioning: &crate::schema::Partitioning) -> Vec<String> {
    let mut columns: Vec<String> = partitioning.key.iter().flatten().cloned().collect();
    for partition in &partitioning.partitions {
        if let Some(below) = &partition.partitioning {
            columns.extend(key_columns(below));
        }
    }
    columns
}
