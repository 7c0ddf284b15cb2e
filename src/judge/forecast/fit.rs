//! Fits a law of growth to a few measured points, and says how far it can be trusted beyond them.
//!
//! The laws are a + b·n and a + b·n·ln n with a, b ≥ 0: nothing a database does with a table takes less time than
//! none, or less with more rows. The fit is by weighted least squares, with weights for a relative error: twice the
//! time is measured with twice the error. The interval is the prediction interval of that regression (Draper and
//! Smith, Applied Regression Analysis, 3rd ed. 1998, 3.1 and 9.2).

use super::student;
use crate::observe::{Growth, Interval};

/// Parameters of a law.
const PARAMETERS: usize = 2;

/// Fewer sizes than this leave nothing to tell the error from.
pub(super) const FEWEST: usize = PARAMETERS + 1;

/// The weights depend on the fitted values; after so many rounds they stand.
const ROUNDS: usize = 4;

/// How measurements of one quantity scatter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scatter {
    /// Values below this scatter by an amount, those above by a share. In the quantity's unit.
    pub(super) amount: f64,
    /// The least relative standard deviation that is believed: a few points may lie on a line by chance.
    pub(super) least: f64,
}

impl Scatter {
    /// The scale of the error at a value.
    fn scale(self, value: f64) -> f64 {
        value.hypot(self.amount)
    }
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Rows.
    pub(super) n: f64,
    /// What was measured.
    pub(super) value: f64,
}

/// What the points say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Fitted {
    /// The law that was chosen.
    pub(super) model: Growth,
    /// The projected value.
    pub(super) interval: Interval,
    /// The relative standard deviation of what the law leaves over.
    pub(super) error: f64,
}

/// Fits both laws and projects to `n` rows. The better one is chosen by what it leaves over; where the points cannot
/// tell the two apart, the one that is `expected` of such work, and the interval holds both. None below
/// [`FEWEST`] points, or where they do not differ in their rows.
pub(super) fn fit(
    points: &[Point],
    n: f64,
    (scatter, expected): (Scatter, Growth),
) -> Option<Fitted> {
    let laws = [Growth::Linear, Growth::NLogN].map(|model| Law::fit(points, model, scatter));
    let [Some(linear), Some(n_log_n)] = laws else {
        return None;
    };
    let (better, other) = match linear.left_over <= n_log_n.left_over {
        true => (linear, n_log_n),
        false => (n_log_n, linear),
    };
    if !better.bears(&other, scatter) {
        return Some(better.fitted(better.at(n, scatter)));
    }
    let (chosen, other) = match better.model == expected {
        true => (better, other),
        false => (other, better),
    };
    let interval = chosen.at(n, scatter).covering(other.at(n, scatter));
    Some(chosen.fitted(interval))
}

/// A law of growth with its parameters.
#[derive(Debug, Clone, Copy)]
struct Law {
    model: Growth,
    constant: f64,
    slope: f64,
    sums: Sums,
    /// The weighted sum of the squared residuals.
    left_over: f64,
    degrees_of_freedom: usize,
}

impl Law {
    fn fit(points: &[Point], model: Growth, scatter: Scatter) -> Option<Self> {
        let degrees_of_freedom = points.len().checked_sub(PARAMETERS).filter(|df| *df > 0)?;
        let mut scales: Vec<f64> = points
            .iter()
            .map(|point| scatter.scale(point.value))
            .collect();
        let (mut constant, mut slope, mut sums) = (0.0, 0.0, Sums::default());
        for _ in 0..ROUNDS {
            sums = Sums::of(points, &scales, model);
            (constant, slope) = sums.solve()?;
            scales = points
                .iter()
                .map(|point| scatter.scale(constant + slope * regressor(point.n, model)))
                .collect();
        }
        let residual = |(point, scale): (&Point, &f64)| {
            let expected = constant + slope * regressor(point.n, model);
            ((point.value - expected) / scale).powi(2)
        };
        Some(Self {
            model,
            constant,
            slope,
            sums,
            left_over: points.iter().zip(&scales).map(residual).sum(),
            degrees_of_freedom,
        })
    }

    /// The relative standard deviation of what it leaves over.
    fn error(&self) -> f64 {
        (self.left_over / self.degrees_of_freedom as f64).sqrt()
    }

    /// Whether a law that leaves over more could be the true one all the same: by the likelihood ratio, as for one
    /// parameter more.
    fn bears(&self, other: &Self, scatter: Scatter) -> bool {
        let believed = self.error().max(scatter.least);
        let deviate = student::deviate(self.degrees_of_freedom);
        other.left_over - self.left_over <= (deviate * believed).powi(2)
    }

    /// The value at `n` rows with its prediction interval.
    fn at(&self, n: f64, scatter: Scatter) -> Interval {
        let x = regressor(n, self.model);
        let predicted = self.constant + self.slope * x;
        let own = scatter.scale(predicted).powi(2);
        let deviation = self.error().max(scatter.least) * (own + self.sums.variance(x)).sqrt();
        let margin = student::deviate(self.degrees_of_freedom) * deviation;
        Interval {
            predicted,
            low: (predicted - margin).max(0.0),
            high: predicted + margin,
        }
    }

    fn fitted(&self, interval: Interval) -> Fitted {
        Fitted {
            model: match self.slope > 0.0 {
                true => self.model,
                false => Growth::Constant,
            },
            interval,
            error: self.error(),
        }
    }
}

/// What the value is proportional to.
fn regressor(n: f64, model: Growth) -> f64 {
    match model {
        Growth::NLogN => n * n.max(1.0).ln(),
        Growth::Linear | Growth::Constant => n,
    }
}

/// The sums of the normal equations, each point weighted by the inverse square of its error's scale.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    w: f64,
    wx: f64,
    wxx: f64,
    wy: f64,
    wxy: f64,
}

impl Sums {
    fn of(points: &[Point], scales: &[f64], model: Growth) -> Self {
        let mut sums = Self::default();
        for (point, scale) in points.iter().zip(scales) {
            let (x, y) = (regressor(point.n, model), point.value);
            let w = scale.powi(-2);
            sums.w += w;
            sums.wx += w * x;
            sums.wxx += w * x * x;
            sums.wy += w * y;
            sums.wxy += w * x * y;
        }
        sums
    }

    /// Zero, but for rounding, where all points have the same rows.
    fn determinant(&self) -> f64 {
        self.w * self.wxx - self.wx * self.wx
    }

    /// Constant and slope, neither negative: where the best is, the best with that one at zero.
    fn solve(&self) -> Option<(f64, f64)> {
        let determinant = self.determinant();
        let spread = determinant / (self.w * self.wxx);
        if spread.is_nan() || spread < 1e-9 {
            return None;
        }
        let constant = (self.wxx * self.wy - self.wx * self.wxy) / determinant;
        let slope = (self.w * self.wxy - self.wx * self.wy) / determinant;
        Some(match (constant < 0.0, slope < 0.0) {
            (_, true) => (self.wy / self.w, 0.0),
            (true, false) => (0.0, self.wxy / self.wxx),
            (false, false) => (constant, slope),
        })
    }

    /// The variance of the law itself at `x`, in units of the squared relative error. Of both parameters also where
    /// one stands at its bound: that it is zero there is not known any better.
    fn variance(&self, x: f64) -> f64 {
        (self.wxx - 2.0 * x * self.wx + x * x * self.w) / self.determinant()
    }
}
