//! A plan with another `lock_timeout` and backoff, and the attempts that they need.

use std::time::Duration;

use super::Plan;
use super::plan::PhasesPlan;

/// The most attempts of one setting.
const MOST_ATTEMPTS: u32 = 1_000;

/// Longer phases tell nothing more of a lock.
const PHASES: PhasesPlan = PhasesPlan {
    warmup: Duration::from_secs(1),
    baseline: Duration::from_secs(5),
    recovery: Duration::from_secs(5),
};

impl Plan {
    /// The same plan with this `lock_timeout` and backoff, as many attempts as it takes to outlast the disturbances,
    /// and phases no longer than a lock needs to be judged.
    pub fn patient(&self, timeout: Duration, backoff: Duration) -> Self {
        let mut plan = self.clone();
        let blocked = plan.disturbances.iter().map(|one| one.outlasts()).max();
        let turn = (timeout + backoff).as_secs_f64();
        let turns = (blocked.unwrap_or_default().as_secs_f64() / turn).ceil() as u32;
        plan.migration.lock_timeout = timeout;
        plan.migration.backoff = backoff;
        // Others than the disturbances may be in the way too.
        plan.migration.attempts = turns.saturating_mul(2).saturating_add(3).min(MOST_ATTEMPTS);
        plan.phases = PhasesPlan {
            warmup: plan.phases.warmup.min(PHASES.warmup),
            baseline: plan.phases.baseline.min(PHASES.baseline),
            recovery: plan.phases.recovery.min(PHASES.recovery),
        };
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::disturbance::Offset;
    use crate::scenario::plan::{DisturbanceKind, DisturbancePlan};

    #[test]
    fn there_are_attempts_enough_to_outlast_every_disturbance() {
        let seconds = Duration::from_secs;
        let blocker = |start, duration| DisturbancePlan {
            kind: DisturbanceKind::LongTransaction,
            table: None,
            start,
            duration,
        };
        let mut plan = Plan {
            disturbances: vec![
                blocker(Offset::Before(seconds(1)), seconds(5)),
                blocker(Offset::After(seconds(3)), seconds(5)),
            ],
            phases: PhasesPlan {
                warmup: seconds(9),
                baseline: seconds(2),
                recovery: seconds(9),
            },
            ..Plan::default()
        };
        let patient = plan.patient(Duration::from_millis(100), Duration::from_millis(900));
        // Eight seconds of a second each, twice, and some for others.
        assert_eq!(patient.migration.attempts, 19);
        let Plan {
            migration, phases, ..
        } = patient;
        assert_eq!(migration.lock_timeout, Duration::from_millis(100));
        assert_eq!(
            (phases.warmup, phases.baseline, phases.recovery),
            (seconds(1), seconds(2), seconds(5))
        );
        let forever = Duration::from_secs(1_000_000);
        plan.disturbances = vec![blocker(Offset::After(forever), forever)];
        let patient = plan.patient(Duration::from_millis(1), Duration::ZERO);
        assert_eq!(patient.migration.attempts, MOST_ATTEMPTS);
    }
}
