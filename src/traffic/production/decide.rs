//! Decides what each parameter is to be.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use super::Ground;
use super::column::{can_be_named, element, find, fits};
use super::new_row::NewRows;
use super::wish::{Draw, Group, Part, Shape, Wish};
use crate::scenario::statements::ProductionStatement;
use crate::schema::{Column, Table, UniqueKey};
use crate::sql::{ColumnUse, Inserted, Match, Role};

/// Most values that a list of unknown length is given.
const MOST_LISTED: f64 = 50.0;

/// Decides over all parameters of a statement.
struct Wisher<'a, 's> {
    ground: &'a Ground<'s>,
    statement: &'a ProductionStatement,
    types: &'a [Type],
    /// Columns of each mention that are taken in its first row, its second, ….
    taken: BTreeMap<(usize, usize), Vec<&'a str>>,
}

/// What the parameters of a statement are to be, in order.
pub(super) fn wishes<'s>(
    ground: &Ground<'s>,
    statement: &ProductionStatement,
    types: &[Type],
) -> Vec<Wish<'s>> {
    let mut wisher = Wisher {
        ground,
        statement,
        types,
        taken: BTreeMap::new(),
    };
    let count = statement.usage.parameters.len();
    (0..count).map(|index| wisher.wish(index)).collect()
}

impl<'s> Wisher<'_, 's> {
    fn wish(&mut self, index: usize) -> Wish<'s> {
        let statement = self.statement;
        let Some(parameter) = statement.usage.parameters.get(index) else {
            return Wish::one(Part::Guess);
        };
        let rows = statement.load.rows_per_call();
        match &parameter.role {
            Role::Limit => Wish::one(Part::Set(format!("{:.0}", rows.max(1.0)))),
            Role::Offset => Wish::one(Part::Set("0".to_owned())),
            Role::Inserted(value) => self.inserted(index, value),
            Role::Assigned(column) => Wish::one(self.assigned(index, column)),
            Role::Compared(matched, columns) => {
                let array = *matched == Match::Array;
                let count = match array || parameter.squashed {
                    true => rows.round().clamp(1.0, MOST_LISTED) as usize,
                    false => 1,
                };
                let parts: Vec<Part<'s>> = (0..count)
                    .map(|part| self.compared((index, part), *matched, columns))
                    .collect();
                let shape = match (array, parameter.squashed) {
                    // An array of which nothing is known is guessed as a whole.
                    (true, _) if parts.contains(&Part::Guess) => return Wish::one(Part::Guess),
                    (true, _) => Shape::Array,
                    (false, true) => Shape::List,
                    (false, false) => Shape::One,
                };
                Wish { parts, shape }
            }
            Role::Argument(..) | Role::Other => Wish::one(Part::Guess),
        }
    }

    /// The parameter's type or, of an array, that of its elements.
    fn type_of(&self, index: usize, array: bool) -> Option<&Type> {
        let own = self.types.get(index)?;
        Some(if array { element(own) } else { own })
    }

    /// A value that is compared with a column: one that some row has.
    fn compared(
        &mut self,
        (index, part): (usize, usize),
        matched: Match,
        columns: &[ColumnUse],
    ) -> Part<'s> {
        let usable = |(table, column, _): &(&'s Table, &'s Column, &ColumnUse)| {
            let of = self.type_of(index, matched == Match::Array);
            can_be_named(table, &column.name) && of.is_some_and(|of| fits(column, of))
        };
        let Some((table, column, found)) = find(self.ground.schema, columns).filter(usable) else {
            return Part::Guess;
        };
        let group = match matched {
            Match::Beside => Group::Alone(index, part),
            _ => self.row_of(found.mention, &column.name),
        };
        Part::Draw(Draw {
            group,
            table,
            column,
        })
    }

    /// The first row of a mention in which a column is not taken yet: the second value for the same
    /// column is another row's.
    fn row_of(&mut self, mention: usize, column: &'s str) -> Group {
        let mut row = 0;
        loop {
            let taken = self.taken.entry((mention, row)).or_default();
            if !taken.contains(&column) {
                taken.push(column);
                return Group::Row(mention, row);
            }
            row += 1;
        }
    }

    /// A value that a row is updated to: another row's, or one that no row has where it must be unique.
    fn assigned(&self, index: usize, assigned: &ColumnUse) -> Part<'s> {
        let found = find(self.ground.schema, std::slice::from_ref(assigned));
        let Some((table, column, _)) = found.filter(|(table, column, _)| {
            let of = self.type_of(index, false);
            can_be_named(table, &column.name) && of.is_some_and(|of| fits(column, of))
        }) else {
            return Part::Guess;
        };
        let alone_unique = |key: &UniqueKey| key.columns == [column.name.as_str()];
        let group = match table.unique_keys.iter().any(alone_unique) {
            true => Group::Fresh(0, format!("{}.{}", assigned.mention, column.name)),
            false => Group::Model(assigned.mention),
        };
        Part::Draw(Draw {
            group,
            table,
            column,
        })
    }

    /// A value of a new row.
    fn inserted(&self, index: usize, value: &Inserted) -> Wish<'s> {
        let new_rows = NewRows {
            schema: self.ground.schema,
            statement: self.statement,
            types: self.types,
        };
        if !value.array {
            return Wish::one(new_rows.part(index, value, value.row));
        }
        let rows = self
            .statement
            .load
            .rows_per_call()
            .round()
            .clamp(1.0, MOST_LISTED);
        let parts: Vec<Part<'s>> = (0..rows as usize)
            .map(|row| new_rows.part(index, value, row))
            .collect();
        match parts.contains(&Part::Guess) {
            true => Wish::one(Part::Guess),
            false => Wish {
                parts,
                shape: Shape::Array,
            },
        }
    }
}
