//! The laws, their choice and their intervals.

use super::*;

fn measured(law: impl Fn(f64) -> f64) -> Vec<Point> {
    let point = |&rows: &u64| Point {
        n: rows as f64,
        value: law(rows as f64),
    };
    SIZES.iter().map(point).collect()
}

proptest! {
    #[test]
    fn exact_lines_are_recovered(a in 0.0..10.0, b in 1e-7..1e-4) {
        let law = |n: f64| a + b * n;
        let fitted = fit(&measured(law), PRODUCTION as f64, (TIMES, Growth::Linear)).unwrap();
        prop_assert_eq!(fitted.model, Growth::Linear);
        prop_assert!((fitted.interval.predicted / law(PRODUCTION as f64) - 1.0).abs() < 1e-6);
        prop_assert!(fitted.error < 1e-6);
    }

    #[test]
    fn exact_sorts_are_recovered(a in 0.0..10.0, b in 1e-8..1e-5) {
        let law = |n: f64| a + b * n * n.ln();
        let fitted = fit(&measured(law), PRODUCTION as f64, (TIMES, Growth::NLogN)).unwrap();
        prop_assert_eq!(fitted.model, Growth::NLogN);
        prop_assert!((fitted.interval.predicted / law(PRODUCTION as f64) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_outgrows_caches_is_recovered(n0 in 2.0..1_000.0_f64, b in 1e-7..1e-5) {
        let law = |n: f64| b * n * (n / n0).ln();
        let fitted = fit(&measured(law), PRODUCTION as f64, (TIMES, Growth::NLogN)).unwrap();
        prop_assert_eq!(fitted.model, Growth::NLogN);
        prop_assert!((fitted.interval.predicted / law(PRODUCTION as f64) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn an_interval_holds_its_value_and_nothing_is_negative(
        values in proptest::collection::vec(0.0..100.0, 5),
        production in 2_000_000u64..2_000_000_000,
    ) {
        let points: Vec<Point> = SIZES
            .iter()
            .zip(values)
            .map(|(&rows, value)| Point { n: rows as f64, value })
            .collect();
        let fitted = fit(&points, production as f64, (TIMES, Growth::Linear)).unwrap();
        let interval = fitted.interval;
        prop_assert!(0.0 <= interval.low && interval.low <= interval.predicted, "{fitted:?}");
        prop_assert!(interval.predicted <= interval.high, "{fitted:?}");
    }
}

#[test]
fn what_grows_faster_than_any_law_is_refused_or_held() {
    type Law = fn(f64) -> f64;
    // Of millions of rows.
    let laws: [(&str, Law); 7] = [
        ("n^1.1", |n| n.powf(1.1)),
        ("n^1.2", |n| n.powf(1.2)),
        ("n^1.3", |n| n.powf(1.3)),
        ("n^1.5", |n| n.powf(1.5)),
        ("n^2", |n| n.powi(2)),
        ("n + n²/2", |n| n + n.powi(2) / 2.0),
        ("n + n²", |n| n + n.powi(2)),
    ];
    for (name, of_millions) in laws {
        let law = |n: f64| 2.0 * of_millions(n / 1e6);
        for production in [4e7, 8e8] {
            let fitted = fit(&measured(law), production, (TIMES, Growth::Linear)).unwrap();
            let held = law(production) <= fitted.interval.high;
            assert!(
                held || fitted.too_steep || fitted.error > 0.25,
                "{name} to {production}: {fitted:?}, true {}",
                law(production)
            );
        }
    }
}

/// A standard normal value, by Box and Muller.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// How often the interval holds what production would have taken, and how wide it is at the median.
fn coverage(law: fn(f64) -> f64, noise: f64, production: f64) -> (f64, f64) {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut noisy = |value: f64| value * (1.0 + noise * normal(&mut random));
    let (mut held, mut widths) = (0, Vec::new());
    const TIMES_TRIED: usize = 400;
    for _ in 0..TIMES_TRIED {
        let points: Vec<Point> = measured(law)
            .into_iter()
            .map(|point| Point {
                value: noisy(point.value),
                ..point
            })
            .collect();
        let truth = noisy(law(production));
        let interval = fit(&points, production, (TIMES, Growth::Linear))
            .unwrap()
            .interval;
        held += usize::from(interval.low <= truth && truth <= interval.high);
        widths.push((interval.high - interval.low) / interval.predicted);
    }
    widths.sort_by(f64::total_cmp);
    (held as f64 / TIMES_TRIED as f64, widths[TIMES_TRIED / 2])
}

#[test]
fn ninety_five_of_a_hundred_intervals_hold_the_truth_whichever_law_it_follows() {
    let laws: [fn(f64) -> f64; 5] = [
        |n| 2e-6 * n,
        |n| 0.5 + 2e-6 * n,
        |n| 1e-7 * n * n.ln(),
        |n| 0.2 + 1e-7 * n * n.ln(),
        |n| 2e-7 * n * (n / 5e2).ln(),
    ];
    for (number, law) in laws.into_iter().enumerate() {
        for (noise, production) in [(0.02, 2e7), (0.05, 2e7), (0.05, 8e8), (0.1, 8e8)] {
            let (held, width) = coverage(law, noise, production);
            assert!(
                held >= 0.92,
                "law {number}, noise {noise}, {production}: {held}"
            );
            assert!(
                width < 4.0,
                "law {number}, noise {noise}, {production}: {width}"
            );
        }
    }
}
