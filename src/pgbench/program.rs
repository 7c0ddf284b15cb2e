//! Programs: scripts whose variables are slots and whose keys are found.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::capture::Capture;
use super::expression::Expression;
use super::keys::KeyId;
use super::meta::SleepUnit;
use super::pipeline::Pipeline;
use super::random::Generator;
use super::source::Place;
use super::sql::Sql;
use super::value::{Fault, Value};

/// A script ready to run.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) name: String,
    pub(super) statements: Vec<Sql>,
    pub(super) instructions: Vec<Instruction>,
    pub(super) variables: Variables,
    /// How many instructions are [`Instruction::Fresh`].
    pub(super) fresh: u64,
    /// How many fresh values lie between a run's first and the next run's: [`Program::fresh`] or more.
    pub(super) stride: u64,
    /// The variables that [`Program::with_seed`] and [`Run::of_client`](super::Run::of_client) set.
    pub(super) seeds: Seeds,
}

/// The variables of a program.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    pub(super) slots: BTreeMap<Arc<str>, Slot>,
    /// By slot.
    pub(super) names: Vec<Arc<str>>,
    /// What they hold when a run begins, by slot.
    pub(super) initial: Vec<Content>,
}

/// The slots of what is predefined of each run's own, where the program uses it and nobody has defined it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seeds {
    pub(super) client: Option<Slot>,
    pub(super) random: Option<Slot>,
    pub(super) default: Option<Slot>,
}

/// Index of a variable in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(pub(super) usize);

/// A variable of a program, by which a caller [gives](super::Run::give) it a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable(pub(super) Slot);

/// What a variable holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Nothing: no command has set it yet.
    Unset,
    /// A result of an expression.
    Value(Value),
    /// A text, kept as it is.
    Text(String),
}

/// One step of a program; jumps are to later instructions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Instruction {
    Sql {
        statement: usize,
        /// First the parameters, then what stands within quotes.
        arguments: Vec<Argument>,
    },
    Set(Slot, Expression<Slot>),
    Sleep(SleepTime, SleepUnit),
    Pipeline(Pipeline, Place),
    /// Each variable takes one column of the row.
    Pick(Vec<Slot>, KeyId),
    /// The number counts the instructions of this kind.
    Fresh(Vec<Slot>, KeyId, u64),
    Jump(usize),
    JumpUnless(Expression<Slot>, usize),
}

/// What a value of a statement is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// The variable, which must be set.
    Value(Slot, Place),
    /// The variable, or its name as it stands if it is not set.
    Quoted(Slot),
    /// Whether the variable is set.
    Test(Slot),
}

/// How many units to sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SleepTime {
    Literal(i64),
    Variable(Slot, Place),
}

impl Content {
    /// A text that comes from elsewhere, none for NULL.
    pub(super) fn of(text: Option<String>) -> Self {
        text.map_or(Content::Value(Value::Null), Content::Text)
    }

    /// A number, as pgbench sets its own.
    pub(super) fn number(number: u32) -> Self {
        Content::Value(Value::Integer(i64::from(number)))
    }

    /// As a value of an expression; `name` is the variable's.
    pub(super) fn value(&self, name: &str) -> Result<Value, Fault> {
        match self {
            Content::Unset => Err(Fault::Unset(name.to_owned())),
            Content::Value(value) => Ok(*value),
            Content::Text(text) => Value::from_text(text),
        }
    }
}

impl Variables {
    /// The slot of a variable, a new one with this content if there is none yet.
    pub(super) fn declare(&mut self, name: &str, initial: impl FnOnce() -> Content) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = Slot(self.names.len());
        let name: Arc<str> = name.into();
        self.slots.insert(Arc::clone(&name), slot);
        self.names.push(name);
        self.initial.push(initial());
        slot
    }
}

impl Program {
    /// The same program with `:random_seed` and `:default_seed` as `pgbench --random-seed` sets them for so many
    /// clients; without this they are those of seed 0 and one client.
    ///
    /// A rehearsal gives all its runs the same: `hash` and `permute` scatter by `:default_seed`, and scripts
    /// rely on a hot row staying the same one.
    #[must_use]
    pub fn with_seed(mut self, seed: u64, clients: u32) -> Self {
        let mut sequence = Generator::new(seed);
        // pgbench draws a seed for each of its clients before this one.
        for _ in 0..clients {
            sequence.bits();
        }
        self.predefine(self.seeds.random, seed.cast_signed());
        self.predefine(self.seeds.default, sequence.bits().cast_signed());
        self
    }

    /// How many fresh values a run takes.
    pub fn fresh(&self) -> u64 {
        self.fresh
    }

    /// The same program with so many fresh values set aside for each run, which must be the same for all programs whose
    /// runs are numbered together: the most that any of them [takes](Self::fresh).
    #[must_use]
    pub fn with_stride(mut self, stride: u64) -> Self {
        self.stride = stride.max(self.fresh);
        self
    }

    /// Gives a variable the value that it has when a run begins.
    fn predefine(&mut self, slot: Option<Slot>, value: i64) {
        let content = slot.and_then(|Slot(slot)| self.variables.initial.get_mut(slot));
        if let Some(content) = content {
            *content = Content::Value(Value::Integer(value));
        }
    }

    /// The name of a variable.
    pub(super) fn name_of(&self, Slot(slot): Slot) -> &str {
        self.variables.names.get(slot).map_or("", |name| name)
    }

    /// The slot of a variable.
    pub(super) fn slot(&self, name: &str) -> Option<Slot> {
        self.variables.slots.get(name).copied()
    }

    /// What becomes of the rows of a statement.
    pub(super) fn capture(&self, statement: usize) -> Option<&Capture> {
        self.statements.get(statement)?.capture.as_ref()
    }

    /// The variable of this name; none where the program does not use it.
    pub fn variable(&self, name: &str) -> Option<Variable> {
        self.slot(name).map(Variable)
    }

    /// Its SQL commands; [`Step::Sql`](super::Step::Sql) gives an index into them.
    pub fn statements(&self) -> &[Sql] {
        &self.statements
    }
}
