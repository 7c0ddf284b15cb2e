//! scenario.toml as it is written (DESIGN §6). Defaults are applied in the plan; unknown keys are errors.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::plan::{Arrivals, Outcome, Protocol, TransactionMode};
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
    /// Sessions, closed loop.
    pub clients: Option<u32>,
    /// How arrivals are spaced.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// How statements are sent.
    #[serde(default)]
    pub protocol: Protocol,
    /// The mix.
    #[serde(default)]
    pub transactions: Vec<Transaction>,
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
}

/// Which release of the application sends a transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The one that runs while the migration does.
    #[default]
    Current,
    /// The one that comes after it.
    Next,
}

/// `[application]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Processes.
    pub instances: Option<u32>,
    /// Connections an instance.
    pub pool_size: Option<u32>,
    /// Longest wait for a free connection.
    pub acquire_timeout: Option<Span>,
    /// The sessions' `statement_timeout`.
    pub statement_timeout: Option<Span>,
    /// Tries after the first.
    pub retries: Option<u32>,
    /// What the container platform does.
    pub health_check: Option<HealthCheck>,
}

/// `[application.health_check]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// The probe.
    pub sql: String,
    /// Time between two probes.
    pub every: Option<Span>,
    /// When a probe counts as failed.
    pub timeout: Option<Span>,
    /// Failed probes in a row until the instance is restarted.
    pub failures: Option<u32>,
    /// How long it is away then.
    pub restart: Option<Span>,
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

/// `[[disturbances]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disturbance {
    /// What it does.
    pub kind: DisturbanceKind,
    /// The table that it is about.
    pub table: Option<String>,
    /// Its start relative to the migration's, as `"-2s"`.
    pub start: Option<String>,
    /// How long it lasts.
    pub duration: Option<Span>,
}

/// What a disturbance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisturbanceKind {
    /// A transaction that has read the table and stays open.
    LongTransaction,
    /// The same, with nothing to do.
    IdleInTransaction,
    /// One query.
    LongQuery,
    /// What `pg_dump` does.
    Dump,
    /// A vacuum that does not give way.
    AntiWraparoundVacuum,
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
