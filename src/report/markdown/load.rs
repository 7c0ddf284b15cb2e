//! A load in Markdown: throughput, latencies, errors.

use std::io::{self, Write};

use super::{code, row, table, text};
use crate::judge::wording::{percent, thousands};
use crate::observe::errors::named;
use crate::observe::{Latency, Pass, Phase};
use crate::report::Report;
use crate::report::errors::errors_of;
use crate::report::facts::{load_plan, outcomes, throughput};
use crate::units::{Rate, Span};

pub(super) fn heading(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (title, plan) = (text(report.title()), text(&load_plan(report)));
    writeln!(out, "# Load: {title}\n\n{plan}")
}

pub(super) fn write(report: &Report, pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    for phase in &pass.phases {
        let length = Span(phase.end.saturating_sub(phase.start));
        let (rate, fates) = (throughput(phase), outcomes(&phase.accounting));
        writeln!(out, "\n**{rate}** over {length}; {fates}")?;
        latencies(phase, out)?;
    }
    errors(pass, out)?;
    super::incident::said(pass, out)?;
    match &report.load {
        Some(load) => writeln!(out, "\n{}", text(&load.usage.to_string())),
        None => Ok(()),
    }
}

fn latencies(phase: &Phase, out: &mut dyn Write) -> io::Result<()> {
    table(
        out,
        &[
            "latency", "rate", "mean", "p50", "p90", "p95", "p99", "p99.9", "max",
        ],
    )?;
    let all = ("all".to_owned(), phase.rate, phase.latency);
    let kinds = phase.transactions.iter();
    let kinds = kinds.map(|kind| (text(&kind.name), kind.rate, kind.latency));
    for (name, rate, latency) in std::iter::once(all).chain(kinds) {
        let mut cells = vec![name, Rate(rate).to_string()];
        cells.extend(percentiles(latency));
        row(out, &cells)?;
    }
    if let Some(lag) = phase.lag {
        let seconds = |seconds: f64| Span::from_seconds(seconds).to_string();
        let none = String::new;
        row(
            out,
            &[
                "schedule lag".to_owned(),
                none(),
                seconds(lag.mean),
                seconds(lag.p50),
                none(),
                none(),
                seconds(lag.p99),
                none(),
                seconds(lag.max),
            ],
        )?;
    }
    Ok(())
}

fn percentiles(latency: Option<Latency>) -> [String; 7] {
    let Some(latency) = latency else {
        return std::array::from_fn(|_| "–".to_owned());
    };
    let Latency {
        p50,
        p90,
        p95,
        p99,
        p999,
        max,
        mean,
    } = latency;
    [mean, p50, p90, p95, p99, p999, max].map(|seconds| Span::from_seconds(seconds).to_string())
}

fn errors(pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let rows = errors_of(pass);
    if rows.is_empty() {
        return Ok(());
    }
    table(out, &["error", "requests", "share", "of"])?;
    for error in &rows {
        let by = |(kind, count): &(&str, u64)| format!("{} {}", text(kind), thousands(*count));
        let by: Vec<String> = error.transactions.iter().map(by).collect();
        row(
            out,
            &[
                code(&named(error.error)),
                thousands(error.all()),
                percent(error.share(pass)),
                by.join(", "),
            ],
        )?;
    }
    Ok(())
}
