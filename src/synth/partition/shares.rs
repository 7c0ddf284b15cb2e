//! Shares of a whole, none above what each can take.

/// Shares `total` in proportion to `weights`, none above its capacity; each gets one at least where
/// there are enough. None where all capacities together are too few.
pub(super) fn share(total: u64, weights: &[f64], capacities: &[u64]) -> Option<Vec<u64>> {
    let mut shares = vec![0u64; weights.len()];
    let mut left = total;
    let takers = capacities.iter().filter(|capacity| **capacity > 0).count();
    if total >= takers as u64 {
        for (share, capacity) in shares.iter_mut().zip(capacities) {
            *share = (*capacity).min(1);
        }
        left -= takers as u64;
    }
    while left > 0 {
        let open: Vec<f64> = shares
            .iter()
            .zip(capacities)
            .zip(weights)
            .map(|((share, capacity), weight)| match share < capacity {
                true => weight.max(f64::MIN_POSITIVE),
                false => 0.0,
            })
            .collect();
        let whole: f64 = open.iter().sum();
        if whole <= 0.0 {
            return None;
        }
        let (mut sum, mut given, mut taken) = (0.0, 0u64, 0u64);
        for ((share, capacity), weight) in shares.iter_mut().zip(capacities).zip(&open) {
            sum += weight;
            // Rounding what has been given so far, not each share, makes the whole come out.
            let until = ((left as f64 * (sum / whole)).round() as u64).min(left);
            let own = until.saturating_sub(given).min(capacity - *share);
            given = until;
            *share += own;
            taken += own;
        }
        left -= taken;
        if taken == 0 {
            // What rounding lost goes to the first that can take it.
            let mut open = shares.iter_mut().zip(capacities);
            let (share, _) = open.find(|(share, capacity)| **share < **capacity)?;
            *share += 1;
            left -= 1;
        }
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_proportional() {
        let most = [u64::MAX; 3];
        assert_eq!(
            share(1_000, &[3.0, 1.0, 1.0], &most),
            Some(vec![600, 200, 200]).map(|mut s: Vec<u64>| {
                // One each comes first, the other 997 by weight.
                s[0] = 599;
                s[1] = 201;
                s
            })
        );
        assert_eq!(
            share(1_000, &[3.0, 1.0, 1.0], &[100, u64::MAX, 400]),
            Some(vec![100, 500, 400])
        );
        assert_eq!(
            share(2, &[1.0, 1.0, 1.0], &most).map(|s| s.iter().sum()),
            Some(2)
        );
        assert_eq!(share(10, &[1.0, 1.0], &[4, 5]), None);
    }

    proptest! {
        #[test]
        fn shares_sum_up_within_capacities(
            total in 0u64..100_000,
            parts in prop::collection::vec((0.0f64..10.0, 0u64..50_000), 1..12),
        ) {
            let (weights, capacities): (Vec<f64>, Vec<u64>) = parts.into_iter().unzip();
            match share(total, &weights, &capacities) {
                Some(shares) => {
                    prop_assert_eq!(shares.iter().sum::<u64>(), total);
                    prop_assert!(shares.iter().zip(&capacities).all(|(share, most)| share <= most));
                }
                None => prop_assert!(capacities.iter().sum::<u64>() < total),
            }
        }
    }
}
