//! Integers, decimals and floats.

use crate::synth::error::Problem;
use crate::synth::value::decimal::{self, Numbers};
use crate::synth::value::shape::Shape;

use super::{Ask, Form};

/// What a number type can hold.
struct NumberType {
    /// Decimal places written.
    scale: u32,
    /// Zeros before the decimal point that every value ends in.
    zeros: u32,
    /// Lowest and highest, in units of the last place.
    low: i64,
    high: i64,
    /// Whether values are rounded to binary fractions, so that a limit itself may end beyond it.
    rounded: bool,
    /// How far values range where nothing says it, in whole units.
    spread: i64,
}

/// Most decimal places written, so that values stay within 64 bits.
pub(super) const MOST_PLACES: u32 = 9;

/// The fewest values to choose from, of types that round to tens and more.
const FEWEST_ROUNDED: i64 = 10;

/// Whole numbers that `float4` holds exactly.
const EXACT_FLOAT4: i64 = 1 << 24;

/// Whole numbers that `float8` holds exactly.
const EXACT_FLOAT8: i64 = 1 << 53;

pub(super) fn form(name: &str, modifiers: &[i32], ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_width()?;
    let mut number = of_type(name, modifiers);
    if name.starts_with("float") && ask.different.is_none() {
        number = finer(number, ask);
    }
    if ask
        .different
        .is_some_and(|needed| number.holds_whole(needed))
        && ask.spec.range.is_none()
    {
        // Keys are whole numbers where there are enough of them.
        let unit = 10i64.pow(number.scale);
        number = NumberType {
            zeros: number.zeros,
            ..whole(number.low / unit, number.high / unit, number.spread)
        };
    }
    within_limits(number, ask)
}

fn of_type(name: &str, modifiers: &[i32]) -> NumberType {
    match name {
        "int2" => whole(i64::from(i16::MIN), i64::from(i16::MAX), 1_000),
        "int4" => whole(i64::from(i32::MIN), i64::from(i32::MAX), 100_000),
        "oid" => whole(0, i64::from(u32::MAX), 100_000),
        // The first three transactions are special.
        "xid" | "cid" => whole(3, i64::from(u32::MAX), 100_000),
        "xid8" => whole(3, i64::MAX, 1_000_000),
        "int8" => whole(i64::MIN, i64::MAX, 1_000_000),
        "float4" => floats(EXACT_FLOAT4, 3),
        "float8" => floats(EXACT_FLOAT8, 3),
        "money" => decimals(17, 2),
        _ => numeric(modifiers),
    }
}

/// Decimal places, lowest and highest value in units of the last place, and how far values range in
/// whole units, of a type of numbers.
pub(super) fn span(name: &str, modifiers: &[i32]) -> Option<(u32, i64, i64, i64)> {
    let known = [
        "int2", "int4", "int8", "oid", "numeric", "float4", "float8", "money",
    ];
    let number = of_type(name, modifiers);
    // Of numbers that are rounded to hundreds, the last place is none of these.
    let plain = known.contains(&name) && number.zeros == 0;
    plain.then_some((number.scale, number.low, number.high, number.spread))
}

fn whole(low: i64, high: i64, spread: i64) -> NumberType {
    NumberType {
        scale: 0,
        zeros: 0,
        low,
        high,
        rounded: false,
        spread,
    }
}

fn floats(exact: i64, scale: u32) -> NumberType {
    NumberType {
        scale,
        zeros: 0,
        low: -exact,
        high: exact,
        rounded: true,
        spread: 1_000,
    }
}

fn decimals(digits: u32, scale: u32) -> NumberType {
    let high = 10i64.pow(digits.min(18)) - 1;
    NumberType {
        scale,
        zeros: 0,
        low: -high,
        high,
        rounded: false,
        spread: 10_000,
    }
}

/// `numeric(precision, scale)`; the scale may be negative or beyond the precision.
fn numeric(modifiers: &[i32]) -> NumberType {
    let (precision, scale) = match modifiers {
        [precision, scale, ..] => (*precision, *scale),
        [precision] => (*precision, 0),
        [] => return decimals(18, 2),
    };
    let places = u32::try_from(scale.max(0)).unwrap_or(0).min(MOST_PLACES);
    let zeros = scale.min(0).unsigned_abs();
    let dropped = scale.max(0) - i32::try_from(places).unwrap_or(0);
    let digits = precision.saturating_sub(dropped).max(0).unsigned_abs();
    let number = decimals(digits, places);
    NumberType {
        zeros,
        spread: (number.spread / 10i64.saturating_pow(zeros)).max(FEWEST_ROUNDED),
        ..number
    }
}

/// Floats of a narrow range need more places.
fn finer(number: NumberType, ask: &Ask<'_>) -> NumberType {
    let limits = [ask.limits.min.first(), ask.limits.max.first()];
    let ends = match &ask.spec.range {
        Some(range) => range
            .each_ref()
            .map(|end| end.to_string().trim_matches('"').parse::<f64>().ok()),
        None => limits.map(|limit| limit.and_then(|(end, _)| end.parse().ok())),
    };
    let [Some(low), Some(high)] = ends else {
        return number;
    };
    let wanted = (number.scale..MOST_PLACES)
        .find(|&scale| (high - low) * 10f64.powi(scale.cast_signed()) >= 1_000.0)
        .unwrap_or(MOST_PLACES);
    NumberType {
        scale: wanted,
        low: i64::MIN,
        high: i64::MAX,
        ..number
    }
}

impl NumberType {
    fn holds_whole(&self, needed: u64) -> bool {
        let most = self.high / 10i64.pow(self.scale);
        u64::try_from(most).is_ok_and(|most| needed <= most)
    }

    /// A number as written, in units of the last place: the largest not above it, and whether it is
    /// exact.
    fn read(&self, text: &str) -> Option<(i64, bool)> {
        let (number, exact) = decimal::read(text, self.scale)?;
        let unit = 10i64.checked_pow(self.zeros)?;
        Some((
            number.div_euclid(unit),
            exact && number.rem_euclid(unit) == 0,
        ))
    }

    /// The widest stretch between the values that CHECKs forbid, as in `quantity NOT IN (0, 13)`.
    fn without_excluded(&self, ask: &Ask<'_>, (low, high): (i64, i64)) -> (i64, i64) {
        let read = ask.limits.not.iter().filter_map(|text| self.read(text));
        let exact = read.filter_map(|(value, exact)| exact.then_some(value));
        let mut excluded: Vec<i64> = exact.filter(|value| (low..=high).contains(value)).collect();
        excluded.sort_unstable();
        let begins = excluded.iter().map(|value| value.saturating_add(1));
        let ends = excluded.iter().map(|value| value.saturating_sub(1));
        let stretches = [low].into_iter().chain(begins).zip(ends.chain([high]));
        // The last of equally wide ones, so that `> 0` is preferred to `< 0`.
        let widest = stretches.max_by_key(|(low, high)| i128::from(*high) - i128::from(*low));
        widest.unwrap_or((low, high))
    }

    /// The scenario's `range`, in units of the last place.
    fn read_range(&self, range: &[toml::Value; 2]) -> Result<(i64, i64), Problem> {
        let read = |value: &toml::Value| match value {
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::String(_) => {
                let text = value.to_string();
                self.read(text.trim_matches('"'))
                    .ok_or_else(|| wrong(value))
            }
            _ => Err(wrong(value)),
        };
        let [first, last] = range;
        let ((low, exact), (high, _)) = (read(first)?, read(last)?);
        let low = low.saturating_add(i64::from(!exact));
        if low > high {
            return Err(Problem::EmptyRange {
                low: first.to_string(),
                high: last.to_string(),
            });
        }
        Ok((low, high))
    }
}

fn within_limits(number: NumberType, ask: &Ask<'_>) -> Result<Form, Problem> {
    let scale = number.scale;
    let unit = 10i64.pow(scale);
    let (mut min, mut max) = ask.limits.interval(|text| number.read(text));
    if let (true, Some(low), Some(high)) = (number.rounded, min, max)
        && high.saturating_sub(low) > 2
    {
        (min, max) = (Some(low + 1), Some(high - 1));
    }
    let (low, high) = match &ask.spec.range {
        Some(range) => {
            let ends = number.read_range(range)?;
            if ends.0 < number.low || ends.1 > number.high {
                let beyond = if ends.0 < number.low {
                    &range[0]
                } else {
                    &range[1]
                };
                return Err(wrong(beyond));
            }
            ends
        }
        None => {
            let spread = number.spread.saturating_mul(unit).saturating_sub(1);
            let first = if ask.different.is_some() { 1 } else { 0 };
            let start = if scale == 0 { first } else { first.min(unit) };
            let low = min
                .unwrap_or_else(|| max.map_or(start, |max| start.min(max.saturating_sub(spread))))
                .max(number.low);
            let far = match ask.different {
                Some(_) => number.high,
                None => low.saturating_add(spread).min(number.high),
            };
            (low, max.map_or(far, |max| max.min(number.high)))
        }
    };
    let (low, high) = number.without_excluded(ask, (low, high));
    if low > high {
        return Err(Problem::Contradiction);
    }
    let count = high.abs_diff(low).saturating_add(1);
    let in_units = 10f64.powi(number.zeros.cast_signed()) / unit as f64;
    let (first, width) = (low as f64 * in_units, count as f64 * in_units);
    let distribution = ask.distribution()?.within(first, width);
    let numbers = Numbers { low, scale };
    let shape = match number.zeros {
        0 => Shape::Numbers(numbers),
        zeros => Shape::Rounded { numbers, zeros },
    };
    Ok(Form::distributed(shape, count, ask.key, distribution))
}

fn wrong(value: &toml::Value) -> Problem {
    Problem::WrongValue {
        key: "range",
        value: value.to_string().trim_matches('"').to_owned(),
    }
}
