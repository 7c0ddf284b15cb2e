//! Whether the migration came to its end, and whose doing it was.

use super::*;

#[test]
fn sql_that_fails_is_unsafe_whatever_the_load() {
    let mut pass = overloaded();
    fail_with(&mut pass, Some("23503"));
    assert_eq!(judged(pass).outcome, Outcome::Unsafe);
}

#[test]
fn a_failed_migration_is_unsafe_where_it_failed_by_itself() {
    for sqlstate in ["23503", "55P03", "57014", "40P01", "42P01"] {
        let mut pass = healthy();
        fail_with(&mut pass, Some(sqlstate));
        let verdict = judged(pass);
        assert_eq!(verdict.outcome, Outcome::Unsafe, "{sqlstate}");
        assert!(
            verdict.reasons[0].contains(sqlstate),
            "{:?}",
            verdict.reasons
        );
        assert_eq!(verdict.deciding().unwrap().statement, Some(1));
    }
}

#[test]
fn a_failed_migration_is_inconclusive_where_the_server_failed_it() {
    for sqlstate in [
        None,
        Some("08006"),
        Some("53100"),
        Some("57P01"),
        Some("58030"),
        Some("XX000"),
    ] {
        let mut pass = locked();
        fail_with(&mut pass, sqlstate);
        let verdict = judged(pass);
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{sqlstate:?}");
        assert!(
            verdict.reasons[0].contains("outside it"),
            "{:?}",
            verdict.reasons
        );
        assert!(
            !verdict
                .findings
                .iter()
                .any(|finding| finding.rule == "migration_applied" && finding.passed)
        );
    }
}

#[test]
fn a_migration_that_was_ended_at_the_limit_is_clearly_too_long() {
    let limits = Limits {
        migration_time: Duration::from_secs(4),
        ..Limits::default()
    };
    let mut pass = healthy();
    let of = |pass: &Pass| judge(&limits, std::slice::from_ref(pass), &context());
    // Nobody knows whether another run would be over by then.
    assert_eq!(of(&pass).outcome, Outcome::Inconclusive);
    pass.migration.as_mut().unwrap().outcome = MigrationOutcome::Aborted;
    let verdict = of(&pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    insta::assert_snapshot!(verdict.reasons.join("\n"), @"the migration was not over after 4.32 s, and was ended then; the limit is 4.00 s");
}
