//! pgbench's hash functions and its pseudorandom permutation, bit for bit.

use super::random::Generator;

/// FNV-1a over the eight bytes of a value, lowest first; the seed is mixed into the offset basis.
pub(super) fn fnv1a(value: i64, seed: i64) -> i64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let start = OFFSET_BASIS ^ seed.cast_unsigned();
    let hash = value.to_le_bytes().into_iter().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    hash.cast_signed()
}

/// MurmurHash2, the 64-bit variant A, of one eight-byte value (Austin Appleby).
pub(super) fn murmur2(value: i64, seed: i64) -> i64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const ROTATION: u32 = 47;
    let shuffle = |bits: u64| bits ^ (bits >> ROTATION);
    let length = MULTIPLIER.wrapping_mul(8);
    let block = shuffle(value.cast_unsigned().wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    let hash = (seed.cast_unsigned() ^ length ^ block).wrapping_mul(MULTIPLIER);
    shuffle(shuffle(hash).wrapping_mul(MULTIPLIER)).cast_signed()
}

/// Rounds of [`permute`]: pgbench's choice of speed against randomness.
const ROUNDS: usize = 6;

/// Where `value` goes in the pseudorandom permutation of `0..size` that `seed` chooses.
///
/// Each round scrambles the largest power of two that fits at the lower end, then the same at the upper end
/// (they overlap), and turns the whole range by a random offset; each of the three is a bijection.
pub(super) fn permute(value: i64, size: i64, seed: i64) -> i64 {
    let Ok(size) = u64::try_from(size) else {
        return 0;
    };
    if size < 2 {
        return 0;
    }
    let mut random = Generator::new(seed.cast_unsigned());
    let scrambler = Scrambler::below(size);
    let mut place = value.cast_unsigned() % size;
    for _ in 0..ROUNDS {
        place = scrambler.scramble(place, &mut random);
        place = size - 1 - scrambler.scramble(size - 1 - place, &mut random);
        let offset = random.up_to(size - 1);
        place = (place + offset) % size;
    }
    place.cast_signed()
}

/// A bijection of the numbers of `bits` bits that leaves larger numbers alone.
struct Scrambler {
    bits: u32,
    mask: u64,
}

impl Scrambler {
    /// For the largest power of two that is at most `size`, which is 2 or more.
    fn below(size: u64) -> Self {
        let bits = size.ilog2();
        let mask = (1 << bits) - 1;
        Self { bits, mask }
    }

    /// Multiplies by an odd number, flips bits, and rotates the highest bit down, as multiplication spreads
    /// upwards only. Draws its two numbers whether or not they are needed.
    fn scramble(&self, number: u64, random: &mut Generator) -> u64 {
        let factor = (random.bits() & self.mask) | 1;
        let flips = random.bits() & self.mask;
        if number > self.mask {
            return number;
        }
        let product = (number.wrapping_mul(factor) ^ flips) & self.mask;
        ((product << 1) & self.mask) | (product >> (self.bits - 1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // What pgbench gives for single values is among the tests of expressions.

    #[test]
    fn small_permutations_visit_every_place_once() {
        for size in 1..200 {
            for seed in [0, 1, -1, 5432] {
                let mut places: Vec<_> = (0..size).map(|v| permute(v, size, seed)).collect();
                places.sort_unstable();
                assert!(places.into_iter().eq(0..size), "size {size}, seed {seed}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_permutation_stays_in_its_range(value: i64, size in 1i64.., seed: i64) {
            prop_assert!((0..size).contains(&permute(value, size, seed)));
        }

        #[test]
        fn different_values_go_to_different_places(
            size in 2i64.., first: i64, second: i64, seed: i64
        ) {
            let (first, second) = (first.rem_euclid(size), second.rem_euclid(size));
            prop_assume!(first != second);
            prop_assert_ne!(permute(first, size, seed), permute(second, size, seed));
        }
    }
}
