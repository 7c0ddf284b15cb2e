//! Checks of `[release]` and of what the next release sends.

use std::collections::BTreeSet;

use super::{Checked, Checks};
use crate::scenario::file::Traffic;
use crate::scenario::plan::Role;

impl Checks<'_> {
    /// What comes with the next release, whether or not it is `said` when that comes.
    pub(super) fn release(&self, traffic: &Traffic, said: bool) -> Checked {
        let message =
            "the sessions of a log are of no instance that could go over: leave `[release]` out";
        self.require(!said || traffic.log.is_none(), &["release"], message)?;
        self.replacements(traffic)
    }

    /// The next release replaces transactions of the current one, each by one of its own.
    fn replacements(&self, traffic: &Traffic) -> Checked {
        let transactions = &traffic.transactions;
        let current = transactions.is_empty()
            || traffic.statements.is_some()
            || transactions.iter().any(|one| one.role == Role::Current);
        let message = "all transactions are the next release's: the current one must send some, or there \
                       is nothing to compare with";
        self.require(current, &["traffic"], message)?;
        let mut replaced = BTreeSet::new();
        for (index, transaction) in transactions.iter().enumerate() {
            let Some(name) = &transaction.replaces else {
                continue;
            };
            let index = index.to_string();
            let key = ["traffic", "transactions", &index, "replaces"];
            let message = "only a transaction whose `role` is \"next\" replaces another";
            self.require(transaction.role == Role::Next, &key, message)?;
            let weight = ["traffic", "transactions", &index, "weight"];
            let message = "it comes as often as the one that it replaces: leave `weight` out";
            self.require(transaction.weight.is_none(), &weight, message)?;
            let known = transactions
                .iter()
                .any(|other| other.name == *name && other.role == Role::Current);
            let message = format!("no transaction of the current release is named `{name}`");
            self.require(known, &key, &message)?;
            let message = format!("`{name}` is replaced by an earlier one already");
            self.require(replaced.insert(name), &key, &message)?;
        }
        Ok(())
    }
}
