//! `run --try-rewrite`: a migration and its safe form, on identical data.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::output::OutputFolder;
use super::scenario_files::Loaded;
use crate::report::TriedRewrite;
use crate::scenario::Plan;
use crate::scenario::plan::{MigrationPlan, TransactionMode};
use crate::sql::{Ground, MigrationScript, SqlStatement, check_transactions, rewrite, split};

/// The safe form's file.
const FILE: &str = "rewrite.sql";

/// How often a statement whose lock_timeout strikes is tried again: with a pause of a second, longer than
/// the disturbances of a usual scenario last.
const ATTEMPTS: u32 = 30;

/// Longest that a statement may wait for a strong lock where nothing asks for less: that of the advice.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Shorter waits give up behind what is no hindrance.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// Writes the safe form of the plan's migration, and into `out` where there is one.
pub(super) fn tried(
    plan: &Plan,
    ground: Ground,
    out: Option<&OutputFolder>,
) -> Result<TriedRewrite, Failure> {
    let ground = Ground {
        lock_timeout: lock_timeout(plan),
        ..ground
    };
    let one_transaction = plan.migration.transaction == TransactionMode::File;
    let rewrite = rewrite(&plan.migration.scripts, one_transaction, &ground);
    let file = match out.filter(|_| !rewrite.is_empty()) {
        Some(out) => Some(
            out.write_new(Path::new(FILE), &rewrite.sql)
                .map_err(Failure::could_not_run)?,
        ),
        None => None,
    };
    Ok(TriedRewrite { rewrite, file })
}

/// Whoever waits behind the waiting statement waits as long as it: half of what the limits allow leaves room
/// for the statement itself.
fn lock_timeout(plan: &Plan) -> Duration {
    match plan.migration.lock_timeout {
        Duration::ZERO => (plan.limits.lock_wait / 2).clamp(SHORTEST_WAIT, LONGEST_WAIT),
        own => own,
    }
}

/// The same scenario with the safe form as its migration.
pub(super) fn with_rewrite(loaded: &Loaded, tried: &TriedRewrite) -> Result<Loaded, Failure> {
    let file = match &tried.file {
        Some(written) => Path::new(written).file_name().map(OsStr::to_string_lossy),
        None => None,
    };
    let file = match file.as_deref().unwrap_or(FILE) {
        own if own == loaded.plan.migration.file => "rewritten.sql",
        written => written,
    };
    let script = split(file, &tried.rewrite.sql)
        .and_then(|script| check_transactions(&script, false).map(|()| script));
    let given = &loaded.plan.migration;
    let migration = MigrationPlan {
        file: file.to_owned(),
        scripts: vec![script.map_err(Failure::could_not_run)?],
        transaction: TransactionMode::Statement,
        lock_timeout: Duration::ZERO,
        attempts: given.attempts.max(ATTEMPTS),
        down: given
            .down
            .as_ref()
            .map(|down| as_it_was(down, given.transaction)),
        ..given.clone()
    };
    Ok(Loaded {
        plan: Plan {
            migration,
            ..loaded.plan.clone()
        },
        file: loaded.file.clone(),
    })
}

/// The way back in the transaction that it has beside the original.
fn as_it_was(down: &MigrationScript, transaction: TransactionMode) -> MigrationScript {
    if transaction == TransactionMode::Statement {
        return down.clone();
    }
    let control = |text: &str| SqlStatement {
        text: text.to_owned(),
        line: 1,
        column: 1,
        offset: 0,
    };
    let inside = down.statements.iter().cloned();
    let begin = std::iter::once(control("BEGIN"));
    MigrationScript {
        file: down.file.clone(),
        statements: begin.chain(inside).chain([control("COMMIT")]).collect(),
    }
}
