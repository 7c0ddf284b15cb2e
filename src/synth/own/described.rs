//! Columns that captured statistics describe, as far as their keys leave it to these.

use crate::schema::TypeKind;
use crate::synth::error::Problem;
use crate::synth::statistics::{Known, Role, follow};
use crate::synth::value::form::{Ask, Form};

use super::Place;

impl Place<'_> {
    /// The values that captured statistics or the scenario describe; none where nothing does.
    pub(in crate::synth) fn known(&self) -> Option<Known> {
        let captured = self.world.statistics(self.table, &self.column.name);
        Known::of(self.spec(), captured)
    }

    /// What is said of a column for which something of its statistics is lost.
    pub(in crate::synth) fn lost(&self, lost: &str) -> String {
        let (table, column) = (&self.table.name, &self.column.name);
        format!("{table}.{column} does not follow {lost}")
    }
}

/// What decides all of a column's values but their type, so that no statistics can.
pub(super) fn fixed_by(place: Place<'_>) -> Option<&'static str> {
    let Place { unique, layout, .. } = place;
    let name = &place.column.name;
    if layout.is_some_and(|layout| layout.decides(name)) {
        return Some("its partition");
    }
    let by_key = unique.digits.contains_key(name) || unique.indexed.contains_key(name);
    if by_key || unique.constant.contains(name) {
        return Some("a unique key");
    }
    let by_exclusion = unique.ends.contains_key(name) || unique.disjoint.contains(name);
    by_exclusion.then_some("an exclusion constraint")
}

/// The values of a column that statistics describe, and what of these is lost.
pub(super) fn by_statistics(
    place: Place<'_>,
    kind: &TypeKind,
    ask: &Ask<'_>,
    known: &Known,
) -> Result<(Form, Option<String>), Problem> {
    let followed = follow(kind, ask, known, role(place, kind))?;
    let lost = followed.lost.join(", nor ");
    let note = (!lost.is_empty()).then(|| place.lost(&lost));
    Ok((followed.form, note))
}

/// What the keys of its table leave to a column's statistics.
fn role(place: Place<'_>, kind: &TypeKind) -> Role {
    let Place { table, column, .. } = place;
    if !place.unique.unique.contains(&column.name) {
        return Role::Free;
    }
    let in_primary_key = table
        .unique_keys
        .iter()
        .any(|key| key.primary && key.columns.contains(&column.name));
    let is_integer = matches!(kind, TypeKind::Base { name, .. } if name.starts_with("int"));
    match is_integer && (column.sequence || in_primary_key) {
        true => Role::Serial,
        false => Role::Unique,
    }
}
