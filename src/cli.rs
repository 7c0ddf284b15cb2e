//! The command line: definitions only.

mod load;
mod ordering;
mod pgbench;

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
use crate::scenario::plan::{AbortAfter, AbortBy, AbortPlan, Trials};
use load::LoadArgs;
use ordering::{AskedOrdering, orderings, parse_ordering};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Green.on_default());

const EXIT_CODES: &str = "Exit codes: 0 safe (verify: all as expected), 1 unsafe (verify: not all as expected; \
load: nothing succeeded), \
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
    /// Send traffic alone and measure it: a scenario's, or scripts to a database, as pgbench does
    Load(Box<LoadArgs>),
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
    /// Write the migration's safe form, as far as it can be written mechanically (into --out as rewrite.sql,
    /// else into the report), rehearse it on identical data, and show both side by side
    #[arg(long)]
    try_rewrite: bool,
    /// End the migration in its midst, in a pass of its own: after a time (3s), a part of its time (50%),
    /// or in a statement (statement:2)
    #[arg(long, value_name = "AFTER")]
    abort: Option<AbortAfter>,
    /// How to end it: cancel the statement, terminate the session, or kill-server
    #[arg(long, value_name = "HOW", requires = "abort", default_value_t)]
    abort_by: AbortBy,
    /// Rehearse the way back too: the scenario's [migration] down
    #[arg(long)]
    rollback: bool,
    /// Try settings of lock_timeout and backoff under the scenario's disturbances, and print the best
    #[arg(long, conflicts_with_all = ["abort", "rollback", "forecast", "try_rewrite"])]
    find_lock_timeout: bool,
    /// Project to production size even where the shadow is as large
    #[arg(long)]
    forecast: bool,
    /// Order of the next release (traffic with role = "next") and the migration: app-first,
    /// migration-first, rolling (instance by instance while it runs), or all; repeatable, each is
    /// rehearsed, then they are shown side by side
    #[arg(long, value_name = "ORDER", value_parser = parse_ordering)]
    ordering: Vec<AskedOrdering>,
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
                trials: Trials {
                    rollback: args.rollback,
                    abort: args.abort.map(|after| AbortPlan {
                        after,
                        by: args.abort_by,
                    }),
                    forecast: args.forecast,
                },
                find_lock_timeout: args.find_lock_timeout,
                migrations: args.migration,
                try_rewrite: args.try_rewrite,
                orderings: orderings(&args.ordering),
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
            Commands::Load(args) => Command::Load(Box::new((*args).into())),
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
    fn a_duration_without_a_unit_is_one_of_seconds() {
        use load::parse_duration;

        assert_eq!(parse_duration("60"), parse_duration("1min"));
        assert_eq!(parse_duration("500ms"), parse_duration("0.5s"));
        for text in ["", "-1", "1.5", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_is_above_0_and_a_length_too() {
        use load::{parse_length, parse_rate};

        assert_eq!(parse_rate("0.5"), Ok(0.5));
        for text in ["0", "-5", "inf", "nan", "1k", ""] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
        assert!(parse_length("1").is_ok());
        assert!(parse_length("0").is_err());
    }

    #[test]
    fn who_types_an_option_of_pgbench_is_told_what_takes_its_place() {
        let said = |arguments: &[&str]| {
            let line = ["pgrehearse", "load"].iter().chain(arguments);
            Cli::try_parse_from(line).map_err(|error| error.to_string())
        };
        for (arguments, instead) in [
            (["-p", "5432"], "--url"),
            (["--random-seed", "1"], "--seed"),
            (["-C", "-S"], "stay open"),
            (["-i", "-S"], "pgbench -i"),
            (["-T", "-1"], "duration"),
            (["-R", "-1"], "above 0"),
        ] {
            let error = said(&arguments).unwrap_err();
            assert!(error.contains(instead), "{arguments:?}: {error}");
        }
        assert!(said(&["-n", "-S"]).is_ok());
    }

    #[test]
    fn a_search_for_settings_and_a_safe_form_are_not_tried_at_once() {
        let said = |arguments: &[&str]| {
            let line = ["pgrehearse", "run", "."].iter().chain(arguments);
            Cli::try_parse_from(line).map_err(|error| error.to_string())
        };
        let error = said(&["--find-lock-timeout", "--try-rewrite"]).unwrap_err();
        assert!(error.contains("cannot be used with"), "{error}");
        assert!(said(&["--find-lock-timeout"]).is_ok());
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }
}
