//! The rule `p99_ratio`, for all transactions and for each kind, while migrating and in recovery.
//!
//! A p99 is judged only above `p99_floor`, so its limit is `p99_ratio` times the baseline's p99, or
//! the floor if that is more. Both are given in seconds, so that `measured <= limit` says the whole
//! rule.

use crate::units::Span;

use super::baseline::lag_bound;
use super::case::{Case, sample};
use super::interval::{Estimate, weigh};
use super::tail::{FEWEST, Tail};
use super::unsteady::{self, Counted};
use super::wording::times;
use super::{Finding, Unit, Window};

/// Below one microsecond, which is the histograms' resolution, no baseline is divided by.
const RESOLUTION: f64 = 1e-6;

pub(super) fn p99_ratio(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in case.kinds() {
        let Some(baseline) = case.usual(kind).and_then(|sample| sample.tail()) else {
            continue;
        };
        for judged in tails(case, kind) {
            findings.push(compare(case, kind, (&baseline, &judged)));
        }
    }
    findings
}

/// A percentile to be judged, and of what.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    window: Window,
    /// Both windows taken together, because this one alone held too few requests.
    pooled: bool,
    tail: Tail,
}

/// The percentiles that can be judged: of each window with enough requests; where one has too few,
/// of both together. The migration of a moment thus still counts, by those whom it held up.
///
/// A migration shorter than the baseline's p99 has too few however many they are: most of them were
/// under way when it began, and whoever looks at a moment finds the long ones.
pub(super) fn tails(case: &Case<'_>, kind: Option<&str>) -> Vec<Judged> {
    let migrating = sample(case.migrating, kind).filter(|sample| sample.ended() > 0);
    let recovery = sample(case.recovery, kind).filter(|sample| sample.ended() > 0);
    let usual = case.usual(kind).and_then(|sample| sample.tail());
    let took = case.migrating.map_or(0.0, |phase| {
        phase.end.saturating_sub(phase.start).as_secs_f64()
    });
    let brief = usual.is_some_and(|usual| took < usual.p99);
    let alone = |window, tail: Option<Tail>| {
        tail.map(|tail| Judged {
            window,
            pooled: false,
            tail,
        })
    };
    let first = migrating
        .filter(|_| !brief)
        .and_then(|sample| sample.tail());
    let second = recovery.and_then(|sample| sample.tail());
    let mut judged: Vec<Judged> = alone(Window::Migration, first)
        .into_iter()
        .chain(alone(Window::Recovery, second))
        .collect();
    if let (Some(migrating), Some(recovery)) = (migrating, recovery)
        && (brief || migrating.ended() < FEWEST || recovery.ended() < FEWEST)
    {
        let window = match brief || migrating.ended() < FEWEST {
            true => Window::Migration,
            false => Window::Recovery,
        };
        judged.extend(migrating.pooled_tail(&recovery).map(|tail| Judged {
            window,
            pooled: true,
            tail,
        }));
    }
    judged.sort_by_key(|judged| judged.window);
    judged
}

fn compare(case: &Case<'_>, kind: Option<&str>, (baseline, judged): (&Tail, &Judged)) -> Finding {
    let base = baseline.p99.max(RESOLUTION);
    let measured = judged.tail.p99;
    let limit = case.p99_limit(base);
    let mut finding = case.finding("p99_ratio", Unit::Seconds, (measured, limit));
    finding.window = judged.window;
    finding.transaction = kind.map(str::to_owned);
    finding.noise = Some(
        measured
            * baseline
                .relative_noise()
                .hypot(judged.tail.relative_noise()),
    );
    let (estimate, limits) = estimates(case, kind, (baseline, judged));
    weigh(&mut finding, &estimate.against(&limits), limits.low);
    let window = match judged.pooled {
        true => "while migrating and in recovery".to_owned(),
        false => judged.window.to_string(),
    };
    finding.detail = format!(
        "the p99 of {} was {} {window}, {} the baseline's {}; the limit is {}, or {} if that is \
         more",
        kind.unwrap_or("all requests"),
        Span::from_seconds(judged.tail.p99),
        times(measured / base),
        Span::from_seconds(baseline.p99),
        times(case.limits.p99_ratio),
        Span(case.limits.p99_floor)
    );
    finding.doubt = lateness(&finding, &judged.tail, limit);
    case.blame_most_waiting(&mut finding);
    finding
}

/// The judged percentile and its limit, each with its interval. The limit is only as sure as the baseline's
/// percentile that it is a multiple of, and as sure as the floor where that is more.
fn estimates(
    case: &Case<'_>,
    kind: Option<&str>,
    (baseline, judged): (&Tail, &Judged),
) -> (Estimate, Estimate) {
    let steady = unsteady::of_baseline(case, kind, Counted::Slower(baseline.p99));
    let phases: Vec<_> = case
        .windows()
        .filter(|(window, _)| judged.pooled || *window == judged.window)
        .map(|(_, phase)| phase)
        .collect();
    let counted = Counted::Slower(judged.tail.p99);
    let effect = unsteady::of_window(case, kind, (&phases, counted, steady));
    let usual = baseline.estimate(steady);
    let limit = |p99: f64| case.p99_limit(p99.max(RESOLUTION));
    let limits = Estimate {
        value: limit(usual.value),
        low: limit(usual.low),
        high: limit(usual.high),
    };
    (judged.tail.estimate(effect), limits)
}

/// The generator's own lateness is part of every latency, and a sign that server and traffic fight for
/// the processors. Where the p99 fails only by it, or the lag is beyond what a baseline may have, the
/// machine was short of something and the migration need not be to blame; locks that it holds are
/// judged by rules of their own. A p99 that passes in spite of it needs no such care: lateness only adds.
fn lateness(finding: &Finding, tail: &Tail, limit: f64) -> Option<String> {
    let only_by_lag = tail.p99 - tail.lag <= limit;
    (!finding.passed && (only_by_lag || tail.lag > lag_bound(limit))).then(|| {
        format!(
            "{}, but the load generator itself was late (p99 {}): the machine was too busy to tell \
             whether the migration is to blame",
            finding.detail,
            Span::from_seconds(tail.lag)
        )
    })
}
