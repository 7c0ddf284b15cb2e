//! Counter-based randomness: a random number is a function of a key and a counter, so that any row
//! can be made at any time, on any thread, in any order.

use std::convert::Infallible;

use rand::TryRng;

/// The increment of SplitMix64 (Steele, Lea, Flood 2014): the golden ratio in 64 bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of SplitMix64: a bijection of 64 bits in which every input bit moves every output bit.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Random bits for a counter under a key. A bijection of the counter for a given key.
pub(crate) fn bits(key: u64, counter: u64) -> u64 {
    mix(mix(counter.wrapping_add(GOLDEN)) ^ key)
}

/// A key for something named, under a parent key.
pub(crate) fn key(parent: u64, name: &str) -> u64 {
    // FNV-1a, whose weak upper bits the mix repairs.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(mix(parent.wrapping_add(GOLDEN)) ^ hash)
}

/// Scales random bits to `0..count`, evenly; 0 where `count` is 0.
pub(crate) fn below(bits: u64, count: u64) -> u64 {
    let scaled = (u128::from(bits) * u128::from(count)) >> 64;
    u64::try_from(scaled).unwrap_or(0)
}

/// A number in `[0, 1)` with 53 random bits.
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// The bits below which an event of this probability happens.
pub(crate) fn threshold(probability: f64) -> u64 {
    // The cast saturates: 1.0 becomes `u64::MAX`.
    (probability * u64::MAX as f64) as u64
}

/// A short sequence of random numbers from one seed (SplitMix64), for what needs several.
#[derive(Debug, Clone)]
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }
}

impl TryRng for Sequence {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(bytes) {
                *to = from;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_parents_give_different_keys() {
        let seed = 42;
        assert_ne!(key(seed, "a"), key(seed, "b"));
        assert_ne!(key(1, "a"), key(2, "a"));
        assert_ne!(key(key(seed, "ab"), "c"), key(key(seed, "a"), "bc"));
    }

    proptest! {
        #[test]
        fn below_stays_below(random: u64, count in 1u64..) {
            prop_assert!(below(random, count) < count);
        }

        #[test]
        fn neighbouring_counters_differ_in_many_bits(key: u64, counter: u64) {
            let changed = (bits(key, counter) ^ bits(key, counter.wrapping_add(1))).count_ones();
            prop_assert!((8..=56).contains(&changed));
        }
    }
}
