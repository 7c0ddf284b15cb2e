//! Runs: a program executed once, statement by statement.

use std::sync::Arc;
use std::time::Duration;

use super::expression::{Expression, Failure};
use super::keys::Keys;
use super::program::{Content, Instruction, Program, SleepTime, Slot};
use super::random::Generator;
use super::source::{Place, ScriptError};
use super::value::{Fault, Value};

/// What the caller does next for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this statement with these parameters in text form.
    Sql {
        /// Index into [`Program::statements`].
        statement: usize,
        /// The values, none for NULL.
        parameters: Vec<Option<String>>,
    },
    /// Wait.
    Sleep(Duration),
    /// The transaction is over.
    Done,
}

/// One execution of a program: its variables, random numbers and place.
#[derive(Debug)]
pub struct Run {
    program: Arc<Program>,
    serial: u64,
    /// The instruction that comes next.
    next: usize,
    state: State,
}

impl Run {
    /// Begins a run. `seed` decides its random numbers; `serial` is unique among all runs of a
    /// rehearsal and decides what `\fresh` yields.
    pub fn new(program: Arc<Program>, seed: u64, serial: u64) -> Self {
        let state = State {
            variables: program.initial.clone(),
            random: Generator::new(seed),
        };
        Self {
            program,
            serial,
            next: 0,
            state,
        }
    }

    /// Goes on to the next thing that the caller must do. An error (division by zero, …) ends the run.
    ///
    /// # Errors
    ///
    /// An expression that has no value, or a variable that is used before it is set.
    pub fn step(&mut self, keys: &dyn Keys) -> Result<Step, ScriptError> {
        let program = Arc::clone(&self.program);
        self.advance(&program, keys)
            .map_err(|Failure { fault, place }| {
                self.next = program.instructions.len();
                place.error(&program.name, fault.to_string())
            })
    }

    fn advance(&mut self, program: &Program, keys: &dyn Keys) -> Result<Step, Failure> {
        while let Some(instruction) = program.instructions.get(self.next) {
            self.next += 1;
            match instruction {
                Instruction::Sql {
                    statement,
                    parameters,
                } => {
                    let parameter = |(slot, place): &(Slot, Place)| {
                        let parameter = self.state.parameter(program, *slot);
                        parameter.map_err(|fault| fault.at(*place))
                    };
                    return Ok(Step::Sql {
                        statement: *statement,
                        parameters: parameters.iter().map(parameter).collect::<Result<_, _>>()?,
                    });
                }
                Instruction::Set(slot, expression) => {
                    let value = self.state.evaluate(program, expression)?;
                    self.state.set(*slot, Content::Value(value));
                }
                Instruction::Sleep(time, unit) => {
                    let amount = self.state.sleep(program, *time)?;
                    // A time before now is no wait, as in pgbench.
                    let amount = u64::try_from(amount).unwrap_or(0);
                    let time = Duration::from_micros(amount.saturating_mul(unit.microseconds));
                    return Ok(Step::Sleep(time));
                }
                Instruction::Pick(slot, key) => {
                    let text = keys.pick(*key, self.state.random.bits());
                    self.state.set(*slot, Content::Text(text));
                }
                Instruction::Fresh(slot, key, number) => {
                    let first = self.serial.wrapping_mul(program.fresh);
                    let text = keys.fresh(*key, first.wrapping_add(*number));
                    self.state.set(*slot, Content::Text(text));
                }
                Instruction::Jump(target) => self.next = *target,
                Instruction::JumpUnless(condition, target) => {
                    if !self.state.evaluate(program, condition)?.holds() {
                        self.next = *target;
                    }
                }
            }
        }
        Ok(Step::Done)
    }
}

/// What the commands of a run change.
#[derive(Debug)]
struct State {
    variables: Vec<Content>,
    random: Generator,
}

impl State {
    fn set(&mut self, Slot(slot): Slot, content: Content) {
        if let Some(variable) = self.variables.get_mut(slot) {
            *variable = content;
        }
    }

    fn evaluate(
        &mut self,
        program: &Program,
        expression: &Expression<Slot>,
    ) -> Result<Value, Failure> {
        let Self { variables, random } = self;
        let look_up = |Slot(slot): &Slot| {
            let content = variables.get(*slot).unwrap_or(&Content::Unset);
            content.value(program.name_of(Slot(*slot)))
        };
        expression.evaluate(&look_up, random)
    }

    fn parameter(&self, program: &Program, slot: Slot) -> Result<Option<String>, Fault> {
        match self.variables.get(slot.0) {
            Some(Content::Value(Value::Null)) => Ok(None),
            Some(Content::Value(value)) => Ok(Some(value.to_string())),
            Some(Content::Text(text)) => Ok(Some(text.clone())),
            Some(Content::Unset) | None => Err(Fault::Unset(program.name_of(slot).to_owned())),
        }
    }

    /// The amount of a `\sleep`; a variable's is read as C's `atoi` reads it, up to what is no digit.
    fn sleep(&self, program: &Program, time: SleepTime) -> Result<i64, Failure> {
        let (slot, place) = match time {
            SleepTime::Literal(amount) => return Ok(amount),
            SleepTime::Variable(slot, place) => (slot, place),
        };
        let text = self
            .parameter(program, slot)
            .map_err(|fault| fault.at(place))?;
        let text = text.unwrap_or_else(|| "NULL".to_owned());
        let unsigned = text.strip_prefix('-').unwrap_or(&text);
        let tail = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_suffix(tail).unwrap_or(&text);
        number
            .parse()
            .map_err(|_| Fault::Sleep(text.clone()).at(place))
    }
}
