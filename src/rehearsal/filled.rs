//! Filled databases that are kept for the next run of the same scenario.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use super::events::Event;
use super::loaded::{Loaded, Surroundings, server_options, tell_started};
use super::{FillFacts, Options, RehearsalError};
use crate::scenario::Plan;
use crate::shadow::cache::{CacheKey, CachedFill, FillCache, Ingredients, Manifest};
use crate::shadow::{Server, ServerError, postgres_build};
use crate::units::{Bytes, Rows};

/// The cache, and the name that the plan's filled database has there.
pub(super) struct Kept {
    cache: FillCache,
    key: CacheKey,
    build: String,
}

/// A server on a copy of a kept database.
pub(super) struct Restored {
    pub(super) server: Server,
    pub(super) loaded: Loaded,
    pub(super) facts: FillFacts,
}

impl Kept {
    /// None where the cache is not to be used or cannot be.
    pub(super) fn of(plan: &Plan, options: &Options) -> Result<Option<Self>, RehearsalError> {
        let Some(cache) = options.cache.clone() else {
            return Ok(None);
        };
        let build = postgres_build(options.pg_bin.as_deref())?;
        let key = key(plan, &build);
        Ok(Some(Self { cache, key, build }))
    }

    /// A server on a copy of the database, if there is one. An entry that cannot be used is removed, and the
    /// database is filled again.
    pub(super) async fn restore(
        &self,
        plan: &Plan,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<Option<Restored>, RehearsalError> {
        let Some(cached) = self.cache.find(&self.key) else {
            return Ok(None);
        };
        around.observer.event(Event::Preparing(
            "copying the filled database from the cache",
        ));
        let begun = Instant::now();
        let stopped = || around.stop.is_set();
        let restored = Server::restore(server_options(plan, options)?, &cached, &stopped).await;
        let server = match restored {
            Ok(server) => server,
            Err(_) if stopped() => return Err(RehearsalError::Interrupted),
            Err(error) if !is_of_the_copy(&error) => return Err(error.into()),
            Err(error) => {
                self.drop_entry(cached, &error.to_string(), around);
                return Ok(None);
            }
        };
        let facts = FillFacts {
            rows: cached.manifest.rows.0,
            duration: begun.elapsed(),
            cached: true,
            ready: begun.elapsed(),
        };
        tell_started(&server, around)?;
        let Manifest {
            schema,
            given,
            notes,
            ..
        } = cached.manifest;
        Ok(Some(Restored {
            server,
            loaded: Loaded {
                schema,
                given,
                notes,
            },
            facts,
        }))
    }

    fn drop_entry(&self, cached: CachedFill, why: &str, around: Surroundings<'_>) {
        self.cache.remove(cached);
        let note = format!("the cached database cannot be used and is filled again: {why}");
        around.observer.event(Event::Note(&note));
    }

    /// What to keep beside the data.
    pub(super) fn manifest(&self, plan: &Plan, loaded: &Loaded, rows: u64) -> Manifest {
        Manifest {
            key: self.key.name().to_owned(),
            scenario: plan.name.clone(),
            postgres: self.build.clone(),
            rows: Rows(rows),
            bytes: Bytes(0),
            schema: loaded.schema.clone(),
            given: loaded.given.clone(),
            notes: loaded.notes.clone(),
        }
    }

    /// Keeps the data of a server that is down. That it cannot is no error: the next run fills again.
    pub(super) fn keep(&self, data: &Path, manifest: &Manifest, around: Surroundings<'_>) {
        around.observer.event(Event::Preparing(
            "keeping the filled database for the next run",
        ));
        let stopped = || around.stop.is_set();
        if let Err(error) = self.cache.keep(data, manifest, &stopped)
            && !stopped()
        {
            around.observer.event(Event::Note(&error.to_string()));
        }
    }
}

/// Whether a kept database is to blame, and not the place that it was copied to.
fn is_of_the_copy(error: &ServerError) -> bool {
    match error {
        ServerError::File { source, .. } => !matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        ),
        ServerError::Start { .. } | ServerError::NotRunning { .. } => true,
        _ => false,
    }
}

/// All that decides what a filled database holds.
fn key(plan: &Plan, build: &str) -> CacheKey {
    let mut all = Ingredients::default();
    all.add("postgres", build);
    all.add("seed", &plan.seed.to_string());
    for (name, value) in &plan.shadow.settings {
        all.add(name, value);
    }
    for file in &plan.schema {
        all.add("schema", &file.text);
    }
    for (name, table) in &plan.tables {
        all.add(name, &format!("{:?}", table.fill));
    }
    all.key()
}
