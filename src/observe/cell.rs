//! The requests of one kind of transaction in one phase.

use std::collections::BTreeMap;

use super::distribution::Distribution;
use super::{Accounting, Fate};

/// One kind of transaction in one phase.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) accounting: Accounting,
    pub(super) latency: Distribution,
    pub(super) lag: Distribution,
    pub(super) errors: BTreeMap<String, u64>,
}

impl Cell {
    /// Nothing counted.
    pub(super) fn new() -> Self {
        Self {
            accounting: Accounting::default(),
            latency: Distribution::fine(),
            lag: Distribution::coarse(),
            errors: BTreeMap::new(),
        }
    }

    /// Counts the end of a request that was counted as due.
    pub(super) fn count(&mut self, fate: &Fate, retries: u32) {
        let accounting = &mut self.accounting;
        accounting.retried += u64::from(retries > 0);
        accounting.retries += u64::from(retries);
        let ends_as = match fate {
            Fate::Completed => &mut accounting.completed,
            Fate::Failed(_) => &mut accounting.failed,
            Fate::TimedOut(_) => &mut accounting.timed_out,
            Fate::Shed => &mut accounting.shed,
            Fate::Unfinished => return, // Counted so since it came due.
        };
        *ends_as += 1;
        accounting.unfinished -= 1;
        if let Fate::Failed(kind) | Fate::TimedOut(kind) = fate {
            match self.errors.get_mut(kind) {
                Some(count) => *count += 1,
                None => {
                    self.errors.insert(kind.clone(), 1);
                }
            }
        }
    }

    /// Bytes that the counts take, those of errors left out: of them there are few kinds.
    pub(super) fn heap_bytes(&self) -> usize {
        self.latency.heap_bytes() + self.lag.heap_bytes()
    }

    /// Adds what another worker counted.
    pub(super) fn merge(&mut self, other: &Self) {
        let Self {
            accounting,
            latency,
            lag,
            errors,
        } = other;
        self.accounting.merge(accounting);
        self.latency.merge(latency);
        self.lag.merge(lag);
        for (kind, count) in errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
    }
}
