//! What the projection means for the verdict.

use super::*;

/// A verdict on a pass without harm, with a forecast of one statement: its lock, and its seconds for a row.
fn judged(mode: &str, per_row: f64, usage: TableUsage) -> Verdict {
    let runs = trials(|rows| vec![locking(mode, scanning(0, 0.001 + rows as f64 * per_row))]);
    verdict(&runs, Pass { usage, ..healthy() })
}

fn verdict(runs: &[Trial], pass: Pass) -> Verdict {
    let passes = [pass];
    let context = Context {
        forecast_made: true,
        forecasts: project(runs, &passes),
        ..context()
    };
    judge(&Limits::default(), &passes, &context)
}

fn usage(read: &[&str], written: &[&str], idle: &[&str]) -> TableUsage {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    TableUsage {
        used: owned(read),
        written: owned(written),
        idle: owned(idle),
    }
}

fn foreseen<'v>(verdict: &'v Verdict, rule: &str) -> Vec<&'v crate::judge::Finding> {
    verdict
        .findings
        .iter()
        .filter(|finding| finding.window == Window::Forecast && finding.rule == rule)
        .collect()
}

#[test]
fn a_lock_that_production_holds_for_minutes_is_unsafe() {
    let verdict = judged("AccessExclusiveLock", 2e-6, usage(&[BIG], &[BIG], &[]));
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    let said = &verdict.reasons[0];
    assert!(
        said.starts_with(
            "at production size statement 1 (migration.sql:3) would hold AccessExclusiveLock on \
             public.measurements for 27 min ("
        ),
        "{said}"
    );
    assert!(said.ends_with("the limit is 2.00 s"), "{said}");
    assert_eq!(foreseen(&verdict, "lock_wait").len(), 1);
    assert!(
        !verdict
            .caveats
            .iter()
            .any(|caveat| caveat.contains("no forecast made"))
    );
}

#[test]
fn a_lock_that_is_short_at_production_size_is_safe() {
    let verdict = judged("AccessExclusiveLock", 1e-10, usage(&[BIG], &[BIG], &[]));
    assert_eq!(verdict.outcome, Outcome::Safe, "{:#?}", verdict.reasons);
    assert!(foreseen(&verdict, "lock_wait")[0].passed);
    assert!(foreseen(&verdict, "migration_time")[0].passed);
}

#[test]
fn a_limit_within_the_interval_decides_nothing() {
    for per_row in [2.3e-9, 2.6e-9] {
        let verdict = judged("AccessExclusiveLock", per_row, usage(&[BIG], &[BIG], &[]));
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{per_row}");
        let said = &verdict.reasons[0];
        assert!(
            said.contains("whether that is kept cannot be told"),
            "{said}"
        );
    }
}

#[test]
fn a_hold_that_may_break_the_limit_is_not_cut_for_a_longer_one_that_keeps_it() {
    let runs = trials(|rows| {
        vec![locking(
            "AccessExclusiveLock",
            scanning(0, 0.001 + rows as f64 * 1e-10),
        )]
    });
    let pass = Pass {
        usage: usage(&[BIG], &[BIG], &[]),
        ..healthy()
    };
    let passes = [pass];
    let projected = project(&runs, &passes);
    let mut holds = projected.iter();
    let hold = holds
        .find(|one| one.quantity == Quantity::LockHeld)
        .unwrap();
    let of = |statement, [low, predicted, high]: [f64; 3]| Forecast {
        statement,
        low: Some(low),
        predicted: Some(predicted),
        high: Some(high),
        ..hold.clone()
    };
    let outcome = |forecasts| {
        let context = Context {
            forecast_made: true,
            forecasts,
            ..context()
        };
        judge(&Limits::default(), &passes, &context).outcome
    };
    let (kept, open) = ([1.85, 1.9, 1.95], [1.2, 1.7, 2.5]);
    assert_eq!(outcome(vec![of(0, kept)]), Outcome::Safe);
    assert_eq!(
        outcome(vec![of(0, kept), of(1, open)]),
        Outcome::Inconclusive
    );
    // Of two relations that one statement locks, too.
    assert_eq!(
        outcome(vec![of(0, kept), of(0, open)]),
        Outcome::Inconclusive
    );
    assert_eq!(
        outcome(vec![of(0, open), of(0, kept)]),
        Outcome::Inconclusive
    );
}

#[test]
fn a_lock_hurts_only_what_the_traffic_does_with_the_table() {
    let share = |usage| judged("ShareLock", 2e-6, usage).outcome;
    assert_eq!(share(usage(&[BIG], &[BIG], &[])), Outcome::Unsafe);
    assert_eq!(
        share(usage(&[BIG], &[], &[])),
        Outcome::Safe,
        "it is only read"
    );
    assert_eq!(
        share(TableUsage::default()),
        Outcome::Unsafe,
        "nobody knows"
    );
    let exclusive = |usage| judged("AccessExclusiveLock", 2e-6, usage).outcome;
    assert_eq!(exclusive(usage(&[BIG], &[], &[])), Outcome::Unsafe);
    let idle = judged(
        "AccessExclusiveLock",
        2e-6,
        usage(&[SMALL_TABLE], &[], &[BIG]),
    );
    assert_eq!(
        foreseen(&idle, "lock_wait"),
        [] as [&crate::judge::Finding; 0]
    );
}

#[test]
fn what_cannot_be_foreseen_forbids_safe_unless_the_limit_is_kept_all_the_same() {
    let pass = || Pass {
        usage: usage(&[BIG], &[BIG], &[]),
        ..healthy()
    };
    let judged = |mode: &str, seconds: &dyn Fn(usize) -> f64| {
        let place = |rows| SIZES.iter().position(|&size| size == rows).unwrap();
        let runs = trials(|rows| vec![locking(mode, scanning(0, seconds(place(rows))))]);
        verdict(&runs, pass())
    };
    let is_told = |sentences: &[String]| {
        let told = |sentence: &String| sentence.contains("at production size cannot be told");
        sentences.iter().any(told)
    };
    // It lies on no line, so it may take any time, under whichever lock.
    let cliff = |place| [0.5, 0.5, 0.5, 20.0, 20.0][place];
    for mode in ["AccessExclusiveLock", "ShareUpdateExclusiveLock"] {
        let open = judged(mode, &cliff);
        assert_eq!(open.outcome, Outcome::Inconclusive, "{:#?}", open.reasons);
        assert!(is_told(&open.reasons), "{:#?}", open.reasons);
    }
    // Whether it takes seconds or minutes cannot be told, but that is within the hour that a migration may take; not
    // within the two seconds that anybody may wait.
    let scattered = |place| [0.10, 0.12, 0.09, 0.125, 0.11][place];
    let harmless = judged("ShareUpdateExclusiveLock", &scattered);
    assert_eq!(harmless.outcome, Outcome::Safe, "{:#?}", harmless.reasons);
    assert!(is_told(&harmless.caveats), "{:#?}", harmless.caveats);
    let hurting = judged("AccessExclusiveLock", &scattered);
    assert_eq!(hurting.outcome, Outcome::Inconclusive);
}

#[test]
fn rows_that_somebody_waited_for_are_held_until_the_commit() {
    let runs = trials(|rows| vec![locking("RowExclusiveLock", scanning(0, rows as f64 * 2e-6))]);
    let mut pass = healthy();
    pass.usage = usage(&[BIG], &[BIG], &[]);
    assert_eq!(
        verdict(&runs, pass.clone()).outcome,
        Outcome::Safe,
        "nobody waited"
    );
    pass.locks.waits.push(LockWait {
        start: 10.1,
        length: secs(0.5),
        relation: Some(BIG.to_owned()),
        mode: "ShareLock".into(),
        locktype: "transactionid".into(),
        waiter: "record-measurement".into(),
        root: Root {
            kind: RootKind::Migration,
            statement: Some(0),
            mode: None,
            pid: 1,
            name: None,
        },
        depth: 1,
        via: Vec::new(),
    });
    let verdict = verdict(&runs, pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert!(verdict.reasons[0].contains("row locks on public.measurements"));
}

#[test]
fn a_migration_that_takes_hours_in_production_is_unsafe() {
    let harmless = |rows: u64| {
        let validate = scanning(0, rows as f64 * 2e-5);
        vec![locking("ShareUpdateExclusiveLock", validate)]
    };
    let runs = trials(harmless);
    let verdict = verdict(&runs, healthy());
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    let said = &verdict.reasons[0];
    assert!(
        said.starts_with("at production size the migration would take 4.4 h ("),
        "{said}"
    );
    let off = Limits {
        forecast: false,
        ..Limits::default()
    };
    let context = Context {
        forecast_made: true,
        forecasts: project(&runs, &[]),
        ..context()
    };
    assert_eq!(judge(&off, &[healthy()], &context).outcome, Outcome::Safe);
}
