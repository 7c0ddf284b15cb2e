//! The p99 beside the baseline's.

use super::*;

#[test]
fn a_p99_below_the_floor_is_not_judged() {
    let mut pass = healthy();
    let slower = usual(4.32).map(|kind| Kind {
        p99: kind.p99 * 8.0,
        ..kind
    });
    set(&mut pass, PhaseName::Migration, &slower);
    assert_eq!(judged(pass.clone()).outcome, Outcome::Safe);
    let limits = Limits {
        p99_floor: Duration::from_millis(10),
        ..Limits::default()
    };
    let verdict = judge(&limits, &[pass], &context());
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert_eq!(failed(&verdict), ["p99_ratio"]);
}

#[test]
fn a_slow_p99_of_one_kind_is_not_hidden_by_the_others() {
    let mut pass = healthy();
    let mut kinds = usual(10.0);
    kinds[2].p99 = 0.9;
    kinds[2].requests = 120;
    set(&mut pass, PhaseName::Recovery, &kinds);
    let verdict = judged(pass);
    let deciding = verdict.deciding().unwrap();
    assert_eq!(deciding.transaction.as_deref(), Some(ADMIT));
    assert_eq!(deciding.window, Window::Recovery);
}

#[test]
fn windows_with_few_requests_are_judged_together() {
    let mut pass = healthy();
    let mut stalled = usual(0.2);
    for kind in &mut stalled {
        kind.p50 = 0.9;
        kind.p99 = 1.4;
    }
    pass.phases[1].end = pass.phases[1].start + secs(0.2);
    set(&mut pass, PhaseName::Migration, &stalled);
    let verdict = judged(pass);
    let deciding = verdict.deciding().unwrap();
    assert_eq!(deciding.window, Window::Migration);
    assert!(deciding.detail.contains("while migrating and in recovery"));
}
