//! What a default partition takes: what no other does.

use std::cmp::Ordering;

use crate::schema::{PartitionBound, PartitionEdge, Table};

use super::cases::{Case, Level, Side};
use super::order::Order;

/// Rows that no other partition of a level takes: one of these, the first that is possible.
pub(super) fn all(level: &Level<'_>, table: &Table) -> Vec<Case> {
    let (Some(column), Some(order)) = (level.key.first().copied().flatten(), level.order(0, table))
    else {
        return vec![Case::default()];
    };
    let mut partitions = level.partitioning.partitions.iter();
    if partitions.all(|partition| partition.bound == PartitionBound::Default) {
        return vec![Case::default()];
    }
    let mut cases = Vec::new();
    let (listed, lists_null) = listed(level);
    if !listed.is_empty() {
        let highest = listed.iter().max_by(|a, b| order.compare(a, b));
        if let (true, Some(highest)) = (order.is_measured(), highest) {
            cases.push(bounded(column, Some((highest, false)), None));
        }
        let mut other = Case::default();
        other.exclude(column, listed);
        cases.push(other);
    }
    cases.extend(gaps(level, column, order));
    if !lists_null {
        let mut null = Case::default();
        null.set_null(column);
        cases.push(null);
    }
    cases
}

/// All values that lists take, and whether NULL is among them.
fn listed(level: &Level<'_>) -> (Vec<String>, bool) {
    let partitions = level.partitioning.partitions.iter();
    let values: Vec<&Option<String>> = partitions
        .filter_map(|partition| match &partition.bound {
            PartitionBound::List { values } => Some(values),
            _ => None,
        })
        .flatten()
        .collect();
    let lists_null = values.iter().any(|value| value.is_none());
    (values.into_iter().flatten().cloned().collect(), lists_null)
}

/// Above all ranges, below all, and between any two, by the first column of the key.
fn gaps(level: &Level<'_>, column: &str, order: Order) -> Vec<Case> {
    let only = level.key.len() == 1;
    let partitions = level.partitioning.partitions.iter();
    let mut ranges: Vec<(&PartitionEdge, &PartitionEdge)> = partitions
        .filter_map(|partition| match &partition.bound {
            PartitionBound::Range { from, to } => from.first().zip(to.first()),
            _ => None,
        })
        .collect();
    ranges.sort_by(|a, b| compare(order, a.0, b.0));
    let (Some((lowest, _)), Some(highest)) = (
        ranges.first(),
        ranges
            .iter()
            .map(|range| range.1)
            .max_by(|a, b| compare(order, a, b)),
    ) else {
        return Vec::new();
    };
    let mut cases = Vec::new();
    if let PartitionEdge::Value(highest) = highest {
        cases.push(bounded(column, Some((highest, only)), None));
    }
    if let PartitionEdge::Value(lowest) = lowest {
        cases.push(bounded(column, None, Some(lowest)));
    }
    for pair in ranges.windows(2) {
        if let [
            (_, PartitionEdge::Value(end)),
            (PartitionEdge::Value(next), _),
        ] = pair
            && order.compare(end, next) == Ordering::Less
        {
            cases.push(bounded(column, Some((end, only)), Some(next)));
        }
    }
    cases
}

fn bounded(column: &str, low: Option<(&str, bool)>, high: Option<&str>) -> Case {
    let mut case = Case::default();
    if let Some(low) = low {
        case.bound(Some(column), low, Side::Above);
    }
    if let Some(high) = high {
        case.bound(Some(column), (high, false), Side::Below);
    }
    case
}

fn compare(order: Order, a: &PartitionEdge, b: &PartitionEdge) -> Ordering {
    let rank = |edge: &PartitionEdge| match edge {
        PartitionEdge::MinValue => 0,
        PartitionEdge::Value(_) => 1,
        PartitionEdge::MaxValue => 2,
    };
    match (a, b) {
        (PartitionEdge::Value(a), PartitionEdge::Value(b)) => order.compare(a, b),
        _ => rank(a).cmp(&rank(b)),
    }
}
