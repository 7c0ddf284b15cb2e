//! The rules: what each demands, and how it is measured. A limit is the largest value that passes.

use crate::observe::{LockWait, MigrationOutcome, Pass};
use crate::units::Span;

use super::case::Case;
use super::cause::cause;
use super::failure::{failure, outside_cause};
use super::integrity::integrity;
use super::interval::{Estimate, weigh};
use super::latency::p99_ratio;
use super::losses::error_rate;
use super::restarts::restarts;
use super::slowness;
use super::wording::{awaited, place};
use super::{Finding, Unit};

/// A rule of the verdict.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name in findings; where it has a limit, the limit's key in `[limits]`.
    pub name: &'static str,
    /// What it demands, for people.
    pub demands: &'static str,
    /// What to do where it fails and the statement to blame has no better advice of its own.
    pub help: &'static str,
    /// Measures it on one pass under load.
    pub(super) apply: fn(&Case<'_>) -> Vec<Finding>,
}

/// All rules, the one that explains most first.
pub const RULES: &[Rule] = &[
    Rule {
        name: "migration_applied",
        demands: "every statement of the migration succeeds and is committed",
        help: "correct the statement, or the data that it met, and rehearse again",
        apply: migration_applied,
    },
    Rule {
        name: "integrity",
        demands: "every invariant of the scenario holds after the migration as it did before, and no half of a \
                  migration, invalid index or sequence behind its column is left",
        help: "correct what the migration does to the data, or what it lets the traffic do",
        apply: integrity,
    },
    Rule {
        name: "lock_wait",
        demands: "no request of the application waits longer behind the migration",
        help: "set lock_timeout and retry, and do long work under a lock that lets the traffic pass",
        apply: lock_wait,
    },
    Rule {
        name: "unavailable",
        demands: "no kind of transaction, although due, fails to succeed for longer",
        help: "shorten the time that the migration holds its strongest lock",
        apply: unavailable,
    },
    Rule {
        name: "restarts",
        demands: "no health check restarts an instance that the baseline left alone",
        help: "shorten the time under the lock; and give the health check a connection of its own and a \
               query that needs no table, so that a full pool does not end the process",
        apply: restarts,
    },
    Rule {
        name: "error_rate",
        demands: "no larger share of the requests is lost, beyond the baseline's own",
        help: "look at the errors of the phase: timeouts are owed to waiting, others to what the \
               migration changed under the running release",
        apply: error_rate,
    },
    Rule {
        name: "p99_ratio",
        demands: "the 99th percentile of latency stays within a multiple of the baseline's",
        help: "spread the migration's work: smaller batches with pauses, or CONCURRENTLY",
        apply: p99_ratio,
    },
    Rule {
        name: "migration_time",
        demands: "the migration itself takes no longer",
        help: "split the migration, or move the work that takes longest out of the deployment",
        apply: migration_time,
    },
];

/// What to do about a `lock_timeout` that struck in every attempt.
const NO_LOCK: &str = "allow more attempts with a longer backoff, and keep the traffic's transactions \
                       on the table short: they hold the lock that it waited for";

/// Measures every rule on one pass, and says what to do where it failed.
pub(super) fn measure(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What the traffic suffers of a server that was killed is not the migration's doing.
    let killed = case.pass.abort.as_ref();
    let killed = killed.is_some_and(|abort| abort.server_down.is_some());
    for rule in RULES
        .iter()
        .filter(|rule| !killed || rule.name == "integrity")
    {
        for mut finding in (rule.apply)(case) {
            if !finding.passed {
                finding.help.get_or_insert_with(|| rule.help.to_owned());
                slowness::explain(case, &mut finding);
            }
            findings.push(finding);
        }
    }
    findings
}

/// A rule's place among [`RULES`]; behind all for one that is not among them.
pub fn rank(name: &str) -> usize {
    RULES
        .iter()
        .position(|rule| rule.name == name)
        .unwrap_or(RULES.len())
}

fn migration_applied(case: &Case<'_>) -> Vec<Finding> {
    let Some(migration) = case.pass.migration.as_ref() else {
        return Vec::new();
    };
    if migration.outcome == MigrationOutcome::Aborted {
        return Vec::new();
    }
    let failed = migration.outcome == MigrationOutcome::Failed;
    let count = if failed { 1.0 } else { 0.0 };
    let mut finding = case.finding("migration_applied", Unit::Count, (count, 0.0));
    finding.detail = match failed {
        true => failure(migration),
        false => "the migration was applied".to_owned(),
    };
    // Blamed without the advice of its hazards: a rewrite against locks does not help a statement
    // that fails.
    let error = migration.error.as_ref();
    finding.statement = error.and_then(|error| error.statement);
    let out_of_patience = error.is_some_and(|error| error.sqlstate.as_deref() == Some("55P03"));
    finding.help = out_of_patience.then(|| NO_LOCK.to_owned());
    finding.doubt = outside_cause(migration);
    vec![finding]
}

/// One finding for each statement whose longest wait is over the limit; where none is, one for the
/// longest wait of all.
fn lock_wait(case: &Case<'_>) -> Vec<Finding> {
    let mut longest: Vec<&LockWait> = Vec::new();
    for wait in &case.pass.locks.waits {
        if !wait.is_owed_to_migration() {
            continue;
        }
        let same = longest
            .iter_mut()
            .find(|kept| kept.root.statement == wait.root.statement);
        match same {
            Some(kept) if wait.length > kept.length => *kept = wait,
            Some(_) => {}
            None => longest.push(wait),
        }
    }
    longest.sort_by_key(|wait| std::cmp::Reverse(wait.length));
    let mut findings: Vec<Finding> = longest.iter().map(|wait| waited(case, wait)).collect();
    let failed = findings.iter().filter(|finding| !finding.passed).count();
    findings.truncate(failed.max(1));
    if findings.is_empty() && case.pass.migration.is_some() {
        let limit = case.limits.lock_wait;
        let mut finding = case.finding("lock_wait", Unit::Seconds, (0.0, limit.as_secs_f64()));
        finding.detail = format!(
            "no request waited for a lock behind the migration; the limit is {}",
            Span(limit)
        );
        findings.push(finding);
    }
    findings
}

fn waited(case: &Case<'_>, wait: &LockWait) -> Finding {
    let limit = case.limits.lock_wait;
    let amounts = (wait.length.as_secs_f64(), limit.as_secs_f64());
    let mut finding = case.finding("lock_wait", Unit::Seconds, amounts);
    finding.detail = format!(
        "{} waited {} for {} behind {}; the limit is {}",
        wait.waiter,
        Span(wait.length),
        awaited(wait),
        behind(case.pass, wait),
        Span(limit)
    );
    let error = case.pass.locks.sample_error.as_secs_f64();
    finding.noise = Some(error);
    // The error is a bound and no guess: however far below the limit, a wait may have been so much longer.
    weigh(&mut finding, &Estimate::of_length(amounts.0, error), 0.0);
    case.blame(&mut finding, wait.root.statement);
    finding.statement = wait.root.statement;
    finding.relation = wait.relation.clone();
    finding.transaction = Some(wait.waiter.clone());
    finding
}

/// Who stands before a wait: `record behind statement 2 (migration.sql:4), which waited for
/// AccessExclusiveLock on public.a behind the disturbance (long-transaction)`.
fn behind(pass: &Pass, wait: &LockWait) -> String {
    let statement = match (pass.migration.as_ref(), wait.root.statement) {
        (Some(migration), Some(index)) => place(migration, index),
        _ => "the migration".to_owned(),
    };
    let mut before = wait.via.clone();
    before.push(statement);
    // What the statement waited for itself is told where most of the wait is owed to that.
    let cause = wait.root.statement.and_then(|index| cause(pass, index));
    let cause = cause.filter(|cause| 2 * cause.waited >= wait.length);
    let cause = cause.map_or_else(String::new, |cause| {
        format!(", which waited for {} behind {}", cause.lock, cause.behind)
    });
    format!("{}{cause}", before.join(" behind "))
}

fn unavailable(case: &Case<'_>) -> Vec<Finding> {
    if case.migrating.is_none() {
        return Vec::new();
    }
    let impact = &case.pass.impact;
    let limit = case.limits.unavailable;
    let amounts = (impact.unavailable.as_secs_f64(), limit.as_secs_f64());
    let mut finding = case.finding("unavailable", Unit::Seconds, amounts);
    let kind = impact.unavailable_transaction.as_deref();
    finding.detail = match impact.unavailable.is_zero() {
        true => format!(
            "every kind of transaction kept succeeding; the limit is {}",
            Span(limit)
        ),
        false => format!(
            "no {} succeeded for {} although due; the limit is {}",
            kind.unwrap_or("transaction"),
            Span(impact.unavailable),
            Span(limit)
        ),
    };
    finding.transaction = kind.map(str::to_owned);
    let estimate = Estimate::of_length(amounts.0, TICKS + gap_between(case, kind));
    weigh(&mut finding, &estimate, amounts.1);
    let lag = longest_lag(case);
    if !finding.passed && amounts.0 - lag <= amounts.1 {
        finding.doubt = Some(format!(
            "{}, but the load generator itself was late by up to {}: the machine was too busy to \
             tell whether the migration is to blame",
            finding.detail,
            Span::from_seconds(lag)
        ));
    }
    case.blame_most_waiting(&mut finding);
    vec![finding]
}

/// How far a stretch without success may be off by the ticks that it is measured in, in seconds.
const TICKS: f64 = 0.02;

/// The mean time between two requests of a kind, in seconds: the stretch begins with the first one that
/// comes due in it, which in another run comes earlier or later by about so much.
fn gap_between(case: &Case<'_>, kind: Option<&str>) -> f64 {
    let due = case
        .usual(kind)
        .map_or(0, |sample| sample.accounting.scheduled);
    let length = case.baseline.map_or(0.0, |phase| {
        phase.end.saturating_sub(phase.start).as_secs_f64()
    });
    length / due.max(1) as f64
}

fn longest_lag(case: &Case<'_>) -> f64 {
    case.windows()
        .filter_map(|(_, phase)| phase.lag)
        .map(|lag| lag.max)
        .fold(0.0, f64::max)
}

fn migration_time(case: &Case<'_>) -> Vec<Finding> {
    let Some(migration) = case.pass.migration.as_ref() else {
        return Vec::new();
    };
    let took = migration.end.saturating_sub(migration.start);
    let limit = case.limits.migration_time;
    let amounts = (took.as_secs_f64(), limit.as_secs_f64());
    let mut finding = case.finding("migration_time", Unit::Seconds, amounts);
    let (shown, limit) = (Span(took), Span(limit));
    let abort = case.pass.abort.as_ref();
    let on_purpose = abort.is_some_and(|abort| abort.asked.is_some());
    if migration.outcome == MigrationOutcome::Aborted && !finding.passed && !on_purpose {
        // It was cancelled for the limit: how much longer it would have taken, nobody knows, but longer it is.
        finding.detail = format!(
            "the migration was not over after {shown}, and was ended then; the limit is {limit}"
        );
    } else {
        finding.detail = format!("the migration took {shown}; the limit is {limit}");
        let estimate = Estimate::of_length(amounts.0, 0.0);
        weigh(&mut finding, &estimate, amounts.1);
    }
    let slowest = migration
        .statements
        .iter()
        .max_by_key(|statement| statement.duration);
    case.blame(&mut finding, slowest.map(|statement| statement.index));
    vec![finding]
}
