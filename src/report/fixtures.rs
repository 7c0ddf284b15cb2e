//! Full reports of the three outcomes and of a check, for tests of every format.

use std::collections::BTreeMap;

use serde_json::json;

use crate::judge::fixtures::{
    RECORD, context, healthy, locked, overloaded, released, restarted, secs, wait,
};
use crate::judge::{Age, BrokenStatement, Compatibility, judge, judge_check};
use crate::observe::{
    FleetEvent, FleetEventKind, Forecast, ForecastPoint, Growth, Integrity, Invariant,
    MigrationError, MigrationOutcome, Pass, PassName, Quantity, ServerError,
};
use crate::scenario::plan::{Limits, Role};
use crate::units::Rows;

use super::load::{LoadTarget, Usage};
use super::{Environment, Fill, Load, Report, Table, Tool};

fn report(pass: Pass) -> Report {
    let passes = vec![pass];
    Report {
        format_version: Report::FORMAT_VERSION,
        tool: Tool {
            name: "pgrehearse".to_owned(),
            version: "0.1.0".to_owned(),
        },
        environment: Environment {
            postgres_version: "15.14".to_owned(),
            shadow: "embedded".to_owned(),
            cpus: 2,
            memory_bytes: Some(8_000_000_000),
            settings: BTreeMap::from([("shared_buffers".to_owned(), "2GB".to_owned())]),
        },
        plan: json!({
            "name": "foreign-key",
            "title": "A foreign key added to a large, busy table",
            "seed": 42,
            "migration": { "file": "migration.sql" },
            "traffic": { "rate": 400.0 },
            "application": { "instances": 4 },
        }),
        verdict: Some(judge(&Limits::default(), &passes, &context())),
        passes,
        integrity: Integrity {
            fingerprint_before: Some("6b1f".to_owned()),
            fingerprint_after: Some("90c2".to_owned()),
            ..Integrity::default()
        },
        abort: None,
        rollback: None,
        forecasts: Vec::new(),
        interrupted: false,
        load: None,
        fill: Some(Fill {
            rows: 2_100_000,
            duration: secs(11.5),
            cached: false,
            ready: secs(14.2),
        }),
        tables: vec![Table {
            name: "public.measurements".to_owned(),
            rows: Rows(2_000_000),
            production_rows: Rows(800_000_000),
            bytes: Some(314_000_000),
        }],
        tolerance: None,
        broken_statements: Vec::new(),
        rewrite: None,
        compatibility: Vec::new(),
        statements: None,
        notes: Vec::new(),
    }
}

pub(super) fn unsafe_report() -> Report {
    report(locked())
}

/// The incident with health checks that restart the instances.
pub(super) fn restarted_report() -> Report {
    report(restarted())
}

pub(super) fn safe_report() -> Report {
    report(healthy())
}

pub(super) fn inconclusive_report() -> Report {
    report(overloaded())
}

/// Traffic alone, on a database of the user's, with errors.
pub(super) fn load_report() -> Report {
    let mut pass = healthy();
    pass.name = PassName::Load;
    pass.migration = None;
    pass.phases.truncate(1);
    pass.locks = Default::default();
    pass.impact = Default::default();
    let phase = &mut pass.phases[0];
    phase.accounting.completed -= 7;
    phase.accounting.failed += 7;
    phase.errors.insert("40001".to_owned(), 7);
    let kind = &mut phase.transactions[0];
    kind.errors.insert("40001".to_owned(), 7);
    let ended = phase.accounting.scheduled;
    let mut report = report(pass);
    report.verdict = None;
    report.fill = None;
    report.tables.clear();
    report.plan = json!({
        "name": "load",
        "title": "tpcb-like on bench",
        "traffic": { "rate": 400.0, "protocol": "prepared" },
    });
    report.load = Some(Load {
        target: Some(LoadTarget {
            url: "postgres://ann@db.example.org/bench".to_owned(),
            database: "bench".to_owned(),
            system_identifier: "7312345678901234567".to_owned(),
            licence: "marked as disposable".to_owned(),
        }),
        usage: Usage {
            peak_memory_bytes: Some(21_000_000),
            ..Usage::of(secs(0.25), ended, secs(10.0))
        },
    });
    report
}

/// Instances go over to the next release one after the other, once the migration has been applied.
pub(super) fn released_report() -> Report {
    let mut pass = released(Some(RECORD), [0, 0, 2_400], 0.009);
    for (instance, at) in [(0, 14.4), (1, 16.4), (2, 18.4), (3, 20.4)] {
        pass.events.push(FleetEvent {
            at: secs(at),
            instance,
            kind: FleetEventKind::Released,
        });
    }
    report(pass)
}

/// The running release breaks on the new schema, and the next one on the old.
fn compatibility(broken: &[BrokenStatement]) -> Vec<Compatibility> {
    let needs = BrokenStatement {
        transaction: "open-chart-by-ward".to_owned(),
        role: Role::Next,
        message: "column \"ward\" does not exist".to_owned(),
        ..broken[0].clone()
    };
    let cell = |code, schema, broken: &[BrokenStatement]| Compatibility {
        code,
        schema,
        broken: broken.to_vec(),
    };
    vec![
        cell(Age::Old, Age::Old, &[]),
        cell(Age::Old, Age::New, broken),
        cell(Age::New, Age::Old, &[needs]),
        cell(Age::New, Age::New, &[]),
    ]
}

/// A check whose migration takes a column away that the release still reads.
pub(super) fn check_report() -> Report {
    let mut pass = locked();
    pass.name = PassName::Check;
    pass.phases.clear();
    pass.series.clear();
    pass.locks = Default::default();
    pass.impact = Default::default();
    let mut report = report(pass);
    report.fill = None;
    report.tables.clear();
    report.broken_statements = vec![BrokenStatement {
        transaction: "open-chart".to_owned(),
        role: Role::Current,
        file: Some("traffic/chart.sql".to_owned()),
        line: 3,
        sql: "SELECT unit FROM measurements WHERE patient_id = $1".to_owned(),
        sqlstate: Some("42703".to_owned()),
        message: "column \"unit\" does not exist".to_owned(),
    }];
    report.compatibility = compatibility(&report.broken_statements);
    let migration = report.passes[0].migration.clone().unwrap();
    report.verdict = Some(judge_check(
        &migration,
        &report.broken_statements,
        &report.integrity,
    ));
    report
}

/// Two passes, a failed migration, and every field that may be absent present.
pub(super) fn full_report() -> Report {
    let mut failed = restarted();
    failed.name = PassName::Disturbed;
    let migration = failed.migration.as_mut().unwrap();
    migration.outcome = MigrationOutcome::Failed;
    migration.error = Some(MigrationError {
        sqlstate: Some("23503".to_owned()),
        message: "Key (patient_id)=(17) is not present in table \"patients\".".to_owned(),
        statement: Some(1),
    });
    migration.statements[1].error = Some(ServerError {
        sqlstate: Some("23503".to_owned()),
        message: "Key (patient_id)=(17) is not present in table \"patients\".".to_owned(),
    });
    migration.statements[1].lock_wait = secs(1.9);
    migration.statements[0].rewrites = vec!["public.measurements".to_owned()];
    migration.statements[0].indexes_built = vec!["public.measurements_pkey".to_owned()];
    let mut report = report(locked());
    report.passes.push(failed);
    report.passes[0]
        .locks
        .waits
        .push(wait("open-chart", 12.5, 0.02));
    report.verdict = Some(judge(&Limits::default(), &report.passes, &context()));
    report.integrity.invalid_indexes = vec!["public.measurements_at_idx".to_owned()];
    report.integrity.unvalidated_constraints =
        vec!["public.measurements.measurements_patient_fk".to_owned()];
    report.integrity.leftovers = vec!["column public.measurements.patient_id".to_owned()];
    report.integrity.schema_diff = vec![
        "+ column public.measurements.patient_id bigint".to_owned(),
        "~ constraint public.measurements.positive: valid → NOT VALID".to_owned(),
    ];
    report.integrity.invariants = vec![Invariant {
        name: "no-measurement-without-patient".to_owned(),
        before: 0,
        at_end: None,
        after: Some(12),
        error: None,
        expect: 0,
        passed: false,
    }];
    report.forecasts = forecasts();
    report
}

/// Of a statement that does not grow, one that does under the first one's lock, and one that nothing can be said of.
fn forecasts() -> Vec<Forecast> {
    let measured = [(125_000, 0.29), (500_000, 1.08), (2_000_000, 4.25)];
    let sizes = |factor: f64| {
        let point = |(rows, measured)| ForecastPoint {
            rows,
            measured: measured * factor,
        };
        measured.map(point).to_vec()
    };
    let grows = Forecast {
        statement: 1,
        quantity: Quantity::Duration,
        relation: None,
        mode: None,
        table: "public.measurements".to_owned(),
        sizes: sizes(1.0),
        production_rows: 800_000_000,
        model: Growth::Linear,
        predicted: Some(1_700.0),
        low: Some(1_400.0),
        high: Some(2_100.0),
        fit_error: 0.03125,
        refused: None,
    };
    let lock = Forecast {
        statement: 0,
        quantity: Quantity::LockHeld,
        relation: Some("public.measurements".to_owned()),
        mode: Some("AccessExclusiveLock".to_owned()),
        ..grows.clone()
    };
    let stays = Forecast {
        statement: 0,
        model: Growth::Constant,
        sizes: sizes(0.001),
        predicted: Some(0.002),
        low: Some(0.0),
        high: Some(0.005),
        ..grows.clone()
    };
    let wal = Forecast {
        quantity: Quantity::WalBytes,
        model: Growth::NLogN,
        sizes: sizes(1e8),
        predicted: Some(1.7e11),
        low: Some(1.6e11),
        high: Some(1.9e11),
        ..grows.clone()
    };
    let refused = Forecast {
        statement: 2,
        predicted: None,
        low: None,
        high: None,
        fit_error: 0.41,
        refused: Some("what was measured does not lie on a line: it is off by 41 %".to_owned()),
        ..grows.clone()
    };
    vec![stays, lock, grows, wal, refused]
}
