//! What was found, as a report.

use super::Failure;
use super::environment;
use crate::judge::Verdict;
use crate::observe::{Integrity, Pass};
use crate::rehearsal::{self, FillFacts, ShadowFacts};
use crate::report::{Environment, Fill, Report, Table, Tool};
use crate::scenario::Plan;
use crate::units::Rows;

/// What a rehearsal, a check or a load found, before it is a report.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) passes: Vec<Pass>,
    pub(super) integrity: Integrity,
    /// None of a load.
    pub(super) verdict: Option<Verdict>,
}

/// A report of what was found, without what only one of the commands knows.
pub(super) fn report(
    plan: &Plan,
    shadow: &ShadowFacts,
    measured: Measured,
) -> Result<Report, Failure> {
    let Measured {
        passes,
        integrity,
        verdict,
    } = measured;
    let abort = passes.iter().find_map(|pass| pass.abort.clone());
    let rollback = passes.iter().find_map(|pass| pass.rollback.clone());
    Ok(Report {
        format_version: Report::FORMAT_VERSION,
        tool: Tool::this(),
        environment: Environment {
            postgres_version: shadow.postgres_version.clone(),
            shadow: shadow.location.clone(),
            cpus: environment::cpus(),
            memory_bytes: environment::memory_bytes(),
            settings: shadow.settings.clone(),
        },
        plan: serde_json::to_value(plan).map_err(Failure::could_not_run)?,
        verdict,
        passes,
        integrity,
        abort,
        rollback,
        forecasts: Vec::new(),
        tables: shadow.tables.iter().map(table).collect(),
        load: None,
        fill: None,
        tolerance: None,
        broken_statements: Vec::new(),
        rewrite: None,
        compatibility: Vec::new(),
        statements: None,
        notes: Vec::new(),
        interrupted: false,
    })
}

fn table(table: &rehearsal::TableSize) -> Table {
    Table {
        name: table.name.clone(),
        rows: Rows(table.rows),
        production_rows: Rows(table.production_rows),
        bytes: table.bytes,
    }
}

/// How the tables got their rows, as reports have it.
pub(super) fn filled(fill: FillFacts) -> Fill {
    Fill {
        rows: fill.rows,
        duration: fill.duration,
        cached: fill.cached,
        ready: fill.ready,
    }
}
