//! What the migration takes at production's size.

use std::io;

use crate::report::Report;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::forecast::{beyond_memory, heading, lines};
use crate::report::page::{BOLD, DIM, Page};

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let lines = lines(report);
    let Some(remark) = heading(report).filter(|_| !lines.is_empty()) else {
        return Ok(());
    };
    page.heading("At production size", "")?;
    page.item(("  ", DIM), &remark)?;
    let mut table = Columns::new(&[
        Align::Right,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Left,
        Align::Left,
    ]);
    let head = ["", "", "here", "there", "95 % interval", "WAL"];
    table.row(head.map(|title| Cell::painted(title, DIM)).to_vec());
    for line in lines {
        table.row(vec![
            Cell::painted(line.number, BOLD),
            Cell::new(line.place),
            Cell::new(line.here),
            Cell::painted(line.there, BOLD),
            Cell::new(line.between),
            Cell::new(line.wal),
        ]);
        for note in line.grows.into_iter().chain(line.notes) {
            table.note(note);
        }
    }
    table.write(page)?;
    for sentence in beyond_memory(report) {
        page.item(("  · ", DIM), &sentence)?;
    }
    Ok(())
}
