//! A load: how much, how fast, what failed, and how that went over time.

use std::io;

use super::{chain, passes};
use crate::judge::wording::{awaited, counted, percent, thousands};
use crate::observe::errors::named;
use crate::observe::{Lag, Latency, Pass, Phase, RootKind};
use crate::report::Report;
use crate::report::columns::{Align, Cell, Columns};
use crate::report::errors::errors_of;
use crate::report::facts::{deviation, load_plan, outcomes, throughput};
use crate::report::page::{BOLD, CYAN, DIM, PLAIN, Page, RED};
use crate::units::Span;

/// Lock waits that are told one by one.
const WAITS: usize = 5;

/// The head of a report without a verdict.
pub(super) fn heading(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let badge = page.paint(CYAN.bold().invert(), " LOAD ");
    let title = page.paint(BOLD, report.title());
    page.line(&format!("{badge} {title}"))?;
    page.item((" ", DIM), &load_plan(report))
}

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    for phase in &pass.phases {
        page.heading(&throughput(phase), &format!("over {}", length(phase)))?;
        page.item(("  ", PLAIN), &outcomes(&phase.accounting))?;
        latencies(page, phase)?;
    }
    errors(page, pass)?;
    super::errors::first_words(page, pass)?;
    chain::write(page, report, pass)?;
    passes::timeline(page, report, pass)?;
    waits(page, pass)
}

fn length(phase: &Phase) -> Span {
    Span(phase.end.saturating_sub(phase.start))
}

/// All transactions together and each kind by itself, and the generator's own lag.
fn latencies(page: &mut Page<'_>, phase: &Phase) -> io::Result<()> {
    page.heading("Latency", "from the moment in which a request was due")?;
    let mut aligns = vec![Align::Left];
    aligns.resize(10, Align::Right);
    let mut table = Columns::new(&aligns);
    let head = [
        "", "rate", "mean", "±", "p50", "p90", "p95", "p99", "p99.9", "max",
    ];
    table.row(head.map(|title| Cell::painted(title, DIM)).to_vec());
    let several = phase.transactions.len() > 1;
    if several {
        let numbers = (phase.rate, phase.latency, phase.histogram.as_str());
        table.row(row(Cell::painted("all", BOLD), numbers));
    }
    for kind in &phase.transactions {
        let numbers = (kind.rate, kind.latency, kind.histogram.as_str());
        table.row(row(Cell::new(kind.name.as_str()), numbers));
    }
    if let Some(lag) = &phase.lag {
        table.row(lag_row(lag));
    }
    table.write(page)
}

fn row(name: Cell, (rate, latency, histogram): (f64, Option<Latency>, &str)) -> Vec<Cell> {
    let rate = crate::units::Rate(rate).to_string();
    let Some(latency) = latency else {
        return vec![name, Cell::new(rate), Cell::painted("–", DIM)];
    };
    let seconds = |seconds: f64| Cell::new(Span::from_seconds(seconds).to_string());
    let deviation = deviation(histogram).map_or(Cell::painted("–", DIM), seconds);
    let Latency {
        p50,
        p90,
        p95,
        p99,
        p999,
        max,
        mean,
    } = latency;
    let mut cells = vec![name, Cell::new(rate), seconds(mean), deviation];
    cells.extend([p50, p90, p95, p99, p999, max].map(seconds));
    cells
}

fn lag_row(lag: &Lag) -> Vec<Cell> {
    let none = || Cell::new("");
    let seconds = |seconds: f64| Cell::painted(Span::from_seconds(seconds).to_string(), DIM);
    let Lag {
        p50,
        p99,
        max,
        mean,
    } = *lag;
    vec![
        Cell::painted("schedule lag", DIM),
        none(),
        seconds(mean),
        none(),
        seconds(p50),
        none(),
        none(),
        seconds(p99),
        none(),
        seconds(max),
    ]
}

fn errors(page: &mut Page<'_>, pass: &Pass) -> io::Result<()> {
    let rows = errors_of(pass);
    if rows.is_empty() {
        return Ok(());
    }
    page.heading("Errors", "by SQLSTATE or kind")?;
    let mut table = Columns::new(&[Align::Left, Align::Right, Align::Right, Align::Left]);
    for row in &rows {
        let by = |(kind, count): &(&str, u64)| format!("{kind} {}", thousands(*count));
        let by: Vec<String> = row.transactions.iter().map(by).collect();
        table.row(vec![
            Cell::painted(named(row.error), RED),
            Cell::new(thousands(row.all())),
            Cell::new(percent(row.share(pass))),
            Cell::painted(by.join(", "), DIM),
        ]);
    }
    table.write(page)
}

fn waits(page: &mut Page<'_>, pass: &Pass) -> io::Result<()> {
    let locks = &pass.locks;
    if locks.waits_seen == 0 {
        return Ok(());
    }
    let remark = format!(
        "{}, {} all together, at most {} at once",
        counted(locks.waits_seen, "wait"),
        Span(locks.total_wait),
        counted(u64::from(locks.peak_waiters), "session")
    );
    page.heading("Lock waits", &remark)?;
    for wait in locks.waits.iter().take(WAITS) {
        let behind = match wait.root.kind {
            RootKind::Migration => "a migration",
            RootKind::Disturbance => "a disturbance",
            RootKind::Traffic => "another transaction",
            RootKind::Other => "a session of others",
        };
        let text = format!(
            "{} waited {} for {} behind {behind}",
            wait.waiter,
            Span(wait.length),
            awaited(wait)
        );
        page.item(("  ", PLAIN), &text)?;
    }
    Ok(())
}
