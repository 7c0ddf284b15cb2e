//! The 99th percentile of a window, with how sure it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::observe::{Accounting, Lag, Latency, Phase};

use super::interval::{DEVIATES, Estimate};

/// Fewer requests than this have no 99th percentile: it would be their maximum.
pub(super) const FEWEST: u64 = 100;

/// The quantile judged.
const QUANTILE: f64 = 0.99;

/// The normal deviate of a two-sided 95 % interval.
const DEVIATE: f64 = 1.96;

const MICROSECONDS: f64 = 1e6;

/// What one kind of transaction, or all, experienced in one phase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'a> {
    /// Where the requests went.
    pub(super) accounting: Accounting,
    latency: Option<Latency>,
    lag: Option<Lag>,
    histogram: &'a str,
}

impl<'a> Sample<'a> {
    /// Of one kind of transaction, or of all where `kind` is none; none where the phase lacks it.
    pub(super) fn of(phase: &'a Phase, kind: Option<&str>) -> Option<Self> {
        let Some(kind) = kind else {
            return Some(Self {
                accounting: phase.accounting,
                latency: phase.latency,
                lag: phase.lag,
                histogram: &phase.histogram,
            });
        };
        let found = phase.transactions.iter().find(|found| found.name == kind)?;
        Some(Self {
            accounting: found.accounting,
            latency: found.latency,
            lag: found.lag,
            histogram: &found.histogram,
        })
    }

    /// Requests whose end was seen.
    pub(super) fn ended(&self) -> u64 {
        ended(&self.accounting)
    }

    /// The 99th percentile; none below [`FEWEST`] requests.
    pub(super) fn tail(&self) -> Option<Tail> {
        let latency = self.latency.filter(|_| self.ended() >= FEWEST)?;
        Some(Tail {
            p99: latency.p99,
            lag: self.lag_p99(),
            histogram: decode(self.histogram).filter(|histogram| !histogram.is_empty()),
        })
    }

    /// The 99th percentile of two windows taken as one; none below [`FEWEST`] requests in both
    /// together or where a histogram cannot be read.
    pub(super) fn pooled_tail(&self, other: &Self) -> Option<Tail> {
        if self.ended() + other.ended() < FEWEST {
            return None;
        }
        let mut both = decode(self.histogram)?;
        both.add(decode(other.histogram)?).ok()?;
        Some(Tail {
            p99: both.value_at_quantile(QUANTILE) as f64 / MICROSECONDS,
            lag: self.lag_p99().max(other.lag_p99()),
            histogram: Some(both),
        })
    }

    fn lag_p99(&self) -> f64 {
        self.lag.map_or(0.0, |lag| lag.p99)
    }
}

/// Requests whose end was seen.
pub(super) fn ended(accounting: &Accounting) -> u64 {
    accounting.scheduled.saturating_sub(accounting.unfinished)
}

/// A 99th percentile, in seconds.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    pub(super) p99: f64,
    /// The generator's own lateness in the same window, its 99th percentile.
    pub(super) lag: f64,
    /// All latencies, in microseconds; none where they cannot be read.
    histogram: Option<Histogram<u64>>,
}

impl Tail {
    /// Half the width of the 95 % interval over the value, were all requests independent.
    pub(super) fn relative_noise(&self) -> f64 {
        let (low, high) = self.interval(DEVIATE, 1.0);
        match self.p99 > 0.0 {
            true => (high - low) / 2.0 / self.p99,
            false => 0.0,
        }
    }

    /// With the interval that decides; `effect` says of how many requests one counts, since those of a
    /// moment are not independent of each other.
    pub(super) fn estimate(&self, effect: f64) -> Estimate {
        let (low, high) = self.interval(DEVIATES, effect);
        Estimate {
            value: self.p99,
            low,
            high,
        }
    }

    /// The quantile's interval by order statistics: the rank of the true quantile among `n` values is
    /// binomial, whatever their distribution (Conover, Practical Nonparametric Statistics, §3.2), and
    /// where values hang together it is spread as if there were fewer (Woodruff, JASA 47, 1952).
    fn interval(&self, deviates: f64, effect: f64) -> (f64, f64) {
        let Some(histogram) = &self.histogram else {
            return (self.p99, self.p99);
        };
        let n = histogram.len() as f64 / effect;
        let spread = deviates * (QUANTILE * (1.0 - QUANTILE) / n).sqrt();
        let at = |quantile: f64| {
            histogram.value_at_quantile(quantile.clamp(0.0, 1.0)) as f64 / MICROSECONDS
        };
        (
            at(QUANTILE - spread).min(self.p99),
            at(QUANTILE + spread).max(self.p99),
        )
    }
}

fn decode(histogram: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(histogram).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}
