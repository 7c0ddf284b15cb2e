//! The resolved plan of a rehearsal: every default applied, every file's text parsed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

pub use super::application::{ApplicationPlan, HealthCheckPlan};
pub use super::disturbance::{DisturbanceKind, DisturbancePlan, Offset};
use super::release::ReleasePlan;
pub use super::replay::ReplayLoad;
use super::statements::ProductionStatements;
pub use super::trial::{AbortAfter, AbortBy, AbortPlan, Trials};
use crate::pgbench::{Definitions, Script};
use crate::sql::MigrationScript;
use crate::synth::{Statistics, TableSpec};
use crate::units::{Rows, seconds};

pub use super::load::{
    Arrivals, Bursts, ClosedLoad, Curve, CurveError, Load, OpenLoad, Ramp, Shape, Stretch,
    Stretches, Think,
};

/// All that a rehearsal needs to know.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// The scenario's name.
    pub name: String,
    /// One line on what it shows.
    pub title: String,
    /// All randomness.
    pub seed: u64,
    /// The shadow server.
    pub shadow: ShadowPlan,
    /// Schema files, in order.
    pub schema: Vec<SourceFile>,
    /// Tables to fill, by the name that the scenario uses.
    pub tables: BTreeMap<String, TablePlan>,
    /// What is known of production's tables; of those to fill, their columns' are in `tables` too.
    #[serde(skip)]
    pub statistics: Statistics,
    /// The traffic.
    pub traffic: TrafficPlan,
    /// The fleet that sends it.
    pub application: ApplicationPlan,
    /// When the fleet goes over to the next release; none if none comes.
    pub release: Option<ReleasePlan>,
    /// The migration to rehearse.
    pub migration: MigrationPlan,
    /// Lengths of the phases.
    pub phases: PhasesPlan,
    /// The verdict's rules.
    pub limits: Limits,
    /// Checked before and after.
    pub invariants: Vec<InvariantPlan>,
    /// Expected outcomes by migration file, for `verify`.
    pub expect: BTreeMap<String, Outcome>,
    /// What production does meanwhile, in the disturbed pass; empty: there is none.
    pub disturbances: Vec<DisturbancePlan>,
    /// What is tried beside the plain rehearsal.
    pub trials: Trials,
}

/// Scaled rows, of which a table that has any keeps at least one.
pub(super) fn scaled(rows: Rows, scale: f64) -> u64 {
    let scaled = (rows.0 as f64 * scale).round() as u64;
    scaled.max(rows.0.min(1))
}

/// A user's text file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// As the scenario names it.
    pub name: String,
    /// Its text; reports name the file only.
    #[serde(skip)]
    pub text: String,
}

/// The shadow server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowPlan {
    /// GUCs set over the tool's own.
    pub settings: BTreeMap<String, String>,
}

/// One table of the scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TablePlan {
    /// Rows in production; the fill's own number is in `fill.rows`.
    pub production_rows: Rows,
    /// How it is filled. Captured statistics are left out of reports: values of production may be in
    /// them.
    #[serde(serialize_with = "without_statistics")]
    pub fill: TableSpec,
}

fn without_statistics<S: Serializer>(fill: &TableSpec, to: S) -> Result<S::Ok, S::Error> {
    let bare = TableSpec {
        rows: fill.rows,
        columns: fill.columns.clone(),
        ..TableSpec::default()
    };
    bare.serialize(to)
}

/// The traffic.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TrafficPlan {
    /// When requests are made.
    #[serde(flatten)]
    pub load: Load,
    /// How statements are sent.
    pub protocol: Protocol,
    /// The mix.
    pub transactions: Vec<TransactionPlan>,
    /// Variables that the scripts find set, as by `pgbench -D`.
    #[serde(skip)]
    pub definitions: Definitions,
    /// Production's statements, which become transactions once the tables are filled.
    #[serde(skip)]
    pub statements: Option<ProductionStatements>,
}

impl TrafficPlan {
    /// The sessions of a log. The transactions' scripts are empty: the log has the statements.
    pub fn replay(load: ReplayLoad) -> Self {
        let kinds = load.traffic.kinds.iter();
        Self {
            transactions: kinds
                .map(|kind| TransactionPlan {
                    name: kind.name.clone(),
                    weight: u32::try_from(kind.transactions).unwrap_or(u32::MAX),
                    file: Some(load.log.clone()),
                    ..TransactionPlan::default()
                })
                .collect(),
            load: Load::Replay(load),
            ..Self::default()
        }
    }

    /// The names of its transactions, by index.
    pub fn names(&self) -> Vec<String> {
        let names = self.transactions.iter().map(|kind| kind.name.clone());
        names.collect()
    }
}

/// How statements are sent, as `pgbench -M`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Parsed once per connection and kept.
    #[default]
    Prepared,
    /// Parsed each time.
    Extended,
    /// Variables put into the text.
    Simple,
}

/// One kind of transaction.
#[derive(Debug, Clone, Serialize)]
pub struct TransactionPlan {
    /// Its name.
    pub name: String,
    /// Its share, relative to the others'.
    pub weight: u32,
    /// The script's file as the scenario names it; none where it stands inline.
    pub file: Option<String>,
    /// Which release sends it.
    pub role: Role,
    /// The current release's transaction, by its index, in whose place the next one sends this one.
    pub replaces: Option<usize>,
    /// The parsed script.
    #[serde(skip)]
    pub script: Script,
}

/// Which release of the application sends a transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The one that runs before the migration. The next one sends it too, unless a transaction of its
    /// own replaces it.
    #[default]
    Current,
    /// The one that comes with the migration.
    Next,
}

impl Default for TransactionPlan {
    /// A weight of 1.
    fn default() -> Self {
        Self {
            name: String::new(),
            weight: 1,
            file: None,
            role: Role::Current,
            replaces: None,
            script: Script::default(),
        }
    }
}

/// The migration.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MigrationPlan {
    /// Its file or files as the scenario names them, joined by `, `.
    pub file: String,
    /// The statements, in order.
    #[serde(skip)]
    pub scripts: Vec<MigrationScript>,
    /// What one transaction holds.
    pub transaction: TransactionMode,
    /// The session's `lock_timeout`; zero is none.
    #[serde(with = "seconds")]
    pub lock_timeout: Duration,
    /// Whole-migration attempts where `lock_timeout` struck.
    pub attempts: u32,
    /// Wait between two attempts.
    #[serde(with = "seconds")]
    pub backoff: Duration,
    /// The way back; none where the scenario names none.
    #[serde(skip)]
    pub down: Option<MigrationScript>,
}

impl MigrationPlan {
    /// The way back as a migration of its own; none where the scenario names none.
    pub fn way_back(&self) -> Option<Self> {
        let down = self.down.clone()?;
        Some(Self {
            file: down.file.clone(),
            scripts: vec![down],
            down: None,
            ..self.clone()
        })
    }
}

/// What one transaction of the migration holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionMode {
    /// A whole file.
    #[default]
    File,
    /// Each statement by itself (autocommit).
    Statement,
}

/// Lengths of the phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhasesPlan {
    /// Traffic before anything is measured.
    #[serde(with = "seconds")]
    pub warmup: Duration,
    /// Traffic alone.
    #[serde(with = "seconds")]
    pub baseline: Duration,
    /// Traffic after the migration.
    #[serde(with = "seconds")]
    pub recovery: Duration,
}

impl Default for PhasesPlan {
    fn default() -> Self {
        Self {
            warmup: Duration::from_secs(3),
            baseline: Duration::from_secs(10),
            recovery: Duration::from_secs(10),
        }
    }
}

/// The verdict's rules (DESIGN §6, `[limits]`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest that any application session may wait behind the migration.
    #[serde(with = "seconds")]
    pub lock_wait: Duration,
    /// p99 over the baseline's p99.
    pub p99_ratio: f64,
    /// A p99 below this is never judged.
    #[serde(with = "seconds")]
    pub p99_floor: Duration,
    /// Failed over scheduled, beyond the baseline's own.
    pub error_rate: f64,
    /// Longest stretch in which no transaction of a kind succeeds, although due.
    #[serde(with = "seconds")]
    pub unavailable: Duration,
    /// The migration's own duration.
    #[serde(with = "seconds")]
    pub migration_time: Duration,
    /// Whether the limits apply to the projection as well.
    pub forecast: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_secs(2),
            p99_ratio: 3.0,
            p99_floor: Duration::from_millis(100),
            error_rate: 0.001,
            unavailable: Duration::from_secs(2),
            migration_time: Duration::from_secs(3600),
            forecast: true,
        }
    }
}

/// A query that must give the same number before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantPlan {
    /// Its name.
    pub name: String,
    /// A query that returns one number.
    pub sql: String,
    /// The number.
    pub expect: i64,
}

/// What a rehearsal decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No rule failed and the evidence is enough.
    Safe,
    /// A rule failed.
    Unsafe,
    /// The evidence does not carry a verdict.
    Inconclusive,
}
