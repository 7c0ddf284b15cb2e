//! A load on a database that is there already.

use std::time::Duration;

use anyhow::anyhow;

use super::LoadOptions;
use super::measured::load_report;
use super::scripts::transactions;
use crate::commands::fill::read_endpoint;
use crate::commands::output::deliver;
use crate::commands::workshop::Workshop;
use crate::commands::{Failure, environment, output};
use crate::judge::wording::counted;
use crate::pgbench::Definitions;
use crate::postgres::endpoint::Endpoint;
use crate::rehearsal::{self, first_write};
use crate::report::Report;
use crate::scenario::Plan;
use crate::scenario::plan::{ApplicationPlan, ClosedLoad, Load, OpenLoad, PhasesPlan, TrafficPlan};
use crate::shadow::{GuardError, Sending, Target};
use crate::units::Rate;

pub(super) fn load_at(url: &str, options: LoadOptions) -> Result<Report, Failure> {
    let endpoint = read_endpoint(url)?;
    let plan = plan(&options, &endpoint)?;
    let writing = first_write(&plan.traffic).map_err(Failure::usage)?;
    let shared = &options.shared;
    let out = output::folder(shared)?;
    let workshop = Workshop::new(shared)?;
    let sending = Sending {
        endpoint,
        writing,
        confirmed: options.confirmed,
    };
    let target = workshop.block_on(Target::open(sending)).map_err(refusal)?;
    let watch_locks = options.locks;
    let load = workshop.load(&announced(&target), async |_, around| {
        rehearsal::load_at(&plan, &target, watch_locks, around).await
    })?;
    let report = load_report(load, Some(&target))?;
    deliver(&report, out.as_ref(), shared)?;
    Ok(report)
}

/// Names the database before anything is sent: it may be the wrong one.
fn announced(target: &Target) -> String {
    let identity = target.identity();
    let others = match target.others() {
        0 => String::new(),
        others => format!(
            ", {} of others connected",
            counted(others as u64, "session")
        ),
    };
    format!(
        "load of {}: PostgreSQL {}, system identifier {}, {}{others}",
        target.endpoint(),
        identity.version,
        identity.system_identifier,
        target.licence().told()
    )
}

/// Two different names are the user's to mend.
fn refusal(error: GuardError) -> Failure {
    match error {
        GuardError::NotConfirmed { .. } => Failure::usage(error),
        // Its sentence ends with the server's own already.
        other => Failure::could_not_run(anyhow!("{other}")),
    }
}

/// The plan of a load without a scenario.
fn plan(options: &LoadOptions, endpoint: &Endpoint) -> Result<Plan, Failure> {
    let transactions = transactions(&options.scripts)?;
    if transactions.iter().all(|kind| kind.weight == 0) {
        return Err(Failure::usage(anyhow!(
            "nothing to send: give --builtin tpcb-like, simple-update or select-only, or --file script.sql, with a weight above 0"
        )));
    }
    let names: Vec<&str> = transactions.iter().map(|kind| kind.name.as_str()).collect();
    let names = names.join(", ");
    let default = PhasesPlan::default();
    Ok(Plan {
        name: "load".to_owned(),
        title: match endpoint.database() {
            Some(database) => format!("{names} on {database}"),
            None => names,
        },
        seed: seed(options)?,
        application: application(options),
        traffic: TrafficPlan {
            load: pace(options)?,
            protocol: options.protocol.unwrap_or_default(),
            transactions,
            definitions: definitions(options)?,
            ..TrafficPlan::default()
        },
        phases: PhasesPlan {
            warmup: options.warmup.map_or(Duration::ZERO, |span| span.0),
            baseline: match options.transactions {
                // As long as they take.
                Some(_) => Duration::ZERO,
                None => options.duration.map_or(default.baseline, |span| span.0),
            },
            recovery: Duration::ZERO,
        },
        ..Plan::default()
    })
}

/// `--seed` comes as an override of a scenario's key.
fn seed(options: &LoadOptions) -> Result<u64, Failure> {
    let mut overrides = options.shared.overrides.iter();
    match overrides.find(|item| item.key == "seed") {
        Some(seed) => seed.value.parse().map_err(Failure::usage),
        None => Ok(0),
    }
}

/// The variables of the command line; `--define scale=…` over `--scale`, over what pgbench's tables say.
fn definitions(options: &LoadOptions) -> Result<Definitions, Failure> {
    let mut definitions = Definitions::default();
    if let Some(scale) = options.scale {
        definitions
            .set("scale", &scale.to_string())
            .map_err(Failure::usage)?;
    }
    for definition in &options.definitions {
        definitions.define(definition).map_err(Failure::usage)?;
    }
    Ok(definitions)
}

fn pace(options: &LoadOptions) -> Result<Load, Failure> {
    match (options.rate, options.clients) {
        (Some(rate), _) if !(rate.is_finite() && rate > 0.0) => Err(Failure::usage(anyhow!(
            "--rate must be above 0 transactions per second"
        ))),
        (Some(rate), clients) => Ok(Load::Open(OpenLoad {
            rate: Rate(rate),
            // A rate alone is sent as pgbench's one client sends it.
            transactions: options
                .transactions
                .map(|each| each.saturating_mul(clients.unwrap_or(1).into())),
            ..OpenLoad::default()
        })),
        (None, Some(clients)) => Ok(Load::Closed(ClosedLoad {
            clients,
            transactions: options.transactions,
            ..ClosedLoad::default()
        })),
        (None, None) => Err(Failure::usage(anyhow!(
            "how much is to be sent? --rate R: R transactions a second whatever the server does; --clients N: N clients, each of which sends as soon as it has its answer; both: the rate, over N connections"
        ))),
    }
}

/// Who sends: an instance for each thread that may be needed, and the connections shared out among them. A
/// rate alone is sent by one pool of the usual size. As with pgbench, no statement has a timeout.
fn application(options: &LoadOptions) -> ApplicationPlan {
    let default = ApplicationPlan::default();
    let connections = options.clients.unwrap_or(default.pool_size);
    let processors = u32::try_from(environment::cpus()).unwrap_or(u32::MAX);
    let instances = instances(connections, options.jobs.unwrap_or(processors));
    ApplicationPlan {
        instances,
        pool_size: connections / instances,
        statement_timeout: Duration::ZERO,
        ..default
    }
}

/// The most threads, up to `most`, that connections can be shared out among evenly: a load of N clients
/// has N connections, not one more.
fn instances(connections: u32, most: u32) -> u32 {
    let most = most.clamp(1, connections.max(1));
    (1..=most)
        .rev()
        .find(|threads| connections.is_multiple_of(*threads))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn connections_are_shared_out_evenly() {
        for (connections, processors, expected) in [
            (8, 2, 2),
            (8, 16, 8),
            (9, 4, 3),
            (7, 4, 1),
            (1, 8, 1),
            (40, 64, 40),
        ] {
            assert_eq!(instances(connections, processors), expected);
        }
    }

    proptest! {
        #[test]
        fn no_connection_is_missing_or_left_over(connections in 1u32..2_000, most in 0u32..200) {
            let instances = instances(connections, most);
            prop_assert_eq!(instances * (connections / instances), connections);
            prop_assert!(instances <= most.max(1));
        }
    }
}
