//! What a load's numbers are worth. Nothing is decided: a load has no migration that could be to blame.

use crate::observe::Phase;
use crate::units::Span;

use super::baseline::{lag_bound, missed};
use super::wording::thousands;

/// What to know before the numbers of a load are believed, one sentence each.
///
/// `planned` is how many requests were to come due, on average; none of clients that wait for their
/// answers.
pub fn remarks(phase: &Phase, planned: Option<f64>) -> Vec<String> {
    let remarks = [nothing(phase), short(phase, planned), late(phase, planned)];
    remarks.into_iter().flatten().collect()
}

/// Requests that wait at once from which on their memory is worth a word: some 150 MB.
const CROWD: u64 = 50_000;

/// That many requests waited for a connection at once, at the most `peak` of them, if they were many: nothing
/// that is due is dropped, so that the tool's memory grows as long as the server does not keep up.
pub fn crowd(peak: u64) -> Option<String> {
    (peak >= CROWD).then(|| {
        format!(
            "up to {} requests waited for a connection at once: nothing that is due is dropped unsaid, and each that waits takes some 3 kB of this machine's memory; [application] queue_limit refuses what comes when so many of an instance wait, and counts it as shed",
            thousands(peak)
        )
    })
}

fn nothing(phase: &Phase) -> Option<String> {
    let failed = phase.accounting.scheduled > 0 && phase.accounting.completed == 0;
    let most = phase.errors.iter().max_by_key(|(_, count)| **count);
    failed.then(|| {
        let by = most.map_or(String::new(), |(error, _)| {
            format!(", most failed by {error}")
        });
        format!("no transaction succeeded{by}")
    })
}

fn short(phase: &Phase, planned: Option<f64>) -> Option<String> {
    let planned = missed(phase.accounting.scheduled, planned?)?;
    Some(format!(
        "the load generator did not reach its rate: {} of {} planned requests came due",
        thousands(phase.accounting.scheduled),
        thousands(planned)
    ))
}

/// The generator's own lateness is part of every latency; where it is a large part, the latencies tell
/// more of this machine than of the server. Clients that wait for their answers are never late.
fn late(phase: &Phase, planned: Option<f64>) -> Option<String> {
    let lag = phase.lag.filter(|_| planned.is_some())?.p99;
    let bound = lag_bound(phase.latency?.p99);
    (lag > bound).then(|| {
        format!(
            "the load generator was late itself: its lag has a p99 of {}, and every latency has its lag in it; lower the rate or use a larger machine",
            Span::from_seconds(lag)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixtures::healthy;

    fn phase() -> Phase {
        healthy().phases[0].clone()
    }

    fn planned(phase: &Phase, factor: f64) -> Option<f64> {
        Some(phase.accounting.scheduled as f64 * factor)
    }

    #[test]
    fn a_load_that_went_well_needs_no_remark() {
        let phase = phase();
        assert_eq!(remarks(&phase, planned(&phase, 1.0)), Vec::<String>::new());
        assert_eq!(remarks(&phase, None), Vec::<String>::new());
    }

    #[test]
    fn a_rate_that_was_not_reached_and_a_late_generator_are_told() {
        let mut phase = phase();
        let told = remarks(&phase, planned(&phase, 2.0));
        assert!(told[0].contains("did not reach its rate"), "{told:?}");
        if let Some(lag) = phase.lag.as_mut() {
            lag.p99 = 5.0;
        }
        let told = remarks(&phase, planned(&phase, 1.0));
        assert!(
            told[0].contains("late itself: its lag has a p99 of 5.00 s"),
            "{told:?}"
        );
        assert_eq!(remarks(&phase, None), Vec::<String>::new());
    }

    #[test]
    fn many_that_wait_are_told_with_the_remedy() {
        assert_eq!(crowd(49_999), None);
        let told = crowd(216_000).unwrap();
        assert!(told.starts_with("up to 216,000 requests"), "{told}");
        assert!(told.contains("queue_limit"), "{told}");
    }

    #[test]
    fn a_load_in_which_nothing_succeeded_names_the_error() {
        let mut phase = phase();
        phase.accounting.failed = phase.accounting.scheduled;
        phase.accounting.completed = 0;
        phase
            .errors
            .insert("42P01".to_owned(), phase.accounting.failed);
        let told = remarks(&phase, None);
        assert_eq!(told, ["no transaction succeeded, most failed by 42P01"]);
    }
}
