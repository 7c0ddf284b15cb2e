//! The command line: definitions only.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::commands::cache::CacheOptions;
use crate::commands::check::CheckOptions;
use crate::commands::fill::FillCommandOptions;
use crate::commands::mark::MarkOptions;
use crate::commands::run::RunOptions;
use crate::commands::verify::VerifyOptions;
use crate::commands::{Command, Shared};
use crate::scenario::Override;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Green.on_default());

const EXIT_CODES: &str = "Exit codes: 0 safe (verify: all as expected), 1 unsafe (verify: not all as expected), \
2 usage or scenario error, 3 inconclusive, 4 could not run, 130 interrupted.";

/// Rehearse a PostgreSQL migration on a shadow database, at production size, under production-like
/// traffic, and decide whether it is safe.
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Rehearse the scenario's migration under its traffic and judge what the traffic suffered
    Run(RunArgs),
    /// Rehearse every migration in [expect] and compare the outcomes with it
    Verify(VerifyArgs),
    /// Apply the migration to the schema alone, in seconds: what each statement locks, rewrites and
    /// scans, and which statements of the traffic it breaks
    Check(CheckArgs),
    /// Fill the scenario's tables in a database on a server of yours, and leave it to you
    Fill(FillArgs),
    /// Say of an existing database that all in it may be lost, so that it can be a shadow
    Mark(MarkArgs),
    /// Show the filled databases that are kept for the next run of the same scenario, or remove them
    Cache(CacheArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// A folder that holds scenario.toml, or the file
    scenario: PathBuf,
    /// Rehearse this migration instead of the scenario's; repeatable, each on identical data
    #[arg(long, value_name = "FILE")]
    migration: Vec<PathBuf>,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// Folders that hold scenario.toml, or the files
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// A folder that holds scenario.toml, or the file
    scenario: PathBuf,
    /// Check this migration instead of the scenario's
    #[arg(long, value_name = "FILE")]
    migration: Option<PathBuf>,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, Args)]
struct FillArgs {
    /// A folder that holds scenario.toml, or the file
    scenario: PathBuf,
    /// The server, and the database to create: postgres://user@host/database, or key=value words
    #[arg(long, value_name = "URL")]
    shadow: Option<String>,
    /// Drop the database, if it is there and marked as a shadow, and make it anew
    #[arg(long)]
    replace: bool,
    /// Override a key of the scenario, as tables.orders.rows=1M; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_override)]
    overrides: Vec<Override>,
    /// Seed of all randomness
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Multiply the rows of every table
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    rows_scale: f64,
    /// Connections that write at the same time; default: the processors of this machine
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    /// Print what was filled as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct MarkArgs {
    /// The database: postgres://user@host/database, or key=value words
    #[arg(value_name = "URL")]
    address: String,
    /// The database's name once more: all that is in it may be lost from now on
    #[arg(long, value_name = "DBNAME", required = true)]
    i_know_this_is_disposable: String,
}

#[derive(Debug, Args)]
struct CacheArgs {
    #[command(subcommand)]
    action: Option<CacheCommands>,
}

#[derive(Debug, Subcommand)]
enum CacheCommands {
    /// List what is kept: where, of which scenario, how large, when last used (the default)
    List,
    /// Remove all that no run is using
    Clear,
}

#[derive(Debug, Args)]
struct SharedArgs {
    /// Write report.json and report.md into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Override a key of the scenario, as limits.lock_wait=500ms; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_override)]
    overrides: Vec<Override>,
    /// Seed of all randomness
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// PostgreSQL's bin directory (initdb, postgres); default: the one that is installed
    #[arg(long, value_name = "DIR")]
    pg_bin: Option<PathBuf>,
    /// Multiply the rows of every table
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    rows_scale: f64,
    /// Keep the shadow server's directory afterwards
    #[arg(long)]
    keep: bool,
    /// Fill anew, and do not keep the filled database for the next run
    #[arg(long)]
    no_cache: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    /// Print report.json instead of the report
    #[arg(long)]
    json: bool,
}

impl Cli {
    /// The command that was asked for.
    pub fn into_command(self) -> Command {
        match self.command {
            Commands::Run(args) => Command::Run(RunOptions {
                scenario: args.scenario,
                migrations: args.migration,
                shared: args.shared.into(),
            }),
            Commands::Verify(args) => Command::Verify(VerifyOptions {
                scenarios: args.scenarios,
                shared: args.shared.into(),
            }),
            Commands::Check(args) => Command::Check(CheckOptions {
                scenario: args.scenario,
                migration: args.migration,
                shared: args.shared.into(),
            }),
            Commands::Fill(args) => Command::Fill(args.into()),
            Commands::Mark(args) => Command::Mark(MarkOptions {
                address: args.address,
                confirmed: args.i_know_this_is_disposable,
            }),
            Commands::Cache(args) => Command::Cache(match args.action {
                None | Some(CacheCommands::List) => CacheOptions::List,
                Some(CacheCommands::Clear) => CacheOptions::Clear,
            }),
        }
    }
}

impl From<FillArgs> for FillCommandOptions {
    fn from(args: FillArgs) -> Self {
        Self {
            scenario: args.scenario,
            shadow: args.shadow,
            replace: args.replace,
            jobs: args.jobs.map(usize::from),
            shared: Shared {
                out: None,
                overrides: with_seed(args.overrides, args.seed),
                pg_bin: None,
                rows_scale: args.rows_scale,
                keep: false,
                no_cache: true,
                quiet: args.quiet,
                json: args.json,
            },
        }
    }
}

/// `--seed` is one more override.
fn with_seed(mut overrides: Vec<Override>, seed: Option<u64>) -> Vec<Override> {
    overrides.extend(seed.map(|seed| Override {
        key: "seed".into(),
        value: seed.to_string(),
    }));
    overrides
}

impl From<SharedArgs> for Shared {
    fn from(args: SharedArgs) -> Self {
        Self {
            out: args.out,
            overrides: with_seed(args.overrides, args.seed),
            pg_bin: args.pg_bin,
            rows_scale: args.rows_scale,
            keep: args.keep,
            no_cache: args.no_cache,
            quiet: args.quiet,
            json: args.json,
        }
    }
}

fn parse_override(text: &str) -> Result<Override, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok(Override {
            key: key.to_owned(),
            value: value.to_owned(),
        }),
        _ => Err("write KEY=VALUE, as limits.lock_wait=500ms".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }
}
