//! How far a measured value may be from what another run of the same scenario would measure, and what that
//! leaves undecided.

use super::Finding;

/// Half the width of the intervals that decide, in standard errors: one value in 100 lies outside. Not the
/// usual 1.96: a report holds a dozen findings, a team runs it twenty times, and one finding in twenty that
/// is decided by chance would be the coin toss that an interval is there to prevent.
pub(super) const DEVIATES: f64 = 2.576;

/// How much the length of one and the same wait differs between runs beside what can be computed from one
/// of them: how fast the machine is at that moment, what the cache holds, where a checkpoint falls. On a
/// machine with nothing else to do the lock of `scenarios/foreign-key` was held for 4.5 to 5.2 s, 7 % around their
/// middle; a limit is held against a value only where it is further away than this part of it. Where neighbours
/// take the processors, runs differ by more, and it takes a clearer limit.
const GUARD: f64 = 0.1;

/// A value up to this part of the smallest limit that may be meant passes however few requests it rests on: a
/// window with too few of them for a p99 is not judged at all, and one stray request among a hundred shall
/// not make the evidence doubtful.
const CLEARLY: f64 = 2.0 / 3.0;

/// A quantity with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Estimate {
    /// A length of time that was seen with an error of at most so much, as another run may see it.
    pub(super) fn of_length(value: f64, error: f64) -> Self {
        Self {
            value,
            low: (value - error).max(0.0) / (1.0 + GUARD),
            high: (value + error) * (1.0 + GUARD),
        }
    }

    /// A share of independent requests: Wilson's score interval, which is sound for few and for none
    /// (Wilson, Probable inference, JASA 22, 1927). `effect` says of how many requests one counts, where
    /// they are not independent (Kish, Survey Sampling, 1965, §8.2).
    pub(super) fn of_share(counted: f64, total: f64, effect: f64) -> Self {
        let n = (total / effect).max(1.0);
        let share = (counted / total.max(1.0)).clamp(0.0, 1.0);
        let squared = DEVIATES * DEVIATES;
        let middle = share + squared / (2.0 * n);
        let half = DEVIATES * (share * (1.0 - share) / n + squared / (4.0 * n * n)).sqrt();
        let end = |value: f64| (value / (1.0 + squared / n)).clamp(0.0, 1.0);
        Self {
            value: share,
            low: end(middle - half).min(share),
            high: end(middle + half).max(share),
        }
    }

    /// What this is more than the other, never below zero: the interval of a difference from those of its
    /// parts (Newcombe, Interval estimation for the difference between independent proportions, Statistics
    /// in Medicine 17, 1998, method 10).
    pub(super) fn beyond(&self, other: &Self) -> Self {
        let difference = self.value - other.value;
        let down = (self.value - self.low).hypot(other.high - other.value);
        let up = (self.high - self.value).hypot(other.value - other.low);
        Self {
            value: difference.max(0.0),
            low: (difference - down).max(0.0),
            high: (difference + up).max(0.0),
        }
    }

    /// This as it must be held against a limit that is itself measured: all its own uncertainty, the
    /// limit's, and that from run to run, combined as relative errors (Zou and Donner, Construction of
    /// confidence limits about effect measures, Statistics in Medicine 27, 2008).
    pub(super) fn against(&self, limit: &Self) -> Self {
        let error = |from: f64, to: f64| (to / from).ln().max(0.0);
        let guard = (1.0 + GUARD).ln();
        let down = error(self.low, self.value)
            .hypot(error(limit.value, limit.high))
            .hypot(guard);
        let up = error(self.value, self.high)
            .hypot(error(limit.low, limit.value))
            .hypot(guard);
        Self {
            value: self.value,
            low: self.value * (-down).exp(),
            high: self.value * up.exp(),
        }
    }
}

/// Keeps an estimate's interval in a finding, and whether the limit lies within it. `least` is the smallest
/// that the limit may be, where it is measured itself.
pub(super) fn weigh(finding: &mut Finding, estimate: &Estimate, least: f64) {
    finding.low = Some(estimate.low);
    finding.high = Some(estimate.high);
    // Nothing at all is allowed, and something was seen.
    let exact = finding.limit <= 0.0;
    finding.undecided = !exact
        && match finding.passed {
            true => estimate.high > finding.limit && finding.measured > CLEARLY * least,
            false => estimate.low <= finding.limit,
        };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_of_none_is_not_surely_none() {
        let none = Estimate::of_share(0.0, 1_000.0, 1.0);
        assert_eq!((none.value, none.low), (0.0, 0.0));
        // Wilson's upper end for none of n is z²/(n + z²).
        let squared = DEVIATES * DEVIATES;
        assert!((none.high - squared / (1_000.0 + squared)).abs() < 1e-12);
        // Forty that hang together tell as much as one.
        let few = Estimate::of_share(0.0, 40_000.0, 40.0);
        assert!((few.high - none.high).abs() < 1e-12);
    }

    #[test]
    fn a_difference_has_the_uncertainty_of_both() {
        let more = Estimate::of_share(34.0, 1_728.0, 1.0);
        let none = Estimate::of_share(0.0, 4_000.0, 1.0);
        let beyond = more.beyond(&none);
        assert!(beyond.low < more.low && beyond.low > 0.01, "{beyond:?}");
        assert_eq!(none.beyond(&more).value, 0.0);
    }

    #[test]
    fn a_quotients_relative_errors_are_combined() {
        let certain = |value| Estimate {
            value,
            low: value,
            high: value,
        };
        let alone = certain(0.2).against(&certain(0.1));
        assert!((alone.high - 0.22).abs() < 1e-9, "{alone:?}");
        let wide = Estimate {
            value: 0.1,
            low: 0.05,
            high: 0.1,
        };
        let uncertain = certain(0.2).against(&wide);
        assert!(
            uncertain.high > 0.4 && uncertain.low == alone.low,
            "{uncertain:?}"
        );
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_value(
            counted in 0.0..500.0f64, total in 500.0..5_000.0f64, effect in 1.0..50.0f64, own in 0.0..500.0f64,
        ) {
            let share = Estimate::of_share(counted, total, effect);
            let beyond = share.beyond(&Estimate::of_share(own, 600.0, 1.0));
            for estimate in [share, beyond] {
                prop_assert!(estimate.low <= estimate.value && estimate.value <= estimate.high);
            }
        }
    }
}
