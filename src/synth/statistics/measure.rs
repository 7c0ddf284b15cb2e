//! Captured numbers and moments as ordinals, in the column's own unit.

use crate::schema::TypeKind;
use crate::synth::choice::random;
use crate::synth::value::calendar::{self, DAY, MomentKind, Moments};
use crate::synth::value::decimal::{self, Numbers};
use crate::synth::value::form::Form;
use crate::synth::value::shape::Shape;

use super::Known;
use super::plan::{Plan, Role, split};
use super::ranks::Stretch;

/// Most decimal places that values are written with.
const MOST_PLACES: u32 = 9;

/// What values of a type are counted in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Measure {
    /// `10^-scale`, from `low` to `high`.
    Number { scale: u32, low: i64, high: i64 },
    /// So many microseconds.
    Moment {
        kind: MomentKind,
        zoned: bool,
        unit: i64,
    },
}

/// Values and how often each is, in their order.
pub(super) struct Series {
    pub(super) shape: Shape,
    pub(super) stretches: Vec<Stretch>,
}

impl Measure {
    /// The measure of a type; none of one that is no number and no moment.
    pub(super) fn of(kind: &TypeKind, known: &Known, rows: u64) -> Option<Self> {
        let TypeKind::Base { name, modifiers } = kind else {
            return None;
        };
        let whole = |low, high| Self::Number {
            scale: 0,
            low,
            high,
        };
        Some(match (name.as_str(), modifiers.as_slice()) {
            ("int2", _) => whole(i64::from(i16::MIN), i64::from(i16::MAX)),
            ("int4", _) => whole(i64::from(i32::MIN), i64::from(i32::MAX)),
            ("int8", _) => whole(i64::MIN, i64::MAX),
            ("oid", _) => whole(0, i64::from(u32::MAX)),
            ("numeric", []) => places(known, 18, rows),
            ("numeric", [precision, rest @ ..]) => {
                let scale = u32::try_from(rest.first().copied().unwrap_or(0)).ok()?;
                let digits = u32::try_from(*precision).ok()?.min(18);
                let high = 10i64.pow(digits) - 1;
                (scale <= MOST_PLACES).then_some(Self::Number {
                    scale,
                    low: -high,
                    high,
                })?
            }
            // Digits that a float holds without loss.
            ("float4", _) => places(known, 6, rows),
            ("float8", _) => places(known, 15, rows),
            ("date", _) => moment(MomentKind::Date, false, DAY),
            ("time" | "timetz" | "timestamp" | "timestamptz", modifiers) => {
                let precision = modifiers.first().and_then(|&n| u32::try_from(n).ok());
                let kind = match name.starts_with("timestamp") {
                    true => MomentKind::Timestamp,
                    false => MomentKind::Time,
                };
                let unit = 10i64.pow(6 - precision.unwrap_or(6).min(6));
                moment(kind, name.ends_with("tz"), unit)
            }
            _ => return None,
        })
    }

    /// A value's text in units: the largest number of them not above it, and whether that is exact.
    fn read(self, text: &str) -> Option<(i64, bool)> {
        match self {
            Self::Number { scale, .. } => decimal::read(text, scale),
            Self::Moment { kind, unit, .. } => {
                let micros = calendar::read(kind, text)?;
                Some((micros.div_euclid(unit), micros.rem_euclid(unit) == 0))
            }
        }
    }

    fn shape(self, low: i64) -> Shape {
        match self {
            Self::Number { scale, .. } => Shape::Numbers(Numbers { low, scale }),
            Self::Moment { kind, zoned, unit } => Shape::Moments(Moments {
                kind,
                zoned,
                low,
                unit,
            }),
        }
    }

    /// The least and the greatest value that the type and the CHECKs allow.
    fn ends(self, plan: &Plan<'_>) -> (i64, i64) {
        let (least, most) = match self {
            Self::Number { low, high, .. } => (low, high),
            Self::Moment {
                kind: MomentKind::Time,
                unit,
                ..
            } => (0, DAY / unit - 1),
            Self::Moment { .. } => (i64::MIN, i64::MAX),
        };
        let (min, max) = plan.ask.limits.interval(|text| self.read(text));
        (
            min.map_or(least, |min| min.max(least)),
            max.map_or(most, |max| max.min(most)),
        )
    }

    /// The captured values and what lies between them; none where none can be read.
    pub(super) fn series(self, plan: &mut Plan<'_>, usual: &Form) -> Option<Series> {
        let (least, most) = self.ends(plan);
        if least > most {
            return None;
        }
        let bounds = plan.known.column.histogram.iter();
        let mut bounds: Vec<i64> = bounds
            .filter_map(|bound| Some(self.read(bound)?.0.clamp(least, most)))
            .collect();
        bounds.sort_unstable();
        let hot = self.common(plan, least, most);
        if bounds.is_empty() && hot.is_empty() {
            return None;
        }
        if bounds.len() < 2 && plan.known.rest() > 1e-9 {
            bounds.extend(self.usual_ends(usual));
            bounds.sort_unstable();
        }
        let all = || bounds.iter().copied().chain(hot.iter().map(|(at, _)| *at));
        let (low, high) = (all().min()?, all().max()?);
        let place = |value: i64| value.abs_diff(low);
        let mut hot: Vec<(u64, f64)> = hot
            .iter()
            .map(|(at, weight)| (place(*at), *weight))
            .collect();
        hot.extend(unnamed(plan, place(high).saturating_add(1)));
        let forbidden = plan.ask.limits.not.iter();
        let forbidden = forbidden.filter_map(|text| self.read(text).filter(|(_, exact)| *exact));
        let within = |at: &i64| (low..=high).contains(at);
        let forbidden = forbidden.map(|(at, _)| at).filter(within);
        hot.extend(forbidden.map(|at| (place(at), 0.0)));
        hot.sort_by_key(|(place, _)| *place);
        hot.dedup_by(|later, earlier| later.0 == earlier.0 && later.1 == 0.0);
        let bounds: Vec<u64> = bounds.into_iter().map(place).collect();
        Some(Series {
            shape: self.shape(low),
            stretches: split(&buckets(plan, &bounds), &hot),
        })
    }

    /// The most common values that can be read and are allowed.
    fn common(self, plan: &mut Plan<'_>, least: i64, most: i64) -> Vec<(i64, f64)> {
        if plan.role == Role::Unique {
            return Vec::new();
        }
        let mut lost = false;
        let named = plan.known.column.most_common.iter();
        let named = named.filter_map(|common| {
            let (at, _) = self.read(common.value.as_deref()?)?;
            let allowed = (least..=most).contains(&at);
            lost |= !allowed;
            allowed.then_some((at, common.frequency))
        });
        let named = named.collect();
        if lost {
            plan.lost.push("most common values that it may not have");
        }
        named
    }

    /// The first and last of the usual values.
    fn usual_ends(self, usual: &Form) -> Vec<i64> {
        let value = |ordinal| {
            let mut text = Vec::new();
            usual.shape.write(ordinal, &mut text);
            Some(self.read(std::str::from_utf8(&text).ok()?)?.0)
        };
        let ends = [0, usual.capacity.saturating_sub(1)];
        ends.into_iter().filter_map(value).collect()
    }
}

fn moment(kind: MomentKind, zoned: bool, unit: i64) -> Measure {
    Measure::Moment { kind, zoned, unit }
}

/// As many decimal places as the captured values have, and as it takes for the values between two
/// bounds to be different, within so many digits.
fn places(known: &Known, digits: u32, rows: u64) -> Measure {
    let column = &known.column;
    let common = column.most_common.iter();
    let texts = common.filter_map(|common| common.value.as_deref());
    let texts = texts.chain(column.histogram.iter().map(String::as_str));
    let (mut decimals, mut whole) = (2, 1);
    for text in texts {
        let (before, after) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| u32::try_from(part.len()).unwrap_or(u32::MAX);
        decimals = decimals.max(digits(after));
        whole = whole.max(digits(before.trim_start_matches('-')));
    }
    let bounds: Vec<f64> = column.histogram.iter().flat_map(|b| b.parse()).collect();
    let distinct = column.distinct.map_or(0, |distinct| distinct.of_rows(rows));
    let between = distinct as f64 / bounds.len().saturating_sub(1).max(1) as f64;
    for (low, high) in bounds.iter().zip(bounds.iter().skip(1)) {
        while high > low && decimals < MOST_PLACES {
            let room = (high - low) * 10f64.powi(decimals.cast_signed());
            if room >= between {
                break;
            }
            decimals += 1;
        }
    }
    let high = 10i64.pow(digits.min(18)) - 1;
    Measure::Number {
        scale: decimals.min(MOST_PLACES).min(digits.saturating_sub(whole)),
        low: -high,
        high,
    }
}

/// The most common values without a known value: anywhere.
fn unnamed(plan: &Plan<'_>, span: u64) -> Vec<(u64, f64)> {
    if plan.role == Role::Unique {
        return Vec::new();
    }
    let key = random::key(plan.ask.key, "common values");
    let common = plan.known.column.most_common.iter().zip(0u64..);
    common
        .filter(|(common, _)| common.value.is_none())
        .map(|(common, index)| {
            let place = random::below(random::bits(key, index), span);
            (place, common.frequency)
        })
        .collect()
}

/// The stretches between bounds: each has as many rows as the next. Where there are no more different
/// values than bounds, the bounds are the values.
fn buckets(plan: &Plan<'_>, bounds: &[u64]) -> Vec<(u64, u64, f64)> {
    let column = &plan.known.column;
    let rest = match plan.role {
        Role::Free => plan.known.rest(),
        _ => 1.0,
    };
    let others = column.distinct.map(|distinct| {
        let common = column.most_common.len() as u64;
        distinct.of_rows(plan.ask.rows).saturating_sub(common)
    });
    let few = others.is_some_and(|others| others <= bounds.len() as u64);
    if plan.role == Role::Free && (few || bounds.len() == 1) {
        let weight = rest / bounds.len() as f64;
        return bounds.iter().map(|bound| (*bound, 1, weight)).collect();
    }
    let count = bounds.len().saturating_sub(1);
    let weight = rest / count.max(1) as f64;
    let pairs = bounds.iter().zip(bounds.iter().skip(1)).zip(1usize..);
    pairs
        .map(|((from, to), number)| {
            // The last bound is a value of the last bucket.
            let end = if number == count {
                to.saturating_add(1)
            } else {
                *to
            };
            (*from, (end - from).max(1), weight)
        })
        .collect()
}
