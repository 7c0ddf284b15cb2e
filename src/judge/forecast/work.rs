//! What one statement of the migration did at each size, and with which table's rows its work grows.

use super::Trial;
use super::fit::Point;
use crate::judge::TableSize;
use crate::observe::{ForecastPoint, HeldLock, LockMode, Quantity, Statement};
use crate::sql::StatementKind;

/// The runs of the migration at one size.
pub(super) type Size<'t> = Vec<&'t Trial>;

/// Runs of the whole migration, by size, the smallest first. A run that failed, or that was ended, says nothing.
pub(super) fn by_size(trials: &[Trial]) -> Vec<Size<'_>> {
    let whole = trials.iter().filter(|trial| trial.is_whole());
    let most = whole.clone().map(statements).max().unwrap_or(0);
    let mut sizes: Vec<(u64, Size<'_>)> = Vec::new();
    for trial in whole.filter(|trial| statements(trial) == most) {
        let rows = trial.tables.iter().map(|table| table.rows.0).sum();
        match sizes.iter_mut().find(|(size, _)| *size == rows) {
            Some((_, same)) => same.push(trial),
            None => sizes.push((rows, vec![trial])),
        }
    }
    sizes.sort_by_key(|(rows, _)| *rows);
    sizes.into_iter().map(|(_, trials)| trials).collect()
}

fn statements(trial: &Trial) -> usize {
    trial.migration.statements.len()
}

/// One statement at all sizes.
#[derive(Debug, Clone)]
pub(super) struct Work<'t> {
    sizes: &'t [Size<'t>],
    /// Its place in the migration.
    pub(super) index: usize,
    /// As it was at the largest size.
    pub(super) at_largest: &'t Statement,
    /// The table whose rows it grows with, as it was at the largest size.
    pub(super) table: &'t TableSize,
    /// Whether it grows at all.
    pub(super) grows: bool,
}

/// WAL is written by others too (the checkpointer, autovacuum), and pages are logged whole or not: less than this is
/// no growth, in bytes.
const SLIGHT_WAL: f64 = 65_536.0;

/// Growth by a smaller factor, between sizes that differ more than that, is none.
const SLIGHT_FACTOR: f64 = 1.5;

/// Statements that only write to the catalog take a few milliseconds, more where the machine is busy: less than this
/// is no growth, in seconds.
const SLIGHT_TIME: f64 = 0.02;

impl<'t> Work<'t> {
    /// None where the migration has no such statement, or nothing was filled.
    pub(super) fn of(sizes: &'t [Size<'t>], index: usize) -> Option<Self> {
        let largest = sizes.last()?.first()?;
        let at_largest = largest.migration.statement(index)?;
        let smallest = sizes.first()?.first()?;
        let table = grows_with(at_largest, (&largest.tables, &smallest.tables))?;
        let mut work = Self {
            sizes,
            index,
            at_largest,
            table,
            grows: false,
        };
        work.grows = work.is_of_growing_kind(&largest.tables);
        Some(work)
    }

    /// A statement that reads no filled table from end to end, writes no more WAL with more rows and takes no longer,
    /// does the same in production.
    fn is_of_growing_kind(&self, tables: &[TableSize]) -> bool {
        let mut scans = self.at_largest.scans.iter();
        scans.any(|scan| find(tables, scan).is_some())
            || has_grown(&self.wal(), Quantity::WalBytes)
            || has_grown(&self.durations(), Quantity::Duration)
            || rises(&self.durations(), self.ratio())
    }

    /// How long it ran at each size, in seconds.
    pub(super) fn durations(&self) -> Vec<ForecastPoint> {
        self.least(&self.table.name, |statement| {
            Some(statement.duration.as_secs_f64())
        })
    }

    /// The WAL that was written meanwhile, in bytes. It is not read of settings, which write none.
    pub(super) fn wal(&self) -> Vec<ForecastPoint> {
        self.least(&self.table.name, |statement| {
            Some(statement.wal_bytes.unwrap_or(0) as f64)
        })
    }

    /// How long one of its locks was held at each size of a table, in seconds.
    pub(super) fn held(&self, lock: &HeldLock, table: &str) -> Vec<ForecastPoint> {
        self.least(table, |statement| {
            let same =
                |other: &&HeldLock| other.relation == lock.relation && other.mode == lock.mode;
            let held = statement.locks.iter().find(same)?.held?;
            Some(held.as_secs_f64())
        })
    }

    /// At each size the least of all runs: what else the machine does only adds.
    fn least(
        &self,
        table: &str,
        measure: impl Fn(&Statement) -> Option<f64>,
    ) -> Vec<ForecastPoint> {
        let at = |trials: &Size<'_>| {
            let rows = find(&trials.first()?.tables, table)?.rows.0;
            let runs = trials
                .iter()
                .filter_map(|trial| trial.migration.statement(self.index));
            let measured = runs.filter_map(&measure).min_by(f64::total_cmp)?;
            Some(ForecastPoint { rows, measured })
        };
        self.sizes.iter().filter_map(at).collect()
    }

    /// All statements of the migration as they were at the largest size.
    pub(super) fn statements(&self) -> &'t [Statement] {
        let largest = self.sizes.last().and_then(|trials| trials.first());
        largest.map_or(&[], |trial| &trial.migration.statements)
    }

    /// How many times larger production's table is.
    pub(super) fn ratio(&self) -> f64 {
        self.table.production_rows.0 as f64 / self.table.rows.0.max(1) as f64
    }

    /// Whether it ends a transaction.
    pub(super) fn ends_transaction(&self) -> bool {
        StatementKind::of(&self.at_largest.sql) == StatementKind::TransactionEnd
    }

    /// Whether it was seen to write rows.
    pub(super) fn writes_rows(&self) -> bool {
        !self.at_largest.rows.is_empty()
    }

    /// Whether its cost holds sorting: of an index that it built.
    pub(super) fn sorts(&self) -> bool {
        !self.at_largest.indexes_built.is_empty()
    }
}

/// Whether what was measured is more at the largest size than at the smallest, and not only slightly: seconds, or bytes
/// of WAL.
pub(super) fn has_grown(measured: &[ForecastPoint], quantity: Quantity) -> bool {
    let slight = match quantity {
        Quantity::Duration | Quantity::LockHeld => SLIGHT_TIME,
        Quantity::WalBytes => SLIGHT_WAL,
    };
    let ends = measured.first().zip(measured.last());
    ends.is_some_and(|(first, last)| last.measured > first.measured * SLIGHT_FACTOR + slight)
}

/// Whether a time of few milliseconds rises from each size to the next, to at least the double, and would be a second or
/// more in production if it went on like this: a catalog's statement does not, whatever disturbs it.
fn rises(measured: &[ForecastPoint], ratio: f64) -> bool {
    const LONG: f64 = 1.0;
    let ends = measured.first().zip(measured.last());
    measured.len() >= 4
        && measured
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if b.measured > a.measured))
        && ends.is_some_and(|(first, last)| {
            last.measured >= 2.0 * first.measured && last.measured * ratio >= LONG
        })
}

/// Points as the fit takes them.
pub(super) fn points(measured: &[ForecastPoint]) -> Vec<Point> {
    let point = |point: &ForecastPoint| Point {
        n: point.rows as f64,
        value: point.measured,
    };
    measured.iter().map(point).collect()
}

fn find<'t>(tables: &'t [TableSize], name: &str) -> Option<&'t TableSize> {
    tables.iter().find(|table| table.name == name)
}

/// The [largest] table that it read from end to end, rewrote or wrote to; else of those that it locked; else of all,
/// as code that commits by itself does not show what it worked on. A table that had the same rows in all runs is none to
/// grow with, unless it is the only one.
fn grows_with<'t>(
    statement: &Statement,
    (tables, at_smallest): (&'t [TableSize], &[TableSize]),
) -> Option<&'t TableSize> {
    let differs = |table: &&TableSize| {
        let then = find(at_smallest, &table.name);
        then.is_none_or(|then| then.rows != table.rows)
    };
    let written = statement.locks.iter().filter(|lock| {
        let mode = lock.mode.parse::<LockMode>();
        mode == Ok(LockMode::RowExclusive)
    });
    let worked_on = statement.scans.iter().chain(&statement.rewrites);
    let worked_on = worked_on.chain(written.map(|lock| &lock.relation));
    let locked = statement.locks.iter().map(|lock| &lock.relation);
    let worked_on: Vec<&TableSize> = worked_on.filter_map(|name| find(tables, name)).collect();
    let locked: Vec<&TableSize> = locked.filter_map(|name| find(tables, name)).collect();
    largest(worked_on.iter().copied().filter(differs))
        .or_else(|| largest(locked.iter().copied().filter(differs)))
        .or_else(|| largest(worked_on.iter().copied()))
        .or_else(|| largest(locked.iter().copied()))
        .or_else(|| largest(tables.iter()))
}

/// Of tables that have at least a tenth of the rows of production's largest, the one that grows most to get there: what it
/// costs there is the least well known here.
fn largest<'t>(tables: impl Iterator<Item = &'t TableSize> + Clone) -> Option<&'t TableSize> {
    let most = tables.clone().map(|table| table.production_rows.0).max()?;
    let large = tables.filter(|table| table.production_rows.0 >= most / 10);
    large.max_by(|a, b| {
        let growth =
            |table: &TableSize| table.production_rows.0 as f64 / table.rows.0.max(1) as f64;
        let by_growth = growth(a).total_cmp(&growth(b));
        by_growth.then_with(|| a.production_rows.cmp(&b.production_rows))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rows;

    fn table(name: &str, rows: u64, production_rows: u64) -> TableSize {
        TableSize {
            name: name.to_owned(),
            rows: Rows(rows),
            production_rows: Rows(production_rows),
        }
    }

    #[test]
    fn work_grows_with_what_is_least_like_production() {
        let same = table("same", 2_000_000, 2_000_000);
        let grown = table("grown", 10_000, 1_500_000);
        let lookup = table("lookup", 1, 100_000);
        let largest = |tables: &[&TableSize]| largest(tables.iter().copied()).unwrap().name.clone();
        assert_eq!(largest(&[&same, &grown, &lookup]), "grown");
        assert_eq!(largest(&[&same, &lookup]), "same");
        let larger = table("larger", 20_000, 3_000_000);
        assert_eq!(largest(&[&grown, &larger]), "larger", "of the same growth");
    }

    #[test]
    fn few_milliseconds_that_rise_are_seen_to() {
        let points = |measured: &[f64]| -> Vec<ForecastPoint> {
            let rows = 1..;
            let points = rows.zip(measured);
            let point = |(rows, measured): (u64, &f64)| ForecastPoint {
                rows,
                measured: *measured,
            };
            points.map(point).collect()
        };
        let rising = points(&[0.001, 0.002, 0.005, 0.010, 0.020]);
        assert!(rises(&rising, 400.0));
        assert!(!rises(&rising, 40.0), "0.8 s are nobody's concern");
        assert!(!rises(&points(&[0.001, 0.002, 0.005, 0.004, 0.020]), 400.0));
        assert!(!rises(&points(&[0.010, 0.011, 0.012, 0.013, 0.014]), 400.0));
    }
}
