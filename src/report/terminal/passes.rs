//! One pass: the phases, the timeline, and what stands around them.

use std::io;
use std::time::Duration;

use crate::judge::Window;
use crate::judge::wording::{counted, percent, thousands};
use crate::observe::{Accounting, Impact, Pass, PassName, Phase, PhaseName};
use crate::report::Report;
use crate::report::attempts;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::facts::{load_shape, phase_name, rate, tried_again};
use crate::report::hurt::slow_sentences;
use crate::report::page::{DIM, PLAIN, Page, RED, YELLOW};
use crate::report::sparkline::{Bars, Timeline};
use crate::units::{Rate, Span};

use super::{chain, errors, kinds, label, statements, victims};

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    victims::write(page, report, pass)?;
    in_the_way(page, report, pass)?;
    chain::write(page, report, pass)?;
    phases(page, report, pass)?;
    kinds::write(page, report, pass)?;
    errors::write(page, report, pass)?;
    timeline(page, report, pass)?;
    slowness(page, report, pass)?;
    statements::write(page, report, pass)
}

fn in_the_way(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let sentences = attempts::sentences(pass);
    if sentences.is_empty() {
        return Ok(());
    }
    page.heading("In its way", label(report, pass.name))?;
    for sentence in &sentences {
        page.item(("  · ", DIM), sentence)?;
    }
    Ok(())
}

fn phases(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    if pass.phases.is_empty() {
        return Ok(());
    }
    let label = label(report, pass.name);
    let parts = [Some(label.to_owned()), load_shape(report)];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    page.heading("Traffic", &parts.join(", "))?;
    let mut table = Columns::new(&[
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
    ]);
    let head = ["", "length", "rate", "p50", "p99", "max", "errors", "lost"];
    table.row(head.map(|title| Cell::painted(title, DIM)).to_vec());
    for phase in &pass.phases {
        table.row(row(report, pass.name, phase));
    }
    table.write(page)?;
    if let Some(cost) = cost(&pass.impact) {
        page.item(("  ", PLAIN), &cost)?;
    }
    let mut all = Accounting::default();
    for phase in &pass.phases {
        all.merge(&phase.accounting);
    }
    match tried_again(&all) {
        Some(retried) => page.item(("  ", PLAIN), &format!("{retried} over all phases")),
        None => Ok(()),
    }
}

fn row(report: &Report, pass: PassName, phase: &Phase) -> Vec<Cell> {
    let window = match phase.name {
        PhaseName::Warmup | PhaseName::Baseline => None,
        PhaseName::Migration => Some(Window::Migration),
        PhaseName::Recovery => Some(Window::Recovery),
    };
    let blamed = |rule: &str| {
        let failed = report.findings().iter().any(|finding| {
            finding.rule == rule
                && finding.pass == pass
                && Some(finding.window) == window
                && finding.is_decisive()
        });
        if failed { RED } else { PLAIN }
    };
    let seconds = |pick: fn(&crate::observe::Latency) -> f64| match &phase.latency {
        Some(latency) => Span::from_seconds(pick(latency)).to_string(),
        None => "–".to_owned(),
    };
    let accounting = &phase.accounting;
    let errors = accounting.failed + accounting.timed_out + accounting.shed;
    let lost = accounting.error_rate().map_or("–".to_owned(), percent);
    vec![
        Cell::new(phase_name(phase.name)),
        Cell::new(Span(phase.end.saturating_sub(phase.start)).to_string()),
        Cell::new(rate(phase)),
        Cell::new(seconds(|latency| latency.p50)),
        Cell::painted(seconds(|latency| latency.p99), blamed("p99_ratio")),
        Cell::new(seconds(|latency| latency.max)),
        Cell::new(thousands(errors)),
        Cell::painted(lost, blamed("error_rate")),
    ]
}

/// What the traffic lost over all; none where it lost nothing.
fn cost(impact: &Impact) -> Option<String> {
    let recovered = impact.recovery_time == Some(Duration::ZERO);
    if impact.lost_requests == 0 && impact.degraded.is_zero() && recovered {
        return None;
    }
    let mut parts = vec![
        format!("{} lost", counted(impact.lost_requests, "request")),
        format!("worst stall {}", Span(impact.worst_stall)),
    ];
    if impact.restarts > 0 {
        parts.push(counted(u64::from(impact.restarts), "instance restart"));
    }
    parts.push(match impact.recovery_time {
        Some(time) if time.is_zero() => "back to normal at once".to_owned(),
        Some(time) => format!("back to normal {} after the migration", Span(time)),
        None => "not back to normal when the recovery ended".to_owned(),
    });
    Some(parts.join("; "))
}

/// Why requests were slow that waited for no lock.
fn slowness(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    for sentence in slow_sentences(report, pass) {
        page.item(("  ", PLAIN), &sentence)?;
    }
    Ok(())
}

/// Room beside the bars: their names before them, what the highest one means after them.
const NAMES: usize = 9;
const LEGEND: usize = 22;

pub(super) fn timeline(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let room = page.columns().saturating_sub(NAMES + LEGEND);
    let timeline = Timeline::new(&pass.series, room);
    if timeline.is_empty() {
        return Ok(());
    }
    page.heading(
        "Timeline",
        &format!("one column is {} s", timeline.per_column),
    )?;
    let marks = pass.migration.as_ref().map(|migration| {
        (
            timeline.column(migration.start.as_secs_f64()),
            timeline.column(migration.end.as_secs_f64()),
        )
    });
    let rate = timeline.means(0.0, |second| second.rate);
    let most = Rate(rate.most).to_string();
    page.line(&bars(page, ("rate", &most), (&rate, marks)))?;
    let p99 = timeline.peaks(failing_p99(report, pass), |second| {
        second.p99.unwrap_or_default()
    });
    let most = Span::from_seconds(p99.most).to_string();
    page.line(&bars(page, ("p99", &most), (&p99, marks)))?;
    let waiters = timeline.peaks(0.0, |second| f64::from(second.waiters));
    if waiters.most > 0.0 {
        let most = format!("{:.0} sessions", waiters.most);
        page.line(&bars(page, ("waiting", &most), (&waiters, marks)))?;
    }
    let all = pass.series.iter().filter_map(|second| second.up).max();
    let away = timeline.peaks(0.0, |second| {
        f64::from(all.unwrap_or_default() - second.up.or(all).unwrap_or_default())
    });
    if away.most > 0.0 {
        let most = counted(away.most as u64, "instance");
        page.line(&bars(page, ("away", &most), (&away, marks)))?;
    }
    let (Some((from, to)), Some(migration)) = (marks, pass.migration.as_ref()) else {
        return Ok(());
    };
    let took = Span(migration.end.saturating_sub(migration.start));
    let bracket = match to - from {
        0 => "│".to_owned(),
        apart => format!("└{}┘", "─".repeat(apart - 1)),
    };
    let indent = " ".repeat(NAMES + 1 + from);
    let label = page.paint(YELLOW, &format!("{bracket} migration, {took}"));
    page.line(&format!("{indent}{label}"))
}

/// The p99 at which the verdict turned, in seconds: the least that a full bar stands for, so that
/// bars are as high as they are bad.
fn failing_p99(report: &Report, pass: &Pass) -> f64 {
    let rule = report.findings().iter().find(|finding| {
        finding.rule == "p99_ratio" && finding.pass == pass.name && finding.transaction.is_none()
    });
    rule.map_or(0.0, |finding| finding.limit)
}

fn bars(
    page: &Page<'_>,
    (name, most): (&str, &str),
    (bars, marks): (&Bars, Option<(usize, usize)>),
) -> String {
    let part = |range: &dyn Fn(usize) -> bool| -> String {
        let numbered = bars.bars.iter().enumerate();
        numbered
            .filter(|(column, _)| range(*column))
            .map(|(_, bar)| *bar)
            .collect()
    };
    let (from, to) = marks.unwrap_or((usize::MAX, usize::MAX));
    let line = format!(
        "{}{}{}",
        part(&|column| column < from),
        page.paint(YELLOW, &part(&|column| (from..=to).contains(&column))),
        part(&|column| column > to)
    );
    let name = page.paint(DIM, &format!("  {name:<width$}", width = NAMES - 2));
    let most = page.paint(DIM, &format!("at most {most}"));
    format!("{name} {line}  {most}")
}
