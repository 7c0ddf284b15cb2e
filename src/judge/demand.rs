//! What the kind of load does to the evidence: a rate that changes of its own accord, and clients that
//! make no requests while they wait.

use std::time::Duration;

use crate::observe::{Accounting, Phase, never_made};
use crate::scenario::plan::Load;
use crate::units::Rate;

use super::case::Case;
use super::gap::Gap;
use super::wording::{percent, thousands};
use super::{Context, Window};

/// How much the rates of two phases may differ, as a part of the baseline's, before their latencies are
/// those of two different loads.
const UNEVEN: f64 = 0.2;

/// Standard deviations by which two numbers of arrivals must differ to be of two different rates.
const DEVIATIONS: f64 = 3.0;

/// Requests that the plan has come due in a phase, on average; none in a closed loop.
pub(super) fn planned(phase: &Phase, context: &Context) -> Option<f64> {
    let since_start = |moment| context.warmup + moment;
    let (from, to) = (since_start(phase.start), since_start(phase.end));
    context.load.expected(from, to)
}

/// What a closed loop cannot show.
pub(super) fn waiting_clients(load: &Load) -> Option<String> {
    let clients = load.closed()?.clients;
    let them = match clients {
        1 => "the one client waits for its answer".to_owned(),
        _ => format!(
            "the {} clients wait for their answers",
            thousands(u64::from(clients))
        ),
    };
    Some(format!(
        "closed loop: {them} before the next request, so little is due while the server stalls, and \
         percentiles and losses look better than those of independent users would: give a `rate` to \
         see these"
    ))
}

/// Phases whose load differed by the plan, so that their latencies would without any migration.
pub(super) fn uneven(case: &Case<'_>, context: &Context) -> Vec<String> {
    let Some(baseline) = case.baseline.filter(|_| context.load.changes()) else {
        return Vec::new();
    };
    case.windows()
        .filter_map(|(window, phase)| uneven_in(window, (baseline, phase)))
        .collect()
}

fn uneven_in(window: Window, (baseline, phase): (&Phase, &Phase)) -> Option<String> {
    let (usual, now) = (due_rate(baseline)?, due_rate(phase)?);
    let noise = DEVIATIONS * rate_noise(baseline)?.hypot(rate_noise(phase)?);
    let differ = (now - usual).abs();
    (differ > UNEVEN * usual && differ > noise).then(|| {
        format!(
            "the load was another {window} than in the baseline by the plan ({} after {}): part of \
             the difference in latency is owed to that",
            Rate(now),
            Rate(usual)
        )
    })
}

/// Requests due per second, as measured.
fn due_rate(phase: &Phase) -> Option<f64> {
    let length = phase.end.saturating_sub(phase.start).as_secs_f64();
    (length > 0.0).then(|| phase.accounting.scheduled as f64 / length)
}

/// The standard deviation of that, of a Poisson variable; of none seen, that of one.
fn rate_noise(phase: &Phase) -> Option<f64> {
    let length = phase.end.saturating_sub(phase.start).as_secs_f64();
    let due = phase.accounting.scheduled.max(1) as f64;
    (length > 0.0).then(|| due.sqrt() / length)
}

/// Losses of a closed loop that pass only because clients who were held up made no requests. How many
/// they would have made, the baseline tells; that these would all have been lost, no one knows, so that
/// it forbids `safe` and no more.
pub(super) fn held_up(case: &Case<'_>, context: &Context) -> Option<Gap> {
    context.load.closed()?;
    let baseline = case.baseline?;
    let impact = &case.pass.impact;
    let stall = impact.unavailable.saturating_sub(impact.unavailable_before);
    let (mut window, mut judged) = (Duration::ZERO, Accounting::default());
    for (_, phase) in case.windows() {
        window += phase.end.saturating_sub(phase.start);
        judged.merge(&phase.accounting);
    }
    let missing = never_made(due_rate(baseline)?, stall, (window, judged.scheduled));
    let (due, lost) = (judged.scheduled as f64, judged.lost() as f64);
    let usual = baseline.accounting.error_rate().unwrap_or_default();
    let limit = usual + case.limits.error_rate;
    let share = (lost + missing as f64) / (due + missing as f64).max(1.0);
    (lost > usual * due && lost <= limit * due && share > limit).then(|| {
        Gap::thin(format!(
            "the clients made some {} requests fewer while they were held up; with these, up to {} \
             were lost, more than {}: give a `rate` to see what independent users suffer",
            thousands(missing),
            percent(share),
            percent(limit)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixtures::{context, healthy, kind, secs, set, usual};
    use crate::judge::judge;
    use crate::observe::{Pass, PhaseName};
    use crate::scenario::plan::{Arrivals, Bursts, Limits, OpenLoad, Outcome, Ramp, Shape};

    fn of(load: Load) -> Context {
        Context { load, ..context() }
    }

    fn ramp(from: f64, over: f64) -> Load {
        Load::Open(OpenLoad {
            rate: Rate(400.0),
            shape: Some(Shape::Ramp(Ramp {
                from: Rate(from),
                over: secs(over),
            })),
            ..OpenLoad::default()
        })
    }

    fn case_of(pass: &Pass, context: &Context, limits: &Limits) -> (Vec<String>, Option<Gap>) {
        let case = Case::new(limits, pass);
        (uneven(&case, context), held_up(&case, context))
    }

    #[test]
    fn clients_have_no_rate_to_reach_but_a_caveat() {
        let mut pass = healthy();
        // A quarter of what 400/s would be.
        for (name, seconds) in [
            (PhaseName::Baseline, 2.5),
            (PhaseName::Migration, 1.1),
            (PhaseName::Recovery, 2.5),
        ] {
            set(&mut pass, name, &usual(seconds));
        }
        let limits = Limits::default();
        let open = judge(&limits, std::slice::from_ref(&pass), &context());
        assert!(
            open.reasons
                .iter()
                .any(|said| said.contains("did not reach its rate"))
        );
        assert!(!open.caveats.iter().any(|said| said.contains("closed loop")));
        let closed = judge(&limits, &[pass], &of(Load::clients(8)));
        assert_eq!(closed.outcome, Outcome::Safe, "{:?}", closed.reasons);
        let caveat = closed
            .caveats
            .iter()
            .find(|said| said.starts_with("closed"));
        insta::assert_snapshot!(caveat.unwrap(), @"closed loop: the 8 clients wait for their answers before the next request, so little is due while the server stalls, and percentiles and losses look better than those of independent users would: give a `rate` to see these");
        insta::assert_snapshot!(waiting_clients(&Load::clients(1)).unwrap(), @"closed loop: the one client waits for its answer before the next request, so little is due while the server stalls, and percentiles and losses look better than those of independent users would: give a `rate` to see these");
    }

    #[test]
    fn a_shaped_load_is_held_against_what_it_has_due() {
        let pass = healthy();
        let due: u64 = pass
            .phases
            .iter()
            .map(|phase| phase.accounting.scheduled)
            .sum();
        // Bursts of three times the rate should have made twice as many.
        let bursts = Load::Open(OpenLoad {
            rate: Rate(400.0),
            arrivals: Arrivals::Poisson,
            bursts: Some(Bursts {
                every: secs(2.0),
                length: secs(1.0),
                factor: 3.0,
            }),
            ..OpenLoad::default()
        });
        let missed = judge(&Limits::default(), std::slice::from_ref(&pass), &of(bursts));
        let said = missed
            .reasons
            .iter()
            .find(|said| said.contains("did not reach"));
        assert!(said.is_some(), "{:?}", missed.reasons);
        // A ramp that is over before the baseline changes nothing.
        let early = of(ramp(0.0, 3.0));
        let planned: f64 = pass
            .phases
            .iter()
            .filter_map(|phase| planned(phase, &early))
            .sum();
        assert!(
            (planned - due as f64).abs() < 0.02 * planned,
            "{planned}, {due}"
        );
        let verdict = judge(&Limits::default(), &[pass], &early);
        assert_eq!(verdict.outcome, Outcome::Safe, "{:?}", verdict.reasons);
    }

    #[test]
    fn phases_of_different_loads_are_a_caveat() {
        let limits = Limits::default();
        let mut pass = healthy();
        assert!(case_of(&pass, &of(ramp(0.0, 3.0)), &limits).0.is_empty());
        set(&mut pass, PhaseName::Recovery, &usual(15.0));
        insta::assert_snapshot!(case_of(&pass, &of(ramp(0.0, 30.0)), &limits).0.join("\n"), @"the load was another in recovery than in the baseline by the plan (600/s after 400/s): part of the difference in latency is owed to that");
        // By the plan, the rate is the same; what happened has other reasons.
        assert!(case_of(&pass, &context(), &limits).0.is_empty());
        // So few may be chance.
        set(
            &mut pass,
            PhaseName::Recovery,
            &[kind("one", 3, (0.001, 0.002))],
        );
        for phase in &mut pass.phases {
            if phase.name == PhaseName::Recovery {
                phase.end = phase.start + secs(0.005);
            }
        }
        assert!(case_of(&pass, &of(ramp(0.0, 30.0)), &limits).0.is_empty());
    }

    #[test]
    fn losses_that_a_stall_hides_forbid_safe() {
        let clients = of(Load::clients(8));
        let limits = Limits {
            unavailable: secs(60.0),
            ..Limits::default()
        };
        let mut pass = healthy();
        pass.impact.unavailable = secs(5.0);
        let mut recovery = usual(5.0).to_vec();
        set(&mut pass, PhaseName::Recovery, &recovery);
        // Nothing was lost: a stall by itself is for the rule `unavailable`.
        assert_eq!(case_of(&pass, &clients, &limits).1, None);
        recovery[0].lost = 2;
        set(&mut pass, PhaseName::Recovery, &recovery);
        let (_, gap) = case_of(&pass, &clients, &limits);
        insta::assert_snapshot!(gap.unwrap().sentence, @"the clients made some 2,000 requests fewer while they were held up; with these, up to 35.0 % were lost, more than 0.10 %: give a `rate` to see what independent users suffer");
        assert_eq!(case_of(&pass, &context(), &limits).1, None);
        let verdict = judge(&limits, &[pass], &clients);
        assert_eq!(
            verdict.outcome,
            Outcome::Inconclusive,
            "{:?}",
            verdict.reasons
        );
    }
}
