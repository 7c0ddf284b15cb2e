//! Dates, times and timestamps.

use crate::synth::choice::draw::Draw;
use crate::synth::error::Problem;
use crate::synth::value::calendar::{self, DAY, MomentKind, Moments};
use crate::synth::value::shape::Shape;

use super::{Ask, Form};

/// The instant that generated timestamps end before: 2026-01-01 00:00 UTC. Fixed, so that the same
/// seed gives the same data on any day.
pub(super) const END: i64 = 20_454 * DAY;

/// How far generated timestamps go back: two years.
pub(super) const SPAN: i64 = 730 * DAY;

/// The first moment generated where a unique column needs many: 0001-01-01.
pub(super) const EARLIEST: i64 = -719_162 * DAY;

/// Beginnings of the names of columns whose values rise as rows are added.
const CREATION: [&str; 12] = [
    "created",
    "inserted",
    "recorded",
    "measured",
    "logged",
    "occurred",
    "received",
    "registered",
    "placed",
    "joined",
    "added",
    "creation",
];

pub(super) fn form(name: &str, precision: Option<u32>, ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_width()?;
    let (kind, zoned, unit) = unit(name, precision).ok_or(Problem::Unsupported)?;
    let (low, high) = bounds(kind, unit, ask)?;
    if low > high {
        return Err(Problem::Contradiction);
    }
    let count = high.abs_diff(low).saturating_add(1);
    let shape = Shape::Moments(Moments {
        kind,
        zoned,
        low,
        unit,
    });
    let step = count.checked_div(ask.rows).unwrap_or(0);
    if rises(kind, ask) && step > 0 {
        return Ok(Form {
            shape,
            draw: Draw::Rising { key: ask.key, step },
            capacity: count,
        });
    }
    if let (MomentKind::Time, Some(_)) | (_, None) = (kind, ask.different) {
        return Form::chosen(shape, count, ask);
    }
    // Unique dates that count from the beginning.
    Ok(Form {
        capacity: count,
        ..Form::by_row(shape)
    })
}

/// What a type of moments holds, whether with a zone, and its unit in microseconds.
pub(super) fn unit(name: &str, precision: Option<u32>) -> Option<(MomentKind, bool, i64)> {
    let kind = match name {
        "date" => MomentKind::Date,
        "time" | "timetz" => MomentKind::Time,
        "timestamp" | "timestamptz" => MomentKind::Timestamp,
        _ => return None,
    };
    let unit = match kind {
        MomentKind::Date => DAY,
        _ => 10i64.pow(6 - precision.unwrap_or(6).min(6)),
    };
    Some((kind, matches!(name, "timetz" | "timestamptz"), unit))
}

/// The first and last moment, in units.
fn bounds(kind: MomentKind, unit: i64, ask: &Ask<'_>) -> Result<(i64, i64), Problem> {
    if let Some(range) = &ask.spec.range {
        return read_range(kind, unit, range);
    }
    let read = |text: &str| {
        let micros = calendar::read(kind, text)?;
        Some((micros.div_euclid(unit), micros.rem_euclid(unit) == 0))
    };
    let (min, max) = ask.limits.interval(read);
    if kind == MomentKind::Time {
        let (low, high) = (min.unwrap_or(0), max.unwrap_or(DAY / unit - 1));
        return Ok((low.max(0), high.min(DAY / unit - 1)));
    }
    let (span, end) = (SPAN / unit, END / unit);
    let (mut low, high) = match (min, max) {
        (Some(min), Some(max)) => (min, max),
        (Some(min), None) => (min, end.max(min.saturating_add(span))),
        (None, Some(max)) => (max.min(end - 1).saturating_sub(span), max.min(end - 1)),
        (None, None) => (end - span, end - 1),
    };
    let needed = i64::try_from(ask.different.unwrap_or(0)).unwrap_or(i64::MAX);
    if min.is_none() && high.saturating_sub(low) < needed {
        low = high.saturating_sub(needed).max(EARLIEST / unit);
    }
    Ok((low, high))
}

/// Whether values rise with the row's number: the column says when the row was made, or must be unique.
fn rises(kind: MomentKind, ask: &Ask<'_>) -> bool {
    let spec = ask.spec;
    if kind == MomentKind::Time || spec.distribution.is_some() || spec.distinct.is_some() {
        return false;
    }
    let name = ask.name.to_ascii_lowercase();
    let default = ask.default.unwrap_or("").to_ascii_lowercase();
    ask.different.is_some()
        || CREATION.iter().any(|word| name.starts_with(word))
        || matches!(name.as_str(), "ts" | "timestamp" | "time" | "at")
        || [
            "now()",
            "current_timestamp",
            "current_date",
            "clock_timestamp",
        ]
        .iter()
        .any(|function| default.contains(function))
}

fn read_range(
    kind: MomentKind,
    unit: i64,
    range: &[toml::Value; 2],
) -> Result<(i64, i64), Problem> {
    let text = |value: &toml::Value| value.to_string().trim_matches('"').to_owned();
    let read = |value: &toml::Value| {
        calendar::read(kind, &text(value)).ok_or_else(|| Problem::WrongValue {
            key: "range",
            value: text(value),
        })
    };
    let [first, last] = range;
    let low = -(-read(first)?).div_euclid(unit);
    let high = read(last)?.div_euclid(unit);
    if low > high {
        return Err(Problem::EmptyRange {
            low: text(first),
            high: text(last),
        });
    }
    Ok((low, high))
}
