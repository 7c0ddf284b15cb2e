//! `pgrehearse fill`: the scenario's tables, filled in a database on a server that is there already.

use std::path::PathBuf;

use anyhow::anyhow;

use super::interrupt;
use super::progress::Progress;
use super::scenario_files::{Loaded, load_fill};
use super::{Failure, Shared, environment, exit, output};
use crate::postgres::endpoint::Endpoint;
use crate::rehearsal::{Abandoned, FilledDatabase, RehearsalError, Surroundings, fill_existing};
use crate::report::Tool;
use crate::report::filled::{self, Filled, FilledShadow, FilledTable};
use crate::shadow::{ExistingOptions, default_database};
use crate::units::Rows;

/// Options of `fill`.
#[derive(Debug)]
pub struct FillCommandOptions {
    /// A folder that holds scenario.toml, or the file.
    pub scenario: PathBuf,
    /// The server, and the database if it names one.
    pub shadow: Option<String>,
    /// Whether a marked database is dropped and made anew.
    pub replace: bool,
    /// Connections that write at the same time; none: as many as this machine has processors.
    pub jobs: Option<usize>,
    /// What all commands share.
    pub shared: Shared,
}

/// Fills it; 0 when it is filled.
pub fn fill(options: &FillCommandOptions) -> Result<u8, Failure> {
    let endpoint = endpoint(options.shadow.as_deref())?;
    let loaded = load_fill(&options.scenario, &options.shared)?;
    let existing = ExistingOptions {
        endpoint,
        default_database: default_database(&loaded.plan.name, &loaded.file),
        replace: options.replace,
        source: None,
    };
    let filled = fill_here(options, &loaded, existing)?;
    let report = report(&loaded, filled);
    let printed = match options.shared.json {
        true => output::print_with(|out, _| filled::write_json(&report, out)),
        false => output::print_with(|out, style| filled::write(&report, out, style)),
    };
    printed.map_err(Failure::could_not_run)?;
    Ok(exit::SAFE)
}

/// Fills while progress is shown and signals are heeded.
fn fill_here(
    options: &FillCommandOptions,
    loaded: &Loaded,
    existing: ExistingOptions,
) -> Result<FilledDatabase, Failure> {
    let (runtime, stop, emergency) = interrupt::begin("a database that was created is dropped")?;
    let progress = Progress::new(options.shared.quiet, emergency);
    let around = Surroundings {
        observer: &progress,
        stop: &stop,
    };
    let jobs = options.jobs.unwrap_or_else(environment::cpus);
    let filled = runtime.block_on(fill_existing(&loaded.plan, existing, jobs, around));
    progress.clear();
    filled.map_err(failure)
}

/// Errors of the scenario's own are the user's to mend; the others are the server's.
fn failure(abandoned: Abandoned) -> Failure {
    match abandoned.error {
        RehearsalError::Interrupted => Failure::Stopped(match abandoned.fate.as_str() {
            "" => "interrupted before anything was changed".to_owned(),
            fate => format!("interrupted: {fate}"),
        }),
        RehearsalError::Synth(_) => Failure::usage(abandoned),
        _ => Failure::could_not_run(abandoned),
    }
}

fn endpoint(shadow: Option<&str>) -> Result<Endpoint, Failure> {
    let Some(address) = shadow else {
        return Err(Failure::usage(anyhow!(
            "fill needs a server to fill a database on: give --shadow postgres://user@host/database (it is created; without a name it is pgrehearse_ and the scenario's name)"
        )));
    };
    read_endpoint(address)
}

/// Reads an address over the environment.
pub(super) fn read_endpoint(address: &str) -> Result<Endpoint, Failure> {
    Endpoint::read(address, &|name| std::env::var(name).ok()).map_err(Failure::usage)
}

fn report(loaded: &Loaded, filled: FilledDatabase) -> Filled {
    let FilledDatabase {
        shadow,
        summary,
        tables,
        notes,
    } = filled;
    let mut tables: Vec<FilledTable> = tables
        .into_iter()
        .map(|table| FilledTable {
            name: table.name,
            rows: Rows(table.rows),
            bytes: table.bytes,
        })
        .collect();
    tables.sort_by_key(|table| std::cmp::Reverse((table.bytes, table.rows.0)));
    Filled {
        format_version: Filled::FORMAT_VERSION,
        tool: Tool::this(),
        scenario: loaded.plan.name.clone(),
        shadow: FilledShadow {
            url: shadow.endpoint().to_string(),
            database: shadow.identity().database.clone(),
            postgres_version: shadow.identity().version.clone(),
            created: shadow.is_created(),
            drop: shadow.drop_command(),
        },
        rows: Rows(summary.rows),
        bytes: tables.iter().filter_map(|table| table.bytes).sum(),
        rows_per_second: summary.rows_per_second(),
        copying: summary.copying,
        indexing: summary.indexing,
        settling: summary.settling,
        tables,
        notes,
    }
}
