//! `pgrehearse check`: the migration on the bare schema, in seconds.

use std::path::PathBuf;

use super::output::deliver;
use super::scenario_files::{Choice, load};
use super::workshop::Workshop;
use super::{Failure, Shared, code_of, output};

/// Options of `check`.
#[derive(Debug)]
pub struct CheckOptions {
    /// A folder that holds scenario.toml, or the file.
    pub scenario: PathBuf,
    /// A migration instead of the scenario's.
    pub migration: Option<PathBuf>,
    /// What all commands share.
    pub shared: Shared,
}

/// Checks it; 1 where the migration fails or breaks a statement of the traffic.
pub fn check(options: &CheckOptions) -> Result<u8, Failure> {
    let choice = options.migration.as_deref().map_or(Choice::Own, Choice::At);
    let loaded = load(&options.scenario, choice, &options.shared)?;
    let out = output::folder(&options.shared)?;
    let workshop = Workshop::new(&options.shared)?;
    let report = workshop.check(&loaded)?;
    deliver(&report, out.as_ref(), &options.shared)?;
    Ok(code_of(&report))
}
