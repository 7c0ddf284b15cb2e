//! Programs: scripts whose variables are slots and whose keys are found.

use std::collections::BTreeMap;

use super::expression::Expression;
use super::keys::{KeyId, Keys};
use super::meta::{Amount, KeyName, SleepUnit};
use super::random::Generator;
use super::script::{Command, Script};
use super::source::{Place, ScriptError, continues_name};
use super::sql::{Sql, Statement};
use super::suggestion::did_you_mean;
use super::value::{Fault, Value};

/// A script ready to run.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) name: String,
    statements: Vec<Sql>,
    pub(super) instructions: Vec<Instruction>,
    /// The variables' names, for errors.
    names: Vec<String>,
    /// The variables' contents when a run begins.
    pub(super) initial: Vec<Content>,
    /// How many instructions are [`Instruction::Fresh`].
    pub(super) fresh: u64,
}

/// Index of a variable in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(pub(super) usize);

/// What a variable holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Nothing: no command has set it yet.
    Unset,
    /// A result of an expression.
    Value(Value),
    /// A key, kept as it is.
    Text(String),
}

/// One step of a program; jumps are to later instructions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Instruction {
    Sql {
        statement: usize,
        parameters: Vec<(Slot, Place)>,
    },
    Set(Slot, Expression<Slot>),
    Sleep(SleepTime, SleepUnit),
    /// Each variable takes one column of the row.
    Pick(Vec<Slot>, KeyId),
    /// The number counts the instructions of this kind.
    Fresh(Vec<Slot>, KeyId, u64),
    Jump(usize),
    JumpUnless(Expression<Slot>, usize),
}

/// How many units to sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SleepTime {
    Literal(i64),
    Variable(Slot, Place),
}

impl Content {
    /// As a value of an expression; `name` is the variable's.
    pub(super) fn value(&self, name: &str) -> Result<Value, Fault> {
        match self {
            Content::Unset => Err(Fault::Unset(name.to_owned())),
            Content::Value(value) => Ok(*value),
            Content::Text(text) => Value::from_text(text),
        }
    }
}

/// pgbench's variables that are there without being set: one client, as each run is one of many that share
/// no session, and a scale of 1 where no tables say otherwise. The seeds are set by [`Program::with_seed`].
const PREDEFINED: [(&str, i64); 4] = [
    ("client_id", 0),
    ("default_seed", 0),
    ("random_seed", 0),
    ("scale", 1),
];

impl Script {
    /// Resolves its keys and variables, so that it can run.
    ///
    /// # Errors
    ///
    /// A variable that no command sets and that is not predefined, or a key that `keys` does not find.
    pub fn bind(&self, keys: &mut dyn Keys) -> Result<Program, ScriptError> {
        let mut binder = Binder::new(self, keys);
        for command in &self.commands {
            let instruction = binder.instruction(command)?;
            binder.program.instructions.push(instruction);
        }
        Ok(binder.program.with_seed(0))
    }
}

impl Program {
    /// The same program with `:random_seed` and `:default_seed` as `pgbench --random-seed` sets them; without
    /// this they are those of seed 0.
    ///
    /// A rehearsal gives all its runs the same: `hash` and `permute` scatter by `:default_seed`, and scripts
    /// rely on a hot row staying the same one.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        let mut sequence = Generator::new(seed);
        // pgbench draws its first client's seed before this one.
        sequence.bits();
        self.predefine("random_seed", seed.cast_signed());
        self.predefine("default_seed", sequence.bits().cast_signed());
        self
    }

    /// Gives a variable the value that it has when a run begins.
    fn predefine(&mut self, name: &str, value: i64) {
        let slot = self.names.iter().position(|known| known == name);
        if let Some(content) = slot.and_then(|slot| self.initial.get_mut(slot)) {
            *content = Content::Value(Value::Integer(value));
        }
    }

    /// The name of a variable.
    pub(super) fn name_of(&self, Slot(slot): Slot) -> &str {
        self.names.get(slot).map_or("", String::as_str)
    }

    /// Its SQL commands; [`Step::Sql`](super::Step::Sql) gives an index into them.
    pub fn statements(&self) -> &[Sql] {
        &self.statements
    }
}

struct Binder<'a> {
    program: Program,
    keys: &'a mut dyn Keys,
    predefined: BTreeMap<String, i64>,
    slots: BTreeMap<String, Slot>,
}

impl<'a> Binder<'a> {
    /// Gives a slot to each variable that the script sets somewhere.
    fn new(script: &Script, keys: &'a mut dyn Keys) -> Self {
        let mut binder = Self {
            program: Program {
                name: script.name.clone(),
                statements: Vec::new(),
                instructions: Vec::with_capacity(script.commands.len()),
                names: Vec::new(),
                initial: Vec::new(),
                fresh: 0,
            },
            predefined: predefined(&keys.rows()),
            keys,
            slots: BTreeMap::new(),
        };
        for command in &script.commands {
            match command {
                Command::Set(name, _) => {
                    binder.declare(name);
                }
                Command::Pick(names, _) | Command::Fresh(names, _) => {
                    binder.declare_all(names);
                }
                _ => {}
            }
        }
        binder
    }

    /// The slot of a variable that is known to exist.
    fn declare(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = Slot(self.program.names.len());
        let initial = self.predefined.get(name).copied();
        let initial = initial.map_or(Content::Unset, |value| {
            Content::Value(Value::Integer(value))
        });
        self.program.names.push(name.to_owned());
        self.program.initial.push(initial);
        self.slots.insert(name.to_owned(), slot);
        slot
    }

    fn declare_all(&mut self, names: &[String]) -> Vec<Slot> {
        names.iter().map(|name| self.declare(name)).collect()
    }

    fn error(&self, place: Place, message: impl Into<String>) -> ScriptError {
        place.error(&self.program.name, message)
    }

    /// The slot of a variable that a command reads.
    fn slot(&mut self, name: &str, place: Place) -> Result<Slot, ScriptError> {
        if self.slots.contains_key(name) || self.predefined.contains_key(name) {
            return Ok(self.declare(name));
        }
        let known = self.slots.keys().chain(self.predefined.keys());
        let hint = did_you_mean(name, ":", known.map(String::as_str));
        Err(self.error(place, format!("variable `{name}` is never set{hint}")))
    }

    fn expression(
        &mut self,
        expression: &Expression<String>,
    ) -> Result<Expression<Slot>, ScriptError> {
        expression.rename(&mut |name: &String, place| self.slot(name, place))
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
        Ok(match command {
            Command::Sql(statement) => self.sql(statement)?,
            Command::Set(name, expression) => {
                Instruction::Set(self.declare(name), self.expression(expression)?)
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
            Command::Pick(names, key) => Instruction::Pick(self.declare_all(names), self.key(key)?),
            Command::Fresh(names, key) => {
                let number = self.program.fresh;
                self.program.fresh += 1;
                Instruction::Fresh(self.declare_all(names), self.fresh_key(key)?, number)
            }
            Command::Jump(target) => Instruction::Jump(*target),
            Command::JumpUnless(condition, target) => {
                Instruction::JumpUnless(self.expression(condition)?, *target)
            }
        })
    }

    fn sql(&mut self, Statement { sql, places }: &Statement) -> Result<Instruction, ScriptError> {
        let names = sql.parameters.iter().zip(places);
        let parameters = names
            .map(|(name, place)| Ok((self.slot(name, *place)?, *place)))
            .collect::<Result<_, ScriptError>>()?;
        self.program.statements.push(sql.clone());
        let statement = self.program.statements.len() - 1;
        Ok(Instruction::Sql {
            statement,
            parameters,
        })
    }
}

/// The predefined variables: pgbench's own and `rows_<table>` for each table.
///
/// A table in a schema has its schema in the variable's name, and the bare name too where no other table
/// claims it first; characters that no variable's name can have become underscores.
fn predefined(tables: &[(String, u64)]) -> BTreeMap<String, i64> {
    let mut variables: BTreeMap<String, i64> = PREDEFINED
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let name = |table: &str| {
        let clean = |c| {
            if continues_name(c) { c } else { '_' }
        };
        format!("rows_{}", table.chars().map(clean).collect::<String>())
    };
    let rows = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    for (table, count) in tables {
        variables.insert(name(table), rows(*count));
    }
    for (table, count) in tables {
        if let Some((_, bare)) = table.rsplit_once('.') {
            variables.entry(name(bare)).or_insert(rows(*count));
        }
    }
    // What `pgbench -s` would say of the tables that `pgbench -i` makes.
    if let Some(branches) = variables.get("rows_pgbench_branches").copied() {
        variables.insert("scale".to_owned(), branches);
    }
    variables
}
