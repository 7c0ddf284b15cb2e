//! Columns with values of their own.

mod described;
mod drawing;
mod leading;
mod nulls;

use crate::schema::{Column, Table, TypeKind};

use super::ColumnSpec;
use super::choice::draw::Draw;
use super::column::{ColumnPlan, Event, Source};
use super::error::{Problem, SynthError};
use super::keys::kinship::Kinship;
use super::keys::links::Links;
use super::keys::unique::{End, Uniqueness};
use super::limits::Limits;
use super::partition::{Layout, pieces};
use super::value::form::{Ask, Form, form, scalar};
use super::value::shape::Shape;
use super::world::World;
use described::{by_statistics, fixed_by};
pub(super) use drawing::own_draw;
use drawing::{digit, drawn};
use leading::leading_column;
pub(super) use nulls::nulls;

/// A column being planned.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) world: &'p World<'p>,
    pub(super) table: &'p Table,
    pub(super) column: &'p Column,
    pub(super) links: &'p Links,
    pub(super) kinship: &'p Kinship<'p>,
    pub(super) unique: &'p Uniqueness,
    pub(super) layout: Option<&'p Layout>,
    /// What holds in one case, of a column whose values depend on the row's case.
    pub(super) within: Option<&'p Within>,
}

/// What holds of a column in one case.
pub(super) struct Within {
    pub(super) limits: Limits,
    /// What the scenario says, without values that the case does not have.
    pub(super) spec: ColumnSpec,
}

/// A planned column, none where the database makes its values, and what to say of it.
pub(super) type Made = (Option<ColumnPlan>, Option<String>);

impl Place<'_> {
    pub(super) fn fail(&self, problem: Problem) -> SynthError {
        self.world.fail(self.table, self.column, problem)
    }

    pub(super) fn spec(&self) -> &ColumnSpec {
        match self.within {
            Some(within) => &within.spec,
            None => self.world.spec(self.table, &self.column.name),
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.world.rows(&self.table.name)
    }

    /// The column with these values.
    fn plan(&self, limits: &Limits, (draw, source): (Draw, Source)) -> ColumnPlan {
        ColumnPlan {
            name: self.column.name.clone(),
            rows: self.rows(),
            nulls: nulls(*self, limits),
            orphans: Event::default(),
            draw,
            source,
        }
    }

    /// The limits on its values and the type below its domains.
    fn limits(&self) -> (Limits, &TypeKind) {
        let kind = &self.column.data_type.kind;
        let (mut limits, base) = match self.within {
            Some(within) => (within.limits.clone(), kind.below_domains()),
            None => Limits::of(self.table, &self.column.name, kind),
        };
        if let Some(bounding) = self.unique.ends.get(&self.column.name)
            && let Some(other) = self.table.column(&bounding.other)
        {
            // Stretches of both ends lie in the same places only within the same bounds.
            let (its, _) = Limits::of(self.table, &other.name, &other.data_type.kind);
            limits.share_bounds(its, bounding.end == End::Lower);
        }
        (limits, base)
    }

    /// Refuses NULLs of the scenario where there must be none.
    pub(super) fn refuse_nulls(&self) -> Result<(), SynthError> {
        let nulls = self.spec().null_fraction.is_some_and(|share| share > 0.0);
        match self.unique.never_null.get(&self.column.name) {
            Some(reason) if nulls => Err(self.fail(Problem::NeverNull(reason.clone()))),
            _ => Ok(()),
        }
    }

    /// The column, NULL in every row, and why.
    pub(super) fn null(&self, reason: &str) -> Made {
        let plan = ColumnPlan {
            name: self.column.name.clone(),
            rows: self.rows(),
            nulls: Event::default(),
            orphans: Event::default(),
            draw: Draw::Nothing,
            source: Source::Shape {
                shape: Shape::Choice(Vec::new()),
                capacity: 0,
            },
        };
        let (table, column) = (&self.table.name, &self.column.name);
        let note = format!("{table}.{column} is NULL in every row: {reason}");
        (Some(plan), Some(note))
    }
}

/// How many different values a column can have by itself.
pub(super) fn capacity(
    world: &World<'_>,
    table: &Table,
    column: &Column,
) -> Result<u64, SynthError> {
    if world.spec(table, &column.name).sql.is_some() {
        return Ok(u64::MAX);
    }
    let (limits, kind) = Limits::of(table, &column.name, &column.data_type.kind);
    form(kind, &ask(world, table, column, &limits))
        .map(|form| form.capacity)
        .map_err(|problem| world.fail(table, column, problem))
}

/// What is asked of a column by itself.
pub(super) fn ask<'s>(
    world: &World<'s>,
    table: &Table,
    column: &'s Column,
    limits: &'s Limits,
) -> Ask<'s> {
    Ask {
        name: &column.name,
        key: world.key(table, &column.name),
        rows: world.rows(&table.name),
        different: None,
        spec: world.spec(table, &column.name),
        limits,
        default: column.default.as_deref(),
    }
}

/// Plans a column that no foreign key decides.
pub(super) fn own_column(place: Place<'_>) -> Result<Made, SynthError> {
    match place.unique.leads.get(&place.column.name) {
        Some(lead) => leading_column(place, lead),
        None => plain_column(place),
    }
}

/// Plans a column with the same values in all rows.
fn plain_column(place: Place<'_>) -> Result<Made, SynthError> {
    let (name, spec) = (&place.column.name, place.spec());
    if spec.orphan_fraction.is_some() {
        return Err(place.fail(Problem::OrphansOfNothing));
    }
    place.refuse_nulls()?;
    let (limits, kind) = place.limits();
    if let Some(expression) = &spec.sql {
        return Ok((Some(evaluated(place, expression, &limits)), None));
    }
    if limits.null {
        return Ok(place.null("its CHECKs allow nothing else"));
    }
    let unique = place.unique.unique.contains(name);
    if unique && (spec.distinct.is_some() || spec.distribution.is_some()) {
        return Err(place.fail(Problem::Unique));
    }
    let fixed = fixed_by(place);
    let described = place.known();
    let known = described.as_ref().filter(|_| fixed.is_none());
    let digit = digit(place);
    let ask = Ask {
        different: match &digit {
            _ if unique || place.unique.ends.contains_key(name) => Some(place.rows()),
            Some(digit) => Some(digit.domain(place.rows())),
            None if known.is_some() => None,
            None => spec.distinct,
        },
        spec,
        ..ask(place.world, place.table, place.column, &limits)
    };
    let lost = described
        .as_ref()
        .filter(|known| known.is_skewed())
        .and(fixed);
    let lost = lost.map(|by| place.lost(&format!("its statistics, for {by} decides it")));
    if let Some(layout) = place.layout.filter(|layout| layout.decides(name)) {
        let made = pieces(layout, kind, &ask, unique).map_err(|problem| place.fail(problem))?;
        return Ok((Some(place.plan(&limits, made)), lost));
    }
    let made = match known {
        Some(known) => by_statistics(place, kind, &ask, known),
        None => drawn(place, kind, &ask, digit).map(|form| (form, lost)),
    };
    let (made, note) = match made {
        Err(Problem::Unsupported) => return unsupported(place),
        made => made.map_err(|problem| place.fail(problem))?,
    };
    let apart = place.unique.disjoint.contains(name);
    if let (true, Some(constraint)) = (apart, overlapping(place, &made)) {
        return Err(place.fail(Problem::Overlaps(constraint)));
    }
    let source = Source::Shape {
        capacity: within_type(kind, &made, &ask),
        shape: made.shape,
    };
    Ok((Some(place.plan(&limits, (made.draw, source))), note))
}

/// The exclusion constraint that forbids this unique column's values to overlap, where they may do so
/// and the scenario has not given them itself.
fn overlapping(place: Place<'_>, form: &Form) -> Option<String> {
    let name = &place.column.name;
    let overlaps = |(element, operator): &(String, String)| element == name && operator == "&&";
    let mut exclusions = place.table.exclusions.iter();
    exclusions
        .find(|exclusion| exclusion.elements.iter().any(overlaps))
        .filter(|_| !form.shape.disjoint() && !place.world.is_overridden(place.table, name))
        .map(|exclusion| exclusion.name.clone())
}

/// A column whose values the server evaluates.
fn evaluated(place: Place<'_>, expression: &str, limits: &Limits) -> ColumnPlan {
    ColumnPlan {
        name: place.column.name.clone(),
        rows: place.rows(),
        nulls: nulls(place, limits),
        orphans: Event::default(),
        draw: Draw::Row,
        source: Source::Server {
            expression: expression.to_owned(),
        },
    }
}

/// How many ordinals are within the type, where nothing but the usual range ends a form before.
fn within_type(kind: &TypeKind, form: &Form, ask: &Ask<'_>) -> u64 {
    let bounded = ask.spec.range.is_some() || !ask.limits.max.is_empty();
    let held = scalar(kind).and_then(|scalar| scalar.capacity(&form.shape));
    match held.filter(|_| !bounded) {
        Some(held) => held.max(form.capacity),
        None => form.capacity,
    }
}

/// A type that values are not generated for: its default or NULL, where it may.
fn unsupported(place: Place<'_>) -> Result<Made, SynthError> {
    let (table, column) = (&place.table.name, place.column);
    if column.default.is_some() {
        let note = format!("{table}.{} has its default in every row", column.name);
        return Ok((None, Some(note)));
    }
    if place.world.is_nullable(place.table, &column.name) {
        let data_type = &column.data_type.name;
        return Ok(place.null(&format!("values of type {data_type} are not generated")));
    }
    Err(place.fail(Problem::Unsupported))
}
