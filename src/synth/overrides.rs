//! What any column's overrides must satisfy, whatever its type.

use crate::schema::{Column, Table};

use super::ColumnSpec;
use super::choice::distribution::Distribution;
use super::error::Problem;
use super::world::World;

/// What is wrong with the overrides of a column, whatever its type.
pub(super) fn check_overrides(
    world: &World<'_>,
    table: &Table,
    column: &Column,
) -> Result<(), Problem> {
    let spec = world.spec(table, &column.name);
    if column.generated && *spec != ColumnSpec::default() {
        return Err(Problem::Generated);
    }
    for (key, fraction) in [
        ("null_fraction", spec.null_fraction),
        ("orphan_fraction", spec.orphan_fraction),
    ] {
        if let Some(value) = fraction.filter(|value| !(0.0..=1.0).contains(value)) {
            return Err(Problem::Fraction { key, value });
        }
    }
    let nulls = spec.null_fraction.is_some_and(|share| share > 0.0);
    if nulls && !world.is_nullable(table, &column.name) {
        return Err(Problem::NotNull);
    }
    if spec.distinct == Some(0) {
        return Err(Problem::Empty("distinct"));
    }
    check_shape(spec)?;
    if let Some(text) = &spec.distribution {
        text.parse::<Distribution>()?;
    }
    check_sql(spec)
}

/// An expression says all of the values but which are NULL.
fn check_sql(spec: &ColumnSpec) -> Result<(), Problem> {
    let Some(expression) = &spec.sql else {
        return Ok(());
    };
    if expression.trim().is_empty() {
        return Err(Problem::Empty("sql"));
    }
    let others = [
        ("references", spec.references.is_some()),
        ("distribution", spec.distribution.is_some()),
        ("orphan_fraction", spec.orphan_fraction.is_some()),
        ("values", spec.values.is_some()),
        ("weights", spec.weights.is_some()),
        ("range", spec.range.is_some()),
        ("pattern", spec.pattern.is_some()),
        ("width", spec.width.is_some()),
        ("distinct", spec.distinct.is_some()),
        ("correlation", spec.correlation.is_some()),
        ("histogram", spec.histogram.is_some()),
    ];
    match others.into_iter().find(|(_, given)| *given) {
        Some((key, _)) => Err(Problem::Both("sql", key)),
        None => Ok(()),
    }
}

/// What of the overrides says the same thing in two ways.
fn check_shape(spec: &ColumnSpec) -> Result<(), Problem> {
    if let Some(value) = spec
        .correlation
        .filter(|value| !(-1.0..=1.0).contains(value))
    {
        return Err(Problem::Correlation(value));
    }
    if spec.correlation.is_some() && spec.distribution.is_some() {
        return Err(Problem::Both("correlation", "distribution"));
    }
    let Some(histogram) = &spec.histogram else {
        return Ok(());
    };
    for (key, given) in [
        ("values", spec.values.is_some()),
        ("range", spec.range.is_some()),
        ("pattern", spec.pattern.is_some()),
        ("distribution", spec.distribution.is_some()),
        ("references", spec.references.is_some()),
    ] {
        if given {
            return Err(Problem::Both("histogram", key));
        }
    }
    match histogram.len() {
        0 | 1 => Err(Problem::Histogram),
        _ => Ok(()),
    }
}
