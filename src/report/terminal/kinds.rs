//! The kinds of transactions, where the next release changes which there are.

use std::io;

use crate::judge::wording::thousands;
use crate::observe::Pass;
use crate::report::Report;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::facts::phase_name;
use crate::report::kinds::kinds_of;
use crate::report::page::{DIM, Page};

use super::label;

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let kinds = kinds_of(pass);
    if kinds.is_empty() {
        return Ok(());
    }
    page.heading("Requests due, by kind", label(report, pass.name))?;
    let mut aligns = vec![Align::Left];
    aligns.extend(pass.phases.iter().flat_map(|_| [Align::Right; 2]));
    aligns.push(Align::Right);
    let mut table = Columns::new(&aligns);
    let mut head = vec![""];
    let phases = pass.phases.iter();
    head.extend(phases.flat_map(|phase| [phase_name(phase.name), "p99"]));
    head.push("lost");
    let head = head.into_iter();
    table.row(head.map(|title| Cell::painted(title, DIM)).collect());
    for kind in kinds {
        let mut cells = vec![Cell::new(kind.name)];
        for (due, p99) in kind.phases {
            cells.push(match due {
                0 => Cell::painted("–", DIM),
                due => Cell::new(thousands(due)),
            });
            cells.push(Cell::new(
                p99.map(|p99| p99.to_string()).unwrap_or_default(),
            ));
        }
        cells.push(Cell::new(kind.lost.unwrap_or_default()));
        table.row(cells);
    }
    table.write(page)
}
