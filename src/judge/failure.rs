//! How a migration failed, and whether by its own doing.

use crate::observe::{Migration, MigrationOutcome};

use super::wording::place;

/// Why a migration failed: `statement 3 (migration.sql:9) failed with 23503: …`.
pub fn failure(migration: &Migration) -> String {
    let Some(error) = &migration.error else {
        return "the migration failed".to_owned();
    };
    let what = match error.statement {
        Some(index) => place(migration, index),
        None => "the migration".to_owned(),
    };
    match &error.sqlstate {
        Some(sqlstate) => format!("{what} failed with {sqlstate}: {}", error.message),
        None => format!("{what} failed, the connection was lost: {}", error.message),
    }
}

/// Why a migration failed, where that is not its own doing but the server's or the machine's.
pub(super) fn outside_cause(migration: &Migration) -> Option<String> {
    let failed = migration.outcome == MigrationOutcome::Failed;
    let error = migration.error.as_ref().filter(|_| failed)?;
    let outside = error.sqlstate.as_deref().is_none_or(is_outside);
    outside.then(|| {
        format!(
            "the migration failed for a reason outside it: {}",
            failure(migration)
        )
    })
}

/// SQLSTATEs that say nothing against a migration: connection exceptions (08), insufficient
/// resources (53), an administrator's or a crash's shutdown (57P0x), system errors (58) and
/// internal errors (XX). A cancelled statement (57014) and a lock not got (55P03) are its own.
fn is_outside(sqlstate: &str) -> bool {
    ["08", "53", "57P0", "58", "XX"]
        .iter()
        .any(|class| sqlstate.starts_with(class))
}
