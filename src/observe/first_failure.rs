//! What the first failure of each kind said: a code alone does not tell what to mend.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::seconds;

/// The first failure of a kind of transaction with an error of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstFailure {
    /// The transaction's name in the scenario.
    pub transaction: String,
    /// The SQLSTATE or kind that it is counted as.
    pub error: String,
    /// When, since the baseline began.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// Where in the script it happened, as `file:line:column`; none where no statement was under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What the server or the script said, with the server's detail and hint.
    pub message: String,
}

/// What the server, or the script, says of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Where in the script it happened, as `file:line:column`; none where no statement was under way.
    pub place: Option<String>,
    /// The message, with the server's detail and hint.
    pub message: String,
}

/// The first failures of one worker, or of all when merged. They are as few as there are kinds of errors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FirstFailures {
    /// By the transaction's index, by error. Times are since the timeline's origin.
    transactions: Vec<BTreeMap<String, (Duration, Said)>>,
}

impl FirstFailures {
    /// None, of so many kinds of transactions.
    pub(super) fn new(transactions: usize) -> Self {
        Self {
            transactions: vec![BTreeMap::new(); transactions],
        }
    }

    /// Keeps what a failure said, if it is the first of its kind.
    pub(super) fn keep(&mut self, transaction: usize, error: &str, (at, said): (Duration, Said)) {
        let Some(errors) = self.transactions.get_mut(transaction) else {
            return;
        };
        if !errors.contains_key(error) {
            errors.insert(error.to_owned(), (at, said));
        }
    }

    /// Adds those of another worker: the earlier ones stay.
    pub(super) fn merge(&mut self, other: &Self) {
        let Self { transactions } = other;
        for (own, other) in self.transactions.iter_mut().zip(transactions) {
            for (error, failure) in other {
                let earlier = own.get(error).is_some_and(|(at, _)| *at <= failure.0);
                if !earlier {
                    own.insert(error.clone(), failure.clone());
                }
            }
        }
    }

    /// As reports keep them, in the order of time; `names` are the transactions' in the plan's order.
    pub(super) fn told(&self, names: &[String], zero: Duration) -> Vec<FirstFailure> {
        let transactions = self.transactions.iter().zip(names);
        let mut told: Vec<FirstFailure> = transactions
            .flat_map(|(errors, name)| {
                errors.iter().map(move |(error, (at, said))| FirstFailure {
                    transaction: name.clone(),
                    error: error.clone(),
                    at: at.saturating_sub(zero),
                    place: said.place.clone(),
                    message: said.message.clone(),
                })
            })
            .collect();
        told.sort_by_key(|failure| failure.at);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Said {
        Said {
            place: None,
            message: message.to_owned(),
        }
    }

    fn at(seconds: u64, message: &str) -> (Duration, Said) {
        (Duration::from_secs(seconds), said(message))
    }

    #[test]
    fn the_first_of_each_kind_is_kept_whatever_the_order_of_merging() {
        let mut one = FirstFailures::new(2);
        one.keep(0, "23505", at(3, "early"));
        one.keep(0, "23505", at(4, "later"));
        one.keep(1, "23505", at(9, "of another kind of transaction"));
        one.keep(7, "23505", at(0, "of none"));
        let mut other = FirstFailures::new(2);
        other.keep(0, "23505", at(2, "earliest"));
        other.keep(0, "40001", at(5, "another"));
        let (mut left, mut right) = (one.clone(), other.clone());
        left.merge(&other);
        right.merge(&one);
        assert_eq!(left, right);
        let names = ["a".to_owned(), "b".to_owned()];
        let told = left.told(&names, Duration::from_secs(1));
        let told: Vec<_> = told
            .iter()
            .map(|failure| {
                let (transaction, error) = (&*failure.transaction, &*failure.error);
                (transaction, error, failure.at.as_secs(), &*failure.message)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("a", "23505", 1, "earliest"),
                ("a", "40001", 4, "another"),
                ("b", "23505", 8, "of another kind of transaction"),
            ]
        );
    }
}
