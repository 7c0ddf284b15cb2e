//! What a migration did and left behind, in sentences that several formats print.

use std::time::Duration;

use serde_json::Value;

use super::Report;
use crate::judge::wording::{counted, thousands};
use crate::observe::{Accounting, Distribution, Integrity, PassName, Phase, PhaseName, Statement};
use crate::units::{Bytes, Rate, Span};

/// Completed transactions per second. A phase of a moment has none: the requests that were under way
/// when it began would look like a rush.
pub(super) fn rate(phase: &Phase) -> String {
    match phase.end.saturating_sub(phase.start) < Duration::from_secs(1) {
        true => "–".to_owned(),
        false => Rate(phase.rate).to_string(),
    }
}

/// A phase's name for people.
pub(super) fn phase_name(phase: PhaseName) -> &'static str {
    match phase {
        PhaseName::Warmup => "warm-up",
        PhaseName::Baseline => "baseline",
        PhaseName::Migration => "migration",
        PhaseName::Recovery => "recovery",
    }
}

/// The WAL that was written while a statement ran.
pub(super) fn wal(statement: &Statement) -> String {
    let bytes = statement.wal_bytes.map(Bytes);
    bytes.map_or_else(|| "–".to_owned(), |bytes| bytes.to_string())
}

/// What a statement did beyond running.
pub(super) fn facts(statement: &Statement, pass: PassName) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(error) = &statement.error {
        let sqlstate = error.sqlstate.as_deref().unwrap_or("connection lost");
        notes.push(format!("failed with {sqlstate}: {}", error.message));
    }
    let lists = [
        ("rewrote", &statement.rewrites),
        ("scanned", &statement.scans),
        ("built", &statement.indexes_built),
    ];
    let mut did: Vec<String> = lists
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {}", names.join(", ")))
        .collect();
    did.extend(statement.rows.iter().map(|change| {
        let (verb, rows) = (change.kind.participle(), counted(change.rows, "row"));
        format!("{verb} {rows} of {}", change.relation)
    }));
    did.extend(held(statement, pass));
    if !did.is_empty() {
        notes.push(did.join("; "));
    }
    notes
}

/// Whether a table lock of this mode keeps out writes, or reads too.
fn blocks_traffic(mode: &str) -> bool {
    matches!(
        mode,
        "ShareLock" | "ShareRowExclusiveLock" | "ExclusiveLock" | "AccessExclusiveLock"
    )
}

/// The locks that keep traffic out, those of one mode and length together. On a bare schema how
/// long a lock was held says nothing.
fn held(statement: &Statement, pass: PassName) -> Vec<String> {
    let mut groups: Vec<(&str, Option<String>, Vec<&str>)> = Vec::new();
    for lock in statement
        .locks
        .iter()
        .filter(|lock| blocks_traffic(&lock.mode))
    {
        let held = lock.held.filter(|_| pass != PassName::Check);
        let held = held.map(|held| Span(held).to_string());
        let same = |(mode, length, _): &&mut (&str, Option<String>, Vec<&str>)| {
            *mode == lock.mode && *length == held
        };
        match groups.iter_mut().find(same) {
            Some((_, _, relations)) => relations.push(&lock.relation),
            None => groups.push((&lock.mode, held, vec![&lock.relation])),
        }
    }
    groups
        .into_iter()
        .map(|(mode, held, relations)| {
            let relations = relations.join(", ");
            match held {
                Some(held) => format!("held {mode} on {relations} for {held}"),
                None => format!("took {mode} on {relations}"),
            }
        })
        .collect()
}

/// What is not as it should be after the migration.
pub(super) fn leftovers(integrity: &Integrity) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let broken = integrity.invariants.iter().filter(|one| !one.passed);
    found.extend(broken.map(|one| {
        let after = one.after.map_or("unreadable".to_owned(), |n| n.to_string());
        let at_end = one.at_end.filter(|at_end| Some(*at_end) != one.after);
        let at_end = at_end.map_or(String::new(), |n| format!("{n} at the migration's end, "));
        format!(
            "invariant {} does not hold: {} before, {at_end}{after} after, {} expected",
            one.name, one.before, one.expect
        )
    }));
    let indexes = integrity.invalid_indexes.iter();
    found.extend(indexes.map(|index| format!("index {index} is not valid")));
    let constraints = integrity.unvalidated_constraints.iter();
    found.extend(constraints.map(|name| format!("constraint {name} is not validated")));
    found.extend(integrity.lagging_sequences.iter().map(|one| {
        format!(
            "sequence {} gives {} next, {} has {}",
            one.sequence, one.next, one.column, one.highest
        )
    }));
    for left in &integrity.leftovers {
        if !found.contains(left) {
            found.push(left.clone());
        }
    }
    found
}

/// So many lines of a schema's difference are for people; report.json has all.
const DIFF_LINES: usize = 40;

/// What the migration made of the schema, a line each.
pub(super) fn schema_diff(lines: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = lines.iter().take(DIFF_LINES).cloned().collect();
    let more = lines.len().saturating_sub(DIFF_LINES);
    if more > 0 {
        shown.push(format!("… and {more} more lines in report.json"));
    }
    shown
}

fn planned<'a>(report: &'a Report, key: &str) -> Option<&'a Value> {
    report.plan.pointer(&format!("/traffic/{key}"))
}

/// When requests are made: `open loop at 400/s`, `closed loop of 8 clients, think time 100 ms`; none
/// where the plan does not say.
pub(super) fn load_shape(report: &Report) -> Option<String> {
    let number = |key: &str| planned(report, key).and_then(Value::as_f64);
    if let Some(clients) = number("clients") {
        let clients = counted(clients as u64, "client");
        let pause = number("think_time").filter(|pause| *pause > 0.0);
        return Some(match pause {
            Some(pause) => {
                let pause = Span::from_seconds(pause);
                format!("closed loop of {clients}, think time {pause}")
            }
            None => format!("closed loop of {clients}"),
        });
    }
    if let Some(log) = planned(report, "log").and_then(Value::as_str) {
        let speed = number("speed").filter(|speed| *speed != 1.0);
        let speed = speed.map_or(String::new(), |speed| format!(", {speed} times as fast"));
        return Some(format!("replay of {log}{speed}"));
    }
    let rate = Rate(number("rate")?);
    let mut shape = format!("open loop at {rate}");
    for (key, words) in [
        ("ramp", " after a ramp"),
        ("curve", " at the top of a curve"),
    ] {
        if planned(report, key).is_some_and(|value| !value.is_null()) {
            shape += words;
        }
    }
    if let Some(factor) = number("bursts/factor") {
        shape += &format!(", {factor} times that in bursts");
    }
    Some(shape)
}

/// What a load sent where: `select-only on postgres://…, closed loop of 8 clients, prepared`.
pub(super) fn load_plan(report: &Report) -> String {
    let load = load_shape(report).unwrap_or_else(|| "open loop".to_owned());
    // A log says itself how each of its statements was sent.
    let logged = planned(report, "log").is_some();
    let protocol = planned(report, "protocol").and_then(Value::as_str);
    let protocol = protocol.filter(|_| !logged);
    let protocol = protocol.map_or(String::new(), |protocol| format!(", {protocol} protocol"));
    let target = report.load.as_ref().and_then(|load| load.target.as_ref());
    let place = match target {
        Some(target) => format!("on {} ({})", target.url, target.licence),
        None => "on a private shadow".to_owned(),
    };
    format!("{load}{protocol}, {place}")
}

/// `1,234 transactions/s`.
pub(super) fn throughput(phase: &Phase) -> String {
    match phase.rate {
        rate if rate < 99.95 => format!("{rate:.1} transactions/s"),
        rate => format!("{} transactions/s", thousands(rate.round() as u64)),
    }
}

/// Where the requests went: `12,000 requests: 11,990 completed, 10 failed`. What did not happen is left out.
pub(super) fn outcomes(accounting: &Accounting) -> String {
    let fates = [
        (accounting.completed, "completed"),
        (accounting.failed, "failed"),
        (accounting.timed_out, "timed out"),
        (accounting.shed, "shed"),
        (accounting.unfinished, "unfinished"),
    ];
    let fates: Vec<String> = fates
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, fate)| format!("{} {fate}", thousands(*count)))
        .collect();
    let retried = tried_again(accounting)
        .map(|retried| format!("; {retried}"))
        .unwrap_or_default();
    let requests = counted(accounting.scheduled, "request");
    match fates.is_empty() {
        true => requests,
        false => format!("{requests}: {}{retried}", fates.join(", ")),
    }
}

/// `31 tried again, 44 times in all`; none where none was.
pub(super) fn tried_again(accounting: &Accounting) -> Option<String> {
    (accounting.retried > 0).then(|| {
        let (requests, times) = (thousands(accounting.retried), thousands(accounting.retries));
        format!("{requests} tried again, {times} times in all")
    })
}

/// The standard deviation of a histogram of a report, in seconds.
pub(super) fn deviation(histogram: &str) -> Option<f64> {
    Distribution::decode(histogram).ok()?.deviation()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::fixtures;

    #[test]
    fn a_load_is_named_by_what_makes_its_requests() {
        let mut report = fixtures::safe_report();
        let mut shape = |traffic: Value| {
            report.plan = json!({ "traffic": traffic });
            load_shape(&report)
        };
        let closed = shape(json!({ "clients": 8, "think_time": 0.0 }));
        assert_eq!(closed.as_deref(), Some("closed loop of 8 clients"));
        let slow = shape(json!({ "clients": 1, "think_time": 0.1 }));
        let expected = "closed loop of 1 client, think time 100 ms";
        assert_eq!(slow.as_deref(), Some(expected));
        let open = shape(json!({ "rate": 400.0, "arrivals": "poisson" }));
        assert_eq!(open.as_deref(), Some("open loop at 400/s"));
        let ramp = shape(json!({ "rate": 400.0, "ramp": { "from": 10.0 }, "curve": null }));
        assert_eq!(ramp.as_deref(), Some("open loop at 400/s after a ramp"));
        let bursts = shape(json!({ "rate": 400.0, "bursts": { "factor": 3.0, "every": 5 } }));
        let expected = "open loop at 400/s, 3 times that in bursts";
        assert_eq!(bursts.as_deref(), Some(expected));
        let log = shape(json!({ "log": "p.csv", "speed": 2.0 }));
        assert_eq!(log.as_deref(), Some("replay of p.csv, 2 times as fast"));
        let log = shape(json!({ "log": "p.csv", "speed": 1.0 }));
        assert_eq!(log.as_deref(), Some("replay of p.csv"));
        assert_eq!(shape(json!({})), None);
    }

    #[test]
    fn retries_are_told_beside_the_fates() {
        let mut accounting = Accounting {
            scheduled: 1_000,
            completed: 1_000,
            ..Accounting::default()
        };
        assert_eq!(outcomes(&accounting), "1,000 requests: 1,000 completed");
        (accounting.retried, accounting.retries) = (31, 44);
        let told = "1,000 requests: 1,000 completed; 31 tried again, 44 times in all";
        assert_eq!(outcomes(&accounting), told);
    }
}
