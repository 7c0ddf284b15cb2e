//! What the migration takes at production's size, in words and lines that the formats share.

use crate::judge::forecast::total;
use crate::observe::{Forecast, Growth, Quantity, Statement};
use crate::units::{Bytes, Rows, Span};

use super::{Report, Table};

/// One line of the forecast: a statement, or all of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// The statement's number, from 1; empty for all.
    pub(super) number: String,
    /// Its file and line.
    pub(super) place: String,
    /// What it took at the largest size measured.
    pub(super) here: String,
    /// What it takes in production.
    pub(super) there: String,
    /// The interval around that.
    pub(super) between: String,
    /// WAL in production.
    pub(super) wal: String,
    /// How it grows, if it does.
    pub(super) grows: Option<String>,
    /// What else is to be said: the locks, or why nothing can be foreseen.
    pub(super) notes: Vec<String>,
}

/// The lines of the forecast, the total last; none where none was made.
pub(super) fn lines(report: &Report) -> Vec<Line> {
    let durations = report.forecasts.iter();
    let durations = durations.filter(|one| one.quantity == Quantity::Duration);
    let mut lines: Vec<Line> = durations.map(|one| line(report, one)).collect();
    if lines.len() > 1 {
        lines.push(sum(report));
    }
    lines
}

/// From which sizes to which: `public.orders: measured alone at 125k to 2M rows, production has 800M`.
pub(super) fn heading(report: &Report) -> Option<String> {
    let largest = report
        .forecasts
        .iter()
        .max_by_key(|one| one.production_rows)?;
    let (first, last) = (largest.sizes.first()?, largest.sizes.last()?);
    Some(format!(
        "{}: measured alone at {} to {} rows, production has {}",
        largest.table,
        Rows(first.rows),
        Rows(last.rows),
        Rows(largest.production_rows)
    ))
}

/// Of the tables that are larger in production than this machine's memory, that what was read from memory here must be
/// read from a disk there.
pub(super) fn beyond_memory(report: &Report) -> Vec<String> {
    let Some(memory) = report.environment.memory_bytes else {
        return Vec::new();
    };
    let there = |table: &Table| {
        let ratio = table.production_rows.0 as f64 / table.rows.0.max(1) as f64;
        Some((table.bytes? as f64 * ratio) as u64)
    };
    let large = report.tables.iter().filter_map(|table| {
        let bytes = there(table).filter(|bytes| *bytes > memory)?;
        Some(format!(
            "{} would have some {} with its indexes, more than the memory of this machine ({}): it was measured in \
             memory, and where production reads it from disk it takes longer",
            table.name,
            Bytes(bytes),
            Bytes(memory)
        ))
    });
    large.collect()
}

fn line(report: &Report, duration: &Forecast) -> Line {
    let (there, between) = told((duration.predicted, duration.bounds()), seconds);
    let others = |quantity| {
        let same =
            move |one: &&Forecast| one.statement == duration.statement && one.quantity == quantity;
        report.forecasts.iter().filter(same)
    };
    let wal = others(Quantity::WalBytes).next();
    let wal = wal.and_then(Forecast::interval);
    let refused = duration
        .refused
        .iter()
        .map(|why| format!("not foreseen: {why}"));
    let locks = others(Quantity::LockHeld).map(hold);
    Line {
        number: (duration.statement + 1).to_string(),
        place: statement(report, duration.statement)
            .map(|statement| format!("{}:{}", statement.file, statement.line))
            .unwrap_or_default(),
        here: duration.measured().map_or_else(unknown, seconds),
        there,
        between,
        wal: wal.map_or_else(unknown, |wal| bytes(wal.predicted)),
        grows: grows(duration),
        notes: refused.chain(locks).collect(),
    }
}

fn sum(report: &Report) -> Line {
    let of = |quantity| {
        let forecasts = report.forecasts.iter();
        forecasts.filter(move |one| one.quantity == quantity)
    };
    let here: f64 = of(Quantity::Duration).filter_map(Forecast::measured).sum();
    let total = total(&report.forecasts);
    let total = (
        total.map(|total| total.predicted),
        total.map(|total| (total.low, total.high)),
    );
    let (there, between) = told(total, seconds);
    let wal: Option<f64> = of(Quantity::WalBytes).map(|one| one.predicted).sum();
    Line {
        number: String::new(),
        place: "all".to_owned(),
        here: seconds(here),
        there,
        between,
        wal: wal.map_or_else(unknown, bytes),
        grows: None,
        notes: Vec::new(),
    }
}

fn hold(lock: &Forecast) -> String {
    let lock_name = format!(
        "{} on {}",
        lock.mode.as_deref().unwrap_or_default(),
        lock.relation.as_deref().unwrap_or_default()
    );
    let (there, between) = told((lock.predicted, lock.bounds()), seconds);
    match (lock.predicted, lock.bounds()) {
        (Some(_), _) => format!("holds {lock_name} for {there} ({between})"),
        (None, Some(_)) => format!("holds {lock_name} for anything from {between}"),
        (None, None) => format!("holds {lock_name}, for how long cannot be told"),
    }
}

fn grows(forecast: &Forecast) -> Option<String> {
    let law = match (forecast.model, &forecast.refused) {
        (Growth::Constant, _) | (_, Some(_)) => return None,
        (Growth::Linear, None) => "the rows",
        (Growth::NLogN, None) => "n log n",
    };
    Some(format!(
        "grows as {law}, fit ± {}",
        share(forecast.fit_error)
    ))
}

fn share(error: f64) -> String {
    match error * 100.0 {
        percent if percent < 1.0 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// A projected value, and between which bounds it lies; empty where they are not known.
fn told(
    (predicted, bounds): (Option<f64>, Option<(f64, f64)>),
    show: fn(f64) -> String,
) -> (String, String) {
    let between = bounds.map(|(low, high)| format!("{} to {}", show(low), show(high)));
    (
        predicted.map_or_else(unknown, show),
        between.unwrap_or_default(),
    )
}

fn unknown() -> String {
    "?".to_owned()
}

fn seconds(value: f64) -> String {
    Span::from_seconds(value).to_string()
}

fn bytes(value: f64) -> String {
    Bytes(value as u64).to_string()
}

fn statement(report: &Report, index: usize) -> Option<&Statement> {
    let mut migrations = report
        .passes
        .iter()
        .filter_map(|pass| pass.migration.as_ref());
    migrations.find_map(|migration| migration.statement(index))
}
