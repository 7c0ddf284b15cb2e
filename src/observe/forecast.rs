//! Projections of what a migration needs at production size.

use serde::{Deserialize, Serialize};

/// A projection of one quantity to production size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The migration's statement, from 0.
    pub statement: usize,
    /// What is projected.
    pub quantity: Quantity,
    /// The locked relation, schema-qualified; only of [`Quantity::LockHeld`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// The lock's mode, as `pg_locks.mode`; only of [`Quantity::LockHeld`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The table whose rows are counted, schema-qualified: the one that the statement's work grows with.
    #[serde(default)]
    pub table: String,
    /// The measured points, the smallest first. Seconds, or bytes of WAL.
    pub sizes: Vec<ForecastPoint>,
    /// Rows in production.
    pub production_rows: u64,
    /// How it grows with the rows.
    #[serde(default)]
    pub model: Growth,
    /// The projected value; none where none can be given.
    pub predicted: Option<f64>,
    /// Lower end of the 95 % interval; also of an interval that is too wide to foresee anything.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Relative error of the fit over the measured points: the standard deviation of what it leaves over.
    pub fit_error: f64,
    /// Why no value is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Forecast {
    /// The projected value with its interval; none where it was refused.
    pub fn interval(&self) -> Option<Interval> {
        Some(Interval {
            predicted: self.predicted?,
            low: self.low?,
            high: self.high?,
        })
    }

    /// The ends of the interval: also of one that was refused for being too wide.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// The value at the largest measured size.
    pub fn measured(&self) -> Option<f64> {
        self.sizes.last().map(|point| point.measured)
    }
}

/// What a forecast is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// How long the statement runs, in seconds.
    Duration,
    /// How long a lock that the statement takes is held until its transaction ends, in seconds.
    LockHeld,
    /// WAL that the server writes meanwhile, in bytes.
    WalBytes,
}

/// How a quantity grows with a table's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// Not at all.
    #[default]
    Constant,
    /// a + b·n.
    Linear,
    /// a + b·n·log n, as sorting does, or b·n·log(n/n₀), as what outgrows caches does.
    NLogN,
}

/// One measured point of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ForecastPoint {
    /// Rows at which it was measured.
    pub rows: u64,
    /// The value measured.
    pub measured: f64,
}

/// A projected value and between which bounds it will lie in 95 of 100 cases.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interval {
    /// The likeliest value.
    pub predicted: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Interval {
    /// What takes place one after the other. Their errors are taken to have the same sign: what makes
    /// one statement slower than foreseen makes the others slower as well.
    pub fn and(self, next: Self) -> Self {
        Self {
            predicted: self.predicted + next.predicted,
            low: self.low + next.low,
            high: self.high + next.high,
        }
    }

    /// The smallest interval around the same value that holds another one too.
    pub fn covering(self, other: Self) -> Self {
        Self {
            predicted: self.predicted,
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    /// Each of its values, so many times.
    pub fn times(self, factor: f64) -> Self {
        Self {
            predicted: self.predicted * factor,
            low: self.low * factor,
            high: self.high * factor,
        }
    }
}
