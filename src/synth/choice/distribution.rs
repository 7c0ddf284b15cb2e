//! Which of many things is chosen: the distributions of scenarios and of `\pick`.

use std::str::FromStr;

use rand_distr::{Distribution as _, StandardNormal, Zipf};

use super::random;

/// How rows of a table, values of a range or of a list are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Distribution {
    /// All equally often.
    #[default]
    Uniform,
    /// The `k`-th most frequent is chosen in proportion to `1 / k^s`.
    Zipf(f64),
    /// The normal distribution, cut off at both ends. Of rows and lists, mean and deviation are
    /// shares of the whole (`normal(0.5, 0.1)`); of a `range`, they are in the column's own unit.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        deviation: f64,
    },
    /// Falls exponentially from the first to the last, by a factor of `e^rate` in all, as
    /// `random_exponential` of pgbench.
    Exponential(f64),
    /// One after the other, and from the beginning again.
    Sequence,
}

/// A distribution that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a distribution: write uniform, zipf(s) with s > 0, normal(mean, sd) with sd > 0, \
     exponential(rate) with rate > 0, or sequence"
)]
pub struct DistributionError(pub String);

/// A normal distribution over rows or values whose mean is no share of them.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the mean of `normal({0}, …)` must be between 0 and 1 here: a share of the rows or values")]
pub struct MeanError(pub f64);

impl FromStr for Distribution {
    type Err = DistributionError;

    fn from_str(text: &str) -> Result<Self, DistributionError> {
        let wrong = || DistributionError(text.to_owned());
        let (name, arguments) = match text.trim().split_once('(') {
            Some((name, rest)) => (name.trim(), rest.strip_suffix(')').ok_or_else(wrong)?),
            None => (text.trim(), ""),
        };
        let numbers = arguments
            .split(',')
            .filter(|argument| !arguments.is_empty() || !argument.is_empty())
            .map(|argument| argument.trim().parse::<f64>().map_err(|_| wrong()))
            .collect::<Result<Vec<f64>, _>>()?;
        let positive = |number: &f64| *number > 0.0 && number.is_finite();
        match (name, numbers.as_slice()) {
            ("uniform", []) => Ok(Self::Uniform),
            ("sequence", []) => Ok(Self::Sequence),
            ("zipf", [s]) if positive(s) => Ok(Self::Zipf(*s)),
            ("exponential", [rate]) if positive(rate) => Ok(Self::Exponential(*rate)),
            ("normal", [mean, deviation]) if mean.is_finite() && positive(deviation) => {
                Ok(Self::Normal {
                    mean: *mean,
                    deviation: *deviation,
                })
            }
            _ => Err(wrong()),
        }
    }
}

impl Distribution {
    /// The same distribution with a mean given in the unit of a range turned into a share of it.
    pub(crate) fn within(self, low: f64, width: f64) -> Self {
        match self {
            Self::Normal { mean, deviation } if width > 0.0 => Self::Normal {
                mean: (mean - low) / width,
                deviation: deviation / width,
            },
            other => other,
        }
    }

    /// The same distribution, if its mean is a share of the whole.
    pub(crate) fn of_shares(self) -> Result<Self, MeanError> {
        match self {
            Self::Normal { mean, .. } if !(0.0..=1.0).contains(&mean) => Err(MeanError(mean)),
            other => Ok(other),
        }
    }

    /// Whether its frequent ones should be scattered over a table rather than lie side by side.
    pub(crate) fn is_ranked(self) -> bool {
        matches!(self, Self::Zipf(_) | Self::Exponential(_))
    }
}

/// Chooses one of `0..count` by a distribution.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    distribution: Distribution,
    count: u64,
    zipf: Option<Zipf<f64>>,
}

/// Draws of a normal distribution outside the range that are repeated before the nearest end is taken.
const NORMAL_DRAWS: u32 = 32;

impl Sampler {
    pub(crate) fn new(distribution: Distribution, count: u64) -> Self {
        let zipf = match distribution {
            Distribution::Zipf(s) => Zipf::new(count.max(1) as f64, s).ok(),
            _ => None,
        };
        Self {
            distribution,
            count,
            zipf,
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The choice for random bits; `serial` is what a sequence goes by. Below `count`, or 0.
    pub(crate) fn sample(&self, serial: u64, bits: u64) -> u64 {
        match self.distribution {
            Distribution::Uniform => random::below(bits, self.count),
            Distribution::Sequence => serial.checked_rem(self.count).unwrap_or(0),
            Distribution::Zipf(_) => {
                let rank = self
                    .zipf
                    .map_or(1.0, |zipf| zipf.sample(&mut random::Sequence(bits)));
                self.clamp(rank - 1.0)
            }
            Distribution::Normal { mean, deviation } => {
                self.clamp(normal(mean, deviation, &mut random::Sequence(bits)) * self.count as f64)
            }
            Distribution::Exponential(rate) => {
                let cut = (-rate).exp();
                let share = -(1.0 - random::unit(bits) * (1.0 - cut)).ln() / rate;
                self.clamp(share * self.count as f64)
            }
        }
    }

    fn clamp(&self, place: f64) -> u64 {
        // The cast saturates at 0.
        (place as u64).min(self.count.saturating_sub(1))
    }
}

fn normal(mean: f64, deviation: f64, sequence: &mut random::Sequence) -> f64 {
    let mut draw = || {
        let standard: f64 = StandardNormal.sample(sequence);
        mean + deviation * standard
    };
    let mut share = draw();
    for _ in 1..NORMAL_DRAWS {
        if (0.0..1.0).contains(&share) {
            break;
        }
        share = draw();
    }
    share.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn distributions_are_read() {
        for (text, distribution) in [
            ("uniform", Distribution::Uniform),
            ("sequence", Distribution::Sequence),
            ("zipf(1.1)", Distribution::Zipf(1.1)),
            ("exponential( 5 )", Distribution::Exponential(5.0)),
            (
                "normal(0.5, 0.1)",
                Distribution::Normal {
                    mean: 0.5,
                    deviation: 0.1,
                },
            ),
        ] {
            assert_eq!(text.parse(), Ok(distribution), "{text}");
        }
        for text in [
            "",
            "zipf",
            "zipf()",
            "zipf(0)",
            "zipf(1",
            "zipf(nan)",
            "normal(1)",
            "uniform(1)",
            "poisson(3)",
        ] {
            assert!(text.parse::<Distribution>().is_err(), "{text}");
        }
    }

    fn shares(distribution: Distribution, count: u64) -> Vec<f64> {
        let sampler = Sampler::new(distribution, count);
        let mut chosen = vec![0u32; usize::try_from(count).unwrap()];
        for row in 0..100_000 {
            chosen[usize::try_from(sampler.sample(row, random::bits(3, row))).unwrap()] += 1;
        }
        chosen
            .into_iter()
            .map(|n| f64::from(n) / 100_000.0)
            .collect()
    }

    #[test]
    fn frequencies_are_as_the_distribution_says() {
        for share in shares(Distribution::Uniform, 10) {
            assert!((share - 0.1).abs() < 0.01, "{share}");
        }
        let zipf = shares(Distribution::Zipf(1.0), 10);
        let harmonic: f64 = (1..=10).map(|k| 1.0 / f64::from(k)).sum();
        assert!((zipf[0] - 1.0 / harmonic).abs() < 0.01, "{zipf:?}");
        assert!((zipf[0] / zipf[4] - 5.0).abs() < 0.4, "{zipf:?}");
        let falling = shares(Distribution::Exponential(9.0), 10);
        assert!(
            (falling[0] / falling[1] - 0.9f64.exp()).abs() < 0.2,
            "{falling:?}"
        );
        let normal = shares(
            Distribution::Normal {
                mean: 0.5,
                deviation: 0.1,
            },
            10,
        );
        assert!(
            normal[4] + normal[5] > 0.6 && normal[0] < 0.001,
            "{normal:?}"
        );
    }

    proptest! {
        #[test]
        fn samples_are_below_the_count(bits: u64, serial: u64, count in 1u64.., which in 0..5usize) {
            let distribution = [
                Distribution::Uniform,
                Distribution::Sequence,
                Distribution::Zipf(1.2),
                Distribution::Exponential(3.0),
                Distribution::Normal { mean: 2.0, deviation: 0.1 },
            ][which];
            prop_assert!(Sampler::new(distribution, count).sample(serial, bits) < count);
        }

        #[test]
        fn reading_never_panics(text in ".{0,20}") {
            let _ = text.parse::<Distribution>();
        }
    }
}
