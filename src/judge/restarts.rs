//! The rule `restarts`: whether the migration made health checks restart instances.

use std::time::Duration;

use crate::observe::{FleetEvent, FleetEventKind};
use crate::units::Span;

use super::case::Case;
use super::gap::{Gap, UNDER_LOAD};
use super::wording::thousands;
use super::{Finding, Unit, Window};

/// Generator lateness, as a part of the limit on lock waits, beyond which the machine was too busy to
/// tell whose fault it is that health checks had no answer in time: the same as of the baseline.
const LAG_SHARE: f64 = 0.1;

/// One finding, from the migration's start on. There is no limit to set: a platform that ends processes
/// because of a migration has made it an outage.
pub(super) fn restarts(case: &Case<'_>) -> Vec<Finding> {
    let Some(migration) = case.pass.migration.as_ref() else {
        return Vec::new();
    };
    let impact = &case.pass.impact;
    let count = impact.restarts;
    let mut finding = case.finding("restarts", Unit::Count, (f64::from(count), 0.0));
    if first(&case.pass.events, migration.start).is_some_and(|at| at > migration.end) {
        finding.window = Window::Recovery;
    }
    finding.detail = match count {
        0 => "no instance was restarted".to_owned(),
        _ => {
            let none_up = match impact.none_up.is_zero() {
                true => String::new(),
                false => format!("; none was up for {}", Span(impact.none_up)),
            };
            format!(
                "health checks failed and {} followed{none_up}; none may",
                match count {
                    1 => "a restart of an instance".to_owned(),
                    _ => format!("{} restarts of instances", thousands(u64::from(count))),
                }
            )
        }
    };
    let lag = latest(case);
    if !finding.passed && lag > LAG_SHARE * case.limits.lock_wait.as_secs_f64() {
        finding.doubt = Some(format!(
            "{}, but the load generator itself was late (p99 {}): the machine was too busy to tell \
             whether the migration is to blame",
            finding.detail,
            Span::from_seconds(lag)
        ));
    }
    case.blame_most_waiting(&mut finding);
    vec![finding]
}

/// The first restart from a moment on.
fn first(events: &[FleetEvent], from: Duration) -> Option<Duration> {
    let restarts = events
        .iter()
        .filter(|event| event.kind == FleetEventKind::Restarted);
    restarts.map(|event| event.at).find(|at| *at >= from)
}

/// The generator's lateness in the judged windows, its 99th percentile.
fn latest(case: &Case<'_>) -> f64 {
    case.windows()
        .filter_map(|(_, phase)| phase.lag)
        .map(|lag| lag.p99)
        .fold(0.0, f64::max)
}

/// An application whose instances restart without any migration cannot stand its own traffic, and what
/// comes after says nothing about the migration.
pub(super) fn gap(case: &Case<'_>) -> Option<Gap> {
    let before = u64::from(case.pass.impact.restarts_before);
    (before > 0).then(|| {
        let sentence = format!(
            "the baseline is already broken: without any migration health checks restarted instances \
             {} {}; lower the rate, or give the pools or the health check more room",
            thousands(before),
            if before == 1 { "time" } else { "times" }
        );
        Gap::doubting(UNDER_LOAD, sentence)
    })
}
