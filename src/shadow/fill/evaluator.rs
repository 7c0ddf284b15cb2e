//! Rows of tables with columns that the server evaluates: asked for on a connection beside the COPY.

use std::ops::Range;

use crate::postgres::connect::Session;
use crate::postgres::evaluate::{EvaluateError, evaluate};
use crate::synth::{Answers, Question, TablePlan};

use super::FillError;

/// Rows of the first question about a table.
const FIRST: u64 = 100;

/// Most rows of a question.
const MOST: u64 = 5_000;

/// Bytes of answers that later questions are meant to get, so that memory stays bounded.
const ANSWER: u64 = 256 * 1024;

/// Asks the server about the rows of one table, block after block.
#[derive(Debug)]
pub(super) struct Evaluator {
    session: Session,
    /// Rows to ask about next.
    block: u64,
}

impl Evaluator {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            block: FIRST,
        }
    }

    /// Appends the first of these rows in COPY's text format and returns the first row not written.
    pub(super) async fn encode(
        &mut self,
        planned: &TablePlan,
        rows: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<u64, FillError> {
        let end = rows.start.saturating_add(self.block).min(rows.end);
        let block = rows.start..end;
        let mut answers = Answers::default();
        for question in planned.questions(block.clone()) {
            let values = evaluate(&self.session.client, &question).await;
            let values = values.map_err(|error| explain(planned, &question, error))?;
            for ((column, _), values) in question.columns.iter().zip(values) {
                answers.insert(*column, values);
            }
        }
        let each = (answers.bytes() as u64 / (end - rows.start).max(1)).max(1);
        self.block = (ANSWER / each).clamp(1, MOST);
        planned.encode_answered(block, &answers, out);
        Ok(end)
    }
}

/// The error by table, column and expression.
fn explain(planned: &TablePlan, question: &Question, error: EvaluateError) -> FillError {
    let (column, message) = match error {
        EvaluateError::Rows {
            column,
            asked,
            came,
        } => (
            column,
            format!("{came} values for {asked} rows: an expression must give one value a row"),
        ),
        EvaluateError::Refused(column, error) => match error.as_db_error() {
            Some(server) => (column, server.message().to_owned()),
            None => {
                return FillError::Server {
                    doing: format!("evaluating `sql` for {}", planned.name),
                    source: error,
                };
            }
        },
    };
    let mut asked = question.columns.iter();
    let expression = asked.find(|(place, _)| *place == column);
    let expression = expression.map_or("", |(_, expression)| expression);
    let name = planned.columns.get(column).map_or("", |c| &c.name);
    let key = planned.name.scenario_key();
    FillError::Expression {
        column: format!("{}.{name}", planned.name),
        message,
        help: format!("correct its `sql = \"{expression}\"` under [tables.{key}.columns.{name}]"),
    }
}
