//! Passes as a rehearsal of a patient-monitoring platform leaves them, for tests of verdicts and
//! reports.

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

fn safe_statements() -> Vec<Statement> {
    let mut add = statement(
        0,
        3,
        "ALTER TABLE measurements ADD CONSTRAINT measurements_patient_fk FOREIGN KEY (patient_id) \
         REFERENCES patients (id) NOT VALID",
    );
    add.locks = vec![
        held("public.measurements", "ShareRowExclusiveLock", 0.004),
        held("public.patients", "ShareRowExclusiveLock", 0.004),
    ];
    let mut validate = statement(
        1,
        7,
        "ALTER TABLE measurements VALIDATE CONSTRAINT measurements_patient_fk",
    );
    validate.start = secs(10.01);
    validate.duration = secs(4.31);
    validate.scans = vec!["public.measurements".to_owned()];
    validate.locks = vec![
        held("public.measurements", "ShareUpdateExclusiveLock", 4.31),
        held("public.patients", "RowShareLock", 4.31),
    ];
    vec![add, validate]
}

/// A migration that adds a constraint without looking at the rows; nobody notices.
pub(crate) fn healthy() -> Pass {
    let series = (-3_i32..24)
        .map(|t| {
            second(
                f64::from(t),
                396.0 + f64::from(t.rem_euclid(5)),
                Some(0.008),
            )
        })
        .collect();
    Pass {
        name: PassName::Quiet,
        phases: vec![
            phase(PhaseName::Baseline, (0.0, 10.0), &usual(10.0)),
            phase(PhaseName::Migration, (10.0, 14.32), &usual(4.32)),
            phase(PhaseName::Recovery, (14.32, 24.32), &usual(10.0)),
        ],
        migration: Some(Migration {
            file: "safe.sql".to_owned(),
            outcome: MigrationOutcome::Applied,
            attempts: 1,
            tries: Vec::new(),
            start: secs(10.0),
            end: secs(14.32),
            error: None,
            committed: 2,
            statements: safe_statements(),
        }),
        locks: locks(vec![wait(RECORD, 10.001, 0.012)]),
        impact: Impact {
            worst_stall: secs(0.013),
            recovery_time: Some(Duration::ZERO),
            ..Impact::default()
        },
        series,
        events: Vec::new(),
        first_failures: Vec::new(),
        next: Vec::new(),
        disturbances: Vec::new(),
        integrity: Integrity::default(),
        abort: None,
        rollback: None,
        usage: TableUsage::default(),
        waiting: Waiting::default(),
        cpu: Processors::default(),
    }
}

fn locking_statements() -> Vec<Statement> {
    let mut key = statement(
        1,
        4,
        "ALTER TABLE measurements ADD CONSTRAINT measurements_patient_fk\n    FOREIGN KEY \
         (patient_id) REFERENCES patients (id)",
    );
    key.start = secs(10.01);
    key.duration = secs(4.31);
    key.lock_wait = secs(0.004);
    key.scans = vec![
        "public.measurements".to_owned(),
        "public.patients".to_owned(),
    ];
    key.locks = vec![
        held("public.measurements", "ShareRowExclusiveLock", 4.31),
        held("public.patients", "ShareRowExclusiveLock", 4.31),
    ];
    key.hazards = vec![Hazard {
        rule: "adding-foreign-key".to_owned(),
        message: "writes to both tables wait until every row is checked".to_owned(),
        rewrite: Some(
            "add the constraint NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own"
                .to_owned(),
        ),
        ..Hazard::default()
    }];
    let mut column = statement(
        0,
        1,
        "ALTER TABLE measurements ADD COLUMN patient_id bigint",
    );
    column.locks = vec![held("public.measurements", "AccessExclusiveLock", 4.32)];
    vec![column, key]
}

fn stall(series: &mut [Second]) {
    for second in series {
        let (rate, p99, waiters) = match second.t as i32 {
            10 => (96.0, 4.21, 31),
            11..=13 => (118.0, 14.3 - second.t, 40),
            14 => (913.0, 0.31, 40),
            15 => (702.0, 0.21, 0),
            _ => continue,
        };
        second.rate = rate;
        second.p99 = Some(p99);
        second.waiters = waiters;
        second.errors = u64::from(second.t > 11.5) * 17;
    }
}

/// The incident: the foreign key is added and checked in one statement, and all writes stand.
pub(crate) fn locked() -> Pass {
    let mut pass = healthy();
    let migration = pass.migration.as_mut().unwrap();
    migration.file = "migration.sql".to_owned();
    migration.statements = locking_statements();
    let mut record = kind(RECORD, 1_037, (2.1, 4.21));
    record.lost = 31;
    let mut admit = kind(ADMIT, 173, (1.9, 4.18));
    admit.lost = 3;
    let chart = kind(CHART, 518, (0.0011, 0.013));
    set(&mut pass, PhaseName::Migration, &[record, chart, admit]);
    let late = kind(RECORD, 2_400, (0.0019, 0.31));
    let [_, chart, admit] = usual(10.0);
    set(&mut pass, PhaseName::Recovery, &[late, chart, admit]);
    let mut waits: Vec<LockWait> = (0..37)
        .map(|n| {
            wait(
                RECORD,
                10.05 + 0.01 * f64::from(n),
                4.21 - 0.05 * f64::from(n),
            )
        })
        .collect();
    waits.push(LockWait {
        relation: Some("public.patients".to_owned()),
        mode: "RowExclusiveLock".to_owned(),
        ..wait(ADMIT, 10.2, 4.09)
    });
    pass.locks = locks(waits);
    pass.impact = Impact {
        lost_requests: 34,
        lost_request_seconds: 2_504.8,
        worst_stall: secs(4.28),
        degraded: secs(5.0),
        unavailable: secs(4.26),
        unavailable_transaction: Some(RECORD.to_owned()),
        unavailable_before: Duration::ZERO,
        unavailable_transaction_before: None,
        restarts: 0,
        restarts_before: 0,
        none_up: Duration::ZERO,
        recovery_time: Some(secs(0.94)),
    };
    stall(&mut pass.series);
    pass
}

fn event(at: f64, instance: u32, kind: FleetEventKind) -> FleetEvent {
    let at = secs(at);
    FleetEvent { at, instance, kind }
}

/// What the incident does to four instances that check their health every second: the pools drain, the
/// checks fail, one instance after the other restarts, and whoever reads gets no answer either.
pub(crate) fn restarted() -> Pass {
    let mut pass = locked();
    let error = || "acquire_timeout".to_owned();
    let unhealthy = |in_a_row| FleetEventKind::HealthCheckFailed {
        error: error(),
        in_a_row,
    };
    let drained = FleetEventKind::PoolExhausted { waiting: 3 };
    for instance in 0..4 {
        let after = f64::from(instance) * 0.2;
        pass.events.extend([
            event(10.3 + after, instance, drained.clone()),
            event(11.0 + after, instance, unhealthy(1)),
            event(12.0 + after, instance, unhealthy(2)),
            event(13.0 + after, instance, unhealthy(3)),
            event(13.0 + after, instance, FleetEventKind::Restarted),
            event(18.0 + after, instance, FleetEventKind::Returned),
        ]);
    }
    pass.events.push(event(18.9, 2, unhealthy(1)));
    pass.events.sort_by_key(|event| event.at);
    let mut chart = kind(CHART, 518, (0.0011, 4.0));
    chart.lost = 312;
    let [record, _, admit] = usual(4.32);
    set(&mut pass, PhaseName::Migration, &[record, chart, admit]);
    for second in pass.series.iter_mut().filter(|second| second.t >= 11.0) {
        second.up = Some(if (13.0..18.0).contains(&second.t) {
            0
        } else {
            4
        });
        second.transactions = vec![SecondOfKind {
            name: CHART.to_owned(),
            errors: 20,
            ..SecondOfKind::default()
        }];
    }
    pass.impact.lost_requests = 312;
    pass.impact.restarts = 4;
    pass.impact.none_up = secs(4.4);
    pass.impact.recovery_time = Some(secs(5.68));
    pass
}

/// What only the next release sends, in [`released`].
pub(crate) const LOOKUP: &str = "lookup";

/// A pass in which `lookup` comes with the next release; `sent` are its requests in the baseline, the
/// migration and the recovery, and `p99` is what it takes then.
pub(crate) fn released(replaces: Option<&str>, sent: [u64; 3], p99: f64) -> Pass {
    let mut pass = healthy();
    let lengths = [(0.0, 10.0), (10.0, 14.32), (14.32, 24.32)];
    let names = [
        PhaseName::Baseline,
        PhaseName::Migration,
        PhaseName::Recovery,
    ];
    pass.phases = (names.into_iter().zip(lengths).zip(sent))
        .map(|((name, (start, end)), requests)| {
            let kinds = usual(end - start).into_iter();
            // What is replaced is not sent any more.
            let kinds = kinds.map(|own| match replaces == Some(own.name) && requests > 0 {
                true => kind(own.name, 0, (0.0, 0.0)),
                false => own,
            });
            let lookup = kind(LOOKUP, requests, (p99 / 4.0, p99));
            let kinds: Vec<Kind> = kinds.chain([lookup]).collect();
            phase(name, (start, end), &kinds)
        })
        .collect();
    pass.next = vec![NextTransaction {
        name: LOOKUP.to_owned(),
        replaces: replaces.map(str::to_owned),
    }];
    pass
}

/// A machine that was too small for the load.
pub(crate) fn overloaded() -> Pass {
    let mut pass = healthy();
    let baseline = pass.phases.first_mut().unwrap();
    baseline.lag = Some(Lag {
        p50: 0.011,
        p99: 0.22,
        max: 0.64,
        mean: 0.03,
    });
    pass
}

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
