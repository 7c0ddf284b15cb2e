//! Which code runs on which schema.

use std::io;

use crate::judge::Age;
use crate::report::Report;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::compatibility::{TITLES, UNKNOWN, details, found, sentence, title, told};
use crate::report::page::{CYAN, DIM, GREEN, Page, RED};

/// Writes the table; nothing where the report has none.
pub(super) fn write(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let cells = &report.compatibility;
    if cells.is_empty() {
        return Ok(());
    }
    page.heading("Which code runs on which schema", "")?;
    let mut table = Columns::new(&[Align::Left; 3]);
    table.row(TITLES.map(|title| Cell::painted(title, DIM)).to_vec());
    for code in [Age::Old, Age::New] {
        let of = |schema| match found(cells, code, schema) {
            None => Cell::painted(UNKNOWN, DIM),
            Some(cell) if cell.broken.is_empty() => Cell::painted(told(cell), GREEN),
            Some(cell) => Cell::painted(told(cell), RED),
        };
        table.row(vec![Cell::new(title(code)), of(Age::Old), of(Age::New)]);
    }
    table.write(page)?;
    for line in details(cells) {
        page.item(("  · ", DIM), &line)?;
    }
    page.item(("  → ", CYAN.bold()), sentence(cells))
}
