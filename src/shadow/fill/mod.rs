//! Fills the shadow's tables: rows by parallel COPY into tables whose indexes stand still, then the
//! indexes in parallel, then sequences, vacuum and statistics.

mod crew;
mod error;
mod evaluator;
mod probe;
mod progress;
mod shares;
mod suspension;
mod views;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::postgres::endpoint::Endpoint;
use crate::postgres::orphans;
use crate::postgres::sequences;
use crate::schema::{RelationName, Schema, Table};
use crate::synth::FillPlan;

use crew::{Crew, Job, Work};
pub use error::FillError;
pub use progress::{FillProgress, Stage};
use shares::Shares;
use suspension::{Build, Suspension};

/// How a fill goes about its work.
#[derive(Debug, Clone)]
pub struct FillOptions {
    /// Connections and threads that write at the same time.
    pub parallelism: usize,
    /// What a progress bar reads.
    pub progress: Arc<FillProgress>,
    /// Ends the fill soon after it becomes true.
    pub stop: Arc<AtomicBool>,
}

impl FillOptions {
    /// The most sessions that a fill with so many workers has at once: each worker's own, where the
    /// server evaluates columns a second one to ask it, and for a moment what a worker of the stage
    /// before has just closed; and the one that leads.
    pub fn most_sessions(parallelism: usize) -> u32 {
        let sessions = parallelism.max(1).saturating_mul(3).saturating_add(1);
        u32::try_from(sessions).unwrap_or(u32::MAX)
    }
}

/// What a fill did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillSummary {
    /// Rows written.
    pub rows: u64,
    /// Their bytes as COPY's text.
    pub bytes: u64,
    /// Tables written to.
    pub tables: usize,
    /// Indexes built.
    pub indexes: usize,
    /// Time to copy all rows.
    pub copying: Duration,
    /// Time to build all indexes and set the sequences.
    pub indexing: Duration,
    /// Time to vacuum and analyze, and to refresh views.
    pub settling: Duration,
    /// What the reader of a report should know of the rows: the plan's notes.
    pub notes: Vec<String>,
}

impl FillSummary {
    /// The whole fill's time.
    pub fn duration(&self) -> Duration {
        self.copying + self.indexing + self.settling
    }

    /// Rows written per second while copying.
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.copying.as_secs_f64().max(1e-9)
    }
}

/// Writes the rows of `plan` into a database that has `schema`.
///
/// The user must own the tables. A superuser's fill leaves indexes and foreign keys in the catalog and
/// switches them off; another's drops them and makes them again by their definitions.
///
/// # Errors
/// What the server refuses, by table and constraint; [`FillError::Stopped`] when told to stop. The
/// database is then of no use: indexes and constraints are left as they were at that moment.
pub async fn fill(
    endpoint: impl Into<Endpoint>,
    schema: &Schema,
    plan: &Arc<FillPlan>,
    options: FillOptions,
) -> Result<FillSummary, FillError> {
    let crew = Crew::new(endpoint.into(), schema, plan, options);
    let relations: Vec<u32> = filled(schema, plan).flat_map(relations).collect();
    let (session, replica) = crew.connect().await?;
    let client = &session.client;
    let untried = probe::probe(&crew, client).await?;
    let suspended = Suspension::begin(client, &relations, replica).await;
    let suspension = suspended.map_err(|e| crew.explain("suspending indexes", e))?;
    let filled = fill_suspended(&crew, client, &suspension).await;
    let mut summary = filled.map_err(|error| error.with_state(suspension.left_behind()))?;
    summary.notes.extend(untried);
    Ok(summary)
}

/// Fills while indexes stand aside, and brings them back.
async fn fill_suspended(
    crew: &Crew,
    client: &Client,
    suspension: &Suspension,
) -> Result<FillSummary, FillError> {
    let (plan, progress) = (crew.plan(), crew.progress());
    let failed = |doing| move |error| crew.explain(doing, error);
    progress.begin(Stage::Copying, plan.rows());
    let begun = Instant::now();
    crew.run(Work::Rows(Shares::new(plan))).await?;
    let copied = Instant::now();

    let builds = suspension.indexes(client).await;
    let builds = builds.map_err(failed("listing indexes"))?;
    let built = builds.len();
    progress.begin(Stage::Indexing, built as u64);
    crew.run(building(builds, crew.parallelism())).await?;
    let validations = suspension.constrain(client).await;
    let mut validations = validations.map_err(failed("adding constraints"))?;
    if suspension.trusts_foreign_keys() {
        validations.extend(checks(crew.schema(), plan));
    }
    progress.begin(Stage::Indexing, validations.len() as u64);
    crew.run(building(validations, crew.parallelism())).await?;
    let tables: Vec<&Table> = filled(crew.schema(), plan).collect();
    let owners: Vec<u32> = tables.iter().copied().flat_map(relations).collect();
    // Before forced policies bind again: they may hide the rows from their owner.
    let advanced = sequences::advance(client, &owners).await;
    advanced.map_err(failed("setting sequences"))?;
    let ended = suspension.end(client).await;
    ended.map_err(failed("turning triggers on"))?;
    let indexed = Instant::now();

    progress.begin(Stage::Analyzing, crew.schema().tables.len() as u64);
    crew.run(Work::jobs(settling(crew.schema(), plan))).await?;
    let views = views::refresh_all(client).await;
    let views = views.map_err(failed("listing materialized views"))?;
    let persisted = suspension.persist(client).await;
    persisted.map_err(failed("making tables permanent again"))?;
    progress.begin(Stage::Done, 0);
    Ok(FillSummary {
        rows: plan.rows(),
        bytes: progress.bytes(),
        tables: tables.len(),
        indexes: built,
        copying: copied - begun,
        indexing: indexed - copied,
        settling: indexed.elapsed(),
        notes: plan.notes.iter().cloned().chain(views).collect(),
    })
}

/// The questions whether the foreign keys hold whose columns the scenario gives values itself.
fn checks(schema: &Schema, plan: &FillPlan) -> impl Iterator<Item = Build> {
    plan.trusted_keys.iter().filter_map(|(name, key)| {
        let table = schema.tables.iter().find(|table| table.name == *name)?;
        let key = table.foreign_keys.iter().find(|found| found.name == *key)?;
        Some(Build {
            doing: format!("checking foreign key {} of {name}", key.name),
            sql: orphans::refusal(name, key),
            weight: 1,
        })
    })
}

/// The builds as work, each with as many processes as its share of all that is to be read gives it.
fn building(builds: Vec<Build>, parallelism: usize) -> Work {
    let all: u64 = builds.iter().map(|build| build.weight).sum();
    let share = |weight: u64| weight as f64 / all.max(1) as f64 * parallelism as f64;
    Work::jobs(builds.into_iter().map(|build| {
        let participants = share(build.weight).round().max(1.0);
        Job::Build(build, participants as u32)
    }))
}

/// A table and, where it is partitioned, the relations that hold its rows.
fn relations(table: &Table) -> Vec<u32> {
    let storage = table.storage().into_iter();
    let own = storage.filter(|oid| *oid != table.oid);
    std::iter::once(table.oid).chain(own).collect()
}

/// The tables that get rows.
fn filled<'a>(schema: &'a Schema, plan: &'a FillPlan) -> impl Iterator<Item = &'a Table> {
    let rows = |table: &Table| {
        let mut planned = plan.tables.iter();
        planned.any(|planned| planned.name == table.name && planned.rows > 0)
    };
    schema.tables.iter().filter(move |table| rows(table))
}

/// All tables of the schema, the largest first.
fn settling(schema: &Schema, plan: &FillPlan) -> impl Iterator<Item = Job> {
    let rows = |name: &RelationName| {
        plan.tables
            .iter()
            .find(|t| t.name == *name)
            .map_or(0, |t| t.rows)
    };
    let mut names: Vec<_> = schema
        .tables
        .iter()
        .map(|table| table.name.clone())
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(rows(name)));
    names.into_iter().map(Job::Settle)
}
