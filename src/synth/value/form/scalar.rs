//! Types whose values have an order and a distance: numbers, dates and times.

use crate::schema::TypeKind;
use crate::synth::value::calendar::{self, DAY, MomentKind, Moments};
use crate::synth::value::decimal::{self, Numbers};

use crate::synth::value::shape::Shape;

use super::{number, time};

/// The values of an ordered type as whole numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    kind: ScalarKind,
    /// The lowest and the highest that the type holds, in its units.
    pub(crate) low: i64,
    pub(crate) high: i64,
    /// How far a value usually is from one that it must exceed, in units.
    pub(crate) reach: u64,
    /// The lowest and the highest value where nothing else is said, in units.
    pub(crate) usual: (i64, i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ScalarKind {
    /// Units of `10^-scale`.
    Numbers { scale: u32 },
    /// Units of so many microseconds.
    Moments {
        kind: MomentKind,
        zoned: bool,
        unit: i64,
    },
}

/// The last moment that is ever generated: the end of the year 9999.
const LATEST: i64 = 2_932_896 * DAY;

/// How long after a moment another one usually is that must be later: a month.
const USUAL_DELAY: i64 = 30 * DAY;

/// The longest and the shortest month, in days.
const MONTH: (i64, i64) = (31, 28);

/// The scalar of a type, none for types without one. `kind` is no domain.
pub(crate) fn scalar(kind: &TypeKind) -> Option<Scalar> {
    let TypeKind::Base { name, modifiers } = kind else {
        return None;
    };
    if let Some((scale, low, high, spread)) = number::span(name, modifiers) {
        let unit = 10i64.checked_pow(scale)?;
        return Some(Scalar {
            kind: ScalarKind::Numbers { scale },
            low,
            high,
            reach: spread.saturating_mul(unit).unsigned_abs(),
            usual: (0, spread.saturating_mul(unit).saturating_sub(1)),
        });
    }
    let precision = modifiers.first().and_then(|&n| u32::try_from(n).ok());
    let (kind, zoned, unit) = time::unit(name, precision)?;
    let (low, high, reach) = match kind {
        MomentKind::Time => (0, DAY - unit, DAY / 4),
        _ => (time::EARLIEST, LATEST, USUAL_DELAY),
    };
    let (first, end) = match kind {
        MomentKind::Time => (0, DAY),
        _ => (time::END - time::SPAN, time::END),
    };
    Some(Scalar {
        kind: ScalarKind::Moments { kind, zoned, unit },
        low: low / unit,
        high: high / unit,
        reach: (reach / unit).unsigned_abs(),
        usual: (first / unit, end / unit - 1),
    })
}

impl Scalar {
    /// How many ordinals of a shape are within the type.
    pub(crate) fn capacity(&self, shape: &Shape) -> Option<u64> {
        let (low, high) = match (&self.kind, shape) {
            (ScalarKind::Numbers { scale }, Shape::Numbers(numbers)) => {
                let dropped = scale.checked_sub(numbers.scale)?;
                (numbers.low, self.high / 10i64.checked_pow(dropped)?)
            }
            (ScalarKind::Moments { .. }, Shape::Moments(moments)) => (moments.low, self.high),
            _ => return None,
        };
        (low <= high).then(|| high.abs_diff(low).saturating_add(1))
    }

    /// Whether values of both are comparable.
    pub(crate) fn is_same_family(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (ScalarKind::Numbers { .. }, ScalarKind::Numbers { .. }) => true,
            (ScalarKind::Moments { kind: a, .. }, ScalarKind::Moments { kind: b, .. }) => {
                (*a == MomentKind::Time) == (*b == MomentKind::Time)
            }
            _ => false,
        }
    }

    /// How many of the finest units of its family a unit is: nanos of a number, microseconds.
    pub(crate) fn factor(&self) -> i128 {
        match &self.kind {
            ScalarKind::Numbers { scale } => 10i128.pow(number::MOST_PLACES.saturating_sub(*scale)),
            ScalarKind::Moments { unit, .. } => i128::from(*unit),
        }
    }

    /// The largest value not above what is written, in units, and whether it is exact.
    pub(crate) fn read(&self, text: &str) -> Option<(i64, bool)> {
        match &self.kind {
            ScalarKind::Numbers { scale } => decimal::read(text, *scale),
            ScalarKind::Moments { kind, unit, .. } => {
                let micros = calendar::read(*kind, text)?;
                Some((micros.div_euclid(*unit), micros.rem_euclid(*unit) == 0))
            }
        }
    }

    /// Writes the value of so many units.
    pub(crate) fn write(&self, units: i64, out: &mut Vec<u8>) {
        match &self.kind {
            ScalarKind::Numbers { scale } => Numbers {
                low: units,
                scale: *scale,
            }
            .write(0, out),
            ScalarKind::Moments { kind, zoned, unit } => Moments {
                kind: *kind,
                zoned: *zoned,
                low: units,
                unit: *unit,
            }
            .write(0, out),
        }
    }

    /// A distance as written, in the finest units of the family and never too small: a number, of
    /// days between dates, or an interval.
    pub(crate) fn distance(&self, text: &str) -> Option<i128> {
        match &self.kind {
            ScalarKind::Numbers { .. } => {
                let (floor, exact) = decimal::read(text, number::MOST_PLACES)?;
                Some(i128::from(floor) + i128::from(!exact))
            }
            ScalarKind::Moments { kind, .. } => {
                let days = text.trim().parse::<i64>().ok();
                match (kind, days) {
                    (MomentKind::Date, Some(days)) => Some(i128::from(days) * i128::from(DAY)),
                    _ => interval(text).map(i128::from),
                }
            }
        }
    }
}

/// An interval as PostgreSQL prints it (`1 year 2 mons`, `-3 days`, `01:30:00`), in microseconds.
fn interval(text: &str) -> Option<i64> {
    let (text, turned) = match text.strip_prefix("--") {
        Some(rest) => (rest, false),
        None => match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text, false),
        },
    };
    let sign = if turned { -1 } else { 1 };
    let mut total: i64 = 0;
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let (negative, clock) = match word.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, word),
            };
            let micros = calendar::read(MomentKind::Time, clock)?;
            total += sign * if negative { -micros } else { micros };
            continue;
        }
        let count = sign * word.parse::<i64>().ok()?;
        let month = if count < 0 { MONTH.1 } else { MONTH.0 };
        let unit = match words.next()?.trim_end_matches('s') {
            "year" => 12 * month * DAY,
            "mon" | "month" => month * DAY,
            "week" => 7 * DAY,
            "day" => DAY,
            "hour" => DAY / 24,
            "minute" | "min" => 60_000_000,
            "second" | "sec" => 1_000_000,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read() {
        for (text, micros) in [
            ("1 day", Some(DAY)),
            ("-1 day", Some(-DAY)),
            ("01:30:00", Some(5_400_000_000)),
            ("-01:30:00", Some(-5_400_000_000)),
            ("1 mon", Some(31 * DAY)),
            ("-1 mon", Some(-28 * DAY)),
            ("2 days 00:00:01", Some(2 * DAY + 1_000_000)),
            ("5", None),
            ("soon", None),
        ] {
            assert_eq!(interval(text), micros, "{text}");
        }
    }
}
