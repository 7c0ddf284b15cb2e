//! How the rows of a table are spread over the rows of another, so that both ways are computable.

use std::sync::Arc;

use crate::synth::choice::distribution::Distribution;

/// A map of positions `0..rows` onto groups `0..groups` that never falls: the positions of a group
/// stand together, and every group has one at least.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    rows: u64,
    groups: u64,
    law: Law,
}

#[derive(Debug, Clone)]
enum Law {
    /// Groups differ by one position at most.
    Even,
    /// Groups as large as a distribution says.
    Skewed(Distribution),
    /// The positions that groups begin at, and the end.
    Listed(Arc<[u64]>),
}

/// Most groups whose beginnings are listed: 32 MiB.
pub(crate) const MOST_LISTED: u64 = 1 << 22;

impl Spread {
    /// Spreads `rows` over `groups`, or over as many as there are rows. Of the distributions only
    /// those that fall from the first group on shape the groups: see [`shapes`](Self::shapes).
    pub(crate) fn new(rows: u64, groups: u64, distribution: Distribution) -> Self {
        Self {
            rows,
            groups: groups.min(rows),
            law: match Self::shapes(distribution) {
                true => Law::Skewed(distribution),
                false => Law::Even,
            },
        }
    }

    /// Whether groups can be as large as this distribution says.
    pub(crate) fn shapes(distribution: Distribution) -> bool {
        matches!(
            distribution,
            Distribution::Zipf(_) | Distribution::Exponential(_)
        )
    }

    /// The same groups, none larger than `caps` allows; none where they are too small together, or
    /// too many.
    pub(crate) fn capped(&self, caps: impl Fn(u64) -> u64) -> Option<Self> {
        if (0..self.groups).all(|group| self.size(group) <= caps(group)) {
            return Some(self.clone());
        }
        if self.groups > MOST_LISTED {
            return None;
        }
        let caps: Vec<u64> = (0..self.groups).map(caps).collect();
        let size = |factor: u64, group: u64, cap: u64| -> u64 {
            self.size(group).saturating_mul(factor).min(cap)
        };
        let total = |factor: u64| -> u64 {
            let sizes = (0..)
                .zip(&caps)
                .map(|(group, cap)| size(factor, group, *cap));
            sizes.fold(0, u64::saturating_add)
        };
        // The smallest factor by which all groups together are large enough.
        let (mut low, mut high) = (0u64, self.rows);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            match total(middle) >= self.rows {
                true => high = middle,
                false => low = middle,
            }
        }
        if total(high) < self.rows {
            return None;
        }
        let mut spare = self.rows - total(low);
        let mut starts = Vec::with_capacity(caps.len() + 1);
        let mut start = 0u64;
        for (group, cap) in (0..).zip(&caps) {
            starts.push(start);
            let least = size(low, group, *cap);
            let more = (size(high, group, *cap) - least).min(spare);
            spare -= more;
            start += least + more;
        }
        starts.push(start);
        Some(Self {
            law: Law::Listed(starts.into()),
            ..self.clone()
        })
    }

    /// How many groups there are.
    pub(crate) fn groups(&self) -> u64 {
        self.groups
    }

    /// The first position of a group; of all groups beyond the last, the number of rows.
    pub(crate) fn start(&self, group: u64) -> u64 {
        if group >= self.groups {
            return self.rows;
        }
        match &self.law {
            Law::Even => scale(group, self.rows, self.groups),
            Law::Skewed(distribution) => {
                let extra = (self.rows - self.groups) as f64;
                // The cast saturates at 0, and the share is below 1.
                group + (extra * share_below(*distribution, group, self.groups)) as u64
            }
            Law::Listed(starts) => usize::try_from(group)
                .ok()
                .and_then(|group| starts.get(group))
                .map_or(self.rows, |start| *start),
        }
    }

    /// How many positions a group has.
    pub(crate) fn size(&self, group: u64) -> u64 {
        self.start(group.saturating_add(1)) - self.start(group)
    }

    /// The group that has a position below the number of rows.
    pub(crate) fn of(&self, position: u64) -> u64 {
        match &self.law {
            Law::Even => {
                let after = (u128::from(position) + 1) * u128::from(self.groups);
                let group = after.saturating_sub(1) / u128::from(self.rows.max(1));
                u64::try_from(group).unwrap_or(0)
            }
            Law::Listed(starts) => {
                let after = starts.partition_point(|start| *start <= position) as u64;
                after.saturating_sub(1)
            }
            Law::Skewed(_) => {
                let (mut low, mut high) = (0, self.groups);
                while low + 1 < high {
                    let middle = low + (high - low) / 2;
                    match self.start(middle) <= position {
                        true => low = middle,
                        false => high = middle,
                    }
                }
                low
            }
        }
    }
}

/// `part / whole` of `count`, rounded down.
fn scale(part: u64, count: u64, whole: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(count) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// The share of a distribution that falls before a group. Zipf's is the integral of its density, as
/// rejection-inversion sampling takes it (Hörmann, Derflinger 1996).
fn share_below(distribution: Distribution, group: u64, groups: u64) -> f64 {
    let (at, end) = (group as f64, groups as f64);
    match distribution {
        Distribution::Zipf(s) if (s - 1.0).abs() < 1e-9 => at.ln_1p() / end.ln_1p(),
        Distribution::Zipf(s) => {
            let integral = |x: f64| ((1.0 - s) * x.ln_1p()).exp_m1();
            integral(at) / integral(end)
        }
        Distribution::Exponential(rate) => (-rate * at / end).exp_m1() / (-rate).exp_m1(),
        _ => at / end,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distributions() -> impl Strategy<Value = Distribution> {
        prop::sample::select(vec![
            Distribution::Uniform,
            Distribution::Zipf(0.7),
            Distribution::Zipf(1.0),
            Distribution::Zipf(2.5),
            Distribution::Exponential(5.0),
        ])
    }

    fn assert_covers(spread: &Spread, rows: u64) {
        let mut position = 0;
        for group in 0..spread.groups() {
            assert_eq!(spread.start(group), position);
            assert!(spread.size(group) > 0);
            for _ in 0..spread.size(group) {
                assert_eq!(spread.of(position), group);
                position += 1;
            }
        }
        assert_eq!(position, rows);
    }

    proptest! {
        #[test]
        fn both_ways_agree(rows in 1u64..2_000, groups in 1u64..300, law in distributions()) {
            let spread = Spread::new(rows, groups, law);
            prop_assert_eq!(spread.groups(), groups.min(rows));
            assert_covers(&spread, rows);
        }

        #[test]
        fn caps_hold(rows in 1u64..400, caps in prop::collection::vec(1u64..30, 1..60), law in distributions()) {
            let cap = |group: u64| caps[usize::try_from(group).unwrap()];
            let spread = Spread::new(rows, caps.len() as u64, law);
            let capped = spread.capped(cap);
            let room: u64 = (0..spread.groups()).map(cap).sum();
            prop_assert_eq!(capped.is_some(), room >= rows);
            if let Some(capped) = capped {
                assert_covers(&capped, rows);
                prop_assert!((0..capped.groups()).all(|group| capped.size(group) <= cap(group)));
            }
        }
    }

    #[test]
    fn skewed_groups_are_as_the_distribution_says() {
        let spread = Spread::new(1_001_000, 1_000, Distribution::Zipf(1.0));
        assert!(
            (80_000..120_000).contains(&spread.size(0)),
            "{}",
            spread.size(0)
        );
        assert!(spread.size(0) > 8 * spread.size(20));
        let large = Spread::new(u64::MAX / 4, 1 << 40, Distribution::Zipf(1.1));
        assert_eq!(large.of(large.start(1 << 39)), 1 << 39);
    }
}
