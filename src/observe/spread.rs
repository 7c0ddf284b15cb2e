//! How the latencies of one second are spread, small enough for a report to keep it of every second.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::buckets::{BUCKETS, SparseBuckets, bucket_start};

/// So many buckets of a second's tally make one of a report's: an eighth of an octave, 9 % of its value wide.
const JOINED: u16 = 4;

/// Latencies of the requests due in one second, counted in buckets an eighth of an octave wide.
///
/// In reports it is base64 of pairs of LEB128 numbers, one pair for each bucket that occurs: how far it is
/// from the one before, and its count. A hundred latencies of 0.2 to 20 ms take some 140 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread(Vec<(u16, u32)>);

impl Spread {
    /// What a second's tally counted.
    pub(super) fn of(latencies: &SparseBuckets) -> Self {
        let mut spread = Self::default();
        for (bucket, count) in latencies.iter() {
            spread.add(bucket / JOINED, count);
        }
        spread
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many latencies were counted.
    pub fn count(&self) -> f64 {
        self.0.iter().map(|(_, count)| f64::from(*count)).sum()
    }

    /// How many of them were longer than a threshold; of the bucket that it lies in the part beyond it, as
    /// if its latencies were spread evenly.
    pub fn above(&self, threshold: Duration) -> f64 {
        let threshold = threshold.as_secs_f64();
        let counts = self.0.iter().map(|&(bucket, count)| {
            let start = bucket_start(bucket * JOINED).as_secs_f64();
            let end = bucket_start((bucket + 1) * JOINED).as_secs_f64();
            f64::from(count) * ((end - threshold) / (end - start)).clamp(0.0, 1.0)
        });
        counts.sum()
    }

    /// In ascending order of buckets.
    fn add(&mut self, bucket: u16, count: u32) {
        match self.0.last_mut() {
            Some((last, counted)) if *last == bucket => *counted = counted.saturating_add(count),
            _ => self.0.push((bucket, count)),
        }
    }

    fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(2 * self.0.len());
        let mut last = 0;
        for &(bucket, count) in &self.0 {
            write_number(&mut bytes, u32::from(bucket - last));
            write_number(&mut bytes, count);
            last = bucket;
        }
        BASE64.encode(bytes)
    }

    /// None where the text is no such list.
    fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let mut rest = bytes.as_slice();
        let mut spread = Self::default();
        let mut bucket = 0_u32;
        while !rest.is_empty() {
            bucket = bucket.checked_add(read_number(&mut rest)?)?;
            let known = u16::try_from(bucket).ok()?;
            let count = read_number(&mut rest)?;
            (usize::from(known) < BUCKETS / usize::from(JOINED)).then_some(())?;
            spread.add(known, count);
        }
        Some(spread)
    }
}

/// LEB128: seven bits a byte, the lowest first; the eighth says that more follow.
fn write_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for place in 0..5 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.encode())
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let error = "this is not a second's latencies (base64 of buckets and counts)";
        Self::decode(&text).ok_or_else(|| serde::de::Error::custom(error))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(micros: &[u64]) -> Spread {
        let mut buckets = SparseBuckets::default();
        for &us in micros {
            buckets.record(Duration::from_micros(us));
        }
        Spread::of(&buckets)
    }

    #[test]
    fn text_that_is_none_is_refused() {
        for text in ["\"no base64!\"", "\"gA\"", "\"/////w8B\"", "\"AQ\"", "7"] {
            assert!(serde_json::from_str::<Spread>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_second_of_a_hundred_takes_little_room() {
        let micros: Vec<u64> = (0..100).map(|n| 200 + n * n * 2).collect();
        assert!(of(&micros).encode().len() < 160);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(micros in prop::collection::vec(0u64..5_000_000_000, 0..200)) {
            let spread = of(&micros);
            let text = serde_json::to_string(&spread).unwrap();
            prop_assert_eq!(serde_json::from_str::<Spread>(&text).unwrap(), spread);
        }

        #[test]
        fn those_above_are_counted_within_a_bucket(
            micros in prop::collection::vec(0u64..10_000_000, 0..200), threshold in 1u64..10_000_000,
        ) {
            let spread = of(&micros);
            prop_assert_eq!(spread.count(), micros.len() as f64);
            let above = spread.above(Duration::from_micros(threshold));
            let beyond = |factor: f64| {
                micros.iter().filter(|us| **us as f64 > threshold as f64 * factor).count() as f64
            };
            // The small buckets are four microseconds wide whatever their value.
            prop_assert!(above <= beyond(0.87 - 4.0 / threshold as f64) + 1e-9, "{above}");
            prop_assert!(above >= beyond(1.13 + 4.0 / threshold as f64) - 1e-9, "{above}");
        }
    }
}
