//! Which code runs on which schema.

use std::io::{self, Write};

use super::{row, table, text};
use crate::judge::Age;
use crate::report::Report;
use crate::report::compatibility::{TITLES, UNKNOWN, details, found, sentence, title, told};

/// Writes the table; nothing where the report has none.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let cells = &report.compatibility;
    if cells.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Which code runs on which schema")?;
    table(out, &TITLES)?;
    for code in [Age::Old, Age::New] {
        let of = |schema| found(cells, code, schema).map_or_else(|| UNKNOWN.to_owned(), told);
        let cells = [title(code).to_owned(), of(Age::Old), of(Age::New)];
        row(out, &cells)?;
    }
    writeln!(out)?;
    for line in details(cells) {
        writeln!(out, "- {}", text(&line))?;
    }
    writeln!(out, "- **{}**", text(sentence(cells)))
}
