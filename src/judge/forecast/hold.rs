//! How long the locks of a statement are held at production's size.

use std::time::Duration;

use super::one_after_the_other;
use super::projection::projected;
use super::work::Work;
use crate::observe::{Forecast, ForecastPoint, HeldLock, LockMode, Pass, Quantity, Statement};

/// How long the statement's locks are held: those that keep readers or writers out, and those on rows where somebody
/// was seen waiting for one.
pub(super) fn locks(work: &Work<'_>, durations: &[Forecast], passes: &[&Pass]) -> Vec<Forecast> {
    let statement = work.at_largest;
    let own = statement
        .locks
        .iter()
        .filter(|lock| is_strong(lock) || (writes_rows(lock) && rows_wanted(passes, work.index)));
    let own = own.map(|lock| held(work, lock, durations));
    // Of a statement that no transaction block can hold, the samples of the passes say what it locked.
    let sampled = passes
        .iter()
        .filter(|_| statement.locks.is_empty())
        .filter_map(|pass| {
            let seen = pass.migration.as_ref()?.statement(work.index)?;
            Some((seen, pass.locks.sample_interval))
        });
    let sampled = sampled.flat_map(|(seen, interval)| {
        let strong = seen.locks.iter().filter(|lock| is_strong(lock));
        strong.filter_map(move |lock| held_share((seen, interval), lock, durations))
    });
    let mut all: Vec<Forecast> = own.chain(sampled).collect();
    // Where passes differ, the one in which it may have been held longest counts.
    let high = |forecast: &Forecast| forecast.high.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| high(b).total_cmp(&high(a)));
    let mut known: Vec<(Option<String>, Option<String>)> = Vec::new();
    all.retain(|forecast| {
        let lock = (forecast.relation.clone(), forecast.mode.clone());
        let new = !known.contains(&lock);
        known.push(lock);
        new
    });
    all
}

/// Whether a session of the application was seen waiting for a row that the statement had written.
fn rows_wanted(passes: &[&Pass], statement: usize) -> bool {
    let mut waits = passes.iter().flat_map(|pass| &pass.locks.waits);
    waits.any(|wait| {
        wait.is_owed_to_migration()
            && matches!(wait.locktype.as_str(), "tuple" | "transactionid")
            && wait.root.statement == Some(statement)
    })
}

fn mode(lock: &HeldLock) -> Option<LockMode> {
    lock.mode.parse().ok()
}

/// Whether it keeps at least writers out.
fn is_strong(lock: &HeldLock) -> bool {
    mode(lock).is_some_and(|mode| mode.conflicts_with(LockMode::RowExclusive))
}

fn writes_rows(lock: &HeldLock) -> bool {
    mode(lock) == Some(LockMode::RowExclusive)
}

/// A lock is held while its statement and all later ones of the transaction run.
fn held(work: &Work<'_>, lock: &HeldLock, durations: &[Forecast]) -> Forecast {
    let taker = work.at_largest;
    let until = taker.start + lock.held.unwrap_or(taker.duration);
    let under: Vec<&Forecast> = work
        .statements()
        .iter()
        .filter(|other| other.index >= taker.index && other.start < until)
        .filter_map(|other| durations.iter().find(|one| one.statement == other.index))
        .collect();
    let sum = sum_of(&under);
    let sizes = work.held(lock, &sum.table);
    // Where one of several statements cannot be foreseen, the time that they took together still may.
    let whole = match sum.refused {
        Some(_) if under.len() > 1 && sum.table == work.table.name => {
            let mut growing = work.clone();
            growing.grows = true;
            projected(&growing, Quantity::LockHeld, sizes.clone())
        }
        _ => sum.clone(),
    };
    Forecast {
        relation: Some(lock.relation.clone()),
        mode: Some(lock.mode.clone()),
        sizes,
        statement: work.index,
        ..match whole.refused {
            Some(_) => sum,
            None => whole,
        }
    }
}

/// Of a lock that was sampled: the same share of the statement's time as in the pass, where it may have been taken and
/// given back up to an interval of the samples earlier or later than was seen. Of one that was held for a moment only,
/// nobody knows whether it grows.
fn held_share(
    (seen, interval): (&Statement, Duration),
    lock: &HeldLock,
    durations: &[Forecast],
) -> Option<Forecast> {
    let of = durations.iter().find(|one| one.statement == seen.index)?;
    let took = seen.duration.saturating_sub(seen.lock_wait).as_secs_f64();
    let share_of = |held: Duration| (held.as_secs_f64() / took.max(f64::MIN_POSITIVE)).min(1.0);
    let held = lock.held?;
    let (share, most) = (share_of(held), share_of(held + 2 * interval));
    let least = share_of(held.saturating_sub(2 * interval));
    let scaled = |value: Option<f64>| value.map(|value| value * share);
    let sizes = of.sizes.iter().map(|point| ForecastPoint {
        measured: point.measured * share,
        ..*point
    });
    Some(Forecast {
        quantity: Quantity::LockHeld,
        relation: Some(lock.relation.clone()),
        mode: Some(lock.mode.clone()),
        sizes: sizes.collect(),
        predicted: scaled(of.predicted),
        low: of.low.map(|value| value * least),
        high: of.high.map(|value| value * most),
        ..of.clone()
    })
}

/// The time of several statements one after the other; described by the one that takes longest.
fn sum_of(under: &[&Forecast]) -> Forecast {
    let longest = under.iter().max_by(|a, b| {
        let time = |forecast: &Forecast| (forecast.refused.is_some(), forecast.predicted);
        let ((a_refused, a), (b_refused, b)) = (time(a), time(b));
        let by_time = a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0));
        a_refused.cmp(&b_refused).then(by_time)
    });
    let whole = one_after_the_other(under);
    let bounds: Option<Vec<(f64, f64)>> = under.iter().map(|one| one.bounds()).collect();
    let end = |pick: fn(&(f64, f64)) -> f64| Some(bounds.as_ref()?.iter().map(pick).sum());
    let refused = under.iter().filter(|_| whole.is_none());
    let refused = refused.into_iter().find_map(|one| one.refused.clone());
    let worst_fit = under.iter().map(|one| one.fit_error).fold(0.0, f64::max);
    Forecast {
        statement: 0,
        quantity: Quantity::LockHeld,
        relation: None,
        mode: None,
        table: longest.map(|one| one.table.clone()).unwrap_or_default(),
        sizes: Vec::new(),
        production_rows: longest.map_or(0, |one| one.production_rows),
        model: longest.map(|one| one.model).unwrap_or_default(),
        predicted: whole.map(|whole| whole.predicted),
        low: end(|bounds| bounds.0),
        high: end(|bounds| bounds.1),
        fit_error: worst_fit,
        refused,
    }
}
