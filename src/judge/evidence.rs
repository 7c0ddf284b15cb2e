//! Whether the evidence can carry a verdict, and what it does not cover.

use crate::observe::{Disturbance, LockMode, Migration, MigrationOutcome, Pass, PassName, Phase};
use crate::units::Span;

use super::Context;
use super::blame::NOTICEABLE;
use super::case::{Case, sample};
use super::failure::outside_cause;
use super::gap::{Gap, ON_A_FAILED_SERVER};
use super::latency::tails;
use super::tail::{FEWEST, ended};
use super::wording::thousands;
use super::{baseline, demand, integrity, restarts};

/// Passes that a verdict needs and that were not made.
pub(super) fn missing_passes(passes: &[Pass], context: &Context) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if !passes.iter().any(|pass| pass.name.is_rehearsal()) {
        gaps.push(Gap::thin("no pass with traffic was made".to_owned()));
    } else if context.disturbances && !is_disturbed(passes) {
        gaps.push(Gap::thin(
            "the scenario has disturbances, but no disturbed pass was made".to_owned(),
        ));
    }
    gaps.extend(context.missing.iter().cloned().map(Gap::thin));
    gaps
}

fn is_disturbed(passes: &[Pass]) -> bool {
    passes.iter().any(|pass| pass.name == PassName::Disturbed)
}

/// What the evidence of all passes does not cover.
pub(super) fn uncovered(context: &Context) -> Vec<String> {
    let mut uncovered: Vec<String> = context
        .tables
        .iter()
        .filter(|table| table.production_rows > table.rows && !context.forecast_made)
        .map(|table| {
            format!(
                "judged at {} rows of {}; production has {} (no forecast made)",
                table.rows, table.name, table.production_rows
            )
        })
        .collect();
    uncovered.extend(context.missing_traffic.clone());
    uncovered
}

/// What one pass's evidence lacks.
pub(super) fn gaps(case: &Case<'_>, context: &Context) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if context.interrupted {
        let sentence = "the rehearsal was interrupted before its end";
        gaps.push(Gap::thin(sentence.to_owned()));
    }
    gaps.extend(baseline::gaps(case, context));
    gaps.extend(integrity::gaps(case));
    if struck(case.pass) {
        // What half of a migration cannot show, the other passes do.
        return gaps;
    }
    gaps.extend(restarts::gap(case));
    gaps.extend(migration_gaps(case));
    gaps.extend(traffic_gaps(case));
    gaps.extend(demand::held_up(case, context));
    gaps.extend(unused(case));
    gaps.extend(absent(case.pass));
    gaps
}

/// Whether the migration was ended on purpose. One that the order missed ran through.
fn struck(pass: &Pass) -> bool {
    let asked = pass
        .abort
        .as_ref()
        .is_some_and(|abort| abort.asked.is_some());
    let migration = pass.migration.as_ref();
    asked && migration.is_some_and(|migration| migration.outcome == MigrationOutcome::Aborted)
}

/// Disturbances that were not there when the migration could have met them: what it does behind them was not seen.
fn absent(pass: &Pass) -> Vec<Gap> {
    let Some(migration) = pass.migration.as_ref() else {
        return Vec::new();
    };
    let disturbances = pass.disturbances.iter();
    let absent = disturbances.filter_map(|one| why_absent(one, migration));
    absent.map(Gap::thin).collect()
}

fn why_absent(disturbance: &Disturbance, migration: &Migration) -> Option<String> {
    let about = disturbance
        .table
        .as_deref()
        .map_or_else(String::new, |table| format!(" of {table}"));
    let name = format!("the disturbance {}{about}", disturbance.kind);
    let error = disturbance.error.as_deref();
    let Some(start) = disturbance.start else {
        return Some(match error {
            Some(error) => format!("when {name} was in the way is not known: {error}"),
            None => {
                format!("{name} never began: let it begin earlier, or make the recovery longer")
            }
        });
    };
    let end = disturbance.end.unwrap_or(start);
    let lasted = end.saturating_sub(start);
    let why = match error {
        Some(error) if end <= migration.start || lasted < NOTICEABLE => {
            format!("it ended after {} with an error: {error}", Span(lasted))
        }
        _ if start >= migration.end => {
            "it began only when the migration was over: let it begin earlier".to_owned()
        }
        _ if end <= migration.start => {
            "it was over before the migration began: let it last longer, or begin later".to_owned()
        }
        _ => return None,
    };
    Some(format!("{name} was in nobody's way: {why}"))
}

/// A migration whose strong locks are all on tables that no traffic uses: nobody was there whom it
/// could have hurt. One that locks no table that was there before hurts nobody.
fn unused(case: &Case<'_>) -> Option<Gap> {
    let statements = &case.pass.migration.as_ref()?.statements;
    let mut locked: Vec<&str> = statements
        .iter()
        .flat_map(|statement| &statement.locks)
        .filter(|lock| {
            lock.mode
                .parse()
                .is_ok_and(|mode: LockMode| mode.conflicts_with(LockMode::RowExclusive))
        })
        .map(|lock| lock.relation.as_str())
        .collect();
    locked.sort_unstable();
    locked.dedup();
    let usage = &case.pass.usage;
    let among = |tables: &[String]| -> Vec<&str> {
        let named = |relation: &&str| tables.iter().any(|table| table == relation);
        locked.iter().copied().filter(named).collect()
    };
    let idle = among(&usage.idle);
    (!idle.is_empty() && among(&usage.used).is_empty()).then(|| {
        Gap::thin(format!(
            "no traffic uses {}, which the migration locks: give the transactions that do",
            idle.join(", ")
        ))
    })
}

/// A migration that did not come to an end of its own.
pub(super) fn ending_gaps(migration: &Migration) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = outside_cause(migration)
        .map(|sentence| Gap::doubting(ON_A_FAILED_SERVER, sentence))
        .into_iter()
        .collect();
    if migration.outcome == MigrationOutcome::Aborted {
        gaps.push(Gap::thin(
            "the migration was aborted before its end".to_owned(),
        ));
    }
    gaps
}

fn migration_gaps(case: &Case<'_>) -> Vec<Gap> {
    let Some(migration) = case.pass.migration.as_ref() else {
        return vec![Gap::thin(
            "no migration ran: the rehearsal ended before it began".to_owned(),
        )];
    };
    let mut gaps = ending_gaps(migration);
    let error = case.pass.locks.sample_error;
    if error > case.limits.lock_wait {
        gaps.push(Gap::thin(format!(
            "lock waits were sampled up to {} apart, too coarse for a limit of {}",
            Span(error),
            Span(case.limits.lock_wait)
        )));
    }
    gaps
}

fn traffic_gaps(case: &Case<'_>) -> Vec<Gap> {
    if case.pass.migration.is_none() {
        return Vec::new();
    }
    let mut gaps = Vec::new();
    if case.migrating.is_none() || case.recovery.is_none() {
        gaps.push("the rehearsal ended before the recovery was measured".to_owned());
        return gaps.into_iter().map(Gap::thin).collect();
    }
    if case
        .recovery
        .is_some_and(|phase| phase.accounting.scheduled == 0)
    {
        gaps.push("no request came due in recovery: make the recovery longer".to_owned());
    }
    let judged: u64 = case
        .windows()
        .map(|(_, phase)| ended(&phase.accounting))
        .sum();
    if judged < FEWEST {
        gaps.push(format!(
            "too few transactions to judge: {} ended while migrating and in recovery, {FEWEST} are \
             needed",
            thousands(judged)
        ));
    }
    gaps.extend(
        case.kinds()
            .into_iter()
            .flatten()
            .filter_map(|kind| unmet(case, kind)),
    );
    gaps.into_iter().map(Gap::thin).collect()
}

/// A kind of transaction that did not meet the migration. One that is over before anybody could have
/// waited for longer than the limits needs no witness of each kind.
fn unmet(case: &Case<'_>, kind: &str) -> Option<String> {
    let due_of = |kind: &str, phase: Option<&Phase>| {
        sample(phase, Some(kind)).map_or(0, |sample| sample.accounting.scheduled)
    };
    let took = case
        .migrating
        .map(|phase| phase.end.saturating_sub(phase.start));
    let bearable = case.limits.lock_wait.min(case.limits.unavailable);
    let phases = [case.baseline, case.migrating, case.recovery];
    if case.next(Some(kind)).is_some() {
        let applied = case.pass.migration.as_ref()?.outcome == MigrationOutcome::Applied;
        let sent = phases.iter().any(|phase| due_of(kind, *phase) > 0);
        return (applied && !sent).then(|| {
            format!(
                "no {kind} came due: let the next release come earlier, or make the recovery longer"
            )
        });
    }
    // Where the next release sends another in its place, that one is the witness.
    let mut instead = case.pass.next.iter();
    let instead = instead.find(|next| next.replaces.as_deref() == Some(kind));
    let due =
        |phase| due_of(kind, phase) + instead.map_or(0, |instead| due_of(&instead.name, phase));
    match (due(case.migrating), due(case.recovery)) {
        (0, 0) => Some(format!(
            "no {kind} came due while migrating or in recovery: raise the rate, its weight or the \
             recovery"
        )),
        (0, _) if took > Some(bearable) => Some(format!(
            "no {kind} came due while the migration ran: raise the rate or its weight"
        )),
        _ => None,
    }
}

/// Kinds of transactions too rare for a p99.
pub(super) fn unjudged(case: &Case<'_>) -> Vec<String> {
    let rare: Vec<&str> = case
        .kinds()
        .into_iter()
        .flatten()
        .filter(|kind| {
            let baseline = case.usual(Some(kind)).and_then(|sample| sample.tail());
            baseline.is_none() || tails(case, Some(kind)).is_empty()
        })
        .collect();
    match rare.is_empty() || case.migrating.is_none() {
        true => Vec::new(),
        false => vec![format!(
            "no p99 of {} was judged: fewer than {FEWEST} requests",
            rare.join(", ")
        )],
    }
}
