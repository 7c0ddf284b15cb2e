//! One rehearsal from plan to report.

use super::Shared;
use super::cache;
use super::environment;
use super::failure::Failure;
use super::interrupt::{self, Emergency};
use super::load::Loaded;
use super::progress::Progress;
use crate::judge::{self, Context, Verdict};
use crate::observe::{Integrity, Pass};
use crate::rehearsal::{
    self, Options, RehearsalError, ShadowFacts, Stop, Surroundings, stop_switch,
};
use crate::report::{Environment, Fill, Report, Table, Tool};
use crate::scenario::Plan;
use crate::units::Rows;

/// What all rehearsals of a command share: the signals, the progress, the runtime.
pub(super) struct Workshop {
    runtime: tokio::runtime::Runtime,
    progress: Progress,
    stop: Stop,
    options: Options,
}

impl Workshop {
    /// Sets up signals and progress. The runtime runs on this thread, the main one: the server dies
    /// with the thread that started it, so that must be one that lives as long as the command.
    pub(super) fn new(shared: &Shared) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::could_not_run)?;
        let (switch, stop) = stop_switch();
        let emergency = Emergency::default();
        interrupt::heed(
            switch,
            emergency.clone(),
            "what was measured will be reported",
        )
        .map_err(Failure::could_not_run)?;
        let options = Options {
            pg_bin: shared.pg_bin.clone(),
            keep: shared.keep,
            parallelism: environment::cpus(),
            cache: match shared.no_cache {
                true => None,
                false => cache::of_user()?,
            },
        };
        Ok(Self {
            runtime,
            progress: Progress::new(shared.quiet, emergency),
            stop,
            options,
        })
    }

    /// Whether the user asked to stop.
    pub(super) fn stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Rehearses and judges.
    pub(super) fn rehearse(&self, loaded: &Loaded) -> Result<Report, Failure> {
        let plan = &loaded.plan;
        self.progress
            .begin(&format!("{}: {}", plan.name, plan.migration.file));
        let rehearsed =
            self.runtime
                .block_on(rehearsal::rehearse(plan, &self.options, self.around()));
        self.progress.clear();
        let rehearsed = rehearsed.map_err(failure)?;
        let passes = vec![rehearsed.pass];
        let context = Context {
            rate: Some(plan.traffic.rate),
            tables: scales(&rehearsed.shadow),
            // A scenario that asks for disturbances is refused; none is made yet.
            disturbances_given: false,
            forecast_made: false,
            integrity: rehearsed.integrity,
            interrupted: rehearsed.interrupted,
        };
        let verdict = judge::judge(&plan.limits, &passes, &context);
        let measured = Measured {
            passes,
            integrity: context.integrity,
            verdict,
        };
        let mut report = report(plan, &rehearsed.shadow, measured)?;
        report.fill = Some(Fill {
            rows: rehearsed.fill.rows,
            duration: rehearsed.fill.duration,
            cached: rehearsed.fill.cached,
            ready: rehearsed.fill.ready,
        });
        report.notes = rehearsed.notes;
        report.interrupted = rehearsed.interrupted;
        Ok(report)
    }

    /// Checks on the bare schema.
    pub(super) fn check(&self, loaded: &Loaded) -> Result<Report, Failure> {
        let plan = &loaded.plan;
        let checked = self
            .runtime
            .block_on(rehearsal::check(plan, &self.options, self.around()));
        self.progress.clear();
        let checked = checked.map_err(failure)?;
        let verdict = judge::judge_check(&checked.migration, &checked.broken, &checked.integrity);
        let passes = vec![Pass::check(checked.migration)];
        let measured = Measured {
            passes,
            integrity: checked.integrity,
            verdict,
        };
        let mut report = report(plan, &checked.shadow, measured)?;
        report.broken_statements = checked.broken;
        report.notes = checked.notes;
        Ok(report)
    }

    fn around(&self) -> Surroundings<'_> {
        Surroundings {
            observer: &self.progress,
            stop: &self.stop,
        }
    }
}

/// Errors of the scenario's own are the user's to mend; the others are the machine's.
fn failure(error: RehearsalError) -> Failure {
    match error {
        RehearsalError::Interrupted => Failure::Interrupted,
        RehearsalError::Synth(_) | RehearsalError::Invariant { .. } => Failure::usage(error),
        RehearsalError::Traffic(error) if error.is_the_scenarios() => Failure::usage(error),
        other => Failure::could_not_run(other),
    }
}

/// What a rehearsal or a check found, before it is a report.
struct Measured {
    passes: Vec<Pass>,
    integrity: Integrity,
    verdict: Verdict,
}

fn report(plan: &Plan, shadow: &ShadowFacts, measured: Measured) -> Result<Report, Failure> {
    let Measured {
        passes,
        integrity,
        verdict,
    } = measured;
    Ok(Report {
        format_version: Report::FORMAT_VERSION,
        tool: Tool::this(),
        environment: Environment {
            postgres_version: shadow.postgres_version.clone(),
            shadow: shadow.location.clone(),
            cpus: environment::cpus(),
            memory_bytes: environment::memory_bytes(),
            settings: shadow.settings.clone(),
        },
        plan: serde_json::to_value(plan).map_err(Failure::could_not_run)?,
        verdict,
        passes,
        integrity,
        forecasts: Vec::new(),
        tables: shadow.tables.iter().map(table).collect(),
        fill: None,
        broken_statements: Vec::new(),
        notes: Vec::new(),
        interrupted: false,
    })
}

fn table(table: &rehearsal::TableSize) -> Table {
    Table {
        name: table.name.clone(),
        rows: Rows(table.rows),
        production_rows: Rows(table.production_rows),
        bytes: table.bytes,
    }
}

fn scales(shadow: &ShadowFacts) -> Vec<judge::TableSize> {
    shadow
        .tables
        .iter()
        .map(|table| judge::TableSize {
            name: table.name.clone(),
            rows: Rows(table.rows),
            production_rows: Rows(table.production_rows),
        })
        .collect()
}
