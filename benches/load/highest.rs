//! The highest rate of an open loop that each generator keeps up with.

use crate::generators::{Measured, Pace, Workload, measure_both};
use crate::server::Bench;
use crate::table::{Bound, load_average, show_line};

/// The first rate, and by how much each step is higher than the one before.
const FIRST: f64 = 4_000.0;
const STEP: f64 = 1.25;

/// The share of the schedule that may be missed.
const BEHIND: f64 = 0.01;

/// Shows the highest rate that each of them keeps up with.
pub(crate) fn run(bench: &Bench, rounds: u64, seconds: u64) {
    let pairs: Vec<_> = (0..rounds)
        .map(|round| climb(bench, round, seconds))
        .collect();
    println!(
        "\nhighest rate of an open loop, select-only  (load average {})",
        load_average()
    );
    let bound = Bound::AtLeast {
        floor: 0.95,
        goal: 1.0,
    };
    show_line("1/s", bound, &pairs);
}

/// The highest rates of one round, pgbench's and ours.
fn climb(bench: &Bench, round: u64, seconds: u64) -> (f64, f64) {
    let mut highest = (0.0, 0.0);
    let mut rate = FIRST;
    loop {
        let workload = Workload {
            script: "select-only",
            pace: Pace::Open(rate),
            seconds,
        };
        let (theirs, ours) = measure_both(bench, &workload, round);
        let kept = [&theirs, &ours].map(|measured| keeps_up(measured, seconds));
        if kept[0] {
            highest.0 = rate;
        }
        if kept[1] {
            highest.1 = rate;
        }
        if kept == [false, false] {
            return highest;
        }
        rate *= STEP;
    }
}

/// Whether no more than [`BEHIND`] of the schedule was missed. Who sends a share `s` too slowly is `s` of the
/// time behind at the end, and half of that on average; latencies count from the schedule and show it
/// better than the number of transactions, which chance decides too.
fn keeps_up(measured: &Measured, seconds: u64) -> bool {
    2.0 * measured.latency.mean <= BEHIND * seconds as f64
}
