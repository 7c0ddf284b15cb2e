//! A rehearsal: a shadow is made ready, traffic runs through its phases, the migration is applied in
//! their midst, and what happened is handed back as data.

mod alone;
mod check;
mod events;
mod facts;
mod filled;
mod integrity;
mod loaded;
mod migration_session;
mod pass;
mod prepare;
mod roster;
mod runner;
mod sampler;
mod settle;
mod stop;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use alone::{Abandoned, FilledDatabase, fill_existing};
pub use check::{Checked, check};
pub use events::{Event, Observer, Silent};
pub use loaded::Surroundings;
pub use stop::{Stop, StopSwitch, stop_switch};

use crate::observe::{Integrity, Pass};
use crate::scenario::Plan;
use crate::shadow::cache::FillCache;
use crate::shadow::fill::FillError;
use crate::shadow::{GuardError, SchemaError, ServerError};
use crate::synth::SynthError;
use crate::traffic::TrafficError;
use prepare::Shadow;

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
    /// How the tables got their rows.
    pub fill: FillFacts,
    /// The quiet pass.
    pub pass: Pass,
    /// The schema and the invariants before and after.
    pub integrity: Integrity,
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
    /// An invariant of the scenario cannot be read.
    #[error("invariant `{name}`: {message}")]
    Invariant {
        /// Its name.
        name: String,
        /// What the server said.
        message: String,
    },
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

/// Rehearses the plan's migration: prepares a shadow, runs the quiet pass, and removes the shadow.
///
/// # Errors
/// Where the shadow cannot be prepared or the traffic cannot start. A migration that fails, and an
/// interrupt once traffic runs, are no errors: they are in the result.
pub async fn rehearse(
    plan: &Plan,
    options: &Options,
    around: Surroundings<'_>,
) -> Result<Rehearsed, RehearsalError> {
    let begun = Instant::now();
    let (shadow, mut fill) = Shadow::prepare(plan, options, around).await?;
    let before = integrity::before(plan, &shadow.config()).await?;
    fill.ready = begun.elapsed();
    around.observer.event(Event::Ready(fill.ready));
    let (pass, sampler_error) = pass::run_pass(pass::Stage {
        plan,
        config: &shadow.config(),
        keys: &shadow.keys,
        around,
    })
    .await?;
    let mut notes = shadow.notes();
    if let Some(error) = sampler_error {
        notes.push(format!(
            "the lock sampler saw nothing for up to {}: {error}",
            crate::units::Span(pass.locks.sample_error)
        ));
    }
    let integrity =
        integrity::after(plan, &shadow.config(), (before, pass.migration.as_ref())).await;
    let facts = shadow.facts(plan).await;
    shadow.stop().await;
    Ok(Rehearsed {
        shadow: facts,
        fill,
        pass,
        integrity,
        notes,
        interrupted: around.stop.is_set(),
    })
}
