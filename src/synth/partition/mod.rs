//! How the rows of a partitioned table are spread over its partitions: each gets a stretch of the rows,
//! in which the columns that decide where a row lies have values of their own.

mod beyond;
mod cases;
mod known;
mod order;
mod shares;
mod stretch;
mod values;
mod weights;

use std::sync::Arc;

use super::choice::draw::{Chosen, Draw, Piece};
use super::choice::pieces::Pieces;
use super::choice::random;
use super::error::SynthError;
use super::keys::links::Link;
use super::keys::unique::{Side, Switch};

use cases::{Case, Cases};
pub(super) use known::{Known, Parents};
use stretch::Stretch;
pub(super) use values::pieces;

/// Which rows of a table lie in which partition.
#[derive(Debug)]
pub(crate) struct Layout {
    stretches: Vec<Stretch>,
}

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
