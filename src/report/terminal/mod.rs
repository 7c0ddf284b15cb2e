//! The report for a terminal: the verdict first, then who was hurt and by what, then the numbers.

mod chain;
mod compatibility;
mod errors;
mod forecast;
mod kinds;
mod load;
mod passes;
mod rewrite;
mod statements;
mod victims;

use std::io::{self, Write};

use crate::judge::wording::{self, counted};
use crate::observe::PassName;
use crate::scenario::plan::Outcome;
use crate::units::{Rows, Span};

use super::facts::{leftovers, schema_diff};
use super::page::{BOLD, CYAN, DIM, Page, RED, Style, name, shade};
use super::{Fill, Report, trials};

/// Writes the report; `files` are where the other formats of it lie.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(
    report: &Report,
    out: &mut dyn Write,
    style: Style,
    files: &[String],
) -> io::Result<()> {
    let mut page = Page::new(out, style);
    verdict(&mut page, report)?;
    for pass in &report.passes {
        match pass.name {
            PassName::Load => load::write(&mut page, report, pass)?,
            _ => passes::write(&mut page, report, pass)?,
        }
    }
    forecast::write(&mut page, report)?;
    let tolerated = report
        .tolerance
        .iter()
        .map(|tolerance| tolerance.detail.clone());
    list(
        &mut page,
        "What it tolerates",
        &tolerated.collect::<Vec<_>>(),
    )?;
    compatibility::write(&mut page, report)?;
    list(&mut page, "Abort", &trials::abort(report))?;
    list(&mut page, "Rollback", &trials::rollback(report))?;
    integrity(&mut page, report)?;
    schema(&mut page, report)?;
    rewrite::write(&mut page, report)?;
    list(&mut page, "What this does not cover", report.caveats())?;
    list(&mut page, "Notes", &report.notes)?;
    ending(&mut page, report, files)
}

fn verdict(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let Some(verdict) = &report.verdict else {
        return load::heading(page, report);
    };
    let style = shade(verdict.outcome);
    let badge = page.paint(
        style.bold().invert(),
        &format!(" {} ", name(verdict.outcome).to_uppercase()),
    );
    let mut named = report.migration_file().to_owned();
    if !report.ordering().is_empty() {
        named = format!("{named}, {}", report.ordering());
    }
    let file = page.paint(BOLD, &named);
    let title = page.paint(DIM, &format!("{}: {}", report.scenario(), report.title()));
    page.line(&format!("{badge} {file}"))?;
    page.line(&format!(" {title}"))?;
    page.line("")?;
    let mark = match verdict.outcome {
        Outcome::Safe => "  ✓ ",
        Outcome::Unsafe => "  ✗ ",
        Outcome::Inconclusive => "  ? ",
    };
    for reason in &verdict.reasons {
        page.item((mark, style), reason)?;
    }
    let help = verdict.deciding().and_then(|finding| finding.help.as_ref());
    if let Some(help) = help {
        page.item(("  → ", CYAN.bold()), help)?;
    }
    Ok(())
}

fn integrity(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let found = leftovers(&report.integrity);
    if found.is_empty() {
        return Ok(());
    }
    let pass = report.integrity_pass().map_or("", wording::pass);
    page.heading("Left behind", pass)?;
    for sentence in &found {
        page.item(("  ! ", RED), sentence)?;
    }
    Ok(())
}

/// The lines are marked as a diff's already.
fn schema(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let lines = schema_diff(report.schema_diff());
    if lines.is_empty() {
        return Ok(());
    }
    page.heading("Schema difference", "after the migration")?;
    for line in &lines {
        page.item(("  ", DIM), line)?;
    }
    Ok(())
}

fn list(page: &mut Page<'_>, heading: &str, sentences: &[String]) -> io::Result<()> {
    if sentences.is_empty() {
        return Ok(());
    }
    page.heading(heading, "")?;
    for sentence in sentences {
        page.item(("  · ", DIM), sentence)?;
    }
    Ok(())
}

fn ending(page: &mut Page<'_>, report: &Report, files: &[String]) -> io::Result<()> {
    let environment = &report.environment;
    page.line("")?;
    if let Some(load) = &report.load {
        let line = page.paint(DIM, &format!(" {}", load.usage));
        page.line(&line)?;
    }
    let ran = format!(
        " PostgreSQL {} ({}), {}, {} {}",
        environment.postgres_version,
        environment.shadow,
        counted(environment.cpus as u64, "CPU"),
        report.tool.name,
        report.tool.version
    );
    let ran = page.paint(DIM, &ran);
    page.line(&ran)?;
    if let Some(fill) = &report.fill {
        let line = page.paint(DIM, &format!(" {}", filled(fill)));
        page.line(&line)?;
    }
    for file in files {
        let line = page.paint(DIM, &format!(" report: {file}"));
        page.line(&line)?;
    }
    Ok(())
}

/// How the tables got their rows, and when traffic could begin.
fn filled(fill: &Fill) -> String {
    let (rows, duration, ready) = (Rows(fill.rows), Span(fill.duration), Span(fill.ready));
    match fill.cached {
        true => format!("{rows} rows from the cache in {duration}, warm-up began after {ready}"),
        false => format!("{rows} rows filled in {duration}, warm-up began after {ready}"),
    }
}

/// A pass's name as headings have it; none is needed where there is only one under load.
fn label(report: &Report, pass: PassName) -> &'static str {
    match pass {
        _ if report.passes.len() < 2 => "",
        pass => wording::pass(pass),
    }
}
