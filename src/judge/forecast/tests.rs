mod findings;
mod fit;

use std::time::Duration;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fit::{Point, Scatter, fit};
use super::*;
use crate::judge::fixtures::{self, context, healthy, secs};
use crate::judge::{Context, TableSize, Verdict, Window, judge};
use crate::observe::{
    Growth, HeldLock, LockWait, Migration, MigrationOutcome, Root, RootKind, Statement, TableUsage,
};
use crate::scenario::plan::{Limits, Outcome};
use crate::units::Rows;

const SIZES: [u64; 5] = [125_000, 250_000, 500_000, 1_000_000, 2_000_000];
const PRODUCTION: u64 = 800_000_000;
const BIG: &str = "public.measurements";
const SMALL_TABLE: &str = "public.wards";

const TIMES: Scatter = Scatter {
    amount: 0.01,
    least: 0.03,
};

/// A statement that takes so long and does nothing.
fn statement(index: usize, seconds: f64) -> Statement {
    Statement {
        start: Duration::ZERO,
        duration: secs(seconds),
        wal_bytes: Some(0),
        ..fixtures::statement(index, index + 1, "")
    }
}

fn scanning(index: usize, seconds: f64) -> Statement {
    Statement {
        scans: vec![BIG.to_owned()],
        ..statement(index, seconds)
    }
}

fn locking(mode: &str, statement: Statement) -> Statement {
    let lock = HeldLock {
        relation: BIG.to_owned(),
        mode: mode.to_owned(),
        held: None,
    };
    Statement {
        locks: vec![lock],
        ..statement
    }
}

/// The statements in one transaction, one after the other.
fn trial(rows: u64, mut statements: Vec<Statement>) -> Trial {
    let mut now = Duration::ZERO;
    for statement in &mut statements {
        statement.start = now;
        now += statement.duration;
    }
    for statement in &mut statements {
        let held = now - statement.start;
        for lock in &mut statement.locks {
            lock.held = Some(held);
        }
    }
    let table = |name: &str, rows, production_rows| TableSize {
        name: name.to_owned(),
        rows: Rows(rows),
        production_rows: Rows(production_rows),
    };
    Trial {
        tables: vec![
            table(BIG, rows, PRODUCTION),
            table(SMALL_TABLE, rows / 1000, 2000),
        ],
        migration: Migration {
            outcome: MigrationOutcome::Applied,
            start: Duration::ZERO,
            end: now,
            committed: statements.len(),
            statements,
            ..healthy().migration.unwrap()
        },
    }
}

/// A trial at each size.
fn trials(at: impl Fn(u64) -> Vec<Statement>) -> Vec<Trial> {
    SIZES.iter().map(|&rows| trial(rows, at(rows))).collect()
}

fn duration_of(forecasts: &[Forecast], statement: usize) -> &Forecast {
    forecasts
        .iter()
        .find(|one| one.statement == statement && one.quantity == Quantity::Duration)
        .unwrap()
}

#[test]
fn what_grows_is_projected_and_what_does_not_is_not_blown_up() {
    let noise = [0.0004, 0.0011, 0.0007, 0.0019, 0.0005];
    let runs = trials(|rows| {
        let place = SIZES.iter().position(|&size| size == rows).unwrap();
        vec![
            statement(0, noise[place]),
            scanning(1, 0.001 + rows as f64 * 2e-6),
        ]
    });
    let forecasts = project(&runs, &[]);
    let alter = duration_of(&forecasts, 0);
    assert_eq!(alter.model, Growth::Constant);
    assert!(alter.high.unwrap() < 0.01, "{alter:?}");
    let scan = duration_of(&forecasts, 1);
    assert_eq!(scan.model, Growth::Linear);
    assert_eq!(
        (scan.table.as_str(), scan.production_rows),
        (BIG, PRODUCTION)
    );
    assert!((scan.predicted.unwrap() - 1600.0).abs() < 2.0, "{scan:?}");
    assert!(
        scan.low.unwrap() > 1000.0 && scan.high.unwrap() < 3000.0,
        "{scan:?}"
    );
    let total = total(&forecasts).unwrap();
    assert!((total.predicted - 1600.0).abs() < 2.0);
}

#[test]
fn the_least_of_several_runs_counts() {
    let mut runs = trials(|rows| vec![scanning(0, rows as f64 * 2e-6)]);
    runs.extend(trials(|rows| vec![scanning(0, rows as f64 * 9e-6)]));
    let forecasts = project(&runs, &[]);
    let scan = duration_of(&forecasts, 0);
    assert_eq!(scan.sizes.len(), SIZES.len());
    assert!((scan.predicted.unwrap() - 1600.0).abs() < 2.0, "{scan:?}");
}

#[test]
fn a_statement_whose_table_is_as_large_as_in_production_takes_what_it_takes() {
    let on_wards = |rows: u64| Statement {
        scans: vec![SMALL_TABLE.to_owned()],
        ..statement(0, rows as f64 * 1e-6)
    };
    let forecasts = project(&trials(|rows| vec![on_wards(rows)]), &[]);
    let scan = duration_of(&forecasts, 0);
    assert_eq!(scan.table, SMALL_TABLE);
    assert_eq!(scan.predicted, Some(2.0));
    assert!(scan.high.unwrap() < 3.0, "{scan:?}");
}

#[test]
fn growing_wal_or_time_is_growth_though_no_scan_is_seen() {
    let wal = |rows: u64| Statement {
        wal_bytes: Some(rows * 100),
        ..statement(0, rows as f64 * 1e-6)
    };
    let forecasts = project(&trials(|rows| vec![wal(rows)]), &[]);
    assert!((duration_of(&forecasts, 0).predicted.unwrap() - 800.0).abs() < 1.0);
    let bytes = forecasts
        .iter()
        .find(|one| one.quantity == Quantity::WalBytes)
        .unwrap();
    assert!(
        (bytes.predicted.unwrap() / 8e10 - 1.0).abs() < 0.01,
        "{bytes:?}"
    );
    let silent = project(&trials(|rows| vec![statement(0, rows as f64 * 1e-6)]), &[]);
    assert!(duration_of(&silent, 0).predicted.unwrap() > 700.0);
}

#[test]
fn what_cannot_be_told_is_refused_with_the_reason() {
    let refused = |runs: &[Trial]| {
        let forecasts = project(runs, &[]);
        let scan = duration_of(&forecasts, 0).clone();
        assert_eq!(scan.predicted, None);
        assert_eq!(total(&forecasts), None);
        // Only of a law that holds is it known between what bounds its value lies.
        let said = scan.refused.clone().unwrap();
        let is_wide = said.starts_with("it may be anything");
        assert_eq!(scan.bounds().is_some(), is_wide, "{said}");
        said
    };
    let line = |rows: u64| vec![scanning(0, rows as f64 * 2e-6)];
    let two: Vec<Trial> = SIZES[3..]
        .iter()
        .map(|&rows| trial(rows, line(rows)))
        .collect();
    assert_eq!(
        refused(&two),
        "it was measured at 2 sizes, and 3 are needed"
    );

    let cliff = |rows: u64| vec![scanning(0, if rows > 500_000 { 20.0 } else { 0.5 })];
    let said = refused(&trials(cliff));
    assert!(
        said.starts_with("what was measured does not lie on a line"),
        "{said}"
    );

    let mut far = trials(line);
    for run in &mut far {
        run.tables[0].production_rows = Rows(4_000_000_000);
    }
    let said = refused(&far);
    assert!(said.contains("2,000 × the rows"), "{said}");

    let scattered = [1.0, 1.2, 0.9, 1.25, 1.1];
    let flat = |rows: u64| {
        let place = SIZES.iter().position(|&size| size == rows).unwrap();
        vec![scanning(0, scattered[place])]
    };
    let said = refused(&trials(flat));
    assert!(said.starts_with("it may be anything from"), "{said}");
}

#[test]
fn what_grows_on_a_table_that_is_all_there_is_not_told() {
    let with_small = |seconds: fn(u64) -> f64, locks: &[&str]| {
        let mut runs = trials(|rows| vec![statement(0, seconds(rows))]);
        for run in &mut runs {
            run.tables[1].rows = run.tables[1].production_rows;
            let lock = |name: &&str| HeldLock {
                relation: (*name).to_owned(),
                mode: "RowExclusiveLock".to_owned(),
                held: None,
            };
            let statement = &mut run.migration.statements[0];
            statement.locks = locks.iter().map(lock).collect();
            statement.scans = vec![SMALL_TABLE.to_owned()];
        }
        duration_of(&project(&runs, &[]), 0).clone()
    };
    let flat = with_small(|_| 0.3, &[SMALL_TABLE]);
    assert!(
        flat.predicted
            .is_some_and(|value| (value - 0.3).abs() < 1e-9)
    );
    let hidden = with_small(|rows| rows as f64 * 2e-6, &[SMALL_TABLE]);
    assert!(
        hidden
            .refused
            .unwrap()
            .contains("it grows, though public.wards")
    );
    // Another table that it locked is what it grows with.
    let with_both = with_small(|rows| rows as f64 * 2e-6, &[SMALL_TABLE, BIG]);
    assert_eq!(with_both.table, BIG);
    assert!((with_both.predicted.unwrap() / 1_600.0 - 1.0).abs() < 0.01);
}

#[test]
fn a_commit_waits_for_the_disk_or_checks_what_was_deferred() {
    let commit = |seconds: f64| Statement {
        sql: "COMMIT".to_owned(),
        ..statement(0, seconds)
    };
    let flushed = [0.001, 0.002, 0.050, 0.004, 0.042];
    let place = |rows| SIZES.iter().position(|&size| size == rows).unwrap();
    let forecasts = project(&trials(|rows| vec![commit(flushed[place(rows)])]), &[]);
    let flush = duration_of(&forecasts, 0);
    assert!(flush.high.unwrap() < 0.2, "{flush:?}");
    let forecasts = project(&trials(|rows| vec![commit(rows as f64 * 2e-6)]), &[]);
    let checks = duration_of(&forecasts, 0).predicted.unwrap();
    assert!((checks / 1_600.0 - 1.0).abs() < 0.01, "{checks}");
    // A key without an index is looked up in all rows for each of them.
    let squared = |rows| vec![commit((rows as f64 * 1e-6).powi(2))];
    let forecasts = project(&trials(squared), &[]);
    assert!(duration_of(&forecasts, 0).refused.is_some());
}

#[test]
fn what_is_open_and_negligible_leaves_the_sum_known() {
    let foreseen = project(&trials(|rows| vec![scanning(0, rows as f64 * 2e-6)]), &[]);
    let known = total(&foreseen).unwrap();
    let with_commit = |high: Option<f64>| {
        let commit = Forecast {
            statement: 1,
            predicted: None,
            low: high.map(|_| 0.0),
            high,
            refused: Some("it may be anything".to_owned()),
            ..duration_of(&foreseen, 0).clone()
        };
        total(&[foreseen.clone(), vec![commit]].concat())
    };
    let whole = with_commit(Some(20.0)).unwrap();
    assert!((whole.predicted - known.predicted - 10.0).abs() < 1e-6);
    assert!((whole.low - known.low).abs() < 1e-6);
    assert!((whole.high - known.high - 20.0).abs() < 1e-6);
    assert_eq!(with_commit(Some(known.predicted / 10.0)), None);
    assert_eq!(with_commit(None), None);
}

#[test]
fn runs_that_failed_are_left_out() {
    let mut runs = trials(|rows| vec![scanning(0, rows as f64 * 2e-6)]);
    let mut failed = trial(4_000_000, vec![scanning(0, 0.0)]);
    failed.migration.outcome = MigrationOutcome::Failed;
    runs.push(failed);
    assert_eq!(
        duration_of(&project(&runs, &[]), 0).sizes.len(),
        SIZES.len()
    );
    assert_eq!(project(&[], &[]), []);
}

#[test]
fn a_lock_is_held_for_all_that_runs_under_it() {
    let runs = trials(|rows| {
        vec![
            locking("AccessExclusiveLock", statement(0, 0.001)),
            scanning(1, rows as f64 * 2e-6),
            scanning(2, rows as f64 * 1e-6),
        ]
    });
    let forecasts = project(&runs, &[]);
    let hold = forecasts
        .iter()
        .find(|one| one.quantity == Quantity::LockHeld)
        .unwrap();
    assert_eq!(hold.statement, 0);
    assert_eq!(hold.relation.as_deref(), Some(BIG));
    assert_eq!(hold.mode.as_deref(), Some("AccessExclusiveLock"));
    assert!((hold.predicted.unwrap() - 2400.0).abs() < 2.0, "{hold:?}");
    assert!((hold.measured().unwrap() - 6.001).abs() < 1e-6, "{hold:?}");
    assert_eq!(hold.production_rows, PRODUCTION);
}

#[test]
fn time_without_a_processor_does_not_count() {
    let statements = vec![
        locking("AccessExclusiveLock", statement(0, 1.0)),
        scanning(1, 5.0),
        scanning(2, 2.0),
    ];
    let Trial { tables, migration } = trial(2_000_000, statements);
    let starved = [(1, secs(4.0)), (2, secs(9.0))].into_iter().collect();
    let lean = Trial::new(tables, migration, &starved);
    let statements = &lean.migration.statements;
    let durations: Vec<f64> = statements
        .iter()
        .map(|statement| statement.duration.as_secs_f64())
        .collect();
    // No statement takes less than nothing.
    assert_eq!(durations, [1.0, 1.0, 0.0]);
    let starts: Vec<f64> = statements
        .iter()
        .map(|statement| statement.start.as_secs_f64())
        .collect();
    assert_eq!(starts, [0.0, 1.0, 2.0]);
    assert_eq!(statements[0].locks[0].held, Some(secs(2.0)));
}

#[test]
fn a_lock_of_a_statement_outside_transactions_is_known_from_the_passes() {
    let runs = trials(|rows| vec![scanning(0, rows as f64 * 2e-6)]);
    let hold = |seconds| {
        let mut pass = healthy();
        pass.locks.sample_interval = secs(0.01);
        let migration = pass.migration.as_mut().unwrap();
        migration.statements = vec![locking("AccessExclusiveLock", scanning(0, 8.0))];
        migration.statements[0].locks[0].held = Some(secs(seconds));
        let forecasts = project(&runs, &[pass]);
        let of = |quantity| {
            let mut forecasts = forecasts.iter();
            forecasts.find(|one| one.quantity == quantity).cloned()
        };
        of(Quantity::Duration).zip(of(Quantity::LockHeld))
    };
    // Half of the time, give or take 10 ms of 8 s at either end.
    let (all, long) = hold(4.0).unwrap();
    assert!((long.predicted.unwrap() - 800.0).abs() < 1.0, "{long:?}");
    let (all, (low, high)) = (all.bounds().unwrap(), long.bounds().unwrap());
    assert!((low - all.0 * 0.4975).abs() < 1e-6, "{long:?}");
    assert!((high - all.1 * 0.5025).abs() < 1e-6, "{long:?}");
    // A moment, for all that was seen: whether it grows, nobody knows.
    let (_, brief) = hold(0.005).unwrap();
    let (low, high) = brief.bounds().unwrap();
    assert!(low.abs() < f64::EPSILON && high > 5.0, "{brief:?}");
}
