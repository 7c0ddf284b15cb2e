//! The rules: what each demands, and how it is measured. A limit is the largest value that passes.

use crate::observe::{LockWait, MigrationOutcome};
use crate::units::Span;

use super::blame::is_owed_to_migration;
use super::case::Case;
use super::failure::{failure, outside_cause};
use super::integrity::integrity;
use super::latency::p99_ratio;
use super::losses::error_rate;
use super::wording::place;
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
        demands: "every invariant of the scenario holds after the migration as it did before",
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

/// Measures every rule on one pass, and says what to do where it failed.
pub(super) fn measure(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        for mut finding in (rule.apply)(case) {
            if !finding.passed {
                finding.help.get_or_insert_with(|| rule.help.to_owned());
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
    finding.statement = migration.error.as_ref().and_then(|error| error.statement);
    finding.doubt = outside_cause(migration);
    vec![finding]
}

/// One finding for each statement whose longest wait is over the limit; where none is, one for the
/// longest wait of all.
fn lock_wait(case: &Case<'_>) -> Vec<Finding> {
    let mut longest: Vec<&LockWait> = Vec::new();
    for wait in &case.pass.locks.waits {
        if !is_owed_to_migration(wait) {
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
    let behind = match (case.pass.migration.as_ref(), wait.root.statement) {
        (Some(migration), Some(index)) => place(migration, index),
        _ => "the migration".to_owned(),
    };
    let relation = match &wait.relation {
        Some(relation) => format!(" on {relation}"),
        None => String::new(),
    };
    finding.detail = format!(
        "{} waited {} for {}{relation} behind {behind}; the limit is {}",
        wait.waiter,
        Span(wait.length),
        wait.mode,
        Span(limit)
    );
    finding.noise = Some(case.pass.locks.sample_error.as_secs_f64());
    case.blame(&mut finding, wait.root.statement);
    finding.statement = wait.root.statement;
    finding.relation = wait.relation.clone();
    finding.transaction = Some(wait.waiter.clone());
    finding
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
    finding.detail = format!(
        "the migration took {}; the limit is {}",
        Span(took),
        Span(limit)
    );
    let slowest = migration
        .statements
        .iter()
        .max_by_key(|statement| statement.duration);
    case.blame(&mut finding, slowest.map(|statement| statement.index));
    vec![finding]
}
