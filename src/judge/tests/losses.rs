//! Requests that were lost, and how long nothing succeeded.

use super::*;

#[test]
fn a_kind_that_always_takes_long_is_not_called_unavailable() {
    let mut pass = healthy();
    pass.impact.unavailable = secs(3.1);
    assert_eq!(judged(pass.clone()).outcome, Outcome::Unsafe);
    pass.impact.unavailable_before = secs(3.0);
    pass.impact.unavailable_transaction_before = Some(RECORD.to_owned());
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert!(
        verdict.reasons[0].contains("limits.unavailable") && verdict.reasons[0].contains(RECORD),
        "{:?}",
        verdict.reasons
    );
}

#[test]
fn the_baselines_own_errors_are_not_held_against_the_migration() {
    let limits = Limits {
        error_rate: 0.01,
        ..Limits::default()
    };
    let mut pass = healthy();
    for (name, seconds) in [
        (PhaseName::Baseline, 10.0),
        (PhaseName::Migration, 4.32),
        (PhaseName::Recovery, 10.0),
    ] {
        let mut kinds = usual(seconds);
        kinds[0].lost = (kinds[0].requests as f64 * 0.012) as u64;
        set(&mut pass, name, &kinds);
    }
    let verdict = judge(&limits, &[pass], &context());
    assert_eq!(verdict.outcome, Outcome::Safe);
    assert!(
        verdict
            .findings
            .iter()
            .all(|found| found.measured.is_finite())
    );
}

#[test]
fn a_loss_that_the_baseline_has_too_is_not_held_against_few_requests() {
    let mut pass = healthy();
    let mut before = usual(10.0);
    before[0].lost = 3;
    set(&mut pass, PhaseName::Baseline, &before);
    let mut during = usual(0.5);
    during[0].lost = 1;
    pass.phases[1].end = pass.phases[1].start + secs(0.5);
    set(&mut pass, PhaseName::Migration, &during);
    let verdict = judged(pass.clone());
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert!(
        verdict.reasons[0].contains("repeat with more time"),
        "{:?}",
        verdict.reasons
    );
    during[0].lost = 4;
    set(&mut pass, PhaseName::Migration, &during);
    assert_eq!(judged(pass).outcome, Outcome::Unsafe);
}

#[test]
fn nothing_allowed_is_exact() {
    let limits = Limits {
        error_rate: 0.0,
        ..Limits::default()
    };
    let mut pass = healthy();
    assert_eq!(
        judge(&limits, &[pass.clone()], &context()).outcome,
        Outcome::Safe
    );
    let mut during = usual(4.32);
    during[0].lost = 1;
    set(&mut pass, PhaseName::Migration, &during);
    assert_eq!(
        judge(&limits, &[pass.clone()], &context()).outcome,
        Outcome::Unsafe
    );
    // Two of 1,728 are too few to tell whether it is more than the default limit of one in a thousand.
    during[0].lost = 2;
    set(&mut pass, PhaseName::Migration, &during);
    assert_eq!(judged(pass).outcome, Outcome::Inconclusive);
}
