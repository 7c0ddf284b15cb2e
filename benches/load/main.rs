//! The load generator beside `pgbench`: both as users run them, on one private server, taking turns, so that
//! whatever else the machine does hits both. Figures are medians of the rounds, ratios those of the medians,
//! with the range of the rounds beside them. Says what misses its bound and decides nothing.
//!
//! `[ROUNDS [SECONDS]]`: five rounds of four seconds each, if not said otherwise.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark has nothing better to do than to stop and show"
)]

mod generators;
mod highest;
mod server;
mod table;

use generators::{Measured, Pace, Workload, measure_both};
use server::Bench;
use table::{Bound, Figure, show};

/// Transactions per second of the open loops.
const RATES: [f64; 3] = [500.0, 2_000.0, 10_000.0];

const THROUGHPUT: Figure = Figure {
    name: "throughput, 1/s",
    of: |round| Some(round.rate),
    bound: Bound::AtLeast {
        floor: 0.95,
        goal: 1.0,
    },
};

const CPU: Figure = Figure {
    name: "CPU/transaction, µs",
    of: |round| Some(round.cpu / round.transactions as f64 * 1e6),
    bound: Bound::AtMost {
        floor: 1.2,
        goal: 1.0,
    },
};

const MEAN_LATENCY: Figure = Figure {
    name: "mean latency, µs",
    of: |round| Some(round.latency.mean * 1e6),
    bound: Bound::None,
};

const P99_LATENCY: Figure = Figure {
    name: "p99 latency, µs",
    of: |round| Some(round.latency.p99 * 1e6),
    bound: Bound::None,
};

const REACHED: Figure = Figure {
    name: "rate reached, 1/s",
    of: |round| Some(round.rate),
    bound: Bound::None,
};

const MEAN_LAG: Figure = Figure {
    name: "mean lag, µs",
    of: |round| Some(round.lag?.mean * 1e6),
    bound: Bound::AtMost {
        floor: 1.2,
        goal: 1.0,
    },
};

const P99_LAG: Figure = Figure {
    name: "p99 lag, µs",
    of: |round| Some(round.lag?.p99 * 1e6),
    bound: Bound::AtMost {
        floor: 1.2,
        goal: 1.0,
    },
};

/// What a closed loop shows.
const CLOSED: [Figure; 4] = [THROUGHPUT, CPU, MEAN_LATENCY, P99_LATENCY];

/// What an open loop shows. Latencies count from the schedule: a lag that one of the two leaves out of what
/// it calls lag, such as the wait for a free connection, is in them.
const OPEN: [Figure; 6] = [MEAN_LAG, P99_LAG, MEAN_LATENCY, P99_LATENCY, CPU, REACHED];

fn main() {
    server::prefer();
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let rounds = numbers.next().unwrap_or(5).max(1);
    let seconds = numbers.next().unwrap_or(4).max(1);
    let bench = Bench::start();
    println!("{rounds} rounds of {seconds} s, 8 connections, 2 threads, prepared, scale 10");
    for script in ["select-only", "tpcb-like"] {
        let workload = Workload {
            script,
            pace: Pace::Closed,
            seconds,
        };
        let title = format!("closed loop, {script}");
        show(&title, &CLOSED, &take_turns(&bench, &workload, rounds));
    }
    for rate in RATES {
        let workload = Workload {
            script: "select-only",
            pace: Pace::Open(rate),
            seconds,
        };
        let title = format!("open loop, {rate}/s, select-only");
        show(&title, &OPEN, &take_turns(&bench, &workload, rounds));
    }
    highest::run(&bench, rounds, seconds);
    bench.stop();
}

/// Rounds of both: pgbench's figures and ours.
fn take_turns(bench: &Bench, workload: &Workload, rounds: u64) -> Vec<(Measured, Measured)> {
    (0..rounds)
        .map(|round| measure_both(bench, workload, round))
        .collect()
}
