//! The errors that requests ended in, phase by phase.

use std::io;

use crate::judge::wording::thousands;
use crate::observe::Pass;
use crate::report::Report;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::errors::{self, errors_of};
use crate::report::facts::phase_name;
use crate::report::page::{DIM, PLAIN, Page, RED};

use super::label;

/// More kinds of errors than this tell no more.
const MOST: usize = 12;

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let rows = errors_of(pass);
    if rows.is_empty() {
        return Ok(());
    }
    page.heading("Errors", label(report, pass.name))?;
    let mut aligns = vec![Align::Left];
    aligns.extend(pass.phases.iter().map(|_| Align::Right));
    aligns.push(Align::Left);
    let mut table = Columns::new(&aligns);
    let mut head = vec![""];
    head.extend(pass.phases.iter().map(|phase| phase_name(phase.name)));
    table.row(
        head.iter()
            .map(|title| Cell::painted(*title, DIM))
            .collect(),
    );
    for row in rows.iter().take(MOST) {
        let mut cells = vec![Cell::painted(row.error, RED)];
        cells.extend(row.counts.iter().map(|count| match count {
            0 => Cell::painted("–", DIM),
            count => Cell::new(thousands(*count)),
        }));
        cells.push(Cell::painted(row.meaning, DIM));
        table.row(cells);
    }
    table.write(page)?;
    first_words(page, pass)
}

/// What the first failure of each kind of error said.
pub(super) fn first_words(page: &mut Page<'_>, pass: &Pass) -> io::Result<()> {
    for words in errors::first_words(pass).iter().take(MOST) {
        page.item(("  ", PLAIN), words)?;
    }
    Ok(())
}
