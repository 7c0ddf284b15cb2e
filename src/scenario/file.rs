//! scenario.toml as it is written (DESIGN §6). Defaults are applied in the plan; unknown keys are errors.

use std::collections::BTreeMap;

use serde::Deserialize;

pub use super::application::{Application, HealthCheck};
pub use super::disturbance::Disturbance;
use super::plan::{Arrivals, Outcome, Protocol, Role, Think, TransactionMode};
use super::release::Release;
use crate::synth::ColumnSpec;
use crate::units::{Rows, Span};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// The scenario's name.
    pub name: String,
    /// One line on what it shows.
    pub title: Option<String>,
    /// All randomness.
    pub seed: Option<u64>,
    /// The shadow server.
    #[serde(default)]
    pub shadow: Shadow,
    /// Where the schema comes from.
    pub schema: Schema,
    /// The tables to fill.
    #[serde(default)]
    pub tables: BTreeMap<String, Table>,
    /// What the application sends; a fill alone needs none.
    pub traffic: Option<Traffic>,
    /// The fleet that sends it.
    #[serde(default)]
    pub application: Application,
    /// When the next release comes.
    pub release: Option<Release>,
    /// The migration to rehearse.
    #[serde(default)]
    pub migration: Migration,
    /// Lengths of the phases.
    #[serde(default)]
    pub phases: Phases,
    /// The verdict's rules.
    #[serde(default)]
    pub limits: Limits,
    /// What production does meanwhile; none where the key is left out.
    pub disturbances: Option<Vec<Disturbance>>,
    /// The outcome that each migration must have.
    #[serde(default)]
    pub expect: BTreeMap<String, Outcome>,
    /// Checked before and after.
    #[serde(default)]
    pub invariants: Vec<Invariant>,
}

impl Contents {
    /// What the traffic consists of; empty without traffic.
    pub fn transactions(&self) -> &[Transaction] {
        self.traffic
            .as_ref()
            .map_or(&[], |traffic| &traffic.transactions)
    }
}

/// `[shadow]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shadow {
    /// GUCs: strings, numbers or booleans.
    pub settings: BTreeMap<String, toml::Value>,
    /// Whether the server listens on loopback too.
    pub tcp: bool,
}

/// `[schema]`: one of its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schema {
    /// A SQL file.
    pub file: Option<String>,
    /// SQL files in order.
    pub files: Option<Vec<String>>,
    /// A text file that names SQL files in order, one a line, relative to itself.
    pub list: Option<String>,
    /// A live database.
    pub source: Option<String>,
    /// What is known of the tables of a captured database: a `statistics.json`.
    pub statistics: Option<String>,
}

/// `[tables.NAME]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Rows in the shadow.
    pub rows: Rows,
    /// Rows in production.
    pub production_rows: Option<Rows>,
    /// What is said of its columns.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnSpec>,
}

/// `[traffic]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Transactions per second, open loop.
    pub rate: Option<f64>,
    /// How arrivals are spaced.
    pub arrivals: Option<Arrivals>,
    /// How the rate begins.
    pub ramp: Option<Ramp>,
    /// How the rate goes up and down.
    pub curve: Option<Curve>,
    /// When there are more arrivals.
    pub bursts: Option<Bursts>,
    /// Sessions, closed loop.
    pub clients: Option<u32>,
    /// Their pause between an answer and the next request, on average.
    pub think_time: Option<Span>,
    /// How these pauses differ.
    pub think: Option<Think>,
    /// How statements are sent.
    #[serde(default)]
    pub protocol: Protocol,
    /// A server's log, whose sessions are sent again.
    pub log: Option<String>,
    /// How many times faster than it was.
    pub speed: Option<f64>,
    /// The database of the log; that with most statements if left out.
    pub log_database: Option<String>,
    /// What `pg_stat_statements` counted in production.
    pub statements: Option<String>,
    /// Variables that the scripts find set.
    #[serde(default)]
    pub variables: BTreeMap<String, toml::Value>,
    /// The mix.
    #[serde(default)]
    pub transactions: Vec<Transaction>,
}

/// `[traffic.ramp]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Transactions per second at the start; 0 if left out.
    #[serde(default)]
    pub from: f64,
    /// How long it takes to the traffic's rate.
    pub over: Span,
}

/// `[traffic.curve]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Lines of `time,rate`.
    pub file: String,
    /// How long the whole of it takes; as long as its times span if left out.
    pub over: Option<Span>,
}

/// `[traffic.bursts]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// From the start of one to the start of the next.
    pub every: Span,
    /// How long each lasts.
    pub length: Span,
    /// What the rate is multiplied by meanwhile.
    pub factor: f64,
}

/// `[[traffic.transactions]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// Its name.
    pub name: String,
    /// Its share, relative to the others'; 1 if left out.
    pub weight: Option<u32>,
    /// A pgbench script.
    pub script: Option<String>,
    /// The same inline.
    pub sql: Option<String>,
    /// Which release sends it.
    #[serde(default)]
    pub role: Role,
    /// The transaction of the current release in whose place the next one sends it.
    pub replaces: Option<String>,
}

/// `[migration]`: `file`, `files` or `command`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Migration {
    /// A SQL file.
    pub file: Option<String>,
    /// SQL files in order.
    pub files: Option<Vec<String>>,
    /// A program that migrates.
    pub command: Option<Vec<String>>,
    /// What one transaction holds.
    pub transaction: TransactionMode,
    /// The session's `lock_timeout`.
    pub lock_timeout: Option<Span>,
    /// Whole-migration attempts where `lock_timeout` strikes.
    pub attempts: Option<u32>,
    /// Wait between two attempts.
    pub backoff: Option<Span>,
    /// The way back.
    pub down: Option<String>,
}

/// `[phases]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Phases {
    /// Traffic before anything is measured.
    pub warmup: Option<Span>,
    /// Traffic alone.
    pub baseline: Option<Span>,
    /// Traffic after the migration.
    pub recovery: Option<Span>,
}

/// `[limits]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest wait behind the migration.
    pub lock_wait: Option<Span>,
    /// p99 over the baseline's.
    pub p99_ratio: Option<f64>,
    /// A p99 below this is never judged.
    pub p99_floor: Option<Span>,
    /// Failed over scheduled.
    pub error_rate: Option<f64>,
    /// Longest stretch without success.
    pub unavailable: Option<Span>,
    /// The migration's duration.
    pub migration_time: Option<Span>,
    /// Whether they hold for the projection too.
    pub forecast: Option<bool>,
}

/// `[[invariants]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invariant {
    /// Its name.
    pub name: String,
    /// A query that returns one number.
    pub sql: String,
    /// The number.
    pub expect: i64,
}

/// A setting as `SET` reads it; none where the value cannot be one.
pub(super) fn setting_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Boolean(true) => Some("on".to_owned()),
        toml::Value::Boolean(false) => Some("off".to_owned()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
