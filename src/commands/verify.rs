//! `pgrehearse verify`: every migration in `[expect]`, and whether its outcome is as expected.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::output::{self, OutputFolder};
use super::run::folder_name;
use super::scenario_files::{Choice, Loaded, load};
use super::workshop::{Depth, Workshop};
use super::{Failure, Shared, exit};
use crate::report::comparison::{self, Rehearsed};
use crate::scenario::plan::Outcome;

/// Options of `verify`.
#[derive(Debug)]
pub struct VerifyOptions {
    /// Folders that hold scenario.toml, or the files.
    pub scenarios: Vec<PathBuf>,
    /// What all commands share.
    pub shared: Shared,
}

/// Rehearses them all and prints one table; 0 when every outcome is as expected.
pub fn verify(options: &VerifyOptions) -> Result<u8, Failure> {
    let shared = &options.shared;
    let mut cases = Vec::new();
    for scenario in &options.scenarios {
        cases.extend(expected(scenario, shared)?);
    }
    let out = output::folder(shared)?;
    let workshop = Workshop::new(shared)?;
    let mut rows = Vec::new();
    for (loaded, expected) in &cases {
        let report = workshop.rehearse(loaded, Depth::UntilUnsafe)?;
        if report.interrupted {
            return Ok(exit::INTERRUPTED);
        }
        write(&report, loaded, out.as_ref())?;
        rows.push(Rehearsed::of(&report, Some(*expected)));
    }
    if let Some(out) = &out {
        out.write_file("comparison.json", |file| {
            comparison::write_json(&rows, file)
        })
        .map_err(Failure::could_not_run)?;
    }
    let printed = match shared.json {
        true => output::print_with(|out, _| comparison::write_json(&rows, out)),
        false => output::print_with(|out, style| comparison::write(&rows, out, style)),
    };
    printed.map_err(Failure::could_not_run)?;
    Ok(if rows.iter().all(Rehearsed::is_as_expected) {
        exit::SAFE
    } else {
        exit::UNSAFE
    })
}

/// The migrations that a scenario expects something of.
fn expected(scenario: &Path, shared: &Shared) -> Result<Vec<(Loaded, Outcome)>, Failure> {
    let own = load(scenario, Choice::Own, shared)?;
    if own.plan.expect.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{} has no [expect]: name its migrations there with the outcome each must have, as \"migration.sql\" = \"unsafe\"",
            own.file.display()
        )));
    }
    let files = own.plan.expect.into_iter();
    files
        .map(|(file, outcome)| Ok((load(scenario, Choice::Named(&file), shared)?, outcome)))
        .collect()
}

fn write(
    report: &crate::report::Report,
    loaded: &Loaded,
    out: Option<&OutputFolder>,
) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    let folder = out
        .inside(&loaded.plan.name)?
        .inside(&folder_name(&loaded.plan.migration.file))?;
    folder.write(report).map_err(Failure::could_not_run)?;
    Ok(())
}
