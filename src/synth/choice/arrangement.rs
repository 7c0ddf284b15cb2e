//! The order of a column's values along the rows: a permutation whose rank correlation can be chosen.

use super::permutation::Permutation;
use super::random;

/// Below this distance from −1, 0 and 1 a correlation is one of these.
const NEAR: f64 = 0.000_5;

/// A bijection of `0..count` in which the correlation of number and place is about the wanted one.
///
/// It shuffles the rows within blocks. A shuffled block of a share `b` of the rows moves a value by at
/// most `b`, and takes `b³` from the correlation of 1 that the sorted order has: the variance of a
/// uniform distribution of width `b` is `b²` of the whole's, and a share `b` of the rows has it. With
/// `k` blocks and a rest of share `r` the correlation is `1 − k b³ − r³`: every number from 0 (one
/// block) to 1 (blocks of one row). Negative ones count the places from the end.
#[derive(Debug, Clone)]
pub(crate) struct Arrangement {
    count: u64,
    /// Rows of a block; the last may have fewer.
    block: u64,
    within: Permutation,
    within_last: Permutation,
    reversed: bool,
}

impl Arrangement {
    /// An order of `count` rows with a correlation from −1 to 1.
    pub(crate) fn new(key: u64, count: u64, correlation: f64) -> Self {
        let share = block_share(correlation.abs());
        let block = ((share * count as f64).round() as u64).clamp(1, count.max(1));
        let last = count.checked_rem(block).unwrap_or(0);
        Self {
            count,
            block,
            within: Permutation::new(random::key(key, "block"), block),
            within_last: Permutation::new(random::key(key, "last block"), last),
            reversed: correlation < 0.0,
        }
    }

    /// The rows that have a place.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The place of a row's value among all of them in order. Below the count for every row below it.
    pub(crate) fn place(&self, row: u64) -> u64 {
        let place = match self.block {
            0 | 1 => row,
            block => {
                let start = row - row % block;
                let within = match start.saturating_add(block) <= self.count {
                    true => &self.within,
                    false => &self.within_last,
                };
                start.saturating_add(within.apply(row - start))
            }
        };
        match self.reversed && place < self.count {
            true => self.count - 1 - place,
            false => place,
        }
    }
}

/// The share of the rows that a block has for a correlation from 0 to 1.
fn block_share(correlation: f64) -> f64 {
    if correlation < NEAR {
        return 1.0;
    }
    if correlation > 1.0 - NEAR {
        return 0.0;
    }
    let correlation_of = |share: f64| {
        let blocks = (1.0 / share).floor();
        1.0 - blocks * share.powi(3) - (1.0 - blocks * share).powi(3)
    };
    // It falls as blocks grow: halve the interval until it is as narrow as a float can tell.
    let (mut low, mut high) = (NEAR, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if correlation_of(middle) > correlation {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn correlation(arrangement: &Arrangement) -> f64 {
        let count = arrangement.count() as f64;
        let mean = (count - 1.0) / 2.0;
        let products = (0..arrangement.count())
            .map(|row| (row as f64 - mean) * (arrangement.place(row) as f64 - mean))
            .sum::<f64>();
        products / (count * (count * count - 1.0) / 12.0)
    }

    #[test]
    fn correlations_are_as_asked() {
        for asked in [
            -1.0, -0.9, -0.4, 0.0, 0.1, 0.3, 0.5, 0.75, 0.8, 0.9, 0.99, 1.0,
        ] {
            let found = correlation(&Arrangement::new(9, 20_000, asked));
            assert!((found - asked).abs() < 0.02, "{found} for {asked}");
        }
    }

    #[test]
    fn sorted_is_sorted() {
        let arrangement = Arrangement::new(1, 1_000, 1.0);
        assert!((0..1_000).all(|row| arrangement.place(row) == row));
        let arrangement = Arrangement::new(1, 1_000, -1.0);
        assert!((0..1_000).all(|row| arrangement.place(row) == 999 - row));
    }

    proptest! {
        #[test]
        fn it_is_a_bijection(key: u64, count in 0u64..2_000, asked in -1.0f64..1.0) {
            let arrangement = Arrangement::new(key, count, asked);
            let mut places: Vec<u64> = (0..count).map(|row| arrangement.place(row)).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..count).collect::<Vec<_>>());
        }

        #[test]
        fn rows_beyond_are_harmless(key: u64, count: u64, row: u64, asked in -1.0f64..1.0) {
            Arrangement::new(key, count, asked).place(row);
        }
    }
}
