//! `pgrehearse run --find-lock-timeout`: which `lock_timeout` and backoff bring the migration past the scenario's
//! disturbances with the least harm.

use std::time::Duration;

use anyhow::anyhow;

use super::output::{self, OutputFolder};
use super::scenario_files::Loaded;
use super::workshop::{Depth, Workshop};
use super::{Failure, Shared, exit};
use crate::report::sweep::{self, Setting, Sweep};
use crate::units::Span;

/// The timeouts that are tried, as far as the limit on lock waits allows: a wait of the traffic behind the
/// migration is never shorter than that of the migration itself.
const TIMEOUTS: [u64; 6] = [50, 100, 200, 500, 1_000, 2_000];

/// How many times the timeout the backoff is: with less, the traffic has no time to work off what queued.
const BACKOFFS: [u32; 2] = [2, 10];

/// Rehearses the migration once with each setting and prints them side by side; 0 where one of them is safe.
pub(super) fn find(
    loaded: &Loaded,
    workshop: &Workshop,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<u8, Failure> {
    let plan = &loaded.plan;
    if plan.disturbances.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{} has `disturbances = []`: without anything in the migration's way every lock_timeout is as good; leave the key out",
            loaded.file.display()
        )));
    }
    let candidates: Vec<(Duration, Duration)> = candidates(plan.limits.lock_wait).collect();
    if candidates.is_empty() {
        return Err(Failure::usage(anyhow!(nothing_to_try(
            plan.limits.lock_wait
        ))));
    }
    let mut settings = Vec::new();
    for (timeout, backoff) in candidates {
        let candidate = Loaded {
            plan: plan.patient(timeout, backoff),
            file: loaded.file.clone(),
        };
        let report = workshop.rehearse(&candidate, Depth::Disturbed);
        let report = match report {
            // What the settings before have shown stays shown.
            Err(Failure::Interrupted) if !settings.is_empty() => break,
            report => report?,
        };
        settings.push(Setting::of(&report, timeout, backoff));
        if report.interrupted {
            break;
        }
    }
    let interrupted = workshop.stopped();
    let sweep = Sweep::new(plan, settings);
    if let Some(out) = out {
        out.write_file("lock_timeout.json", |file| sweep::write_json(&sweep, file))
            .map_err(Failure::could_not_run)?;
    }
    let printed = match shared.json {
        true => output::print_with(|out, _| sweep::write_json(&sweep, out)),
        false => output::print_with(|out, style| sweep::write(&sweep, out, style)),
    };
    printed.map_err(Failure::could_not_run)?;
    Ok(match (interrupted, sweep.best()) {
        (true, _) => exit::INTERRUPTED,
        (false, Some(_)) => exit::SAFE,
        (false, None) if sweep.is_open() => exit::INCONCLUSIVE,
        (false, None) => exit::UNSAFE,
    })
}

/// Why there is no setting to try.
fn nothing_to_try(limit: Duration) -> String {
    let [shortest, ..] = TIMEOUTS.map(Duration::from_millis);
    format!(
        "limits.lock_wait is {}, and the traffic waits behind the migration for as long as its lock_timeout, of which \
         the shortest that is tried is {}: give a longer limits.lock_wait",
        Span(limit),
        Span(shortest)
    )
}

fn candidates(limit: Duration) -> impl Iterator<Item = (Duration, Duration)> {
    let timeouts = TIMEOUTS.into_iter().map(Duration::from_millis);
    let bearable = timeouts.filter(move |timeout| *timeout < limit);
    bearable.flat_map(|timeout| BACKOFFS.map(|times| (timeout, timeout * times)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_below_every_timeout_leaves_nothing_to_try() {
        let tried = |limit| candidates(Duration::from_millis(limit)).count();
        assert_eq!((tried(50), tried(51), tried(1_000)), (0, 2, 8));
        insta::assert_snapshot!(nothing_to_try(Duration::from_millis(50)), @"limits.lock_wait is 50.0 ms, and the traffic waits behind the migration for as long as its lock_timeout, of which the shortest that is tried is 50.0 ms: give a longer limits.lock_wait");
    }
}
