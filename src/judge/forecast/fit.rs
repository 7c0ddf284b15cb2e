//! Fits a law of growth to a few measured points, and says how far it can be trusted beyond them.
//!
//! The laws are a + b·n and a + b·n·ln n with a, b ≥ 0: nothing a database does with a table takes less time than
//! none, or less with more rows. Where even the second one grows too little with a = 0, it is b·n·ln(n/n₀) with n₀ ≥ 1:
//! what a row costs rises with each time that the rows outgrow a cache. What grows faster than that has no law here, and
//! no interval ends below where a power of n through the points would lie. The fit is by weighted least squares, with weights for a relative error: twice the
//! time is measured with twice the error. The interval is the prediction interval of that regression (Draper and
//! Smith, Applied Regression Analysis, 3rd ed. 1998, 3.1 and 9.2).

use super::student;
use crate::observe::{Growth, Interval};

/// Parameters of a law.
const PARAMETERS: usize = 2;

/// Fewer sizes than this leave nothing to tell the error from.
pub(super) const FEWEST: usize = PARAMETERS + 1;

/// A law of caches has an n₀ so many times below the fewest rows measured. By 16 times more rows a row costs 1.6 times as
/// much then; where it costs more, some other growth hides behind the law.
const CACHES_BEGIN: f64 = 100.0;

/// A law of caches leaves over so many times the least that points scatter by: a curve that only crosses it leaves more.
const CACHES_LEAVE: f64 = 2.0;

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
    /// Whether it surely grows faster than any law.
    pub(super) too_steep: bool,
}

/// Fits both laws and projects to `n` rows. The better one is chosen by what it leaves over; where the points cannot
/// tell the two apart, the one that is `expected` of such work, and the interval holds both. None below
/// [`FEWEST`] points, or where they do not differ in their rows.
pub(super) fn fit(
    points: &[Point],
    n: f64,
    (scatter, expected): (Scatter, Growth),
) -> Option<Fitted> {
    let linear = Law::fit(points, Terms::Line, scatter)?;
    let (n_log_n, too_steep) = Law::n_log_n(points, scatter)?;
    let (better, other) = match linear.left_over <= n_log_n.left_over {
        true => (linear, n_log_n),
        false => (n_log_n, linear),
    };
    let (chosen, interval) = match better.bears(&other, scatter) {
        false => (better, better.at(n, scatter)),
        true => {
            let (chosen, other) = match better.terms.model() == expected {
                true => (better, other),
                false => (other, better),
            };
            (chosen, chosen.at(n, scatter).covering(other.at(n, scatter)))
        }
    };
    let power = power_law(points, n, scatter).unwrap_or(0.0);
    let interval = Interval {
        high: interval.high.max(power),
        ..interval
    };
    Some(Fitted {
        too_steep,
        ..chosen.fitted(interval)
    })
}

/// What a power of n through the points comes to at `n`; none where it is no more than the first.
fn power_law(points: &[Point], n: f64, scatter: Scatter) -> Option<f64> {
    let positive = |point: &&Point| point.n > 0.0 && point.value > 0.0;
    let (mut w, mut x, mut y) = (0.0, 0.0, 0.0);
    let weighted = || {
        points.iter().filter(positive).map(|point| {
            let weight = (point.value / scatter.scale(point.value)).powi(2);
            (weight, point.n.ln(), point.value.ln())
        })
    };
    for (weight, ln_n, ln_value) in weighted() {
        w += weight;
        x += weight * ln_n;
        y += weight * ln_value;
    }
    let (x, y) = (x / w, y / w);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (weight, ln_n, ln_value) in weighted() {
        xx += weight * (ln_n - x).powi(2);
        xy += weight * (ln_n - x) * (ln_value - y);
    }
    let exponent = xy / xx;
    (exponent > 1.0).then(|| (y + exponent * (n.ln() - x)).exp())
}

/// What a law adds up of n, each with a coefficient that is not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terms {
    /// 1 and n.
    Line,
    /// 1 and n·ln n.
    Sort,
    /// −n and n·ln n: b·n·ln n − c·n is b·n·ln(n/n₀) with n₀ = e^(c/b).
    Caches,
}

impl Terms {
    fn at(self, n: f64) -> (f64, f64) {
        let n_log_n = n * n.max(1.0).ln();
        match self {
            Self::Line => (1.0, n),
            Self::Sort => (1.0, n_log_n),
            Self::Caches => (-n, n_log_n),
        }
    }

    fn model(self) -> Growth {
        match self {
            Self::Line => Growth::Linear,
            Self::Sort | Self::Caches => Growth::NLogN,
        }
    }
}

/// A law of growth with its parameters.
#[derive(Debug, Clone, Copy)]
struct Law {
    terms: Terms,
    /// Of the terms, in their order.
    coefficients: (f64, f64),
    sums: Sums,
    /// The weighted sum of the squared residuals.
    left_over: f64,
    degrees_of_freedom: usize,
}

impl Law {
    /// The law of n·log n, and whether the points surely rise more steeply than it can.
    fn n_log_n(points: &[Point], scatter: Scatter) -> Option<(Self, bool)> {
        let sort = Self::fit(points, Terms::Sort, scatter)?;
        if sort.coefficients.0 > 0.0 {
            return Some((sort, false));
        }
        let caches = Self::fit(points, Terms::Caches, scatter);
        let caches = caches.filter(|law| law.coefficients.0 > 0.0 && law.coefficients.1 > 0.0);
        let Some(caches) = caches else {
            return Some((sort, false));
        };
        let fewest = points.iter().map(|point| point.n).fold(f64::MAX, f64::min);
        let begin = (caches.coefficients.0 / caches.coefficients.1).exp();
        let plausible =
            begin * CACHES_BEGIN <= fewest && caches.error() <= CACHES_LEAVE * scatter.least;
        match plausible {
            true => Some((caches, false)),
            false => Some((sort, !caches.bears(&sort, scatter))),
        }
    }

    fn fit(points: &[Point], terms: Terms, scatter: Scatter) -> Option<Self> {
        let degrees_of_freedom = points.len().checked_sub(PARAMETERS).filter(|df| *df > 0)?;
        let mut scales: Vec<f64> = points
            .iter()
            .map(|point| scatter.scale(point.value))
            .collect();
        let (mut coefficients, mut sums) = ((0.0, 0.0), Sums::default());
        for _ in 0..ROUNDS {
            sums = Sums::of(points, &scales, terms);
            coefficients = sums.solve()?;
            scales = points
                .iter()
                .map(|point| scatter.scale(value(coefficients, terms.at(point.n))))
                .collect();
        }
        let residual = |(point, scale): (&Point, &f64)| {
            let expected = value(coefficients, terms.at(point.n));
            ((point.value - expected) / scale).powi(2)
        };
        Some(Self {
            terms,
            coefficients,
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
        let terms = self.terms.at(n);
        let predicted = value(self.coefficients, terms);
        let own = scatter.scale(predicted).powi(2);
        let deviation = self.error().max(scatter.least) * (own + self.sums.variance(terms)).sqrt();
        let margin = student::deviate(self.degrees_of_freedom) * deviation;
        Interval {
            predicted,
            low: (predicted - margin).max(0.0),
            high: predicted + margin,
        }
    }

    fn fitted(&self, interval: Interval) -> Fitted {
        Fitted {
            model: match self.coefficients.1 > 0.0 {
                true => self.terms.model(),
                false => Growth::Constant,
            },
            interval,
            error: self.error(),
            too_steep: false,
        }
    }
}

fn value(coefficients: (f64, f64), terms: (f64, f64)) -> f64 {
    coefficients.0 * terms.0 + coefficients.1 * terms.1
}

/// The sums of the normal equations for the terms u and v, each point weighted by the inverse square of its error's
/// scale.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    uu: f64,
    uv: f64,
    vv: f64,
    uy: f64,
    vy: f64,
}

impl Sums {
    fn of(points: &[Point], scales: &[f64], terms: Terms) -> Self {
        let mut sums = Self::default();
        for (point, scale) in points.iter().zip(scales) {
            let ((u, v), y) = (terms.at(point.n), point.value);
            let w = scale.powi(-2);
            sums.uu += w * u * u;
            sums.uv += w * u * v;
            sums.vv += w * v * v;
            sums.uy += w * u * y;
            sums.vy += w * v * y;
        }
        sums
    }

    /// Zero, but for rounding, where all points have the same rows.
    fn determinant(&self) -> f64 {
        self.uu * self.vv - self.uv * self.uv
    }

    /// Both coefficients, neither negative: where the best is, the best with that one at zero.
    fn solve(&self) -> Option<(f64, f64)> {
        let determinant = self.determinant();
        let spread = determinant / (self.uu * self.vv);
        if spread.is_nan() || spread < 1e-9 {
            return None;
        }
        let first = (self.vv * self.uy - self.uv * self.vy) / determinant;
        let second = (self.uu * self.vy - self.uv * self.uy) / determinant;
        Some(match (first < 0.0, second < 0.0) {
            (_, true) => ((self.uy / self.uu).max(0.0), 0.0),
            (true, false) => (0.0, self.vy / self.vv),
            (false, false) => (first, second),
        })
    }

    /// The variance of the law itself at the terms u and v, in units of the squared relative error. Of both
    /// coefficients also where one stands at its bound: that it is zero there is not known any better.
    fn variance(&self, (u, v): (f64, f64)) -> f64 {
        (u * u * self.vv - 2.0 * u * v * self.uv + v * v * self.uu) / self.determinant()
    }
}
