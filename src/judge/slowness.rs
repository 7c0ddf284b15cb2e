//! Why requests were slow that waited for no lock: what their sessions waited for instead, and whether
//! the processors were busy.

use crate::observe::processors::Usage;
use crate::observe::{Busy, Pass, WaitShare, activity};

use super::blame::NOTICEABLE;
use super::case::Case;
use super::wording::percent;
use super::{Finding, Window};

/// Processors that are so busy have a queue before them: with two of them and random arrivals, a thread
/// waits for four times as long as it computes (M/M/2: ρ²/(1 − ρ²)).
const SATURATED: f64 = 0.9;

/// Processors whose load the migration raised by less than this were as busy without it.
const RAISED: f64 = 0.1;

/// A wait is told where it is so much of all, and so much more of it than before.
const TELLING: f64 = 0.25;

/// Says why a p99 failed that no lock explains, before the advice.
pub(super) fn explain(case: &Case<'_>, finding: &mut Finding) {
    if finding.passed || finding.rule != "p99_ratio" || case.has_noticeable_waits() {
        return;
    }
    let why: Vec<String> = [
        saturation(case.pass, finding.window),
        slowed_by(case.pass, finding.window),
    ]
    .into_iter()
    .flatten()
    .collect();
    if why.is_empty() {
        return;
    }
    let why = why.join("; ");
    finding.help = Some(match finding.help.take() {
        Some(help) => format!("{why}; {help}"),
        None => why,
    });
}

/// That the processors were busy, where they were, and more than in the baseline.
pub fn saturation(pass: &Pass, window: Window) -> Option<String> {
    let (now, before) = (in_window(pass, window)?, pass.cpu.baseline?);
    (now.busy >= SATURATED && now.busy - before.busy >= RAISED).then(|| {
        format!(
            "the processors were busy {} {window} ({} before): the server was saturated",
            percent(now.busy),
            percent(before.busy)
        )
    })
}

fn in_window(pass: &Pass, window: Window) -> Option<Usage> {
    match window {
        Window::Migration => pass.cpu.migration,
        Window::Recovery => pass.cpu.recovery,
        Window::Forecast => None,
    }
}

/// What the traffic's sessions waited for more than in the baseline, if it is no lock: `requests waited
/// for DataFileRead (IO) in 62.0 % of their time while migrating (5.00 % before)`.
pub fn slowed_by(pass: &Pass, window: Window) -> Option<String> {
    let shares = match window {
        Window::Migration => &pass.waiting.migration,
        Window::Recovery => &pass.waiting.recovery,
        Window::Forecast => return None,
    };
    let of_traffic = shares.iter().filter(|share| share.who == Busy::Traffic);
    let (share, before) = of_traffic
        .filter(|share| ![activity::CPU, activity::LOCK].contains(&share.wait_event_type.as_str()))
        .map(|share| (share, usual(pass, share)))
        .max_by(|(a, before), (b, then)| {
            (a.share_of_samples - before).total_cmp(&(b.share_of_samples - then))
        })?;
    (share.share_of_samples - before >= TELLING).then(|| {
        format!(
            "requests waited for {} in {} of their time {window} ({} before)",
            wait(&share.wait_event_type, share.wait_event.as_deref()),
            percent(share.share_of_samples),
            percent(before)
        )
    })
}

/// The baseline's share of the same wait.
fn usual(pass: &Pass, share: &WaitShare) -> f64 {
    let kind = |share: &WaitShare| {
        (
            share.who,
            share.wait_event_type.clone(),
            share.wait_event.clone(),
        )
    };
    let mut baseline = pass.waiting.baseline.iter();
    let same = baseline.find(|before| kind(before) == kind(share));
    same.map_or(0.0, |before| before.share_of_samples)
}

/// Names a wait for people: `DataFileRead (IO)`, `a processor, or computed`.
pub fn wait(wait_event_type: &str, wait_event: Option<&str>) -> String {
    match (wait_event_type, wait_event) {
        (activity::CPU, _) => "a processor, or computed".to_owned(),
        (kind, Some(event)) => format!("{event} ({kind})"),
        (kind, None) => kind.to_owned(),
    }
}

/// What slowed the seconds down that were slow for other reasons than locks: each wait, in how many seconds, the
/// most frequent first.
pub fn slow_seconds(pass: &Pass) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for slowed_by in pass
        .series
        .iter()
        .filter_map(|second| second.slowed_by.as_ref())
    {
        let name = wait(&slowed_by.wait_event_type, slowed_by.wait_event.as_deref());
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

impl Case<'_> {
    /// Whether anybody waited noticeably for a lock of the migration.
    fn has_noticeable_waits(&self) -> bool {
        self.blames()
            .iter()
            .any(|blame| blame.longest >= NOTICEABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixtures::{context, healthy, set, usual};
    use crate::judge::judge;
    use crate::observe::{PhaseName, Waiting};
    use crate::scenario::plan::Limits;

    fn share(wait: (&str, Option<&str>), share_of_samples: f64) -> WaitShare {
        WaitShare {
            who: Busy::Traffic,
            wait_event_type: wait.0.to_owned(),
            wait_event: wait.1.map(str::to_owned),
            share_of_samples,
            sessions: 2.0,
        }
    }

    fn usage(busy: f64) -> Option<Usage> {
        Some(Usage {
            busy,
            runnable: 4.0,
        })
    }

    fn slow() -> Pass {
        let mut pass = healthy();
        let mut kinds = usual(4.32);
        for kind in &mut kinds {
            (kind.p50, kind.p99) = (0.4, 0.9);
        }
        set(&mut pass, PhaseName::Migration, &kinds);
        pass.locks.waits.clear();
        pass.locks.tolls.clear();
        pass
    }

    fn help(pass: Pass) -> String {
        let verdict = judge(&Limits::default(), &[pass], &context());
        let failed = verdict.findings.into_iter().find(|finding| !finding.passed);
        failed.unwrap().help.unwrap()
    }

    #[test]
    fn saturation_is_named_where_a_p99_failed_without_lock_waits() {
        let mut pass = slow();
        let bare = help(pass.clone());
        (pass.cpu.baseline, pass.cpu.migration) = (usage(0.35), usage(0.98));
        insta::assert_snapshot!(help(pass.clone()), @"the processors were busy 98.0 % while migrating (35.0 % before): the server was saturated; spread the migration's work: smaller batches with pauses, or CONCURRENTLY");
        // As busy before: the migration did not do it.
        pass.cpu.baseline = usage(0.95);
        assert_eq!(help(pass.clone()), bare);
        (pass.cpu.baseline, pass.cpu.migration) = (None, usage(0.98));
        assert_eq!(help(pass), bare);
    }

    #[test]
    fn what_requests_waited_for_instead_is_named() {
        let mut pass = slow();
        let bare = help(pass.clone());
        let read = ("IO", Some("DataFileRead"));
        pass.waiting = Waiting {
            baseline: vec![share(("CPU", None), 0.9), share(read, 0.05)],
            migration: vec![share(read, 0.62), share(("CPU", None), 0.3)],
            recovery: Vec::new(),
        };
        insta::assert_snapshot!(help(pass.clone()), @"requests waited for DataFileRead (IO) in 62.0 % of their time while migrating (5.00 % before); spread the migration's work: smaller batches with pauses, or CONCURRENTLY");
        pass.waiting.baseline = vec![share(read, 0.5)];
        assert_eq!(help(pass), bare);
    }
}
