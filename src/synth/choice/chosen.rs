//! Choices by a distribution, and digits of a row's number.

use super::distribution::{Distribution, Sampler};
use super::permutation::Permutation;
use super::random;

/// A choice by a distribution, with frequent ones scattered.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) key: u64,
    pub(crate) sampler: Sampler,
    pub(crate) scatter: Option<Permutation>,
}

impl Chosen {
    /// A choice among the rows of a table.
    pub(crate) fn among_rows(key: u64, distribution: Distribution, rows: u64) -> Self {
        Self {
            key,
            sampler: Sampler::new(distribution, rows),
            scatter: distribution
                .is_ranked()
                .then(|| Permutation::new(random::key(key, "scatter"), rows)),
        }
    }

    /// A choice among neighbours that keep their order: a range.
    pub(crate) fn within(key: u64, distribution: Distribution, count: u64) -> Self {
        Self {
            key,
            sampler: Sampler::new(distribution, count),
            scatter: None,
        }
    }

    /// The choice for random bits, below the count.
    pub(crate) fn choose(&self, serial: u64, bits: u64) -> u64 {
        let rank = self.sampler.sample(serial, bits);
        match &self.scatter {
            Some(scatter) => scatter.apply(rank),
            None => rank,
        }
    }
}

/// A digit of the row's number in a mixed radix, so that the digits of a row are together unique.
///
/// The row is first moved within its block of `block` rows, so that neighbours in the table are
/// not neighbours in the key.
#[derive(Debug, Clone)]
pub(crate) struct Digit {
    pub(crate) shuffle: Permutation,
    /// The product of all digits but the block's own number.
    pub(crate) block: u64,
    /// The product of the digits before this one.
    pub(crate) divisor: u64,
    /// What this digit counts up to; none for the block's own number.
    pub(crate) radix: Option<u64>,
    /// Rows that have a combination; later ones are NULL.
    pub(crate) limit: u64,
}

impl Digit {
    /// The row's own number, counted modulo `rows`; NULL from row `limit` on.
    pub(crate) fn of_twin(rows: u64, limit: u64) -> Self {
        Self {
            shuffle: Permutation::identity(rows),
            block: rows,
            divisor: 1,
            radix: Some(rows),
            limit,
        }
    }

    /// The digit of a row, none beyond the last combination.
    pub(crate) fn of(&self, row: u64) -> Option<u64> {
        if row >= self.limit {
            return None;
        }
        let Some(radix) = self.radix else {
            return row.checked_div(self.block);
        };
        let place = self.shuffle.apply(row.checked_rem(self.block)?);
        place.checked_div(self.divisor)?.checked_rem(radix)
    }
}
