//! From scripts to programs: variables become slots, and keys are found.

use std::collections::{BTreeMap, BTreeSet};

use super::definitions::{Definitions, predefined};
use super::expression::{Expression, Names};
use super::keys::{KeyId, Keys};
use super::meta::{Amount, KeyName};
use super::pipeline::Pipeline;
use super::program::{Argument, Content, Instruction, Program, Seeds, SleepTime, Slot, Variables};
use super::scanner::{Piece, Statement};
use super::script::{Command, Script};
use super::source::{Place, ScriptError};
use super::sql::{Form, Sql};
use super::suggestion::did_you_mean;
use super::value::Value;

impl Script {
    /// Resolves its keys and variables, so that it can run with parameters.
    ///
    /// # Errors
    ///
    /// As [`bind_with`](Self::bind_with).
    pub fn bind(&self, keys: &mut dyn Keys) -> Result<Program, ScriptError> {
        self.bind_with(keys, &Definitions::default())
    }

    /// The same with variables that are defined outside of it.
    ///
    /// # Errors
    ///
    /// A variable that nothing sets, a key that `keys` does not find, or a pipeline in statements that are
    /// sent with the values in their text.
    pub fn bind_with(
        &self,
        keys: &mut dyn Keys,
        definitions: &Definitions,
    ) -> Result<Program, ScriptError> {
        let mut binder = Binder::new(self, keys, definitions);
        for command in &self.commands {
            let instruction = binder.instruction(command)?;
            binder.program.instructions.push(instruction);
        }
        let slot = |name: &str| binder.program.slot(name).filter(|_| !definitions.has(name));
        binder.program.seeds = Seeds {
            client: slot("client_id"),
            random: slot("random_seed"),
            default: slot("default_seed"),
        };
        Ok(binder.program.with_seed(0, 1).with_stride(0))
    }
}

struct Binder<'a> {
    script: &'a Script,
    keys: &'a mut dyn Keys,
    definitions: &'a Definitions,
    /// What variables hold that no command needs to set.
    initial: BTreeMap<String, Content>,
    /// Variables that may hold a key's value, which is any text.
    drawn: BTreeSet<&'a str>,
    /// How many commands are bound.
    bound: usize,
    program: Program,
}

impl<'a> Binder<'a> {
    /// Gives a slot to each variable that the script or the caller sets.
    fn new(script: &'a Script, keys: &'a mut dyn Keys, definitions: &'a Definitions) -> Self {
        let mut variables = Variables::default();
        let mut drawn = BTreeSet::new();
        let mut initial: BTreeMap<_, _> = predefined(&keys.rows())
            .into_iter()
            .map(|(name, value)| (name, Content::Value(Value::Integer(value))))
            .collect();
        for (name, value) in definitions.values() {
            initial.insert(name.to_owned(), Content::Text(value.to_owned()));
        }
        let mut declare = |name: &str| {
            variables.declare(name, || {
                initial.get(name).cloned().unwrap_or(Content::Unset)
            })
        };
        for command in &script.commands {
            match command {
                Command::Set(name, _) => {
                    declare(name);
                }
                Command::Pick(names, _) | Command::Fresh(names, _) => {
                    for name in names {
                        declare(name);
                        drawn.insert(name.as_str());
                    }
                }
                _ => {}
            }
        }
        definitions.given().for_each(|name| {
            declare(name);
        });
        Self {
            script,
            keys,
            definitions,
            initial,
            drawn,
            bound: 0,
            program: Program {
                name: script.name.clone(),
                statements: Vec::new(),
                instructions: Vec::with_capacity(script.commands.len()),
                variables,
                fresh: 0,
                stride: 0,
                seeds: Seeds::default(),
            },
        }
    }

    fn error(&self, place: Place, message: impl Into<String>) -> ScriptError {
        place.error(&self.script.name, message)
    }

    /// Whether a `\gset` or `\aset` among the first commands of the script can set a variable.
    fn captured(&self, name: &str, commands: usize) -> bool {
        let commands = self.script.commands.iter().take(commands);
        commands
            .filter_map(Command::capture)
            .any(|capture| capture.may_set(name))
    }

    /// The slot of a variable that something sets.
    fn find(&mut self, name: &str) -> Option<Slot> {
        let known = self.program.slot(name);
        let initial = self.initial.get(name);
        if known.is_some() {
            return known;
        }
        let set = initial.is_some()
            || self.captured(name, self.bound)
            || self.definitions.may_be_set_elsewhere(name);
        if !set {
            return None;
        }
        let initial = || initial.cloned().unwrap_or(Content::Unset);
        Some(self.program.variables.declare(name, initial))
    }

    /// The slot of a variable that a command reads.
    fn slot(&mut self, name: &str, place: Place) -> Result<Slot, ScriptError> {
        if let Some(slot) = self.find(name) {
            return Ok(slot);
        }
        let declared = self.program.variables.names.iter().map(|name| &**name);
        let known = declared.chain(self.initial.keys().map(String::as_str));
        let hint = did_you_mean(name, ":", known);
        Err(self.error(place, format!("variable `{name}` is never set{hint}")))
    }

    fn slots(&mut self, names: &[String], place: Place) -> Result<Vec<Slot>, ScriptError> {
        let slots = names.iter().map(|name| self.slot(name, place));
        slots.collect()
    }

    fn expression(
        &mut self,
        expression: &Expression<String>,
    ) -> Result<Expression<Slot>, ScriptError> {
        expression.rename(self)
    }

    fn key(&mut self, key: &KeyName) -> Result<KeyId, ScriptError> {
        self.keys
            .resolve_row(&key.table, &key.columns, key.distribution.as_deref())
            .map_err(|message| self.error(key.place, message))
    }

    fn fresh_key(&mut self, key: &KeyName) -> Result<KeyId, ScriptError> {
        let found = self.key(key)?;
        if self.keys.has_fresh(found) {
            return Ok(found);
        }
        let (table, columns) = (&key.table, key.columns.join(","));
        let message = format!(
            "every value that `{table}.{columns}` can have may be in some row: \\fresh has none to give"
        );
        Err(self.error(key.place, message))
    }

    fn instruction(&mut self, command: &Command) -> Result<Instruction, ScriptError> {
        let instruction = match command {
            Command::Sql(statement) => self.sql(statement)?,
            Command::Set(name, expression) => {
                let expression = self.expression(expression)?;
                Instruction::Set(
                    self.program.variables.declare(name, || Content::Unset),
                    expression,
                )
            }
            Command::Sleep(sleep) => {
                let time = match &sleep.amount {
                    Amount::Literal(amount) => SleepTime::Literal(*amount),
                    Amount::Variable(name, place) => {
                        SleepTime::Variable(self.slot(name, *place)?, *place)
                    }
                };
                Instruction::Sleep(time, sleep.unit)
            }
            Command::Pipeline(pipeline, place) => self.pipeline(*pipeline, *place)?,
            Command::Pick(names, key) => {
                Instruction::Pick(self.slots(names, key.place)?, self.key(key)?)
            }
            Command::Fresh(names, key) => {
                let number = self.program.fresh;
                self.program.fresh += 1;
                Instruction::Fresh(self.slots(names, key.place)?, self.fresh_key(key)?, number)
            }
            Command::Jump(target) => Instruction::Jump(*target),
            Command::JumpUnless(condition, target) => {
                Instruction::JumpUnless(self.expression(condition)?, *target)
            }
        };
        self.bound += 1;
        Ok(instruction)
    }

    fn pipeline(&self, pipeline: Pipeline, place: Place) -> Result<Instruction, ScriptError> {
        if self.definitions.substitutes() {
            let message = "cannot use pipeline mode with the simple query protocol: it has no way to send statements without waiting; take extended or prepared";
            return Err(self.error(place, message));
        }
        Ok(Instruction::Pipeline(pipeline, place))
    }

    fn sql(&mut self, statement: &Statement) -> Result<Instruction, ScriptError> {
        let mut sql = Sql::new(statement);
        let (mut arguments, mut quoted) = (Vec::new(), Vec::new());
        for piece in &statement.pieces {
            match piece {
                Piece::Text(text) => sql.push_text(text),
                Piece::Variable(name, place) => {
                    arguments.push(Argument::Value(self.slot(name, *place)?, *place));
                    sql.push_parameter(name, self.form(name));
                }
                Piece::Quoted(name, quote) => match self.quoted(name) {
                    Some(slot) => {
                        quoted.push(Argument::Quoted(slot));
                        sql.push_quoted(name, *quote);
                    }
                    None => sql.push_text(&format!(":{name}")),
                },
                Piece::Test(name) => match self.find(name) {
                    Some(slot) => {
                        arguments.push(Argument::Test(slot));
                        sql.push_parameter(name, Form::Raw);
                        sql.push_text("::boolean");
                    }
                    None => sql.push_text("FALSE"),
                },
            }
        }
        arguments.append(&mut quoted);
        self.program.statements.push(sql);
        let statement = self.program.statements.len() - 1;
        Ok(Instruction::Sql {
            statement,
            arguments,
        })
    }

    /// The slot of what may be a variable within quotes: there it is one as far as something sets it, and
    /// only where values are put into the text.
    fn quoted(&mut self, name: &str) -> Option<Slot> {
        let substitutes = self.definitions.substitutes();
        substitutes.then(|| self.find(name)).flatten()
    }

    /// How a value is put into a text: as pgbench does it where pgbench knows the variable.
    fn form(&self, name: &str) -> Form {
        let any_text = self.drawn.contains(name) || self.definitions.expects(name);
        if self.definitions.substitutes() && !any_text {
            Form::Raw
        } else {
            Form::Literal
        }
    }
}

impl Names<String> for Binder<'_> {
    type Name = Slot;
    type Error = ScriptError;

    fn read(&mut self, name: &String, place: Place) -> Result<Slot, ScriptError> {
        self.slot(name, place)
    }

    fn find(&mut self, name: &String) -> Option<Slot> {
        Binder::find(self, name)
    }
}
