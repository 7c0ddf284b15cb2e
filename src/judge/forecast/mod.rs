//! The forecast: what the migration needs at production's size, from runs without traffic at several smaller ones,
//! and what that means for the traffic.

mod findings;
mod fit;
mod hold;
mod projection;
mod student;
#[cfg(test)]
mod tests;
mod trial;
mod work;

use crate::observe::{Forecast, Interval, Pass, Quantity};

use hold::locks;
use projection::projected;
use work::{Work, by_size};

pub(super) use findings::outlook;
pub use trial::Trial;

/// Projects every statement's time, WAL and strong locks to production's rows. `passes` show what a run by itself does
/// not: the locks of statements outside transactions, and whether anybody wants the rows that are locked.
pub fn project(trials: &[Trial], passes: &[Pass]) -> Vec<Forecast> {
    let passes = passes.iter().filter(|pass| pass.name.is_of_the_migration());
    let passes: Vec<&Pass> = passes.collect();
    let sizes = by_size(trials);
    let Some(largest) = sizes.last().and_then(|size| size.first()) else {
        return Vec::new();
    };
    let statements = largest.migration.statements.iter();
    let works: Vec<Work<'_>> = statements
        .filter_map(|statement| Work::of(&sizes, statement.index))
        .collect();
    let durations: Vec<Forecast> = works
        .iter()
        .map(|work| projected(work, Quantity::Duration, work.durations()))
        .collect();
    let locks = works
        .iter()
        .flat_map(|work| locks(work, &durations, &passes));
    let locks: Vec<Forecast> = locks.collect();
    let wal = works
        .iter()
        .map(|work| projected(work, Quantity::WalBytes, work.wal()));
    let mut all: Vec<Forecast> = wal.chain(locks).collect();
    all.splice(0..0, durations);
    all.sort_by_key(|forecast| forecast.statement);
    all
}

/// The time that the whole migration takes; none where that of a statement could not be foreseen and matters.
pub fn total(forecasts: &[Forecast]) -> Option<Interval> {
    let is_time = |forecast: &&Forecast| forecast.quantity == Quantity::Duration;
    let durations: Vec<&Forecast> = forecasts.iter().filter(is_time).collect();
    match durations.is_empty() {
        true => None,
        false => one_after_the_other(&durations),
    }
}

/// Times that could not be told within their bounds matter to a sum from this part of it on.
const NEGLIGIBLE: f64 = 0.05;

/// Several times together. Of those that could not be told, the middle of their bounds is taken where all that these
/// leave open is negligible beside what is foreseen: a commit of up to 20 s behind an hour's work.
fn one_after_the_other(durations: &[&Forecast]) -> Option<Interval> {
    let foreseen = durations.iter().filter_map(|one| one.interval());
    let foreseen = foreseen.fold(Interval::default(), Interval::and);
    let open = durations.iter().filter(|one| one.interval().is_none());
    let open = open.map(|one| one.bounds());
    let open: Option<Vec<(f64, f64)>> = open.collect();
    let (low, high) = open?
        .into_iter()
        .fold((0.0, 0.0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
    (high <= NEGLIGIBLE * foreseen.predicted).then(|| {
        foreseen.and(Interval {
            predicted: f64::midpoint(low, high),
            low,
            high,
        })
    })
}
