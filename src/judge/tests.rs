mod blame;
mod evidence;
mod integrity;
mod properties;
mod release;
mod steady;

use std::time::Duration;

use proptest::prelude::*;

use super::fixtures::*;
use super::*;
use crate::observe::{
    Disturbance, FleetEvent, FleetEventKind, HeldLock, Integrity, Invariant, Lag, LockWait,
    MigrationError, MigrationOutcome, PassName, PhaseName, Root, RootKind, RowChange,
    RowChangeKind, Statement, TableUsage,
};

fn judged(pass: Pass) -> Verdict {
    judge(&Limits::default(), &[pass], &context())
}

fn failed(verdict: &Verdict) -> Vec<&str> {
    let mut rules: Vec<&str> = verdict
        .findings
        .iter()
        .filter(|finding| !finding.passed)
        .map(|finding| finding.rule.as_str())
        .collect();
    rules.dedup();
    rules
}

fn show(verdict: &Verdict) -> String {
    let mut text = format!("{:?}\n", verdict.outcome).to_lowercase();
    for reason in &verdict.reasons {
        text += &format!("- {reason}\n");
    }
    for caveat in &verdict.caveats {
        text += &format!("~ {caveat}\n");
    }
    text
}

fn fail_with(pass: &mut Pass, sqlstate: Option<&str>) {
    let migration = pass.migration.as_mut().unwrap();
    migration.outcome = MigrationOutcome::Failed;
    migration.error = Some(MigrationError {
        sqlstate: sqlstate.map(str::to_owned),
        message: "insert or update on table \"measurements\" violates foreign key constraint"
            .to_owned(),
        statement: Some(1),
    });
}

#[test]
fn every_rule_says_what_it_demands_and_what_to_do() {
    for (place, rule) in rules::RULES.iter().enumerate() {
        assert!(
            !rule.demands.is_empty() && !rule.help.is_empty(),
            "{}",
            rule.name
        );
        assert_eq!(rules::rank(rule.name), place);
    }
}

#[test]
fn traffic_that_noticed_nothing_is_safe() {
    let verdict = judged(healthy());
    insta::assert_snapshot!(show(&verdict), @r##"
    safe
    - every limit held
    - record-measurement waited 12.0 ms for RowExclusiveLock on public.measurements behind statement 2 (migration.sql:7); the limit is 2.00 s
    - the p99 of admit-patient was 9.74 ms while migrating, 1.0 × the baseline's 9.66 ms; the limit is 3.0 ×, or 100 ms if that is more
    ~ judged at 2M rows of public.measurements; production has 800M (no forecast made)
    "##);
    assert_eq!(failed(&verdict), [""; 0]);
}

#[test]
fn the_incident_is_unsafe_and_names_statement_relation_and_rewrite() {
    let verdict = judged(locked());
    insta::assert_snapshot!(show(&verdict), @r##"
    unsafe
    - record-measurement waited 4.21 s for RowExclusiveLock on public.measurements behind statement 2 (migration.sql:4); the limit is 2.00 s
    - no record-measurement succeeded for 4.26 s although due; the limit is 2.00 s
    - 1.97 % of the 1,728 requests due while migrating were lost (record-measurement 31, admit-patient 3; acquire_timeout 34); the limit is 0.10 % beyond the baseline's 0 %
    - the p99 of record-measurement was 4.21 s while migrating, 501 × the baseline's 8.40 ms; the limit is 3.0 ×, or 100 ms if that is more (and 4 more findings of this rule)
    ~ judged at 2M rows of public.measurements; production has 800M (no forecast made)
    "##);
    let deciding = verdict.deciding().unwrap();
    assert_eq!(deciding.rule, "lock_wait");
    assert_eq!(deciding.statement, Some(1));
    assert_eq!(deciding.relation.as_deref(), Some("public.measurements"));
    assert_eq!(deciding.transaction.as_deref(), Some(RECORD));
    assert!(deciding.help.as_deref().unwrap().contains("NOT VALID"));
}

#[test]
fn sql_that_fails_is_unsafe_whatever_the_load() {
    let mut pass = overloaded();
    fail_with(&mut pass, Some("23503"));
    assert_eq!(judged(pass).outcome, Outcome::Unsafe);
}

fn with_invariant(before: i64, after: Option<i64>) -> Pass {
    let invariant = Invariant {
        name: "no-payment-without-order".to_owned(),
        before,
        at_end: None,
        after,
        error: after
            .is_none()
            .then(|| "column \"order_id\" does not exist".to_owned()),
        expect: 0,
        passed: before == 0 && after == Some(0),
    };
    Pass {
        integrity: Integrity {
            invariants: vec![invariant],
            ..Integrity::default()
        },
        ..healthy()
    }
}

#[test]
fn an_invariant_that_no_longer_holds_is_unsafe() {
    let of = |before, after| judged(with_invariant(before, after));
    assert_eq!(of(0, Some(0)).outcome, Outcome::Safe);
    let broken = of(0, Some(3));
    assert_eq!(broken.outcome, Outcome::Unsafe);
    assert_eq!(broken.deciding().unwrap().rule, "integrity");
    insta::assert_snapshot!(broken.reasons[0], @"the invariant no-payment-without-order gives 3 after the migration; it must give 0");
    for (before, after, reason) in [
        (2, Some(2), "before any migration"),
        (0, None, "column \"order_id\" does not exist"),
    ] {
        let verdict = of(before, after);
        assert_eq!(verdict.outcome, Outcome::Inconclusive);
        assert!(verdict.reasons[0].contains(reason), "{:?}", verdict.reasons);
    }
}

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

#[test]
fn restarts_make_a_migration_unsafe_whatever_the_limits() {
    let mut pass = healthy();
    pass.impact.restarts = 3;
    pass.impact.none_up = secs(4.0);
    let verdict = judged(pass.clone());
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert_eq!(failed(&verdict), ["restarts"]);
    let finding = verdict.deciding().unwrap();
    assert_eq!((finding.measured, finding.limit), (3.0, 0.0));
    assert_eq!(
        finding.detail,
        "health checks failed and 3 restarts of instances followed; none was up for 4.00 s; none may"
    );
    assert!(finding.help.as_ref().unwrap().contains("health check"));
    pass.impact.restarts = 0;
    let quiet = judged(pass);
    let finding = quiet
        .findings
        .iter()
        .find(|finding| finding.rule == "restarts");
    assert!(finding.is_some_and(|finding| finding.passed && finding.help.is_none()));
}

#[test]
fn the_window_of_restarts_is_where_the_first_came() {
    let window = |pass| {
        let verdict = judged(pass);
        let finding = verdict
            .findings
            .into_iter()
            .find(|finding| finding.rule == "restarts");
        finding.unwrap().window
    };
    assert_eq!(window(restarted()), Window::Migration);
    let mut late = restarted();
    late.events.retain(|event| event.at > secs(14.4));
    late.events.push(FleetEvent {
        at: secs(16.0),
        instance: 0,
        kind: FleetEventKind::Restarted,
    });
    assert_eq!(window(late), Window::Recovery);
}

#[test]
fn an_application_that_restarts_by_itself_excuses_what_follows() {
    let mut pass = restarted();
    pass.impact.restarts_before = 1;
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    let reason = &verdict.reasons[0];
    assert!(
        reason.contains("without any migration health checks restarted instances 1 time;"),
        "{reason}"
    );
}

#[test]
fn a_check_judges_what_no_longer_runs() {
    let migration = healthy().migration.unwrap();
    let broken = BrokenStatement {
        transaction: CHART.to_owned(),
        role: crate::scenario::plan::Role::Current,
        file: Some("traffic/chart.sql".to_owned()),
        line: 3,
        sql: "SELECT unit FROM measurements".to_owned(),
        sqlstate: Some("42703".to_owned()),
        message: "column \"unit\" does not exist".to_owned(),
    };
    let verdict = judge_check(&migration, &[broken], &Integrity::default());
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert_eq!(verdict.deciding().unwrap().rule, "traffic_prepares");
    insta::assert_snapshot!(show(&verdict), @r##"
    unsafe
    - a statement of the running release no longer runs (open-chart, traffic/chart.sql:3): 42703: column "unit" does not exist
    ~ checked on the bare schema: nothing is known of lock waits, latency or duration under load
    "##);
    insta::assert_snapshot!(show(&judge_check(&migration, &[], &Integrity::default())), @r##"
    safe
    - the migration was applied, and every statement of the traffic still prepares
    ~ checked on the bare schema: nothing is known of lock waits, latency or duration under load
    "##);

    let mut pass = healthy();
    fail_with(&mut pass, Some("53100"));
    let verdict = judge_check(&pass.migration.unwrap(), &[], &Integrity::default());
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
}
