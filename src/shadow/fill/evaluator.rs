//! Rows of tables with columns that the server evaluates: asked for on a connection beside the COPY.

use std::ops::Range;

use tokio_postgres::Client;

use crate::postgres::connect::Session;
use crate::postgres::evaluate::{EvaluateError, evaluate};
use crate::synth::{Answers, Question, TablePlan};

use super::FillError;
use super::shares::{BUFFER, Buffer, Share};

/// Rows of the first question about a table.
const FIRST: u64 = 100;

/// Most rows of a question.
const MOST: u64 = 5_000;

/// What one worker writes of a table, with the server's answers in it, block after block.
#[derive(Debug)]
pub(super) struct Evaluator<'a> {
    session: Session,
    planned: &'a TablePlan,
    share: &'a Share,
    /// Rows taken and not yet asked about.
    taken: Range<u64>,
    /// Rows to ask about next.
    block: u64,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(session: Session, planned: &'a TablePlan, share: &'a Share) -> Self {
        Self {
            session,
            planned,
            share,
            taken: 0..0,
            block: FIRST,
        }
    }

    /// The next rows; none when all are taken.
    pub(super) async fn next(&mut self) -> Result<Option<Buffer>, FillError> {
        if self.taken.is_empty() {
            match self.share.take() {
                Some(rows) => self.taken = rows,
                None => return Ok(None),
            }
        }
        let begin = self.taken.start;
        let end = begin.saturating_add(self.block).min(self.taken.end);
        self.taken.start = end;
        let answers = answers(&self.session.client, self.planned, begin..end).await?;
        let each = (answers.bytes() as u64 / (end - begin).max(1)).max(1);
        self.block = (BUFFER as u64 / each).clamp(1, MOST);
        let mut text = Vec::with_capacity(BUFFER);
        self.planned
            .encode_answered(begin..end, &answers, &mut text);
        Ok(Some(Buffer {
            text,
            rows: end - begin,
        }))
    }
}

/// What the server says of rows' columns that it evaluates.
pub(super) async fn answers(
    client: &Client,
    planned: &TablePlan,
    rows: Range<u64>,
) -> Result<Answers, FillError> {
    let mut answers = Answers::default();
    for question in planned.questions(rows) {
        let values = evaluate(client, &question).await;
        let values = values.map_err(|error| explain(planned, &question, error))?;
        for ((column, _), values) in question.columns.iter().zip(values) {
            answers.insert(*column, values);
        }
    }
    Ok(answers)
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
