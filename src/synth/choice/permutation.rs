//! Permutations of `0..count` that need no memory.

use super::random;

/// A pseudo-random bijection of `0..count`.
///
/// It mixes the smallest block of bits that holds `count` by steps that are each a bijection of that
/// block (an odd multiplication, a right shift folded in), and walks on while the result is outside:
/// less than twice on average, for at least half of the block is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permutation {
    count: u64,
    mask: u64,
    shift: u32,
    rounds: [(u64, u64); 3],
}

/// The number that an odd number must be multiplied by for 1, in 64 bits: Newton's iteration, which
/// doubles the bits that are right, from the 3 that an odd number is right in as its own inverse.
fn inverse(odd: u64) -> u64 {
    (0..5).fold(odd, |x, _| {
        x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)))
    })
}

impl Permutation {
    pub(crate) fn new(key: u64, count: u64) -> Self {
        let width = u64::BITS - count.saturating_sub(1).leading_zeros();
        let mut sequence = random::Sequence(key);
        Self {
            count,
            mask: u64::MAX.checked_shr(u64::BITS - width).unwrap_or(0),
            shift: width.div_ceil(2).max(1),
            rounds: std::array::from_fn(|_| (sequence.next(), sequence.next() | 1)),
        }
    }

    /// The permutation that leaves everything where it is.
    pub(crate) fn identity(count: u64) -> Self {
        Self {
            rounds: [(0, 1); 3],
            // Beyond the last bit: nothing is folded in.
            shift: u64::BITS - 1,
            ..Self::new(0, count)
        }
    }

    /// Where `index` goes. Below `count` for every `index` below `count`.
    pub(crate) fn apply(&self, index: u64) -> u64 {
        let mut x = index;
        loop {
            for (add, multiply) in self.rounds {
                x = x.wrapping_add(add).wrapping_mul(multiply) & self.mask;
                x ^= x >> self.shift;
            }
            // Beyond `count` the walk might not come back, hence the second condition.
            if x < self.count || index >= self.count {
                return x;
            }
        }
    }

    /// The index that goes to `image`. Below `count` for every `image` below `count`.
    pub(crate) fn invert(&self, image: u64) -> u64 {
        let mut x = image;
        loop {
            for (add, multiply) in self.rounds.iter().rev() {
                // The shift is half of the block at least, so folding in twice changes nothing.
                x ^= x >> self.shift;
                x = x.wrapping_mul(inverse(*multiply)).wrapping_sub(*add) & self.mask;
            }
            if x < self.count || image >= self.count {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_bijection(key: u64, count in 0u64..3_000) {
            let permutation = Permutation::new(key, count);
            let mut images: Vec<u64> = (0..count).map(|index| permutation.apply(index)).collect();
            images.sort_unstable();
            prop_assert_eq!(images, (0..count).collect::<Vec<_>>());
        }

        #[test]
        fn inverting_leads_back(key: u64, count in 1u64.., index: u64) {
            let permutation = Permutation::new(key, count);
            let index = index % count;
            prop_assert_eq!(permutation.invert(permutation.apply(index)), index);
        }

        #[test]
        fn large_counts_stay_inside(key: u64, count in 1u64.., index: u64) {
            let permutation = Permutation::new(key, count);
            prop_assert!(permutation.apply(index % count) < count);
        }
    }

    #[test]
    fn neighbours_are_scattered() {
        let count = 100_000;
        let permutation = Permutation::new(7, count);
        let near = (0..1_000)
            .filter(|&i| permutation.apply(i).abs_diff(permutation.apply(i + 1)) < count / 100)
            .count();
        assert!(
            near < 60,
            "{near} of 1000 neighbours stayed near each other"
        );
    }
}
