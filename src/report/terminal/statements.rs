//! What each statement of the migration did.

use std::io;

use crate::observe::{Pass, PassName};
use crate::report::Report;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::facts::{facts, wal};
use crate::report::page::{BOLD, CYAN, DIM, PLAIN, Page, RED};
use crate::units::Span;

use super::label;

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let Some(migration) = pass.migration.as_ref() else {
        return Ok(());
    };
    if migration.statements.is_empty() {
        return Ok(());
    }
    page.heading("Statements", label(report, pass.name))?;
    let mut table = Columns::new(&[
        Align::Right,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ]);
    let head = ["", "", "took", "lock wait", "WAL", ""];
    table.row(head.map(|title| Cell::painted(title, DIM)).to_vec());
    for statement in &migration.statements {
        let index = statement.index;
        let blamed = report.findings().iter().any(|finding| {
            finding.pass == pass.name && finding.statement == Some(index) && finding.is_decisive()
        });
        let style = if blamed { RED } else { PLAIN };
        table.row(vec![
            Cell::painted((index + 1).to_string(), style.bold()),
            Cell::new(format!("{}:{}", statement.file, statement.line)),
            Cell::painted(Span(statement.duration).to_string(), style),
            Cell::new(Span(statement.lock_wait).to_string()),
            Cell::new(wal(statement)),
            Cell::painted(statement.sql.as_str(), BOLD),
        ]);
        for note in facts(statement, pass.name) {
            table.note(note);
        }
    }
    table.write(page)?;
    advice(page, pass)
}

/// The dangers that the text shows: after a check, which measures no harm, they are the news.
fn advice(page: &mut Page<'_>, pass: &Pass) -> io::Result<()> {
    let migration = pass.migration.as_ref();
    let statements = migration.map_or(&[][..], |migration| &migration.statements[..]);
    let dangerous = statements
        .iter()
        .filter(|statement| pass.name == PassName::Check && !statement.hazards.is_empty());
    for (place, statement) in dangerous.enumerate() {
        if place == 0 {
            page.heading("Hazards", "by the text of the statements")?;
        }
        for hazard in &statement.hazards {
            let text = format!("statement {}: {}", statement.index + 1, hazard.message);
            page.item(("  ! ", RED), &text)?;
            if let Some(rewrite) = &hazard.rewrite {
                page.item(("    → ", CYAN), rewrite)?;
            }
        }
    }
    Ok(())
}
