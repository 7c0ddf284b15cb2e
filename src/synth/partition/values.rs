//! The values of a column that partitions decide: those of each partition side by side.

use crate::schema::TypeKind;
use crate::synth::choice::draw::{Draw, Piece};
use crate::synth::choice::pieces::Pieces;
use crate::synth::choice::random;
use crate::synth::column::Source;
use crate::synth::error::Problem;
use crate::synth::own::own_draw;
use crate::synth::value::form::{Ask, Form, form};
use crate::synth::value::shape::Shape;
use crate::synth::value::text::Pattern;

use super::Layout;
use super::order::{Order, uuid_head};

/// Ordinals that a partition has at most, so that those of many stay within 64 bits.
const MOST_ORDINALS: u64 = 1 << 48;

/// The values of a column and which of them each row has; of a unique column, each only once.
pub(in crate::synth) fn pieces(
    layout: &Layout,
    kind: &TypeKind,
    ask: &Ask<'_>,
    unique: bool,
) -> Result<(Draw, Source), Problem> {
    let (mut shapes, mut draws, mut offset) = (Pieces::default(), Pieces::default(), 0u64);
    for stretch in &layout.stretches {
        if stretch.case.nulls.contains(ask.name) {
            let draw = Draw::Nothing;
            draws.push(stretch.start, Piece { offset, draw });
            continue;
        }
        let mut limits = ask.limits.clone();
        limits.and(
            stretch
                .case
                .limits
                .get(ask.name)
                .cloned()
                .unwrap_or_default(),
        );
        let own = Ask {
            key: random::key(ask.key, &stretch.case.name),
            rows: stretch.rows,
            different: unique.then_some(stretch.rows),
            limits: &limits,
            ..*ask
        };
        let made = form_within(kind, &own)?;
        let draw = own_draw(&made, &own, unique)?;
        let span = match unique {
            true => made.capacity,
            false => made.capacity.max(draw.domain(stretch.rows)),
        };
        shapes.push(offset, made.shape);
        draws.push(stretch.start, Piece { offset, draw });
        offset = offset.saturating_add(span.min(MOST_ORDINALS));
    }
    let source = Source::Shape {
        capacity: offset,
        shape: Shape::Pieces {
            shapes,
            capacity: offset,
        },
    };
    Ok((Draw::Pieces(draws), source))
}

/// The values of a type within limits, among them the ends of ranges of texts and UUIDs. `kind` is no
/// domain.
pub(super) fn form_within(kind: &TypeKind, ask: &Ask<'_>) -> Result<Form, Problem> {
    let limits = ask.limits;
    let ends = (limits.min.first(), limits.max.first());
    let free = limits.one_of.is_none() && ends != (None, None);
    match Order::of(kind) {
        Order::Uuid if free => uuids(ends.0.map(|end| &end.0), ends.1.map(|end| &end.0)),
        Order::Text if free && is_text(kind) => Ok(texts(
            ends.0.map(|end| end.0.as_str()),
            ends.1.map(|end| end.0.as_str()),
        )),
        _ => form(kind, ask),
    }
}

fn is_text(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Base { name, .. }
        if matches!(name.as_str(), "text" | "varchar" | "bpchar" | "name" | "citext"))
}

/// Texts between two: the lower one with a number behind it, which collations put before any letter.
fn texts(low: Option<&str>, high: Option<&str>) -> Form {
    let pattern = match (low, high) {
        (Some(low), _) => Pattern::new(&format!("{low}{{n}}")),
        (None, _) => Pattern::new("0{n}"),
    };
    Form {
        shape: Shape::Pattern(pattern),
        draw: Draw::Row,
        capacity: u64::MAX,
    }
}

fn uuids(low: Option<&String>, high: Option<&String>) -> Result<Form, Problem> {
    let low = low.map_or(Some(0), |text| uuid_head(text));
    let high = high.map_or(Some(u64::MAX), |text| uuid_head(text));
    let (Some(low), Some(high)) = (low, high) else {
        return Err(Problem::Unsupported);
    };
    if high <= low {
        return Err(Problem::Contradiction);
    }
    Ok(Form {
        shape: Shape::UuidWithin {
            key: low,
            low,
            count: high - low,
        },
        draw: Draw::Row,
        capacity: u64::MAX,
    })
}
