//! What the commands of a run read and change.

use super::capture::{Capture, ResultSet};
use super::expression::{Environment, Expression, Failure};
use super::pipeline::{Mode, Pipeline, STILL_OPEN};
use super::program::{Argument, Content, Program, SleepTime, Slot};
use super::random::Generator;
use super::source::{Place, is_name};
use super::value::{Fault, Value};

/// The variables of a run, its random numbers and its pipeline.
#[derive(Debug)]
pub(super) struct State {
    pub(super) variables: Vec<Content>,
    pub(super) random: Generator,
    /// Whether a pipeline is open: a run knows.
    pub(super) pipeline: Mode,
}

/// The variables of a run with their names.
struct Variables<'a> {
    program: &'a Program,
    contents: &'a [Content],
}

impl Environment<Slot> for Variables<'_> {
    fn value(&self, slot: &Slot) -> Result<Value, Fault> {
        let content = self.contents.get(slot.0).unwrap_or(&Content::Unset);
        content.value(self.program.name_of(*slot))
    }

    fn has(&self, slot: &Slot) -> bool {
        is_set(self.contents, *slot)
    }
}

fn is_set(contents: &[Content], Slot(slot): Slot) -> bool {
    !matches!(contents.get(slot), None | Some(Content::Unset))
}

impl State {
    pub(super) fn set(&mut self, Slot(slot): Slot, content: Content) {
        if let Some(variable) = self.variables.get_mut(slot) {
            *variable = content;
        }
    }

    pub(super) fn set_all(&mut self, slots: &[Slot], texts: Vec<String>) {
        for (slot, text) in slots.iter().zip(texts) {
            self.set(*slot, Content::Text(text));
        }
    }

    pub(super) fn evaluate(
        &mut self,
        program: &Program,
        expression: &Expression<Slot>,
    ) -> Result<Value, Failure> {
        let variables = Variables {
            program,
            contents: &self.variables,
        };
        expression.evaluate(&variables, &mut self.random)
    }

    /// The values of a statement.
    pub(super) fn arguments(
        &self,
        program: &Program,
        statement: usize,
        arguments: &[Argument],
    ) -> Result<Vec<Option<String>>, Failure> {
        if self.pipeline != Mode::Closed
            && let Some(capture) = program.capture(statement)
        {
            return Err(Fault::Capture(capture.kind.name()).at(capture.place));
        }
        let value = |argument: &Argument| match *argument {
            Argument::Value(slot, place) => {
                let text = self.text(program, slot);
                text.map_err(|fault| fault.at(place))
            }
            Argument::Quoted(slot) => {
                let as_written = |_| Some(format!(":{}", program.name_of(slot)));
                Ok(self.text(program, slot).unwrap_or_else(as_written))
            }
            Argument::Test(slot) => {
                let set = if is_set(&self.variables, slot) {
                    "TRUE"
                } else {
                    "FALSE"
                };
                Ok(Some(set.to_owned()))
            }
        };
        arguments.iter().map(value).collect()
    }

    /// Keeps what a statement returned, by the names of its columns.
    pub(super) fn keep(
        &mut self,
        program: &Program,
        capture: &Capture,
        results: &[ResultSet],
    ) -> Result<(), Failure> {
        let failed = |fault: Fault| fault.at(capture.place);
        let mut name = capture.prefix.clone();
        let rows = capture.rows(results);
        for row in rows.map_err(|count| failed(Fault::Rows(count)))? {
            for (column, value) in row.columns.iter().zip(row.values) {
                name.truncate(capture.prefix.len());
                name.push_str(column);
                if let Some(slot) = program.slot(&name) {
                    self.set(slot, Content::of(value.clone()));
                } else if !is_name(&name) {
                    return Err(failed(Fault::Column(name, capture.kind.name())));
                }
            }
        }
        Ok(())
    }

    /// What a variable holds as text, none for NULL.
    fn text(&self, program: &Program, slot: Slot) -> Result<Option<String>, Fault> {
        match self.variables.get(slot.0) {
            Some(Content::Value(Value::Null)) => Ok(None),
            Some(Content::Value(value)) => Ok(Some(value.to_string())),
            Some(Content::Text(text)) => Ok(Some(text.clone())),
            Some(Content::Unset) | None => Err(Fault::Unset(program.name_of(slot).to_owned())),
        }
    }

    /// Begins, synchronises or ends a pipeline.
    pub(super) fn pipe(&mut self, pipeline: Pipeline, place: Place) -> Result<(), Failure> {
        let after = self.pipeline.after(pipeline, place);
        self.pipeline = after.map_err(|fault| Fault::Pipeline(fault).at(place))?;
        Ok(())
    }

    /// Whether everything that was begun is ended.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        match self.pipeline {
            Mode::Open(begin) => Err(Fault::Pipeline(STILL_OPEN).at(begin)),
            Mode::Closed | Mode::Either => Ok(()),
        }
    }

    /// The amount of a `\sleep`; a variable's is read as C's `atoi` reads it, up to what is no digit.
    pub(super) fn sleep(&self, program: &Program, time: SleepTime) -> Result<i64, Failure> {
        let (slot, place) = match time {
            SleepTime::Literal(amount) => return Ok(amount),
            SleepTime::Variable(slot, place) => (slot, place),
        };
        let text = self.text(program, slot).map_err(|fault| fault.at(place))?;
        let text = text.unwrap_or_else(|| "NULL".to_owned());
        let unsigned = text.strip_prefix('-').unwrap_or(&text);
        let tail = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_suffix(tail).unwrap_or(&text);
        number
            .parse()
            .map_err(|_| Fault::Sleep(text.clone()).at(place))
    }
}
