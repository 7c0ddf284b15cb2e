//! How much of a table each of its partitions gets.

use crate::schema::{PartitionBound, PartitionEdge, Table};

use super::cases::Level;

/// The share of the rows that the default partition gets, beside all others.
const DEFAULT_SHARE: f64 = 0.01;

/// What each partition gets, in no particular unit: a list by its values, a range by its width. A range
/// without an end gets what the others get on average.
pub(super) fn of(level: &Level<'_>, table: &Table) -> Vec<f64> {
    let own: Vec<Option<f64>> = match measured_column(level) {
        Some(column) => widths(level, column, table),
        None => counts(level),
    };
    let known: Vec<f64> = own.iter().copied().flatten().collect();
    let average = match known.len() {
        0 => 1.0,
        count => known.iter().sum::<f64>() / count as f64,
    };
    let partitions = &level.partitioning.partitions;
    let defaults = |bound: &PartitionBound| *bound == PartitionBound::Default;
    let others = partitions.iter().filter(|p| !defaults(&p.bound)).count();
    let unknown = others.saturating_sub(known.len()) as f64;
    let whole = known.iter().sum::<f64>() + unknown * average;
    let beyond = if whole > 0.0 {
        whole * DEFAULT_SHARE
    } else {
        1.0
    };
    let weight = |(partition, own): (&crate::schema::Partition, Option<f64>)| match defaults(
        &partition.bound,
    ) {
        true => beyond,
        false => own.unwrap_or(average),
    };
    partitions.iter().zip(own).map(weight).collect()
}

fn counts(level: &Level<'_>) -> Vec<Option<f64>> {
    let partitions = level.partitioning.partitions.iter();
    let count = |bound: &PartitionBound| match bound {
        PartitionBound::List { values } => Some(values.len() as f64),
        _ => None,
    };
    partitions
        .map(|partition| count(&partition.bound))
        .collect()
}

/// The column by which ranges can be compared: the first in which the ends of each differ, where that
/// is the same for all.
fn measured_column(level: &Level<'_>) -> Option<usize> {
    let mut columns = level
        .partitioning
        .partitions
        .iter()
        .filter_map(|partition| {
            let PartitionBound::Range { from, to } = &partition.bound else {
                return None;
            };
            from.iter().zip(to).position(|(from, to)| from != to)
        });
    let first = columns.next()?;
    columns.all(|other| other == first).then_some(first)
}

fn widths(level: &Level<'_>, column: usize, table: &Table) -> Vec<Option<f64>> {
    let order = level.order(column, table);
    let width = |bound: &PartitionBound| {
        let PartitionBound::Range { from, to } = bound else {
            return None;
        };
        match (from.get(column)?, to.get(column)?) {
            (PartitionEdge::Value(from), PartitionEdge::Value(to)) => {
                order?.width(from, to).filter(|width| *width > 0.0)
            }
            _ => None,
        }
    };
    let partitions = level.partitioning.partitions.iter();
    partitions
        .map(|partition| width(&partition.bound))
        .collect()
}
