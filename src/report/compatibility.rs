//! The table of a check: the running and the next release's code, on the schema before the migration and after
//! it.

use crate::judge::wording::counted;
use crate::judge::{Age, Compatibility, release_order};

/// Statements of one cell that are shown each; the others are counted.
const SHOWN: usize = 5;

/// Titles of its columns.
pub(super) const TITLES: [&str; 3] = ["", "old schema", "new schema"];
/// A cell of code that the scenario does not give.
pub(super) const UNKNOWN: &str = "not given";

/// The title of a row.
pub(super) fn title(code: Age) -> &'static str {
    match code {
        Age::Old => "old code",
        Age::New => "new code",
    }
}

/// A cell of the table.
pub(super) fn found(cells: &[Compatibility], code: Age, schema: Age) -> Option<&Compatibility> {
    cells
        .iter()
        .find(|cell| (cell.code, cell.schema) == (code, schema))
}

/// `runs`, or `2 statements break`.
pub(super) fn told(cell: &Compatibility) -> String {
    match cell.broken.len() {
        0 => "runs".to_owned(),
        1 => "1 statement breaks".to_owned(),
        count => format!("{} break", counted(count as u64, "statement")),
    }
}

/// What breaks, cell by cell: `old code on new schema: open-chart, traffic/chart.sql:3: 42703: …`.
pub(super) fn details(cells: &[Compatibility]) -> Vec<String> {
    let mut lines = Vec::new();
    for cell in cells {
        let place = format!("{} code on {} schema", cell.code.word(), cell.schema.word());
        let shown = cell.broken.iter().take(SHOWN);
        lines
            .extend(shown.map(|broken| format!("{place}: {}: {}", broken.place(), broken.error())));
        let more = cell.broken.len().saturating_sub(SHOWN);
        if more > 0 {
            lines.push(format!("{place}: and {more} more (report.json has them)"));
        }
    }
    lines
}

/// Which orders are possible.
pub(super) fn sentence(cells: &[Compatibility]) -> &'static str {
    let old_runs = found(cells, Age::Old, Age::New).is_some_and(|cell| cell.broken.is_empty());
    match release_order(cells) {
        Some(order) => order,
        None if old_runs => {
            "the migration may come first; of the next release nothing is known: give its transactions, with \
             role = \"next\""
        }
        None => {
            "the migration must not come first; of the next release nothing is known: give its transactions, \
             with role = \"next\""
        }
    }
}
