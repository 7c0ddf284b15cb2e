//! What a shadow is made from: a server, and what its database held once the schema was loaded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::Client;

use super::events::{Event, Observer};
use super::stop::Stop;
use super::{Options, RehearsalError};
use crate::postgres::catalog::read_schema;
use crate::postgres::endpoint::Endpoint;
use crate::postgres::given::read_given;
use crate::scenario::Plan;
use crate::scenario::plan::Load;
use crate::schema::Schema;
use crate::shadow::fill::{FillOptions, FillProgress, FillSummary, fill};
use crate::shadow::{Server, ServerOptions, find_pg_bin};
use crate::synth::{FillPlan, GivenRows, TableSpec, wanted_rows};

/// Sessions of the tool's own beside the application's or the fill's: catalog, migration, lock sampler,
/// integrity, and some to spare for whoever looks at the shadow meanwhile.
const OWN_CONNECTIONS: u32 = 10;

/// A backend that waits for a lock does not notice that its client's instance was restarted, and keeps
/// its connection while the instance opens another: room for two restarts of every instance during one
/// lock. Production's own limit can be set in `[shadow.settings]`.
const RESTARTED: u32 = 3;

/// While an instance goes over to the next release, it has its connections once more.
const RELEASED: u32 = 1;

/// Who is told, and who may stop it.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Consumes the events.
    pub observer: &'a dyn Observer,
    /// The wish to stop.
    pub stop: &'a Stop,
}

/// What a database held once its schema was loaded.
pub(super) struct Loaded {
    pub(super) schema: Schema,
    /// Rows that the schema's files brought.
    pub(super) given: Vec<GivenRows>,
    /// What the loading said.
    pub(super) notes: Vec<String>,
}

impl Loaded {
    /// Reads what a database holds once its schema is loaded.
    pub(super) async fn read(
        client: &Client,
        plan: &Plan,
        notes: Vec<String>,
    ) -> Result<Self, RehearsalError> {
        let schema = read_schema(client).await?;
        let given = read_given(client, &wanted_rows(&schema, &tables(plan))).await?;
        Ok(Self {
            schema,
            given,
            notes,
        })
    }

    /// Decides what the tables will hold, or do hold.
    pub(super) fn plan_rows(&self, plan: &Plan) -> Result<Arc<FillPlan>, RehearsalError> {
        let mut planned = FillPlan::beside(&self.schema, &tables(plan), &self.given, plan.seed)?;
        planned
            .notes
            .extend(plan.statistics.strangers(&self.schema));
        Ok(Arc::new(planned))
    }

    /// Fills the tables, and tells how far it is.
    pub(super) async fn fill(
        &self,
        endpoint: Endpoint,
        rows: &Arc<FillPlan>,
        filling: Filling<'_>,
    ) -> Result<FillSummary, RehearsalError> {
        let progress = Arc::new(FillProgress::default());
        let observer = filling.around.observer;
        observer.event(Event::Filling(&progress));
        let stop = Arc::new(AtomicBool::new(false));
        let options = FillOptions {
            parallelism: filling.parallelism,
            progress: Arc::clone(&progress),
            stop: Arc::clone(&stop),
        };
        let filled = fill(endpoint, &self.schema, rows, options);
        tokio::pin!(filled);
        let filled = tokio::select! {
            filled = &mut filled => filled?,
            () = filling.around.stop.asked() => {
                stop.store(true, Ordering::Relaxed);
                // Its threads must be gone before the server is.
                let _ = filled.await;
                return Err(RehearsalError::Interrupted);
            }
        };
        observer.event(Event::Filled(&filled));
        Ok(filled)
    }
}

/// What a fill is done with.
#[derive(Clone, Copy)]
pub(super) struct Filling<'a> {
    /// Connections and threads that fill at once.
    pub(super) parallelism: usize,
    pub(super) around: Surroundings<'a>,
}

/// What the scenario says of its tables.
fn tables(plan: &Plan) -> BTreeMap<String, TableSpec> {
    plan.tables
        .iter()
        .map(|(name, table)| (name.clone(), table.fill.clone()))
        .collect()
}

pub(super) fn server_options(
    plan: &Plan,
    options: &Options,
) -> Result<ServerOptions, RehearsalError> {
    let application = match &plan.traffic.load {
        Load::Replay(replay) => replay.peak_sessions,
        Load::Open(_) | Load::Closed(_) => plan
            .application
            .instances
            .saturating_mul(plan.application.pool_size)
            .saturating_mul(times_connected(plan)),
    };
    // The fill and the application are never there at the same time.
    let most = application.max(FillOptions::most_sessions(options.parallelism));
    Ok(ServerOptions {
        pg_bin: find_pg_bin(options.pg_bin.as_deref())?,
        settings: plan.shadow.settings.clone(),
        connections: most.saturating_add(OWN_CONNECTIONS),
        keep: options.keep,
    })
}

/// How many times over the server may have an instance's connections.
fn times_connected(plan: &Plan) -> u32 {
    let lives = match plan.application.health_check {
        Some(_) => RESTARTED,
        None => 1,
    };
    match plan.release {
        Some(_) => lives + RELEASED,
        None => lives,
    }
}

/// Hands the way to end the server on, unless it is to end already.
pub(super) fn tell_started(
    server: &Server,
    around: Surroundings<'_>,
) -> Result<(), RehearsalError> {
    around
        .observer
        .event(Event::ServerStarted(&server.emergency()));
    match around.stop.is_set() {
        true => Err(RehearsalError::Interrupted),
        false => Ok(()),
    }
}
