//! A rehearsal: a shadow is made ready, traffic runs through its phases, the migration is applied in
//! their midst, and what happened is handed back as data.

mod abort;
mod alone;
mod check;
mod course;
mod disturbance;
mod effort;
mod events;
mod execution;
mod facts;
mod filled;
mod forecast;
mod ground;
mod integrity;
mod ledger;
mod leftovers;
mod load;
mod loaded;
mod migration_session;
mod pass;
mod prepare;
mod processors;
mod production;
mod rollback;
mod roster;
mod runner;
mod sampler;
mod seen;
mod settle;
mod show;
mod starvation;
mod stop;
mod target;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

pub use alone::{Abandoned, FilledDatabase, fill_existing};
pub use check::{Checked, check};
pub use course::Rehearsal;
pub use effort::Effort;
pub use events::{Event, Observer, Silent};
pub use forecast::{Sizes, Trials, trials};
pub use load::{Load, load, load_at};
pub use loaded::Surroundings;
pub use stop::{Stop, StopSwitch, stop_switch};
pub use target::first_write;

use crate::judge::wording::counted;
use crate::observe::{Forecast, Pass, StatementCoverage};
use crate::postgres::limits::ConnectionLimits;
use crate::scenario::Plan;
use crate::shadow::cache::FillCache;
use crate::shadow::fill::FillError;
use crate::shadow::{GuardError, SchemaError, ServerError};
use crate::sql::Ground;
use crate::synth::SynthError;
use crate::traffic::TrafficError;

/// What is decided outside the plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// PostgreSQL's bin directory; none: the one that is installed.
    pub pg_bin: Option<PathBuf>,
    /// Whether the shadow's directory stays.
    pub keep: bool,
    /// Connections and threads that fill at once.
    pub parallelism: usize,
    /// Filled databases of earlier runs; none: every run fills its own.
    pub cache: Option<FillCache>,
}

/// What a rehearsal found.
#[derive(Debug)]
pub struct Rehearsed {
    /// The shadow server.
    pub shadow: ShadowFacts,
    /// The plan that was carried out: with production's statements as transactions.
    pub plan: Plan,
    /// What of production's statements was sent; none where the scenario has none.
    pub statements: Option<StatementCoverage>,
    /// How the tables got their rows.
    pub fill: FillFacts,
    /// What is known of the database for a rewriting of the migration; none where it could not be read.
    pub ground: Option<Ground>,
    /// The passes that were made, in order.
    pub passes: Vec<Pass>,
    /// What the migration needs at production's size; empty where that was not asked for or could not be told.
    pub forecasts: Vec<Forecast>,
    /// Whether a forecast was tried and came to nothing; the notes say why.
    pub unforeseen: bool,
    /// What the user should know although nothing failed.
    pub notes: Vec<String>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// The shadow server as it was while measuring.
#[derive(Debug, Clone, Default)]
pub struct ShadowFacts {
    /// The server's version (`15.18`).
    pub postgres_version: String,
    /// Where it ran.
    pub location: String,
    /// The settings that matter to the measurement, as SHOW prints them.
    pub settings: std::collections::BTreeMap<String, String>,
    /// The filled tables.
    pub tables: Vec<TableSize>,
}

/// How the tables got their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillFacts {
    /// Rows of the filled tables.
    pub rows: u64,
    /// Time to fill them; of a cached database, to copy it and to start a server on it.
    pub duration: Duration,
    /// Whether an earlier run had filled them.
    pub cached: bool,
    /// Time from the start of the rehearsal to the warm-up.
    pub ready: Duration,
}

/// One filled table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Schema-qualified name.
    pub name: String,
    /// Rows filled.
    pub rows: u64,
    /// Rows in production.
    pub production_rows: u64,
    /// Bytes, indexes and TOAST included; none where they could not be read.
    pub bytes: Option<u64>,
}

/// Why a rehearsal could not run.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A database that is not to be written to.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// What the scenario says of the tables does not fit the schema.
    #[error(transparent)]
    Synth(#[from] SynthError),
    /// The fill.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// The fill, because the server broke down.
    #[error("{error}; the server broke down, its log says:\n{log}")]
    Breakdown {
        /// What the fill saw of it.
        error: Box<FillError>,
        /// The lines of the log.
        log: String,
    },
    /// The traffic.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// A server of the user's has not enough connections for a load.
    #[error(
        "the load needs {}, and the server refused one: {message}{}. Take fewer --clients, or raise max_connections there",
        counted(*needed, "connection"),
        limits.map(|limits| format!(" ({limits})")).unwrap_or_default()
    )]
    Full {
        /// Connections.
        needed: u64,
        /// What the server said.
        message: String,
        /// The server's own limits; none if it could not be asked.
        limits: Option<ConnectionLimits>,
    },
    /// A disturbance of a table that is not there.
    #[error("disturbance `{kind}`: the schema has no table `{table}`")]
    Disturbance {
        /// What it does.
        kind: crate::scenario::plan::DisturbanceKind,
        /// The name that the scenario gives.
        table: String,
    },
    /// An invariant of the scenario cannot be read.
    #[error("invariant `{name}`: {message}")]
    Invariant {
        /// Its name.
        name: String,
        /// What the server said.
        message: String,
    },
    /// Most of production's statements cannot be sent.
    #[error(
        "less than half of production's calls can be sent, so the traffic would not be production's:\n  {0}"
    )]
    Statements(String),
    /// A script that the tool wrote of one of production's statements.
    #[error("this is a bug in this program: {0}")]
    Script(#[from] crate::pgbench::ScriptError),
    /// A query of the tool's own.
    #[error("the shadow database did not answer: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// No thread could be made.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The user stopped it before anything was measured.
    #[error("interrupted before anything was measured")]
    Interrupted,
}

impl RehearsalError {
    /// Whether it is of the rows that the tables should get.
    fn is_of_the_fill(&self) -> bool {
        matches!(
            self,
            Self::Synth(_) | Self::Fill(_) | Self::Breakdown { .. }
        )
    }
}
