//! Sums a pass up: raw records into the phases, waits, impact and series of a report.

use std::sync::Arc;
use std::time::Duration;

use crate::observe::deadlock::{self, DeadlockReport};
use crate::observe::lockbook::{self, Lockbook, blame_taker};
use crate::observe::processors::{ProcessorReading, Processors, Usage};
use crate::observe::recording::Recording;
use crate::observe::waits::TrackedLocks;
use crate::observe::{
    Attempt, Attendance, Disturbance, Impact, Integrity, LockWait, Locks, Migration,
    NextTransaction, Pass, PassName, PhaseName, RootKind, Second, TableUsage, Window, never_made,
};
use crate::scenario::Plan;
use crate::scenario::plan::Role;
use crate::traffic::Timeline;

/// What a pass measured, before it is summed up.
pub(super) struct Raw {
    pub(super) name: PassName,
    pub(super) recording: Recording,
    pub(super) timeline: Arc<Timeline>,
    pub(super) migration: Option<Migration>,
    pub(super) locks: TrackedLocks,
    pub(super) usage: TableUsage,
    pub(super) disturbances: Vec<Disturbance>,
    pub(super) end: Duration,
}

/// The phases that a report shows, in order.
const REPORTED: [PhaseName; 3] = [
    PhaseName::Baseline,
    PhaseName::Migration,
    PhaseName::Recovery,
];

/// A pass as reports keep it. Times on the timeline become times since the baseline began.
pub(super) fn settle(plan: &Plan, raw: Raw) -> Pass {
    let Raw {
        name,
        recording,
        timeline,
        migration,
        locks: tracked,
        usage,
        disturbances,
        end,
    } = raw;
    let names = plan.traffic.names();
    let zero = timeline.start_of(PhaseName::Baseline).unwrap_or(end);
    let phases = bounds(&timeline, end)
        .map(|(name, from, to)| {
            recording.phase(
                name,
                &names,
                from.saturating_sub(zero),
                to.saturating_sub(zero),
            )
        })
        .collect();
    let window = window(plan, &recording, (&timeline, migration.as_ref(), end));
    let mut impact = recording.impact(&window, &names);
    if plan.traffic.load.closed().is_some() {
        impact.lost_requests += held_up(&recording, &window, &impact);
    }
    let series = series(&recording, &tracked, (&names, &window));
    let waiting = tracked.activity.waiting.clone();
    let cpu = processors(&tracked.processors, (&timeline, end));
    let deadlocks = deadlocks(&recording, &names, migration.as_ref());
    let mut migration = migration.map(|migration| {
        let book = Lockbook {
            tracked: &tracked,
            zero,
        };
        book.complete(migration)
    });
    let locks = settled_locks(tracked, migration.as_mut(), (deadlocks, zero));
    Pass {
        name,
        phases,
        migration,
        locks,
        impact,
        series,
        events: recording.events(zero),
        first_failures: recording.first_failures(&names, zero),
        next: next(plan),
        usage,
        waiting,
        cpu,
        disturbances,
        integrity: Integrity::default(),
        abort: None,
        rollback: None,
    }
}

/// What the impact is measured in, on the timeline.
fn window(
    plan: &Plan,
    recording: &Recording,
    (timeline, migration, end): (&Timeline, Option<&Migration>, Duration),
) -> Window {
    let p99 = recording.p99(PhaseName::Baseline).unwrap_or_default();
    Window {
        baseline_start: timeline.start_of(PhaseName::Baseline).unwrap_or(end),
        migration_start: timeline.start_of(PhaseName::Migration).unwrap_or(end),
        migration_end: migration.map_or(end, |migration| migration.end),
        until: end,
        p99_limit: p99
            .mul_f64(plan.limits.p99_ratio)
            .max(plan.limits.p99_floor),
        instances: plan.application.instances,
    }
}

/// The seconds of a pass, with what the lock sampler and the instances add to them.
fn series(
    recording: &Recording,
    tracked: &TrackedLocks,
    (names, window): (&[String], &Window),
) -> Vec<Second> {
    let zero = window.baseline_start;
    let mut series = recording.series(names, zero, window.until);
    add_waiters(&mut series, tracked, zero);
    let from = (zero, window.migration_start);
    let activity = &tracked.activity;
    activity.explain(&mut series, from, window.p99_limit);
    add_attendance(&mut series, &recording.attendance(window.instances), zero);
    series
}

/// The deadlocks that requests and the migration were ended for, as far as they were kept; and how many
/// there were. The migration's times are still on the timeline.
fn deadlocks(
    recording: &Recording,
    names: &[String],
    migration: Option<&Migration>,
) -> (Vec<DeadlockReport>, u64) {
    let (mut reports, seen) = recording.deadlocks(names);
    let own = migration.and_then(deadlock::of_migration);
    let all = seen + u64::from(own.is_some());
    reports.extend(own);
    (reports, all)
}

/// The waits as a report keeps them, and what they cost; with the deadlocks that were kept, and how many
/// there were. Times are since `zero`.
pub(super) fn settled_locks(
    tracked: TrackedLocks,
    migration: Option<&mut Migration>,
    ((reports, seen), zero): ((Vec<DeadlockReport>, u64), Duration),
) -> Locks {
    let mut locks = tracked.locks;
    if let Some(migration) = migration {
        for wait in &mut locks.waits {
            blame_taker(wait, migration);
        }
        Attempt::charge(&mut migration.tries, &tracked.owed, zero);
        locks.tolls = lockbook::settled(tracked.tolls, migration);
    }
    keep_the_telling(&mut locks.waits);
    locks.deadlocks = tracked.rings.deadlocks(reports, zero);
    locks.deadlocks_seen = seen;
    locks
}

/// The kinds of transactions that only the next release sends.
fn next(plan: &Plan) -> Vec<NextTransaction> {
    let kinds = &plan.traffic.transactions;
    kinds
        .iter()
        .filter(|kind| kind.role == Role::Next)
        .map(|kind| NextTransaction {
            name: kind.name.clone(),
            replaces: kind
                .replaces
                .and_then(|index| kinds.get(index))
                .map(|replaced| replaced.name.clone()),
        })
        .collect()
}

/// Requests that the clients of a closed loop did not make, because they were held up by the migration.
fn held_up(recording: &Recording, window: &Window, impact: &Impact) -> u64 {
    let due = |phase| recording.accounting(phase).scheduled;
    let baseline = window.migration_start.saturating_sub(window.baseline_start);
    let usual = due(PhaseName::Baseline) as f64 / baseline.as_secs_f64().max(f64::MIN_POSITIVE);
    let stall = impact.unavailable.saturating_sub(impact.unavailable_before);
    let made = due(PhaseName::Migration) + due(PhaseName::Recovery);
    let length = window.until.saturating_sub(window.migration_start);
    never_made(usual, stall, (length, made))
}

/// Keeps as many waits as a report holds: the longest of the migration's own, then those behind it, then
/// the longest. `waits` are the longest first, and stay so.
fn keep_the_telling(waits: &mut Vec<LockWait>) {
    let (mut telling, mut others): (Vec<LockWait>, Vec<LockWait>) =
        waits.drain(..).partition(|wait| wait.is_of_migration());
    telling.truncate(Locks::KEPT / 5);
    others.sort_by_key(|wait| wait.root.kind != RootKind::Migration);
    telling.append(&mut others);
    *waits = telling;
    waits.truncate(Locks::KEPT);
    waits.sort_by_key(|wait| std::cmp::Reverse(wait.length));
}

/// The reported phases that began, with their start and end on the timeline.
pub(super) fn bounds(
    timeline: &Timeline,
    end: Duration,
) -> impl Iterator<Item = (PhaseName, Duration, Duration)> {
    REPORTED
        .into_iter()
        .enumerate()
        .filter_map(move |(index, name)| {
            let next = REPORTED
                .get(index + 1)
                .and_then(|&next| timeline.start_of(next));
            Some((name, timeline.start_of(name)?, next.unwrap_or(end)))
        })
}

/// How busy the machine was in each phase.
pub(super) fn processors(
    readings: &[ProcessorReading],
    (timeline, end): (&Timeline, Duration),
) -> Processors {
    let mut all = Processors::default();
    for (name, from, to) in bounds(timeline, end) {
        let usage = Usage::between(readings, (from, to));
        match name {
            PhaseName::Warmup => {}
            PhaseName::Baseline => all.baseline = usage,
            PhaseName::Migration => all.migration = usage,
            PhaseName::Recovery => all.recovery = usage,
        }
    }
    all
}

/// Puts the most sessions seen waiting into each second of the series.
pub(super) fn add_waiters(series: &mut [Second], tracked: &TrackedLocks, zero: Duration) {
    for &(second, waiters) in &tracked.waiters {
        let t = second.as_secs_f64() - zero.as_secs_f64();
        // The series' times are rounded to the millisecond.
        if let Some(entry) = series.iter_mut().find(|entry| (entry.t - t).abs() < 0.01) {
            entry.waiters = waiters;
        }
    }
}

/// Puts the fewest instances that were up into each second of the series.
pub(super) fn add_attendance(series: &mut [Second], attendance: &Attendance, zero: Duration) {
    for second in series {
        // The series' times are rounded to the millisecond, and its seconds are whole ones.
        let from = Duration::from_secs_f64((second.t + zero.as_secs_f64()).round().max(0.0));
        second.up = Some(attendance.fewest(from, from + Duration::from_secs(1)));
    }
}
