//! What the migration itself waited for while others queued behind it.

use std::time::Duration;

use crate::observe::{LockWait, Pass, Statement};

use super::wording::{awaited, rooted};

/// Shorter waits are noticed by nobody (Nielsen, Usability Engineering, 1993, §5.5: 0.1 s feels
/// instantaneous).
pub const NOTICEABLE: Duration = Duration::from_millis(100);

/// What a statement of the migration waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// How long, over all of its waits.
    pub waited: Duration,
    /// What for, in the longest of them: `AccessExclusiveLock on public.orders`.
    pub lock: String,
    /// Behind whom: `the disturbance (long-transaction)`.
    pub behind: String,
}

/// What a statement waited for noticeably, and behind whom; none where it did not.
pub fn cause(pass: &Pass, index: usize) -> Option<Cause> {
    let statement = pass.migration.as_ref()?.statement(index);
    let statement = statement.filter(|statement| statement.lock_wait >= NOTICEABLE)?;
    let waits = pass
        .locks
        .waits
        .iter()
        .filter(|wait| wait.is_of_migration());
    let longest = waits
        .map(|wait| (overlap(wait, statement), wait))
        .filter(|(overlap, _)| *overlap > 0.0)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, wait)| wait)?;
    Some(Cause {
        waited: statement.lock_wait,
        lock: awaited(longest),
        behind: rooted(&longest.root),
    })
}

/// The statements that waited noticeably, with nobody behind them who would be told of otherwise.
pub fn lonely(pass: &Pass, told: impl Fn(usize) -> bool) -> Vec<(usize, Cause)> {
    let statements = pass
        .migration
        .iter()
        .flat_map(|migration| &migration.statements);
    statements
        .filter(|statement| !told(statement.index))
        .filter_map(|statement| Some((statement.index, cause(pass, statement.index)?)))
        .collect()
}

/// How much of a wait fell into a statement, in seconds.
fn overlap(wait: &LockWait, statement: &Statement) -> f64 {
    let from = statement.start.as_secs_f64();
    let to = from + statement.duration.as_secs_f64();
    (wait.start + wait.length.as_secs_f64()).min(to) - wait.start.max(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixtures::{healthy, secs, wait};
    use crate::observe::{Root, RootKind};

    fn own(start: f64, length: f64, name: Option<&str>) -> LockWait {
        LockWait {
            mode: "AccessExclusiveLock".to_owned(),
            root: Root {
                kind: RootKind::Disturbance,
                statement: None,
                mode: None,
                pid: 7,
                name: name.map(str::to_owned),
            },
            ..wait("migration", start, length)
        }
    }

    #[test]
    fn a_statement_that_waits_says_for_what_and_behind_whom() {
        let mut pass = healthy();
        let statement = &mut pass.migration.as_mut().unwrap().statements[1];
        (statement.start, statement.duration) = (secs(10.1), secs(4.2));
        statement.lock_wait = secs(4.0);
        pass.locks.waits = vec![
            own(10.15, 0.1, None),
            own(10.3, 3.9, Some("long-transaction")),
            own(20.0, 3.9, Some("dump")),
        ];
        let cause = lonely(&pass, |_| false);
        let [(1, cause)] = &cause[..] else {
            panic!("{cause:?}")
        };
        assert_eq!(cause.waited, secs(4.0));
        assert_eq!(cause.lock, "AccessExclusiveLock on public.measurements");
        assert_eq!(cause.behind, "the disturbance (long-transaction)");
        assert!(lonely(&pass, |index| index == 1).is_empty());
        pass.locks.waits.clear();
        assert_eq!(super::cause(&pass, 1), None);
    }
}
