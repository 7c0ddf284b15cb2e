//! The kinds of transactions, ready to run.

use std::sync::Arc;

use super::TrafficError;
use super::block::Effect;
use crate::pgbench::{Keys, Program, Sql};
use crate::scenario::plan::{Protocol, TrafficPlan};

/// All that requests have in common, shared by the workers.
pub(super) struct Mix {
    pub(super) transactions: Vec<Transaction>,
    pub(super) keys: Box<dyn Keys>,
    pub(super) protocol: Protocol,
}

/// One kind of transaction.
pub(super) struct Transaction {
    pub(super) name: String,
    /// What errors call its script.
    pub(super) file: String,
    pub(super) program: Arc<Program>,
    effects: Vec<Effect>,
}

/// A statement to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command<'a> {
    /// Its transaction, as an index into the mix, and its index therein.
    pub(super) place: (usize, usize),
    pub(super) sql: &'a Sql,
    pub(super) effect: Effect,
}

impl Mix {
    /// Binds the plan's scripts to the schema's keys.
    pub(super) fn bind(
        plan: &TrafficPlan,
        seed: u64,
        mut keys: Box<dyn Keys>,
    ) -> Result<Self, TrafficError> {
        let mut transactions = Vec::with_capacity(plan.transactions.len());
        for kind in &plan.transactions {
            let program = kind.script.bind(keys.as_mut())?.with_seed(seed);
            let statements = program.statements();
            transactions.push(Transaction {
                name: kind.name.clone(),
                file: kind.file.clone().unwrap_or_else(|| kind.name.clone()),
                effects: statements.iter().map(|sql| Effect::of(&sql.text)).collect(),
                program: Arc::new(program),
            });
        }
        Ok(Self {
            transactions,
            keys,
            protocol: plan.protocol,
        })
    }

    /// The statement at a place; none if there is no such place.
    pub(super) fn command(&self, place: (usize, usize)) -> Option<Command<'_>> {
        let transaction = self.transactions.get(place.0)?;
        Some(Command {
            place,
            sql: transaction.program.statements().get(place.1)?,
            effect: *transaction.effects.get(place.1)?,
        })
    }

    /// Every statement of every transaction.
    pub(super) fn commands(&self) -> impl Iterator<Item = Command<'_>> {
        self.transactions
            .iter()
            .enumerate()
            .flat_map(move |(kind, transaction)| {
                (0..transaction.effects.len()).filter_map(move |index| self.command((kind, index)))
            })
    }
}
