//! What it costs to record a request: nanoseconds on the traffic's hot path, and bytes for every second
//! of a run. `cargo bench --bench recording`.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark tells its figures on the terminal"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use pgrehearse::observe::{Ended, Fate, PhaseName, Recording};

/// Kinds of transactions.
const KINDS: u64 = 10;
/// Requests per second of the run.
const RATE: u64 = 10_000;
/// Seconds of the run.
const LENGTH: u64 = 60;
/// The fastest of so many runs counts: the others were disturbed.
const RUNS: usize = 5;

fn main() {
    for (name, fate) in [
        ("completed", completed as fn(u64) -> Fate),
        ("one in ten failed", one_in_ten_failed),
        ("all failed", failed),
    ] {
        let fastest = (0..RUNS).map(|_| run(fate)).min().unwrap_or_default();
        let each = fastest.as_secs_f64() * 1e9 / (RATE * LENGTH) as f64;
        println!("{name:<18} {each:6.1} ns per request");
    }
}

/// Records a run and says how long that took.
fn run(fate: fn(u64) -> Fate) -> Duration {
    let mut recording = Recording::new(KINDS as usize);
    let start = Instant::now();
    for serial in 0..RATE * LENGTH {
        // A cheap scatter: kinds mixed, latencies from 0.2 to 20 ms.
        let scatter = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let due = Duration::from_nanos(serial * 1_000_000_000 / RATE);
        let ticket = recording.scheduled((scatter % KINDS) as usize, PhaseName::Baseline, due);
        let latency = 200 + (scatter % 100) * (scatter / 100 % 200);
        recording.ended(
            ticket,
            Ended {
                lag: Duration::from_micros(scatter % 300),
                at: due + Duration::from_micros(latency),
                fate: fate(serial),
                retries: 0,
            },
        );
    }
    let took = start.elapsed();
    black_box(&recording);
    took
}

fn completed(_: u64) -> Fate {
    Fate::Completed
}

fn one_in_ten_failed(serial: u64) -> Fate {
    match serial % 10 {
        0 => failed(serial),
        _ => Fate::Completed,
    }
}

fn failed(_: u64) -> Fate {
    Fate::TimedOut("acquire_timeout".to_owned())
}
