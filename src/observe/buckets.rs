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

/// Where a bucket begins; of [`BUCKETS`] where the last one ends.
pub fn bucket_start(bucket: u16) -> Duration {
    let bucket = u64::from(bucket);
    if bucket < 2 * PER_OCTAVE {
        return Duration::from_micros(bucket);
    }
    let octave = bucket / PER_OCTAVE - 1;
    Duration::from_micros((PER_OCTAVE + bucket % PER_OCTAVE) << octave)
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

/// Counts of the buckets that occur, in ascending order: four bytes each, the bucket in the upper ten
/// bits and its count in the others. A count stays at [`SparseBuckets::MOST`] once it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SparseBuckets(Vec<u32>);

const COUNT_BITS: u32 = 22;
const _: () = assert!(
    BUCKETS <= 1 << (u32::BITS - COUNT_BITS),
    "every bucket has a place"
);

impl SparseBuckets {
    /// The largest count of one bucket: four million requests in a second are more than any server
    /// answers.
    pub const MOST: u32 = (1 << COUNT_BITS) - 1;

    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        self.add(bucket_of(duration), 1);
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        let Self(counts) = other;
        for &entry in counts {
            let (bucket, count) = unpacked(entry);
            self.add(bucket, count);
        }
    }

    /// Each bucket that occurs and its count, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        self.0.iter().map(|&entry| unpacked(entry))
    }

    /// Gives back the room that no count needs.
    pub fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Bytes that the counts take.
    pub fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<u32>()
    }

    /// The duration that a share `quantile` (0 to 1) does not exceed; none when nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let Self(counts) = self;
        let counts = counts.iter().map(|&entry| {
            let (bucket, count) = unpacked(entry);
            (bucket, u64::from(count))
        });
        quantile(counts, share)
    }

    fn add(&mut self, bucket: u16, count: u32) {
        let Self(counts) = self;
        match counts.binary_search_by_key(&bucket, |&entry| unpacked(entry).0) {
            Ok(at) => {
                if let Some(entry) = counts.get_mut(at) {
                    *entry = packed(bucket, unpacked(*entry).1.saturating_add(count));
                }
            }
            Err(at) => counts.insert(at, packed(bucket, count)),
        }
    }
}

fn packed(bucket: u16, count: u32) -> u32 {
    u32::from(bucket) << COUNT_BITS | count.min(SparseBuckets::MOST)
}

fn unpacked(entry: u32) -> (u16, u32) {
    ((entry >> COUNT_BITS) as u16, entry & SparseBuckets::MOST)
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

    #[test]
    fn a_bucket_begins_with_the_first_duration_that_is_in_it() {
        for bucket in 1..BUCKETS as u16 {
            let start = bucket_start(bucket);
            assert_eq!(bucket_of(start), bucket);
            assert_eq!(bucket_of(start - Duration::from_micros(1)), bucket - 1);
        }
    }

    #[test]
    fn a_full_count_stays_full() {
        let mut full = SparseBuckets(vec![packed(7, SparseBuckets::MOST)]);
        full.merge(&full.clone());
        full.record(Duration::from_micros(8));
        assert_eq!(full.0, [packed(7, SparseBuckets::MOST), packed(8, 1)]);
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
