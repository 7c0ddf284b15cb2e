//! Which of its type's values the rows of a column have.

use std::sync::Arc;

use super::Place;
use crate::schema::TypeKind;
use crate::synth::choice::distribution::Distribution;
use crate::synth::choice::draw::{Chosen, Draw};
use crate::synth::choice::random;
use crate::synth::error::Problem;
use crate::synth::keys::kin::Radix;
use crate::synth::keys::unique::End;
use crate::synth::value::form::{Ask, Form, form};

/// The values and the draw of a column of which nothing is known but its type, its keys and the scenario.
pub(super) fn drawn(
    place: Place<'_>,
    kind: &TypeKind,
    ask: &Ask<'_>,
    digit: Option<Draw>,
) -> Result<Form, Problem> {
    let name = &place.column.name;
    let form = form(kind, ask)?;
    let draw = match (digit, place.unique.ends.get(name)) {
        _ if place.unique.constant.contains(name) => only_value(ask.key),
        (Some(digit), _) => digit,
        (None, Some(bounding)) => half(&form, ask, bounding.end)?,
        (None, None) => own_draw(&form, ask, place.unique.unique.contains(name))?,
    };
    Ok(Form { draw, ..form })
}

/// The part of a unique key's combinations that the column is.
pub(super) fn digit(place: Place<'_>) -> Option<Draw> {
    let name = &place.column.name;
    if let Some((index, part)) = place.unique.indexed.get(name) {
        let domain = match part.and_then(|part| index.parts.get(part)) {
            Some(Radix::Fixed(count)) => *count,
            _ => index
                .order
                .get()
                .map_or(place.rows(), |order| order.largest(index.levels)),
        };
        return Some(Draw::Index {
            index: Arc::clone(index),
            part: *part,
            domain,
        });
    }
    place.unique.digits.get(name).cloned().map(Draw::Digit)
}

/// Which values rows have, each only once in a unique column.
pub(in crate::synth) fn own_draw(
    form: &Form,
    ask: &Ask<'_>,
    unique: bool,
) -> Result<Draw, Problem> {
    if unique {
        return Ok(match &form.draw {
            rising @ Draw::Rising { .. } => rising.clone(),
            _ => Draw::Row,
        });
    }
    if let Some(distinct) = ask.spec.distinct {
        let distribution = ask.distribution()?.of_shares()?;
        let key = random::key(ask.key, "distinct");
        let chosen = Chosen::among_rows(key, distribution, distinct);
        return Ok(Draw::Chosen(chosen));
    }
    if ask.spec.distribution.is_some() && !matches!(form.draw, Draw::Chosen(_)) {
        return Err(Problem::NothingToDistribute);
    }
    Ok(form.draw.clone())
}

/// The first value in every row.
fn only_value(key: u64) -> Draw {
    Draw::Chosen(Chosen::within(key, Distribution::Uniform, 1))
}

/// How long stretches of numbers are at most, where nothing says it.
const LONGEST_STRETCH: u64 = 1_000;

/// The lower or upper end of each row's own stretch of values.
fn half(form: &Form, ask: &Ask<'_>, end: End) -> Result<Draw, Problem> {
    let step = match &form.draw {
        Draw::Rising { step, .. } => *step,
        _ => (form.capacity.checked_div(ask.rows).unwrap_or(0)).min(LONGEST_STRETCH),
    };
    if step < 2 {
        return Err(Problem::TooFew {
            capacity: form.capacity / 2,
            needed: ask.rows,
        });
    }
    Ok(Draw::Half {
        key: ask.key,
        step,
        upper: end == End::Upper,
    })
}
