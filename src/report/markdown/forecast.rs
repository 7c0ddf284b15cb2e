//! What the migration takes at production's size.

use std::io::{self, Write};

use crate::report::Report;
use crate::report::forecast::{beyond_memory, heading, lines};

use super::{list, row, table, text};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let lines = lines(report);
    let Some(remark) = heading(report).filter(|_| !lines.is_empty()) else {
        return Ok(());
    };
    writeln!(out, "\n## At production size\n\n{}", text(&remark))?;
    let head = [
        "statement",
        "here",
        "there",
        "95 % interval",
        "WAL",
        "grows",
    ];
    table(out, &head)?;
    for line in &lines {
        let statement = format!("{} {}", line.number, line.place);
        let mut there = text(&line.there);
        for note in &line.notes {
            there += &format!("<br>{}", text(note));
        }
        let cells = [
            text(statement.trim()),
            text(&line.here),
            there,
            text(&line.between),
            text(&line.wal),
            text(line.grows.as_deref().unwrap_or_default()),
        ];
        row(out, &cells)?;
    }
    list("Longer still", &beyond_memory(report), out)
}
