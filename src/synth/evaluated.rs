//! Columns whose values the server evaluates from an expression over the row's number: what it is
//! asked, and how its answers go into the rows.

use std::collections::BTreeMap;
use std::ops::Range;

use super::column::{ColumnPlan, copy_escape};
use super::plan::TablePlan;
use super::value::shape::escape;

/// Expressions that the server evaluates for the same numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The columns, by their place in the table's plan, with the expression of each.
    pub columns: Vec<(usize, String)>,
    /// What `n` is, row by row; none where all these columns are NULL anyway.
    pub numbers: Vec<Option<i64>>,
}

/// The server's answers for consecutive rows: by column, and row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    columns: BTreeMap<usize, Vec<Option<String>>>,
}

impl Answers {
    /// Notes the values of a column for the rows that were asked about.
    pub fn insert(&mut self, column: usize, values: Vec<Option<String>>) {
        self.columns.insert(column, values);
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> usize {
        let values = self.columns.values().flatten().flatten();
        values.map(String::len).sum()
    }
}

impl TablePlan {
    /// Whether the server must be asked for values before rows can be encoded.
    pub fn asks(&self) -> bool {
        self.columns
            .iter()
            .any(|column| column.expression().is_some())
    }

    /// What the server must be asked about these rows.
    pub fn questions(&self, rows: Range<u64>) -> Vec<Question> {
        let mut own: Vec<(usize, String)> = Vec::new();
        let mut questions = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            let Some(expression) = column.expression() else {
                continue;
            };
            match column.is_linked() {
                false => own.push((index, expression.to_owned())),
                // A foreign key's expression is its parent's, for the parent's row.
                true => questions.push(Question {
                    columns: vec![(index, expression.to_owned())],
                    numbers: rows
                        .clone()
                        .map(|row| number(column.argument(row)?))
                        .collect(),
                }),
            }
        }
        if !own.is_empty() {
            questions.push(Question {
                columns: own,
                numbers: rows.map(number).collect(),
            });
        }
        questions
    }

    /// Appends these rows in COPY's text format, with the server's answers about them.
    pub fn encode_answered(&self, rows: Range<u64>, answers: &Answers, out: &mut Vec<u8>) {
        let columns: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column, answers.columns.get(&index)))
            .collect();
        for (place, row) in rows.enumerate() {
            for (index, (column, answered)) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(b'\t');
                }
                match answered {
                    None => column.copy(row, out),
                    Some(values) => {
                        let value = values.get(place).and_then(Option::as_deref);
                        copy_answer(value.filter(|_| column.argument(row).is_some()), out);
                    }
                }
            }
            out.push(b'\n');
        }
    }
}

fn number(row: u64) -> Option<i64> {
    i64::try_from(row.saturating_add(1)).ok()
}

fn copy_answer(value: Option<&str>, out: &mut Vec<u8>) {
    let start = out.len();
    match value {
        None => out.extend_from_slice(b"\\N"),
        Some(text) => {
            out.extend_from_slice(text.as_bytes());
            escape(out, start, copy_escape);
        }
    }
}

impl ColumnPlan {
    /// The expression, over the row's number `n` from 1, that gives its values; of a foreign key, its
    /// parent's. None where values are made here.
    pub fn expression(&self) -> Option<&str> {
        self.root().own_expression()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::schema::RelationName;
    use crate::synth::choice::distribution::Distribution;
    use crate::synth::choice::draw::{Chosen, Draw};
    use crate::synth::column::{Event, Source};

    fn column(name: &str, draw: Draw, nulls: f64, source: Source) -> Arc<ColumnPlan> {
        Arc::new(ColumnPlan {
            name: name.into(),
            rows: 1_000,
            nulls: Event::new(5, nulls),
            orphans: Event::default(),
            draw,
            source,
        })
    }

    /// A column with an expression, one that references it, and the row's number.
    fn table() -> TablePlan {
        let expression = "f(n)".to_owned();
        let own = column("own", Draw::Row, 0.25, Source::Server { expression });
        let chosen = Chosen::among_rows(3, Distribution::Uniform, 1_000);
        let linked = Source::Column(Arc::clone(&own));
        let linked = column("linked", Draw::Chosen(chosen), 0.25, linked);
        let shape =
            crate::synth::value::shape::Shape::Numbers(crate::synth::value::decimal::Numbers {
                low: 1,
                scale: 0,
            });
        let number = Source::Shape {
            shape,
            capacity: u64::MAX,
        };
        TablePlan {
            name: RelationName {
                schema: "public".into(),
                name: "t".into(),
            },
            rows: 1_000,
            columns: vec![own, column("number", Draw::Row, 0.0, number), linked],
        }
    }

    /// What a server answers that knows one function.
    fn answers(table: &TablePlan, rows: Range<u64>) -> Answers {
        let mut answers = Answers::default();
        for question in table.questions(rows) {
            for (column, expression) in &question.columns {
                assert_eq!(expression, "f(n)");
                let value = |n: &Option<i64>| n.map(|n| format!("a\t{n}\\"));
                answers.insert(*column, question.numbers.iter().map(value).collect());
            }
        }
        answers
    }

    proptest! {
        #[test]
        fn answers_go_into_their_rows_however_these_are_cut(cut in 1u64..60) {
            let table = table();
            prop_assert!(table.asks());
            let mut out = Vec::new();
            table.encode_answered(0..cut, &answers(&table, 0..cut), &mut out);
            table.encode_answered(cut..60, &answers(&table, cut..60), &mut out);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(text.lines().count(), 60);
            let linked = &table.columns[2];
            for (row, line) in (0u64..).zip(text.lines()) {
                let fields: Vec<&str> = line.split('\t').collect();
                let value = |n: Option<u64>| n.map_or("\\N".to_owned(), |n| format!("a\\t{}\\\\", n + 1));
                let own = table.columns[0].argument(row);
                let expected = [value(own), (row + 1).to_string(), value(linked.argument(row))];
                prop_assert_eq!(fields, expected);
            }
        }
    }
}
