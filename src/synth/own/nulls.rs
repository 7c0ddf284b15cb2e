//! Which rows of a column have no value.

use super::Place;
use crate::schema::{Column, TypeKind};
use crate::synth::ColumnSpec;
use crate::synth::column::Event;
use crate::synth::limits::Limits;

/// The share of nulls in nullable columns of which nothing else is known.
const USUAL_NULLS: f64 = 0.1;

/// The share of nulls in moments at which a row's life ended: most rows of a table live.
const NULLS_OF_ENDS: f64 = 0.9;

/// What the names of such columns begin with.
const ENDS: [&str; 10] = [
    "archived",
    "banned",
    "cancelled",
    "canceled",
    "deactivated",
    "deleted",
    "discarded",
    "removed",
    "revoked",
    "suspended",
];

/// Which rows have no value.
pub(in crate::synth) fn nulls(place: Place<'_>, limits: &Limits) -> Event {
    let Place { table, column, .. } = place;
    if let Some(rows) = place.world.with_values(table, &column.name) {
        return Event::from_row(rows);
    }
    let in_key = table
        .unique_keys
        .iter()
        .any(|key| key.mentions(&column.name));
    let known = column.not_null
        || limits.not_null
        || column.default.is_some()
        || column.sequence
        || in_key
        || place
            .layout
            .is_some_and(|layout| layout.decides(&column.name))
        || *place.spec() != ColumnSpec::default();
    let usual = match known {
        true => 0.0,
        false if is_end(column) => NULLS_OF_ENDS,
        false => USUAL_NULLS,
    };
    let never = limits.not_null || place.unique.never_null.contains_key(&column.name);
    let captured = match never {
        true => Some(0.0),
        false => place.world.null_fraction(table, &column.name),
    };
    let given = place.spec().null_fraction;
    Event::new(
        place.world.key(table, &format!("{} nulls", column.name)),
        given.or(captured).unwrap_or(usual),
    )
}

/// Whether a column says when a row's life ended.
fn is_end(column: &Column) -> bool {
    let TypeKind::Base { name, .. } = column.data_type.kind.below_domains() else {
        return false;
    };
    matches!(name.as_str(), "date" | "timestamp" | "timestamptz")
        && ENDS.iter().any(|end| column.name.starts_with(end))
}
