//! The chain of an incident, in the order of time: the lock, the pools that drain, the health checks
//! that fail, the instances that restart, and when the traffic was as before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::observe::{
    Accounting, FleetEvent, FleetEventKind, Migration, Pass, Phase, PhaseName, SecondOfKind,
};
use crate::units::Span;

use super::blame::{NOTICEABLE, blame};
use super::wave::{Wave, waves};
use super::wording::{place, thousands};

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// When it began, since the baseline began.
    pub at: Duration,
    /// What happened, in a few words.
    pub text: String,
}

/// The chain of what happened to the application's instances in a pass, and what it hangs from; empty
/// where nothing happened to them. `instances` is how many there are, 0 where that is not known.
///
/// What happened to all instances is one link, however many they are: the first time in one, and all
/// the times after in another. So the chain stays short in a crash loop of hours too.
pub fn chain(pass: &Pass, instances: u32) -> Vec<Link> {
    if pass.events.is_empty() {
        return Vec::new();
    }
    let seen = pass.events.iter().map(|event| event.instance + 1).max();
    let instances = instances.max(seen.unwrap_or_default());
    let begins = pass.migration.as_ref().map(|migration| migration.start);
    let (before, since) = split(&pass.events, begins);
    let mut links: Vec<Link> = waves(before)
        .iter()
        .map(|wave| link(wave, instances, None))
        .collect();
    links.extend(migration_links(pass));
    let none_up = Some(pass.impact.none_up).filter(|none_up| !none_up.is_zero());
    links.extend(
        waves(since)
            .iter()
            .map(|wave| link(wave, instances, none_up)),
    );
    links.extend(bystanders(pass));
    links.extend(recovered(pass));
    links.sort_by_key(|link| link.at);
    links
}

/// What happened before the migration, and what since.
fn split(events: &[FleetEvent], begins: Option<Duration>) -> (&[FleetEvent], &[FleetEvent]) {
    let before = events.partition_point(|event| begins.is_none_or(|begins| event.at < begins));
    events.split_at(before)
}

fn link(wave: &Wave, instances: u32, none_up: Option<Duration>) -> Link {
    let mut text = wave.told(instances);
    if let Some(none_up) = none_up.filter(|_| wave.is_first_of(&FleetEventKind::Restarted)) {
        text += &format!("; none was up for {}", Span(none_up));
    }
    Link {
        at: wave.first,
        text,
    }
}

/// The locks that anybody waited for noticeably, when they were asked for, and the migration's end.
fn migration_links(pass: &Pass) -> Vec<Link> {
    let Some(migration) = &pass.migration else {
        return Vec::new();
    };
    let mut seen = BTreeSet::new();
    let mut links: Vec<Link> = blame(pass)
        .iter()
        .filter(|blame| blame.longest >= NOTICEABLE)
        .filter_map(|blame| {
            let index = blame.statement?;
            let statement = migration.statement(index)?;
            // One statement may be in the way on several tables; the first is the one most waited for.
            seen.insert(index).then(|| Link {
                at: statement.start,
                text: match (statement.lock_wait >= NOTICEABLE, &blame.cause) {
                    (true, Some(cause)) => format!(
                        "{} waits for {} behind {}, everyone behind it",
                        place(migration, index),
                        cause.lock,
                        cause.behind
                    ),
                    (true, None) => format!(
                        "{} waits for {}, everyone behind it",
                        place(migration, index),
                        blame.lock
                    ),
                    (false, _) => format!("{} takes {}", place(migration, index), blame.lock),
                },
            })
        })
        .collect();
    links.push(Link {
        at: migration.end,
        text: format!("the migration is over, after {}", Span(took(migration))),
    });
    links
}

fn took(migration: &Migration) -> Duration {
    migration.end.saturating_sub(migration.start)
}

/// The kinds of transactions that were lost beyond what the baseline loses of them, although they never
/// waited for the migration's locks: they had no connection, or no instance.
fn bystanders(pass: &Pass) -> Option<Link> {
    let migration = pass.migration.as_ref()?;
    let waited = &pass.locks.behind_migration;
    if waited.is_empty() {
        return None;
    }
    let mut after: BTreeMap<&str, Accounting> = BTreeMap::new();
    for phase in [PhaseName::Migration, PhaseName::Recovery] {
        for kind in of(pass, phase)
            .into_iter()
            .flat_map(|phase| &phase.transactions)
        {
            after.entry(&kind.name).or_default().merge(&kind.accounting);
        }
    }
    let lost: Vec<(&str, Accounting)> = after
        .into_iter()
        .filter(|(name, _)| !waited.contains_key(*name))
        .filter(|(name, after)| {
            after.error_rate().unwrap_or_default() > usual_rate(pass, name).unwrap_or_default()
        })
        .collect();
    let told: Vec<String> = lost
        .iter()
        .map(|(name, after)| {
            let (lost, due) = (thousands(after.lost()), thousands(after.scheduled));
            format!("{name} {lost} of {due} lost")
        })
        .collect();
    let names: BTreeSet<&str> = lost.iter().map(|(name, _)| *name).collect();
    (!told.is_empty()).then(|| Link {
        at: first_error(pass, &names)
            .map_or(migration.start, |second| after_its_cause(pass, second)),
        text: format!(
            "fails too, though no lock stands in its way: {}",
            told.join(", ")
        ),
    })
}

fn of(pass: &Pass, name: PhaseName) -> Option<&Phase> {
    pass.phases.iter().find(|phase| phase.name == name)
}

/// The share of a kind that the baseline lost; none where none of it was due.
fn usual_rate(pass: &Pass, kind: &str) -> Option<f64> {
    let baseline = of(pass, PhaseName::Baseline)?;
    let found = baseline.transactions.iter().find(|of| of.name == kind)?;
    found.accounting.error_rate()
}

/// The first second, from the migration's start on, in which one of these kinds had an error.
fn first_error(pass: &Pass, kinds: &BTreeSet<&str>) -> Option<Duration> {
    let begins = pass.migration.as_ref()?.start;
    let failed = |kind: &SecondOfKind| kind.errors > 0 && kinds.contains(kind.name.as_str());
    let second = pass
        .series
        .iter()
        .filter(|second| second.t + 1.0 > begins.as_secs_f64())
        .find(|second| second.transactions.iter().any(failed))?;
    Some(Span::from_seconds(second.t).0.max(begins))
}

/// The second in which bystanders failed first, but not before the first thing that happened in it to the
/// instances: the series knows no more of a moment than its second.
fn after_its_cause(pass: &Pass, second: Duration) -> Duration {
    let events = pass.events.iter().map(|event| event.at);
    let within = second..second + Duration::from_secs(1);
    events
        .filter(|at| within.contains(at))
        .min()
        .unwrap_or(second)
}

/// When the traffic was as before.
fn recovered(pass: &Pass) -> Option<Link> {
    let migration = pass.migration.as_ref()?;
    Some(match pass.impact.recovery_time {
        Some(time) if time.is_zero() => Link {
            at: migration.end,
            text: "traffic as before at once".to_owned(),
        },
        Some(time) => Link {
            at: migration.end + time,
            text: format!("traffic as before, {} after the migration", Span(time)),
        },
        None => Link {
            at: pass.phases.last()?.end,
            text: "not as before when the recovery ended".to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixtures::{RECORD, healthy, locked, released, restarted, secs};
    use crate::judge::wording::moment;

    fn told(pass: &Pass, instances: u32) -> String {
        let links = chain(pass, instances);
        assert!(links.is_sorted_by(|a, b| a.at <= b.at));
        let lines = links
            .iter()
            .map(|link| format!("{} {}\n", moment(link.at), link.text));
        lines.collect()
    }

    #[test]
    fn an_incident_reads_from_the_lock_to_the_recovery() {
        insta::assert_snapshot!(told(&restarted(), 4), @r"
        10.0 s statement 2 (migration.sql:4) takes ShareRowExclusiveLock on public.measurements
        10.3 s pools drained: 4 of 4 instances, by 10.9 s
        11.0 s health checks fail: 4 of 4 instances, by 11.6 s (acquire_timeout)
        11.0 s fails too, though no lock stands in its way: open-chart 312 of 1,718 lost
        13.0 s restarted: 4 of 4 instances, by 13.6 s; none was up for 4.40 s
        14.3 s the migration is over, after 4.32 s
        18.0 s back: 4 of 4 instances, by 18.6 s
        18.9 s health checks fail again: once, 1 of 4 instances (acquire_timeout)
        20.0 s traffic as before, 5.68 s after the migration
        ");
    }

    #[test]
    fn where_nothing_happened_to_the_instances_there_is_no_chain() {
        assert!(chain(&healthy(), 4).is_empty());
        assert!(chain(&locked(), 4).is_empty());
    }

    #[test]
    fn what_happens_over_and_over_is_told_once() {
        let mut pass = restarted();
        let first = pass.events.clone();
        for round in 1..500 {
            let later = first.iter().map(|event| FleetEvent {
                at: event.at + secs(20.0) * round,
                ..event.clone()
            });
            pass.events.extend(later);
        }
        let told = told(&pass, 4);
        assert!(told.lines().count() < 15, "{told}");
        assert!(
            told.contains("restarted again: 1,996 times, 4 of 4 instances, until "),
            "{told}"
        );
    }

    #[test]
    fn what_the_baseline_went_through_stands_before_the_migration() {
        let mut pass = healthy();
        let kind = FleetEventKind::ConnectionLost {
            error: "57P01".to_owned(),
        };
        for at in [2.0, 12.0] {
            let kind = kind.clone();
            pass.events.push(FleetEvent {
                at: secs(at),
                instance: 1,
                kind,
            });
        }
        let told = told(&pass, 0);
        let lost = "connections lost: 1 of 2 instances (57P01 admin_shutdown)";
        assert!(
            told.starts_with(&format!("2.0 s {lost}\n12.0 s {lost}\n")),
            "{told}"
        );
    }

    #[test]
    fn what_only_the_next_release_sends_is_no_bystander_by_being_new() {
        let mut pass = released(Some(RECORD), [0, 1_000, 2_400], 0.009);
        pass.events.push(FleetEvent {
            at: secs(10.1),
            instance: 0,
            kind: FleetEventKind::Released,
        });
        insta::assert_snapshot!(told(&pass, 1), @r"
        10.1 s the next release runs: 1 of 1 instance
        14.3 s the migration is over, after 4.32 s
        14.3 s traffic as before at once
        ");
        let recovery = pass.phases.last_mut().unwrap();
        let lookup = recovery.transactions.last_mut().unwrap();
        lookup.accounting.completed -= 30;
        lookup.accounting.failed += 30;
        let told = told(&pass, 1);
        assert!(told.contains("lookup 30 of 3,400 lost"), "{told}");
    }

    #[test]
    fn those_who_waited_for_the_lock_are_no_bystanders() {
        let mut pass = restarted();
        pass.locks
            .behind_migration
            .insert("open-chart".to_owned(), 1);
        assert!(!told(&pass, 4).contains("open-chart"));
    }
}
