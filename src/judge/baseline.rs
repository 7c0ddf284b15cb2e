//! Whether the baseline can carry a comparison: enough requests, sent in time, to a server that bears
//! the load.

use crate::observe::Phase;
use crate::units::Span;

use super::Context;
use super::case::Case;
use super::demand;
use super::gap::{COMPARED, Gap, UNDER_LOAD};
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

/// A baseline p99 of up to this many seconds is never called a growing queue, however low the floor:
/// it is the default ratio times the default floor.
const SLOW_BASELINE: f64 = 0.3;

/// How much slower the baseline's second half may be than its first. A queue that grows evenly makes
/// it three times as slow; the medians of a steady load's halves stay well within this.
const GROWTH: f64 = 2.0;

/// Why nothing can be held against what the baseline shows.
pub(super) fn gaps(case: &Case<'_>, context: &Context) -> Vec<Gap> {
    let Some(baseline) = case.baseline else {
        return vec![Gap::doubting(
            COMPARED,
            "no baseline was measured".to_owned(),
        )];
    };
    let count = ended(&baseline.accounting);
    if count < FEWEST {
        let sentence = format!(
            "too few transactions to judge: {} ended in the baseline, {FEWEST} are needed",
            thousands(count)
        );
        return vec![Gap::doubting(COMPARED, sentence)];
    }
    let gaps = [
        shortfall(case, context),
        growing(case, baseline),
        failing(case, baseline),
    ];
    let under_load = |sentence| Gap::doubting(UNDER_LOAD, sentence);
    let away = unavailable(case).map(|sentence| Gap::doubting(&["unavailable"], sentence));
    let late =
        lag(case, baseline).map(|sentence| Gap::doubting(doubted_by_lag(case, baseline), sentence));
    let gaps = gaps.into_iter().flatten().map(under_load);
    late.into_iter().chain(gaps).chain(away).collect()
}

/// The planned rate was not reached. All phases are counted together: requests under way when the
/// migration began have gone over to it. Clients have no rate to reach.
fn shortfall(case: &Case<'_>, context: &Context) -> Option<String> {
    let phases = &case.pass.phases;
    let planned = phases
        .iter()
        .map(|phase| demand::planned(phase, context))
        .sum::<Option<f64>>()?;
    let due: u64 = phases.iter().map(|phase| phase.accounting.scheduled).sum();
    missed(due, planned).map(|planned| {
        format!(
            "the load generator did not reach its rate: {} of {} planned requests came due",
            thousands(due),
            thousands(planned)
        )
    })
}

/// The planned requests, where so many fewer came due that chance does not explain it.
pub(super) fn missed(due: u64, planned: f64) -> Option<u64> {
    let least = LEAST_DUE * planned - ARRIVAL_DEVIATIONS * planned.sqrt();
    ((due as f64) < least).then_some(planned.round() as u64)
}

/// The p99 of the generator's lag beyond which the machine was too busy to tell whose fault a p99 is
/// that fails at `limit`; both in seconds.
pub(super) fn lag_bound(limit: f64) -> f64 {
    (LAG_SHARE * limit).max(LEAST_LAG)
}

/// A lag that is small beside the limit on lock waits, or beside the longest of them, makes latencies
/// doubtful, not seconds of waiting that the server itself tells of.
fn doubted_by_lag(case: &Case<'_>, baseline: &Phase) -> &'static [&'static str] {
    let lag = baseline.lag.map_or(0.0, |lag| lag.p99);
    let waits = case.pass.locks.waits.iter();
    let owed = waits.filter(|wait| wait.is_owed_to_migration());
    let longest = owed.map(|wait| wait.length).max().unwrap_or_default();
    let told = case.limits.lock_wait.max(longest);
    match lag > LAG_SHARE * told.as_secs_f64() {
        true => UNDER_LOAD,
        false => COMPARED,
    }
}

fn lag(case: &Case<'_>, baseline: &Phase) -> Option<String> {
    let lag = baseline.lag?.p99;
    let p99 = baseline.latency?.p99;
    let bound = lag_bound(case.p99_limit(p99));
    (lag > bound).then(|| {
        format!(
            "the load generator could not keep up: its lag in the baseline has a p99 of {}, more \
             than {}; lower the rate or use a larger machine",
            Span::from_seconds(lag),
            Span::from_seconds(bound)
        )
    })
}

/// A baseline whose latency is high and grows: requests come faster than the server works them off.
/// The open loop's queue would go on growing, and the migration be blamed for it. A latency that is
/// high and stays as it is, is what the workload has always cost: the migration is held against that.
fn growing(case: &Case<'_>, baseline: &Phase) -> Option<String> {
    let limit = case.limits.p99_ratio * case.limits.p99_floor.as_secs_f64();
    let slow = baseline.latency?.p99 > limit.max(SLOW_BASELINE);
    let ends = baseline.end.saturating_sub(baseline.start).as_secs_f64();
    let p99s: Vec<f64> = case
        .pass
        .series
        .iter()
        .filter(|second| second.t >= 0.0 && second.t < ends)
        // What was due in the last moments may have met the migration.
        .filter(|second| second.t + 1.0 + second.p50.unwrap_or_default() <= ends)
        .filter_map(|second| second.p99)
        .collect();
    let (first, second) = p99s.split_at(p99s.len() / 2);
    let (first, second) = (median(first)?, median(second)?);
    (slow && second > GROWTH * first).then(|| {
        format!(
            "the server cannot bear the load: without any migration the p99 grew from {} to {} \
             within the baseline; lower the rate",
            Span::from_seconds(first),
            Span::from_seconds(second)
        )
    })
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

fn unavailable(case: &Case<'_>) -> Option<String> {
    let (measured, limit) = (case.pass.impact.unavailable_before, case.limits.unavailable);
    (measured > limit).then(|| {
        format!(
            "the baseline already breaks the limits: without any migration {} succeeded for {}, more \
             than {}; raise limits.unavailable if this is normal",
            match &case.pass.impact.unavailable_transaction_before {
                Some(kind) => format!("no {kind}"),
                None => "no transaction of a kind".to_owned(),
            },
            Span(measured),
            Span(limit)
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
