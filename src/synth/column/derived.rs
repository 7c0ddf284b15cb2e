//! Values that follow from those of other columns in the same row.

use std::sync::Arc;

use crate::synth::choice::random;
use crate::synth::value::form::Scalar;

use super::ColumnPlan;

/// A value between bounds that other columns of the row set.
#[derive(Debug, Clone)]
pub(crate) struct Derived {
    pub(crate) key: u64,
    pub(crate) scalar: Scalar,
    /// The lowest and the highest value, whatever the other columns are, in units.
    pub(crate) low: i64,
    pub(crate) high: i64,
    /// What it is above.
    pub(crate) floors: Vec<Bearing>,
    /// What it is below.
    pub(crate) ceilings: Vec<Bearing>,
}

/// Another column, and how far away from its value this one must be at least.
#[derive(Debug, Clone)]
pub(crate) struct Bearing {
    pub(crate) plan: Arc<ColumnPlan>,
    pub(crate) scalar: Scalar,
    /// In the finest units of the family.
    pub(crate) distance: i128,
}

impl Bearing {
    /// The other column's value in a row, in the finest units: the largest such number not above it,
    /// and whether that is exact. `out` is left as it was.
    fn value(&self, row: u64, out: &mut Vec<u8>) -> Option<(i128, bool)> {
        let start = out.len();
        let written = self.plan.write(row, out);
        let text = out
            .get(start..)
            .and_then(|text| std::str::from_utf8(text).ok());
        let value = text
            .filter(|_| written)
            .and_then(|text| self.scalar.read(text));
        out.truncate(start);
        let (units, exact) = value?;
        Some((i128::from(units) * self.scalar.factor(), exact))
    }
}

impl Derived {
    /// Writes the value in a row; false where the other columns leave none.
    pub(crate) fn write(&self, row: u64, out: &mut Vec<u8>) -> bool {
        let factor = self.scalar.factor();
        let (mut low, mut high) = (i128::from(self.low), i128::from(self.high));
        let (mut above, mut below) = (false, false);
        for floor in &self.floors {
            if let Some((value, exact)) = floor.value(row, out) {
                above = true;
                let least = value + i128::from(!exact) + floor.distance;
                let up = i128::from(least.rem_euclid(factor) != 0);
                low = low.max(least.div_euclid(factor) + up);
            }
        }
        for ceiling in &self.ceilings {
            if let Some((value, _)) = ceiling.value(row, out) {
                high = high.min((value - ceiling.distance).div_euclid(factor));
                below = true;
            }
        }
        if low > high {
            return false;
        }
        let reach = i128::from(self.scalar.reach);
        let (first, last) = self.scalar.usual;
        let (first, last) = (low.max(i128::from(first)), high.min(i128::from(last)));
        let (low, high) = match (above, below) {
            (false, true) => (low.max(high - reach), high),
            // The others are NULL, and set no bounds.
            (false, false) if first <= last => (first, last),
            _ => (low, high.min(low + reach)),
        };
        let count = u64::try_from(high - low + 1).unwrap_or(u64::MAX);
        let chosen = low + i128::from(random::below(random::bits(self.key, row), count));
        self.scalar
            .write(i64::try_from(chosen).unwrap_or(i64::MAX), out);
        true
    }
}

/// Values that are never those of other columns in the row.
#[derive(Debug, Clone)]
pub(crate) struct Apart {
    pub(crate) own: Arc<ColumnPlan>,
    pub(crate) others: Vec<Arc<ColumnPlan>>,
}

/// How often another value is tried.
const TRIES: u64 = 64;

impl Apart {
    /// Writes the value in a row; false for NULL.
    pub(crate) fn write(&self, row: u64, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        for attempt in 0..TRIES {
            out.truncate(start);
            // Another row's value, far from all rows that there are.
            let from = row.wrapping_add(attempt.wrapping_mul(1 << 40));
            if !self.own.write(from, out) {
                return false;
            }
            if !self
                .others
                .iter()
                .any(|other| Self::is_same(other, row, start, out))
            {
                return true;
            }
        }
        true
    }

    /// Whether the other column's value in the row is what `out` holds from `start` on.
    fn is_same(other: &ColumnPlan, row: u64, start: usize, out: &mut Vec<u8>) -> bool {
        let end = out.len();
        let written = other.write(row, out);
        let same = match out
            .get(start..)
            .and_then(|both| both.split_at_checked(end - start))
        {
            Some((own, other)) => written && own == other,
            None => false,
        };
        out.truncate(end);
        same
    }
}
