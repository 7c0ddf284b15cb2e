//! What holds of any passes and limits.

use super::*;

/// Traffic somewhere between untouched and ruined.
fn any_pass() -> impl Strategy<Value = Pass> {
    (
        (0.0..6.0f64, 0.0..6.0f64, 0.001..3.0f64),
        (0u64..60, 0u64..20, 0.0001..0.3f64),
        (0.0..0.1f64, 0.0..0.5f64, any::<bool>()),
    )
        .prop_map(
            |((waited, unavailable, p99), (lost, own, base), (lag, late, aborted))| {
                let mut pass = healthy();
                let mut before = usual(10.0);
                before[0].lost = own;
                before[0].p99 = before[0].p50 + base;
                set(&mut pass, PhaseName::Baseline, &before);
                let mut during = usual(4.32);
                during[0].lost = lost;
                during[0].p99 = during[0].p50 + p99;
                set(&mut pass, PhaseName::Migration, &during);
                pass.locks = locks(vec![wait(RECORD, 10.0, waited)]);
                pass.impact.unavailable = secs(unavailable);
                for (phase, p99) in pass.phases.iter_mut().zip([lag, late, late]) {
                    phase.lag = Some(Lag {
                        p50: 0.0,
                        p99,
                        max: p99 * 2.0,
                        mean: 0.0,
                    });
                }
                if aborted {
                    pass.migration.as_mut().unwrap().outcome = MigrationOutcome::Aborted;
                }
                pass
            },
        )
}

fn any_limits() -> impl Strategy<Value = Limits> {
    (
        (0u64..4_000, 1.0..30.0f64, 0u64..400),
        (0.0..0.05f64, 0u64..4_000, 0u64..8_000),
    )
        .prop_map(
            |((lock_wait, p99_ratio, floor), (error_rate, unavailable, time))| Limits {
                lock_wait: Duration::from_millis(lock_wait),
                p99_ratio,
                p99_floor: Duration::from_millis(floor),
                error_rate,
                unavailable: Duration::from_millis(unavailable),
                migration_time: Duration::from_millis(time),
                forecast: false,
            },
        )
}

fn looser(a: &Limits, b: &Limits) -> Limits {
    Limits {
        lock_wait: a.lock_wait.max(b.lock_wait),
        p99_ratio: a.p99_ratio.max(b.p99_ratio),
        p99_floor: a.p99_floor.max(b.p99_floor),
        error_rate: a.error_rate.max(b.error_rate),
        unavailable: a.unavailable.max(b.unavailable),
        migration_time: a.migration_time.max(b.migration_time),
        forecast: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn raising_limits_keeps_what_is_safe_safe(
        pass in any_pass(), limits in any_limits(), more in any_limits(),
    ) {
        let passes = [pass];
        let strict = judge(&limits, &passes, &context());
        let loose = judge(&looser(&limits, &more), &passes, &context());
        if strict.outcome == Outcome::Safe {
            prop_assert_eq!(loose.outcome, Outcome::Safe, "{:?}", loose.reasons);
        }
    }

    #[test]
    fn a_verdict_agrees_with_its_findings(pass in any_pass(), limits in any_limits()) {
        let verdict = judge(&limits, &[pass], &context());
        for finding in &verdict.findings {
            prop_assert_eq!(finding.passed, finding.measured <= finding.limit);
            prop_assert!(finding.measured.is_finite() && !finding.detail.is_empty());
            prop_assert_eq!(finding.help.is_some(), !finding.passed, "{}", finding.rule);
        }
        let decided = verdict.findings.iter().any(Finding::is_decisive);
        prop_assert_eq!(verdict.outcome == Outcome::Unsafe, decided);
        prop_assert_eq!(verdict.deciding().is_none(), verdict.outcome == Outcome::Inconclusive);
        prop_assert!(!verdict.reasons.is_empty());
    }
}
