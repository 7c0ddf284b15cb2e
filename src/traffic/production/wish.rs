//! What a parameter is to be: a column's value in some row, a new value, a number.

use crate::schema::{Column, Table};

/// What a parameter is to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish<'s> {
    /// Its values: one, unless it stands for several.
    pub(super) parts: Vec<Part<'s>>,
    /// How the values are written.
    pub(super) shape: Shape,
}

/// How the values of a parameter are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value.
    One,
    /// Several, with commas between them.
    List,
    /// An array of them.
    Array,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part<'s> {
    /// A column's value in the row of a group.
    Draw(Draw<'s>),
    /// An expression of pgbench's, evaluated when all rows are drawn.
    Set(String),
    /// An expression of SQL's.
    Sql(String),
    /// Whatever its type allows.
    Guess,
}

/// A column's value in the row of a group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draw<'s> {
    pub(super) group: Group,
    pub(super) table: &'s Table,
    pub(super) column: &'s Column,
}

/// Values of the same group are of the same row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// An existing row of a table that the statement mentions; the second number tells several apart.
    Row(usize, usize),
    /// An existing row that gives the values of a new one, or of an updated one.
    Model(usize),
    /// An existing row for this value alone, by parameter and part.
    Alone(usize, usize),
    /// A row that does not exist, by its number and the unique key.
    Fresh(usize, String),
}

impl<'s> Wish<'s> {
    pub(super) fn one(part: Part<'s>) -> Self {
        Self {
            parts: vec![part],
            shape: Shape::One,
        }
    }

    /// The row that its only value is drawn from.
    pub(super) fn drawn(&self) -> Option<&Draw<'s>> {
        match self.parts.as_slice() {
            [Part::Draw(draw)] => Some(draw),
            _ => None,
        }
    }
}
