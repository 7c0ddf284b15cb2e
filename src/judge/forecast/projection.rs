//! One quantity of one statement at production's size, or why it cannot be told.

use super::fit::{FEWEST, Fitted, Scatter, fit};
use super::student;
use super::work::{Work, has_grown, points};
use crate::judge::wording::times;
use crate::observe::{Forecast, ForecastPoint, Growth, Interval, Quantity};
use crate::units::{Bytes, Span};

/// A production so many times larger than the shadow is not forecast. The points span a factor of ten or so, and the
/// laws hold as long as the work is of one kind; a thousandfold larger table is another one: an index has levels
/// more, a sort has passes more, what was in the processor's cache is on disk.
const FARTHEST: f64 = 1_000.0;

/// A fit that leaves over a larger share of what was measured has not found how the statement grows.
const WORST_FIT: f64 = 0.25;

/// An interval that reaches so many times as far as its value, or as little of it, foresees nothing.
const WIDEST: f64 = 4.0;

/// Below this it says enough that it is so little, however wide the interval: seconds, and bytes of WAL.
const SMALL: (f64, f64) = (1.0, 1e8);

/// How times scatter: by some 0.3 ms, or by some percent. Three of a hundred is what repeated runs of one statement on
/// a quiet machine differ by.
const OF_TIMES: Scatter = Scatter {
    amount: 0.01,
    least: 0.03,
};

/// How WAL scatters: by a page or so that another session had written whole, else hardly.
const OF_WAL: Scatter = Scatter {
    amount: 1e6,
    least: 0.01,
};

/// Projects what was measured of a statement at several sizes.
pub(super) fn projected(
    work: &Work<'_>,
    quantity: Quantity,
    sizes: Vec<ForecastPoint>,
) -> Forecast {
    let result = match work.grows {
        true => growing(work, quantity, &sizes),
        false => Ok(steady(quantity, &sizes)),
    };
    let (fitted, bounded, refused) = match result {
        Ok(fitted) => (fitted, true, None),
        Err(refusal) => (
            refusal.fitted.unwrap_or_default(),
            refusal.bounded,
            Some(refusal.sentence),
        ),
    };
    Forecast {
        statement: work.index,
        quantity,
        relation: None,
        mode: None,
        table: work.table.name.clone(),
        sizes,
        production_rows: work.table.production_rows.0,
        model: fitted.model,
        predicted: refused.is_none().then_some(fitted.interval.predicted),
        low: bounded.then_some(fitted.interval.low),
        high: bounded.then_some(fitted.interval.high),
        fit_error: fitted.error,
        refused,
    }
}

fn scatter(quantity: Quantity) -> (Scatter, f64) {
    match quantity {
        Quantity::Duration | Quantity::LockHeld => (OF_TIMES, SMALL.0),
        Quantity::WalBytes => (OF_WAL, SMALL.1),
    }
}

/// Why no value is given, beside what was found of it.
struct Refusal {
    sentence: String,
    fitted: Option<Fitted>,
    /// Whether it lies within the fit's interval all the same.
    bounded: bool,
}

impl Refusal {
    fn new(sentence: String) -> Self {
        Self {
            sentence,
            fitted: None,
            bounded: false,
        }
    }
}

/// The value at production's rows of a statement whose work grows.
fn growing(
    work: &Work<'_>,
    quantity: Quantity,
    sizes: &[ForecastPoint],
) -> Result<Fitted, Refusal> {
    let ratio = work.ratio();
    let (scatter, small) = scatter(quantity);
    if ratio <= 1.0 {
        return as_measured(work, quantity, sizes);
    }
    if ratio > FARTHEST {
        return Err(Refusal::new(format!(
            "production's {} has {} the rows, and no fit bears more than {}",
            work.table.name,
            times(ratio),
            times(FARTHEST)
        )));
    }
    if sizes.len() < FEWEST {
        return Err(Refusal::new(format!(
            "it was measured at {} sizes, and {FEWEST} are needed",
            sizes.len()
        )));
    }
    // A new version of a row is put in its place in each index, and the deeper an index is the longer that takes.
    let looks_up = quantity != Quantity::WalBytes && work.writes_rows();
    let expected = match work.sorts() || looks_up {
        true => Growth::NLogN,
        false => Growth::Linear,
    };
    let production = work.table.production_rows.0 as f64;
    let fitted = fit(&points(sizes), production, (scatter, expected))
        .ok_or_else(|| Refusal::new(format!("the sizes of {} do not differ", work.table.name)))?;
    match doubt(&fitted, (quantity, small)) {
        // A commit without deferred work waits for the disk, for no more WAL than wal_buffers hold.
        Some(refusal) if !refusal.bounded && work.ends_transaction() && is_brief(sizes) => {
            Ok(steady(quantity, sizes))
        }
        Some(refusal) => Err(refusal),
        None => Ok(fitted),
    }
}

/// A write that waits for the disk takes no longer, in seconds.
const DISK_WAIT: f64 = 0.2;

fn is_brief(sizes: &[ForecastPoint]) -> bool {
    sizes.iter().all(|point| point.measured <= DISK_WAIT)
}

/// What speaks against a fit.
fn doubt(fitted: &Fitted, (quantity, small): (Quantity, f64)) -> Option<Refusal> {
    let Interval {
        predicted,
        low,
        high,
    } = fitted.interval;
    if high <= small {
        return None;
    }
    if fitted.error > WORST_FIT {
        return Some(Refusal {
            sentence: format!(
                "what was measured does not lie on a line: it is off by {:.0} %",
                fitted.error * 100.0
            ),
            fitted: Some(*fitted),
            bounded: false,
        });
    }
    if fitted.too_steep {
        return Some(Refusal {
            sentence: "it grows faster than n·log n, and how it goes on cannot be told".to_owned(),
            fitted: Some(*fitted),
            bounded: false,
        });
    }
    let too_wide = high > predicted * WIDEST || low < predicted / WIDEST;
    let show = |value: f64| match quantity {
        Quantity::WalBytes => Bytes(value as u64).to_string(),
        Quantity::Duration | Quantity::LockHeld => Span::from_seconds(value).to_string(),
    };
    too_wide.then(|| Refusal {
        sentence: format!("it may be anything from {} to {}", show(low), show(high)),
        fitted: Some(*fitted),
        bounded: true,
    })
}

/// Production has no more rows: what was measured at the largest size is what it takes there, give or take what the
/// points scatter by.
fn as_measured(
    work: &Work<'_>,
    quantity: Quantity,
    sizes: &[ForecastPoint],
) -> Result<Fitted, Refusal> {
    let same_rows = |pair: &[ForecastPoint]| matches!(pair, [a, b] if a.rows == b.rows);
    if sizes.windows(2).all(same_rows) {
        // The table was as large as production's in every run: if it took longer all the same, nobody knows by what.
        return match has_grown(sizes, quantity) {
            true => Err(Refusal::new(format!(
                "it grows, though {} had the same rows in every run",
                work.table.name
            ))),
            false => Ok(steady(quantity, sizes)),
        };
    }
    let (scatter, _) = scatter(quantity);
    let last = sizes.last();
    let predicted = last.map_or(0.0, |point| point.measured);
    let rows = work.table.rows.0 as f64;
    let fitted = fit(&points(sizes), rows, (scatter, Growth::Linear));
    let error = fitted.map_or(0.0, |fitted| fitted.error);
    let (model, around) = fitted.map_or_else(
        || (Growth::Linear, Interval::default()),
        |fitted| (fitted.model, fitted.interval),
    );
    Ok(Fitted {
        model,
        interval: Interval {
            predicted,
            low: predicted.min(around.low.max(0.0)),
            high: predicted.max(around.high),
        },
        error,
        too_steep: false,
    })
}

/// The value of a statement that does not grow: what it takes here it takes there.
fn steady(quantity: Quantity, sizes: &[ForecastPoint]) -> Fitted {
    let values = sizes.iter().map(|point| point.measured);
    let count = sizes.len().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    let squares = values.map(|value| (value - mean).powi(2)).sum::<f64>();
    let freedom = sizes.len().saturating_sub(1);
    let (scatter, _) = scatter(quantity);
    let least = scatter.least * mean.hypot(scatter.amount);
    let deviation = match freedom {
        0 => least,
        freedom => (squares / freedom as f64).sqrt().max(least),
    };
    let margin = student::deviate(freedom.max(1)) * deviation * (1.0 + 1.0 / count).sqrt();
    Fitted {
        model: Growth::Constant,
        interval: Interval {
            predicted: mean,
            low: (mean - margin).max(0.0),
            high: mean + margin,
        },
        error: match mean > 0.0 {
            true => deviation / mean.hypot(scatter.amount),
            false => 0.0,
        },
        too_steep: false,
    }
}
