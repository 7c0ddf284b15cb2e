//! Makes a shadow ready: server, schema, rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::Config;

use super::events::{Event, Observer};
use super::stop::Stop;
use super::{Options, RehearsalError, ShadowFacts, TableSize};
use crate::postgres::catalog::read_schema;
use crate::postgres::connect::connect;
use crate::postgres::given::read_given;
use crate::postgres::sizes::table_sizes;
use crate::scenario::Plan;
use crate::schema::Schema;
use crate::shadow::fill::{FillOptions, FillProgress, FillSummary, fill};
use crate::shadow::{Durability, Server, ServerOptions, find_pg_bin, load_schema};
use crate::synth::{FillPlan, KeyBook, TableSpec, wanted_rows};

/// Sessions of the tool's own beside the application's: migration, lock sampler, integrity, and some
/// to spare for whoever looks at the shadow meanwhile.
const OWN_CONNECTIONS: u32 = 10;

/// Who is told, and who may stop it.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Consumes the events.
    pub observer: &'a dyn Observer,
    /// The wish to stop.
    pub stop: &'a Stop,
}

/// A running shadow.
pub(super) struct Shadow {
    pub(super) server: Server,
    pub(super) schema: Schema,
    pub(super) keys: KeyBook,
    pub(super) notes: Vec<String>,
    fill: Arc<FillPlan>,
}

impl Shadow {
    /// A server with the schema and its rows, in production's settings.
    pub(super) async fn prepare(
        plan: &Plan,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<(Self, FillSummary), RehearsalError> {
        let server = start(plan, options, around).await?;
        let mut shadow = Self::load(plan, server, Durability::Filling, around).await?;
        let filled = shadow.fill(options, around).await?;
        around
            .observer
            .event(Event::Preparing("restarting in production's settings"));
        shadow.server.restart(Durability::Production).await?;
        Ok((shadow, filled))
    }

    /// A server with the schema alone.
    pub(super) async fn bare(
        plan: &Plan,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<Self, RehearsalError> {
        let server = start(plan, options, around).await?;
        Self::load(plan, server, Durability::Production, around).await
    }

    /// Loads the schema and decides what the tables will hold.
    async fn load(
        plan: &Plan,
        mut server: Server,
        durability: Durability,
        around: Surroundings<'_>,
    ) -> Result<Self, RehearsalError> {
        if server.durability() != durability {
            server.restart(durability).await?;
        }
        around
            .observer
            .event(Event::Preparing("loading the schema"));
        let config = server.config();
        let loaded = tokio::select! {
            loaded = load_schema(&config, &plan.schema) => loaded?,
            () = around.stop.asked() => return Err(RehearsalError::Interrupted),
        };
        let session = connect(&config, "pgrehearse catalog").await?;
        let schema = read_schema(&session.client).await?;
        let tables: BTreeMap<String, TableSpec> = plan
            .tables
            .iter()
            .map(|(name, table)| (name.clone(), table.fill.clone()))
            .collect();
        let given = read_given(&session.client, &wanted_rows(&schema, &tables)).await?;
        let fill = Arc::new(FillPlan::beside(&schema, &tables, &given, plan.seed)?);
        let notes = loaded
            .notes
            .into_iter()
            .chain(plan.statistics.strangers(&schema))
            .chain(fill.notes.iter().cloned())
            .collect();
        Ok(Self {
            server,
            schema,
            keys: KeyBook::new(Arc::clone(&fill)),
            notes,
            fill,
        })
    }

    async fn fill(
        &self,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<FillSummary, RehearsalError> {
        let progress = Arc::new(FillProgress::default());
        around.observer.event(Event::Filling(&progress));
        let stop = Arc::new(AtomicBool::new(false));
        let fill_options = FillOptions {
            parallelism: options.parallelism,
            progress: Arc::clone(&progress),
            stop: Arc::clone(&stop),
        };
        let config = self.server.config();
        let filling = fill(&config, &self.schema, &self.fill, fill_options);
        tokio::pin!(filling);
        let filled = tokio::select! {
            filled = &mut filling => filled,
            () = around.stop.asked() => {
                stop.store(true, Ordering::Relaxed);
                // Its threads must be gone before the server is.
                let _ = filling.await;
                return Err(RehearsalError::Interrupted);
            }
        };
        let filled = filled?;
        around.observer.event(Event::Filled(&filled));
        Ok(filled)
    }

    pub(super) fn config(&self) -> Config {
        self.server.config()
    }

    /// The shadow as it is while measuring. What cannot be read is left out.
    pub(super) async fn facts(&self, plan: &Plan) -> ShadowFacts {
        let session = connect(&self.config(), "pgrehearse facts").await.ok();
        let names: Vec<String> = self
            .fill
            .tables
            .iter()
            .map(|table| table.name.to_string())
            .collect();
        let sizes = match &session {
            Some(session) => table_sizes(&session.client, &names)
                .await
                .unwrap_or_default(),
            None => Vec::new(),
        };
        let production = production_rows(plan, &self.schema);
        let tables = self.fill.tables.iter().map(|table| {
            let name = table.name.to_string();
            let bytes = sizes
                .iter()
                .find(|(sized, _)| *sized == name)
                .map(|(_, bytes)| *bytes);
            TableSize {
                rows: table.rows,
                production_rows: production.get(&name).copied().unwrap_or(table.rows),
                bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
                name,
            }
        });
        ShadowFacts {
            postgres_version: self.server.version().to_owned(),
            location: format!("embedded server in {}", self.server.directory().display()),
            settings: self.server.settings_shown().await.unwrap_or_default(),
            tables: tables.filter(|table| table.rows > 0).collect(),
        }
    }

    /// Ends the server. What goes wrong is of no consequence to what was measured, and dropping the
    /// server ends it by force.
    pub(super) async fn stop(self) {
        let _ = self.server.stop().await;
    }
}

async fn start(
    plan: &Plan,
    options: &Options,
    around: Surroundings<'_>,
) -> Result<Server, RehearsalError> {
    around
        .observer
        .event(Event::Preparing("starting PostgreSQL"));
    let application = plan
        .application
        .instances
        .saturating_mul(plan.application.pool_size);
    let server = Server::start(ServerOptions {
        pg_bin: find_pg_bin(options.pg_bin.as_deref())?,
        settings: plan.shadow.settings.clone(),
        connections: application.saturating_add(OWN_CONNECTIONS),
        keep: options.keep,
    })
    .await?;
    around
        .observer
        .event(Event::ServerStarted(&server.emergency()));
    match around.stop.is_set() {
        true => Err(RehearsalError::Interrupted),
        false => Ok(server),
    }
}

fn production_rows(plan: &Plan, schema: &Schema) -> BTreeMap<String, u64> {
    plan.tables
        .iter()
        .filter_map(|(name, table)| {
            Some((
                schema.table(name)?.name.to_string(),
                table.production_rows.0,
            ))
        })
        .collect()
}
