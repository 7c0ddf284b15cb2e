//! Measurements within noise of their limits.

use super::*;

#[test]
fn a_wait_within_noise_of_its_limit_is_inconclusive_on_either_side() {
    for millis in [1_850, 1_995, 2_005, 2_150] {
        let mut pass = healthy();
        pass.locks.waits[0].length = Duration::from_millis(millis);
        let verdict = judged(pass);
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{millis} ms");
        let undecided = verdict.findings.iter().filter(|one| one.undecided);
        assert_eq!(undecided.count(), 1);
    }
    for (millis, outcome) in [(1_750, Outcome::Safe), (2_250, Outcome::Unsafe)] {
        let mut pass = healthy();
        pass.locks.waits[0].length = Duration::from_millis(millis);
        assert_eq!(judged(pass).outcome, outcome, "{millis} ms");
    }
    // A sampler that was away for nearly the limit has seen only a part of the wait.
    let mut pass = healthy();
    pass.locks.waits[0].length = Duration::from_millis(1_200);
    pass.locks.sample_error = Duration::from_millis(1_900);
    assert_eq!(judged(pass).outcome, Outcome::Inconclusive);
    let mut pass = healthy();
    pass.locks.waits[0].length = Duration::from_millis(1_995);
    insta::assert_snapshot!(judged(pass).reasons[0], @"record-measurement waited 2.00 s for RowExclusiveLock on public.measurements behind statement 2 (migration.sql:7); the limit is 2.00 s; another run may measure 1.80 s to 2.21 s, on either side of the limit: repeat with more time or a clearer limit (limits.lock_wait)");
}

#[test]
fn a_clear_failure_outweighs_what_is_undecided() {
    let mut pass = locked();
    pass.locks.waits.truncate(1);
    pass.locks.waits[0].length = Duration::from_millis(2_050);
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert_eq!(verdict.deciding().unwrap().rule, "unavailable");
    assert!(
        !verdict
            .reasons
            .iter()
            .any(|reason| reason.contains("waited")),
        "{:?}",
        verdict.reasons
    );
}
