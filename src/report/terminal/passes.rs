//! One pass: who was hurt, the phases, the timeline.

use std::io;
use std::time::Duration;

use crate::judge::blame::NOTICEABLE;
use crate::judge::wording::{counted, percent, place, thousands};
use crate::judge::{Blame, Window, blame};
use crate::observe::{Impact, Migration, Pass, PassName, Phase, PhaseName};
use crate::report::Report;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::facts::rate;
use crate::report::page::{BOLD, DIM, PLAIN, Page, RED, YELLOW, cut};
use crate::report::sparkline::{Bars, Timeline};
use crate::units::{Rate, Span};

use super::{label, statements};

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    victims(page, report, pass)?;
    phases(page, report, pass)?;
    timeline(page, report, pass)?;
    statements::write(page, report, pass)
}

fn victims(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let mut blames = blame(pass);
    blames.retain(|blame| blame.longest >= NOTICEABLE);
    let Some(migration) = pass.migration.as_ref().filter(|_| !blames.is_empty()) else {
        return Ok(());
    };
    page.heading("What hurt whom", label(report, pass.name))?;
    let mut last = None;
    for blame in &blames {
        if last != Some(blame.statement) {
            accused(page, migration, blame.statement)?;
            last = Some(blame.statement);
        }
        page.item(("    ", PLAIN), &charge(migration, blame))?;
        page.item(("      ", PLAIN), &toll(blame))?;
    }
    if pass.locks.waits_seen > pass.locks.waits.len() as u64 {
        let kept = counted(pass.locks.waits.len() as u64, "wait");
        let seen = thousands(pass.locks.waits_seen);
        page.item(
            ("    ", PLAIN),
            &format!("(the {kept} of {seen} that were longest)"),
        )?;
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

/// What the statement did: `held ShareRowExclusiveLock on public.measurements for 4.20 s`.
fn charge(migration: &Migration, blame: &Blame) -> String {
    let lock = &blame.lock;
    let waited = migration
        .statements
        .iter()
        .find(|statement| Some(statement.index) == blame.statement)
        .map(|statement| statement.lock_wait)
        .filter(|waited| *waited >= NOTICEABLE);
    let spent_in = blame.spent_in.map(|index| place(migration, index));
    let spent = spent_in.map_or_else(String::new, |place| {
        format!(", most of it while {place} ran")
    });
    match (waited, blame.held) {
        (None, Some(held)) => format!("held {lock} for {}{spent}", Span(held)),
        (None, None) => format!("held {lock}"),
        (Some(waited), Some(held)) => format!(
            "queued {} for {lock}, everyone behind it, then held it for {}{spent}",
            Span(waited),
            Span(held)
        ),
        (Some(waited), None) => {
            format!("queued {} for {lock}, everyone behind it", Span(waited))
        }
    }
}

/// What that cost: `37 waits behind it, 31 at once, the longest 4.1 s: record-measurement 31, …`.
fn toll(blame: &Blame) -> String {
    let by: Vec<String> = blame
        .waiters
        .iter()
        .map(|waiter| format!("{} {}", waiter.transaction, thousands(waiter.waits)))
        .collect();
    let together = match blame.peak {
        0 | 1 => String::new(),
        peak => format!(", {} at once", thousands(peak as u64)),
    };
    format!(
        "{} behind it{together}, the longest {}: {}",
        counted(blame.waits, "wait"),
        Span(blame.longest),
        by.join(", ")
    )
}

fn phases(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    if pass.phases.is_empty() {
        return Ok(());
    }
    page.heading("Traffic", label(report, pass.name))?;
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
    match cost(&pass.impact) {
        Some(cost) => page.item(("  ", PLAIN), &cost),
        None => Ok(()),
    }
}

fn row(report: &Report, pass: PassName, phase: &Phase) -> Vec<Cell> {
    let (name, window) = match phase.name {
        PhaseName::Warmup => ("warm-up", None),
        PhaseName::Baseline => ("baseline", None),
        PhaseName::Migration => ("migration", Some(Window::Migration)),
        PhaseName::Recovery => ("recovery", Some(Window::Recovery)),
    };
    let blamed = |rule: &str| {
        let failed = report.verdict.findings.iter().any(|finding| {
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
        Cell::new(name),
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

/// Room beside the bars: their names before them, what the highest one means after them.
const NAMES: usize = 9;
const LEGEND: usize = 22;

fn timeline(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
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
    let rule = report.verdict.findings.iter().find(|finding| {
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
