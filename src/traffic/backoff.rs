//! Pauses before another try.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Pauses that double up to a longest one. Each is shortened at random by up to a half, so that
/// those who failed together do not all come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
    random: ChaCha8Rng,
}

impl Backoff {
    /// Pauses whose random numbers follow from `seed`.
    pub(super) fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        Self {
            next: first.min(longest),
            longest,
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The pause before the next try.
    pub(super) fn pause(&mut self) -> Duration {
        let full = self.next;
        self.next = full.saturating_mul(2).min(self.longest);
        full.mul_f64(self.random.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_double_within_their_bounds(seed: u64, first in 1u64..1_000, longest in 1u64..60_000) {
            let [first, longest] = [first, longest].map(Duration::from_millis);
            let mut backoff = Backoff::new(first, longest, seed);
            let mut again = Backoff::new(first, longest, seed);
            for doublings in 0..20 {
                let full = (first * 2u32.pow(doublings)).min(longest);
                let pause = backoff.pause();
                prop_assert!(pause <= full && pause >= full / 2, "{pause:?} of {full:?}");
                prop_assert_eq!(pause, again.pause());
            }
        }
    }

    #[test]
    fn no_pause_stays_none() {
        let mut backoff = Backoff::new(Duration::ZERO, Duration::from_secs(1), 7);
        assert_eq!(backoff.pause(), Duration::ZERO);
        assert_eq!(backoff.pause(), Duration::ZERO);
    }
}
