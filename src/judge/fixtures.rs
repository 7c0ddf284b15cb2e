//! Passes as a rehearsal of a patient-monitoring platform leaves them, for tests of verdicts and
//! reports.

mod passes;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use crate::observe::{
    Accounting, FleetEvent, FleetEventKind, HeldLock, Impact, Integrity, Lag, Latency, LockWait,
    Locks, Migration, MigrationOutcome, NextTransaction, Pass, PassName, Phase, PhaseName,
    Processors, Root, RootKind, Second, SecondOfKind, Statement, TableUsage, TransactionPhase,
    Waiting,
};
use crate::scenario::plan::{Arrivals, Load};
use crate::sql::Hazard;
use crate::units::Rows;

pub(crate) use passes::{healthy, locked, overloaded, released, restarted};

use super::{Context, TableSize};

pub(crate) const RECORD: &str = "record-measurement";
pub(crate) const CHART: &str = "open-chart";
pub(crate) const ADMIT: &str = "admit-patient";

/// One kind of transaction in one phase: so many requests around a median and a p99, in seconds.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) requests: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) lost: u64,
}

pub(crate) fn kind(name: &'static str, requests: u64, (p50, p99): (f64, f64)) -> Kind {
    Kind {
        name,
        requests,
        p50,
        p99,
        lost: 0,
    }
}

pub(crate) fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn histogram(kinds: &[Kind]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap();
    for kind in kinds {
        for request in 0..kind.requests {
            let quantile = (request as f64 + 0.5) / kind.requests as f64;
            let latency = kind.p50 * (kind.p99 / kind.p50).powf((quantile - 0.5) / 0.49);
            histogram.record((latency * 1e6).round() as u64).unwrap();
        }
    }
    histogram
}

fn latency(histogram: &Histogram<u64>) -> Option<Latency> {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
    (!histogram.is_empty()).then(|| Latency {
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max() as f64 / 1e6,
        mean: (histogram.mean()).round() / 1e6,
    })
}

fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .unwrap();
    STANDARD.encode(bytes)
}

fn transaction(kind: &Kind, length: f64) -> TransactionPhase {
    let histogram = histogram(std::slice::from_ref(kind));
    let completed = kind.requests - kind.lost;
    TransactionPhase {
        name: kind.name.to_owned(),
        accounting: Accounting {
            scheduled: kind.requests,
            completed,
            timed_out: kind.lost,
            ..Accounting::default()
        },
        rate: (completed as f64 / length * 10.0).round() / 10.0,
        latency: latency(&histogram),
        lag: Some(LAG),
        errors: errors(kind.lost),
        histogram: encode(&histogram),
    }
}

fn errors(lost: u64) -> BTreeMap<String, u64> {
    (lost > 0)
        .then(|| ("acquire_timeout".to_owned(), lost))
        .into_iter()
        .collect()
}

const LAG: Lag = Lag {
    p50: 0.00004,
    p99: 0.0002,
    max: 0.0011,
    mean: 0.00005,
};

pub(crate) fn phase(name: PhaseName, (start, end): (f64, f64), kinds: &[Kind]) -> Phase {
    let transactions: Vec<TransactionPhase> = kinds
        .iter()
        .map(|kind| transaction(kind, end - start))
        .collect();
    let mut accounting = Accounting::default();
    for transaction in &transactions {
        accounting.merge(&transaction.accounting);
    }
    let all = histogram(kinds);
    Phase {
        name,
        start: secs(start),
        end: secs(end),
        accounting,
        rate: (accounting.completed as f64 / (end - start) * 10.0).round() / 10.0,
        latency: latency(&all),
        lag: Some(LAG),
        errors: errors(accounting.lost()),
        histogram: encode(&all),
        transactions,
    }
}

/// Replaces one phase's traffic.
pub(crate) fn set(pass: &mut Pass, name: PhaseName, kinds: &[Kind]) {
    for old in pass.phases.iter_mut().filter(|phase| phase.name == name) {
        *old = phase(
            name,
            (old.start.as_secs_f64(), old.end.as_secs_f64()),
            kinds,
        );
    }
}

/// Traffic as usual for so many seconds, at 400 transactions/s.
pub(crate) fn usual(seconds: f64) -> [Kind; 3] {
    let requests = |share: f64| (share * seconds).round() as u64;
    [
        kind(RECORD, requests(240.0), (0.0012, 0.0084)),
        kind(CHART, requests(120.0), (0.0009, 0.0061)),
        kind(ADMIT, requests(40.0), (0.0021, 0.0097)),
    ]
}

pub(crate) fn statement(index: usize, line: usize, sql: &str) -> Statement {
    Statement {
        index,
        file: "migration.sql".to_owned(),
        line,
        sql: sql.to_owned(),
        start: secs(10.0),
        duration: secs(0.002),
        wal_bytes: Some(1_184),
        size_change: Some(0),
        ..Statement::default()
    }
}

fn held(relation: &str, mode: &str, seconds: f64) -> HeldLock {
    HeldLock {
        relation: relation.to_owned(),
        mode: mode.to_owned(),
        held: Some(secs(seconds)),
    }
}

pub(crate) fn wait(waiter: &str, start: f64, length: f64) -> LockWait {
    LockWait {
        start,
        length: secs(length),
        relation: Some("public.measurements".to_owned()),
        mode: "RowExclusiveLock".to_owned(),
        locktype: "relation".to_owned(),
        waiter: waiter.to_owned(),
        root: Root {
            kind: RootKind::Migration,
            statement: Some(1),
            mode: Some("ShareRowExclusiveLock".to_owned()),
            pid: 4_242,
            name: None,
        },
        depth: 1,
        via: Vec::new(),
    }
}

pub(crate) fn locks(waits: Vec<LockWait>) -> Locks {
    Locks {
        sample_interval: secs(0.01),
        sample_error: secs(0.012),
        samples: 2_430,
        max_wait: waits
            .iter()
            .map(|wait| wait.length)
            .max()
            .unwrap_or_default(),
        total_wait: waits.iter().map(|wait| wait.length).sum(),
        peak_waiters: waits.len() as u32,
        waits_seen: waits.len() as u64,
        behind_migration: behind_migration(&waits),
        waits,
        ..Locks::default()
    }
}

fn behind_migration(waits: &[LockWait]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for wait in waits.iter().filter(|wait| wait.is_owed_to_migration()) {
        *counts.entry(wait.waiter.clone()).or_default() += 1;
    }
    counts
}

fn second(t: f64, rate: f64, p99: Option<f64>) -> Second {
    Second {
        t,
        rate,
        p50: p99.map(|p99| p99 / 8.0),
        p99,
        max: p99.map(|p99| p99 * 1.5),
        errors: 0,
        waiters: 0,
        connections: 40,
        ..Second::default()
    }
}

/// What only the next release sends, in [`released`].
pub(crate) const LOOKUP: &str = "lookup";

pub(crate) fn context() -> Context {
    Context {
        load: Load::steady(400.0, Arrivals::Poisson),
        warmup: secs(3.0),
        tables: vec![
            TableSize {
                name: "public.measurements".to_owned(),
                rows: Rows(2_000_000),
                production_rows: Rows(800_000_000),
            },
            TableSize {
                name: "public.patients".to_owned(),
                rows: Rows(100_000),
                production_rows: Rows(100_000),
            },
        ],
        disturbances: false,
        forecast_made: false,
        ..Context::default()
    }
}
