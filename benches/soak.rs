//! A long load at nearly the highest rate that this machine reaches: what the tool takes of memory as time
//! goes by, and whether its accounting is exact at the end. The server runs on the same machine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark has nothing better to do than to stop and show"
)]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use serde_json::Value;
use tokio_postgres::config::Host;

/// Kinds of transactions: each has its own percentiles and series.
const KINDS: usize = 10;
/// Connections.
const CLIENTS: &str = "8";
/// The rate that the search begins with; it doubles from there.
const FIRST_RATE: f64 = 1_000.0;
/// Seconds that a rate is tried for.
const TRIAL: u64 = 5;
/// How often a rate between one that was reached and one that was not is tried.
const HALVINGS: usize = 3;
/// What the soak takes of the highest rate that was reached.
const SHARE: f64 = 0.9;
/// A rate is reached if so much of it is completed in time, and the slowest hundredth waits no longer.
const REACHED: (f64, f64) = (0.99, 0.02);
/// How often the memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// `[SECONDS]`: five minutes, if not said otherwise.
fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let seconds = numbers.next().unwrap_or(300);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(start());
    let url = url(&server);
    let highest = highest_rate(&url);
    soak(&url, (highest * SHARE).floor(), seconds);
    // Its end needs the runtime.
    runtime.block_on(async { drop(server) });
}

/// The server, with pgbench's tables.
async fn start() -> Server {
    let pg_bin = find_pg_bin(None).unwrap();
    let beside = pg_bin.join("pgbench");
    let server = Server::start(ServerOptions {
        pg_bin,
        settings: BTreeMap::new(),
        connections: 20,
        keep: false,
    });
    let server = server.await.unwrap();
    let program = match beside.is_file() {
        true => beside,
        false => "pgbench".into(),
    };
    let config = server.config();
    let [Host::Unix(folder)] = config.get_hosts() else {
        panic!("a private server has a socket");
    };
    let made = Command::new(program)
        .args(["-i", "-q", "-s", "10", "-U", "postgres", "-h"])
        .arg(folder)
        .arg("postgres")
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    server
}

fn url(server: &Server) -> String {
    let config = server.config();
    let [Host::Unix(folder)] = config.get_hosts() else {
        panic!("a private server has a socket");
    };
    let folder = folder.display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{folder}/postgres")
}

/// Starts the tool.
fn load(url: &str, rate: f64, seconds: u64) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgrehearse"));
    command.args(["load", "--quiet", "--json", "--url", url]);
    command.args(["--clients", CLIENTS, "--rate", &rate.to_string()]);
    command.args(["--duration", &format!("{seconds}s")]);
    for _ in 0..KINDS {
        command.args(["--builtin", "select-only"]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// The phase that a finished load reports, and the whole report.
fn measured(tool: Child) -> Value {
    let output = tool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn phase(report: &Value) -> &Value {
    &report["passes"][0]["phases"][0]
}

fn count(phase: &Value, key: &str) -> u64 {
    phase["accounting"][key].as_u64().unwrap()
}

/// Doubles the rate until it is not reached, and looks closer then.
fn highest_rate(url: &str) -> f64 {
    println!("the highest rate, of {TRIAL} s each:");
    let (mut reached, mut beyond) = (0.0, FIRST_RATE);
    while is_reached(url, beyond) {
        reached = beyond;
        beyond *= 2.0;
    }
    assert!(reached > 0.0, "not even {FIRST_RATE}/s is reached");
    for _ in 0..HALVINGS {
        let between = f64::midpoint(reached, beyond).floor();
        match is_reached(url, between) {
            true => reached = between,
            false => beyond = between,
        }
    }
    reached
}

fn is_reached(url: &str, rate: f64) -> bool {
    let report = measured(load(url, rate, TRIAL));
    let phase = phase(&report);
    let share = count(phase, "completed") as f64 / (rate * TRIAL as f64);
    let p99 = phase["latency"]["p99"].as_f64().unwrap_or(f64::INFINITY);
    let reached = share >= REACHED.0 && p99 <= REACHED.1;
    println!(
        "  {rate:>8}/s: {:5.1} % completed, p99 {:8.2} ms: {}",
        share * 100.0,
        p99 * 1e3,
        if reached { "reached" } else { "not reached" }
    );
    reached
}

/// Kilobytes that a process has in memory; none once it has ended.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn soak(url: &str, rate: f64, seconds: u64) {
    println!("{rate}/s for {seconds} s, {KINDS} kinds, {CLIENTS} connections:");
    let tool = load(url, rate, seconds);
    let (begun, mut looks) = (Instant::now(), Vec::new());
    while begun.elapsed() + LOOK_EVERY < Duration::from_secs(seconds) {
        std::thread::sleep(LOOK_EVERY);
        if let Some(kilobytes) = resident(tool.id()) {
            println!("  {:>4} s: {kilobytes:>8} kB", begun.elapsed().as_secs());
            looks.push(kilobytes);
        }
    }
    let report = measured(tool);
    let phase = phase(&report);
    let parts = ["completed", "failed", "timed_out", "shed", "unfinished"];
    let ends = parts.map(|part| count(phase, part));
    let scheduled = count(phase, "scheduled");
    let milliseconds = |figure: &Value| figure.as_f64().unwrap_or(f64::NAN) * 1e3;
    if let (Some(first), Some(last)) = (looks.first(), looks.last()) {
        println!("memory: first {first} kB, last {last} kB");
    }
    println!("scheduled {scheduled} = {parts:?} {ends:?}");
    println!(
        "rate {:.1}/s, p99 {:.3} ms, lag p99 {:.3} ms, mean {:.3} ms, {} seconds in the series, CPU {:.1} µs a transaction",
        phase["rate"].as_f64().unwrap(),
        milliseconds(&phase["latency"]["p99"]),
        milliseconds(&phase["lag"]["p99"]),
        milliseconds(&phase["lag"]["mean"]),
        report["passes"][0]["series"].as_array().unwrap().len(),
        report["load"]["usage"]["cpu_per_transaction"]
            .as_f64()
            .unwrap_or(f64::NAN)
            * 1e6,
    );
    println!("notes: {}", report["notes"]);
    assert_eq!(scheduled, ends.iter().sum::<u64>());
}
