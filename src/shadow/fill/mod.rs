//! Fills the shadow's tables: rows by parallel COPY into tables whose indexes stand still, then the
//! indexes in parallel, then sequences, vacuum and statistics.

mod crew;
mod error;
mod evaluator;
mod progress;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio_postgres::Config;

use crate::postgres::{indexes, sequences};
use crate::schema::{RelationName, Schema, Table};
use crate::synth::FillPlan;

use crew::{Crew, Job};
pub use error::FillError;
pub use progress::{FillProgress, Stage};

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

/// Chunks that a worker gets on average, so that all end at about the same time.
const CHUNKS_PER_WORKER: u64 = 8;

/// Fewest and most rows of a chunk: each is a COPY, and a transaction, of its own.
const CHUNK_ROWS: (u64, u64) = (10_000, 500_000);

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
    let tables: Vec<&Table> = filled(schema, plan).collect();
    let oids: Vec<u32> = tables.iter().flat_map(|table| table.storage()).collect();
    let client = crew.connect().await?;
    if !indexes::is_superuser(&client)
        .await
        .map_err(|e| crew.explain("asking for rights", e))?
    {
        return Err(FillError::NotSuperuser);
    }
    let suspended = indexes::suspend(&client, &oids).await;
    suspended.map_err(|e| crew.explain("suspending indexes", e))?;

    let begun = Instant::now();
    crew.run(chunks(plan, crew.parallelism())).await?;
    let copied = Instant::now();

    let found = indexes::of_tables(&client, &oids).await;
    let found = found.map_err(|e| crew.explain("listing indexes", e))?;
    let built = found.len();
    progress.begin(Stage::Indexing, built as u64);
    crew.run(found.into_iter().map(Job::Index).collect())
        .await?;
    let indexed = Instant::now();

    progress.begin(Stage::Analyzing, schema.tables.len() as u64);
    let owners: Vec<u32> = tables.iter().map(|table| table.oid).chain(oids).collect();
    let advanced = sequences::advance(&client, &owners).await;
    advanced.map_err(|e| crew.explain("setting sequences", e))?;
    crew.run(settling(schema, plan)).await?;
    progress.begin(Stage::Done, 0);
    Ok(FillSummary {
        rows: plan.rows(),
        tables: tables.len(),
        indexes: built,
        copying: copied - begun,
        indexing: indexed - copied,
        settling: indexed.elapsed(),
        notes: plan.notes.clone(),
    })
}

/// The tables that get rows.
fn filled<'a>(schema: &'a Schema, plan: &'a FillPlan) -> impl Iterator<Item = &'a Table> {
    let rows = |table: &Table| {
        let mut planned = plan.tables.iter();
        planned.any(|planned| planned.name == table.name && planned.rows > 0)
    };
    schema.tables.iter().filter(move |table| rows(table))
}

/// The rows in chunks, those of the largest table first.
fn chunks(plan: &FillPlan, parallelism: usize) -> VecDeque<Job> {
    let workers = u64::try_from(parallelism).unwrap_or(u64::MAX);
    let even = plan.rows() / workers.saturating_mul(CHUNKS_PER_WORKER).max(1);
    let size = even.clamp(CHUNK_ROWS.0, CHUNK_ROWS.1);
    let mut tables: Vec<_> = plan.tables.iter().enumerate().collect();
    tables.sort_by_key(|(_, table)| std::cmp::Reverse(table.rows));
    let mut jobs = VecDeque::new();
    for (table, planned) in tables {
        let mut from = 0;
        while from < planned.rows {
            let to = from.saturating_add(size).min(planned.rows);
            jobs.push_back(Job::Copy {
                table,
                rows: from..to,
            });
            from = to;
        }
    }
    jobs
}

/// All tables of the schema, the largest first.
fn settling(schema: &Schema, plan: &FillPlan) -> VecDeque<Job> {
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
    names.into_iter().map(Job::Settle).collect()
}
