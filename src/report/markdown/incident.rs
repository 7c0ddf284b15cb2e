//! What an incident was, step by step, what its requests were and what they ended in.

use std::io::{self, Write};

use super::{code, row, table, text};
use crate::judge::chain;
use crate::judge::wording::{moment, thousands};
use crate::observe::Pass;
use crate::report::Report;
use crate::report::errors::{errors_of, first_words};
use crate::report::facts::phase_name;
use crate::report::kinds::kinds_of;

/// What happened to the instances, in the order of time.
pub(super) fn course(report: &Report, pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let links = chain(pass, report.instances());
    if links.is_empty() {
        return Ok(());
    }
    table(out, &["at", "how it went"])?;
    for link in links {
        row(out, &[moment(link.at), text(&link.text)])?;
    }
    Ok(())
}

/// The kinds of transactions, where the next release changes which there are.
pub(super) fn kinds(pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let kinds = kinds_of(pass);
    if kinds.is_empty() {
        return Ok(());
    }
    let mut titles = vec!["requests due"];
    let phases = pass.phases.iter();
    titles.extend(phases.flat_map(|phase| [phase_name(phase.name), "p99"]));
    titles.push("lost");
    table(out, &titles)?;
    for kind in kinds {
        let mut cells = vec![text(&kind.name)];
        for (due, p99) in kind.phases {
            cells.push(thousands(due));
            cells.push(p99.map_or("–".to_owned(), |p99| p99.to_string()));
        }
        cells.push(kind.lost.unwrap_or("–".to_owned()));
        row(out, &cells)?;
    }
    Ok(())
}

/// The errors that requests ended in, phase by phase.
pub(super) fn errors(pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let rows = errors_of(pass);
    if rows.is_empty() {
        return Ok(());
    }
    let mut titles = vec!["error"];
    titles.extend(pass.phases.iter().map(|phase| phase_name(phase.name)));
    titles.extend(["whose", "meaning"]);
    table(out, &titles)?;
    for error in rows {
        let mut cells = vec![code(error.error)];
        cells.extend(error.counts.iter().map(|count| thousands(*count)));
        let whose = error.transactions.iter();
        let whose: Vec<String> = whose
            .map(|(name, count)| format!("{name} {}", thousands(*count)))
            .collect();
        cells.extend([text(&whose.join(", ")), text(error.meaning)]);
        row(out, &cells)?;
    }
    said(pass, out)
}

/// What the first failure of each kind of error said.
pub(super) fn said(pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let words = first_words(pass);
    if !words.is_empty() {
        writeln!(out)?;
    }
    for words in words {
        writeln!(out, "- {}", text(&words))?;
    }
    Ok(())
}
