//! Full reports of the three outcomes and of a check, for tests of every format.

use std::collections::BTreeMap;

use serde_json::json;

use crate::judge::fixtures::{context, healthy, locked, overloaded, secs, wait};
use crate::judge::{BrokenStatement, judge, judge_check};
use crate::observe::{
    Forecast, ForecastPoint, Integrity, Invariant, MigrationError, MigrationOutcome, Pass,
    PassName, ServerError,
};
use crate::scenario::plan::Limits;
use crate::units::Rows;

use super::{Environment, Fill, Report, Table, Tool};

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
        }),
        verdict: judge(&Limits::default(), &passes, &context()),
        passes,
        integrity: Integrity {
            fingerprint_before: Some("6b1f".to_owned()),
            fingerprint_after: Some("90c2".to_owned()),
            ..Integrity::default()
        },
        forecasts: Vec::new(),
        interrupted: false,
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
        broken_statements: Vec::new(),
        notes: Vec::new(),
    }
}

pub(super) fn unsafe_report() -> Report {
    report(locked())
}

pub(super) fn safe_report() -> Report {
    report(healthy())
}

pub(super) fn inconclusive_report() -> Report {
    report(overloaded())
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
        file: Some("traffic/chart.sql".to_owned()),
        line: 3,
        sql: "SELECT unit FROM measurements WHERE patient_id = $1".to_owned(),
        sqlstate: Some("42703".to_owned()),
        message: "column \"unit\" does not exist".to_owned(),
    }];
    let migration = report.passes[0].migration.clone().unwrap();
    report.verdict = judge_check(&migration, &report.broken_statements, &report.integrity);
    report
}

/// Two passes, a failed migration, and every field that may be absent present.
pub(super) fn full_report() -> Report {
    let mut failed = locked();
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
    report.verdict = judge(&Limits::default(), &report.passes, &context());
    report.integrity.invalid_indexes = vec!["public.measurements_at_idx".to_owned()];
    report.integrity.unvalidated_constraints =
        vec!["public.measurements.measurements_patient_fk".to_owned()];
    report.integrity.leftovers = vec!["column public.measurements.patient_id".to_owned()];
    report.integrity.invariants = vec![Invariant {
        name: "no-measurement-without-patient".to_owned(),
        before: 0,
        after: Some(12),
        error: None,
        expect: 0,
        passed: false,
    }];
    report.forecasts = vec![Forecast {
        statement: 1,
        quantity: "lock_held".to_owned(),
        sizes: vec![ForecastPoint {
            rows: 2_000_000,
            measured: 4.25,
        }],
        production_rows: 800_000_000,
        predicted: 1_700.0,
        low: 1_400.0,
        high: 2_100.0,
        fit_error: 0.03125,
    }];
    report
}
