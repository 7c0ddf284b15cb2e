//! Intervals.

use crate::synth::error::Problem;
use crate::synth::value::shape::{Intervals, Shape, Unit, read_interval};

use super::{Ask, Form};

/// How far intervals range where nothing says it, in seconds: 90 days.
const USUAL: u64 = 90 * 86_400;

/// The fewest values to choose from, of types whose units are long: years, months.
const FEWEST: u64 = 24;

/// The bits of a modifier's fields (PostgreSQL's `INTERVAL_MASK` of `datetime.h`), from the smallest.
const FIELDS: [(i32, Unit); 6] = [
    (1 << 12, Unit::Second),
    (1 << 11, Unit::Minute),
    (1 << 10, Unit::Hour),
    (1 << 3, Unit::Day),
    (1 << 1, Unit::Month),
    (1 << 2, Unit::Year),
];

pub(super) fn form(modifiers: &[i32], ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_width()?;
    let unit = unit(modifiers);
    let length = i64::try_from(unit.seconds()).unwrap_or(i64::MAX);
    let (min, max) = ask.limits.interval(|text| {
        let seconds = read_interval(text)?;
        Some((seconds.div_euclid(length), seconds.rem_euclid(length) == 0))
    });
    let usual = i64::try_from((USUAL / unit.seconds()).max(FEWEST)).unwrap_or(i64::MAX);
    let (low, high) = match &ask.spec.range {
        Some(range) => read_range(length, range)?,
        None => {
            let low = min.unwrap_or_else(|| max.map_or(0, |max| max.saturating_sub(usual).min(0)));
            (low, max.unwrap_or(low.saturating_add(usual)))
        }
    };
    if low > high {
        return Err(Problem::Contradiction);
    }
    let shape = Shape::Interval(Intervals { unit, low });
    let count = high.abs_diff(low).saturating_add(1);
    let bounded = max.is_some() || ask.spec.range.is_some();
    let capacity = if bounded { count } else { shape.capacity() };
    Form::chosen(shape, count, ask).map(|form| Form { capacity, ..form })
}

/// The smallest field that the modifier leaves.
fn unit(modifiers: &[i32]) -> Unit {
    let Some(fields) = modifiers.get(1) else {
        return Unit::Second;
    };
    let smallest = FIELDS.iter().find(|(bit, _)| fields & bit != 0);
    smallest.map_or(Unit::Second, |(_, unit)| *unit)
}

fn read_range(length: i64, range: &[toml::Value; 2]) -> Result<(i64, i64), Problem> {
    let text = |value: &toml::Value| value.to_string().trim_matches('"').to_owned();
    let read = |value: &toml::Value| {
        read_interval(&text(value)).ok_or_else(|| Problem::WrongValue {
            key: "range",
            value: text(value),
        })
    };
    let [first, last] = range;
    let low = -(-read(first)?).div_euclid(length);
    let high = read(last)?.div_euclid(length);
    if low > high {
        return Err(Problem::EmptyRange {
            low: text(first),
            high: text(last),
        });
    }
    Ok((low, high))
}
