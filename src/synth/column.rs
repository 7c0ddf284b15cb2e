//! One column of the fill: its value in any row.

mod derived;
mod leading;

use std::sync::Arc;

use super::choice::chooser::Chooser;
use super::choice::draw::Draw;
use super::choice::random;
use super::value::shape::{Shape, escape};
use super::value::text::{Base, Text};

pub(crate) use derived::{Apart, Bearing, Derived};
pub(crate) use leading::Leading;

/// How one written column gets its values.
#[derive(Debug, Clone)]
pub struct ColumnPlan {
    /// The column's name.
    pub name: String,
    pub(crate) rows: u64,
    pub(crate) nulls: Event,
    pub(crate) orphans: Event,
    pub(crate) draw: Draw,
    pub(crate) source: Source,
}

/// Something that happens in a share of the rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Event {
    pub(crate) key: u64,
    threshold: u64,
    /// The row from which on it always happens, if there is one.
    from: Option<u64>,
}

impl Event {
    /// An event of this probability.
    pub(crate) fn new(key: u64, probability: f64) -> Self {
        Self {
            key,
            threshold: random::threshold(probability),
            from: None,
        }
    }

    /// What happens in all rows from this one on, and never before.
    pub(crate) fn from_row(row: u64) -> Self {
        Self {
            from: Some(row),
            ..Self::default()
        }
    }

    fn happens(self, row: u64) -> bool {
        if let Some(from) = self.from {
            return row >= from;
        }
        self.threshold > 0
            && (self.threshold == u64::MAX || random::bits(self.key, row) < self.threshold)
    }
}

/// Where a column's values come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Its own values, of which the first `capacity` ordinals are within type and limits.
    Shape { shape: Shape, capacity: u64 },
    /// Those of the column that it references.
    Column(Arc<ColumnPlan>),
    /// What the server makes of an expression over the row's number.
    Server { expression: String },
    /// Those of another plan in each case that a row may belong to.
    Cases(Cased),
    /// Those of one plan in the first row of each ancestor, of another in the others.
    Leading(Leading),
    /// Between those of other columns in the same row.
    Derived(Box<Derived>),
    /// Other than those of other columns in the same row.
    Apart(Apart),
}

/// A plan for each case; none where the column is NULL.
#[derive(Debug, Clone)]
pub(crate) struct Cased {
    pub(crate) chooser: Chooser,
    pub(crate) plans: Vec<Option<Arc<ColumnPlan>>>,
    /// Whether all plans differ in their nulls alone.
    pub(crate) alike: bool,
}

impl Cased {
    fn plan(&self, row: u64) -> Option<&Arc<ColumnPlan>> {
        self.plans.get(self.chooser.case(row))?.as_ref()
    }

    /// The plan whose values all cases share, if they do.
    fn shared(&self) -> Option<&Arc<ColumnPlan>> {
        let first = self.plans.iter().flatten().next();
        first.filter(|_| self.alike)
    }
}

/// Orphans are spread over at most so many keys.
const MOST_ORPHANS: u64 = 1_000_000;

impl ColumnPlan {
    /// Writes the value in a row as text; false where it is NULL and nothing is written.
    pub(crate) fn write(&self, row: u64, out: &mut Vec<u8>) -> bool {
        if self.nulls.happens(row) {
            return false;
        }
        let Some(ordinal) = self.draw.ordinal(row) else {
            return false;
        };
        match &self.source {
            Source::Shape { shape, .. } => {
                shape.write(ordinal, out);
                true
            }
            Source::Column(_) if self.orphans.happens(row) => {
                self.root()
                    .write_orphan(random::bits(!self.orphans.key, row), out);
                true
            }
            Source::Column(parent) => parent.write(ordinal, out),
            Source::Cases(cased) => cased.plan(row).is_some_and(|plan| plan.write(row, out)),
            Source::Leading(leading) => leading.plan(row).is_some_and(|plan| plan.write(row, out)),
            Source::Derived(derived) => derived.write(row, out),
            Source::Apart(apart) => apart.write(row, out),
            // Not known here: the answers are woven into the rows.
            Source::Server { .. } => false,
        }
    }

    /// The row, of the column at the end of the foreign keys, whose value it has in this row; none
    /// for NULL.
    pub(crate) fn argument(&self, row: u64) -> Option<u64> {
        if self.nulls.happens(row) {
            return None;
        }
        let ordinal = self.draw.ordinal(row)?;
        match &self.source {
            Source::Column(parent) => parent.argument(ordinal),
            _ => Some(ordinal),
        }
    }

    /// Whether its values are another column's.
    pub(crate) fn is_linked(&self) -> bool {
        matches!(self.source, Source::Column(_))
    }

    /// The expression that the server evaluates for it.
    pub(crate) fn own_expression(&self) -> Option<&str> {
        match &self.source {
            Source::Server { expression } => Some(expression),
            _ => None,
        }
    }

    /// The value in a row; none where it is NULL.
    pub(crate) fn text(&self, row: u64) -> Option<String> {
        let mut out = Vec::new();
        let written = self.write(row, &mut out);
        written.then(|| String::from_utf8(out).ok()).flatten()
    }

    /// Writes the value in a row in COPY's text format.
    pub(crate) fn copy(&self, row: u64, out: &mut Vec<u8>) {
        if let Source::Cases(cased) = &self.source
            && let Some(plan) = cased.plan(row)
        {
            return plan.copy(row, out);
        }
        let start = out.len();
        if !self.write(row, out) {
            out.extend_from_slice(b"\\N");
        } else if !self.is_plain() {
            escape(out, start, copy_escape);
        }
    }

    fn is_plain(&self) -> bool {
        match &self.root().source {
            Source::Shape { shape, .. } => shape.is_plain(),
            Source::Derived(_) => true,
            _ => false,
        }
    }

    /// Whether the value in a row is NULL by chance or for want of a parent.
    pub(crate) fn is_null(&self, row: u64) -> bool {
        !self.write(row, &mut Vec::new())
    }

    /// The column at the end of the foreign keys.
    pub(crate) fn root(&self) -> &ColumnPlan {
        let mut column = self;
        loop {
            column = match &column.source {
                Source::Column(parent) => parent,
                Source::Cases(cased) => match cased.shared() {
                    Some(plan) => plan,
                    None => return column,
                },
                _ => return column,
            };
        }
    }

    /// Whether its values come, perhaps through others, from this very column.
    pub(crate) fn comes_from(&self, other: &ColumnPlan) -> bool {
        let mut column = self;
        loop {
            column = match &column.source {
                Source::Column(parent) if std::ptr::eq(Arc::as_ptr(parent), other) => return true,
                Source::Column(parent) => parent,
                Source::Cases(cased) => match cased.shared() {
                    Some(plan) => plan,
                    None => return false,
                },
                _ => return false,
            };
        }
    }

    /// How many values its type has beyond those that rows have.
    pub(crate) fn room(&self) -> u64 {
        match &self.source {
            Source::Shape { capacity, shape } if shape.capacity() > 0 => {
                capacity.saturating_sub(self.draw.domain(self.rows))
            }
            _ => 0,
        }
    }

    /// Writes a value that no row of the root has, far from those that [`fresh`](Self::write_fresh)
    /// yields.
    fn write_orphan(&self, bits: u64, out: &mut Vec<u8>) {
        let room = self.room();
        let spread = (room - room / 2).clamp(1, MOST_ORPHANS);
        let ordinal = self
            .draw
            .domain(self.rows)
            .saturating_add(room / 2)
            .saturating_add(random::below(bits, spread));
        if let Source::Shape { shape, .. } = &self.source {
            shape.write(ordinal, out);
        }
    }

    /// Whether a foreign key decides its values.
    pub(crate) fn is_foreign(&self) -> bool {
        match &self.source {
            Source::Column(_) => true,
            Source::Cases(cased) => cased.shared().is_some_and(|plan| plan.is_foreign()),
            _ => false,
        }
    }

    /// Whether there are values that no row has: not so for booleans, enums and lists.
    pub(crate) fn has_fresh(&self) -> bool {
        self.root().fresh_values().is_some()
    }

    /// Writes the `n`-th value that no row has; of a foreign key, that no row of its parent has. After
    /// the last one comes the first again.
    pub(crate) fn write_fresh(&self, n: u64, out: &mut Vec<u8>) {
        if let Some((shape, first, count)) = self.root().fresh_values() {
            shape.write(first + n.checked_rem(count).unwrap_or(0), out);
        }
    }

    /// The ordinals whose values no row has: their shape, the first one and their number.
    fn fresh_values(&self) -> Option<(Shape, u64, u64)> {
        let Source::Shape { shape, capacity } = &self.source else {
            return None;
        };
        let (shape, first, count) = match shape {
            // Words alone repeat; with a number at their end they are none of the others.
            Shape::Text(text) if text.number.is_none() => {
                let shape = Shape::Text(Text {
                    number: Some(Base::Decimal),
                    ..text.clone()
                });
                let count = shape.capacity();
                (shape, 0, count)
            }
            _ => {
                let count = (*capacity).min(shape.capacity());
                let first = self.draw.domain(self.rows);
                (shape.clone(), first, count.saturating_sub(first))
            }
        };
        (count > 0).then_some((shape, first, count))
    }
}

/// What COPY's text format replaces (PostgreSQL documentation, "COPY", "Text Format").
pub(super) fn copy_escape(byte: u8) -> Option<[u8; 2]> {
    match byte {
        b'\\' => Some(*b"\\\\"),
        b'\n' => Some(*b"\\n"),
        b'\r' => Some(*b"\\r"),
        b'\t' => Some(*b"\\t"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn column(values: Vec<String>) -> ColumnPlan {
        ColumnPlan {
            name: "c".into(),
            rows: values.len() as u64,
            nulls: Event::default(),
            orphans: Event::default(),
            draw: Draw::Row,
            source: Source::Shape {
                capacity: values.len() as u64,
                shape: Shape::Choice(values),
            },
        }
    }

    /// COPY's reader, by the documentation.
    fn decode(field: &str) -> Option<String> {
        if field == "\\N" {
            return None;
        }
        let mut text = String::new();
        let mut characters = field.chars();
        while let Some(character) = characters.next() {
            text.push(match character {
                '\\' => match characters.next().unwrap() {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                },
                other => other,
            });
        }
        Some(text)
    }

    proptest! {
        #[test]
        fn copy_decodes_to_the_value(value in "(?s).{0,20}|[\\\\\n\r\tN]{0,6}") {
            let mut out = b"before\t".to_vec();
            column(vec![value.clone()]).copy(0, &mut out);
            let field = String::from_utf8(out.split_off(7)).unwrap();
            prop_assert!(!field.contains(['\n', '\r', '\t']));
            prop_assert_eq!(decode(&field), Some(value));
        }

        #[test]
        fn events_happen_in_their_share(key: u64) {
            let event = Event::new(key, 0.25);
            let happened = (0..4_000).filter(|&row| event.happens(row)).count();
            prop_assert!((800..1_200).contains(&happened));
            prop_assert!((0..100).all(|row| Event::new(key, 1.0).happens(row)));
            prop_assert!(!(0..100).any(|row| Event::new(key, 0.0).happens(row)));
        }
    }
}
