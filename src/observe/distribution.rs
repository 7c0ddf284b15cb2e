//! A distribution of durations: an HdrHistogram of microseconds with fixed bounds.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

use super::{Lag, Latency};

/// The longest duration told apart: an hour, in microseconds.
const HIGHEST_MICROS: u64 = 3_600_000_000;

/// Why a stored histogram could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a histogram of a report (HdrHistogram V2, deflated, base64): {0}")]
pub struct HistogramError(String);

/// How durations are distributed, from 1 µs to 1 h. The bounds never move, because a histogram
/// that grows while it measures skews what it measures: what is longer counts as an hour and is
/// counted apart ([`Distribution::overflowed`]). It takes memory from its first record on.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    histogram: Option<Histogram<u32>>,
    digits: u8,
    overflowed: u64,
}

impl Distribution {
    /// An empty distribution with three significant digits, about 90 kB once it is used.
    pub fn fine() -> Self {
        Self::with_digits(3)
    }

    /// An empty distribution with two significant digits, about 13 kB once it is used.
    pub fn coarse() -> Self {
        Self::with_digits(2)
    }

    fn with_digits(digits: u8) -> Self {
        Self {
            histogram: None,
            digits,
            overflowed: 0,
        }
    }

    /// Counts one duration, rounded to the microsecond.
    pub fn record(&mut self, duration: Duration) {
        let micros =
            u64::try_from(duration.as_nanos().saturating_add(500) / 1_000).unwrap_or(u64::MAX);
        self.overflowed += u64::from(micros > HIGHEST_MICROS);
        let digits = self.digits;
        self.histogram
            .get_or_insert_with(|| empty_histogram(digits))
            .saturating_record(micros.min(HIGHEST_MICROS));
    }

    /// Adds what another distribution of the same precision counted.
    #[expect(
        clippy::expect_used,
        reason = "adding fails only where a value does not fit, and all values are at most an hour"
    )]
    pub fn merge(&mut self, other: &Self) {
        let Self {
            histogram,
            digits: _,
            overflowed,
        } = other;
        self.overflowed += overflowed;
        let Some(histogram) = histogram else { return };
        match &mut self.histogram {
            Some(own) => own.add(histogram).expect("the bounds are equal"),
            None => self.histogram = Some(histogram.clone()),
        }
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// Bytes that the counts take.
    pub(super) fn heap_bytes(&self) -> usize {
        self.histogram
            .as_ref()
            .map_or(0, |counts| counts.distinct_values() * size_of::<u32>())
    }

    /// How many of them were longer than an hour, and counted as one.
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// The duration that a share `quantile` (0 to 1) does not exceed; none when nothing was counted.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        self.counted()
            .map(|histogram| Duration::from_micros(histogram.value_at_quantile(quantile)))
    }

    /// The longest duration; none when nothing was counted.
    pub fn max(&self) -> Option<Duration> {
        self.counted()
            .map(|histogram| Duration::from_micros(histogram.max()))
    }

    /// The standard deviation, in seconds; none when nothing was counted.
    pub fn deviation(&self) -> Option<f64> {
        self.counted().map(|histogram| histogram.stdev() / 1e6)
    }

    /// What every duration has beyond `threshold`, summed, in seconds.
    pub fn excess_over(&self, threshold: Duration) -> f64 {
        let Some(histogram) = self.counted() else {
            return 0.0;
        };
        let threshold = threshold.as_secs_f64();
        histogram
            .iter_recorded()
            .map(|step| {
                let value = histogram.median_equivalent(step.value_iterated_to());
                let excess = (value as f64 / 1e6 - threshold).max(0.0);
                excess * step.count_since_last_iteration() as f64
            })
            .sum()
    }

    /// As a report's latency; none when nothing was counted.
    pub fn latency(&self) -> Option<Latency> {
        let histogram = self.counted()?;
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
        Some(Latency {
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 / 1e6,
            mean: histogram.mean() / 1e6,
        })
    }

    /// As a report's lag; none when nothing was counted.
    pub fn lag(&self) -> Option<Lag> {
        let histogram = self.counted()?;
        Some(Lag {
            p50: histogram.value_at_quantile(0.5) as f64 / 1e6,
            p99: histogram.value_at_quantile(0.99) as f64 / 1e6,
            max: histogram.max() as f64 / 1e6,
            mean: histogram.mean() / 1e6,
        })
    }

    /// As reports keep it: HdrHistogram V2, deflated, base64.
    #[expect(
        clippy::expect_used,
        reason = "a Vec takes every write, and 32-bit counts fit the format's 64 bits"
    )]
    pub fn encode(&self) -> String {
        let empty;
        let histogram = match &self.histogram {
            Some(histogram) => histogram,
            None => {
                empty = empty_histogram(self.digits);
                &empty
            }
        };
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .expect("a histogram is written to memory");
        BASE64.encode(bytes)
    }

    /// Reads what [`Distribution::encode`] wrote. How many overflowed is not kept in it.
    pub fn decode(text: &str) -> Result<Self, HistogramError> {
        let bytes = BASE64
            .decode(text)
            .map_err(|error| HistogramError(error.to_string()))?;
        let histogram: Histogram<u32> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| HistogramError(error.to_string()))?;
        Ok(Self {
            digits: histogram.sigfig(),
            histogram: Some(histogram),
            overflowed: 0,
        })
    }

    fn counted(&self) -> Option<&Histogram<u32>> {
        self.histogram
            .as_ref()
            .filter(|histogram| !histogram.is_empty())
    }
}

#[expect(
    clippy::expect_used,
    reason = "the bounds are constants that HdrHistogram accepts, and digits is 2 or 3"
)]
fn empty_histogram(digits: u8) -> Histogram<u32> {
    Histogram::new_with_bounds(1, HIGHEST_MICROS, digits).expect("the bounds are valid")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(durations: &[Duration]) -> Distribution {
        let mut distribution = Distribution::fine();
        for &duration in durations {
            distribution.record(duration);
        }
        distribution
    }

    #[test]
    fn what_is_longer_than_an_hour_saturates_and_is_counted() {
        let long = of(&[Duration::from_secs(10_000), Duration::from_secs(1)]);
        assert_eq!(long.overflowed(), 1);
        assert_eq!(long.count(), 2);
        let max = long.max().unwrap().as_secs_f64();
        assert!((max - 3_600.0).abs() < 3.6, "{max}");
    }

    #[test]
    fn nothing_counted_has_no_percentiles_but_can_be_written() {
        let empty = Distribution::fine();
        assert_eq!(empty.latency(), None);
        assert_eq!(empty.lag(), None);
        assert_eq!(empty.quantile(0.99), None);
        assert_eq!(Distribution::decode(&empty.encode()).unwrap().count(), 0);
    }

    #[test]
    fn excess_counts_only_what_is_beyond() {
        let distribution = of(&[
            Duration::from_millis(10),
            Duration::from_millis(1_100),
            Duration::from_millis(2_100),
        ]);
        let excess = distribution.excess_over(Duration::from_millis(100));
        assert!((excess - 3.0).abs() < 0.01, "{excess}");
    }

    #[test]
    fn text_that_is_no_histogram_is_refused() {
        assert!(Distribution::decode("no base64!").is_err());
        assert!(Distribution::decode("aGVsbG8=").is_err());
    }

    proptest! {
        #[test]
        fn quantiles_are_within_a_thousandth(micros in prop::collection::vec(1u64..HIGHEST_MICROS, 1..200)) {
            let durations: Vec<_> = micros.iter().map(|&us| Duration::from_micros(us)).collect();
            let latency = of(&durations).latency().unwrap();
            let longest = *micros.iter().max().unwrap() as f64 / 1e6;
            prop_assert!((latency.max - longest).abs() <= longest / 1_000.0);
            prop_assert!(latency.p50 <= latency.p90 && latency.p90 <= latency.p95);
            prop_assert!(latency.p95 <= latency.p99 && latency.p99 <= latency.p999);
            prop_assert!(latency.p999 <= latency.max);
        }

        #[test]
        fn what_was_written_is_read_back(micros in prop::collection::vec(0u64..HIGHEST_MICROS, 0..100)) {
            let durations: Vec<_> = micros.iter().map(|&us| Duration::from_micros(us)).collect();
            let written = of(&durations);
            let read = Distribution::decode(&written.encode()).unwrap();
            prop_assert_eq!(read.latency(), written.latency());
        }
    }
}
