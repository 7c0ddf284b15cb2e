//! One run of the migration by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::TableSize;
use crate::observe::{HeldLock, Migration, MigrationOutcome, Statement};

/// The migration, run once without traffic at one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The filled tables with their rows in this run.
    pub tables: Vec<TableSize>,
    /// What it did.
    pub migration: Migration,
}

impl Trial {
    /// What a run did, less the time for which each of its statements was `starved`: ready to run, and without a
    /// processor, as others had them all. That is the machine's doing, and production's has other things to do.
    pub fn new(
        tables: Vec<TableSize>,
        migration: Migration,
        starved: &BTreeMap<usize, Duration>,
    ) -> Self {
        let statements = &migration.statements;
        let lean = statements
            .iter()
            .map(|statement| lean(statement, (statements, starved)))
            .collect();
        Self {
            tables,
            migration: Migration {
                statements: lean,
                ..migration
            },
        }
    }

    /// Whether the migration came to its end.
    pub fn is_whole(&self) -> bool {
        self.migration.outcome == MigrationOutcome::Applied
    }
}

/// A statement as if all had had a processor whenever they wanted one.
fn lean(
    statement: &Statement,
    (all, starved): (&[Statement], &BTreeMap<usize, Duration>),
) -> Statement {
    let own = |other: &Statement| {
        let starved = starved.get(&other.index).copied().unwrap_or_default();
        starved.min(other.duration)
    };
    let until = |moment: Duration| -> Duration {
        let before = all.iter().filter(|other| other.start < moment);
        before.map(own).sum()
    };
    let held = |held: Duration| {
        let gone = until(statement.start + held).saturating_sub(until(statement.start));
        held.saturating_sub(gone)
    };
    let locks = statement.locks.iter().map(|lock| HeldLock {
        held: lock.held.map(held),
        ..lock.clone()
    });
    Statement {
        start: statement.start.saturating_sub(until(statement.start)),
        duration: statement.duration - own(statement),
        locks: locks.collect(),
        ..statement.clone()
    }
}
