//! Ranges and multiranges.

use crate::schema::TypeKind;
use crate::synth::ColumnSpec;
use crate::synth::choice::draw::Draw;
use crate::synth::choice::random;
use crate::synth::error::Problem;
use crate::synth::limits::Limits;
use crate::synth::value::shape::{Ranges, Shape, Step};

use super::{Ask, Form, listed_or_typed};

/// Ranges beyond the rows for which there is room, for those that the traffic adds.
const ROOM: u64 = 2;

/// The longest range of dates, in days.
const LONGEST_DAYS: u64 = 30;

/// The longest range of times, in units of these: seconds, or microseconds where there must be many.
const LONGEST_MOMENTS: u64 = 28_800;

/// The longest range of other values, in units of the last place.
const LONGEST: u64 = 100;

/// Seconds that times in ranges are whole of, while there are enough of them for all rows: two years
/// have 63 million.
const MOST_BY_SECONDS: u64 = 10_000_000;

pub(super) fn form(subtype: &TypeKind, multi: bool, ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_width()?;
    // Unique ranges are disjoint, as an exclusion constraint may ask, and so need more bounds.
    let wanted = ask.different.map(|rows| rows.saturating_mul(ROOM));
    let mut limits = Limits::default();
    let kind = limits.add_domains(subtype);
    let kind = &whole_seconds(kind, wanted);
    let spec = ColumnSpec {
        range: ask.spec.range.clone(),
        ..ColumnSpec::default()
    };
    let bounds = listed_or_typed(
        kind,
        &Ask {
            key: random::key(ask.key, "bounds"),
            different: wanted,
            spec: &spec,
            limits: &limits,
            default: None,
            ..*ask
        },
    )?;
    let step = bounds.shape.rises().then(|| step(kind, &bounds, wanted));
    let capacity = match step {
        // The last range must end within the bounds.
        Some(step) => bounds.capacity.saturating_sub(step.longest) / step.apart,
        None => bounds.capacity,
    };
    let draw = bounds.draw;
    let known = ask.limits.unknown.is_empty() && ask.spec.range.is_none();
    let shape = Shape::Range(Box::new(Ranges {
        key: ask.key,
        bounds: bounds.shape,
        step,
        multi,
        odd: wanted.is_none() && known && !ask.limits.finite,
        capacity,
    }));
    match (wanted, step) {
        (None, Some(_)) => Form::chosen(shape, capacity, ask),
        (None, None) => Ok(Form {
            shape,
            draw,
            capacity,
        }),
        (Some(_), _) => Ok(Form {
            shape,
            draw: Draw::Row,
            capacity,
        }),
    }
}

/// How far apart ranges begin: where they must not overlap, as far as there is room for.
fn step(kind: &TypeKind, bounds: &Form, wanted: Option<u64>) -> Step {
    let longest = match kind {
        TypeKind::Base { name, .. } if name == "date" => LONGEST_DAYS,
        TypeKind::Base { name, .. } if name.starts_with("time") => LONGEST_MOMENTS,
        _ => LONGEST,
    };
    let most = (bounds.capacity / 2).clamp(1, longest);
    match wanted {
        None => Step {
            apart: 1,
            longest: most,
        },
        Some(wanted) => {
            let apart = (bounds.capacity.saturating_sub(1) / wanted.max(1)).clamp(1, longest);
            Step {
                apart,
                longest: apart,
            }
        }
    }
}

/// Times in ranges are whole seconds, where these are enough.
fn whole_seconds(kind: &TypeKind, wanted: Option<u64>) -> TypeKind {
    match kind {
        TypeKind::Base { name, modifiers }
            if name.starts_with("time")
                && modifiers.is_empty()
                && wanted.is_none_or(|wanted| wanted <= MOST_BY_SECONDS) =>
        {
            TypeKind::Base {
                name: name.clone(),
                modifiers: vec![0],
            }
        }
        other => other.clone(),
    }
}
