//! The threads that fill: each with its own event loop and connection, taking jobs from one queue.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::postgres::connect::Session;
use crate::postgres::endpoint::Endpoint;
use crate::postgres::{copy, settle};
use crate::schema::{RelationName, Schema};
use crate::synth::FillPlan;

use super::suspension::Build;
use super::{FillError, FillOptions, FillProgress};

/// One piece of work.
#[derive(Debug, Clone)]
pub(super) enum Job {
    /// Write these rows of the plan's table.
    Copy { table: usize, rows: Range<u64> },
    /// Build an index, or validate a foreign key.
    Build(Build),
    /// Vacuum and analyze this table.
    Settle(RelationName),
}

/// Bytes after which a buffer is sent. A worker has two at most: one being made, one being sent.
const BUFFER: usize = 256 * 1024;

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

type Queue = Arc<Mutex<VecDeque<Job>>>;

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

    /// A session that fills, and whether foreign keys and triggers are off in it.
    pub(super) async fn connect(&self) -> Result<(Session, bool), FillError> {
        let connected = self.endpoint.connect("pgrehearse fill").await;
        let session = connected.map_err(FillError::Connect)?;
        let prepared = copy::prepare_session(&session.client).await;
        let replica =
            prepared.map_err(|error| self.explain("preparing a session of the fill", error))?;
        Ok((session, replica))
    }

    /// Does all jobs, in the order of the queue, on as many threads as there may be.
    pub(super) async fn run(&self, jobs: VecDeque<Job>) -> Result<(), FillError> {
        let halt = Arc::new(AtomicBool::new(false));
        let _guard = HaltOnDrop(Arc::clone(&halt));
        let workers = self.parallelism.min(jobs.len());
        let queue: Queue = Arc::new(Mutex::new(jobs));
        let (report, mut reports) = mpsc::channel(workers.max(1));
        for number in 0..workers {
            let crew = Self {
                halt: Arc::clone(&halt),
                ..self.clone()
            };
            let queue = Arc::clone(&queue);
            let report = report.clone();
            std::thread::Builder::new()
                .name(format!("fill-{number}"))
                .spawn(move || {
                    let result = crew.work_on_thread(&queue);
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

    fn work_on_thread(&self, queue: &Queue) -> Result<(), FillError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.work(queue))
    }

    async fn work(&self, queue: &Queue) -> Result<(), FillError> {
        let (session, _) = self.connect().await?;
        let client = &session.client;
        loop {
            if self.must_end() {
                return Ok(());
            }
            let next = queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            match next {
                None => return Ok(()),
                Some(Job::Copy { table, rows }) => self.copy(client, table, rows).await?,
                Some(Job::Build(Build { doing, sql })) => {
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
    }

    fn must_end(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.halt.load(Ordering::Acquire)
    }

    async fn copy(&self, client: &Client, table: usize, rows: Range<u64>) -> Result<(), FillError> {
        let Some(planned) = self.plan.tables.get(table) else {
            return Ok(());
        };
        let fail = |error| self.explain(&format!("filling {}", planned.name), error);
        let columns: Vec<String> = planned.columns.iter().map(|c| c.name.clone()).collect();
        let statement = copy::copy_statement(&planned.name, &columns);
        let sink = copy::begin(client, &statement).await.map_err(fail)?;
        let mut sink = pin!(sink);
        let mut from = rows.start;
        while from < rows.end {
            if self.must_end() {
                // The sink is dropped unfinished, which rolls the chunk back.
                return Ok(());
            }
            let mut buffer = Vec::with_capacity(BUFFER + BUFFER / 8);
            let to = planned.encode(from..rows.end, BUFFER, &mut buffer);
            if let Err(error) = copy::send(&mut sink, Bytes::from(buffer)).await {
                // The server's own words come at the end.
                let last = copy::finish(&mut sink).await.err();
                return Err(fail(
                    last.filter(|e| e.as_db_error().is_some()).unwrap_or(error),
                ));
            }
            self.progress.advance(to - from);
            from = to;
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
