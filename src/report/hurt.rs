//! What hurt whom, in sentences that several formats print.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::blame::NOTICEABLE;
use crate::judge::slowness::{saturation, slow_seconds, slowed_by};
use crate::judge::wording::{counted, moment, percent, place, request_seconds, thousands, wanted};
use crate::judge::{Blame, Cause, Window, blame, cause};
use crate::observe::{Deadlock, DeadlockPartner, Migration, Pass, PhaseName};
use crate::units::Span;

use super::Report;
use super::errors::{SHED, errors_in};

/// Who hurt whom in a pass, as every format tells it. What nobody would notice is left out.
pub(super) struct Hurt<'a> {
    pub(super) migration: &'a Migration,
    /// The locks of the migration, with who waited for them.
    pub(super) blames: Vec<Blame>,
    /// Statements that waited, with nobody noticeably behind them.
    pub(super) lonely: Vec<(usize, Cause)>,
    /// A sentence each.
    pub(super) deadlocks: Vec<String>,
    /// What is to be said of all of them, a sentence each.
    pub(super) remarks: Vec<String>,
}

/// Who hurt whom; none where nobody did.
pub(super) fn hurt(pass: &Pass) -> Option<Hurt<'_>> {
    let migration = pass.migration.as_ref()?;
    let mut blames = blame(pass);
    blames.retain(|blame| blame.longest >= NOTICEABLE);
    let told: BTreeSet<usize> = blames.iter().filter_map(|blame| blame.statement).collect();
    let lonely = cause::lonely(pass, |index| told.contains(&index));
    let deadlocks = deadlock_sentences(pass);
    if blames.is_empty() && lonely.is_empty() && deadlocks.is_empty() {
        return None;
    }
    let crowd = without_connection(pass).filter(|_| !blames.is_empty());
    Some(Hurt {
        migration,
        blames,
        lonely,
        deadlocks,
        remarks: crowd.into_iter().chain(precision(pass)).collect(),
    })
}

/// What the statement did: `held ShareRowExclusiveLock on public.measurements for 4.20 s`.
pub(super) fn charge(migration: &Migration, blame: &Blame) -> String {
    let lock = &blame.lock;
    let waited = blame
        .statement
        .and_then(|index| migration.statement(index))
        .map(|statement| statement.lock_wait)
        .filter(|waited| *waited >= NOTICEABLE);
    let spent_in = blame.spent_in.map(|index| place(migration, index));
    let spent = spent_in.map_or_else(String::new, |place| {
        format!(", most of it while {place} ran")
    });
    let (queued, held) = match (&blame.cause, waited) {
        (Some(cause), _) => {
            let queued = format!(
                "waited {} for {} behind {}, and {} queued behind it, then held",
                Span(cause.waited),
                cause.lock,
                cause.behind,
                counted(blame.waits, "request")
            );
            (queued, if cause.lock == *lock { "it" } else { lock })
        }
        (None, Some(waited)) => {
            let waited = Span(waited);
            let queued = format!("queued {waited} for {lock}, everyone behind it, then held");
            (queued, "it")
        }
        (None, None) => ("held".to_owned(), lock.as_str()),
    };
    match blame.held {
        Some(length) => format!("{queued} {held} for {}{spent}", Span(length)),
        None => match queued.strip_suffix(", then held") {
            Some(queued) => queued.to_owned(),
            None => format!("{queued} {held}"),
        },
    }
}

/// What that cost: `37 requests waited behind it, 31 at once, the longest 4.1 s, 85.2 request-seconds in
/// all: record-measurement 31, …`.
pub(super) fn toll(blame: &Blame) -> String {
    let together = match blame.peak {
        0 | 1 => String::new(),
        peak => format!(", {} at once", thousands(peak as u64)),
    };
    format!(
        "{} waited behind it{together}, the longest {}, {} in all: {}",
        counted(blame.waits, "request"),
        Span(blame.longest),
        request_seconds(blame.total.as_secs_f64()),
        who_waited(blame)
    )
}

/// Those who waited, with their numbers.
pub(super) fn who_waited(blame: &Blame) -> String {
    let waiters = blame.waiters.iter();
    let by: Vec<String> = waiters
        .map(|waiter| format!("{} {}", waiter.transaction, thousands(waiter.waits)))
        .collect();
    by.join(", ")
}

/// The longest queue: `read-vitals behind record-measurement behind statement 4`; none where all waited
/// for the migration itself.
pub(super) fn queue(blame: &Blame) -> Option<String> {
    let statement = match blame.statement {
        Some(index) => format!("statement {}", index + 1),
        None => "the migration".to_owned(),
    };
    let mut queue = blame.queue.clone();
    if queue.is_empty() {
        return None;
    }
    queue.push(statement);
    Some(format!("the longest queue: {}", queue.join(" behind ")))
}

/// How exact the lengths of waits are; none where nobody waited.
fn precision(pass: &Pass) -> Option<String> {
    let locks = &pass.locks;
    (!locks.waits.is_empty()).then(|| {
        format!(
            "waits were sampled every {}: no length is off by more than {}",
            Span(locks.sample_interval),
            Span(locks.sample_error)
        )
    })
}

/// A statement that waited, with nobody noticeably behind it.
pub(super) fn waited_alone(cause: &Cause) -> String {
    format!(
        "waited {} for {} behind {}; no request queued noticeably behind it",
        Span(cause.waited),
        cause.lock,
        cause.behind
    )
}

/// Errors of requests that never had a connection.
const WITHOUT_CONNECTION: [&str; 4] = [
    "acquire_timeout",
    "connection_refused",
    "instance_down",
    SHED,
];

/// The requests that stood in no queue of the server's, since they never had a connection, and what all
/// lost together.
fn without_connection(pass: &Pass) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let met = |name| name == PhaseName::Migration || name == PhaseName::Recovery;
    for phase in pass.phases.iter().filter(|phase| met(phase.name)) {
        for (error, count) in errors_in(phase) {
            if WITHOUT_CONNECTION.contains(&error) {
                *counts.entry(error).or_default() += count;
            }
        }
    }
    let all: u64 = counts.values().sum();
    if all == 0 {
        return None;
    }
    let named: Vec<String> = counts
        .iter()
        .map(|(error, count)| format!("{error} {}", thousands(*count)))
        .collect();
    Some(format!(
        "{} never had a connection ({}); all together the traffic lost {} and {} beyond the \
         baseline's p99",
        counted(all, "more request"),
        named.join(", "),
        counted(pass.impact.lost_requests, "request"),
        request_seconds(pass.impact.lost_request_seconds)
    ))
}

/// Deadlocks told one by one.
const DEADLOCKS_TOLD: usize = 5;

/// The deadlocks, those of the migration first: who was ended, and who waited for whom.
fn deadlock_sentences(pass: &Pass) -> Vec<String> {
    let (own, others): (Vec<&Deadlock>, Vec<&Deadlock>) = pass
        .locks
        .deadlocks
        .iter()
        .partition(|deadlock| deadlock.involves_migration());
    let told = own.iter().chain(&others).take(DEADLOCKS_TOLD);
    let mut sentences: Vec<String> = told.map(|deadlock| told_of(deadlock, pass)).collect();
    let more = pass
        .locks
        .deadlocks_seen
        .saturating_sub(sentences.len() as u64);
    if more > 0 {
        sentences.push(format!("and {}", counted(more, "more deadlock")));
    }
    sentences
}

/// `deadlock at 12.3 s: record was ended; record waits for RowExclusiveLock on public.a, held by
/// statement 3, which waits for …, held by record`.
fn told_of(deadlock: &Deadlock, pass: &Pass) -> String {
    let statement = deadlock
        .statement
        .zip(pass.migration.as_ref())
        .map(|(index, migration)| place(migration, index));
    let name = |who: &str| match (who, &statement) {
        ("migration", Some(statement)) => statement.clone(),
        ("migration", None) => "the migration".to_owned(),
        (who, _) => who.to_owned(),
    };
    let mut sentence = format!(
        "deadlock at {}: {} was ended",
        moment(deadlock.at),
        name(&deadlock.victim)
    );
    let next = deadlock.partners.iter().cycle().skip(1);
    let links: Vec<String> = deadlock
        .partners
        .iter()
        .zip(next)
        .map(|(partner, next)| {
            format!(
                "{} waited for {} behind {}",
                name(&partner.who),
                wanted_by(partner),
                name(&next.who)
            )
        })
        .collect();
    if !links.is_empty() {
        sentence += &format!("; {}", links.join(", "));
    }
    sentence
}

fn wanted_by(partner: &DeadlockPartner) -> String {
    wanted(
        (&partner.waits_for, &partner.mode),
        partner.relation.as_deref(),
    )
}

/// Why requests were slow that waited for no lock of the migration: where a p99 failed, the processors
/// and what requests waited for instead; and what was slow for seconds.
pub(super) fn slow_sentences(report: &Report, pass: &Pass) -> Vec<String> {
    let mut sentences: Vec<String> = [Window::Migration, Window::Recovery]
        .into_iter()
        .filter(|window| has_failed_unexplained(report, pass, *window))
        .flat_map(|window| [saturation(pass, window), slowed_by(pass, window)])
        .flatten()
        .collect();
    let seconds = slow_seconds(pass);
    let all: usize = seconds.iter().map(|(_, count)| count).sum();
    if all == 0 {
        return sentences;
    }
    let named: Vec<String> = seconds
        .iter()
        .take(3)
        .map(|(wait, count)| format!("{wait} in {count}"))
        .collect();
    if sentences.is_empty() {
        sentences.extend(busy(pass));
    }
    sentences.push(format!(
        "{} that no lock explains; most requests waited for {}",
        counted(all as u64, "slow second"),
        named.join(", ")
    ));
    sentences
}

/// Whether a p99 of a window failed, and no lock of the migration says why.
fn has_failed_unexplained(report: &Report, pass: &Pass, window: Window) -> bool {
    let mut findings = report.findings().iter();
    let failed = findings.any(|finding| {
        (finding.rule.as_str(), finding.pass) == ("p99_ratio", pass.name)
            && (finding.window, finding.passed) == (window, false)
    });
    failed && blame(pass).iter().all(|blame| blame.longest < NOTICEABLE)
}

/// How busy the processors were.
fn busy(pass: &Pass) -> Option<String> {
    let (now, before) = (pass.cpu.migration?, pass.cpu.baseline?);
    Some(format!(
        "the processors were busy {} while migrating ({} before)",
        percent(now.busy),
        percent(before.busy)
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::judge::fixtures::{CHART, RECORD, healthy, locked, secs, wait};
    use crate::observe::processors::Usage;
    use crate::observe::{LockWait, Root, RootKind, SlowedBy, Toll};
    use crate::report::fixtures::safe_report;

    #[test]
    fn a_disturbance_at_the_root_is_said_and_the_migration_in_the_middle_blamed() {
        let mut pass = locked();
        let own = LockWait {
            mode: "AccessExclusiveLock".to_owned(),
            root: Root {
                kind: RootKind::Disturbance,
                statement: None,
                mode: None,
                pid: 7,
                name: Some("long-transaction".to_owned()),
            },
            ..wait("migration", 10.1, 4.0)
        };
        let reader = LockWait {
            depth: 2,
            via: vec![RECORD.to_owned()],
            ..wait(CHART, 10.3, 3.5)
        };
        let mut reader = Toll::of(&reader);
        reader.waits = 57;
        pass.locks.waits.push(own);
        pass.locks.tolls = vec![reader];
        let migration = pass.migration.as_mut().unwrap();
        migration.statements[1].lock_wait = secs(4.0);
        (
            migration.statements[1].start,
            migration.statements[1].duration,
        ) = (secs(10.05), secs(4.2));
        let blames = blame(&pass);
        let migration = pass.migration.as_ref().unwrap();
        insta::assert_snapshot!(charge(migration, &blames[0]), @"waited 4.00 s for AccessExclusiveLock on public.measurements behind the disturbance (long-transaction), and 57 requests queued behind it, then held ShareRowExclusiveLock on public.measurements for 4.31 s");
        insta::assert_snapshot!(toll(&blames[0]), @"57 requests waited behind it, 37 at once, the longest 3.50 s, 3.50 request-seconds in all: open-chart 57");
        insta::assert_snapshot!(queue(&blames[0]).unwrap(), @"the longest queue: open-chart behind record-measurement behind statement 2");
        let alone = blames[0].cause.as_ref().map(waited_alone);
        insta::assert_snapshot!(alone.unwrap(), @"waited 4.00 s for AccessExclusiveLock on public.measurements behind the disturbance (long-transaction); no request queued noticeably behind it");
        insta::assert_snapshot!(without_connection(&pass).unwrap(), @"34 more requests never had a connection (acquire_timeout 34); all together the traffic lost 34 requests and 2,505 request-seconds beyond the baseline's p99");
    }

    #[test]
    fn deadlocks_are_told_with_their_partners() {
        let mut pass = healthy();
        let partner = |who: &str, waits_for: &str, relation: Option<&str>| DeadlockPartner {
            who: who.to_owned(),
            waits_for: waits_for.to_owned(),
            relation: relation.map(str::to_owned),
            mode: "ShareLock".to_owned(),
            pid: 1,
        };
        let deadlock = Deadlock {
            at: Duration::from_millis(12_300),
            victim: RECORD.to_owned(),
            statement: Some(1),
            partners: vec![
                partner(RECORD, "transactionid", Some("public.measurements")),
                partner("migration", "relation", Some("public.patients")),
            ],
        };
        pass.locks.deadlocks_seen = 7;
        pass.locks.deadlocks = vec![
            Deadlock {
                victim: CHART.to_owned(),
                statement: None,
                partners: Vec::new(),
                ..deadlock.clone()
            },
            deadlock,
        ];
        insta::assert_snapshot!(deadlock_sentences(&pass).join("\n"), @r"
        deadlock at 12.3 s: record-measurement was ended; record-measurement waited for a row of public.measurements behind statement 2 (migration.sql:7), statement 2 (migration.sql:7) waited for ShareLock on public.patients behind record-measurement
        deadlock at 12.3 s: open-chart was ended
        and 5 more deadlocks
        ");
    }

    #[test]
    fn slow_seconds_without_lock_waits_are_named() {
        let mut report = safe_report();
        let sentences = |report: &Report| slow_sentences(report, &report.passes[0]).join("\n");
        let usage = |busy| {
            Some(Usage {
                busy,
                runnable: 2.0,
            })
        };
        let pass = &mut report.passes[0];
        (pass.cpu.baseline, pass.cpu.migration) = (usage(0.35), usage(0.98));
        // Busy processors that hurt nobody are no news.
        assert_eq!(sentences(&report), "");
        let slowed_by = |kind: &str, event: Option<&str>| {
            Some(SlowedBy {
                wait_event_type: kind.to_owned(),
                wait_event: event.map(str::to_owned),
                share_of_samples: 0.6,
            })
        };
        let series = &mut report.passes[0].series;
        series[11].slowed_by = slowed_by("LWLock", Some("BufferMapping"));
        series[12].slowed_by = slowed_by("IO", Some("DataFileRead"));
        series[13].slowed_by = slowed_by("IO", Some("DataFileRead"));
        insta::assert_snapshot!(sentences(&report), @r"
        the processors were busy 98.0 % while migrating (35.0 % before)
        3 slow seconds that no lock explains; most requests waited for DataFileRead (IO) in 2, BufferMapping (LWLock) in 1
        ");
        let finding = report.verdict.as_mut().unwrap().findings.iter_mut();
        for finding in finding.filter(|finding| finding.rule == "p99_ratio") {
            finding.passed = false;
        }
        assert!(sentences(&report).starts_with(
            "the processors were busy 98.0 % while migrating (35.0 % before): the server was saturated\n3 slow"
        ));
    }
}
