//! What a migration did and left behind, in sentences that several formats print.

use std::time::Duration;

use crate::observe::{Integrity, PassName, Phase, Statement};
use crate::units::{Rate, Span};

/// Completed transactions per second. A phase of a moment has none: the requests that were under way
/// when it began would look like a rush.
pub(super) fn rate(phase: &Phase) -> String {
    match phase.end.saturating_sub(phase.start) < Duration::from_secs(1) {
        true => "–".to_owned(),
        false => Rate(phase.rate).to_string(),
    }
}

/// What a statement did beyond running.
pub(super) fn facts(statement: &Statement, pass: PassName) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(error) = &statement.error {
        let sqlstate = error.sqlstate.as_deref().unwrap_or("connection lost");
        notes.push(format!("failed with {sqlstate}: {}", error.message));
    }
    let lists = [
        ("rewrote", &statement.rewrites),
        ("scanned", &statement.scans),
        ("built", &statement.indexes_built),
    ];
    let mut did: Vec<String> = lists
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {}", names.join(", ")))
        .collect();
    did.extend(held(statement, pass));
    if !did.is_empty() {
        notes.push(did.join("; "));
    }
    notes
}

/// Whether a table lock of this mode keeps out writes, or reads too.
fn blocks_traffic(mode: &str) -> bool {
    matches!(
        mode,
        "ShareLock" | "ShareRowExclusiveLock" | "ExclusiveLock" | "AccessExclusiveLock"
    )
}

/// The locks that keep traffic out, those of one mode and length together. On a bare schema how
/// long a lock was held says nothing.
fn held(statement: &Statement, pass: PassName) -> Vec<String> {
    let mut groups: Vec<(&str, Option<String>, Vec<&str>)> = Vec::new();
    for lock in statement
        .locks
        .iter()
        .filter(|lock| blocks_traffic(&lock.mode))
    {
        let held = lock.held.filter(|_| pass != PassName::Check);
        let held = held.map(|held| Span(held).to_string());
        let same = |(mode, length, _): &&mut (&str, Option<String>, Vec<&str>)| {
            *mode == lock.mode && *length == held
        };
        match groups.iter_mut().find(same) {
            Some((_, _, relations)) => relations.push(&lock.relation),
            None => groups.push((&lock.mode, held, vec![&lock.relation])),
        }
    }
    groups
        .into_iter()
        .map(|(mode, held, relations)| {
            let relations = relations.join(", ");
            match held {
                Some(held) => format!("held {mode} on {relations} for {held}"),
                None => format!("took {mode} on {relations}"),
            }
        })
        .collect()
}

/// What is not as it should be after the migration.
pub(super) fn leftovers(integrity: &Integrity) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let broken = integrity.invariants.iter().filter(|one| !one.passed);
    found.extend(broken.map(|one| {
        let after = one.after.map_or("unreadable".to_owned(), |n| n.to_string());
        format!(
            "invariant {} does not hold: {} before, {after} after, {} expected",
            one.name, one.before, one.expect
        )
    }));
    let indexes = integrity.invalid_indexes.iter();
    found.extend(indexes.map(|index| format!("index {index} is not valid")));
    let constraints = integrity.unvalidated_constraints.iter();
    found.extend(constraints.map(|name| format!("constraint {name} is not validated")));
    found.extend(integrity.leftovers.iter().cloned());
    found
}
