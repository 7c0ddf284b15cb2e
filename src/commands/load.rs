//! `pgrehearse load`: traffic alone, of a scenario on a shadow of its own, or of scripts on a database that
//! is there already, as `pgbench` sends it.

mod measured;
mod scripts;
mod target;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use measured::load_report;

use super::output::{self, deliver};
use super::scenario_files::load_traffic;
use super::workshop::Workshop;
use super::{Failure, Shared, exit};
use crate::rehearsal;
use crate::report::Report;
use crate::scenario::plan::{Load, Protocol};
use crate::scenario::{Override, Plan};
use crate::units::Span;

/// Options of `load`.
#[derive(Debug)]
pub struct LoadOptions {
    /// A folder that holds scenario.toml, or the file.
    pub scenario: Option<PathBuf>,
    /// The database that the traffic is sent to, in a scenario's place.
    pub url: Option<String>,
    /// What is sent to it.
    pub scripts: Vec<ScriptArgument>,
    /// Variables of the scripts, as NAME=VALUE.
    pub definitions: Vec<String>,
    /// `:scale` in the place of what pgbench's tables say.
    pub scale: Option<u64>,
    /// Connections; without a rate, clients that send as soon as they can.
    pub clients: Option<u32>,
    /// Threads that send.
    pub jobs: Option<u32>,
    /// Transactions per second.
    pub rate: Option<f64>,
    /// Transactions of each client, in the place of a time.
    pub transactions: Option<u64>,
    /// How long is measured.
    pub duration: Option<Span>,
    /// Traffic before that.
    pub warmup: Option<Span>,
    /// How statements are sent.
    pub protocol: Option<Protocol>,
    /// Whether lock waits are looked for on a database of the user's.
    pub locks: bool,
    /// The database's name, typed a second time: it may be written to.
    pub confirmed: Option<String>,
    /// What all commands share.
    pub shared: Shared,
}

/// A script of the command line: a name with its weight, as `name@2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptArgument {
    /// One of pgbench's own.
    Builtin(String),
    /// A file.
    File(String),
}

/// Sends the traffic and reports. 0 when any transaction succeeded, 1 when none did although some were
/// due.
pub fn load(mut options: LoadOptions) -> Result<u8, Failure> {
    let report = match (options.scenario.take(), options.url.take()) {
        (Some(scenario), None) => of_scenario(scenario, options)?,
        (None, Some(url)) => target::load_at(&url, options)?,
        (Some(_), Some(_)) => return Err(not_both()),
        (None, None) => return Err(neither()),
    };
    Ok(code(&report))
}

/// Whether anything succeeded.
fn code(report: &Report) -> u8 {
    let phases = report.passes.iter().flat_map(|pass| &pass.phases);
    let (due, done) = phases.fold((0, 0), |(due, done), phase| {
        let accounting = &phase.accounting;
        (due + accounting.scheduled, done + accounting.completed)
    });
    match (report.interrupted, due > 0 && done == 0) {
        (true, _) => exit::INTERRUPTED,
        (false, true) => exit::NOTHING_SUCCEEDED,
        (false, false) => exit::SAFE,
    }
}

fn of_scenario(scenario: PathBuf, mut options: LoadOptions) -> Result<Report, Failure> {
    refuse_what_a_scenario_has(&scenario, &options)?;
    let overrides = overrides(&options);
    options.shared.overrides.extend(overrides);
    let shared = &options.shared;
    let mut loaded = load_traffic(&scenario, shared)?;
    send_log_once(&mut loaded.plan, &options);
    let out = output::folder(shared)?;
    let workshop = Workshop::new(shared)?;
    let plan = &loaded.plan;
    let first = format!("load of {}: {}", plan.name, plan.title);
    let load = workshop.load(&first, async |with, around| {
        rehearsal::load(plan, with, around).await
    })?;
    let report = load_report(load, None)?;
    deliver(&report, out.as_ref(), shared)?;
    Ok(report)
}

/// What is left after a log's last transaction for it to be due.
const LOG_END: Duration = Duration::from_millis(100);

/// A log is sent once from its beginning, unless the command line says for how long.
fn send_log_once(plan: &mut Plan, options: &LoadOptions) {
    if let (Load::Replay(replay), None) = (&mut plan.traffic.load, options.duration) {
        replay.repeat = false;
        plan.phases.baseline = replay.length + LOG_END;
        plan.phases.warmup = options.warmup.map_or(Duration::ZERO, |warmup| warmup.0);
    }
}

/// What the command line sets over the scenario's keys.
fn overrides(options: &LoadOptions) -> Vec<Override> {
    let seconds = |span: Span| format!("\"{}s\"", span.0.as_secs_f64());
    let protocol = |protocol| match protocol {
        Protocol::Prepared => "\"prepared\"".to_owned(),
        Protocol::Extended => "\"extended\"".to_owned(),
        Protocol::Simple => "\"simple\"".to_owned(),
    };
    let given = [
        ("phases.baseline", options.duration.map(seconds)),
        ("phases.warmup", options.warmup.map(seconds)),
        ("traffic.rate", options.rate.map(|rate| rate.to_string())),
        ("traffic.clients", options.clients.map(|n| n.to_string())),
        ("traffic.protocol", options.protocol.map(protocol)),
    ];
    given
        .into_iter()
        .filter_map(|(key, value)| {
            Some(Override {
                key: key.to_owned(),
                value: value?,
            })
        })
        .collect()
}

/// What only a load of a database of the user's can be told.
fn refuse_what_a_scenario_has(scenario: &Path, options: &LoadOptions) -> Result<(), Failure> {
    let given = [
        (!options.scripts.is_empty(), "--file and --builtin"),
        (!options.definitions.is_empty(), "--define"),
        (options.scale.is_some(), "--scale"),
        (options.jobs.is_some(), "--jobs"),
        (options.transactions.is_some(), "--transactions"),
        (options.locks, "--locks"),
        (options.confirmed.is_some(), "--i-know-this-is-disposable"),
        (
            options.rate.is_some() && options.clients.is_some(),
            "--rate with --clients",
        ),
    ];
    match given.iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(Failure::usage(anyhow!(
            "{flag}: only with --url, and {} is read as a scenario, which says in its [traffic] and [application] what is sent and by whom. A database is named with --url postgres:///database",
            scenario.display()
        ))),
        None => Ok(()),
    }
}

fn not_both() -> Failure {
    Failure::usage(anyhow!(
        "a scenario's traffic goes to a server of its own, whose tables it has filled: leave --url out; or leave the scenario out and give its scripts with --file"
    ))
}

fn neither() -> Failure {
    Failure::usage(anyhow!(
        "load needs a scenario, or --url with what to send: pgrehearse load --url postgres://host/database --builtin select-only --clients 8"
    ))
}
