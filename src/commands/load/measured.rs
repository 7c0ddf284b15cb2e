//! From what a load measured to its report.

use std::time::Duration;

use crate::commands::Failure;
use crate::commands::found::{Measured, filled, report};
use crate::judge;
use crate::rehearsal::Load;
use crate::report::load::{LoadTarget, Usage};
use crate::report::{self as reports, Report};
use crate::shadow::Target;

/// The parts of a plan that a load has no use for.
const NOT_OF_A_LOAD: [&str; 5] = [
    "migration",
    "limits",
    "invariants",
    "expect",
    "disturbances_given",
];

/// The report of a load; `target` is where it went, if it had no shadow of its own.
pub(super) fn load_report(load: Load, target: Option<&Target>) -> Result<Report, Failure> {
    let usage = usage(&load);
    let plan = &load.plan;
    let since_start = |moment| plan.phases.warmup + moment;
    let phases = load.pass.phases.iter();
    let remarks: Vec<String> = phases
        .flat_map(|phase| {
            let (from, to) = (since_start(phase.start), since_start(phase.end));
            judge::load::remarks(phase, plan.traffic.load.expected(from, to))
        })
        .collect();
    let measured = Measured {
        passes: vec![load.pass],
        ..Measured::default()
    };
    let mut report = report(plan, &load.shadow, measured)?;
    if let Some(plan) = report.plan.as_object_mut() {
        plan.retain(|key, _| !NOT_OF_A_LOAD.contains(&key.as_str()));
    }
    report.statements = load.statements;
    report.load = Some(reports::Load {
        target: target.map(load_target),
        usage,
    });
    report.fill = load.fill.map(filled);
    report.notes = remarks.into_iter().chain(load.notes).collect();
    report.interrupted = load.interrupted;
    Ok(report)
}

fn usage(load: &Load) -> Usage {
    let phases = load.pass.phases.iter();
    let (ended, length) = phases.fold((0, Duration::ZERO), |(ended, length), phase| {
        let accounting = &phase.accounting;
        (
            ended + accounting.scheduled - accounting.unfinished,
            length + phase.end.saturating_sub(phase.start),
        )
    });
    Usage {
        peak_memory_bytes: load.effort.peak_memory,
        ..Usage::of(load.effort.cpu, ended, length)
    }
}

fn load_target(target: &Target) -> LoadTarget {
    let identity = target.identity();
    LoadTarget {
        url: target.endpoint().to_string(),
        database: identity.database.clone(),
        system_identifier: identity.system_identifier.to_string(),
        licence: target.licence().told().to_owned(),
    }
}
