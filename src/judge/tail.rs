//! The 99th percentile of a window, with how sure it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::observe::{Accounting, Lag, Latency, Phase};

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
        let (low, high) = decode(self.histogram)
            .filter(|histogram| !histogram.is_empty())
            .map_or((latency.p99, latency.p99), |histogram| interval(&histogram));
        Some(Tail {
            p99: latency.p99,
            low: low.min(latency.p99),
            high: high.max(latency.p99),
            lag: self.lag_p99(),
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
        let (low, high) = interval(&both);
        Some(Tail {
            p99: both.value_at_quantile(QUANTILE) as f64 / MICROSECONDS,
            low,
            high,
            lag: self.lag_p99().max(other.lag_p99()),
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    pub(super) p99: f64,
    /// Lower end of its 95 % interval.
    pub(super) low: f64,
    /// Upper end of its 95 % interval.
    pub(super) high: f64,
    /// The generator's own lateness in the same window, its 99th percentile.
    pub(super) lag: f64,
}

impl Tail {
    /// Half the interval's width over the value.
    pub(super) fn relative_noise(&self) -> f64 {
        match self.p99 > 0.0 {
            true => (self.high - self.low) / 2.0 / self.p99,
            false => 0.0,
        }
    }
}

fn decode(histogram: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(histogram).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

/// The quantile's 95 % interval by order statistics: the rank of the true quantile among `n` values
/// is binomial, whatever their distribution (Conover, Practical Nonparametric Statistics, §3.2).
fn interval(histogram: &Histogram<u64>) -> (f64, f64) {
    let n = histogram.len() as f64;
    let spread = DEVIATE * (QUANTILE * (1.0 - QUANTILE) / n).sqrt();
    let at =
        |quantile: f64| histogram.value_at_quantile(quantile.clamp(0.0, 1.0)) as f64 / MICROSECONDS;
    (at(QUANTILE - spread), at(QUANTILE + spread))
}
