mod applied;
mod blame;
mod evidence;
mod integrity;
mod latency;
mod losses;
mod properties;
mod release;
mod restarts;
mod steady;
mod undecided;

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
