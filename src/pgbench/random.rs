//! Random numbers: the generator and the distributions that scripts draw from.

/// Smallest parameter of the gaussian distribution, pgbench's: below it too many draws are thrown away.
pub(super) const MIN_GAUSSIAN: f64 = 2.0;
/// Smallest parameter of the zipfian distribution, pgbench's: the method needs more than 1.
pub(super) const MIN_ZIPFIAN: f64 = 1.001;
/// Largest parameter of the zipfian distribution, pgbench's.
pub(super) const MAX_ZIPFIAN: f64 = 1000.0;

/// xoroshiro128** 1.0 of Blackman and Vigna, seeded through SplitMix64 (<https://prng.di.unimi.it/>).
///
/// It is pgbench's own generator: `permute` is defined by it, and one generator serves both purposes. The
/// algorithm is fixed here rather than taken from a crate so that a seed gives the same traffic for ever.
#[derive(Debug, Clone)]
pub(super) struct Generator {
    s0: u64,
    s1: u64,
}

impl Generator {
    /// The generator of a seed. No seed gives the forbidden state of zeroes: SplitMix64 is a bijection of
    /// its counter, so two draws in a row differ.
    pub(super) fn new(seed: u64) -> Self {
        let mut counter = seed;
        Self {
            s0: split_mix(&mut counter),
            s1: split_mix(&mut counter),
        }
    }

    /// 64 uniformly random bits.
    pub(super) fn bits(&mut self) -> u64 {
        let Self { s0, s1 } = *self;
        let mixed = s0 ^ s1;
        self.s0 = s0.rotate_left(24) ^ mixed ^ (mixed << 16);
        self.s1 = mixed.rotate_left(37);
        s0.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
    }

    /// Uniform in `0..=max`: as many high bits as `max` has, drawn again while they exceed it.
    pub(super) fn up_to(&mut self, max: u64) -> u64 {
        if max == 0 {
            return 0;
        }
        loop {
            let drawn = self.bits() >> max.leading_zeros();
            if drawn <= max {
                return drawn;
            }
        }
    }

    /// Uniform in `[0, 1)`, in steps of 2⁻⁵².
    fn fraction(&mut self) -> f64 {
        (self.bits() >> 12) as f64 / (1u64 << 52) as f64
    }

    /// Normal with mean 0 and deviation 1, by the transform of Box and Muller.
    fn normal(&mut self) -> f64 {
        // From 1 down, as the logarithm of 0 is not finite.
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        let angle = 2.0 * std::f64::consts::PI * (1.0 - self.fraction());
        radius * angle.sin()
    }
}

fn split_mix(counter: &mut u64) -> u64 {
    *counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let first = (*counter ^ (*counter >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let second = (first ^ (first >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    second ^ (second >> 31)
}

/// Integers from `min` to `max`, both included; there are at most `i64::MAX` of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    min: i64,
    max: i64,
}

/// Why two integers are not an [`Interval`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntervalFault {
    Empty,
    Large,
}

impl Interval {
    pub(super) fn new(min: i64, max: i64) -> Result<Self, IntervalFault> {
        if min > max {
            return Err(IntervalFault::Empty);
        }
        match max.checked_sub(min).and_then(|span| span.checked_add(1)) {
            Some(_) => Ok(Self { min, max }),
            None => Err(IntervalFault::Large),
        }
    }

    fn size(self) -> i64 {
        self.max - self.min + 1
    }

    /// The integer at a fraction of the interval; rounding never leaves it.
    fn at(self, fraction: f64) -> i64 {
        let offset = (self.size() as f64 * fraction) as i64;
        self.min + offset.clamp(0, self.size() - 1)
    }

    /// Each integer as likely as any other.
    pub(super) fn uniform(self, random: &mut Generator) -> i64 {
        self.min
            .wrapping_add_unsigned(random.up_to(self.max.abs_diff(self.min)))
    }

    /// Exponential, cut so that the density at the far end is `exp(-parameter)` of that at the near end.
    /// `parameter` is above 0.
    pub(super) fn exponential(self, parameter: f64, random: &mut Generator) -> i64 {
        let cut = (-parameter).exp();
        let uniform = 1.0 - random.fraction();
        self.at(-(cut + (1.0 - cut) * uniform).ln() / parameter)
    }

    /// Normal around the middle; both ends are `parameter` deviations away. `parameter` is at least
    /// [`MIN_GAUSSIAN`].
    pub(super) fn gaussian(self, parameter: f64, random: &mut Generator) -> i64 {
        loop {
            let deviation = random.normal();
            if (-parameter..parameter).contains(&deviation) {
                return self.at((deviation + parameter) / (2.0 * parameter));
            }
        }
    }

    /// Zipfian: the k-th integer is drawn in proportion to k^-s, by rejection (Devroye, Non-Uniform Random
    /// Variate Generation, 1986, p. 550). `s` is from [`MIN_ZIPFIAN`] to [`MAX_ZIPFIAN`].
    pub(super) fn zipfian(self, s: f64, random: &mut Generator) -> i64 {
        if self.size() <= 1 {
            return self.min;
        }
        let b = 2f64.powf(s - 1.0);
        loop {
            let (u, v) = (random.fraction(), random.fraction());
            let x = u.powf(-1.0 / (s - 1.0)).floor();
            let t = (1.0 + 1.0 / x).powf(s - 1.0);
            if x <= self.size() as f64 && v * x * (t - 1.0) / (b - 1.0) <= t / b {
                return self.min + (x as i64 - 1).clamp(0, self.size() - 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval(min: i64, max: i64) -> Interval {
        Interval::new(min, max).unwrap()
    }

    /// The draws of `pgbench --random-seed=42`, whose first client is seeded by the first 64 bits.
    #[test]
    fn draws_are_those_of_pgbench_for_its_seed() {
        let random = &mut Generator::new(Generator::new(42).bits());
        assert_eq!(interval(1, 1_000_000).uniform(random), 668_251);
        assert_eq!(interval(-5, 5).uniform(random), 5);
        assert_eq!(interval(1, 1_000_000).exponential(2.5, random), 22_118);
        assert_eq!(interval(1, 1_000_000).gaussian(2.5, random), 640_639);
        assert_eq!(interval(1, 1_000_000).gaussian(4.0, random), 401_862);
        assert_eq!(interval(1, 1_000_000).zipfian(1.1, random), 30);
        assert_eq!(interval(1, 1_000_000).zipfian(2.0, random), 1);
        assert_eq!(
            interval(0, i64::MAX - 1).uniform(random),
            2_820_811_652_046_976_946
        );
    }

    #[test]
    fn zipfian_draws_follow_the_power_law() {
        let random = &mut Generator::new(7);
        let interval = interval(1, 100);
        let mut counts = [0u32; 101];
        for _ in 0..200_000 {
            counts[usize::try_from(interval.zipfian(1.5, random)).unwrap()] += 1;
        }
        let total: f64 = (1..=100).map(|k| f64::from(k).powf(-1.5)).sum();
        for (rank, share) in [(1, 1.0), (2, 2f64.powf(-1.5)), (10, 10f64.powf(-1.5))] {
            let expected = share / total * 200_000.0;
            let deviation = (f64::from(counts[rank]) - expected).abs() / expected.sqrt();
            assert!(
                deviation < 5.0,
                "rank {rank}: {} for {expected}",
                counts[rank]
            );
        }
    }

    #[test]
    fn one_integer_is_always_drawn() {
        let random = &mut Generator::new(1);
        let one = interval(9, 9);
        assert_eq!(one.uniform(random), 9);
        assert_eq!(one.exponential(1e-300, random), 9);
        assert_eq!(one.gaussian(f64::INFINITY, random), 9);
        assert_eq!(one.zipfian(1000.0, random), 9);
    }

    proptest! {
        #[test]
        fn no_draw_leaves_the_interval(
            seed: u64, min: i64, span in 0i64..i64::MAX, p in 1e-9f64..700.0
        ) {
            let min = min.min(i64::MAX - span);
            let (interval, random) = (interval(min, min + span), &mut Generator::new(seed));
            let draws = [
                interval.uniform(random),
                interval.exponential(p, random),
                interval.gaussian(p.max(MIN_GAUSSIAN), random),
                interval.zipfian(p.max(1.1), random),
            ];
            for draw in draws {
                prop_assert!((min..=min + span).contains(&draw), "{}", draw);
            }
        }
    }
}
