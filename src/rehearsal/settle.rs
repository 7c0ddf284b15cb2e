//! Sums a pass up: raw records into the phases, waits, impact and series of a report.

use std::time::Duration;

use super::pass::Raw;
use crate::observe::waits::{SeenLock, TrackedLocks};
use crate::observe::{HeldLock, Locks, Migration, Pass, PassName, Phase, PhaseName, Second, Statement};
use crate::scenario::Plan;

/// The phases that a report shows, with the one that ends each.
const REPORTED: [PhaseName; 3] = [PhaseName::Baseline, PhaseName::Migration, PhaseName::Recovery];

pub(super) fn settle(plan: &Plan, raw: Raw) -> Pass {
    let Raw { recording, timeline, migration, sampled, end } = raw;
    let names: Vec<String> = plan.traffic.transactions.iter().map(|t| t.name.clone()).collect();
    let zero = timeline.start_of(PhaseName::Baseline).unwrap_or(end);
    let bounds = REPORTED.iter().enumerate().filter_map(|(index, &name)| {
        let next = REPORTED.get(index + 1).and_then(|&next| timeline.start_of(next));
        Some((name, timeline.start_of(name)?, next.unwrap_or(end)))
    });
    let phases: Vec<Phase> = bounds
        .map(|(name, from, to)| {
            recording.phase(name, &names, from.saturating_sub(zero), to.saturating_sub(zero))
        })
        .collect();
    let tracked = sampled.locks;
    let migration = migration.map(|migration| since(zero, with_sampled_locks(migration, &tracked, zero)));
    let impact = recording.impact(&phases, &timeline_window(&timeline, end), &plan.limits_for_impact());
    let mut series = recording.series(zero);
    add_waiters(&mut series, &tracked, zero);
    let mut locks = tracked.locks;
    locks.waits.truncate(Locks::KEPT);
    Pass { name: PassName::Quiet, phases, migration, locks, impact, series }
}
