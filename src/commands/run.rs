//! `pgrehearse run`: rehearse a migration and judge what the traffic suffered.

use std::path::PathBuf;

use super::load::{Choice, Loaded, load};
use super::outcome::Workshop;
use super::output::{self, OutputFolder};
use super::{Failure, Shared, code_of, exit};
use crate::report::Report;
use crate::report::comparison::{self, Rehearsed};

/// Options of `run`.
#[derive(Debug)]
pub struct RunOptions {
    /// A folder that holds scenario.toml, or the file.
    pub scenario: PathBuf,
    /// Migrations instead of the scenario's.
    pub migrations: Vec<PathBuf>,
    /// What all commands share.
    pub shared: Shared,
}

/// Runs it; the exit code is the verdict's, of several migrations the worst.
pub fn run(options: &RunOptions) -> Result<u8, Failure> {
    let shared = &options.shared;
    let migrations: Vec<Choice<'_>> = match options.migrations.as_slice() {
        [] => vec![Choice::Own],
        given => given.iter().map(|path| Choice::At(path)).collect(),
    };
    // All are read before any is run: an error in the last shall not cost the time of the others.
    let loaded: Vec<Loaded> = migrations
        .iter()
        .map(|migration| load(&options.scenario, *migration, shared))
        .collect::<Result<_, _>>()?;
    let out = output::folder(shared)?;
    let workshop = Workshop::new(shared)?;
    match loaded.as_slice() {
        [only] => one(only, &workshop, out.as_ref(), shared),
        several => each(several, &workshop, out.as_ref(), shared),
    }
}

fn one(
    loaded: &Loaded,
    workshop: &Workshop,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<u8, Failure> {
    let report = workshop.rehearse(loaded)?;
    deliver(&report, out, shared)?;
    Ok(code(&report))
}

/// Each migration on identical data, then side by side.
fn each(
    several: &[Loaded],
    workshop: &Workshop,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<u8, Failure> {
    let mut rows = Vec::new();
    let mut worst = exit::SAFE;
    for loaded in several {
        let report = workshop.rehearse(loaded)?;
        let inside = out
            .map(|out| out.inside(&folder_name(&loaded.plan.migration.file)))
            .transpose()?;
        deliver(&report, inside.as_ref(), shared)?;
        worst = worse(worst, code(&report));
        rows.push(Rehearsed::of(&report, None));
        if workshop.stopped() {
            break;
        }
    }
    if let Some(out) = out {
        out.write_file("comparison.json", |file| {
            comparison::write_json(&rows, file)
        })
        .map_err(Failure::could_not_run)?;
    }
    if !shared.json {
        output::print_with(|out, style| comparison::write(&rows, out, style))
            .map_err(Failure::could_not_run)?;
    }
    Ok(worst)
}

/// Writes a report's files and prints it. A file that cannot be written is told only after the
/// verdict has been shown.
pub(super) fn deliver(
    report: &Report,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<(), Failure> {
    let written = out.map_or(Ok(Vec::new()), |out| out.write(report));
    let files = written.as_deref().unwrap_or_default();
    output::print(report, shared, files).map_err(Failure::could_not_run)?;
    written.map(|_| ()).map_err(Failure::could_not_run)
}

fn code(report: &Report) -> u8 {
    if report.interrupted {
        exit::INTERRUPTED
    } else {
        code_of(report.verdict.outcome)
    }
}

/// Interrupted over unsafe over inconclusive over safe.
fn worse(a: u8, b: u8) -> u8 {
    let rank = |code| match code {
        exit::INTERRUPTED => 3,
        exit::UNSAFE => 2,
        exit::INCONCLUSIVE => 1,
        _ => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// A folder's name for a migration: its path without what a folder cannot be named.
pub(super) fn folder_name(migration: &str) -> String {
    let name: String = migration
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let trimmed = name.trim_start_matches(['.', '_']);
    trimmed.strip_suffix(".sql").unwrap_or(trimmed).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_get_folders_of_their_own() {
        assert_eq!(folder_name("migration.sql"), "migration");
        assert_eq!(folder_name("../../real/85/01_add.sql"), "real_85_01_add");
    }

    #[test]
    fn the_worst_of_several_codes_is_kept() {
        assert_eq!(worse(exit::UNSAFE, exit::INCONCLUSIVE), exit::UNSAFE);
        assert_eq!(worse(exit::SAFE, exit::INCONCLUSIVE), exit::INCONCLUSIVE);
        assert_eq!(worse(exit::UNSAFE, exit::INTERRUPTED), exit::INTERRUPTED);
    }
}
