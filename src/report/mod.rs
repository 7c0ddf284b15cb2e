//! A rehearsal's report: report.json as a type, and every other format as a function of it.

mod attempts;
mod columns;
pub mod comparison;
mod compatibility;
mod errors;
mod facts;
pub mod filled;
#[cfg(test)]
mod fixtures;
mod forecast;
mod hurt;
pub mod json;
mod kinds;
mod layout;
pub mod load;
pub mod markdown;
mod page;
mod sparkline;
pub mod sweep;
pub mod terminal;
#[cfg(test)]
mod tests;
mod trials;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::judge::{BrokenStatement, Compatibility, Finding, Tolerance, Verdict};
use crate::observe::{Abort, Forecast, Integrity, Pass, PassName, Rollback, StatementCoverage};
use crate::scenario::plan::Outcome;
use crate::sql::Rewrite;
use crate::units::{Rows, seconds};

pub use load::Load;
pub use page::Style;

/// All that is known of a rehearsal: report.json (DESIGN §8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`Report::FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// The program that wrote it.
    pub tool: Tool,
    /// Where it ran.
    pub environment: Environment,
    /// The resolved plan, as JSON: reports of other versions stay readable.
    pub plan: serde_json::Value,
    /// What was decided; none of a load, which has no migration to judge: its `outcome` is null then.
    #[serde(with = "verdict")]
    pub verdict: Option<Verdict>,
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// Schema and data before and after.
    pub integrity: Integrity,
    /// How the migration was ended on purpose; none where that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,
    /// The way back compared with before; none where that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Projections to production size.
    pub forecasts: Vec<Forecast>,
    /// Whether the user stopped it before its end.
    #[serde(default)]
    pub interrupted: bool,
    /// What filling the tables took; none for a check.
    #[serde(default)]
    pub fill: Option<Fill>,
    /// Where a load was sent and what sending it took; none of a rehearsal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// The blocker that the migration tolerates; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,
    /// The filled tables.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Statements of the traffic that a check found broken by the migration.
    #[serde(default)]
    pub broken_statements: Vec<BrokenStatement>,
    /// The migration's safe form, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<TriedRewrite>,
    /// Which release's code runs on which schema, of a check whose migration was applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatibility: Vec<Compatibility>,
    /// What of production's statements was sent; none where the scenario has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statements: Option<StatementCoverage>,
    /// What the user should know of the preparation although nothing failed.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Report {
    /// The version of the format that this program writes.
    pub const FORMAT_VERSION: u32 = 1;

    /// The scenario's name; empty if the plan has none.
    pub fn scenario(&self) -> &str {
        self.planned("/name")
    }

    /// The scenario's title; empty if the plan has none.
    pub fn title(&self) -> &str {
        self.planned("/title")
    }

    /// The migration's file: as it ran, else as planned.
    pub fn migration_file(&self) -> &str {
        self.passes
            .iter()
            .find_map(|pass| pass.migration.as_ref())
            .map_or_else(
                || self.planned("/migration/file"),
                |migration| &migration.file,
            )
    }

    /// What the migration made of the schema, a line each: in its first pass, in which it was to run through.
    fn schema_diff(&self) -> &[String] {
        let plain = |pass: &&Pass| {
            [PassName::Quiet, PassName::Disturbed].contains(&pass.name)
                && pass.integrity.fingerprint_after.is_some()
        };
        match self.passes.iter().find(plain) {
            Some(pass) => &pass.integrity.schema_diff,
            None => &self.integrity.schema_diff,
        }
    }

    /// The pass whose integrity is the report's, where there are several.
    fn integrity_pass(&self) -> Option<PassName> {
        let mut passes = self.passes.iter().filter(|_| self.passes.len() > 1);
        let worst = passes.find(|pass| pass.integrity == self.integrity);
        worst.map(|pass| pass.name)
    }

    /// What was decided; none of a load.
    pub fn outcome(&self) -> Option<Outcome> {
        self.verdict.as_ref().map(|verdict| verdict.outcome)
    }

    /// Every rule's measurement; nothing of a load.
    pub fn findings(&self) -> &[Finding] {
        self.verdict
            .as_ref()
            .map_or(&[], |verdict| &verdict.findings)
    }

    /// What the evidence does not cover; nothing of a load.
    pub fn caveats(&self) -> &[String] {
        self.verdict
            .as_ref()
            .map_or(&[], |verdict| &verdict.caveats)
    }

    /// How many instances the application has; 0 where the plan does not say.
    pub fn instances(&self) -> u32 {
        let instances = self.plan.pointer("/application/instances");
        let instances = instances.and_then(serde_json::Value::as_u64);
        instances.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    }

    /// The order of release and migration that was asked for; empty where the scenario's was meant.
    pub fn ordering(&self) -> &str {
        self.planned("/release/ordering")
    }

    fn planned(&self, pointer: &str) -> &str {
        self.plan
            .pointer(pointer)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    }
}

/// The safe form of a migration, rehearsed beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedRewrite {
    /// The safe form.
    #[serde(flatten)]
    pub rewrite: Rewrite,
    /// Where it was written to; none where no folder was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Where a rehearsal ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// `server_version` of the shadow.
    pub postgres_version: String,
    /// The shadow, for people: `embedded`, or where the server is, without its password.
    pub shadow: String,
    /// Processors that the machine of the tool offers.
    pub cpus: usize,
    /// Its memory; none where it could not be read.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// The shadow's settings that differ from PostgreSQL's defaults.
    pub settings: BTreeMap<String, String>,
}

/// How the tables got their rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// Rows of the filled tables.
    pub rows: u64,
    /// Time from the first row to the last ANALYZE; of a cached database, to copy it.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// Whether the rows came with a database that an earlier run had filled.
    #[serde(default)]
    pub cached: bool,
    /// Time from the start of the rehearsal to the warm-up.
    #[serde(default, with = "seconds")]
    pub ready: Duration,
}

/// A filled table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Schema-qualified name.
    pub name: String,
    /// Rows in the shadow.
    pub rows: Rows,
    /// Rows in production.
    pub production_rows: Rows,
    /// Its size with indexes and TOAST; none where it was not read.
    pub bytes: Option<u64>,
}
