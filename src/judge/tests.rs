use std::time::Duration;

use proptest::prelude::*;

use super::fixtures::*;
use super::*;
use crate::observe::{
    HeldLock, Integrity, Invariant, Lag, LockWait, MigrationError, MigrationOutcome, PhaseName,
    Root, RootKind, Statement, TableUsage,
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
    ~ no disturbed pass was made: in production the migration may have to queue behind a long transaction, and the traffic behind the migration
    "##);
    assert_eq!(failed(&verdict), [""; 0]);
}

#[test]
fn a_little_lag_does_not_excuse_seconds_of_waiting() {
    for (lag, outcome) in [(0.0105, Outcome::Unsafe), (0.25, Outcome::Inconclusive)] {
        let mut pass = locked();
        let late = Lag {
            p50: 0.001,
            p99: lag,
            max: 0.3,
            mean: 0.002,
        };
        pass.phases[0].lag = Some(late);
        assert_eq!(judged(pass).outcome, outcome, "lag {lag} s");
    }
}

#[test]
fn a_table_that_no_traffic_uses_cannot_be_judged_safe() {
    let tables = |used: &[&str], idle: &[&str]| TableUsage {
        used: used.iter().map(|&table| table.to_owned()).collect(),
        idle: idle.iter().map(|&table| table.to_owned()).collect(),
    };
    let outcome = |usage| {
        let verdict = judged(Pass { usage, ..healthy() });
        (verdict.outcome, verdict.reasons[0].clone())
    };
    let (unused, reason) = outcome(tables(&["public.wards"], &["public.measurements"]));
    assert_eq!(unused, Outcome::Inconclusive);
    assert!(
        reason.contains("no traffic uses public.measurements"),
        "{reason}"
    );
    let used = tables(&["public.measurements"], &["public.patients"]);
    assert_eq!(outcome(used).0, Outcome::Safe);
    assert_eq!(
        outcome(tables(&["public.wards"], &["public.notes"])).0,
        Outcome::Safe
    );
}

#[test]
fn work_under_an_earlier_statements_lock_gives_the_advice() {
    let mut pass = locked();
    let migration = pass.migration.as_mut().unwrap();
    let mut work = migration.statements.pop().unwrap();
    let taker = Statement {
        duration: secs(0.001),
        hazards: Vec::new(),
        ..work.clone()
    };
    work.index = taker.index + 1;
    let rewrite = work.hazards[0].rewrite.clone();
    migration.statements.extend([taker, work]);
    let verdict = judged(pass);
    let lock_wait = verdict
        .findings
        .iter()
        .find(|finding| finding.rule == "lock_wait")
        .unwrap();
    assert_eq!(lock_wait.statement, Some(1));
    assert_eq!(lock_wait.help, rewrite);
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
    ~ no disturbed pass was made: in production the migration may have to queue behind a long transaction, and the traffic behind the migration
    "##);
    let deciding = verdict.deciding().unwrap();
    assert_eq!(deciding.rule, "lock_wait");
    assert_eq!(deciding.statement, Some(1));
    assert_eq!(deciding.relation.as_deref(), Some("public.measurements"));
    assert_eq!(deciding.transaction.as_deref(), Some(RECORD));
    assert!(deciding.help.as_deref().unwrap().contains("NOT VALID"));
}

#[test]
fn a_generator_that_could_not_keep_up_is_inconclusive() {
    insta::assert_snapshot!(show(&judged(overloaded())), @r##"
    inconclusive
    - the load generator could not keep up: its lag in the baseline has a p99 of 220 ms, more than 10.0 ms; lower the rate or use a larger machine
    ~ judged at 2M rows of public.measurements; production has 800M (no forecast made)
    ~ no disturbed pass was made: in production the migration may have to queue behind a long transaction, and the traffic behind the migration
    "##);
}

#[test]
fn a_broken_baseline_excuses_what_follows() {
    let mut pass = locked();
    let mut broken = usual(10.0);
    broken[0].lost = 40;
    broken[0].p99 = 1.4;
    set(&mut pass, PhaseName::Baseline, &broken);
    let verdict = judged(pass);
    insta::assert_snapshot!(show(&verdict), @r##"
    inconclusive
    - the baseline already breaks the limits: 1.00 % of its requests were lost without any migration, most by acquire_timeout, more than 0.10 %
    ~ judged at 2M rows of public.measurements; production has 800M (no forecast made)
    ~ no disturbed pass was made: in production the migration may have to queue behind a long transaction, and the traffic behind the migration
    "##);
    assert!(failed(&verdict).contains(&"lock_wait"));
    assert!(!verdict.findings.iter().any(Finding::is_decisive));
}

/// The healthy pass with a load whose p99 is four times the default limit's floor and more.
fn slow(p99: impl Fn(f64) -> f64) -> Pass {
    let mut pass = healthy();
    for (name, seconds) in [
        (PhaseName::Baseline, 10.0),
        (PhaseName::Migration, 4.32),
        (PhaseName::Recovery, 10.0),
    ] {
        let kinds = usual(seconds).map(|kind| Kind {
            p50: 0.2,
            p99: 0.45,
            ..kind
        });
        set(&mut pass, name, &kinds);
    }
    for second in &mut pass.series {
        second.p50 = Some(0.2);
        second.p99 = Some(p99(second.t));
    }
    pass
}

#[test]
fn a_slow_baseline_is_judged_where_it_is_steady_and_not_where_its_queue_grows() {
    assert_eq!(judged(slow(|_| 0.45)).outcome, Outcome::Safe);
    let verdict = judged(slow(|t| 0.05 + 0.05 * t.max(0.0)));
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert!(
        verdict.reasons[0].contains("cannot bear the load"),
        "{:?}",
        verdict.reasons
    );
    // What was due in the baseline's last moments met the migration.
    let stalled_at_the_end = judged(slow(|t| if t > 8.5 { 4.0 } else { 0.45 }));
    assert_eq!(stalled_at_the_end.outcome, Outcome::Safe);
}

#[test]
fn sql_that_fails_is_unsafe_whatever_the_load() {
    let mut pass = overloaded();
    fail_with(&mut pass, Some("23503"));
    assert_eq!(judged(pass).outcome, Outcome::Unsafe);
}

#[test]
fn few_requests_before_the_migration_do_not_excuse_a_lock() {
    let mut pass = locked();
    set(&mut pass, PhaseName::Baseline, &usual(0.2));
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert_eq!(verdict.deciding().unwrap().rule, "lock_wait");
    assert!(verdict.caveats[0].contains("too few transactions"));
}

fn invariant(before: i64, after: Option<i64>) -> Context {
    let invariant = Invariant {
        name: "no-payment-without-order".to_owned(),
        before,
        after,
        error: after
            .is_none()
            .then(|| "column \"order_id\" does not exist".to_owned()),
        expect: 0,
        passed: before == 0 && after == Some(0),
    };
    Context {
        integrity: Integrity {
            invariants: vec![invariant],
            ..Integrity::default()
        },
        ..context()
    }
}

#[test]
fn an_invariant_that_no_longer_holds_is_unsafe() {
    let of = |before, after| judge(&Limits::default(), &[healthy()], &invariant(before, after));
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
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert!(
        verdict.reasons[0].contains("limits.unavailable"),
        "{:?}",
        verdict.reasons
    );
}

#[test]
fn milliseconds_behind_one_statement_do_not_explain_a_slow_p99() {
    let mut pass = healthy();
    let slower = usual(4.32).map(|kind| Kind { p99: 0.9, ..kind });
    set(&mut pass, PhaseName::Migration, &slower);
    let verdict = judged(pass);
    assert_eq!(verdict.deciding().unwrap().rule, "p99_ratio");
    assert_eq!(verdict.deciding().unwrap().statement, None);
}

#[test]
fn a_later_statement_of_another_transaction_is_not_where_the_time_went() {
    let mut pass = locked();
    let statements = &mut pass.migration.as_mut().unwrap().statements;
    let mut build = statement(2, 9, "CREATE INDEX CONCURRENTLY i ON measurements (at)");
    build.start = secs(14.33);
    build.duration = secs(30.0);
    statements.push(build);
    assert_eq!(blame(&pass)[0].spent_in, None);
    pass.migration.as_mut().unwrap().statements[2].start = secs(10.02);
    assert_eq!(blame(&pass)[0].spent_in, Some(2));
}

#[test]
fn an_interrupted_rehearsal_is_never_safe() {
    let mut interrupted = context();
    interrupted.interrupted = true;
    let verdict = judge(&Limits::default(), &[healthy()], &interrupted);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    let verdict = judge(&Limits::default(), &[locked()], &interrupted);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
}

#[test]
fn a_kind_that_a_long_migration_never_met_is_inconclusive() {
    let mut pass = healthy();
    let mut kinds = usual(4.32);
    kinds[0].requests += kinds[2].requests;
    kinds[2].requests = 0;
    set(&mut pass, PhaseName::Migration, &kinds);
    let verdict = judged(pass.clone());
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert!(verdict.reasons[0].contains("no admit-patient came due while the migration ran"));
    // Nobody can have waited long for a migration that was over at once.
    let quick = pass
        .phases
        .iter_mut()
        .find(|phase| phase.name == PhaseName::Migration);
    let quick = quick.unwrap();
    quick.end = quick.start + secs(1.5);
    assert_eq!(judged(pass).outcome, Outcome::Safe);
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
fn thin_evidence_is_never_safe() {
    type Thin = fn(&mut Pass);
    let thinned: [(&str, Thin); 7] = [
        ("no migration ran", |pass| pass.migration = None),
        ("too few", |pass| {
            set(pass, PhaseName::Baseline, &usual(0.2));
        }),
        ("aborted", |pass| {
            pass.migration.as_mut().unwrap().outcome = MigrationOutcome::Aborted;
        }),
        ("too coarse", |pass| {
            pass.locks.sample_error = Duration::from_secs(3);
        }),
        ("before the recovery", |pass| {
            pass.phases.pop();
        }),
        ("in recovery", |pass| {
            set(pass, PhaseName::Recovery, &[]);
        }),
        ("did not reach its rate", |pass| {
            set(pass, PhaseName::Recovery, &usual(5.0));
        }),
    ];
    for (reason, thin) in thinned {
        let mut pass = healthy();
        thin(&mut pass);
        let verdict = judged(pass);
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{reason}");
        assert!(
            verdict.reasons.iter().any(|said| said.contains(reason)),
            "{verdict:?}"
        );
    }
    assert_eq!(
        judge(&Limits::default(), &[], &context()).outcome,
        Outcome::Inconclusive
    );
}

#[test]
fn a_kind_that_never_came_due_is_inconclusive() {
    let mut pass = healthy();
    for (name, seconds) in [(PhaseName::Migration, 4.32), (PhaseName::Recovery, 10.0)] {
        let mut kinds = usual(seconds);
        kinds[0].requests += kinds[2].requests;
        kinds[2].requests = 0;
        set(&mut pass, name, &kinds);
    }
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert!(verdict.reasons[0].contains("no admit-patient came due"));
}

#[test]
fn a_failed_rule_outweighs_thin_evidence() {
    let mut pass = locked();
    pass.phases.pop();
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert!(verdict.caveats[0].contains("before the recovery"));
}

#[test]
fn disturbances_call_for_a_disturbed_pass() {
    let mut context = context();
    context.disturbances_given = true;
    let alone = judge(&Limits::default(), &[healthy()], &context);
    assert_eq!(alone.outcome, Outcome::Inconclusive);
    let mut disturbed = healthy();
    disturbed.name = PassName::Disturbed;
    let both = judge(
        &Limits::default(),
        &[healthy(), disturbed.clone()],
        &context,
    );
    assert_eq!(both.outcome, Outcome::Safe);
    let mut hurt = locked();
    hurt.name = PassName::Disturbed;
    let either = judge(&Limits::default(), &[healthy(), hurt], &context);
    assert_eq!(either.outcome, Outcome::Unsafe);
    assert_eq!(either.deciding().unwrap().pass, PassName::Disturbed);
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

/// Migrating with such a p99 and such a p99 of the generator's lag.
fn migrating_late(p99: f64, lag: f64) -> Pass {
    let mut pass = healthy();
    let slower = usual(4.32).map(|kind| Kind { p99, ..kind });
    set(&mut pass, PhaseName::Migration, &slower);
    let late = Some(Lag {
        p50: lag / 10.0,
        p99: lag,
        max: lag * 2.0,
        mean: lag / 5.0,
    });
    pass.phases[1].lag = late;
    for kind in &mut pass.phases[1].transactions {
        kind.lag = late;
    }
    pass
}

#[test]
fn a_p99_that_fails_on_a_machine_too_busy_is_doubted() {
    // By the lag alone, and with a lag that no baseline may have.
    for (p99, lag) in [(0.15, 0.09), (0.4, 0.018)] {
        let verdict = judged(migrating_late(p99, lag));
        assert_eq!(verdict.outcome, Outcome::Inconclusive);
        assert!(verdict.reasons[0].contains("too busy to tell"));
    }
    assert_eq!(judged(migrating_late(0.4, 0.002)).outcome, Outcome::Unsafe);
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
        verdict.reasons[0].contains("by chance"),
        "{:?}",
        verdict.reasons
    );
    during[0].lost = 4;
    set(&mut pass, PhaseName::Migration, &during);
    assert_eq!(judged(pass).outcome, Outcome::Unsafe);
}

#[test]
fn a_measurement_within_its_noise_is_told() {
    let mut pass = healthy();
    pass.locks.waits[0].length = Duration::from_millis(1_995);
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Safe);
    insta::assert_snapshot!(verdict.caveats.last().unwrap(), @"lock_wait is within the noise of its limit (2.00 s ± 12.0 ms, limit 2.00 s): another run may decide otherwise");
}

#[test]
fn waits_of_others_and_behind_others_are_not_owed_to_the_migration() {
    let mut pass = healthy();
    let mut behind_traffic = wait(RECORD, 11.0, 9.0);
    behind_traffic.root.kind = RootKind::Traffic;
    let vacuum = wait("other", 11.0, 9.0);
    let own = wait("migration", 11.0, 9.0);
    pass.locks = locks(vec![behind_traffic, vacuum, own]);
    assert_eq!(judged(pass.clone()).outcome, Outcome::Safe);
    assert_eq!(blame(&pass), []);
}

#[test]
fn blame_gathers_waits_by_statement_and_relation() {
    let mut pass = healthy();
    let reader = LockWait {
        root: Root {
            statement: Some(0),
            ..wait(CHART, 0.0, 0.0).root
        },
        ..wait(CHART, 10.0, 0.5)
    };
    pass.locks = locks(vec![
        wait(RECORD, 10.0, 1.0),
        wait(RECORD, 10.5, 1.0),
        wait(ADMIT, 11.0, 0.25),
        reader,
    ]);
    let statements = &mut pass.migration.as_mut().unwrap().statements;
    statements[1].locks.push(HeldLock {
        relation: "public.measurements".to_owned(),
        mode: "ShareRowExclusiveLock".to_owned(),
        held: Some(secs(1.7)),
    });
    let blames = blame(&pass);
    assert_eq!(blames.len(), 2);
    let first = &blames[0];
    assert_eq!(first.statement, Some(1));
    assert_eq!(first.held, Some(secs(1.7)));
    assert_eq!((first.waits, first.peak), (3, 2));
    assert_eq!((first.longest, first.total), (secs(1.0), secs(2.25)));
    assert_eq!(first.waiters[0].transaction, RECORD);
    assert_eq!(first.waiters[0].total, secs(2.0));
    assert_eq!(blames[1].statement, Some(0));
}

#[test]
fn a_check_judges_what_no_longer_runs() {
    let migration = healthy().migration.unwrap();
    let broken = BrokenStatement {
        transaction: CHART.to_owned(),
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
