//! One rehearsal from plan to report.

use super::Shared;
use super::cache;
use super::environment;
use super::failure::Failure;
use super::found::{Measured, filled, report};
use super::interrupt;
use super::progress::Progress;
use super::scenario_files::Loaded;
use crate::judge::{self, Context, Tolerance, Verdict, wording};
use crate::observe::{Integrity, Pass, PassName, StatementCoverage};
use crate::rehearsal::{
    self, Options, Rehearsal, RehearsalError, Rehearsed, ShadowFacts, Stop, Surroundings,
};
use crate::report::Report;
use crate::scenario::Plan;
use crate::scenario::plan::Outcome;
use crate::sql::Ground;
use crate::units::Rows;

/// What all rehearsals of a command share: the signals, the progress, the runtime.
pub(super) struct Workshop {
    runtime: tokio::runtime::Runtime,
    progress: Progress,
    stop: Stop,
    options: Options,
}

impl Workshop {
    /// Sets up signals and progress. Its runtime runs on this thread, which must be the main one.
    pub(super) fn new(shared: &Shared) -> Result<Self, Failure> {
        let (runtime, stop, emergency) = interrupt::begin("what was measured will be reported")?;
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
    pub(super) fn rehearse(&self, loaded: &Loaded, depth: Depth) -> Result<Report, Failure> {
        self.rehearse_known(loaded, depth).map(|(report, _)| report)
    }

    /// Rehearses and judges; also says what is known of the database for a rewriting of the migration.
    pub(super) fn rehearse_known(
        &self,
        loaded: &Loaded,
        depth: Depth,
    ) -> Result<(Report, Option<Ground>), Failure> {
        // Of several rehearsals, those that an interrupt leaves.
        if self.stopped() {
            return Err(Failure::Interrupted);
        }
        let plan = &loaded.plan;
        self.progress.begin(&format!(
            "rehearsing {}: {}",
            plan.name, plan.migration.file
        ));
        let rehearsed = self.runtime.block_on(self.passes(plan, depth));
        self.progress.clear();
        let rehearsed = rehearsed.map_err(failure)?;
        let verdict = judge(&rehearsed, missing(&rehearsed, depth));
        let tolerance = tolerance(&rehearsed);
        let integrity = Integrity::worst(rehearsed.passes.iter().map(|pass| &pass.integrity));
        let measured = Measured {
            integrity: integrity.cloned().unwrap_or_default(),
            passes: rehearsed.passes,
            verdict: Some(verdict),
        };
        let mut report = report(&rehearsed.plan, &rehearsed.shadow, measured)?;
        report.fill = Some(filled(rehearsed.fill));
        report.statements = rehearsed.statements;
        report.forecasts = rehearsed.forecasts;
        report.notes = rehearsed.notes;
        report.interrupted = rehearsed.interrupted;
        report.tolerance = tolerance;
        Ok((report, rehearsed.ground))
    }

    /// Makes the passes. What goes wrong after the first is told beside what that one measured.
    async fn passes(&self, plan: &Plan, depth: Depth) -> Result<Rehearsed, RehearsalError> {
        let mut rehearsal = Rehearsal::begin(plan, &self.options, self.around())?;
        let is_decided = |rehearsal: &Rehearsal<'_>| {
            let mut found = rehearsal.found().into_iter();
            depth == Depth::UntilUnsafe
                && found.any(|found| judge(found, Vec::new()).outcome == Outcome::Unsafe)
        };
        let mut planned = rehearsal.passes();
        if depth == Depth::Disturbed {
            planned.retain(|name| *name == PassName::Disturbed);
        }
        for name in planned {
            if is_decided(&rehearsal) {
                break;
            }
            match rehearsal.make(name).await {
                Ok(()) => {}
                Err(error) if rehearsal.found().is_none() => return Err(error),
                Err(error) => {
                    rehearsal.note(format!("the {} failed: {error}", wording::pass(name)));
                    break;
                }
            }
            if self.stop.is_set() {
                break;
            }
        }
        if depth != Depth::Disturbed && !is_decided(&rehearsal) {
            rehearsal.forecast().await;
        }
        rehearsal.finish().ok_or(RehearsalError::Interrupted)
    }

    /// Checks on the bare schema.
    pub(super) fn check(&self, loaded: &Loaded) -> Result<Report, Failure> {
        let plan = &loaded.plan;
        let checked = self
            .runtime
            .block_on(rehearsal::check(plan, &self.options, self.around()));
        self.progress.clear();
        let checked = checked.map_err(failure)?;
        let plan = &checked.plan;
        let verdict = judge::judge_check(&checked.migration, &checked.broken, &checked.integrity);
        let passes = vec![Pass::check(checked.migration)];
        let measured = Measured {
            passes,
            integrity: checked.integrity,
            verdict: Some(verdict),
        };
        let mut report = report(plan, &checked.shadow, measured)?;
        report.broken_statements = checked.broken;
        report.compatibility = checked.compatibility;
        report.statements = checked.statements;
        report.notes = checked.notes;
        Ok(report)
    }

    /// Waits for what shows no progress.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Sends a load, while progress is shown under a first line.
    pub(super) fn load<T>(
        &self,
        first: &str,
        work: impl AsyncFnOnce(&Options, Surroundings<'_>) -> Result<T, RehearsalError>,
    ) -> Result<T, Failure> {
        self.progress.begin_load(first);
        let done = self.runtime.block_on(work(&self.options, self.around()));
        self.progress.clear();
        done.map_err(failure)
    }

    fn around(&self) -> Surroundings<'_> {
        Surroundings {
            observer: &self.progress,
            stop: &self.stop,
        }
    }
}

/// How far a rehearsal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Every pass, whatever those before have shown.
    Whole,
    /// The disturbed pass alone, whose outcome is all that is asked for.
    Disturbed,
    /// Until a pass has shown that the migration is unsafe: no other can change that.
    UntilUnsafe,
}

/// The blocker that the migration tolerates, as the quiet pass tells.
fn tolerance(rehearsed: &Rehearsed) -> Option<Tolerance> {
    let plan = &rehearsed.plan;
    let quiet = rehearsed
        .passes
        .iter()
        .find(|pass| pass.name == PassName::Quiet)?;
    judge::tolerance(quiet, &plan.migration, &plan.limits)
}

/// What was asked for and could not be made, a sentence each. One that was interrupted says so itself.
fn missing(rehearsed: &Rehearsed, depth: Depth) -> Vec<String> {
    if depth == Depth::Disturbed || rehearsed.interrupted {
        return Vec::new();
    }
    let (plan, shadow) = (&rehearsed.plan, &rehearsed.shadow);
    let made = |name| rehearsed.passes.iter().any(|pass| pass.name == name);
    let mut tables = shadow.tables.iter();
    let is_larger = tables.any(|table| table.production_rows > table.rows);
    let wanted = [
        (
            plan.trials.abort.is_some() && !made(PassName::Abort),
            "the abort was asked for and could not be made: see the notes",
        ),
        (
            plan.trials.rollback && plan.migration.down.is_some() && !made(PassName::Rollback),
            "the way back was asked for and could not be made: see the notes",
        ),
        (
            plan.limits.forecast && is_larger && rehearsed.unforeseen,
            "production has more rows, and no forecast could be made: see the notes",
        ),
    ];
    let missing = wanted.into_iter().filter(|(is_missing, _)| *is_missing);
    missing.map(|(_, sentence)| sentence.to_owned()).collect()
}

/// What a rehearsal's passes say so far, with what is `missing` for good.
fn judge(rehearsed: &Rehearsed, missing: Vec<String>) -> Verdict {
    let plan = &rehearsed.plan;
    let statements = rehearsed.statements.as_ref();
    let context = Context {
        load: plan.traffic.load.clone(),
        warmup: plan.phases.warmup,
        tables: scales(&rehearsed.shadow),
        disturbances: !plan.disturbances.is_empty(),
        forecast_made: !rehearsed.forecasts.is_empty(),
        forecasts: rehearsed.forecasts.clone(),
        interrupted: rehearsed.interrupted,
        missing_traffic: statements.and_then(StatementCoverage::caveat),
        missing,
    };
    judge::judge(&plan.limits, &rehearsed.passes, &context)
}

/// Errors of the scenario's own are the user's to mend; the others are the machine's.
fn failure(error: RehearsalError) -> Failure {
    match error {
        RehearsalError::Interrupted => Failure::Interrupted,
        RehearsalError::Synth(_)
        | RehearsalError::Invariant { .. }
        | RehearsalError::Disturbance { .. }
        | RehearsalError::Statements(_) => Failure::usage(error),
        RehearsalError::Traffic(error) if error.is_the_scenarios() => Failure::usage(error),
        other => Failure::could_not_run(other),
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
