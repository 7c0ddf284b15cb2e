//! Text, bytes and JSON of the captured width and in the captured order.

use crate::schema::TypeKind;
use crate::synth::choice::random;
use crate::synth::value::captured::{FittedJson, Stems, TimedUuid};
use crate::synth::value::form::{Form, most_characters};
use crate::synth::value::shape::Shape;
use crate::synth::value::text::{Base, Pattern, Text, write_words};

use super::plan::{Plan, Role, split};
use super::ranks::Stretch;

/// The widest value, its header included, that PostgreSQL stores with a header of one byte; wider
/// ones have four (`VARATT_SHORT_MAX` in varatt.h).
const SHORT: f64 = 127.0;

/// The correlation from which values of no natural order are made in one.
const ORDERED: f64 = 0.1;

/// Rows that the traffic may add, for which there are digits too.
const FURTHER: u64 = 1_000_000;

/// Bytes of a value without its header.
fn payload(stored: f64) -> f64 {
    match stored <= SHORT {
        true => stored - 1.0,
        false => stored - 4.0,
    }
}

fn stored(payload: f64) -> f64 {
    match payload + 1.0 <= SHORT {
        true => payload + 1.0,
        false => payload + 4.0,
    }
}

/// The bytes, without header, that values which are not among the most common have on average.
fn rest_width(plan: &Plan<'_>) -> Option<f64> {
    let column = &plan.known.column;
    let average = f64::from(column.average_width?);
    let (mut frequent, mut bytes) = (0.0, 0.0);
    for common in &column.most_common {
        if let (Some(value), Role::Free) = (&common.value, plan.role) {
            frequent += common.frequency;
            bytes += common.frequency * stored(value.len() as f64);
        }
    }
    let others = 1.0 - column.null_fraction - frequent;
    let rest = match others > 1e-3 {
        true => (average * (1.0 - column.null_fraction) - bytes) / others,
        false => average,
    };
    Some(payload(rest.max(1.0)).max(0.0))
}

/// The form with values of the captured width, `different` of them different.
pub(super) fn fit(plan: &Plan<'_>, form: Form, different: u64) -> Form {
    let different = different.min(plan.ask.rows);
    let width = rest_width(plan);
    let shape = match (form.shape, width) {
        (Shape::Text(text), width) => words(plan, text, width, different),
        (Shape::Pattern(pattern), Some(width)) if plan.ask.spec.pattern.is_none() => {
            Shape::Pattern(padded(plan, pattern, width, different))
        }
        (Shape::Bytes { key, .. }, Some(width)) => {
            let least = plan.ask.limits.min_length.unwrap_or(1).max(1);
            let most = plan.ask.limits.max_length.unwrap_or(u32::MAX);
            // Bytes enough to tell the values apart.
            let needed = (u64::BITS - different.leading_zeros()).div_ceil(8);
            let width = (width.round() as u32)
                .max(needed)
                .clamp(least, most.max(least));
            Shape::Bytes { key, width }
        }
        (Shape::Json { key }, Some(width)) => {
            let binary = matches!(plan.kind, TypeKind::Base { name, .. } if name == "jsonb");
            Shape::FittedJson(FittedJson::of_width(key, binary, width.round() as u32))
        }
        (shape, _) => shape,
    };
    Form {
        capacity: shape.capacity().max(form.capacity),
        shape,
        ..form
    }
}

/// UUIDs of version 7, which follow the time, where the captured ones follow the rows.
pub(super) fn timed(plan: &Plan<'_>, shape: Shape) -> Shape {
    let correlation = plan.known.column.correlation.unwrap_or(0.0);
    match shape {
        Shape::Uuid { key } if correlation.abs() > ORDERED => Shape::TimedUuid(TimedUuid { key }),
        shape => shape,
    }
}

fn words(plan: &Plan<'_>, usual: Text, width: Option<f64>, different: u64) -> Shape {
    let most = most_characters(plan.kind, plan.ask);
    let least = plan.ask.limits.min_length.unwrap_or(1);
    let digits = digits(match plan.role {
        Role::Free => different.saturating_mul(2),
        _ => different.saturating_add(FURTHER),
    })
    .min(most);
    let (min, max) = match width {
        Some(width) if plan.ask.spec.width.is_none() => {
            let column = &plan.known.column;
            let low = column.min_length.map_or(width / 2.0, f64::from);
            let high = column.max_length.map_or(width * 1.5, f64::from);
            let low = low
                .max(f64::from(least))
                .max(f64::from(digits.min(width as u32)));
            let high = high.min(f64::from(most));
            // As far to both sides, so that the average is the captured one.
            let spread = (width - low).min(high - width).max(0.0);
            let min = ((width - spread).round() as u32).clamp(least, most);
            (min, ((width + spread).round() as u32).clamp(min, most))
        }
        _ => (usual.min, usual.max),
    };
    let base = match Base::Decimal.capacity(min) > different.saturating_add(FURTHER) {
        true => Base::Decimal,
        false => Base::Digits36,
    };
    let text = Text {
        min: min.max(1),
        max: max.max(digits.min(most)).max(1),
        number: Some(base),
        ..usual
    };
    let stems = stems(plan, most);
    let wanted = plan.known.column.correlation;
    let ordered = !stems.is_empty() || wanted.is_some_and(|wanted| wanted.abs() > ORDERED);
    let as_stem = has_width(&stems, width.unwrap_or(f64::from(min + max) / 2.0));
    let room = match as_stem {
        true => digits as usize + 1 + Stems::KEPT <= most as usize,
        false => digits + 2 <= text.min && max <= most,
    };
    match ordered && room {
        true => Shape::Stems(Stems {
            stems: match stems.is_empty() {
                true => vec![String::new()],
                false => stems,
            },
            whole: plan.role == Role::Free,
            as_stem,
            digits,
            text,
        }),
        false => Shape::Text(text),
    }
}

/// Whether bounds are about as wide as values shall be, as those are that were captured with them.
fn has_width(stems: &[String], width: f64) -> bool {
    /// The share of the width that an average of a hundred values can be off.
    const NEAR: f64 = 0.15;
    let bytes: usize = stems.iter().map(String::len).sum();
    let average = bytes as f64 / stems.len() as f64;
    (average - width).abs() <= width * NEAR
}

/// Digits, of 36, that tell so many numbers apart.
fn digits(numbers: u64) -> u32 {
    numbers.max(1).ilog(36) + 1
}

/// The histogram's bounds, each once, as far as the column can hold them.
fn stems(plan: &Plan<'_>, most: u32) -> Vec<String> {
    let mut stems = plan.known.column.histogram.clone();
    stems.retain(|stem| stem.chars().count() <= most as usize);
    stems.dedup();
    stems
}

/// The usual pattern with words before its number, as wide as captured.
fn padded(plan: &Plan<'_>, pattern: Pattern, width: f64, different: u64) -> Pattern {
    // The middle number's digits; few rows have shorter ones.
    let usual = pattern.longest((different / 2).max(1));
    let most = u64::from(most_characters(plan.kind, plan.ask));
    let wanted = (width.round() as u64).min(most);
    let missing = usize::try_from(wanted.saturating_sub(usual)).unwrap_or(0);
    if missing < 2 || !pattern.is_numbered() {
        return pattern;
    }
    let mut words = Vec::new();
    let mut sequence = random::Sequence(random::key(plan.ask.key, "padding"));
    write_words(&mut sequence, missing - 1, &mut words);
    let words = String::from_utf8(words).unwrap_or_default();
    pattern.preceded_by(&format!("{}.", words.replace(' ', ".")))
}

/// The rows' shares of captured values and, after these, of `others` invented ones, in the order of all
/// values as far as they have one.
pub(super) fn stretches(
    plan: &Plan<'_>,
    shape: &Shape,
    others: u64,
    values: &[(String, f64)],
) -> Vec<Stretch> {
    let listed = values.len() as u64;
    let frequent = values.iter().zip(0u64..);
    let frequent = frequent.map(|((_, frequency), index)| Stretch::hot(index, *frequency));
    match shape {
        Shape::Stems(stems) => {
            let invented = of_stems(plan, stems, listed, others);
            in_order(stems, listed, invented, frequent.zip(values))
        }
        _ => {
            let mut hot: Vec<(u64, f64)> = unnamed(plan)
                .zip(0u64..)
                .map(|(frequency, index)| (listed + scattered(plan, index, others), frequency))
                .collect();
            hot.sort_by_key(|(place, _)| *place);
            hot.dedup_by_key(|(place, _)| *place);
            let span = match others {
                0 => 0,
                others => others.saturating_add(hot.len() as u64),
            };
            let invented = split(&[(listed, span, plan.known.rest())], &hot);
            frequent.chain(invented).collect()
        }
    }
}

/// As many values after each bound; the bounds themselves where there are no more values than these.
fn of_stems(plan: &Plan<'_>, stems: &Stems, listed: u64, others: u64) -> Vec<Stretch> {
    let bounds = stems.stems.len() as u64;
    let few = stems.whole && others <= bounds;
    let buckets = match few {
        true => others,
        // The last bound only ends the last bucket.
        false => bounds.saturating_sub(1).max(1),
    };
    let rest = match plan.role {
        Role::Free => plan.known.rest(),
        _ => 1.0,
    };
    let share = |number: u64, of: u64| u128::from(number) * u128::from(of);
    let part = |number: u64, of: u64| {
        u64::try_from(share(number, of) / u128::from(buckets)).unwrap_or(u64::MAX)
    };
    let cold: Vec<(u64, u64, f64)> = (0..buckets)
        .map(|bucket| {
            let stem = if few { part(bucket, bounds) } else { bucket };
            let span = part(bucket + 1, others) - part(bucket, others);
            let first = listed.saturating_add(stem << Stems::SHIFT);
            (first, span, rest / buckets as f64)
        })
        .filter(|(_, span, _)| *span > 0)
        .collect();
    let mut hot: Vec<(u64, f64)> = Vec::new();
    for (frequency, index) in unnamed(plan).zip(0u64..) {
        let bucket = scattered(plan, index, cold.len() as u64);
        let bucket = usize::try_from(bucket).unwrap_or(0);
        if let Some((first, span, _)) = cold.get(bucket) {
            hot.push((first + scattered(plan, !index, *span), frequency));
        }
    }
    hot.sort_by_key(|(place, _)| *place);
    hot.dedup_by_key(|(place, _)| *place);
    split(&cold, &hot)
}

/// Captured values among the invented ones that begin like the bounds around them.
fn in_order<'v>(
    stems: &Stems,
    listed: u64,
    invented: Vec<Stretch>,
    frequent: impl Iterator<Item = (Stretch, &'v (String, f64))>,
) -> Vec<Stretch> {
    let invented = invented.into_iter().map(|stretch| {
        let bucket = (stretch.first - listed) >> Stems::SHIFT;
        ((bucket + 1, false, ""), stretch)
    });
    let frequent = frequent.map(|(stretch, (value, _))| {
        let bound = stems.stems.partition_point(|stem| stem <= value);
        ((bound as u64, true, value.as_str()), stretch)
    });
    let mut all: Vec<_> = frequent.chain(invented).collect();
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(_, stretch)| stretch).collect()
}

fn unnamed<'p>(plan: &Plan<'p>) -> impl Iterator<Item = f64> + use<'p> {
    let common = plan.known.column.most_common.iter();
    common
        .filter(|common| common.value.is_none())
        .map(|common| common.frequency)
}

fn scattered(plan: &Plan<'_>, index: u64, span: u64) -> u64 {
    let key = random::key(plan.ask.key, "common values");
    random::below(random::bits(key, index), span.max(1))
}
