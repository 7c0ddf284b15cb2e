//! Fills the shadow's tables: rows by parallel COPY into tables whose indexes stand still, then the
//! indexes in parallel, then sequences, vacuum and statistics.

mod crew;
mod error;
mod progress;
mod shares;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Config};

use crate::postgres::{indexes, persistence, sequences};
use crate::schema::{RelationName, Schema, Table};
use crate::synth::FillPlan;

use crew::{Crew, Job, Work};
pub use error::FillError;
pub use progress::{FillProgress, Stage};
use shares::Shares;

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
    /// Time to build all indexes.
    pub indexing: Duration,
    /// Time to set sequences, vacuum and analyze.
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
/// Only a superuser may, for indexes, foreign keys and triggers are switched off meanwhile. After
/// an error the database is of no use: indexes are left as they were at that moment.
///
/// # Errors
/// What the server refuses, by table and constraint; [`FillError::Stopped`] when told to stop.
pub async fn fill(
    config: &Config,
    schema: &Schema,
    plan: &Arc<FillPlan>,
    options: FillOptions,
) -> Result<FillSummary, FillError> {
    let progress = Arc::clone(&options.progress);
    progress.begin(Stage::Copying, plan.rows());
    let crew = Crew::new(config, schema, plan, options);
    let oids: Vec<u32> = filled(schema, plan).map(|table| table.oid).collect();
    let client = crew.connect().await?;
    let unlogged = prepare(&crew, &client, &oids).await?;

    let begun = Instant::now();
    crew.run(Work::Rows(Shares::new(plan))).await?;
    let copied = Instant::now();

    let found = indexes::of_tables(&client, &oids).await;
    let found = found.map_err(|e| crew.explain("listing indexes", e))?;
    let built = found.len();
    progress.begin(Stage::Indexing, built as u64);
    crew.run(Work::jobs(indexing(found, crew.parallelism())))
        .await?;
    let indexed = Instant::now();

    progress.begin(Stage::Analyzing, schema.tables.len() as u64);
    let advanced = sequences::advance(&client, &oids).await;
    advanced.map_err(|e| crew.explain("setting sequences", e))?;
    crew.run(Work::jobs(settling(schema, plan))).await?;
    let resumed = persistence::resume(&client, &unlogged).await;
    resumed.map_err(|e| crew.explain("making tables permanent again", e))?;
    let summary = FillSummary {
        rows: plan.rows(),
        bytes: progress.bytes(),
        tables: oids.len(),
        indexes: built,
        copying: copied - begun,
        indexing: indexed - copied,
        settling: indexed.elapsed(),
        notes: plan.notes.clone(),
    };
    progress.begin(Stage::Done, 0);
    Ok(summary)
}

/// Switches off what costs time while rows are written, and returns the tables that write no WAL
/// until it is switched on again.
async fn prepare(crew: &Crew, client: &Client, oids: &[u32]) -> Result<Vec<u32>, FillError> {
    let superuser = indexes::is_superuser(client).await;
    if !superuser.map_err(|e| crew.explain("asking for rights", e))? {
        return Err(FillError::NotSuperuser);
    }
    let suspended = indexes::suspend(client, oids).await;
    suspended.map_err(|e| crew.explain("suspending indexes", e))?;
    let unlogged = persistence::suspend(client, oids).await;
    unlogged.map_err(|e| crew.explain("switching WAL off", e))
}

/// The tables that get rows.
fn filled<'a>(schema: &'a Schema, plan: &'a FillPlan) -> impl Iterator<Item = &'a Table> {
    let rows = |table: &Table| {
        let mut planned = plan.tables.iter();
        planned.any(|planned| planned.name == table.name && planned.rows > 0)
    };
    schema.tables.iter().filter(move |table| rows(table))
}

/// All indexes, each with as many processes as its table's share of all that is to be read gives it.
fn indexing(found: Vec<indexes::Index>, parallelism: usize) -> Vec<Job> {
    let all: u64 = found.iter().map(|index| index.table_bytes).sum();
    let share = |bytes: u64| bytes as f64 / all.max(1) as f64 * parallelism as f64;
    let participants = |bytes| share(bytes).round().max(1.0) as u32;
    found
        .into_iter()
        .map(|index| {
            let participants = participants(index.table_bytes);
            Job::Index(index, participants)
        })
        .collect()
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
