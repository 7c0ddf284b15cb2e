//! The disturbances of a pass: sessions that do meanwhile what production does, each at its time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::RehearsalError;
use super::roster::Roster;
use crate::observe::Disturbance;
use crate::postgres::backends;
use crate::postgres::connect::{Session, connect_unlimited, describe};
use crate::postgres::disturbance as sql;
use crate::scenario::plan::{DisturbanceKind, DisturbancePlan};
use crate::schema::{RelationName, Schema};
use crate::traffic::Timeline;

/// How long a session that was cancelled may take to end; then it is left to the end of the server.
const END_LIMIT: Duration = Duration::from_secs(2);

/// The disturbances of a pass. Their sessions are open from the beginning; once the migration's start is known,
/// they come and go by themselves.
pub(super) struct Disturbances {
    timeline: Arc<Timeline>,
    sessions: Vec<Sitting>,
    /// Beside each, what is known of it from the start.
    running: Vec<(Disturbance, JoinHandle<Disturbance>)>,
    over: watch::Sender<bool>,
}

/// One disturbance and its session.
struct Sitting {
    plan: DisturbancePlan,
    tables: Vec<RelationName>,
    session: Session,
    pid: i32,
}

impl Disturbances {
    /// Opens their sessions, which the lock sampler knows from here on by the roster.
    ///
    /// # Errors
    /// A table that is not there; a server that does not answer.
    pub(super) async fn open(
        (plans, schema): (&[DisturbancePlan], &Schema),
        config: &Config,
        (roster, timeline): (&Roster, &Arc<Timeline>),
    ) -> Result<Self, RehearsalError> {
        let mut sessions = Vec::new();
        for plan in plans {
            let tables = tables(plan, schema)?;
            let session = connect_unlimited(config, &format!("pgrehearse {}", plan.kind)).await?;
            let pid = backends::own_pid(&session.client).await?;
            roster.disturbed_by(pid, plan.kind);
            sessions.push(Sitting {
                plan: plan.clone(),
                tables,
                session,
                pid,
            });
        }
        Ok(Self {
            timeline: Arc::clone(timeline),
            sessions,
            running: Vec::new(),
            over: watch::Sender::new(false),
        })
    }

    /// How long before the migration the first of them starts.
    pub(super) fn lead(&self) -> Duration {
        let leads = self
            .sessions
            .iter()
            .map(|sitting| sitting.plan.start.lead());
        leads.max().unwrap_or_default()
    }

    /// Lets each begin at its time, where the migration starts at `migration` on the timeline.
    pub(super) fn go(&mut self, migration: Duration) {
        for sitting in self.sessions.drain(..) {
            let begins = sitting.plan.start.from(migration);
            let timeline = Arc::clone(&self.timeline);
            let known = sitting.known();
            let running = tokio::spawn(sitting.run(begins, timeline, self.over.subscribe()));
            self.running.push((known, running));
        }
    }

    /// Ends those that still go on, and says what each did. Times are since `zero` on the timeline.
    pub(super) async fn finish(self, zero: Duration) -> Vec<Disturbance> {
        self.over.send_replace(true);
        let mut all = Vec::new();
        for (known, running) in self.running {
            let done = match tokio::time::timeout(END_LIMIT, running).await {
                Ok(Ok(done)) => done,
                Ok(Err(_)) | Err(_) => Disturbance {
                    error: Some("its session did not end when it was cancelled".to_owned()),
                    ..known
                },
            };
            all.push(Disturbance {
                start: done.start.map(|at| at.saturating_sub(zero)),
                end: done.end.map(|at| at.saturating_sub(zero)),
                ..done
            });
        }
        all
    }
}

/// The tables that a disturbance is about.
fn tables(plan: &DisturbancePlan, schema: &Schema) -> Result<Vec<RelationName>, RehearsalError> {
    match &plan.table {
        None => Ok(schema
            .tables
            .iter()
            .map(|table| table.name.clone())
            .collect()),
        Some(name) => match schema.table(name) {
            Some(table) => Ok(vec![table.name.clone()]),
            None => Err(RehearsalError::Disturbance {
                kind: plan.kind,
                table: name.clone(),
            }),
        },
    }
}

impl Sitting {
    /// What is known of it before it begins.
    fn known(&self) -> Disturbance {
        Disturbance {
            kind: self.plan.kind.to_string(),
            table: self.plan.table.clone(),
            start: None,
            end: None,
            pid: self.pid,
            error: None,
        }
    }

    async fn run(
        self,
        begins: Duration,
        timeline: Arc<Timeline>,
        mut over: watch::Receiver<bool>,
    ) -> Disturbance {
        let mut done = self.known();
        let whole = async {
            tokio::time::sleep(begins.saturating_sub(timeline.now())).await;
            let begun = *done.start.insert(timeline.now());
            self.disturb(&timeline, begun.saturating_add(self.plan.duration))
                .await
        };
        // A sender that is gone wants nothing more either.
        let ended = async { over.wait_for(|over| *over).await.is_ok() };
        let result = tokio::select! {
            result = whole => Some(result),
            _ = ended => None,
        };
        if result.is_none() {
            self.cancel().await;
        }
        done.end = done.start.map(|_| timeline.now());
        done.error = result.and_then(Result::err).map(|error| describe(&error));
        done
    }

    async fn disturb(&self, timeline: &Timeline, until: Duration) -> Result<(), Error> {
        let client = &self.session.client;
        let left = || until.saturating_sub(timeline.now());
        match self.plan.kind {
            DisturbanceKind::LongTransaction => {
                sql::read_in_transaction(client, &self.tables, true).await?;
                sql::work(client, left()).await?;
            }
            DisturbanceKind::IdleInTransaction => {
                sql::read_in_transaction(client, &self.tables, false).await?;
                tokio::time::sleep(left()).await;
            }
            DisturbanceKind::LongQuery => return sql::query(client, &self.tables, left()).await,
            DisturbanceKind::Dump => {
                sql::begin_dump(client, &self.tables).await?;
                match tokio::time::timeout(left(), dump(client, &self.tables)).await {
                    Ok(done) => done?,
                    Err(_) => self.cancel().await,
                }
            }
            DisturbanceKind::AntiWraparoundVacuum => {
                return self.vacuum(timeline, until).await;
            }
        }
        sql::end_transaction(client).await
    }

    /// A vacuum of a small table is over soon; then another begins.
    async fn vacuum(&self, timeline: &Timeline, until: Duration) -> Result<(), Error> {
        let client = &self.session.client;
        let Some(table) = self.tables.first() else {
            return Ok(());
        };
        loop {
            let left = until.saturating_sub(timeline.now());
            match tokio::time::timeout(left, sql::vacuum(client, table)).await {
                Ok(done) => done?,
                Err(_) => break,
            }
        }
        self.cancel().await;
        Ok(())
    }

    /// Ends the statement that runs. One that cannot be cancelled is on a server that is gone.
    async fn cancel(&self) {
        let _ = self.session.client.cancel_token().cancel_query(NoTls).await;
    }
}

/// Reads all tables, over and over.
async fn dump(client: &Client, tables: &[RelationName]) -> Result<(), Error> {
    loop {
        for table in tables {
            sql::dump_table(client, table).await?;
        }
        // An empty database is dumped at once; nothing else would be.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
