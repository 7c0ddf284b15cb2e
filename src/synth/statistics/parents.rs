//! Which parents a foreign key's rows choose, by the column's statistics.

use crate::synth::choice::permutation::Permutation;
use crate::synth::choice::random;

use super::Known;
use super::ranks::{Ranks, Stretch, before_nulls, share_out, thin};

/// Ranks over the parent's rows: the most common values become parents with as many children, anywhere
/// in the parent's table, and as many parents have children as the column has values.
pub(crate) fn parents(key: u64, rows: u64, parent_rows: u64, known: &Known) -> Option<Ranks> {
    let column = &known.column;
    let described =
        column.distinct.is_some() || !column.most_common.is_empty() || column.correlation.is_some();
    if !described || rows == 0 || parent_rows == 0 {
        return None;
    }
    let distinct = column.distinct.map(|distinct| distinct.of_rows(rows));
    let used = distinct.map_or(parent_rows, |distinct| distinct.min(parent_rows));
    let scatter = Permutation::new(random::key(key, "common parents"), parent_rows);
    let mut common: Vec<(u64, f64)> = (0..used)
        .zip(&column.most_common)
        .map(|(index, common)| (scatter.apply(index), common.frequency))
        .collect();
    common.sort_by_key(|(parent, _)| *parent);
    let others = used - common.len() as u64;
    let mut stretches = Vec::with_capacity(common.len() * 2 + 1);
    let mut from = 0;
    let all = (parent_rows - common.len() as u64).max(1);
    let weight = |span: u64| known.rest() * span as f64 / all as f64;
    for (parent, frequency) in common {
        if parent > from && others > 0 {
            stretches.push(Stretch::cold(from, parent - from, weight(parent - from)));
        }
        stretches.push(Stretch::hot(parent, frequency));
        from = parent + 1;
    }
    if parent_rows > from && others > 0 {
        let span = parent_rows - from;
        stretches.push(Stretch::cold(from, span, weight(span)));
    }
    let places = (rows as f64 * known.rest()) as u64;
    let planned = before_nulls(others, places.max(1), column.null_fraction);
    thin(&mut stretches, planned);
    share_out(&mut stretches, planned);
    Some(Ranks::new(key, rows, &stretches, column.correlation))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::synth::{ColumnSpec, ColumnStatistics, Distinct, MostCommon};

    use super::*;

    #[test]
    fn hot_parents_are_as_hot_and_others_as_many_as_asked() {
        let captured = ColumnStatistics {
            distinct: Some(Distinct::Count(500.0)),
            most_common: [0.2, 0.1]
                .map(|frequency| MostCommon {
                    frequency,
                    value: None,
                })
                .to_vec(),
            ..ColumnStatistics::default()
        };
        let known = Known::of(&ColumnSpec::default(), Some(&captured)).unwrap();
        let ranks = parents(7, 20_000, 1_000, &known).unwrap();
        let mut children: BTreeMap<u64, u64> = BTreeMap::new();
        for row in 0..20_000 {
            *children.entry(ranks.ordinal(row)).or_default() += 1;
        }
        assert!(children.keys().all(|parent| *parent < 1_000));
        assert!(children.len().abs_diff(500) <= 2, "{}", children.len());
        let mut most: Vec<u64> = children.into_values().collect();
        most.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(&most[..2], [4_000, 2_000]);
        assert!(most[2] < 60, "{}", most[2]);
    }
}
