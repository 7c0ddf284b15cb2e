//! `pgrehearse run`: rehearse a migration and judge what the traffic suffered.

use std::path::PathBuf;

use anyhow::anyhow;

use super::output::{self, OutputFolder, deliver};
use super::scenario_files::{Choice, Loaded, load};
use super::side_by_side::{SideBySide, folder_name};
use super::workshop::{Depth, Workshop};
use super::{Failure, Shared, code_of, exit, rewrite, sweep};
use crate::report::{Report, TriedRewrite, comparison};
use crate::scenario::Plan;
use crate::scenario::plan::{Role, Trials};
use crate::scenario::release::Ordering;

/// Options of `run`.
#[derive(Debug)]
pub struct RunOptions {
    /// A folder that holds scenario.toml, or the file.
    pub scenario: PathBuf,
    /// Migrations instead of the scenario's.
    pub migrations: Vec<PathBuf>,
    /// Whether the migration's safe form is written and rehearsed beside it.
    pub try_rewrite: bool,
    /// Orders of the next release and the migration instead of the scenario's.
    pub orderings: Vec<Ordering>,
    /// What is tried beside the plain rehearsal.
    pub trials: Trials,
    /// Whether settings of `lock_timeout` are compared instead.
    pub find_lock_timeout: bool,
    /// What all commands share.
    pub shared: Shared,
}

const NO_WAY_BACK: &str = "--rollback needs the way back: write the statements that undo the migration to a file \
                           beside it, and name it in scenario.toml: [migration] down = \"down.sql\"";

/// Runs it; the exit code is the verdict's, of several migrations the worst.
pub fn run(options: &RunOptions) -> Result<u8, Failure> {
    let shared = &options.shared;
    if let Some(why) = too_many(options) {
        return Err(Failure::usage(anyhow!(why)));
    }
    let migrations: Vec<Choice<'_>> = match options.migrations.as_slice() {
        [] => vec![Choice::Own],
        given => given.iter().map(|path| Choice::At(path)).collect(),
    };
    // All are read before any is run: an error in the last shall not cost the time of the others.
    let mut loaded = Vec::new();
    for migration in migrations {
        let mut one = load(&options.scenario, migration, shared)?;
        one.plan.trials = options.trials;
        if options.trials.rollback && one.plan.migration.down.is_none() {
            return Err(Failure::usage(anyhow!(NO_WAY_BACK)));
        }
        loaded.extend(in_orders(one, &options.orderings)?);
    }
    let out = output::folder(shared)?;
    let workshop = Workshop::new(shared)?;
    match loaded.as_slice() {
        [only] if options.find_lock_timeout => sweep::find(only, &workshop, out.as_ref(), shared),
        [only] if options.try_rewrite => with_safe_form(only, &workshop, out.as_ref(), shared),
        [only] => one(only, &workshop, out.as_ref(), shared),
        several => each(several, &workshop, out.as_ref(), shared),
    }
}

/// Why what is asked for goes with one rehearsal only, if several are asked for.
fn too_many(options: &RunOptions) -> Option<&'static str> {
    if options.migrations.len() <= 1 && options.orderings.len() <= 1 {
        return None;
    }
    if options.find_lock_timeout {
        return Some(
            "--find-lock-timeout is about one rehearsal: give one --migration and one --ordering",
        );
    }
    options
        .try_rewrite
        .then_some("--try-rewrite compares one migration with its safe form: give one --migration and one --ordering")
}

/// The rehearsal in each of these orders; as the scenario has it where none is given.
fn in_orders(loaded: Loaded, orderings: &[Ordering]) -> Result<Vec<Loaded>, Failure> {
    if orderings.is_empty() {
        return Ok(vec![loaded]);
    }
    let plan = &loaded.plan;
    let mut kinds = plan.traffic.transactions.iter();
    let release = plan
        .release
        .filter(|_| kinds.any(|kind| kind.role == Role::Next));
    let Some(release) = release else {
        return Err(Failure::usage(anyhow!(
            "--ordering needs traffic of the next release, and {} has none: give a [[traffic.transactions]] with \
             role = \"next\", and with replaces = \"NAME\" where it comes in another's place",
            loaded.file.display()
        )));
    };
    let (instances, recovery) = (plan.application.instances, plan.phases.recovery);
    let ordered = orderings.iter().map(|&ordering| Loaded {
        plan: Plan {
            release: Some(release.ordered(ordering, instances, recovery)),
            ..plan.clone()
        },
        file: loaded.file.clone(),
    });
    Ok(ordered.collect())
}

fn one(
    loaded: &Loaded,
    workshop: &Workshop,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<u8, Failure> {
    let report = workshop.rehearse(loaded, Depth::Whole)?;
    deliver(&report, out, shared)?;
    Ok(code(&report))
}

/// Each migration, and each order of it, on identical data, then side by side.
fn each(
    several: &[Loaded],
    workshop: &Workshop,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<u8, Failure> {
    let mut table = SideBySide::new(out);
    for loaded in several {
        let rehearsed = workshop.rehearse(loaded, Depth::Whole);
        add(&mut table, loaded, rehearsed, shared);
    }
    finish(&table, shared)
}

/// The migration, and its safe form on identical data, then side by side.
fn with_safe_form(
    loaded: &Loaded,
    workshop: &Workshop,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<u8, Failure> {
    let (mut report, ground) = workshop.rehearse_known(loaded, Depth::Whole)?;
    let tried = match ground {
        Some(ground) => rewrite::tried(&loaded.plan, ground, out)?,
        None => TriedRewrite::default(),
    };
    report.rewrite = Some(tried.clone());
    if tried.rewrite.is_empty() {
        deliver(&report, out, shared)?;
        return Ok(code(&report));
    }
    let mut table = SideBySide::new(out);
    add(&mut table, loaded, Ok(report), shared);
    let safe = rewrite::with_rewrite(loaded, &tried)?;
    let rehearsed = workshop.rehearse(&safe, Depth::Whole);
    add(&mut table, &safe, rehearsed, shared);
    finish(&table, shared)
}

fn add(
    table: &mut SideBySide<'_>,
    loaded: &Loaded,
    rehearsed: Result<Report, Failure>,
    shared: &Shared,
) {
    let folder = folder_of(loaded);
    table.take(loaded, None, &folder, rehearsed, |report, inside| {
        deliver(report, inside, shared)
    });
}

/// The table after the reports; of JSON, the reports are all that is printed.
fn finish(table: &SideBySide<'_>, shared: &Shared) -> Result<u8, Failure> {
    table.finish(|rows| match shared.json {
        true => Ok(()),
        false => output::print_with(|out, style| comparison::write(rows, out, style)),
    })
}

/// A folder's name for one of several: by its migration, and its order where that was asked for.
fn folder_of(loaded: &Loaded) -> String {
    let name = folder_name(&loaded.plan.migration.file);
    match loaded.plan.release.and_then(|release| release.ordering) {
        Some(ordering) => format!("{name}-{ordering}"),
        None => name,
    }
}

fn code(report: &Report) -> u8 {
    if report.interrupted {
        exit::INTERRUPTED
    } else {
        code_of(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_one_rehearsal_refuses_several() {
        let asked = |find_lock_timeout: bool, migrations: &[&str], orderings: &[Ordering]| {
            too_many(&RunOptions {
                scenario: PathBuf::new(),
                migrations: migrations.iter().map(PathBuf::from).collect(),
                try_rewrite: !find_lock_timeout,
                orderings: orderings.to_vec(),
                trials: Trials::default(),
                find_lock_timeout,
                shared: Shared {
                    out: None,
                    overrides: Vec::new(),
                    pg_bin: None,
                    rows_scale: 1.0,
                    keep: false,
                    no_cache: true,
                    quiet: true,
                    json: false,
                },
            })
        };
        let both = [Ordering::AppFirst, Ordering::MigrationFirst];
        for find in [true, false] {
            assert_eq!(asked(find, &["a.sql"], &both[..1]), None);
            let option = if find {
                "--find-lock-timeout"
            } else {
                "--try-rewrite"
            };
            for why in [
                asked(find, &["a.sql", "b.sql"], &[]),
                asked(find, &[], &both),
            ] {
                assert!(why.unwrap().contains(option), "{why:?}");
            }
        }
    }
}
