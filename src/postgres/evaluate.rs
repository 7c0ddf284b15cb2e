//! Expressions of the scenario that the server evaluates for numbered rows.

use tokio_postgres::{Client, Error};

use crate::synth::Question;

/// Why an expression gave no values.
#[derive(Debug)]
pub enum EvaluateError {
    /// What the server or the connection says of the expression of a column, by its place.
    Refused(usize, Error),
    /// Not one value a row.
    Rows {
        /// The column, by its place.
        column: usize,
        /// Rows that were asked about.
        asked: usize,
        /// Values that came back.
        came: usize,
    },
}

/// The values of a question's columns, in the order of the question, each for all its numbers in
/// their order, as text.
///
/// # Errors
/// What the server says of the first expression that it does not evaluate.
pub async fn evaluate(
    client: &Client,
    question: &Question,
) -> Result<Vec<Vec<Option<String>>>, EvaluateError> {
    let all = ask(client, &question.columns, &question.numbers).await;
    if question.columns.len() < 2 || all.is_ok() {
        return all;
    }
    // Each by itself, to know which it was.
    let mut values = Vec::new();
    for column in &question.columns {
        values.extend(ask(client, std::slice::from_ref(column), &question.numbers).await?);
    }
    Ok(values)
}

async fn ask(
    client: &Client,
    columns: &[(usize, String)],
    numbers: &[Option<i64>],
) -> Result<Vec<Vec<Option<String>>>, EvaluateError> {
    let first = columns.first().map_or(0, |(column, _)| *column);
    let known: Vec<i64> = numbers.iter().flatten().copied().collect();
    let refused = |error| EvaluateError::Refused(first, error);
    let rows = client.query(&statement(columns), &[&known]).await;
    let rows = rows.map_err(refused)?;
    if rows.len() != known.len() {
        return Err(EvaluateError::Rows {
            column: first,
            asked: known.len(),
            came: rows.len(),
        });
    }
    let mut values = vec![Vec::with_capacity(numbers.len()); columns.len()];
    let mut rows = rows.iter();
    for number in numbers {
        let row = number.and_then(|_| rows.next());
        for (index, values) in values.iter_mut().enumerate() {
            values.push(match row {
                Some(row) => row.try_get(index).map_err(refused)?,
                None => None,
            });
        }
    }
    Ok(values)
}

/// Each expression stands in parentheses of its own lines, so that a comment at its end is harmless.
fn statement(columns: &[(usize, String)]) -> String {
    let expressions: Vec<String> = columns
        .iter()
        .map(|(_, expression)| format!("(\n{expression}\n)::text"))
        .collect();
    format!(
        "SELECT {} FROM unnest($1::int8[]) WITH ORDINALITY AS numbered (n, \"place of n\") \
         ORDER BY \"place of n\"",
        expressions.join(", ")
    )
}
