//! The kinds of transactions, ready to run.

use std::sync::Arc;

use super::TrafficError;
use super::roles::Roles;
use crate::pgbench::{Definitions, Keys, Program, Script, Sql};
use crate::scenario::plan::{Protocol, Role, TrafficPlan};

/// What errors call the health check's script.
const HEALTH_CHECK_KEY: &str = "application.health_check.sql";

/// All that requests have in common, shared by the workers.
pub(super) struct Mix {
    pub(super) transactions: Vec<Transaction>,
    /// Which release sends which of them.
    pub(super) roles: Roles,
    /// What instances are checked with. It is no transaction of the mix, but has the place after them.
    health_check: Option<Transaction>,
    /// What scripts are bound with.
    definitions: Definitions,
    pub(super) keys: Box<dyn Keys>,
    pub(super) protocol: Protocol,
}

/// One kind of transaction.
pub(super) struct Transaction {
    pub(super) name: String,
    /// What errors call its script.
    pub(super) file: String,
    pub(super) program: Arc<Program>,
}

/// A statement to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command<'a> {
    /// Its transaction, as an index into the mix, and its index therein.
    pub(super) place: (usize, usize),
    pub(super) sql: &'a Sql,
}

impl Mix {
    /// Binds the plan's scripts to the schema's keys.
    pub(super) fn bind(
        plan: &TrafficPlan,
        seed: u64,
        mut keys: Box<dyn Keys>,
    ) -> Result<Self, TrafficError> {
        let mut definitions = plan.scripts_know();
        // Variables stand in the text itself where the protocol has no parameters.
        if plan.protocol == Protocol::Simple {
            definitions = definitions.substituted();
        }
        let clients = plan.load.closed().map_or(1, |closed| closed.clients);
        let programs = plan.transactions.iter().map(|kind| {
            let program = kind.script.bind_with(keys.as_mut(), &definitions)?;
            Ok(program.with_seed(seed, clients))
        });
        let programs: Vec<Program> = programs.collect::<Result<_, TrafficError>>()?;
        // Requests of all kinds are numbered together.
        let stride = programs.iter().map(Program::fresh).max().unwrap_or(0);
        let named = plan.transactions.iter().zip(programs);
        let transactions = named.map(|(kind, program)| {
            let file = kind.file.clone().unwrap_or_else(|| kind.name.clone());
            Transaction::new(kind.name.clone(), file, program.with_stride(stride))
        });
        let transactions = transactions.collect();
        Ok(Self {
            transactions,
            roles: Roles::of(&plan.transactions),
            health_check: None,
            definitions,
            keys,
            protocol: plan.protocol,
        })
    }

    /// The same with what instances are checked with.
    pub(super) fn with_health_check(mut self, sql: &str) -> Result<Self, TrafficError> {
        let script = Script::parse(HEALTH_CHECK_KEY, sql)?;
        let program = script.bind_with(self.keys.as_mut(), &self.definitions)?;
        self.health_check = Some(Transaction::new(
            "health check".to_owned(),
            HEALTH_CHECK_KEY.to_owned(),
            program,
        ));
        Ok(self)
    }

    /// The place of the health check among the transactions.
    pub(super) fn health_check(&self) -> usize {
        self.transactions.len()
    }

    /// The transaction at a place, or the health check.
    pub(super) fn transaction(&self, place: usize) -> Option<&Transaction> {
        match self.transactions.get(place) {
            Some(transaction) => Some(transaction),
            None if place == self.health_check() => self.health_check.as_ref(),
            None => None,
        }
    }

    /// The statement at a place; none if there is no such place.
    pub(super) fn command(&self, place: (usize, usize)) -> Option<Command<'_>> {
        let transaction = self.transaction(place.0)?;
        Some(Command {
            place,
            sql: transaction.program.statements().get(place.1)?,
        })
    }

    /// Those of the current release and of the health check: all that can be prepared before the
    /// migration. The next release prepares its own when it first sends them.
    pub(super) fn current_commands(&self) -> impl Iterator<Item = Command<'_>> {
        let current = |command: &Command<'_>| self.roles.role(command.place.0) == Role::Current;
        self.commands().filter(current)
    }

    /// Every statement of every transaction, and of the health check.
    pub(super) fn commands(&self) -> impl Iterator<Item = Command<'_>> {
        let all = self.transactions.iter().chain(&self.health_check);
        all.enumerate().flat_map(move |(kind, transaction)| {
            let statements = 0..transaction.program.statements().len();
            statements.filter_map(move |index| self.command((kind, index)))
        })
    }
}

impl Transaction {
    fn new(name: String, file: String, program: Program) -> Self {
        Self {
            name,
            file,
            program: Arc::new(program),
        }
    }
}
