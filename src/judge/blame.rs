//! Which statement hurt which transactions, through which lock, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::observe::{LockWait, Migration, Pass, RootKind};

/// How the sampler names the migration's own session among the waiters.
const MIGRATION: &str = "migration";
/// How the sampler names sessions that are neither the migration's nor the traffic's.
const OTHER: &str = "other";

/// Shorter waits are noticed by nobody (Nielsen, Usability Engineering, 1993, §5.5: 0.1 s feels
/// instantaneous).
pub const NOTICEABLE: Duration = Duration::from_millis(100);

/// What one statement of the migration did to the traffic through one relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Blame {
    /// The statement, from 0; none where the sampler could not tell.
    pub statement: Option<usize>,
    /// Schema-qualified; none for waits whose table is not known.
    pub relation: Option<String>,
    /// The migration's lock that stood in the way, as `pg_locks.mode`.
    pub mode: Option<String>,
    /// The lock in the way, for people: `ShareLock on public.orders`, `row locks on public.orders`.
    pub lock: String,
    /// How long the migration held that lock; none if that was not seen.
    pub held: Option<Duration>,
    /// A later statement that ran for most of that time, under the lock that this one took.
    pub spent_in: Option<usize>,
    /// Waits that were kept; see [`crate::observe::Locks::KEPT`].
    pub waits: u64,
    /// Most sessions that waited at one moment.
    pub peak: usize,
    /// The longest wait.
    pub longest: Duration,
    /// All waits summed.
    pub total: Duration,
    /// Those who waited, the one with the most waiting first.
    pub waiters: Vec<Waiter>,
}

/// One kind of transaction among those who waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Its name in the scenario.
    pub transaction: String,
    /// Its waits.
    pub waits: u64,
    /// Its longest wait.
    pub longest: Duration,
    /// Its waits summed.
    pub total: Duration,
}

/// Whether a session of the application waited, and would not have without the migration.
pub(super) fn is_owed_to_migration(wait: &LockWait) -> bool {
    wait.root.kind == RootKind::Migration && wait.waiter != MIGRATION && wait.waiter != OTHER
}

/// Gathers a pass's waits behind the migration by statement and relation, the most waiting first.
pub fn blame(pass: &Pass) -> Vec<Blame> {
    let mut groups: BTreeMap<(Option<usize>, Option<&str>), Vec<&LockWait>> = BTreeMap::new();
    for wait in pass
        .locks
        .waits
        .iter()
        .filter(|wait| is_owed_to_migration(wait))
    {
        let key = (wait.root.statement, wait.relation.as_deref());
        groups.entry(key).or_default().push(wait);
    }
    let mut blames: Vec<Blame> = groups
        .into_values()
        .filter_map(|waits| gather(pass.migration.as_ref(), &waits))
        .collect();
    blames.sort_by_key(|blame| std::cmp::Reverse((blame.total, blame.longest)));
    blames
}

fn gather(migration: Option<&Migration>, waits: &[&LockWait]) -> Option<Blame> {
    let longest = waits.iter().max_by_key(|wait| wait.length)?;
    let statement = longest.root.statement;
    let relation = longest.relation.clone();
    let mode = longest.root.mode.clone();
    let held = held(migration, statement, (relation.as_deref(), mode.as_deref()));
    Some(Blame {
        spent_in: spent_in(migration, statement, held),
        held,
        statement,
        lock: lock(longest),
        relation,
        mode,
        waits: waits.len() as u64,
        peak: peak(waits),
        longest: longest.length,
        total: waits.iter().map(|wait| wait.length).sum(),
        waiters: waiters(waits),
    })
}

fn lock(wait: &LockWait) -> String {
    let lock = match (wait.locktype.as_str(), &wait.root.mode) {
        ("tuple" | "transactionid", _) => "row locks",
        ("advisory", _) => return "an advisory lock".to_owned(),
        (_, Some(mode)) => mode,
        (_, None) => "a lock",
    };
    match &wait.relation {
        Some(relation) => format!("{lock} on {relation}"),
        None => lock.to_owned(),
    }
}

/// The longest that the statement held the lock: of the mode asked for, where that is known.
fn held(
    migration: Option<&Migration>,
    statement: Option<usize>,
    (relation, mode): (Option<&str>, Option<&str>),
) -> Option<Duration> {
    migration?
        .statements
        .iter()
        .filter(|candidate| Some(candidate.index) == statement)
        .flat_map(|statement| &statement.locks)
        .filter(|lock| Some(lock.relation.as_str()) == relation)
        .filter(|lock| mode.is_none_or(|mode| lock.mode == mode))
        .filter_map(|lock| lock.held)
        .max()
}

/// The later statement that took more than half of the time that the lock was held.
fn spent_in(
    migration: Option<&Migration>,
    taker: Option<usize>,
    held: Option<Duration>,
) -> Option<usize> {
    let (statements, held) = (&migration?.statements, held?);
    let taker = statements.iter().find(|first| Some(first.index) == taker)?;
    let released = taker.start + taker.lock_wait + held;
    statements
        .iter()
        .filter(|later| later.index > taker.index)
        .find(|later| {
            let until = released.min(later.start + later.duration);
            until.saturating_sub(later.start) > held / 2
        })
        .map(|later| later.index)
}

fn waiters(waits: &[&LockWait]) -> Vec<Waiter> {
    let mut by_name: BTreeMap<&str, Waiter> = BTreeMap::new();
    for wait in waits {
        let waiter = by_name.entry(&wait.waiter).or_insert_with(|| Waiter {
            transaction: wait.waiter.clone(),
            waits: 0,
            longest: Duration::ZERO,
            total: Duration::ZERO,
        });
        waiter.waits += 1;
        waiter.longest = waiter.longest.max(wait.length);
        waiter.total += wait.length;
    }
    let mut waiters: Vec<Waiter> = by_name.into_values().collect();
    waiters.sort_by_key(|waiter| std::cmp::Reverse(waiter.total));
    waiters
}

/// The most intervals that overlap: starts and ends in the order of time, ends first where equal.
fn peak(waits: &[&LockWait]) -> usize {
    let mut turns: Vec<(f64, isize)> = waits
        .iter()
        .flat_map(|wait| {
            let end = wait.start + wait.length.as_secs_f64();
            [(wait.start, 1), (end, -1)]
        })
        .collect();
    turns.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut waiting = 0_isize;
    let mut most = 0;
    for (_, change) in turns {
        waiting += change;
        most = most.max(waiting);
    }
    most.unsigned_abs()
}
