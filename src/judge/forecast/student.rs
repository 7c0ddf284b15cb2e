//! Student's t.

/// The 97.5 % quantiles for 1 to 10 degrees of freedom (NIST/SEMATECH e-Handbook of Statistical Methods,
/// 1.3.6.7.2).
const QUANTILES: [f64; 10] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
];

/// The normal deviate of a two-sided 95 % interval.
const NORMAL: f64 = 1.960;

/// The deviate of a two-sided 95 % interval. Beyond the table it follows the expansion in 1/df of Abramowitz and
/// Stegun, Handbook of Mathematical Functions (1964), 26.7.5, to its second term.
pub(super) fn deviate(degrees_of_freedom: usize) -> f64 {
    let tabled = degrees_of_freedom
        .checked_sub(1)
        .and_then(|place| QUANTILES.get(place));
    match (tabled, degrees_of_freedom) {
        (Some(quantile), _) => *quantile,
        (None, 0) => f64::INFINITY,
        (None, many) => {
            let (z, df) = (NORMAL, many as f64);
            let first = (z.powi(3) + z) / (4.0 * df);
            let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * df * df);
            z + first + second
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviate_falls_towards_the_normal_one() {
        assert_eq!(deviate(0), f64::INFINITY);
        for df in 1..200 {
            assert!(deviate(df) > deviate(df + 1), "{df}");
        }
        // The same table's values at 11, 30 and 100.
        for (df, tabled) in [(11, 2.201), (30, 2.042), (100, 1.984)] {
            assert!((deviate(df) - tabled).abs() < 0.003, "{df}");
        }
    }
}
