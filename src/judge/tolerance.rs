//! How long somebody's transaction may be in the migration's way before the traffic suffers for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::observe::{LockMode, LockWait, Migration, MigrationOutcome, Pass, Statement};
use crate::scenario::plan::{Limits, MigrationPlan};
use crate::units::{Span, optional_seconds};

use super::wording::{counted, place};

/// The blocker that a migration tolerates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// The longest time for which a transaction that has read a table may stay in the way of the migration;
    /// none: any time.
    #[serde(with = "optional_seconds")]
    pub blocker: Option<Duration>,
    /// The same in a sentence, and what happens beyond.
    pub detail: String,
}

/// What the quiet pass's locks say of it; none where the migration was not applied there. Everybody who comes
/// after a waiting migration waits with it, so a blocker costs them its own time, or what `lock_timeout` leaves of
/// it, and then what the migration's own work under its locks takes.
pub fn tolerance(quiet: &Pass, plan: &MigrationPlan, limits: &Limits) -> Option<Tolerance> {
    let migration = quiet.migration.as_ref()?;
    if migration.outcome != MigrationOutcome::Applied {
        return None;
    }
    let limit = limits.lock_wait.min(limits.unavailable);
    let asking: Vec<&Statement> = migration
        .statements
        .iter()
        .filter(|statement| asks_for_much(statement, quiet))
        .collect();
    let Some(weakest) = asking
        .iter()
        .max_by_key(|statement| longest_queue(statement))
    else {
        return Some(Tolerance {
            blocker: None,
            detail:
                "a transaction that has only read its tables holds the migration up, and nobody \
                     else: it asks for no lock that the traffic would queue behind"
                    .to_owned(),
        });
    };
    let own = own_hold(quiet);
    let room = limit.saturating_sub(own);
    Some(match weakest.lock_timeout {
        Duration::ZERO => waits_for_ever(migration, weakest, (limit, own, room)),
        timeout if timeout > room => gives_up_late(migration, weakest, (limit, own, room)),
        timeout => gives_up(plan, timeout, own),
    })
}

/// How long others can queue behind a statement that waits.
fn longest_queue(statement: &Statement) -> Duration {
    match statement.lock_timeout {
        Duration::ZERO => Duration::MAX,
        timeout => timeout,
    }
}

/// Whether it asks for a lock on a table of the traffic that readers make it wait for: AccessExclusiveLock is
/// the only one that does, and everybody queues behind it.
fn asks_for_much(statement: &Statement, quiet: &Pass) -> bool {
    let exclusive = |mode: &str| mode.parse() == Ok(LockMode::AccessExclusive);
    let is_used = |relation: &String| !quiet.usage.idle.contains(relation);
    let mut locks = statement.locks.iter();
    locks.any(|lock| exclusive(&lock.mode) && is_used(&lock.relation))
}

/// The longest that the traffic waited for the migration although nobody was in its way.
fn own_hold(quiet: &Pass) -> Duration {
    let waits = quiet.locks.waits.iter();
    let owed = waits.filter(|wait| wait.is_owed_to_migration());
    owed.map(|wait: &LockWait| wait.length)
        .max()
        .unwrap_or_default()
}

type Times = (Duration, Duration, Duration);

fn waits_for_ever(migration: &Migration, weakest: &Statement, times: Times) -> Tolerance {
    let (limit, own, room) = times;
    Tolerance {
        blocker: Some(room),
        detail: format!(
            "a transaction that has read its tables may be in its way for {}: {} has no lock_timeout, \
             everybody queues behind it, and its own work holds them up for {} of the {} that the \
             limits allow",
            Span(room),
            place(migration, weakest.index),
            Span(own),
            Span(limit)
        ),
    }
}

fn gives_up_late(migration: &Migration, weakest: &Statement, times: Times) -> Tolerance {
    let (limit, own, room) = times;
    Tolerance {
        blocker: Some(room),
        detail: format!(
            "a transaction that has read its tables may be in its way for {}: {} has a lock_timeout of \
             {}, which with the {} of its own work is more than the {} that the limits allow",
            Span(room),
            place(migration, weakest.index),
            Span(weakest.lock_timeout),
            Span(own),
            Span(limit)
        ),
    }
}

fn gives_up(plan: &MigrationPlan, timeout: Duration, own: Duration) -> Tolerance {
    let attempts = plan.attempts.max(1);
    let patience = timeout.saturating_mul(attempts) + plan.backoff.saturating_mul(attempts - 1);
    Tolerance {
        blocker: Some(patience),
        detail: format!(
            "a transaction that has read its tables may be in its way for {}: {} of {} each{}; one that \
             stays longer fails the migration, and costs the traffic no more than {} at a time",
            Span(patience),
            counted(u64::from(attempts), "attempt"),
            Span(timeout),
            match attempts {
                1 => String::new(),
                _ => format!(", {} apart", Span(plan.backoff)),
            },
            Span(timeout + own)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixtures::{healthy, secs};
    use crate::observe::HeldLock;

    fn plan(attempts: u32) -> MigrationPlan {
        MigrationPlan {
            attempts,
            backoff: secs(0.5),
            ..MigrationPlan::default()
        }
    }

    fn asking(mode: &str, lock_timeout: f64) -> Pass {
        let mut pass = healthy();
        for statement in &mut pass.migration.as_mut().unwrap().statements {
            statement.lock_timeout = secs(lock_timeout);
            statement.locks = vec![HeldLock {
                relation: "public.measurements".to_owned(),
                mode: mode.to_owned(),
                held: Some(secs(0.01)),
            }];
        }
        pass
    }

    fn told(pass: &Pass, attempts: u32) -> (Option<Duration>, String) {
        let told = tolerance(pass, &plan(attempts), &Limits::default()).unwrap();
        (told.blocker, told.detail)
    }

    #[test]
    fn without_a_lock_timeout_the_limit_is_all_there_is() {
        let (blocker, detail) = told(&asking("AccessExclusiveLock", 0.0), 1);
        assert_eq!(blocker, Some(secs(1.988)));
        insta::assert_snapshot!(detail, @"a transaction that has read its tables may be in its way for 1.99 s: statement 2 (migration.sql:7) has no lock_timeout, everybody queues behind it, and its own work holds them up for 12.0 ms of the 2.00 s that the limits allow");
    }

    #[test]
    fn with_one_the_attempts_are() {
        let (blocker, detail) = told(&asking("AccessExclusiveLock", 0.5), 10);
        assert_eq!(blocker, Some(secs(9.5)));
        insta::assert_snapshot!(detail, @"a transaction that has read its tables may be in its way for 9.50 s: 10 attempts of 500 ms each, 500 ms apart; one that stays longer fails the migration, and costs the traffic no more than 512 ms at a time");
        let (blocker, detail) = told(&asking("AccessExclusiveLock", 3.0), 10);
        assert_eq!(blocker, Some(secs(1.988)));
        insta::assert_snapshot!(detail, @"a transaction that has read its tables may be in its way for 1.99 s: statement 2 (migration.sql:7) has a lock_timeout of 3.00 s, which with the 12.0 ms of its own work is more than the 2.00 s that the limits allow");
    }

    #[test]
    fn readers_are_in_the_way_of_nothing_weaker() {
        let (blocker, _) = told(&asking("ShareUpdateExclusiveLock", 0.0), 1);
        assert_eq!(blocker, None);
        let mut failed = asking("AccessExclusiveLock", 0.0);
        failed.migration.as_mut().unwrap().outcome = MigrationOutcome::Failed;
        assert_eq!(tolerance(&failed, &plan(1), &Limits::default()), None);
    }
}
