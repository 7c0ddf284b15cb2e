//! What came of an abort and of the way back, in sentences that several formats print.

use super::Report;
use super::facts::{leftovers, schema_diff};
use crate::judge::not_as_before;
use crate::judge::wording::{counted, place, thousands};
use crate::observe::{Abort, MigrationOutcome, Pass, PassName, Rollback};
use crate::units::{Bytes, Span};

/// So many tables are told; report.json has all.
const TABLES_TOLD: usize = 20;

fn pass(report: &Report, name: PassName) -> Option<&Pass> {
    report.passes.iter().find(|pass| pass.name == name)
}

/// What came of the abort; nothing where none was asked for.
pub(super) fn abort(report: &Report) -> Vec<String> {
    let Some(abort) = &report.abort else {
        return Vec::new();
    };
    let pass = pass(report, PassName::Abort);
    let migration = pass.and_then(|pass| pass.migration.as_ref());
    let ran_through =
        migration.is_some_and(|migration| migration.outcome == MigrationOutcome::Applied);
    if abort.asked.is_none() || ran_through {
        return vec![format!(
            "the migration was over before it could be aborted ({})",
            abort.after
        )];
    }
    let mut told = vec![ended(abort, pass)];
    if let Some(down) = abort.server_down {
        told.push(format!("the server took no connections for {}", Span(down)));
    }
    told.push(match abort.traffic_back {
        Some(back) => format!("traffic was as before {} after the abort", Span(back)),
        None => "the traffic did not come back to what it was before".to_owned(),
    });
    told.extend(pass.into_iter().flat_map(|pass| left(report, pass)));
    told.extend(abort.grown.iter().map(|table| {
        format!(
            "{} is {} larger than before, most of it dead rows: VACUUM lets new rows have the room, and does \
             not give it back",
            table.relation,
            Bytes(table.bytes)
        )
    }));
    told.extend(second_run(abort));
    told
}

/// What the abort left, unless that is told as what the whole rehearsal left.
fn left(report: &Report, pass: &Pass) -> Vec<String> {
    let left = leftovers(&pass.integrity);
    match left.is_empty() {
        true => vec!["it left nothing behind".to_owned()],
        false if pass.integrity == report.integrity => Vec::new(),
        false => left
            .iter()
            .map(|one| format!("left behind: {one}"))
            .collect(),
    }
}

fn ended(abort: &Abort, pass: Option<&Pass>) -> String {
    let statement = abort.statement.map_or(String::new(), |index| {
        let migration = pass.and_then(|pass| pass.migration.as_ref());
        let place = migration.map(|migration| place(migration, index));
        place.map_or(String::new(), |place| format!(", in {place}"))
    });
    let (by, after) = (&abort.by, &abort.after);
    let took = abort.took.map_or(String::new(), |took| {
        format!("; its session had ended {} later", Span(took))
    });
    format!("ended by {by} after {after}{statement}{took}")
}

fn second_run(abort: &Abort) -> Vec<String> {
    let Some(second) = &abort.second_run else {
        return Vec::new();
    };
    let took = Span(second.duration);
    match (second.outcome, &second.error) {
        (MigrationOutcome::Applied, _) if second.left.is_empty() => vec![format!(
            "a second run, idle, came to its end in {took}, and all is as if the first had"
        )],
        (MigrationOutcome::Applied, _) => {
            let mut told = vec![format!(
                "a second run, idle, came to its end in {took}, but not all is as if the first had:"
            )];
            told.extend(second.left.iter().cloned());
            told
        }
        (_, Some(error)) => {
            let code = error.sqlstate.as_deref().unwrap_or("connection lost");
            vec![format!("a second run fails: {code}: {}", error.message)]
        }
        (_, None) => vec!["a second run did not come to its end".to_owned()],
    }
}

/// What the way back costs and brings back; nothing where it was not asked for.
pub(super) fn rollback(report: &Report) -> Vec<String> {
    let Some(rollback) = &report.rollback else {
        return Vec::new();
    };
    let mut told = vec![format!(
        "idle, the migration took {} and the way back {}",
        Span(rollback.up),
        Span(rollback.down)
    )];
    told.extend(pass(report, PassName::Rollback).and_then(cost));
    let half = rollback.from_half.iter();
    told.extend(half.map(|error| format!("the way back began from half of a migration ({error})")));
    let error = rollback.error.iter();
    told.extend(error.map(|error| format!("it did not come to its end: {error}")));
    let uncompared = rollback.uncompared.iter();
    told.extend(uncompared.map(|error| format!("before and after could not be compared: {error}")));
    told.extend(compared(rollback));
    let again = rollback.again.iter();
    told.extend(again.map(|error| format!("the migration cannot be applied again: {error}")));
    told
}

/// What the way back did to the traffic.
fn cost(pass: &Pass) -> Option<String> {
    let migration = pass.migration.as_ref()?;
    let took = Span(migration.end.saturating_sub(migration.start));
    let impact = &pass.impact;
    let back = match impact.recovery_time {
        Some(time) => format!("traffic as before {} after it", Span(time)),
        None => "the traffic did not come back to what it was before".to_owned(),
    };
    Some(format!(
        "under load it took {took}: {} lost, worst stall {}, longest wait for a lock {}, {back}",
        counted(impact.lost_requests, "request"),
        Span(impact.worst_stall),
        Span(pass.locks.max_wait)
    ))
}

fn compared(rollback: &Rollback) -> Vec<String> {
    let tables = rollback.tables.len() as u64;
    if rollback.identical {
        let rows: u64 = rollback.tables.iter().filter_map(|t| t.rows_after).sum();
        return vec![format!(
            "after up and down all is as before: the schema, and {} in {} by count and checksum",
            counted(rows, "row"),
            counted(tables, "table")
        )];
    }
    let mut told: Vec<String> = rollback
        .tables
        .iter()
        .filter(|table| !table.is_same())
        .map(not_as_before)
        .collect();
    let more = told.len().saturating_sub(TABLES_TOLD);
    told.truncate(TABLES_TOLD);
    if more > 0 {
        told.push(format!(
            "and {} more tables are not as before",
            thousands(more as u64)
        ));
    }
    if told.is_empty() && !rollback.tables.is_empty() {
        told.push("after up and down every row is as before".to_owned());
    }
    let diff = schema_diff(&rollback.schema_diff).into_iter();
    told.extend(diff.map(|line| format!("not as before: {line}")));
    told
}
