//! When requests arrive, and of which kind: a sequence that follows from the seed alone, whoever
//! walks it.

use std::time::Duration;

use rand::distr::Distribution as _;
use rand::distr::weighted::WeightedIndex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::TrafficError;
use super::roles::Roles;
use crate::scenario::plan::{
    Arrivals as Spacing, Load, OpenLoad, Role, Stretch, Stretches, TrafficPlan,
};

/// One request to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// Its number, from 0; no two requests have the same. In an open loop it is the place in its
    /// sequence, and request `n` goes to instance `n mod instances`; where the next release adds a
    /// sequence of its own, the two share one count once they are handed out.
    pub serial: u64,
    /// When it is due, since the traffic's start.
    pub at: Duration,
    /// Its kind, as an index into the plan's transactions.
    pub transaction: usize,
    /// Decides the random numbers of its script.
    pub seed: u64,
}

/// Draws the kinds of requests and the seeds of their scripts.
#[derive(Debug, Clone)]
pub(super) struct Draws {
    random: ChaCha8Rng,
    /// What comes due at an instance of the current release.
    current: WeightedIndex<u32>,
    /// What does at one of the next.
    next: WeightedIndex<u32>,
}

impl Draws {
    pub(super) fn new(roles: &Roles, seed: u64) -> Result<Self, TrafficError> {
        Ok(Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            current: mix(roles.current())?,
            next: mix(roles.next())?,
        })
    }

    /// Those of the kinds alone that come on top with the next release; none where there are none.
    fn added(&self, roles: &Roles) -> Option<Self> {
        let added = mix(roles.added()).ok()?;
        Some(Self {
            current: added.clone(),
            next: added,
            ..self.stream(1)
        })
    }

    /// One of many independent sequences of the same seed; these are number 0.
    pub(super) fn stream(&self, number: u64) -> Self {
        let mut stream = self.clone();
        stream.random.set_stream(number);
        stream
    }

    /// An exponential variable with a mean of 1.
    pub(super) fn gap(&mut self) -> f64 {
        // 1 - u is in (0, 1], so the logarithm is finite.
        -(1.0 - self.random.random::<f64>()).ln()
    }

    /// The next request, of an instance of this release.
    pub(super) fn arrival(&mut self, release: Role, serial: u64, at: Duration) -> Arrival {
        let mix = match release {
            Role::Current => &self.current,
            Role::Next => &self.next,
        };
        Arrival {
            serial,
            at,
            transaction: mix.sample(&mut self.random),
            seed: self.random.random(),
        }
    }
}

fn mix(weights: impl Iterator<Item = u32>) -> Result<WeightedIndex<u32>, TrafficError> {
    WeightedIndex::new(weights).map_err(|_| TrafficError::NoTransactions)
}

/// The endless sequence of arrivals of an open loop. Every walker draws all of it and skips what is not
/// its own: an arrival costs three random numbers, far less than a request.
#[derive(Debug, Clone)]
pub struct Arrivals {
    draws: Draws,
    spacing: Spacing,
    /// How many come for each that the load has due.
    share: f64,
    stretches: Stretches,
    /// The stretch that the last arrival is in; none where no more come.
    stretch: Option<Stretch>,
    /// Arrivals due in the stretches before it.
    before: f64,
    /// The last arrival's time if the rate were 1.
    due: f64,
    serial: u64,
    /// How many there are in all; none: without end.
    most: Option<u64>,
    last: Duration,
}

impl Arrivals {
    /// The arrivals of a plan's current release. A rate of 0 has none, nor has a closed loop.
    ///
    /// # Errors
    ///
    /// [`TrafficError::NoTransactions`] if there is no transaction, or none with a weight.
    pub fn new(plan: &TrafficPlan, seed: u64) -> Result<Self, TrafficError> {
        let draws = Draws::new(&Roles::of(&plan.transactions), seed)?;
        Ok(match &plan.load {
            Load::Open(open) => Self::of(open, draws, 1.0),
            Load::Closed(_) | Load::Replay(_) => Self::of(&OpenLoad::default(), draws, 1.0),
        })
    }

    /// The arrivals of an open loop: of the current release, and of what comes on top with the next one.
    /// They are two sequences, so that the first is the same whatever the next release brings.
    pub(super) fn by_release(load: &OpenLoad, draws: Draws, roles: &Roles) -> Vec<Self> {
        let added = draws.added(roles);
        let added = added.map(|draws| Self::of(load, draws, roles.added_share()));
        let current = Self::of(load, draws, 1.0);
        std::iter::once(current).chain(added).collect()
    }

    /// The arrivals of an open loop, `share` for each that it has due.
    fn of(load: &OpenLoad, draws: Draws, share: f64) -> Self {
        let mut stretches = load.stretches();
        Self {
            draws,
            spacing: load.arrivals,
            share,
            stretch: stretches.next(),
            stretches,
            before: 0.0,
            due: 0.0,
            serial: 0,
            most: load.transactions,
            last: Duration::ZERO,
        }
    }

    /// When so many arrivals are due. It looks no further back than the last call.
    fn moment(&mut self, due: f64) -> Option<f64> {
        loop {
            let stretch = self.stretch?;
            let until = self.before + stretch.due();
            if due <= until {
                return Some(stretch.moment(due - self.before));
            }
            self.before = until;
            self.stretch = self.stretches.next();
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        if self.most.is_some_and(|most| self.serial >= most) {
            return None;
        }
        self.due = match self.spacing {
            // Equal gaps are counted, not added up, so that they never drift.
            Spacing::Uniform => (self.serial + 1) as f64,
            Spacing::Poisson => self.due + self.draws.gap(),
        };
        let at = Duration::try_from_secs_f64(self.moment(self.due / self.share)?).ok()?;
        // Rounding must not let two of them change places.
        self.last = self.last.max(at);
        let arrival = self.draws.arrival(Role::Current, self.serial, self.last);
        self.serial += 1;
        Some(arrival)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pgbench::Script;
    use crate::scenario::plan::{Bursts, Curve, Ramp, Shape, TransactionPlan};
    use crate::units::Rate;

    fn plan(rate: f64, arrivals: Spacing, weights: &[u32]) -> TrafficPlan {
        plan_of(Load::steady(rate, arrivals), weights)
    }

    fn plan_of(load: Load, weights: &[u32]) -> TrafficPlan {
        let transaction = |&weight: &u32| TransactionPlan {
            name: format!("weight-{weight}"),
            weight,
            script: Script::parse("inline", "SELECT 1;").unwrap(),
            ..TransactionPlan::default()
        };
        TrafficPlan {
            load,
            transactions: weights.iter().map(transaction).collect(),
            ..TrafficPlan::default()
        }
    }

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn ramp() -> Shape {
        Shape::Ramp(Ramp {
            from: Rate(0.0),
            over: secs(7.0),
        })
    }

    fn curve() -> Shape {
        let text = "00:00,10\n04:00,2\n09:00,100\n12:00,60\n12:00,0\n13:00,0\n18:00,80\n";
        Shape::Curve(Curve::parse("day.csv", text).unwrap().lasting(secs(6.0)))
    }

    fn bursts() -> Bursts {
        Bursts {
            every: secs(2.3),
            length: secs(0.4),
            factor: 5.0,
        }
    }

    fn shaped(rate: f64, arrivals: Spacing, shape: Option<Shape>, bursts: Option<Bursts>) -> Load {
        Load::Open(OpenLoad {
            rate: Rate(rate),
            arrivals,
            shape,
            bursts,
            transactions: None,
        })
    }

    /// Every shape, with and without bursts.
    fn shapes(rate: f64, arrivals: Spacing) -> Vec<Load> {
        let mut loads = Vec::new();
        for shape in [None, Some(ramp()), Some(curve())] {
            for bursts in [None, Some(bursts())] {
                loads.push(shaped(rate, arrivals, shape.clone(), bursts));
            }
        }
        loads
    }

    fn any_load() -> impl Strategy<Value = Load> {
        let spacing = prop_oneof![Just(Spacing::Uniform), Just(Spacing::Poisson)];
        (0.5..5_000.0f64, spacing, 0usize..6)
            .prop_map(|(rate, spacing, which)| shapes(rate, spacing).swap_remove(which))
    }

    /// Arrivals in each half second of the first twenty seconds.
    fn counted(load: &Load, seed: u64) -> Vec<f64> {
        let mut counts = vec![0.0; 40];
        for arrival in Arrivals::new(&plan_of(load.clone(), &[1]), seed).unwrap() {
            let interval = (arrival.at.as_secs_f64() / 0.5) as usize;
            match counts.get_mut(interval) {
                Some(count) => *count += 1.0,
                None => return counts,
            }
        }
        panic!("arrivals end");
    }

    fn expected(load: &Load, interval: usize) -> f64 {
        let at = |interval: usize| secs(interval as f64 * 0.5);
        load.expected(at(interval), at(interval + 1)).unwrap()
    }

    #[test]
    fn equal_gaps_follow_every_shape_to_the_arrival() {
        for load in shapes(2_000.0, Spacing::Uniform) {
            let mut behind: f64 = 0.0;
            for (interval, count) in counted(&load, 0).into_iter().enumerate() {
                behind += expected(&load, interval) - count;
                // All so far are within one of what is due so far: nothing is lost or added.
                assert!(
                    (-1e-3..1.0 + 1e-3).contains(&behind),
                    "{load:?}, {interval}: {behind}"
                );
            }
        }
    }

    #[test]
    fn random_gaps_follow_every_shape_within_chance() {
        for (seed, load) in (0..).zip(shapes(2_000.0, Spacing::Poisson)) {
            for (interval, count) in counted(&load, seed).into_iter().enumerate() {
                let due = expected(&load, interval);
                // Six standard deviations of a Poisson variable; the seeds are fixed.
                let bound = 6.0 * due.sqrt() + 1e-6;
                assert!(
                    (count - due).abs() <= bound,
                    "{load:?}, {interval}: {count} of {due}"
                );
            }
        }
    }

    #[test]
    fn counts_vary_as_those_of_a_poisson_process() {
        let load = shaped(2_000.0, Spacing::Poisson, Some(curve()), Some(bursts()));
        let (mut sum, mut degrees) = (0.0, 0.0);
        for seed in 0..50 {
            for (interval, count) in counted(&load, seed).into_iter().enumerate() {
                let due = expected(&load, interval);
                if due > 10.0 {
                    sum += (count - due).powi(2) / due;
                    degrees += 1.0;
                }
            }
        }
        // A chi-square variable over its degrees of freedom, some 2,000: its mean is 1, its standard
        // deviation sqrt(2 / 2,000) = 0.03.
        assert!((sum / degrees - 1.0f64).abs() < 0.2, "{sum} / {degrees}");
    }

    #[test]
    fn curves_and_bursts_do_not_drift() {
        // 100 arrivals a lap of a second: number 100 n is due at the end of lap n.
        let curve = Curve::parse("up.csv", "0,50\n0.3,150\n1,78.57142857142857\n").unwrap();
        let rate = curve.peak().0;
        let load = shaped(rate, Spacing::Uniform, Some(Shape::Curve(curve)), None);
        let per_lap = load.expected(Duration::ZERO, secs(1.0)).unwrap();
        let laps = 20_000;
        let arrivals = Arrivals::new(&plan_of(load, &[1]), 0).unwrap();
        let number = (laps as f64 * per_lap).floor();
        let last = arrivals.take(number as usize).last().unwrap();
        let off = (laps as f64 - last.at.as_secs_f64()) * 78.6;
        assert!((-1e-4..1.0 + 1e-4).contains(&off), "{off} arrivals off");
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
        fn times_never_go_back(seed: u64, load in any_load()) {
            let arrivals = Arrivals::new(&plan_of(load, &[1]), seed).unwrap();
            let times: Vec<_> = arrivals.take(1_000).map(|arrival| arrival.at).collect();
            prop_assert_eq!(times.len(), 1_000);
            prop_assert!(times.is_sorted());
        }

        #[test]
        fn workers_together_send_what_one_would(
            seed: u64, instances in 1u64..12, workers in 1u64..5, load in any_load(),
        ) {
            let plan = plan_of(load, &[3, 1]);
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
    fn what_the_next_release_adds_leaves_the_current_ones_arrivals_alone() {
        let load = shaped(2_000.0, Spacing::Poisson, Some(ramp()), Some(bursts()));
        let Load::Open(open) = &load else {
            unreachable!("it has a rate")
        };
        let of = |role, replaces| TransactionPlan {
            role,
            replaces,
            weight: 30,
            ..TransactionPlan::default()
        };
        let before = [of(Role::Current, None), of(Role::Current, None)];
        let mut after = before.to_vec();
        after.extend([of(Role::Next, Some(0)), of(Role::Next, None)]);
        let arrivals = |kinds: &[TransactionPlan]| {
            let roles = Roles::of(kinds);
            Arrivals::by_release(open, Draws::new(&roles, 3).unwrap(), &roles)
        };
        let (alone, both) = (arrivals(&before), arrivals(&after));
        let [alone] = &alone[..] else {
            unreachable!("nothing is added")
        };
        let [current, added] = &both[..] else {
            unreachable!("something is added")
        };
        assert!(alone.clone().take(5_000).eq(current.clone().take(5_000)));
        // One on top for every two.
        let until = secs(20.0);
        let due = |arrivals: &Arrivals| arrivals.clone().take_while(|one| one.at < until).count();
        let (current, share) = (due(current), due(added) as f64 / due(current) as f64);
        // The counts are off by a part of 1/sqrt(n) each (one standard deviation).
        assert!(current > 10_000 && (share - 0.5).abs() < 0.03, "{share}");
        assert!(added.clone().take(100).all(|one| one.transaction == 3));
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
