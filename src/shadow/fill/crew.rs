//! The threads that fill: each with its own event loop and connection, taking what is next of the
//! work that they share.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::postgres::connect::Session;
use crate::postgres::endpoint::Endpoint;
use crate::postgres::{copy, indexes, settle};
use crate::schema::{RelationName, Schema};
use crate::synth::{FillPlan, TablePlan};

use super::evaluator::Evaluator;
use super::shares::{Buffer, Buffers, Share, Shares};
use super::suspension::Build;
use super::{FillError, FillOptions, FillProgress};

/// A statement that takes long.
#[derive(Debug, Clone)]
pub(super) enum Job {
    /// Build an index with up to so many processes, or validate a foreign key.
    Build(Build, u32),
    /// Vacuum and analyze this table.
    Settle(RelationName),
}

/// The work of one stage.
#[derive(Debug)]
pub(super) enum Work {
    /// Write all rows.
    Rows(Shares),
    /// Do these, in their order.
    Jobs(Mutex<VecDeque<Job>>),
}

impl Work {
    pub(super) fn jobs(jobs: impl IntoIterator<Item = Job>) -> Self {
        Self::Jobs(Mutex::new(jobs.into_iter().collect()))
    }

    /// How many workers it could need.
    fn most_workers(&self) -> usize {
        match self {
            Self::Rows(_) => usize::MAX,
            Self::Jobs(jobs) => jobs.lock().unwrap_or_else(PoisonError::into_inner).len(),
        }
    }
}

/// How often a statement that runs long looks whether it must stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// Workers and what they share.
#[derive(Debug, Clone)]
pub(super) struct Crew {
    endpoint: Endpoint,
    schema: Arc<Schema>,
    plan: Arc<FillPlan>,
    parallelism: usize,
    progress: Arc<FillProgress>,
    /// The caller wants an end.
    stop: Arc<AtomicBool>,
    /// A worker failed, or nobody waits any more.
    halt: Arc<AtomicBool>,
}

/// Stops the workers when the fill's future is dropped.
struct HaltOnDrop(Arc<AtomicBool>);

impl Drop for HaltOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Crew {
    pub(super) fn new(
        endpoint: Endpoint,
        schema: &Schema,
        plan: &Arc<FillPlan>,
        options: FillOptions,
    ) -> Self {
        Self {
            endpoint,
            schema: Arc::new(schema.clone()),
            plan: Arc::clone(plan),
            parallelism: options.parallelism.max(1),
            progress: options.progress,
            stop: options.stop,
            halt: Arc::new(AtomicBool::new(false)),
        }
    }

    pub(super) fn plan(&self) -> &FillPlan {
        &self.plan
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn progress(&self) -> &FillProgress {
        &self.progress
    }

    pub(super) fn parallelism(&self) -> usize {
        self.parallelism
    }

    pub(super) fn explain(&self, doing: &str, error: tokio_postgres::Error) -> FillError {
        FillError::explain(&self.schema, doing, error)
    }

    /// What the server's error about rows of a table means for the scenario.
    pub(super) fn explain_rows(
        &self,
        table: &RelationName,
        doing: &str,
        error: tokio_postgres::Error,
    ) -> FillError {
        FillError::of_rows(&self.schema, Some(table), doing, error)
    }

    /// A session that fills, and whether foreign keys and triggers are off in it.
    pub(super) async fn connect(&self) -> Result<(Session, bool), FillError> {
        let connected = self.endpoint.connect("pgrehearse fill").await;
        let session = connected.map_err(FillError::Connect)?;
        let prepared = copy::prepare_session(&session.client).await;
        let replica =
            prepared.map_err(|error| self.explain("preparing a session of the fill", error))?;
        Ok((session, replica))
    }

    /// Does all of the work, on as many threads as there may be.
    pub(super) async fn run(&self, work: Work) -> Result<(), FillError> {
        let halt = Arc::new(AtomicBool::new(false));
        let _guard = HaltOnDrop(Arc::clone(&halt));
        let workers = self.parallelism.min(work.most_workers());
        let work = Arc::new(work);
        let (report, mut reports) = mpsc::channel(workers.max(1));
        for number in 0..workers {
            let crew = Self {
                halt: Arc::clone(&halt),
                ..self.clone()
            };
            let work = Arc::clone(&work);
            let report = report.clone();
            std::thread::Builder::new()
                .name(format!("fill-{number}"))
                .spawn(move || {
                    let result = crew.work_on_thread(&work);
                    if result.is_err() {
                        crew.halt.store(true, Ordering::Release);
                    }
                    // Nobody listens once the fill was dropped.
                    report.blocking_send(result).ok();
                })?;
        }
        drop(report);
        let mut results = Vec::with_capacity(workers);
        while let Some(result) = reports.recv().await {
            results.push(result);
        }
        if results.len() < workers {
            return Err(FillError::Died);
        }
        // The first failure is the cause; workers that halt because of it report none.
        results.into_iter().collect::<Result<(), _>>()?;
        match self.stop.load(Ordering::Acquire) {
            true => Err(FillError::Stopped),
            false => Ok(()),
        }
    }

    fn work_on_thread(&self, work: &Work) -> Result<(), FillError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let (session, _) = self.connect().await?;
            match work {
                Work::Rows(shares) => self.write(&session.client, shares).await,
                Work::Jobs(jobs) => self.execute(&session.client, jobs).await,
            }
        })
    }

    async fn execute(&self, client: &Client, jobs: &Mutex<VecDeque<Job>>) -> Result<(), FillError> {
        while !self.must_end() {
            let next = jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            match next {
                None => break,
                Some(Job::Build(Build { doing, sql, .. }, participants)) => {
                    let set = indexes::set_participants(client, participants).await;
                    set.map_err(|error| self.explain(&doing, error))?;
                    let built = client.batch_execute(&sql);
                    self.or_stop(client, built, &doing).await?;
                }
                Some(Job::Settle(table)) => {
                    let settled = settle::settle(client, &table);
                    self.or_stop(client, settled, &format!("vacuuming {table}"))
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn write(&self, client: &Client, shares: &Shares) -> Result<(), FillError> {
        while !self.must_end()
            && let Some(share) = shares.join()
        {
            if let Some(planned) = self.plan.tables.get(share.table) {
                self.copy(client, planned, share).await?;
            }
        }
        Ok(())
    }

    /// Whether the fill was told to stop, or a worker failed.
    pub(super) fn must_end(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.halt.load(Ordering::Acquire)
    }

    /// Writes rows of one table, as one COPY, until all are taken.
    async fn copy(
        &self,
        client: &Client,
        planned: &TablePlan,
        share: &Share,
    ) -> Result<(), FillError> {
        let doing = format!("filling {}", planned.name);
        let fail = |error| self.explain_rows(&planned.name, &doing, error);
        let columns: Vec<String> = planned.columns.iter().map(|c| c.name.clone()).collect();
        let statement = copy::copy_statement(&planned.name, &columns);
        let mut evaluator = match planned.asks() {
            true => Some(Evaluator::new(self.connect().await?.0, planned, share)),
            false => None,
        };
        let sink = copy::begin(client, &statement).await.map_err(fail)?;
        let mut sink = pin!(sink);
        let mut buffers = Buffers::new(planned, share);
        loop {
            let next = match &mut evaluator {
                None => buffers.next(),
                Some(evaluator) => evaluator.next().await?,
            };
            let Some(Buffer { text, rows }) = next else {
                break;
            };
            if self.must_end() {
                // The sink is dropped unfinished, which rolls the copy back.
                return Ok(());
            }
            let bytes = text.len() as u64;
            if let Err(error) = copy::send(&mut sink, Bytes::from(text)).await {
                // The server's own words come at the end.
                let last = copy::finish(&mut sink).await.err();
                return Err(fail(
                    last.filter(|e| e.as_db_error().is_some()).unwrap_or(error),
                ));
            }
            self.progress.sent(rows, bytes);
        }
        copy::finish(&mut sink).await.map(drop).map_err(fail)
    }

    /// Runs one statement of a stage that counts statements, cancelling it when told to stop.
    async fn or_stop(
        &self,
        client: &Client,
        statement: impl Future<Output = Result<(), tokio_postgres::Error>>,
        doing: &str,
    ) -> Result<(), FillError> {
        let mut statement = pin!(statement);
        loop {
            tokio::select! {
                result = &mut statement => {
                    result.map_err(|error| self.explain(doing, error))?;
                    self.progress.advance(1);
                    return Ok(());
                }
                () = tokio::time::sleep(STOP_CHECK) => {
                    if self.must_end() {
                        // If it cannot be cancelled, it ends with the connection.
                        self.endpoint.cancel(&client.cancel_token()).await.ok();
                        return Ok(());
                    }
                }
            }
        }
    }
}
