//! Who was hurt by what: each lock of the migration, the queue behind it, and what it cost; deadlocks.

use std::collections::BTreeSet;
use std::io;

use crate::judge::blame::NOTICEABLE;
use crate::judge::wording::{counted, place, thousands};
use crate::judge::{Blame, blame, cause};
use crate::observe::{Migration, Pass};
use crate::report::Report;
use crate::report::hurt::{
    charge, deadlock_sentences, precision, queue, toll, waited_alone, without_connection,
};
use crate::report::page::{BOLD, PLAIN, Page, cut};

use super::label;

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let mut blames = blame(pass);
    blames.retain(|blame| blame.longest >= NOTICEABLE);
    let deadlocks = deadlock_sentences(pass);
    let told: BTreeSet<usize> = blames.iter().filter_map(|blame| blame.statement).collect();
    let lonely = cause::lonely(pass, |index| told.contains(&index));
    let nothing = blames.is_empty() && deadlocks.is_empty() && lonely.is_empty();
    let Some(migration) = pass.migration.as_ref().filter(|_| !nothing) else {
        return Ok(());
    };
    page.heading("What hurt whom", label(report, pass.name))?;
    write_blames(page, migration, &blames)?;
    for (index, cause) in &lonely {
        accused(page, migration, Some(*index))?;
        page.item(("    ", PLAIN), &waited_alone(cause))?;
    }
    for sentence in &deadlocks {
        page.item(("  ", PLAIN), sentence)?;
    }
    if let Some(sentence) = without_connection(pass).filter(|_| !blames.is_empty()) {
        page.item(("  ", PLAIN), &sentence)?;
    }
    if let Some(sentence) = precision(pass) {
        page.item(("  ", PLAIN), &sentence)?;
    }
    // Reports of versions that did not sum up all waits know only those that they kept.
    if pass.locks.tolls.is_empty() && pass.locks.waits_seen > pass.locks.waits.len() as u64 {
        let kept = counted(pass.locks.waits.len() as u64, "wait");
        let seen = thousands(pass.locks.waits_seen);
        page.item(
            ("    ", PLAIN),
            &format!("(the {kept} of {seen} that were longest)"),
        )?;
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
    let sql = migration
        .statements
        .iter()
        .find(|statement| statement.index == index)
        .map(|statement| statement.sql.as_str())
        .unwrap_or_default();
    let room = page.columns().saturating_sub(place.chars().count() + 4);
    let text = format!("  {}  {}", page.paint(BOLD, &place), cut(sql, room));
    page.line(&text)
}
