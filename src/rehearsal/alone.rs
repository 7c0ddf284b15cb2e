//! A fill by itself, on a server that is there already.

use std::time::Duration;

use tokio_postgres::Client;

use super::events::Event;
use super::loaded::{Filling, Loaded, Surroundings};
use super::{RehearsalError, TableSize};
use crate::postgres::sizes::table_sizes;
use crate::scenario::Plan;
use crate::shadow::fill::{FillError, FillSummary};
use crate::shadow::{ExistingOptions, ExistingShadow, load_schema_as_guest};
use crate::synth::FillPlan;
use crate::units::Span;

/// How long the opening of a database may go on after an interrupt.
const OPEN_LIMIT: Duration = Duration::from_millis(800);

/// What a fill by itself made.
#[derive(Debug)]
pub struct FilledDatabase {
    /// The database.
    pub shadow: ExistingShadow,
    /// What the fill did.
    pub summary: FillSummary,
    /// The filled tables.
    pub tables: Vec<TableSize>,
    /// What the user should know although nothing failed.
    pub notes: Vec<String>,
}

/// Why there is no filled database, and what became of the one that was begun.
#[derive(Debug, thiserror::Error)]
#[error("{error}{}", after(fate))]
pub struct Abandoned {
    /// Why.
    pub error: RehearsalError,
    /// What became of the database; empty where nothing was changed.
    pub fate: String,
}

fn after(fate: &str) -> String {
    match fate {
        "" => String::new(),
        fate => format!("\n  {fate}"),
    }
}

/// Opens or creates the database, loads the schema unless it is there, and fills its tables. A database
/// that it created and could not fill is dropped again, also after an interrupt.
///
/// # Errors
/// The guards' refusals, what the schema or the scenario has wrong, what the server refuses.
pub async fn fill_existing(
    plan: &Plan,
    options: ExistingOptions,
    parallelism: usize,
    around: Surroundings<'_>,
) -> Result<FilledDatabase, Abandoned> {
    let untouched = |error| Abandoned {
        error,
        fate: String::new(),
    };
    around
        .observer
        .event(Event::Preparing("looking at the server"));
    let at = options.endpoint.to_string();
    let opening = ExistingShadow::open(options);
    tokio::pin!(opening);
    let opened = tokio::select! {
        opened = &mut opening => opened.map_err(|error| untouched(error.into())),
        () = around.stop.asked() => {
            // It may be creating the database just now, and then knows best how to undo it.
            return Err(match tokio::time::timeout(OPEN_LIMIT, opening).await {
                Ok(Ok(shadow)) => abandon(shadow, RehearsalError::Interrupted).await,
                Ok(Err(_)) => untouched(RehearsalError::Interrupted),
                Err(_) => Abandoned {
                    error: RehearsalError::Interrupted,
                    fate: format!(
                        "{at} had not answered {} later: a database that it was creating just then stays, empty, until you drop it",
                        Span(OPEN_LIMIT)
                    ),
                },
            });
        }
    };
    let shadow = opened?;
    let filling = Filling {
        parallelism,
        around,
    };
    match fill_shadow(plan, &shadow, filling).await {
        Ok((summary, tables, notes)) => Ok(FilledDatabase {
            shadow,
            summary,
            tables,
            notes,
        }),
        Err(error) => Err(abandon(shadow, error).await),
    }
}

type Filled = (FillSummary, Vec<TableSize>, Vec<String>);

async fn fill_shadow(
    plan: &Plan,
    shadow: &ExistingShadow,
    filling: Filling<'_>,
) -> Result<Filled, RehearsalError> {
    let around = filling.around;
    let endpoint = shadow.endpoint();
    let notes = tokio::select! {
        loaded = load(plan, shadow, around) => loaded?,
        () = around.stop.asked() => return Err(RehearsalError::Interrupted),
    };
    let session = endpoint.connect("pgrehearse catalog").await?;
    let loaded = Loaded::read(&session.client, plan, notes).await?;
    let rows = loaded.plan_rows(plan)?;
    let summary = loaded.fill(endpoint.clone(), &rows, filling).await?;
    let tables = sizes(&session.client, &rows).await?;
    let notes = loaded.notes.iter().chain(&summary.notes).cloned().collect();
    Ok((summary, tables, notes))
}

/// Loads the schema, unless the database has it; what is said of it.
async fn load(
    plan: &Plan,
    shadow: &ExistingShadow,
    around: Surroundings<'_>,
) -> Result<Vec<String>, RehearsalError> {
    if shadow.has_tables() {
        let note = "the database had its tables already: they were filled as they are";
        return Ok(vec![note.to_owned()]);
    }
    around
        .observer
        .event(Event::Preparing("loading the schema"));
    Ok(load_schema_as_guest(shadow.endpoint(), &plan.schema)
        .await?
        .notes)
}

async fn sizes(client: &Client, rows: &FillPlan) -> Result<Vec<TableSize>, RehearsalError> {
    let filled = || rows.tables.iter().filter(|table| table.rows > 0);
    let names: Vec<String> = filled().map(|table| table.name.to_string()).collect();
    let sizes = table_sizes(client, &names).await?;
    let size = |name: &str| {
        let (_, bytes) = sizes.iter().find(|(sized, _)| sized == name)?;
        u64::try_from(*bytes).ok()
    };
    Ok(filled()
        .map(|table| {
            let name = table.name.to_string();
            TableSize {
                bytes: size(&name),
                rows: table.rows,
                production_rows: table.rows,
                name,
            }
        })
        .collect())
}

/// Drops what was created, and says what became of it.
async fn abandon(shadow: ExistingShadow, error: RehearsalError) -> Abandoned {
    let database = shadow.identity().database.clone();
    let at = shadow.endpoint().to_string();
    let fate = match shadow.discard().await {
        Ok(true) => {
            format!("the database `{database}`, which was created for the fill, is dropped again")
        }
        Ok(false) => format!(
            "the database `{database}` was there before and is left as it is now: fill it again with --replace, which drops it and makes it anew"
        ),
        Err(refused) => format!(
            "the database `{database}` could not be dropped ({refused}): do it by hand, at {at}"
        ),
    };
    let error = match error {
        // Of a database that is gone, nobody needs to know the state.
        RehearsalError::Fill(
            FillError::Unfinished { error, .. } | FillError::Untouched { error },
        ) if fate.ends_with("again") => RehearsalError::Fill(*error),
        other => other,
    };
    Abandoned { error, fate }
}
