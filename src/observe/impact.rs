//! What the traffic suffered, folded from the recording.

use std::time::Duration;

use super::{Impact, PhaseName, Recording, Second};

/// The times of a pass that its impact is counted over, since the timeline's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When the baseline began.
    pub baseline_start: Duration,
    /// When the migration began.
    pub migration_start: Duration,
    /// When it ended.
    pub migration_end: Duration,
    /// When the traffic ended.
    pub until: Duration,
    /// The p99 over which a second counts as degraded: `max(p99_ratio × baseline p99, p99_floor)`.
    pub p99_limit: Duration,
    /// Instances of the application.
    pub instances: u32,
}

impl Recording {
    /// What the traffic suffered in the migration and recovery phases. `names` are the transactions'
    /// names in the plan's order.
    ///
    /// - Lost requests: due and not completed, less the share that was lost in the baseline already.
    /// - Lost request-seconds: latency beyond the baseline's p99, summed over all requests.
    /// - Recovery: from the migration's end to the first second from which on every second is no
    ///   longer degraded and has no more errors than the baseline's worst; none if there is no such
    ///   second. It is precise to a second.
    pub fn impact(&self, window: &Window, names: &[String]) -> Impact {
        let baseline = self.total(PhaseName::Baseline);
        let mut after = self.total(PhaseName::Migration);
        after.merge(&self.total(PhaseName::Recovery));
        let usual_share = baseline.accounting.error_rate().unwrap_or(0.0);
        let usual = usual_share * after.accounting.scheduled as f64;
        let threshold = baseline.latency.quantile(0.99).unwrap_or_default();
        let (unavailable, transaction) = self.unavailable(window.migration_start, window.until);
        let (unavailable_before, transaction_before) =
            self.unavailable(window.baseline_start, window.migration_start);
        let named = |transaction: Option<usize>| names.get(transaction?).cloned();
        let series = self.series(&[], Duration::ZERO, window.until);
        Impact {
            lost_requests: (after.accounting.lost() as f64 - usual).max(0.0).round() as u64,
            lost_request_seconds: after.latency.excess_over(threshold),
            worst_stall: after.latency.max().unwrap_or_default(),
            degraded: window.degraded(&series),
            unavailable,
            unavailable_transaction: named(transaction),
            unavailable_before,
            unavailable_transaction_before: named(transaction_before),
            restarts: self.events.restarts(window.migration_start, Duration::MAX),
            restarts_before: self
                .events
                .restarts(window.baseline_start, window.migration_start),
            none_up: self
                .attendance(window.instances)
                .none_up(window.migration_start, window.until),
            recovery_time: window.recovery_time(&series),
        }
    }
}

impl Window {
    /// Time covered by degraded seconds from the migration's start on.
    fn degraded(&self, series: &[Second]) -> Duration {
        let from = self.migration_start.as_secs_f64();
        let until = self.until.as_secs_f64();
        let seconds: f64 = series
            .iter()
            .filter(|second| second.t + 1.0 > from && self.is_degraded(second))
            .map(|second| (until - second.t).min(1.0))
            .sum();
        Duration::from_secs_f64(seconds)
    }

    fn recovery_time(&self, series: &[Second]) -> Option<Duration> {
        let end = self.migration_end.as_secs_f64();
        let baseline = self.baseline_start.as_secs_f64()..self.migration_start.as_secs_f64();
        let usual_errors = series
            .iter()
            .filter(|second| baseline.contains(&second.t))
            .map(|second| second.errors)
            .max()
            .unwrap_or(0);
        let after = || series.iter().filter(|second| second.t + 1.0 > end);
        let last_bad =
            after().rfind(|second| self.is_degraded(second) || second.errors > usual_errors);
        match last_bad {
            None => Some(Duration::ZERO),
            Some(bad) if after().any(|second| second.t > bad.t) => {
                Some(Duration::from_secs_f64((bad.t + 1.0 - end).max(0.0)))
            }
            Some(_) => None,
        }
    }

    fn is_degraded(&self, second: &Second) -> bool {
        let limit = self.p99_limit.as_secs_f64();
        second.p99.is_some_and(|p99| p99 > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Ended, Fate};

    const WINDOW: Window = Window {
        baseline_start: Duration::from_secs(2),
        migration_start: Duration::from_secs(10),
        migration_end: Duration::from_secs(15),
        until: Duration::from_secs(30),
        p99_limit: Duration::from_millis(100),
        instances: 2,
    };

    fn phase_at(at: Duration) -> PhaseName {
        match at.as_secs() {
            0..2 => PhaseName::Warmup,
            2..10 => PhaseName::Baseline,
            10..15 => PhaseName::Migration,
            _ => PhaseName::Recovery,
        }
    }

    /// Traffic of 100/s for 30 s; `end` says when and how a request ends.
    fn traffic(end: impl Fn(Duration) -> (Duration, Fate)) -> Recording {
        let mut recording = Recording::new(1);
        for due in (0..30_000).step_by(10) {
            let due = Duration::from_millis(due);
            let (at, fate) = end(due);
            let lag = Duration::ZERO;
            let ticket = recording.scheduled(0, phase_at(due), due);
            recording.ended(
                ticket,
                Ended {
                    lag,
                    at,
                    fate,
                    retries: 0,
                },
            );
        }
        recording
    }

    fn quick(due: Duration) -> (Duration, Fate) {
        (due + Duration::from_millis(2), Fate::Completed)
    }

    #[test]
    fn traffic_that_felt_nothing_has_no_impact() {
        let impact = traffic(quick).impact(&WINDOW, &["read".to_owned()]);
        assert_eq!(impact.lost_requests, 0);
        assert!(impact.lost_request_seconds < 0.01);
        assert_eq!(impact.degraded, Duration::ZERO);
        assert_eq!(impact.unavailable, Duration::ZERO);
        assert_eq!(impact.unavailable_transaction, None);
        assert_eq!(impact.recovery_time, Some(Duration::ZERO));
    }

    #[test]
    fn a_lock_of_five_seconds_is_counted_from_every_side() {
        let stalled = |due: Duration| match phase_at(due) {
            PhaseName::Migration => (Duration::from_secs(15), Fate::Completed),
            _ => quick(due),
        };
        let impact = traffic(stalled).impact(&WINDOW, &["read".to_owned()]);
        assert_eq!(impact.lost_requests, 0);
        // 500 requests that waited 2.5 s on average.
        assert!((impact.lost_request_seconds - 1_250.0).abs() < 10.0);
        assert!((impact.worst_stall.as_secs_f64() - 5.0).abs() < 0.01);
        assert_eq!(impact.degraded, Duration::from_secs(5));
        assert_eq!(impact.unavailable, Duration::from_secs(5));
        assert_eq!(impact.unavailable_transaction.as_deref(), Some("read"));
        assert_eq!(impact.recovery_time, Some(Duration::ZERO));
    }

    #[test]
    fn recovery_takes_until_the_last_second_with_errors() {
        let failing = |due: Duration| match due.as_secs() {
            12..18 => (due, Fate::Failed("connection_lost".to_owned())),
            _ => quick(due),
        };
        let impact = traffic(failing).impact(&WINDOW, &["read".to_owned()]);
        assert_eq!(impact.lost_requests, 600);
        assert_eq!(impact.recovery_time, Some(Duration::from_secs(3)));
    }

    #[test]
    fn traffic_that_is_still_bad_at_the_end_never_recovered() {
        let broken = |due: Duration| match due.as_secs() {
            12.. => (due, Fate::Failed("42703".to_owned())),
            _ => quick(due),
        };
        let impact = traffic(broken).impact(&WINDOW, &["read".to_owned()]);
        assert_eq!(impact.recovery_time, None);
        assert_eq!(impact.unavailable, Duration::from_secs(18));
    }

    #[test]
    fn errors_that_the_baseline_had_already_are_not_the_migrations() {
        let flaky = |due: Duration| match due.as_millis() % 100 {
            0 => (due, Fate::Failed("40001".to_owned())),
            _ => quick(due),
        };
        let impact = traffic(flaky).impact(&WINDOW, &["read".to_owned()]);
        assert_eq!(impact.lost_requests, 0);
        assert_eq!(impact.recovery_time, Some(Duration::ZERO));
    }
}
