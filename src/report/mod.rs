//! A rehearsal's report: report.json as a type, and every other format as a function of it.

mod columns;
pub mod comparison;
mod facts;
pub mod filled;
#[cfg(test)]
mod fixtures;
pub mod json;
pub mod markdown;
mod page;
mod sparkline;
pub mod terminal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::judge::{BrokenStatement, Verdict};
use crate::observe::{Forecast, Integrity, Pass};
use crate::units::{Rows, seconds};

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
    /// What was decided.
    pub verdict: Verdict,
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// Schema and data before and after.
    pub integrity: Integrity,
    /// Projections to production size.
    pub forecasts: Vec<Forecast>,
    /// Whether the user stopped it before its end.
    #[serde(default)]
    pub interrupted: bool,
    /// What filling the tables took; none for a check.
    #[serde(default)]
    pub fill: Option<Fill>,
    /// The filled tables.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Statements of the traffic that a check found broken by the migration.
    #[serde(default)]
    pub broken_statements: Vec<BrokenStatement>,
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

    fn planned(&self, pointer: &str) -> &str {
        self.plan
            .pointer(pointer)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    }
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
