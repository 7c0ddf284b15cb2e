//! Runs the migration without traffic at several sizes, for the forecast.

use super::events::Event;
use std::thread::available_parallelism;

use super::ground::Ground;
use super::loaded::Surroundings;
use super::prepare::Shadow;
use super::roster::Roster;
use super::runner;
use super::{Options, RehearsalError, Rehearsed, TableSize};
use crate::judge;
use crate::judge::forecast::{Trial, project};
use crate::observe::{Forecast, Migration, MigrationOutcome, Pass};
use crate::postgres::connect::connect_unlimited;
use crate::postgres::forecast::{
    BuildMemory, be_alone, build_memory, set_build_memory, set_build_workers,
};
use crate::scenario::Plan;
use crate::schema::Schema;
use crate::traffic::Timeline;
use crate::units::{Bytes, Rows};

/// The sizes that the migration is run at, as shares of the shadow's rows. The smallest first: where the time is cut
/// short, the most points are there. Each is twice the one before it, so that a line and n·log n lie apart.
const SIZES: [f64; 5] = [0.0625, 0.125, 0.25, 0.5, 1.0];

/// How often it is run at each size. What else a machine does only adds to a time, so the least counts.
const ROUNDS: usize = 2;

/// What a key takes in a hash table: its entry of some 50 bytes, and the bucket that points to it.
const BYTES_OF_A_KEY: u64 = 64;

/// How a forecast is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Sizes {
    /// Shares of the plan's rows.
    pub shares: Vec<f64>,
    /// Runs at each.
    pub rounds: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            shares: SIZES.to_vec(),
            rounds: ROUNDS,
        }
    }
}

/// What was measured for a forecast.
#[derive(Debug, Default)]
pub struct Trials {
    /// The runs of the migration.
    pub runs: Vec<Trial>,
    /// What the user should know of them.
    pub notes: Vec<String>,
}

impl Trials {
    /// A note is told once, however often it is true.
    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Whether the plan asks for a forecast, as far as it says how many rows production has.
pub(super) fn may_be_wanted(plan: &Plan) -> bool {
    let mut tables = plan.tables.values();
    let is_smaller = tables.any(|table| table.production_rows > Rows(table.fill.rows));
    plan.trials.forecast || plan.limits.forecast && is_smaller
}

/// What the plan's migration needs at production's size, beside the runs that it was measured in. None where nobody
/// asks for it, where production is no larger, or where the migration failed in a pass: then there is nothing to
/// foresee. No runs: it was tried, and could not be told.
pub(super) async fn forecasts(
    plan: &Plan,
    options: &Options,
    (around, found): (Surroundings<'_>, &Rehearsed),
) -> Option<(Vec<Forecast>, Trials)> {
    let applied = |pass: &Pass| {
        let migration = pass.migration.as_ref();
        migration.is_some_and(|migration| migration.outcome == MigrationOutcome::Applied)
    };
    let is_larger = |table: &TableSize| table.production_rows > table.rows;
    let is_wanted =
        plan.trials.forecast || plan.limits.forecast && found.shadow.tables.iter().any(is_larger);
    let mut passes = found
        .passes
        .iter()
        .filter(|pass| pass.name.is_of_the_migration());
    if !is_wanted || !passes.all(applied) {
        return None;
    }
    let trials = trials(plan, options, (around, &Sizes::default())).await;
    Some((project(&trials.runs, &found.passes), trials))
}

/// Runs the plan's migration at each of the sizes, each time on data of its own. One round after the other, so that a
/// machine that becomes slower meanwhile is slower at all sizes. What cannot be run is noted; a migration that fails
/// ends it, and so does the stop, with what was measured until then.
pub async fn trials(
    plan: &Plan,
    options: &Options,
    (around, sizes): (Surroundings<'_>, &Sizes),
) -> Trials {
    let mut trials = Trials::default();
    let ended = async {
        let schema = schema(plan, options, around).await?;
        let first = rounds((plan, &schema), options, (around, sizes), &mut trials).await;
        match first {
            // What can be filled at the scenario's size may not be at production's: then all are scaled alike.
            Err(error) if error.is_of_the_fill() && trials.runs.is_empty() => {
                trials.note(format!(
                    "forecast: the tables that larger ones refer to could not be filled as in production ({error}), and \
                     have fewer rows like the others: a foreign key's check may take longer than foreseen"
                ));
                let alike = Schema::default();
                rounds((plan, &alike), options, (around, sizes), &mut trials).await
            }
            ended => ended,
        }
    };
    match ended.await {
        Ok(()) | Err(RehearsalError::Interrupted) => {}
        Err(error) => trials.note(format!("the forecast ended early: {error}")),
    }
    trials
}

async fn rounds(
    (plan, schema): (&Plan, &Schema),
    options: &Options,
    (around, sizes): (Surroundings<'_>, &Sizes),
    trials: &mut Trials,
) -> Result<(), RehearsalError> {
    for round in 0..sizes.rounds {
        for share in &sizes.shares {
            if around.stop.is_set() {
                return Ok(());
            }
            let scaled = plan.at_share(*share, schema);
            let message = format!(
                "forecast, run {} of {}: the migration alone at {} of the rows",
                round * sizes.shares.len() + trials_in_round(sizes, *share),
                sizes.rounds * sizes.shares.len(),
                judge::wording::percent(*share)
            );
            around.observer.event(Event::Preparing(&message));
            let run = trial(&scaled, options, (around, trials)).await?;
            if run.is_whole() {
                trials.runs.push(run);
            } else {
                if !around.stop.is_set() {
                    trials.note(ended_early(&run.migration, *share));
                }
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The schema, which says what tables refer to each other.
async fn schema(
    plan: &Plan,
    options: &Options,
    around: Surroundings<'_>,
) -> Result<Schema, RehearsalError> {
    let shadow = Shadow::bare(plan, options, around).await?;
    let schema = shadow.loaded.schema.clone();
    shadow.stop().await;
    Ok(schema)
}

/// That a run of the migration did not come to its end.
fn ended_early(migration: &Migration, share: f64) -> String {
    let why = match migration.outcome {
        MigrationOutcome::Aborted => "the migration was stopped before its end".to_owned(),
        _ => judge::failure(migration),
    };
    format!(
        "the forecast ended early: with {} of the rows {why}",
        judge::wording::percent(share)
    )
}

fn trials_in_round(sizes: &Sizes, share: f64) -> usize {
    let place = sizes.shares.iter().position(|other| *other == share);
    place.unwrap_or_default() + 1
}

/// Runs the migration once on a shadow of its own.
async fn trial(
    plan: &Plan,
    options: &Options,
    (around, trials): (Surroundings<'_>, &mut Trials),
) -> Result<Trial, RehearsalError> {
    let (shadow, _) = Shadow::prepare(plan, options, around).await?;
    let run = on(&shadow, plan, (around, trials)).await;
    shadow.stop().await;
    run
}

async fn on(
    shadow: &Shadow,
    plan: &Plan,
    (around, trials): (Surroundings<'_>, &mut Trials),
) -> Result<Trial, RehearsalError> {
    let config = shadow.config();
    let tables = shadow.facts(plan).await.tables;
    let session = connect_unlimited(&config, "pgrehearse forecast").await?;
    in_proportion(&session.client, &tables, trials).await?;
    be_alone(&session.client).await?;
    // It has served; what ends it is of no consequence.
    let _ = session.close().await;
    let roster = Roster::default();
    let ground = Ground {
        config: &config,
        timeline: &Timeline::new(),
        roster: &roster,
        around,
        abort: None,
    };
    let migration = runner::run(ground, &plan.migration, plan.limits.migration_time).await;
    let tables = tables.iter().map(size).collect();
    Ok(Trial::new(tables, migration, &roster.starved()))
}

/// Gives index builds as much less memory as there are fewer rows than in production, so that they sort in as many
/// passes as there, and as many workers.
async fn in_proportion(
    client: &tokio_postgres::Client,
    tables: &[TableSize],
    trials: &mut Trials,
) -> Result<(), RehearsalError> {
    let Some(largest) = tables.iter().max_by_key(|table| table.production_rows) else {
        return Ok(());
    };
    let BuildMemory { kilobytes, least } = build_memory(client).await?;
    let share = largest.rows as f64 / largest.production_rows.max(1) as f64;
    if share >= 1.0 {
        return Ok(());
    }
    let wanted = (kilobytes as f64 * share) as i64;
    // What is there in full needs what it needs in production: a foreign key's check has maintenance_work_mem as well.
    let whole = tables
        .iter()
        .filter(|table| table.rows >= table.production_rows);
    let whole = whole.map(|table| table.rows).max().unwrap_or(0);
    let whole = i64::try_from(whole.saturating_mul(BYTES_OF_A_KEY) / 1024).unwrap_or(i64::MAX);
    let given = wanted.max(least).max(whole).min(kilobytes);
    if given > wanted {
        let (kilobytes, given) = (kibibytes(kilobytes), kibibytes(given));
        trials.note(format!(
            "forecast: index builds at the smaller sizes had more memory than in proportion to production's \
             maintenance_work_mem of {kilobytes} (never less than {given}), so production's may take longer than \
             foreseen: give {} more rows in the shadow",
            largest.name
        ));
    }
    let ratios = tables
        .iter()
        .filter(|table| table.production_rows > table.rows && table.rows > 0)
        .map(|table| {
            let ratio = table.production_rows as f64 / table.rows as f64;
            (table.name.clone(), ratio)
        });
    let ratios: Vec<(String, f64)> = ratios.collect();
    // A worker without a processor of its own takes it from the others.
    let most = available_parallelism().map_or(1, usize::from) - 1;
    set_build_workers(client, &ratios, (kilobytes, most)).await?;
    set_build_memory(client, given).await?;
    Ok(())
}

fn kibibytes(count: i64) -> Bytes {
    Bytes(u64::try_from(count).unwrap_or(0) * 1024)
}

fn size(table: &TableSize) -> judge::TableSize {
    judge::TableSize {
        name: table.name.clone(),
        rows: Rows(table.rows),
        production_rows: Rows(table.production_rows),
    }
}
