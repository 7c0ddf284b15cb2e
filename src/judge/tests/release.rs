//! Transactions that only the next release sends: they had no baseline.

use super::*;

fn p99_findings(verdict: &Verdict) -> Vec<&Finding> {
    let of_lookup = |finding: &&Finding| {
        finding.rule == "p99_ratio" && finding.transaction.as_deref() == Some(LOOKUP)
    };
    verdict.findings.iter().filter(of_lookup).collect()
}

#[test]
fn a_new_kind_is_compared_with_all_requests() {
    let verdict = judged(released(None, [0, 400, 1_000], 0.009));
    assert_eq!(verdict.outcome, Outcome::Safe, "{}", show(&verdict));
    assert_eq!(p99_findings(&verdict).len(), 2);
    let slow = judged(released(None, [0, 400, 1_000], 2.0));
    assert_eq!(slow.outcome, Outcome::Unsafe, "{}", show(&slow));
    assert!(p99_findings(&slow).iter().all(|finding| !finding.passed));
}

#[test]
fn a_kind_that_replaces_another_is_compared_with_it() {
    let verdict = judged(released(Some(RECORD), [0, 1_000, 2_400], 0.009));
    assert_eq!(verdict.outcome, Outcome::Safe, "{}", show(&verdict));
    let details = p99_findings(&verdict);
    assert!(
        details[0].detail.contains("8.40 ms"),
        "{}",
        details[0].detail
    );
}

#[test]
fn a_release_before_the_migration_leaves_the_replaced_kind_no_witness() {
    let verdict = judged(released(Some(ADMIT), [100, 170, 400], 0.009));
    assert_eq!(verdict.outcome, Outcome::Safe, "{}", show(&verdict));
}

#[test]
fn a_next_kind_that_was_never_sent_proves_nothing() {
    let verdict = judged(released(None, [0, 0, 0], 0.009));
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert!(
        show(&verdict).contains("no lookup came due: let the next release come earlier"),
        "{}",
        show(&verdict)
    );
}

#[test]
fn a_release_after_the_migration_needs_no_witness_during_it() {
    let verdict = judged(released(None, [0, 0, 1_000], 0.009));
    assert_eq!(verdict.outcome, Outcome::Safe, "{}", show(&verdict));
}

#[test]
fn a_migration_that_failed_needs_no_next_release() {
    let mut pass = released(None, [0, 0, 0], 0.009);
    fail_with(&mut pass, Some("23503"));
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert!(!show(&verdict).contains("no lookup came due"));
}
