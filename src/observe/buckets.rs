//! Log-linear buckets of durations: small enough to keep one set for every second of an hour.

use std::time::Duration;

/// Each power of two is cut into this many buckets, so that a bucket is at most 1/32 of its value
/// wide and its middle at most 1.6 % off.
const PER_OCTAVE_BITS: u32 = 5;
const PER_OCTAVE: u64 = 1 << PER_OCTAVE_BITS;

/// The longest duration told apart: 2^32 µs, a bit over an hour.
const HIGHEST_MICROS: u64 = (1 << 32) - 1;

/// The number of buckets.
pub const BUCKETS: usize = ((32 - PER_OCTAVE_BITS as usize) + 1) << PER_OCTAVE_BITS;

/// The bucket of a duration, below [`BUCKETS`].
pub fn bucket_of(duration: Duration) -> u16 {
    let micros = u64::try_from(duration.as_micros())
        .unwrap_or(u64::MAX)
        .min(HIGHEST_MICROS);
    if micros < PER_OCTAVE {
        return micros as u16;
    }
    let octave = 63 - micros.leading_zeros() - PER_OCTAVE_BITS;
    let offset = micros >> octave; // In PER_OCTAVE..2*PER_OCTAVE.
    (u64::from(octave) * PER_OCTAVE + offset) as u16
}

/// The middle of a bucket.
pub fn bucket_middle(bucket: u16) -> Duration {
    let bucket = u64::from(bucket);
    if bucket < 2 * PER_OCTAVE {
        return Duration::from_micros(bucket);
    }
    let octave = bucket / PER_OCTAVE - 1;
    let low = (PER_OCTAVE + bucket % PER_OCTAVE) << octave;
    Duration::from_micros(low + (1 << octave) / 2)
}

/// The duration that a share `quantile` (0 to 1) of the counts does not exceed. `counts` are
/// `(bucket, count)` in ascending order of buckets; none where they are all zero.
pub fn quantile(
    counts: impl Iterator<Item = (u16, u64)> + Clone,
    quantile: f64,
) -> Option<Duration> {
    let total: u64 = counts.clone().map(|(_, count)| count).sum();
    let wanted = ((total as f64 * quantile).ceil() as u64).clamp(1, total.max(1));
    let mut seen = 0;
    counts
        .filter(|&(_, count)| count > 0)
        .find(|&(_, count)| {
            seen += count;
            seen >= wanted
        })
        .map(|(bucket, _)| bucket_middle(bucket))
}

/// Counts of the buckets that occur, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SparseBuckets(Vec<(u16, u32)>);

impl SparseBuckets {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        self.add(bucket_of(duration), 1);
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        let Self(counts) = other;
        for &(bucket, count) in counts {
            self.add(bucket, count);
        }
    }

    /// The duration that a share `quantile` (0 to 1) does not exceed; none when nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let Self(counts) = self;
        quantile(
            counts
                .iter()
                .map(|&(bucket, count)| (bucket, u64::from(count))),
            share,
        )
    }

    fn add(&mut self, bucket: u16, count: u32) {
        let Self(counts) = self;
        match counts.binary_search_by_key(&bucket, |&(bucket, _)| bucket) {
            Ok(at) => {
                if let Some((_, own)) = counts.get_mut(at) {
                    *own = own.saturating_add(count);
                }
            }
            Err(at) => counts.insert(at, (bucket, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gaps() {
        let mut last = 0;
        for micros in 0..200_000 {
            let bucket = bucket_of(Duration::from_micros(micros));
            assert!(bucket == last || bucket == last + 1, "{micros} µs");
            last = bucket;
        }
        assert!(usize::from(bucket_of(Duration::MAX)) == BUCKETS - 1);
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_three_percent_off(micros in 0..=HIGHEST_MICROS) {
            let middle = bucket_middle(bucket_of(Duration::from_micros(micros))).as_micros() as f64;
            prop_assert!((middle - micros as f64).abs() <= 0.03 * micros as f64);
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(
            mut micros in prop::collection::vec(0u64..10_000_000, 1..300), share in 0.0..=1.0f64,
        ) {
            let mut buckets = SparseBuckets::default();
            for &us in &micros {
                buckets.record(Duration::from_micros(us));
            }
            micros.sort_unstable();
            let rank = ((micros.len() as f64 * share).ceil() as usize).clamp(1, micros.len());
            let exact = micros[rank - 1] as f64;
            let found = buckets.quantile(share).unwrap().as_micros() as f64;
            prop_assert!((found - exact).abs() <= 0.03 * exact, "{found} {exact}");
        }
    }
}
