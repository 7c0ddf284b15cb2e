//! What evidence cannot carry.

use super::*;

#[test]
fn a_little_lag_does_not_excuse_seconds_of_waiting() {
    for (lag, outcome) in [
        (0.0105, Outcome::Unsafe),
        // Much beside the limit, little beside the seconds that somebody waited.
        (0.25, Outcome::Unsafe),
        (0.6, Outcome::Inconclusive),
    ] {
        let mut pass = locked();
        let late = Lag {
            p50: 0.001,
            p99: lag,
            max: 0.7,
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
        written: Vec::new(),
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
fn a_generator_that_could_not_keep_up_is_inconclusive() {
    insta::assert_snapshot!(show(&judged(overloaded())), @r##"
    inconclusive
    - the load generator could not keep up: its lag in the baseline has a p99 of 220 ms, more than 10.0 ms; lower the rate or use a larger machine
    ~ judged at 2M rows of public.measurements; production has 800M (no forecast made)
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
fn few_requests_before_the_migration_do_not_excuse_a_lock() {
    let mut pass = locked();
    set(&mut pass, PhaseName::Baseline, &usual(0.2));
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert_eq!(verdict.deciding().unwrap().rule, "lock_wait");
    assert!(verdict.caveats[0].contains("too few transactions"));
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
    context.disturbances = true;
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
fn a_disturbance_that_was_not_there_disturbed_nothing() {
    let mut context = context();
    context.disturbances = true;
    let of = |times: Option<(f64, f64)>, error: Option<&str>| {
        let mut disturbed = healthy();
        disturbed.name = PassName::Disturbed;
        disturbed.disturbances = vec![Disturbance {
            kind: "long-transaction".to_owned(),
            table: None,
            start: times.map(|(start, _)| secs(start)),
            end: times.map(|(_, end)| secs(end)),
            pid: 7,
            error: error.map(str::to_owned),
        }];
        judge(&Limits::default(), &[healthy(), disturbed], &context)
    };
    let lost = Some("the connection was lost");
    assert_eq!(of(Some((8.0, 12.0)), None).outcome, Outcome::Safe);
    // It was in the way for long enough, however it ended.
    assert_eq!(of(Some((8.0, 12.0)), lost).outcome, Outcome::Safe);
    let told = [
        of(None, None),
        of(Some((8.0, 9.5)), lost),
        of(Some((12.0, 12.05)), lost),
        of(Some((4.0, 9.0)), None),
        of(Some((18.0, 23.0)), None),
        of(None, lost),
    ]
    .map(|verdict| format!("{:?}: {}", verdict.outcome, verdict.reasons.join("; ")));
    insta::assert_snapshot!(told.join("\n"), @r"
    Inconclusive: the disturbance long-transaction never began: let it begin earlier, or make the recovery longer
    Inconclusive: the disturbance long-transaction was in nobody's way: it ended after 1.50 s with an error: the connection was lost
    Inconclusive: the disturbance long-transaction was in nobody's way: it ended after 50.0 ms with an error: the connection was lost
    Inconclusive: the disturbance long-transaction was in nobody's way: it was over before the migration began: let it last longer, or begin later
    Inconclusive: the disturbance long-transaction was in nobody's way: it began only when the migration was over: let it begin earlier
    Inconclusive: when the disturbance long-transaction was in the way is not known: the connection was lost
    ");
}

#[test]
fn what_was_asked_for_and_not_made_forbids_safe() {
    let mut context = context();
    context.missing = vec!["the abort could not be made".to_owned()];
    let of = |pass| judge(&Limits::default(), &[pass], &context);
    let thin = of(healthy());
    assert_eq!(thin.outcome, Outcome::Inconclusive);
    assert_eq!(thin.reasons, ["the abort could not be made"]);
    assert_eq!(of(locked()).outcome, Outcome::Unsafe);
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
fn a_machine_too_busy_for_many_kinds_is_said_once() {
    let verdict = judged(migrating_late(0.4, 0.018));
    let doubted = verdict
        .findings
        .iter()
        .filter(|finding| finding.doubt.is_some());
    let others = doubted.count() - 1;
    assert!(others > 1);
    let told: Vec<&String> = verdict
        .reasons
        .iter()
        .filter(|reason| reason.contains("too busy to tell"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].ends_with(&format!("(and {others} more findings of this rule)")),
        "{told:?}"
    );
}

#[test]
fn restarts_on_a_machine_too_busy_are_doubted() {
    let mut pass = healthy();
    pass.impact.restarts = 1;
    for phase in &mut pass.phases {
        phase.lag = phase
            .lag
            .filter(|_| phase.name == PhaseName::Baseline)
            .or(Some(Lag {
                p50: 0.01,
                p99: 0.3,
                max: 1.0,
                mean: 0.02,
            }));
    }
    assert_eq!(judged(pass).outcome, Outcome::Inconclusive);
}
