//! Arrays and composites, whose parts are forms of their own.

use crate::schema::TypeKind;
use crate::synth::ColumnSpec;
use crate::synth::choice::draw::Draw;
use crate::synth::choice::random;
use crate::synth::error::Problem;
use crate::synth::limits::Limits;
use crate::synth::value::shape::{Elements, Field, Shape};

use super::{Ask, Form, by_type, listed_or_typed};

pub(super) fn array(element: &TypeKind, ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_range()?;
    let spec = ColumnSpec {
        width: ask.spec.width,
        ..ColumnSpec::default()
    };
    let made = part("element", element, &spec, ask)?;
    let unique = ask.different.is_some();
    Ok(Form {
        capacity: if unique { made.capacity } else { 0 },
        draw: Draw::Row,
        shape: Shape::Array(Box::new(Elements {
            key: ask.key,
            shape: made.shape,
            draw: if unique { Draw::Row } else { made.draw },
            unique,
            counts: counts(ask),
            delimiter: delimiter(element),
        })),
    })
}

/// Most elements of an array where nothing says it.
const USUAL_ELEMENTS: u64 = 3;

/// Fewest and most elements of an array.
fn counts(ask: &Ask<'_>) -> (u64, u64) {
    let most = ask.limits.max_elements.map_or(u64::MAX, u64::from);
    let fewest = ask
        .limits
        .min_elements
        .map_or(1, u64::from)
        .max(1)
        .min(most);
    (fewest, USUAL_ELEMENTS.max(fewest).min(most))
}

/// `pg_type.typdelim`: of all types that PostgreSQL ships, only boxes have another.
fn delimiter(element: &TypeKind) -> u8 {
    match element.below_domains() {
        TypeKind::Base { name, .. } if name == "box" => b';',
        _ => b',',
    }
}

/// A composite is unique by the field that has most values.
pub(super) fn composite(fields: &[(String, TypeKind)], ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_range()?;
    ask.refuse_width()?;
    let spec = ColumnSpec::default();
    let mut made = Vec::with_capacity(fields.len());
    for (name, kind) in fields {
        let of_field = Ask { name, ..*ask };
        made.push(part(name, kind, &spec, &of_field)?);
    }
    let capacities = made.iter().map(|form| form.capacity).enumerate();
    let widest = capacities
        .max_by_key(|(_, capacity)| *capacity)
        .filter(|_| ask.different.is_some());
    let unique = |index: usize| widest.is_some_and(|(widest, _)| widest == index);
    let fields = made.into_iter().enumerate().map(|(index, form)| Field {
        shape: form.shape,
        draw: if unique(index) { Draw::Row } else { form.draw },
        unique: unique(index),
    });
    Ok(Form {
        shape: Shape::Record(fields.collect()),
        draw: Draw::Row,
        capacity: widest.map_or(0, |(_, capacity)| capacity),
    })
}

/// The form of a part: by its own type and the limits of its domains.
fn part(key: &str, kind: &TypeKind, spec: &ColumnSpec, ask: &Ask<'_>) -> Result<Form, Problem> {
    let mut limits = Limits::default();
    let kind = limits.add_domains(kind);
    let of_part = Ask {
        key: random::key(ask.key, key),
        spec,
        limits: &limits,
        default: None,
        ..*ask
    };
    match limits.one_of {
        Some(_) => listed_or_typed(kind, &of_part),
        None => by_type(kind, &of_part),
    }
}
