//! Whether the evidence can carry a verdict, and what it does not cover.

use crate::observe::{Migration, MigrationOutcome, Pass, PassName, Phase};
use crate::units::Span;

use super::Context;
use super::case::{Case, sample};
use super::failure::outside_cause;
use super::latency::tails;
use super::tail::{FEWEST, ended};
use super::wording::{percent, thousands};

/// How late the generator may be, as a part of the latency at which the verdict turns (its p99
/// against the p99 that would fail). Lateness is part of every latency measured, so it can move a
/// verdict by a tenth at most; with the default floor of 100 ms the bound is 10 ms or more.
const LAG_SHARE: f64 = 0.1;

/// Lateness below this is never held against a run: it is what a timer and a scheduler need.
const LEAST_LAG: f64 = 0.001;

/// The least share of the planned requests that must have come due. Poisson arrivals vary by the
/// square root of their number, which is allowed for on top.
const LEAST_DUE: f64 = 0.95;

/// Standard deviations allowed to the number of arrivals: one run in 700 is beyond by chance.
const ARRIVAL_DEVIATIONS: f64 = 3.0;

/// A baseline p99 of up to this many seconds is never called broken, however low the floor: it is the
/// default ratio times the default floor.
const SLOW_BASELINE: f64 = 0.3;

/// Something that the evidence lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    /// What, in one sentence.
    pub(super) sentence: String,
    /// Whether it takes the ground from failed rules too: with a broken baseline, or a server that
    /// failed under the migration, nothing can be held against it. Other gaps only forbid `safe`.
    pub(super) unsound: bool,
}

impl Gap {
    fn unsound(sentence: String) -> Self {
        Self {
            sentence,
            unsound: true,
        }
    }

    fn thin(sentence: String) -> Self {
        Self {
            sentence,
            unsound: false,
        }
    }
}

/// Passes that a verdict needs and that were not made.
pub(super) fn missing_passes(passes: &[Pass], context: &Context) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if !passes.iter().any(|pass| pass.name != PassName::Check) {
        gaps.push(Gap::unsound("no pass with traffic was made".to_owned()));
    } else if context.disturbances_given && !is_disturbed(passes) {
        gaps.push(Gap::thin(
            "the scenario has disturbances, but no disturbed pass was made".to_owned(),
        ));
    }
    gaps
}

fn is_disturbed(passes: &[Pass]) -> bool {
    passes.iter().any(|pass| pass.name == PassName::Disturbed)
}

/// What the evidence of all passes does not cover.
pub(super) fn uncovered(passes: &[Pass], context: &Context) -> Vec<String> {
    let mut uncovered: Vec<String> = context
        .tables
        .iter()
        .filter(|table| table.production_rows > table.rows && !context.forecast_made)
        .map(|table| {
            format!(
                "judged at {} rows of {}; production has {} (no forecast made)",
                table.rows, table.name, table.production_rows
            )
        })
        .collect();
    if !is_disturbed(passes) && !context.disturbances_given {
        uncovered.push(
            "no disturbed pass was made: in production the migration may have to queue behind a \
             long transaction, and the traffic behind the migration"
                .to_owned(),
        );
    }
    uncovered
}

/// What one pass's evidence lacks.
pub(super) fn gaps(case: &Case<'_>, context: &Context) -> Vec<Gap> {
    let mut gaps = Vec::new();
    gaps.extend(baseline_gaps(case, context));
    gaps.extend(migration_gaps(case));
    gaps.extend(traffic_gaps(case, context));
    gaps
}

fn baseline_gaps(case: &Case<'_>, context: &Context) -> Vec<Gap> {
    let Some(baseline) = case.baseline else {
        return vec![Gap::unsound("no baseline was measured".to_owned())];
    };
    let count = ended(&baseline.accounting);
    if count < FEWEST {
        return vec![Gap::unsound(format!(
            "too few transactions to judge: {} ended in the baseline, {FEWEST} are needed",
            thousands(count)
        ))];
    }
    let gaps = [
        shortfall(baseline, context).map(|what| format!("{what} in the baseline")),
        lag(case, baseline),
        slow(case, baseline),
        failing(case, baseline),
    ];
    gaps.into_iter().flatten().map(Gap::unsound).collect()
}

/// The planned rate was not reached.
fn shortfall(phase: &Phase, context: &Context) -> Option<String> {
    let length = phase.end.saturating_sub(phase.start).as_secs_f64();
    let planned = context.rate?.0 * length;
    let least = LEAST_DUE * planned - ARRIVAL_DEVIATIONS * planned.sqrt();
    let due = phase.accounting.scheduled;
    ((due as f64) < least).then(|| {
        format!(
            "the load generator did not reach its rate: {} of {} planned requests came due",
            thousands(due),
            thousands(planned.round() as u64)
        )
    })
}

fn lag(case: &Case<'_>, baseline: &Phase) -> Option<String> {
    let lag = baseline.lag?.p99;
    let p99 = baseline.latency?.p99;
    let turning = (case.limits.p99_ratio * p99).max(case.limits.p99_floor.as_secs_f64());
    let bound = (LAG_SHARE * turning).max(LEAST_LAG);
    (lag > bound).then(|| {
        format!(
            "the load generator could not keep up: its lag in the baseline has a p99 of {}, more \
             than {}; lower the rate or use a larger machine",
            Span::from_seconds(lag),
            Span::from_seconds(bound)
        )
    })
}

fn slow(case: &Case<'_>, baseline: &Phase) -> Option<String> {
    let p99 = baseline.latency?.p99;
    let limit = case.limits.p99_ratio * case.limits.p99_floor.as_secs_f64();
    (p99 > limit.max(SLOW_BASELINE)).then(|| {
        format!(
            "the baseline already breaks the limits: its p99 is {} without any migration, more \
             than {} (p99_ratio × p99_floor); lower the rate, or raise p99_floor if this is normal",
            Span::from_seconds(p99),
            Span::from_seconds(limit)
        )
    })
}

fn failing(case: &Case<'_>, baseline: &Phase) -> Option<String> {
    let rate = baseline.accounting.error_rate()?;
    let limit = case.limits.error_rate;
    (rate > limit).then(|| {
        let common = baseline.errors.iter().max_by_key(|(_, count)| **count);
        format!(
            "the baseline already breaks the limits: {} of its requests were lost without any \
             migration{}, more than {}",
            percent(rate),
            common.map_or(String::new(), |(error, _)| format!(", most by {error}")),
            percent(limit)
        )
    })
}

/// A migration that did not come to an end of its own.
pub(super) fn ending_gaps(migration: &Migration) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = outside_cause(migration)
        .map(Gap::unsound)
        .into_iter()
        .collect();
    if migration.outcome == MigrationOutcome::Aborted {
        gaps.push(Gap::thin(
            "the migration was aborted before its end".to_owned(),
        ));
    }
    gaps
}

fn migration_gaps(case: &Case<'_>) -> Vec<Gap> {
    let Some(migration) = case.pass.migration.as_ref() else {
        return vec![Gap::unsound(
            "no migration ran: the rehearsal ended before it began".to_owned(),
        )];
    };
    let mut gaps = ending_gaps(migration);
    let error = case.pass.locks.sample_error;
    if error > case.limits.lock_wait {
        gaps.push(Gap::thin(format!(
            "lock waits were sampled up to {} apart, too coarse for a limit of {}",
            Span(error),
            Span(case.limits.lock_wait)
        )));
    }
    gaps
}

fn traffic_gaps(case: &Case<'_>, context: &Context) -> Vec<Gap> {
    if case.pass.migration.is_none() {
        return Vec::new();
    }
    let mut gaps = Vec::new();
    for (window, phase) in case.windows() {
        gaps.extend(shortfall(phase, context).map(|what| format!("{what} {window}")));
    }
    if case.migrating.is_none() || case.recovery.is_none() {
        gaps.push("the rehearsal ended before the recovery was measured".to_owned());
        return gaps.into_iter().map(Gap::thin).collect();
    }
    let judged: u64 = case
        .windows()
        .map(|(_, phase)| ended(&phase.accounting))
        .sum();
    if judged < FEWEST {
        gaps.push(format!(
            "too few transactions to judge: {} ended while migrating and in recovery, {FEWEST} are \
             needed",
            thousands(judged)
        ));
    }
    for kind in case.kinds().into_iter().flatten() {
        let due: u64 = case
            .windows()
            .filter_map(|(_, phase)| sample(Some(phase), Some(kind)))
            .map(|sample| sample.accounting.scheduled)
            .sum();
        if due == 0 {
            gaps.push(format!(
                "no {kind} came due while migrating or in recovery: raise the rate, its weight or \
                 the recovery"
            ));
        }
    }
    gaps.into_iter().map(Gap::thin).collect()
}

/// Kinds of transactions too rare for a p99.
pub(super) fn unjudged(case: &Case<'_>) -> Vec<String> {
    let rare: Vec<&str> = case
        .kinds()
        .into_iter()
        .flatten()
        .filter(|kind| {
            let baseline = sample(case.baseline, Some(kind)).and_then(|sample| sample.tail());
            baseline.is_none() || tails(case, Some(kind)).is_empty()
        })
        .collect();
    match rare.is_empty() || case.migrating.is_none() {
        true => Vec::new(),
        false => vec![format!(
            "no p99 of {} was judged: fewer than {FEWEST} requests",
            rare.join(", ")
        )],
    }
}
