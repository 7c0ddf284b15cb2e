//! When requests arrive, and of which kind: a sequence that follows from the seed alone, whoever
//! walks it.

use std::time::Duration;

use rand::distr::Distribution as _;
use rand::distr::weighted::WeightedIndex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::TrafficError;
use crate::scenario::plan::{Arrivals as Spacing, TrafficPlan};

/// One request to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// Its number in the sequence, from 0. Request `n` goes to instance `n mod instances`.
    pub serial: u64,
    /// When it is due, since the traffic's start.
    pub at: Duration,
    /// Its kind, as an index into the plan's transactions.
    pub transaction: usize,
    /// Decides the random numbers of its script.
    pub seed: u64,
}

/// The endless sequence of arrivals. Every walker draws all of it and skips what is not its own: an
/// arrival costs three random numbers, far less than a request.
#[derive(Debug, Clone)]
pub struct Arrivals {
    random: ChaCha8Rng,
    mix: WeightedIndex<u32>,
    spacing: Spacing,
    rate: f64,
    serial: u64,
    /// Of the last arrival, in seconds.
    elapsed: f64,
}

impl Arrivals {
    /// The arrivals of a plan. A rate of 0 has none.
    ///
    /// # Errors
    ///
    /// [`TrafficError::NoTransactions`] if there is no transaction, or none with a weight.
    pub fn new(plan: &TrafficPlan, seed: u64) -> Result<Self, TrafficError> {
        let weights = plan.transactions.iter().map(|kind| kind.weight);
        Ok(Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            mix: WeightedIndex::new(weights).map_err(|_| TrafficError::NoTransactions)?,
            spacing: plan.arrivals,
            rate: plan.rate.0,
            serial: 0,
            elapsed: 0.0,
        })
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let at = match self.spacing {
            // Equal gaps are multiplied, not added up, so that they never drift.
            Spacing::Uniform => (self.serial + 1) as f64 / self.rate,
            // 1 - u is in (0, 1], so the logarithm is finite.
            Spacing::Poisson => self.elapsed - (1.0 - self.random.random::<f64>()).ln() / self.rate,
        };
        self.elapsed = at;
        let arrival = Arrival {
            serial: self.serial,
            at: Duration::try_from_secs_f64(at).ok()?,
            transaction: self.mix.sample(&mut self.random),
            seed: self.random.random(),
        };
        self.serial += 1;
        Some(arrival)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pgbench::Script;
    use crate::scenario::plan::{Protocol, TransactionPlan};
    use crate::units::Rate;

    fn plan(rate: f64, arrivals: Spacing, weights: &[u32]) -> TrafficPlan {
        let transaction = |&weight: &u32| TransactionPlan {
            name: format!("weight-{weight}"),
            weight,
            file: None,
            script: Script::parse("inline", "SELECT 1;").unwrap(),
        };
        TrafficPlan {
            rate: Rate(rate),
            arrivals,
            protocol: Protocol::Prepared,
            transactions: weights.iter().map(transaction).collect(),
        }
    }

    proptest! {
        #[test]
        fn the_mean_rate_is_the_plans(seed: u64, rate in 1.0..10_000.0f64) {
            let arrivals = Arrivals::new(&plan(rate, Spacing::Poisson, &[1]), seed).unwrap();
            let last = arrivals.take(10_000).last().unwrap();
            // The sum of n exponential gaps is off by 1/sqrt(n) = 1 % (one standard deviation).
            let mean = 10_000.0 / last.at.as_secs_f64();
            prop_assert!((mean / rate - 1.0).abs() < 0.06, "{mean} for {rate}");
        }

        #[test]
        fn times_never_go_back(seed: u64, uniform: bool) {
            let spacing = if uniform { Spacing::Uniform } else { Spacing::Poisson };
            let arrivals = Arrivals::new(&plan(2_000.0, spacing, &[1]), seed).unwrap();
            let times: Vec<_> = arrivals.take(1_000).map(|arrival| arrival.at).collect();
            prop_assert!(times.is_sorted());
        }

        #[test]
        fn workers_together_send_what_one_would(
            seed: u64, instances in 1u64..12, workers in 1u64..5,
        ) {
            let plan = plan(500.0, Spacing::Poisson, &[3, 1]);
            let one: Vec<_> = Arrivals::new(&plan, seed).unwrap().take(500).collect();
            let mut together = Vec::new();
            for worker in 0..workers {
                together.extend(
                    Arrivals::new(&plan, seed)
                        .unwrap()
                        .take(500)
                        .filter(|arrival| arrival.serial % instances % workers == worker),
                );
            }
            together.sort_by_key(|arrival| arrival.serial);
            prop_assert_eq!(one, together);
        }
    }

    #[test]
    fn equal_gaps_do_not_drift() {
        let arrivals = Arrivals::new(&plan(3.0, Spacing::Uniform, &[1]), 7).unwrap();
        let last = arrivals.take(3_000_000).last().unwrap();
        assert_eq!(last.at, Duration::from_secs(1_000_000));
    }

    #[test]
    fn kinds_come_by_weight() {
        let arrivals = Arrivals::new(&plan(1.0, Spacing::Uniform, &[60, 0, 40]), 42).unwrap();
        let mut counts = [0; 3];
        for arrival in arrivals.take(10_000) {
            counts[arrival.transaction] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((5_800..6_200).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn a_rate_of_zero_has_no_arrivals() {
        for spacing in [Spacing::Uniform, Spacing::Poisson] {
            let arrivals = Arrivals::new(&plan(0.0, spacing, &[1]), 0).unwrap();
            assert_eq!(arrivals.take(1).count(), 0);
        }
    }

    #[test]
    fn traffic_without_weights_is_refused() {
        for weights in [&[][..], &[0, 0]] {
            let error = Arrivals::new(&plan(1.0, Spacing::Poisson, weights), 0).unwrap_err();
            assert!(matches!(error, TrafficError::NoTransactions));
        }
    }
}
