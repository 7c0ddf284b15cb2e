//! report.md: short enough for a CI summary or a comment on a pull request.

mod compatibility;
mod forecast;
mod incident;
mod load;
mod rewrite;
mod victims;

use std::io::{self, Write};

use crate::judge::wording::{self, percent};
use crate::judge::{Finding, Unit, worst_of_each_rule};
use crate::observe::{Latency, Pass, PassName};
use crate::scenario::plan::Outcome;
use crate::sql::Hazard;
use crate::units::Span;

use super::attempts;
use super::facts::{facts, leftovers, load_shape, phase_name, rate, schema_diff, wal};
use super::hurt::slow_sentences;
use super::page::{cut, name};
use super::{Report, trials};

/// Longer statements are cut: the file and line say the rest.
const SQL_WIDTH: usize = 80;

/// Writes the report as GitHub's Markdown.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    verdict(report, out)?;
    findings(report, out)?;
    for pass in &report.passes {
        if report.passes.len() > 1 {
            writeln!(out, "\n## {}", wording::pass(pass.name))?;
        }
        if pass.name == PassName::Load {
            load::write(report, pass, out)?;
            continue;
        }
        victims::write(pass, out)?;
        list("In its way", &attempts::sentences(pass), out)?;
        incident::course(report, pass, out)?;
        phases(report, pass, out)?;
        incident::kinds(pass, out)?;
        incident::errors(pass, out)?;
        let slow = slow_sentences(report, pass);
        list("Slow without a lock in the way", &slow, out)?;
        statements(pass, out)?;
    }
    forecast::write(report, out)?;
    let tolerated = report
        .tolerance
        .iter()
        .map(|tolerance| tolerance.detail.clone());
    list("What it tolerates", &tolerated.collect::<Vec<_>>(), out)?;
    compatibility::write(report, out)?;
    list("Abort", &trials::abort(report), out)?;
    list("Rollback", &trials::rollback(report), out)?;
    list("Left behind", &leftovers(&report.integrity), out)?;
    diff("Schema difference", &schema_diff(report.schema_diff()), out)?;
    rewrite::write(report, out)?;
    list("Not covered", report.caveats(), out)?;
    list("Notes", &report.notes, out)?;
    let environment = &report.environment;
    writeln!(
        out,
        "\n<sub>{} {} · PostgreSQL {} · {}</sub>",
        report.tool.name,
        report.tool.version,
        environment.postgres_version,
        text(&environment.shadow)
    )
}

fn verdict(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(verdict) = &report.verdict else {
        return load::heading(report, out);
    };
    let outcome = verdict.outcome;
    let mark = match outcome {
        Outcome::Safe => "✅",
        Outcome::Unsafe => "❌",
        Outcome::Inconclusive => "⚠️",
    };
    let order = match report.ordering() {
        "" => String::new(),
        ordering => format!(", {}", text(ordering)),
    };
    writeln!(
        out,
        "# {mark} {}: {}{order}\n\n**{}** {}\n",
        name(outcome),
        code(report.migration_file()),
        text(report.scenario()),
        text(report.title())
    )?;
    for reason in &verdict.reasons {
        writeln!(out, "- {}", text(reason))?;
    }
    match verdict.deciding().and_then(|finding| finding.help.as_ref()) {
        Some(help) => writeln!(out, "\n**Do this:** {}", text(help)),
        None => Ok(()),
    }
}

fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let worst = worst_of_each_rule(report.findings());
    if worst.is_empty() {
        return Ok(());
    }
    table(out, &["rule", "pass", "window", "measured", "limit", ""])?;
    for finding in worst {
        let cells = [
            code(&finding.rule),
            wording::pass(finding.pass).to_owned(),
            finding.window.to_string(),
            amount(finding, finding.measured),
            amount(finding, finding.limit),
            judged(finding).to_owned(),
        ];
        row(out, &cells)?;
    }
    Ok(())
}

/// What only happens or does not has no amount.
fn amount(finding: &Finding, value: f64) -> String {
    match finding.unit {
        Unit::Count => String::new(),
        unit => unit.show(value),
    }
}

fn judged(finding: &Finding) -> &'static str {
    match (finding.passed, &finding.doubt) {
        (_, None) if finding.is_undecided() => "❔ undecided",
        (true, _) => "✅",
        (false, None) => "❌",
        (false, Some(_)) => "⚠️ doubtful",
    }
}

fn phases(report: &Report, pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    if pass.phases.is_empty() {
        return Ok(());
    }
    if let Some(shape) = load_shape(report) {
        writeln!(out, "\nTraffic: {}", text(&shape))?;
    }
    table(
        out,
        &["phase", "length", "rate", "p50", "p99", "max", "lost"],
    )?;
    for phase in &pass.phases {
        let latency = |pick: fn(&Latency) -> f64| match &phase.latency {
            Some(latency) => Span::from_seconds(pick(latency)).to_string(),
            None => "–".to_owned(),
        };
        let cells = [
            phase_name(phase.name).to_owned(),
            Span(phase.end.saturating_sub(phase.start)).to_string(),
            rate(phase),
            latency(|latency| latency.p50),
            latency(|latency| latency.p99),
            latency(|latency| latency.max),
            phase
                .accounting
                .error_rate()
                .map_or("–".to_owned(), percent),
        ];
        row(out, &cells)?;
    }
    Ok(())
}

fn statements(pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let Some(migration) = pass.migration.as_ref() else {
        return Ok(());
    };
    table(
        out,
        &["#", "statement", "took", "lock wait", "WAL", "what it did"],
    )?;
    for statement in &migration.statements {
        let cells = [
            (statement.index + 1).to_string(),
            format!(
                "{}:{} {}",
                text(&statement.file),
                statement.line,
                code(&cut(&statement.sql, SQL_WIDTH))
            ),
            Span(statement.duration).to_string(),
            Span(statement.lock_wait).to_string(),
            wal(statement),
            text(&facts(statement, pass.name).join("; ")),
        ];
        row(out, &cells)?;
    }
    let hazards: Vec<String> = migration
        .statements
        .iter()
        .filter(|_| pass.name == PassName::Check)
        .flat_map(|statement| {
            let number = statement.index + 1;
            let told = move |hazard: &Hazard| match &hazard.rewrite {
                Some(rewrite) => format!("statement {number}: {}: {rewrite}", hazard.message),
                None => format!("statement {number}: {}", hazard.message),
            };
            statement.hazards.iter().map(told)
        })
        .collect();
    list("Hazards", &hazards, out)
}

fn list(title: &str, sentences: &[String], out: &mut dyn Write) -> io::Result<()> {
    if sentences.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n**{title}**\n")?;
    for sentence in sentences {
        writeln!(out, "- {}", text(sentence))?;
    }
    Ok(())
}

/// Lines of a diff, in a block that GitHub colours.
fn diff(title: &str, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n**{title}**\n\n```diff")?;
    for line in lines {
        // A fence in the user's text would end the block.
        let line = line.replace("```", "'''");
        // `~` is no mark of a diff's; `!` is.
        match line.strip_prefix("~ ") {
            Some(changed) => writeln!(out, "! {changed}")?,
            None => writeln!(out, "{line}")?,
        }
    }
    writeln!(out, "```")
}

pub(super) fn table(out: &mut dyn Write, titles: &[&str]) -> io::Result<()> {
    writeln!(out, "\n| {} |", titles.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(titles.len()))
}

fn row(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    writeln!(out, "| {} |", cells.join(" | "))
}

/// Text on one line in which nothing is markup.
fn text(plain: &str) -> String {
    let mut safe = String::with_capacity(plain.len());
    for c in cut(plain, usize::MAX).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | '\\' | '#' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    safe
}

/// A code span, also in a table. A backtick would end it.
fn code(plain: &str) -> String {
    let plain = cut(plain, usize::MAX).replace('`', "'").replace('|', "\\|");
    format!("`{plain}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_users_is_markup() {
        assert_eq!(text("a|b\n*c* <script>"), "a\\|b \\*c\\* &lt;script>");
        assert_eq!(code("SELECT `a` || 'b'"), "`SELECT 'a' \\|\\| 'b'`");
    }
}
