//! Which statement hurt which transactions, through which lock, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::observe::{LockWait, Migration, Pass, Toll};

use super::cause::{Cause, cause};

pub use super::cause::NOTICEABLE;

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
    /// What the statement itself waited for, with all of these behind it.
    pub cause: Option<Cause>,
    /// Requests that waited behind it.
    pub waits: u64,
    /// Most sessions that waited at one moment.
    pub peak: usize,
    /// The longest wait.
    pub longest: Duration,
    /// All waits summed: the request-seconds that were lost to the lock.
    pub total: Duration,
    /// Those who waited, the one with the most waiting first.
    pub waiters: Vec<Waiter>,
    /// The longest queue: who waited behind whom, the last first, up to the migration's statement.
    pub queue: Vec<String>,
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

/// Gathers a pass's waits behind the migration by statement and relation, the most waiting first.
pub fn blame(pass: &Pass) -> Vec<Blame> {
    let mut groups: BTreeMap<(Option<usize>, Option<&str>), Vec<&Toll>> = BTreeMap::new();
    // Reports of versions that did not sum up all waits have those that they kept.
    let kept = match pass.locks.tolls.is_empty() {
        true => kept_tolls(&pass.locks.waits),
        false => Vec::new(),
    };
    for toll in pass.locks.tolls.iter().chain(&kept) {
        let key = (toll.statement, toll.relation.as_deref());
        groups.entry(key).or_default().push(toll);
    }
    let mut blames: Vec<Blame> = groups
        .into_values()
        .filter_map(|tolls| gather(pass, &tolls))
        .collect();
    blames.sort_by_key(|blame| std::cmp::Reverse((blame.total, blame.longest)));
    blames
}

fn kept_tolls(waits: &[LockWait]) -> Vec<Toll> {
    let owed = waits.iter().filter(|wait| wait.is_owed_to_migration());
    owed.map(Toll::of).collect()
}

fn gather(pass: &Pass, tolls: &[&Toll]) -> Option<Blame> {
    let longest = tolls.iter().max_by_key(|toll| toll.longest)?;
    let migration = pass.migration.as_ref();
    let statement = longest.statement;
    let relation = longest.relation.clone();
    let mode = longest.blocking_mode.clone();
    let held = held(migration, statement, (relation.as_deref(), mode.as_deref()));
    Some(Blame {
        spent_in: spent_in(migration, statement, held),
        held,
        statement,
        lock: lock(longest),
        cause: statement.and_then(|statement| cause(pass, statement)),
        waits: tolls.iter().map(|toll| toll.waits).sum(),
        peak: peak(&pass.locks.waits, (statement, relation.as_deref())),
        longest: longest.longest,
        total: tolls.iter().map(|toll| toll.total).sum(),
        waiters: waiters(tolls),
        queue: queue(tolls),
        relation,
        mode,
    })
}

/// The lock in the way of a toll.
fn lock(toll: &Toll) -> String {
    let lock = match (toll.locktype.as_str(), &toll.blocking_mode) {
        ("tuple" | "transactionid", _) => "row locks",
        ("spectoken", _) => "rows being inserted",
        ("virtualxid", _) => "an open transaction",
        ("extend", _) => "new pages",
        ("advisory" | "userlock", _) => return "an advisory lock".to_owned(),
        (_, Some(mode)) => mode,
        (_, None) => "a lock",
    };
    match &toll.relation {
        Some(relation) => format!("{lock} on {relation}"),
        None => lock.to_owned(),
    }
}

/// Who waited behind whom where most stood before the migration: the waiter first. Empty where all
/// waited for the migration itself.
fn queue(tolls: &[&Toll]) -> Vec<String> {
    let deepest = tolls.iter().max_by_key(|toll| (toll.depth, toll.total));
    let Some(deepest) = deepest.filter(|toll| !toll.via.is_empty()) else {
        return Vec::new();
    };
    let mut queue = vec![deepest.waiter.clone()];
    queue.extend(deepest.via.iter().cloned());
    queue
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

/// The later statement that ran for most of the time for which a statement's lock was held; none where its own work, or
/// no single one, did.
pub(super) fn spent_in(
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

fn waiters(tolls: &[&Toll]) -> Vec<Waiter> {
    let mut by_name: BTreeMap<&str, Waiter> = BTreeMap::new();
    for toll in tolls {
        let waiter = by_name.entry(&toll.waiter).or_insert_with(|| Waiter {
            transaction: toll.waiter.clone(),
            waits: 0,
            longest: Duration::ZERO,
            total: Duration::ZERO,
        });
        waiter.waits += toll.waits;
        waiter.longest = waiter.longest.max(toll.longest);
        waiter.total += toll.total;
    }
    let mut waiters: Vec<Waiter> = by_name.into_values().collect();
    waiters.sort_by_key(|waiter| std::cmp::Reverse(waiter.total));
    waiters
}

/// The most waits that overlap, of those that were kept: starts and ends in the order of time, ends
/// first where equal.
fn peak(waits: &[LockWait], (statement, relation): (Option<usize>, Option<&str>)) -> usize {
    let mut turns: Vec<(f64, isize)> = waits
        .iter()
        .filter(|wait| wait.is_owed_to_migration())
        .filter(|wait| wait.root.statement == statement && wait.relation.as_deref() == relation)
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
