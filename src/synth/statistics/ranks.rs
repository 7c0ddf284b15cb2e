//! Rows as ranks in the order of a column's values: every value as often as it shall be, in the order
//! that it shall be in.

use crate::synth::choice::arrangement::Arrangement;

/// Neighbouring values that rows take equally often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stretch {
    /// The ordinal of the first value.
    pub(crate) first: u64,
    /// The ordinals that it is wide, one at least.
    pub(crate) span: u64,
    /// The values that are used of them, evenly spread.
    pub(crate) count: u64,
    /// How many rows have one of them, relative to the other stretches.
    pub(crate) weight: f64,
    /// Whether it is a single value that is known to be frequent.
    pub(crate) hot: bool,
}

impl Stretch {
    /// One frequent value.
    pub(crate) fn hot(first: u64, weight: f64) -> Self {
        Self {
            first,
            span: 1,
            count: 1,
            weight,
            hot: true,
        }
    }

    /// Values of which no one is frequent by itself.
    pub(crate) fn cold(first: u64, span: u64, weight: f64) -> Self {
        Self {
            first,
            span: span.max(1),
            count: span.max(1),
            weight,
            hot: false,
        }
    }
}

/// Which ordinal a row has: its place among all rows in the order of their values decides it.
///
/// Every frequency is exact, but for rounding to whole rows, because each place is one row's.
#[derive(Debug, Clone)]
pub(crate) struct Ranks {
    order: Arrangement,
    segments: Vec<Segment>,
}

/// A stretch and the places that are its own.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: u64,
    until: u64,
    first: u64,
    span: u64,
    count: u64,
}

impl Ranks {
    /// The ranks of `rows` rows by stretches in the order of their values. `correlation` is that of
    /// `pg_stats`; none: the values are in no order.
    pub(crate) fn new(
        key: u64,
        rows: u64,
        stretches: &[Stretch],
        correlation: Option<f64>,
    ) -> Self {
        let correlation = correlation.map_or(0.0, |wanted| of_places(key, wanted, stretches));
        let order = Arrangement::new(key, rows, correlation);
        Self::of_segments(order, segments(stretches, rows))
    }

    /// Ranks in which every row has a value of its own; none where the stretches have too few.
    pub(crate) fn unique(
        key: u64,
        rows: u64,
        stretches: &mut [Stretch],
        correlation: Option<f64>,
    ) -> Option<Self> {
        if share_out(stretches, rows) < rows {
            return None;
        }
        let mut segments = Vec::with_capacity(stretches.len());
        let mut start = 0u64;
        for stretch in stretches {
            let until = start.saturating_add(stretch.count).min(rows);
            segments.push(Segment {
                start,
                until,
                first: stretch.first,
                span: stretch.span,
                count: stretch.span,
            });
            start = until;
        }
        let order = Arrangement::new(key, rows, correlation.unwrap_or(0.0));
        Some(Self::of_segments(order, segments))
    }

    fn of_segments(order: Arrangement, mut segments: Vec<Segment>) -> Self {
        segments.retain(|segment| segment.start < segment.until);
        Self { order, segments }
    }

    /// The ordinal of the row's value.
    pub(crate) fn ordinal(&self, row: u64) -> u64 {
        let place = self.order.place(row);
        let Some(segment) = self
            .segments
            .get(self.segment(place))
            .or(self.segments.last())
        else {
            return 0;
        };
        let rows = segment.until - segment.start;
        let offset = place.saturating_sub(segment.start).min(rows - 1);
        let value = scale(offset, segment.count, rows);
        segment
            .first
            .saturating_add(scale(value, segment.span, segment.count))
    }

    /// `pg_stats.correlation` of so many rows, as `compute_scalar_stats` of analyze.c has it: values are
    /// sorted, equal ones by their rows, and places in that order are correlated with rows.
    fn analyzed(&self, rows: u64) -> f64 {
        let mut values: Vec<(usize, u64, u64)> = (0..rows)
            .map(|row| (self.segment(self.order.place(row)), self.ordinal(row), row))
            .collect();
        values.sort_unstable();
        let mean = (rows as f64 - 1.0) / 2.0;
        let products: f64 = values
            .iter()
            .zip(0u64..)
            .map(|((_, _, row), rank)| (rank as f64 - mean) * (*row as f64 - mean))
            .sum();
        let rows = rows as f64;
        products / (rows * (rows * rows - 1.0) / 12.0)
    }

    /// The index of the segment that a place is in.
    fn segment(&self, place: u64) -> usize {
        self.segments
            .partition_point(|segment| segment.until <= place)
    }

    /// All ordinals are below this.
    pub(crate) fn domain(&self) -> u64 {
        let ends = self.segments.iter();
        ends.map(|segment| segment.first.saturating_add(segment.span))
            .max()
            .unwrap_or(0)
    }
}

/// `number · numerator / denominator`, rounded down.
fn scale(number: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(number) * u128::from(numerator);
    u64::try_from(product / u128::from(denominator.max(1))).unwrap_or(u64::MAX)
}

/// The correlation that places must have for that of `pg_stats` to be as wanted.
///
/// `ANALYZE` ranks equal values by their rows, so that frequent values raise the correlation: with
/// values of shares `p` in no order at all it is already Σp², in descending order 2Σp³ − 1. What lies
/// between is tried out on a table of [`MODEL_ROWS`].
fn of_places(key: u64, wanted: f64, stretches: &[Stretch]) -> f64 {
    /// Below this sum of squares the difference is too small to matter.
    const SLIGHT: f64 = 0.01;
    if wanted.abs() >= 1.0 || squares(stretches) < SLIGHT {
        return wanted;
    }
    let (mut low, mut high) = (-1.0, 1.0);
    for _ in 0..MODEL_STEPS {
        let middle = f64::midpoint(low, high);
        let segments = segments(stretches, MODEL_ROWS);
        let order = Arrangement::new(key, MODEL_ROWS, middle);
        if Ranks::of_segments(order, segments).analyzed(MODEL_ROWS) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Rows of the table on which a correlation is tried out.
const MODEL_ROWS: u64 = 1_000;

/// Halvings of the interval in which the correlation is sought: to a thousandth.
const MODEL_STEPS: u32 = 11;

/// The correlation that `ANALYZE` finds where values are in no order.
pub(crate) fn squares(stretches: &[Stretch]) -> f64 {
    let total: f64 = stretches.iter().map(|stretch| stretch.weight).sum();
    let of = |stretch: &Stretch| (stretch.weight / total).powi(2) / stretch.count.max(1) as f64;
    stretches.iter().map(of).sum()
}

/// The places of `rows` rows, shared out by weight.
fn segments(stretches: &[Stretch], rows: u64) -> Vec<Segment> {
    let total: f64 = stretches.iter().map(|stretch| stretch.weight).sum();
    let (mut start, mut weight) = (0, 0.0);
    let of = |stretch: &Stretch| {
        weight += stretch.weight;
        let until = ((weight / total * rows as f64).round() as u64).clamp(start, rows);
        let segment = Segment {
            start,
            until,
            first: stretch.first,
            span: stretch.span,
            count: stretch.count.max(1),
        };
        start = until;
        segment
    };
    stretches.iter().map(of).collect()
}

/// Shares `wanted` different values out to the cold stretches by their weights, none more than it is
/// wide and each at least one, and returns how many there are.
pub(crate) fn share_out(stretches: &mut [Stretch], wanted: u64) -> u64 {
    let cold = |stretches: &[Stretch]| -> Vec<(f64, f64)> {
        let cold = stretches.iter().filter(|stretch| !stretch.hot);
        cold.map(|stretch| (stretch.weight, stretch.span as f64))
            .collect()
    };
    let sizes = cold(stretches);
    let most: f64 = sizes.iter().map(|(_, span)| span).sum();
    let target = (wanted as f64).min(most);
    // The level to which weights are filled with values: halve the interval that holds it.
    let filled = |level: f64| -> f64 {
        let of = |&(weight, span): &(f64, f64)| (level * weight).min(span).max(1.0);
        sizes.iter().map(of).sum()
    };
    let (mut low, mut high) = (0.0, 1.0);
    while filled(high) < target && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if filled(middle) < target {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (mut exact, mut given) = (0.0, 0u64);
    for stretch in stretches.iter_mut().filter(|stretch| !stretch.hot) {
        exact += (high * stretch.weight).min(stretch.span as f64).max(1.0);
        let due = (exact.round() as u64).saturating_sub(given);
        stretch.count = due.clamp(1, stretch.span);
        given = given.saturating_add(stretch.count);
    }
    for stretch in stretches.iter_mut().filter(|stretch| !stretch.hot) {
        // What rounding left over goes where there is room.
        let more = wanted
            .saturating_sub(given)
            .min(stretch.span - stretch.count);
        stretch.count += more;
        given += more;
    }
    given
}

/// Leaves at most `wanted` cold stretches, the most frequent, with the weight of all.
pub(crate) fn thin(stretches: &mut Vec<Stretch>, wanted: u64) {
    let cold = |stretch: &&Stretch| !stretch.hot;
    let before: f64 = stretches.iter().filter(cold).map(|s| s.weight).sum();
    let mut weights: Vec<f64> = stretches.iter().filter(cold).map(|s| s.weight).collect();
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    if weights.len() <= wanted {
        return;
    }
    weights.sort_by(|a, b| b.total_cmp(a));
    let least = weights.get(wanted).copied().unwrap_or(0.0);
    let mut room = wanted;
    stretches.retain(|stretch| {
        let kept = stretch.hot || (stretch.weight >= least && room > 0);
        room -= usize::from(kept && !stretch.hot);
        kept
    });
    let after: f64 = stretches.iter().filter(cold).map(|s| s.weight).sum();
    for stretch in stretches.iter_mut().filter(|stretch| !stretch.hot) {
        stretch.weight *= before / after.max(f64::MIN_POSITIVE);
    }
}

/// How many values must be planned for `wanted` to be left after the nulls: each has some of
/// `places`, and loses them all with probability `nulls` to the number of them.
pub(crate) fn before_nulls(wanted: u64, places: u64, nulls: f64) -> u64 {
    let left = |planned: f64| {
        let each = (places as f64 / planned).floor();
        let more = places as f64 - each * planned;
        (planned - more) * (1.0 - nulls.powf(each)) + more * (1.0 - nulls.powf(each + 1.0))
    };
    if nulls <= 0.0 || wanted >= places {
        return wanted.min(places);
    }
    let (mut low, mut high) = (wanted as f64, places as f64);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if left(middle) < wanted as f64 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high.round() as u64
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn counts(ranks: &Ranks, rows: u64) -> BTreeMap<u64, u64> {
        let mut counts = BTreeMap::new();
        for row in 0..rows {
            *counts.entry(ranks.ordinal(row)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn frequencies_and_distinct_values_are_exact() {
        let mut stretches = [
            Stretch::cold(0, 100, 0.3),
            Stretch::hot(100, 0.5),
            Stretch::cold(101, 3, 0.2),
        ];
        assert_eq!(share_out(&mut stretches, 40), 40);
        let counts = counts(&Ranks::new(1, 10_000, &stretches, None), 10_000);
        assert_eq!(counts[&100], 5_000);
        assert_eq!(counts.len(), 41);
        assert_eq!(counts.range(101..).map(|(_, n)| n).sum::<u64>(), 2_000);
    }

    #[test]
    fn correlations_are_as_analyze_computes_them() {
        let skewed = [
            Stretch::cold(0, 50, 0.1),
            Stretch::hot(50, 0.6),
            Stretch::cold(51, 50, 0.3),
        ];
        let flat = [Stretch::cold(0, 1_000_000, 1.0)];
        for stretches in [skewed.as_slice(), &flat] {
            for wanted in [-0.2, 0.0, 0.4, 0.6, 0.9, 1.0] {
                let ranks = Ranks::new(5, 5_000, stretches, Some(wanted));
                let found = ranks.analyzed(5_000);
                assert!((found - wanted).abs() < 0.05, "{found} for {wanted}");
            }
        }
        let mixed = Ranks::new(5, 5_000, &skewed, None).analyzed(5_000);
        assert!((mixed - 0.36).abs() < 0.05, "{mixed}");
    }

    #[test]
    fn thinning_keeps_the_weight() {
        let mut stretches = vec![
            Stretch::cold(0, 10, 0.1),
            Stretch::hot(10, 0.5),
            Stretch::cold(11, 10, 0.3),
            Stretch::cold(21, 10, 0.1),
        ];
        thin(&mut stretches, 2);
        let weights: Vec<f64> = stretches.iter().map(|stretch| stretch.weight).collect();
        assert_eq!(stretches.len(), 3);
        assert!(
            (weights.iter().sum::<f64>() - 1.0).abs() < 1e-9,
            "{weights:?}"
        );
        thin(&mut stretches, 0);
        assert_eq!(stretches, [Stretch::hot(10, 0.5)]);
    }

    #[test]
    fn nulls_leave_the_values_that_are_wanted() {
        for (wanted, places, nulls) in [(900, 1_000, 0.1), (500, 1_000, 0.3), (10, 1_000, 0.5)] {
            let planned = before_nulls(wanted, places, nulls);
            let each = places as f64 / planned as f64;
            let (floor, part) = (each.floor(), each.fract());
            let left = planned as f64
                * (1.0 - (1.0 - part) * nulls.powf(floor) - part * nulls.powf(floor + 1.0));
            assert!((left - wanted as f64).abs() < 2.0, "{left} for {wanted}");
        }
        assert_eq!(before_nulls(7, 1_000, 0.0), 7);
    }

    proptest! {
        #[test]
        fn unique_ranks_are_unique(
            spans in prop::collection::vec((1u64..200, 0.01f64..1.0), 1..8),
            rows in 1u64..600,
            asked in -1.0f64..1.0,
        ) {
            let mut first = 0;
            let mut stretches = Vec::new();
            for (span, weight) in &spans {
                stretches.push(Stretch::cold(first, *span, *weight));
                first += span;
            }
            let room: u64 = spans.iter().map(|(span, _)| span).sum();
            match Ranks::unique(3, rows, &mut stretches, Some(asked)) {
                None => prop_assert!(room < rows),
                Some(ranks) => {
                    let seen: BTreeSet<u64> = (0..rows).map(|row| ranks.ordinal(row)).collect();
                    prop_assert_eq!(seen.len() as u64, rows);
                    prop_assert!(seen.iter().all(|ordinal| *ordinal < room));
                }
            }
        }

        #[test]
        fn as_many_values_as_there_is_room_for(
            spans in prop::collection::vec((1u64..1_000_000_000, 0.001f64..1.0), 1..50),
            wanted in 50u64..2_000_000_000,
        ) {
            let mut stretches: Vec<Stretch> =
                spans.iter().map(|(span, weight)| Stretch::cold(0, *span, *weight)).collect();
            let room: u64 = spans.iter().map(|(span, _)| span).sum();
            let given = share_out(&mut stretches, wanted);
            prop_assert!(given.abs_diff(wanted.min(room)) <= 1, "{} of {}", given, wanted.min(room));
            prop_assert!(stretches.iter().all(|s| (1..=s.span).contains(&s.count)));
        }
    }
}
