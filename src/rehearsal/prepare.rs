//! Makes a shadow ready: server, schema, rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio_postgres::Config;

use super::events::Event;
use super::filled::Kept;
use super::loaded::{Filling, Loaded, Surroundings, server_options, tell_started};
use super::{FillFacts, Options, RehearsalError, ShadowFacts, TableSize};
use crate::postgres::connect::connect_unlimited;
use crate::postgres::ground::read_ground;
use crate::postgres::sizes::table_sizes;
use crate::scenario::Plan;
use crate::schema::Schema;
use crate::shadow::{Durability, Server, load_schema};
use crate::sql::Ground;
use crate::synth::{EVERY_TABLE, FillPlan, KeyBook, TablePlan, TableStatistics};

/// A running shadow.
pub(super) struct Shadow {
    pub(super) server: Server,
    pub(super) loaded: Loaded,
    pub(super) keys: KeyBook,
    fill: Arc<FillPlan>,
}

impl Shadow {
    /// A server with the schema and its rows, in production's settings.
    pub(super) async fn prepare(
        plan: &Plan,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<(Self, FillFacts), RehearsalError> {
        let kept = Kept::of(plan, options)?;
        if let Some(kept) = &kept
            && let Some(restored) = kept.restore(plan, options, around).await?
        {
            let shadow = Self::new(plan, restored.server, restored.loaded)?;
            return Ok((shadow, restored.facts));
        }
        let mut shadow = Self::load(plan, options, Durability::Filling, around).await?;
        let filled = shadow.fill(options, around).await;
        let filled = filled.map_err(|error| shadow.with_last_words(error))?;
        let manifest = kept
            .as_ref()
            .map(|kept| kept.manifest(plan, &shadow.loaded, shadow.fill.rows()));
        around
            .observer
            .event(Event::Preparing("restarting in production's settings"));
        let keep = |data: &Path| {
            if let Some((kept, manifest)) = kept.as_ref().zip(manifest.as_ref()) {
                kept.keep(data, manifest, around);
            }
        };
        shadow
            .server
            .restart_after(Durability::Production, keep)
            .await?;
        Ok((shadow, filled))
    }

    /// A server with the schema alone.
    pub(super) async fn bare(
        plan: &Plan,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<Self, RehearsalError> {
        Self::load(plan, options, Durability::Production, around).await
    }

    /// Starts a server, loads the schema and decides what the tables will hold.
    async fn load(
        plan: &Plan,
        options: &Options,
        durability: Durability,
        around: Surroundings<'_>,
    ) -> Result<Self, RehearsalError> {
        around
            .observer
            .event(Event::Preparing("starting PostgreSQL"));
        let server = Server::start_as(server_options(plan, options)?, durability).await?;
        tell_started(&server, around)?;
        around
            .observer
            .event(Event::Preparing("loading the schema"));
        let config = server.config();
        let summary = tokio::select! {
            summary = load_schema(&config, &plan.schema) => summary?,
            () = around.stop.asked() => return Err(RehearsalError::Interrupted),
        };
        let session = connect_unlimited(&config, "pgrehearse catalog").await?;
        let loaded = Loaded::read(&session.client, plan, summary.notes).await?;
        Self::new(plan, server, loaded)
    }

    /// A server whose database has the schema, with what its tables hold or will hold.
    fn new(plan: &Plan, server: Server, loaded: Loaded) -> Result<Self, RehearsalError> {
        let fill = loaded.plan_rows(plan)?;
        Ok(Self {
            server,
            keys: KeyBook::new(Arc::clone(&fill)),
            loaded,
            fill,
        })
    }

    async fn fill(
        &self,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<FillFacts, RehearsalError> {
        let filling = Filling {
            parallelism: options.parallelism,
            around,
        };
        let endpoint = (&self.server.config()).into();
        let filled = self.loaded.fill(endpoint, &self.fill, filling).await?;
        Ok(FillFacts {
            rows: filled.rows,
            duration: filled.duration(),
            cached: false,
            ready: filled.duration(),
        })
    }

    /// A failed fill with the server's own account, where that is what failed.
    fn with_last_words(&self, error: RehearsalError) -> RehearsalError {
        match (error, self.server.last_words()) {
            (RehearsalError::Fill(error), Some(log)) => RehearsalError::Breakdown {
                error: Box::new(error),
                log,
            },
            (error, _) => error,
        }
    }

    /// What the user should know of the schema and the rows.
    pub(super) fn notes(&self) -> Vec<String> {
        let planned = self.fill.notes.iter();
        self.loaded.notes.iter().chain(planned).cloned().collect()
    }

    /// The tables that have rows, as they were planned.
    pub(super) fn planned_rows(&self) -> impl Iterator<Item = &TablePlan> {
        self.fill.with_rows()
    }

    pub(super) fn config(&self) -> Config {
        self.server.config()
    }

    /// What is known of it for a rewriting of the migration; none where it cannot be read.
    pub(super) async fn ground(&self) -> Option<Ground> {
        let session = connect_unlimited(&self.config(), "pgrehearse catalog")
            .await
            .ok()?;
        let schema = self.loaded.schema.clone();
        read_ground(&session.client, schema).await.ok()
    }

    /// The shadow as it is while measuring. What cannot be read is left out.
    pub(super) async fn facts(&self, plan: &Plan) -> ShadowFacts {
        let session = connect_unlimited(&self.config(), "pgrehearse facts")
            .await
            .ok();
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
        let production = production_rows(plan, &self.loaded.schema);
        let tables = self.fill.tables.iter().map(|table| {
            let name = table.name.to_string();
            let bytes = sizes
                .iter()
                .find(|(sized, _)| *sized == name)
                .map(|(_, bytes)| *bytes);
            TableSize {
                rows: table.rows,
                production_rows: match production.get(&name) {
                    Some(rows) => *rows,
                    None => unnamed_production_rows(plan, &name, table.rows),
                },
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

/// The production's rows of a table that the scenario does not name and that has `rows` here: the
/// captured ones. One that cannot hold as many as others has no more in production either.
fn unnamed_production_rows(plan: &Plan, name: &str, rows: u64) -> u64 {
    let captured = plan.statistics.table(name);
    if let Some(captured) = captured.and_then(TableStatistics::known_rows) {
        return captured.0;
    }
    match plan.tables.get(EVERY_TABLE) {
        Some(every) if every.fill.rows == rows => every.production_rows.0,
        _ => rows,
    }
}
