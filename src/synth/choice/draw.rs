//! From a row's number to the ordinal that its value is made from.

use std::sync::Arc;

use super::arrangement::Arrangement;
use super::distribution::{Distribution, Sampler};
use super::pieces::Pieces;
use super::random;
use crate::synth::keys::kin::{Index, Kin};
use crate::synth::statistics::Ranks;

pub(crate) use super::chosen::{Chosen, Digit};

/// Which ordinal a column's value is made from in a given row. For a foreign key the ordinal is the
/// parent's row.
#[derive(Debug, Clone)]
pub(crate) enum Draw {
    /// The row's own number: values differ where ordinals do.
    Row,
    /// One of many, by a distribution.
    Chosen(Chosen),
    /// One of many, by weights: cumulative, of the total of the last.
    Weighted { key: u64, cumulative: Vec<f64> },
    /// An earlier row of the same table. The first row points to itself or, where it may, nowhere.
    Earlier {
        key: u64,
        distribution: Distribution,
        first_is_null: bool,
    },
    /// A digit of the row's number: see [`Digit`].
    Digit(Digit),
    /// Rises with the row: a random place in the row's own stretch of `step` ordinals.
    Rising { key: u64, step: u64 },
    /// The row's place in an order of all rows.
    Placed(Arrangement),
    /// By the row's rank among all values: as often and in the order that statistics say.
    Ranked(Box<Ranks>),
    /// A random place in the lower or upper half of the row's own stretch of `step` ordinals.
    Half { key: u64, step: u64, upper: bool },
    /// One of these, which are ordinals in rising order.
    Listed { rows: Arc<[u64]>, chosen: Chosen },
    /// By the stretch of rows that the row is in.
    Pieces(Pieces<Piece>),
    /// A parent's row that agrees with those of other foreign keys.
    Kin(Arc<Kin>),
    /// A digit of the row's number among those of the same ancestor; the number of times that all
    /// were used, where it is none.
    Index {
        index: Arc<Index>,
        part: Option<usize>,
        /// All ordinals are below this.
        domain: u64,
    },
    /// The first one, but for the ordinal of the second, which it passes over.
    Beside(Arc<(Draw, Draw)>),
    /// Never anything: NULL.
    Nothing,
}

/// The draw of a stretch of rows, which it counts from 0.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// What is added to its ordinals.
    pub(crate) offset: u64,
    pub(crate) draw: Draw,
}

impl Draw {
    /// The ordinal in this row, none for NULL.
    pub(crate) fn ordinal(&self, row: u64) -> Option<u64> {
        match self {
            Self::Row => Some(row),
            Self::Chosen(chosen) => Some(chosen.choose(row, random::bits(chosen.key, row))),
            Self::Weighted { key, cumulative } => {
                let total = cumulative.last().copied().unwrap_or(0.0);
                let place = random::unit(random::bits(*key, row)) * total;
                let index = cumulative.partition_point(|&until| until <= place);
                Some(index.min(cumulative.len().saturating_sub(1)) as u64)
            }
            Self::Earlier {
                key,
                distribution,
                first_is_null,
            } => {
                if row == 0 {
                    return (!first_is_null).then_some(0);
                }
                if *distribution == Distribution::Sequence {
                    return Some(row - 1);
                }
                let sampler = Sampler::new(*distribution, row);
                Some(sampler.sample(row, random::bits(*key, row)))
            }
            Self::Digit(digit) => digit.of(row),
            Self::Rising { key, step } => {
                let within = random::below(random::bits(*key, row), *step);
                Some(row.saturating_mul(*step).saturating_add(within))
            }
            Self::Placed(order) => Some(order.place(row)),
            Self::Ranked(ranks) => Some(ranks.ordinal(row)),
            Self::Half { key, step, upper } => {
                let half = step / 2;
                let within = random::below(random::bits(*key, row), half);
                let begin = if *upper { step - half } else { 0 };
                Some(row.saturating_mul(*step).saturating_add(begin + within))
            }
            Self::Listed { rows, chosen } => {
                let place = chosen.choose(row, random::bits(chosen.key, row));
                rows.get(usize::try_from(place).ok()?).copied()
            }
            Self::Pieces(pieces) => {
                let (row, piece) = pieces.at(row)?;
                let ordinal = piece.draw.ordinal(row)?;
                Some(piece.offset.saturating_add(ordinal))
            }
            Self::Kin(kin) => kin.ordinal(row),
            Self::Index { index, part, .. } => index.part(row, *part),
            Self::Beside(both) => {
                let (own, other) = both.as_ref();
                let ordinal = own.ordinal(row)?;
                let passed = other.ordinal(row).is_some_and(|other| ordinal >= other);
                Some(ordinal + u64::from(passed))
            }
            Self::Nothing => None,
        }
    }

    /// The number of ordinals it may yield for a table of `rows`: all are below this.
    pub(crate) fn domain(&self, rows: u64) -> u64 {
        match self {
            Self::Row | Self::Earlier { .. } | Self::Kin(_) => rows,
            Self::Index { domain, .. } => *domain,
            Self::Chosen(chosen) => chosen.sampler.count(),
            Self::Weighted { cumulative, .. } => cumulative.len() as u64,
            Self::Digit(Digit { radix, block, .. }) => {
                radix.unwrap_or_else(|| rows.div_ceil((*block).max(1)))
            }
            Self::Rising { step, .. } | Self::Half { step, .. } => rows.saturating_mul(*step),
            Self::Listed { rows, .. } => rows.last().map_or(0, |last| last.saturating_add(1)),
            Self::Pieces(pieces) => {
                let ends =
                    pieces
                        .lengths(rows)
                        .map(|(piece, rows)| match piece.draw.domain(rows) {
                            0 => 0,
                            domain => piece.offset.saturating_add(domain),
                        });
                ends.max().unwrap_or(0)
            }
            Self::Placed(order) => order.count(),
            Self::Ranked(ranks) => ranks.domain(),
            Self::Beside(both) => both.0.domain(rows).saturating_add(1),
            Self::Nothing => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::synth::choice::permutation::Permutation;

    proptest! {
        #[test]
        fn digits_together_are_unique(a in 1u64..30, b in 1u64..30, key: u64) {
            let digit = |divisor, radix| Draw::Digit(Digit {
                shuffle: Permutation::new(key, a * b),
                block: a * b,
                divisor,
                radix,
                limit: u64::MAX,
            });
            let (first, second, block) = (digit(1, Some(a)), digit(a, Some(b)), digit(1, None));
            let rows = a * b * 2;
            let seen: BTreeSet<_> = (0..rows)
                .map(|row| (first.ordinal(row), second.ordinal(row), block.ordinal(row)))
                .collect();
            prop_assert_eq!(seen.len() as u64, rows);
        }

        #[test]
        fn ordinals_are_within_the_domain(key: u64, rows in 1u64..1_000, row: u64) {
            let row = row % rows;
            for draw in [
                Draw::Row,
                Draw::Chosen(Chosen::among_rows(key, Distribution::Zipf(1.1), rows)),
                Draw::Weighted { key, cumulative: vec![1.0, 1.0, 3.0] },
                Draw::Rising { key, step: 3 },
                Draw::Earlier { key, distribution: Distribution::Uniform, first_is_null: true },
            ] {
                if let Some(ordinal) = draw.ordinal(row) {
                    prop_assert!(ordinal < draw.domain(rows));
                }
            }
        }

        #[test]
        fn rows_beside_others_are_not_theirs(key: u64, rows in 2u64..50, row: u64) {
            let choose = |key, rows| Draw::Chosen(Chosen::among_rows(key, Distribution::Uniform, rows));
            let other = choose(key, rows);
            let own = Draw::Beside(Arc::new((choose(!key, rows - 1), other.clone())));
            prop_assert_ne!(own.ordinal(row), other.ordinal(row));
            prop_assert!(own.ordinal(row).unwrap() < rows);
            prop_assert_eq!(own.domain(rows), rows);
        }

        #[test]
        fn earlier_rows_are_earlier(key: u64, row in 1u64..) {
            let draw = Draw::Earlier { key, distribution: Distribution::Uniform, first_is_null: true };
            prop_assert!(draw.ordinal(row).unwrap() < row);
        }
    }

    #[test]
    fn weights_decide_frequencies() {
        let draw = Draw::Weighted {
            key: 1,
            cumulative: vec![1.0, 1.0, 4.0],
        };
        let mut seen = [0; 3];
        for row in 0..40_000 {
            seen[usize::try_from(draw.ordinal(row).unwrap()).unwrap()] += 1;
        }
        assert!(
            seen[1] == 0 && (9_500..10_500).contains(&seen[0]),
            "{seen:?}"
        );
    }
}
