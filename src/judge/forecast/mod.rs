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

/// The time that the whole migration takes; none where that of a statement could not be foreseen.
pub fn total(forecasts: &[Forecast]) -> Option<Interval> {
    let mut durations = forecasts
        .iter()
        .filter(|forecast| forecast.quantity == Quantity::Duration)
        .map(Forecast::interval)
        .peekable();
    durations.peek()?;
    durations.try_fold(Interval::default(), |sum, next| Some(sum.and(next?)))
}
