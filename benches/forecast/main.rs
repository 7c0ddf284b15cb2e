//! How far forecasts are off: a migration is run at a tenth of a size and less, its statements are projected to that
//! size, and then it is run there.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark has nothing better to do than to stop and show"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;

use pgrehearse::judge::forecast::{Trial, project};
use pgrehearse::observe::{Forecast, Quantity};
use pgrehearse::rehearsal::{Options, Silent, Sizes, Surroundings, stop_switch, trials};
use pgrehearse::scenario::{Plan, parse};
use pgrehearse::shadow::cache::FillCache;
use pgrehearse::units::{Bytes, Rows, Span};

const SCENARIO: &str = include_str!("scenario.toml");
const SCHEMA: &str = include_str!("schema.sql");
const MIGRATION: &str = include_str!("migration.sql");

/// What the statements stand for, in their order.
const KINDS: [&str; 5] = [
    "FK validation",
    "index build",
    "SET NOT NULL",
    "rewrite",
    "backfill UPDATE",
];

/// The sizes measured, as shares of the largest of them.
const SHARES: [f64; 5] = [0.25, 0.375, 0.5, 0.75, 1.0];

/// That many times the largest size measured is foreseen.
const FARTHER: u64 = 10;

/// An error that is too large.
const TOO_FAR_OFF: f64 = 0.25;

/// `[ROUNDS [ROWS]]`: five rounds, to foresee what four million rows take, if not said otherwise.
fn main() -> ExitCode {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let rounds = usize::try_from(numbers.next().unwrap_or(5)).unwrap();
    let rows = numbers.next().unwrap_or(4_000_000);
    let plan = plan(rows / FARTHER);
    let place = tempfile::tempdir().unwrap();
    let options = Options {
        parallelism: available_parallelism().map_or(1, usize::from),
        cache: Some(FillCache::new(place.path().to_owned(), Bytes(64 << 30))),
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let run = |shares: &[f64]| {
        let sizes = Sizes {
            shares: shares.to_vec(),
            rounds,
        };
        runtime.block_on(measured(&plan, &options, &sizes))
    };
    let forecasts = project(&run(&SHARES), &[]);
    let there = run(&[FARTHER as f64]);
    show(&forecasts, &there)
}

fn plan(rows: u64) -> Plan {
    let sources = [("schema.sql", SCHEMA), ("migration.sql", MIGRATION)];
    let sources: BTreeMap<PathBuf, String> = sources
        .into_iter()
        .map(|(path, text)| (path.into(), text.to_owned()))
        .collect();
    let overrides = [
        format!("tables.orders.rows={rows}"),
        format!("tables.orders.production_rows={}", rows * FARTHER),
        format!("tables.customers.rows={}", rows / 10),
        format!("tables.customers.production_rows={}", rows / 10 * FARTHER),
    ];
    let overrides = overrides.map(|set| set.parse().unwrap());
    let file = parse("scenario.toml", SCENARIO, &overrides).unwrap();
    file.resolve(&sources, None, 1.0).unwrap()
}

async fn measured(plan: &Plan, options: &Options, sizes: &Sizes) -> Vec<Trial> {
    let (_switch, stop) = stop_switch();
    let around = Surroundings {
        observer: &Silent,
        stop: &stop,
    };
    let trials = trials(plan, options, (around, sizes)).await;
    for note in &trials.notes {
        println!("{note}");
    }
    assert_eq!(trials.runs.len(), sizes.shares.len() * sizes.rounds);
    trials.runs
}

fn show(forecasts: &[Forecast], there: &[Trial]) -> ExitCode {
    let rows = Rows(forecasts[0].production_rows);
    println!(
        "\n{:<16} {:>26} {:>10} {:>24} {:>12} {:>7}",
        "",
        "measured at 1/40 and 1/10",
        "law",
        format!("foreseen at {rows}"),
        "measured",
        "error"
    );
    let mut worst: f64 = 0.0;
    for (statement, kind) in KINDS.iter().enumerate() {
        let forecast = forecasts
            .iter()
            .find(|one| one.statement == statement && one.quantity == Quantity::Duration)
            .unwrap();
        let took = there.iter().map(|trial| {
            let statement = &trial.migration.statements[statement];
            statement.duration.as_secs_f64()
        });
        let took = took.min_by(f64::total_cmp).unwrap();
        let ends = [forecast.sizes.first(), forecast.sizes.last()]
            .map(|point| Span::from_seconds(point.unwrap().measured).to_string());
        let Some(interval) = forecast.interval() else {
            println!(
                "{kind:<16} {}",
                forecast.refused.as_deref().unwrap_or_default()
            );
            worst = f64::INFINITY;
            continue;
        };
        let error = interval.predicted / took - 1.0;
        worst = worst.max(error.abs());
        println!(
            "{kind:<16} {:>26} {:>10} {:>24} {:>12} {:>+6.1} %",
            ends.join(" … "),
            format!("{:?}", forecast.model),
            format!(
                "{} ({} to {})",
                Span::from_seconds(interval.predicted),
                Span::from_seconds(interval.low),
                Span::from_seconds(interval.high)
            ),
            Span::from_seconds(took).to_string(),
            error * 100.0
        );
    }
    println!("\nthe worst error is {:.1} %", worst * 100.0);
    match worst <= TOO_FAR_OFF {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
