//! What to write instead of a statement that hurt.

use std::time::Duration;

use super::blame::{Blame, NOTICEABLE, spent_in};
use super::wording::{place, thousands};
use super::{Finding, Window};
use crate::observe::{Migration, Pass, RowChange, RowChangeKind, Statement};
use crate::sql::{Hazard, WORKING_UNDER_LOCK, Work, try_again};

/// The statement that is blamed, and what is known of it.
pub(super) struct Culprit<'a> {
    migration: &'a Migration,
    statement: &'a Statement,
    /// What it did to the traffic; none where nobody waited behind it.
    blame: Option<&'a Blame>,
}

impl<'a> Culprit<'a> {
    /// None where the pass has no such statement.
    pub(super) fn of(pass: &'a Pass, blames: &'a [Blame], index: usize) -> Option<Self> {
        let migration = pass.migration.as_ref()?;
        Some(Self {
            migration,
            statement: migration.statement(index)?,
            blame: blames.iter().find(|blame| blame.statement == Some(index)),
        })
    }

    /// The advice for a finding: that of its own hazards, and where another statement ran for most of the time under
    /// its lock, to take the two apart. Nobody may wait for longer than is `bearable`.
    pub(super) fn advice(&self, finding: &Finding, bearable: Duration) -> Option<String> {
        let own = advice(self.statement);
        let Some(later) = self.ran_under_it(finding) else {
            return own;
        };
        let apart = apart(self.migration, later);
        Some(match own.filter(|_| self.hurts_by_itself(bearable)) {
            Some(own) => format!("{apart}; and {own}"),
            None => apart,
        })
    }

    /// Another statement that ran for most of the time for which this one's locks were held. The migration's own time is
    /// none the shorter where the two are apart.
    fn ran_under_it(&self, finding: &Finding) -> Option<&'a Statement> {
        if finding.rule == "migration_time" {
            return None;
        }
        let seen = self.blame.and_then(|blame| blame.spent_in);
        let later = seen.or_else(|| {
            let locks = self.statement.locks.iter();
            let held = locks.filter_map(|lock| lock.held).max()?;
            // What is brief here may be long in production.
            let tells = finding.window == Window::Forecast || held >= NOTICEABLE;
            let taker = Some(self.statement.index);
            spent_in(Some(self.migration), taker, Some(held)).filter(|_| tells)
        });
        self.migration.statement(later?)
    }

    /// Whether it would still hurt with nothing else in its transaction: it waited itself, or took too long.
    fn hurts_by_itself(&self, bearable: Duration) -> bool {
        let waited = self.blame.is_some_and(|blame| blame.cause.is_some());
        let Statement {
            duration,
            lock_wait,
            ..
        } = self.statement;
        waited || duration.saturating_sub(*lock_wait) > bearable
    }
}

/// To end the transaction before another statement of it runs.
fn apart(migration: &Migration, later: &Statement) -> String {
    let before = format!(
        "commit it before {}, which ran for most of the time under its lock",
        place(migration, later.index)
    );
    let mut work = later.clone();
    // That is what is being said.
    work.hazards
        .retain(|hazard| hazard.rule != WORKING_UNDER_LOCK);
    match advice(&work) {
        Some(advice) => format!("{before}; instead of that: {advice}"),
        None => before,
    }
}

/// What to write instead of a statement: first against work that was measured, then as its text has it. A
/// table that was not rewritten needs no advice against rewriting: then the lock alone is what hurt.
fn advice(statement: &Statement) -> Option<String> {
    let hazards = || {
        statement
            .hazards
            .iter()
            .filter(|hazard| hazard.rewrite.is_some())
    };
    let measured = hazards().find(|hazard| match hazard.work {
        Some(Work::Rewrite) => !statement.rewrites.is_empty(),
        Some(Work::Build) => !statement.indexes_built.is_empty(),
        Some(Work::Scan) => !statement.scans.is_empty(),
        _ => false,
    });
    // Only of a statement that succeeded, in a transaction, are the facts known for sure.
    let known = statement.error.is_none() && !statement.locks.is_empty();
    let refuted = |hazard: &&Hazard| {
        known && hazard.work == Some(Work::Rewrite) && statement.rewrites.is_empty()
    };
    let by_text = || hazards().find(|hazard| !refuted(hazard));
    match measured.or_else(by_text) {
        Some(hazard) => hazard.rewrite.clone(),
        None if hazards().next().is_some() => Some(try_again(&statement.sql)),
        None => in_batches(statement),
    }
}

/// Rows whose locks are held for a noticeable time: some tenths of a second of work on usual hardware.
const MANY_ROWS: u64 = 10_000;

/// The advice against a statement that was seen to change many rows, whatever its text made of it.
fn in_batches(statement: &Statement) -> Option<String> {
    let stays_locked = |change: &&RowChange| {
        matches!(change.kind, RowChangeKind::Updated | RowChangeKind::Deleted)
    };
    let changes = statement.rows.iter().filter(stays_locked);
    let most = changes.max_by_key(|change| change.rows)?;
    (most.rows >= MANY_ROWS).then(|| {
        format!(
            "batches of a few thousand rows along the primary key, each committed by itself, with pauses: {} rows of \
             {} were {} in one transaction, which keeps all of them locked",
            thousands(most.rows),
            most.relation,
            most.kind.participle()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixtures;

    fn hazard(work: Work, rewrite: &str) -> Hazard {
        Hazard {
            rewrite: Some(rewrite.to_owned()),
            work: Some(work),
            ..Hazard::default()
        }
    }

    #[test]
    fn advice_is_against_what_was_measured() {
        let mut statement = fixtures::statement(0, 1, "ALTER TABLE a ALTER b TYPE text");
        statement.hazards = vec![hazard(Work::Rewrite, "type"), hazard(Work::Scan, "null")];
        (statement.rewrites, statement.scans) = (vec!["public.a".to_owned()], Vec::new());
        assert_eq!(advice(&statement).as_deref(), Some("type"));
        (statement.rewrites, statement.scans) = (Vec::new(), vec!["public.a".to_owned()]);
        assert_eq!(advice(&statement).as_deref(), Some("null"));
        statement.scans.clear();
        statement.hazards.truncate(1);
        statement.locks = vec![crate::observe::HeldLock {
            relation: "public.a".to_owned(),
            mode: "AccessExclusiveLock".to_owned(),
            held: None,
        }];
        assert!(advice(&statement).unwrap().starts_with("SET lock_timeout"));
        statement.hazards.clear();
        assert_eq!(advice(&statement), None);
    }

    #[test]
    fn many_rows_are_to_be_changed_in_batches() {
        let mut statement =
            fixtures::statement(0, 1, "UPDATE a SET b = c.b FROM c WHERE c.id = a.id");
        let mut told = |kind, rows| {
            statement.rows = vec![RowChange {
                relation: "public.a".to_owned(),
                kind,
                rows,
            }];
            advice(&statement)
        };
        assert_eq!(told(RowChangeKind::Updated, 9_999), None);
        assert_eq!(told(RowChangeKind::Inserted, 90_000), None);
        insta::assert_snapshot!(told(RowChangeKind::Updated, 150_000).unwrap_or_default(), @"batches of a few thousand rows along the primary key, each committed by itself, with pauses: 150,000 rows of public.a were updated in one transaction, which keeps all of them locked");
    }
}
