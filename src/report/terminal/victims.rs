//! Who was hurt by what: each lock of the migration, the queue behind it, and what it cost; deadlocks.

use std::io;

use crate::judge::Blame;
use crate::judge::wording::place;
use crate::observe::{Migration, Pass};
use crate::report::Report;
use crate::report::hurt::{Hurt, charge, hurt, queue, toll, waited_alone};
use crate::report::page::{BOLD, PLAIN, Page, cut};

use super::label;

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let Some(Hurt {
        migration,
        blames,
        lonely,
        deadlocks,
        remarks,
    }) = hurt(pass)
    else {
        return Ok(());
    };
    page.heading("What hurt whom", label(report, pass.name))?;
    write_blames(page, migration, &blames)?;
    for (index, cause) in &lonely {
        accused(page, migration, Some(*index))?;
        page.item(("    ", PLAIN), &waited_alone(cause))?;
    }
    for sentence in deadlocks.iter().chain(&remarks) {
        page.item(("  ", PLAIN), sentence)?;
    }
    Ok(())
}

fn write_blames(page: &mut Page<'_>, migration: &Migration, blames: &[Blame]) -> io::Result<()> {
    let mut last = None;
    for blame in blames {
        if last != Some(blame.statement) {
            accused(page, migration, blame.statement)?;
            last = Some(blame.statement);
        }
        page.item(("    ", PLAIN), &charge(migration, blame))?;
        page.item(("      ", PLAIN), &toll(blame))?;
        if let Some(queue) = queue(blame) {
            page.item(("      ", PLAIN), &queue)?;
        }
    }
    Ok(())
}

fn accused(page: &mut Page<'_>, migration: &Migration, statement: Option<usize>) -> io::Result<()> {
    let Some(index) = statement else {
        return page.line("  the migration");
    };
    let place = place(migration, index);
    let statement = migration.statement(index);
    let sql = statement.map_or("", |statement| &statement.sql);
    let room = page.columns().saturating_sub(place.chars().count() + 4);
    let text = format!("  {}  {}", page.paint(BOLD, &place), cut(sql, room));
    page.line(&text)
}
