//! What came in the migration's way: its disturbances, and what each of several attempts cost the traffic.

use crate::judge::wording::{counted, moment, place};
use crate::observe::{Attempt, Disturbance, Migration, Pass};
use crate::units::Span;

/// One sentence each; empty where nothing was in its way.
pub(super) fn sentences(pass: &Pass) -> Vec<String> {
    let disturbances = pass.disturbances.iter().filter_map(disturbance);
    let attempts = pass.migration.iter().flat_map(|migration| {
        let tries = migration.tries.iter().enumerate();
        tries.map(|(index, attempt)| told(migration, (index, attempt)))
    });
    disturbances.chain(attempts).collect()
}

fn disturbance(disturbance: &Disturbance) -> Option<String> {
    let (start, end) = (disturbance.start?, disturbance.end?);
    let about = match &disturbance.table {
        Some(table) => format!(" on {table}"),
        None => String::new(),
    };
    let error = match &disturbance.error {
        Some(error) => format!("; it ended before its time: {error}"),
        None => String::new(),
    };
    Some(format!(
        "{}{about} from {} to {}{error}",
        disturbance.kind,
        moment(start),
        moment(end)
    ))
}

fn told(migration: &Migration, (index, attempt): (usize, &Attempt)) -> String {
    let number = index + 1;
    let took = Span(attempt.end.saturating_sub(attempt.start));
    let end = match &attempt.error {
        None => format!("came to its end after {took}"),
        Some(error) => {
            let place = error.statement.map(|index| place(migration, index));
            let place = place.unwrap_or_else(|| "its transaction".to_owned());
            let why = error.sqlstate.as_deref().unwrap_or("the connection");
            format!("gave up after {took}: {place} met {why}")
        }
    };
    let cost = match attempt.waits {
        0 => "nobody waited behind it".to_owned(),
        waits => format!(
            "{} behind it, the longest {}, {} request-seconds",
            counted(waits, "wait"),
            Span(attempt.longest_wait),
            format_args!("{:.1}", attempt.total_wait.as_secs_f64())
        ),
    };
    format!(
        "attempt {number} at {} {end}; {cost}",
        moment(attempt.start)
    )
}
