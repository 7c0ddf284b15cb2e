//! `pgrehearse verify`: every migration in `[expect]`, and whether its outcome is as expected.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::output;
use super::scenario_files::{Choice, Loaded, load};
use super::side_by_side::{SideBySide, folder_name};
use super::workshop::{Depth, Workshop};
use super::{Failure, Shared};
use crate::report::comparison;
use crate::scenario::plan::Outcome;

/// Options of `verify`.
#[derive(Debug)]
pub struct VerifyOptions {
    /// Folders that hold scenario.toml, or the files.
    pub scenarios: Vec<PathBuf>,
    /// What all commands share.
    pub shared: Shared,
}

/// Rehearses them all, also after one that could not run, and prints one table; 0 when every outcome is as
/// expected.
pub fn verify(options: &VerifyOptions) -> Result<u8, Failure> {
    let shared = &options.shared;
    let mut cases = Vec::new();
    for scenario in &options.scenarios {
        cases.extend(expected(scenario, shared)?);
    }
    let out = output::folder(shared)?;
    let workshop = Workshop::new(shared)?;
    let mut table = SideBySide::new(out.as_ref());
    for (loaded, expected) in &cases {
        let rehearsed = workshop.rehearse(loaded, Depth::UntilUnsafe);
        let plan = &loaded.plan;
        let folder = [&plan.name, &plan.migration.file]
            .map(|name| folder_name(name))
            .join("/");
        table.take(
            loaded,
            Some(*expected),
            &folder,
            rehearsed,
            |report, inside| {
                let written = inside.map(|inside| inside.write(report)).transpose();
                written.map(|_| ()).map_err(Failure::could_not_run)
            },
        );
    }
    table.finish(|rows| match shared.json {
        true => output::print_with(|out, _| comparison::write_json(rows, out)),
        false => output::print_with(|out, style| comparison::write(rows, out, style)),
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
