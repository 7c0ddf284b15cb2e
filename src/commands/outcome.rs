//! One rehearsal from plan to report.

use super::environment;
use super::failure::Failure;
use super::interrupt::{self, Emergency};
use super::load::Loaded;
use super::progress::Progress;
use super::Shared;
use crate::judge::{self, Context, TableScale};
use crate::observe::{Integrity, Pass};
use crate::rehearsal::{self, Options, RehearsalError, ShadowFacts, Stop, Surroundings, stop_switch};
use crate::report::{Environment, Report, TableReport, Tool};
use crate::scenario::Plan;

/// What all rehearsals of a command share: the signals, the progress, the runtime.
pub struct Workshop {
    runtime: tokio::runtime::Runtime,
    progress: Progress,
    stop: Stop,
    options: Options,
}

impl Workshop {
    /// Sets up signals and progress. The runtime runs on this thread, the main one: the server dies
    /// with the thread that started it, so that must be one that lives as long as the command.
    pub fn new(shared: &Shared) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::could_not_run)?;
        let (switch, stop) = stop_switch();
        let emergency = Emergency::default();
        interrupt::heed(switch, emergency.clone()).map_err(Failure::could_not_run)?;
        let options = Options {
            pg_bin: shared.pg_bin.clone(),
            keep: shared.keep,
            parallelism: environment::cpus(),
        };
        Ok(Self { runtime, progress: Progress::new(shared.quiet, emergency), stop, options })
    }

    /// Whether the user asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Rehearses and judges.
    pub fn rehearse(&self, loaded: &Loaded) -> Result<Report, Failure> {
        let plan = &loaded.plan;
        let rehearsed = self.runtime.block_on(rehearsal::rehearse(plan, &self.options, self.around()));
        self.progress.clear();
        let rehearsed = rehearsed.map_err(failure)?;
        let passes = vec![rehearsed.pass];
        let context = Context {
            tables: scales(&rehearsed.shadow),
            disturbances_given: plan.disturbances_given,
            interrupted: rehearsed.interrupted,
        };
        let verdict = judge::judge(&plan.limits, &passes, &context);
        let mut report = report(plan, &rehearsed.shadow, passes, rehearsed.integrity, verdict)?;
        report.notes = rehearsed.notes;
        report.interrupted = rehearsed.interrupted;
        Ok(report)
    }

    /// Checks on the bare schema.
    pub fn check(&self, loaded: &Loaded) -> Result<Report, Failure> {
        let plan = &loaded.plan;
        let checked = self.runtime.block_on(rehearsal::check(plan, &self.options, self.around()));
        self.progress.clear();
        let checked = checked.map_err(failure)?;
        let verdict = judge::judge_check(checked.pass.migration.as_ref(), &checked.broken);
        let mut report = report(plan, &checked.shadow, vec![checked.pass], checked.integrity, verdict)?;
        report.broken_statements = checked.broken;
        report.notes = checked.notes;
        Ok(report)
    }

    fn around(&self) -> Surroundings<'_> {
        Surroundings { observer: &self.progress, stop: &self.stop }
    }
}

/// Errors of the scenario's own are the user's to mend; the others are the machine's.
fn failure(error: RehearsalError) -> Failure {
    match error {
        RehearsalError::Interrupted => Failure::Interrupted,
        RehearsalError::Synth(_) | RehearsalError::Invariant { .. } => Failure::usage(error),
        RehearsalError::Traffic(error) if error.is_users() => Failure::usage(error),
        other => Failure::could_not_run(other),
    }
}

fn report(
    plan: &Plan,
    shadow: &ShadowFacts,
    passes: Vec<Pass>,
    integrity: Integrity,
    verdict: judge::Verdict,
) -> Result<Report, Failure> {
    Ok(Report {
        format_version: Report::FORMAT_VERSION,
        tool: Tool::this(),
        environment: Environment {
            postgres_version: shadow.postgres_version.clone(),
            shadow: shadow.location.clone(),
            cpus: environment::cpus(),
            settings: shadow.settings.clone(),
        },
        plan: serde_json::to_value(plan).map_err(Failure::could_not_run)?,
        verdict,
        passes,
        integrity,
        forecasts: Vec::new(),
        tables: shadow.tables.iter().map(table_report).collect(),
        broken_statements: Vec::new(),
        notes: Vec::new(),
        interrupted: false,
    })
}

fn table_report(table: &rehearsal::TableSize) -> TableReport {
    TableReport {
        name: table.name.clone(),
        rows: table.rows,
        production_rows: table.production_rows,
        bytes: table.bytes,
    }
}

fn scales(shadow: &ShadowFacts) -> Vec<TableScale> {
    shadow
        .tables
        .iter()
        .map(|table| TableScale {
            name: table.name.clone(),
            rows: table.rows,
            production_rows: table.production_rows,
        })
        .collect()
}
