//! The commands, one a file: the only place that reads and writes users' files.

pub mod cache;
pub mod check;
mod environment;
mod failure;
pub mod fill;
mod found;
mod interrupt;
pub mod load;
pub mod mark;
mod output;
mod progress;
mod rewrite;
pub mod run;
mod scenario_files;
mod side_by_side;
mod sweep;
pub mod verify;
mod workshop;

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::eprintln;

pub use failure::Failure;

use crate::report::Report;
use crate::scenario::Override;
use crate::scenario::plan::Outcome;

/// A command with its options.
#[derive(Debug)]
pub enum Command {
    /// Rehearse and judge.
    Run(run::RunOptions),
    /// Rehearse what `[expect]` lists and compare.
    Verify(verify::VerifyOptions),
    /// Apply to the bare schema.
    Check(check::CheckOptions),
    /// Send traffic alone.
    Load(Box<load::LoadOptions>),
    /// Fill a database of an existing server.
    Fill(fill::FillCommandOptions),
    /// Say of a database that it may be destroyed.
    Mark(mark::MarkOptions),
    /// List or clear the cache of filled databases.
    Cache(cache::CacheOptions),
}

/// Options that all commands share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Where the reports go.
    pub out: Option<PathBuf>,
    /// Keys set over the scenario's.
    pub overrides: Vec<Override>,
    /// PostgreSQL's bin directory.
    pub pg_bin: Option<PathBuf>,
    /// Factor on every table's rows.
    pub rows_scale: f64,
    /// Whether the shadow's directory stays.
    pub keep: bool,
    /// Whether filled databases of earlier runs are neither used nor kept.
    pub no_cache: bool,
    /// Whether progress is hidden.
    pub quiet: bool,
    /// Whether report.json goes to stdout instead of the report.
    pub json: bool,
}

/// Exit codes (DESIGN §8).
pub mod exit {
    /// Safe; of `verify`: every outcome as expected.
    pub const SAFE: u8 = 0;
    /// Unsafe; of `verify`: some outcome not as expected.
    pub const UNSAFE: u8 = 1;
    /// Wrong usage, or an error in the scenario or a file it names.
    pub const USAGE: u8 = 2;
    /// Of `load`: no transaction succeeded, although some were due.
    pub const NOTHING_SUCCEEDED: u8 = 1;
    /// The evidence does not carry a verdict.
    pub const INCONCLUSIVE: u8 = 3;
    /// The rehearsal could not run: server, schema, fill, disk.
    pub const COULD_NOT_RUN: u8 = 4;
    /// Stopped by Ctrl-C or SIGTERM.
    pub const INTERRUPTED: u8 = 130;
}

/// Runs a command and says its exit code. Errors that end it are printed here.
pub fn execute(command: Command) -> ExitCode {
    let result = match command {
        Command::Run(options) => run::run(&options),
        Command::Verify(options) => verify::verify(&options),
        Command::Check(options) => check::check(&options),
        Command::Load(options) => load::load(*options),
        Command::Fill(options) => fill::fill(&options),
        Command::Mark(options) => mark::mark(&options),
        Command::Cache(options) => cache::cache(options),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// The exit code of a report's verdict; 0 of one that has none to give.
fn code_of(report: &Report) -> u8 {
    match report.outcome() {
        Some(Outcome::Safe) | None => exit::SAFE,
        Some(Outcome::Unsafe) => exit::UNSAFE,
        Some(Outcome::Inconclusive) => exit::INCONCLUSIVE,
    }
}
