//! Both generators as child processes, and what they say of a round.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pgrehearse::shadow::find_pg_bin;
use serde_json::Value;

use crate::server::Bench;

const CLIENTS: &str = "8";
const THREADS: &str = "2";

/// Transactions of which pgbench logs one line a second, about: writing one for each would be a cost that
/// ours does not have.
const LOGGED: f64 = 1_000.0;

/// What one round asks of a generator.
pub(crate) struct Workload {
    /// One of pgbench's own scripts.
    pub(crate) script: &'static str,
    pub(crate) pace: Pace,
    pub(crate) seconds: u64,
}

#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each client sends as soon as it has its answer.
    Closed,
    /// Poisson arrivals, so many a second.
    Open(f64),
}

/// What one round of one generator gave.
pub(crate) struct Measured {
    pub(crate) transactions: u64,
    /// Completed a second.
    pub(crate) rate: f64,
    /// Processor time of the generator alone, from its start to its end, in seconds.
    pub(crate) cpu: f64,
    pub(crate) latency: Spread,
    /// Of open loops.
    pub(crate) lag: Option<Spread>,
}

/// In seconds.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) p99: f64,
}

/// pgbench's figures and ours. Who is first changes with the round.
pub(crate) fn measure_both(bench: &Bench, workload: &Workload, round: u64) -> (Measured, Measured) {
    if round.is_multiple_of(2) {
        let theirs = measure_pgbench(bench, workload, round);
        (theirs, measure_ours(bench, workload, round))
    } else {
        let ours = measure_ours(bench, workload, round);
        (measure_pgbench(bench, workload, round), ours)
    }
}

/// `pgrehearse load --url`, told to send the workload and to print its report as JSON.
fn our_command(bench: &Bench, workload: &Workload) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgrehearse"));
    let socket = bench.socket();
    let url = format!("host={} user=postgres dbname=shadow", socket.display());
    command
        .args(["load", "--quiet", "--json", "--url", &url])
        .args(["--i-know-this-is-disposable", "shadow"])
        .args(["--builtin", workload.script])
        .args(["--clients", CLIENTS, "--jobs", THREADS])
        .args(["--duration", &format!("{}s", workload.seconds)])
        .stderr(Stdio::inherit());
    if let Pace::Open(rate) = workload.pace {
        command.args(["--rate", &rate.to_string()]);
    }
    command
}

fn measure_ours(bench: &Bench, workload: &Workload, round: u64) -> Measured {
    let mut command = our_command(bench, workload);
    let before = cpu_of_children();
    let output = command.args(["--seed", &round.to_string()]).output();
    let output = output.unwrap();
    let cpu = cpu_of_children() - before;
    assert!(output.status.success(), "pgrehearse load failed");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let phase = &report["passes"][0]["phases"][0];
    let spread = |of: &Value| Spread {
        mean: of["mean"].as_f64().unwrap(),
        p99: of["p99"].as_f64().unwrap(),
    };
    Measured {
        transactions: phase["accounting"]["completed"].as_u64().unwrap(),
        rate: phase["rate"].as_f64().unwrap(),
        cpu,
        latency: spread(&phase["latency"]),
        lag: matches!(workload.pace, Pace::Open(_)).then(|| spread(&phase["lag"])),
    }
}

fn measure_pgbench(bench: &Bench, workload: &Workload, round: u64) -> Measured {
    let logs = tempfile::tempdir().unwrap();
    let prefix = logs.path().join("log");
    let share = match workload.pace {
        Pace::Closed => 0.1,
        Pace::Open(rate) => (LOGGED / rate).min(1.0),
    };
    let seed = format!("--random-seed={round}");
    let sampling = format!("--sampling-rate={share}");
    let seconds = workload.seconds.to_string();
    let rate = match workload.pace {
        Pace::Closed => None,
        Pace::Open(rate) => Some(format!("--rate={rate}")),
    };
    let mut arguments = vec!["-n", "-M", "prepared", "-b", workload.script];
    arguments.extend(["-c", CLIENTS, "-j", THREADS, "-T", &seconds, &seed]);
    arguments.extend(["-l", "--log-prefix", prefix.to_str().unwrap(), &sampling]);
    arguments.extend(rate.as_deref());
    let before = cpu_of_children();
    let said = pgbench(bench, &arguments);
    let cpu = cpu_of_children() - before;
    let (latencies, lags) = read_logs(logs.path());
    let after = |words: &str| number_after(&said, words);
    Measured {
        transactions: after("number of transactions actually processed: ").unwrap() as u64,
        rate: after("tps = ").unwrap(),
        cpu,
        latency: Spread {
            mean: after("latency average = ").unwrap() / 1e3,
            p99: p99(latencies),
        },
        lag: after("rate limit schedule lag: avg ").map(|mean| Spread {
            mean: mean / 1e3,
            p99: p99(lags),
        }),
    }
}

/// The number that follows these words.
fn number_after(text: &str, words: &str) -> Option<f64> {
    let (_, after) = text.split_once(words)?;
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '.');
    after[..end.unwrap_or(after.len())].parse().ok()
}

/// Latencies and schedule lags in seconds. The columns: client, transaction, latency, script, epoch, µs,
/// schedule lag; times in µs.
fn read_logs(directory: &Path) -> (Vec<f64>, Vec<f64>) {
    let (mut latencies, mut lags) = (Vec::new(), Vec::new());
    for log in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(log.unwrap().path()).unwrap();
        for line in text.lines() {
            let columns: Vec<f64> = line.split(' ').map(|text| text.parse().unwrap()).collect();
            latencies.push(columns[2] / 1e6);
            lags.extend(columns.get(6).map(|lag| lag / 1e6));
        }
    }
    (latencies, lags)
}

fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() * 99 / 100).copied().unwrap_or(0.0)
}

/// `pgbench` beside the server's programs, else of the PATH: not every installation has it.
fn pgbench_program() -> PathBuf {
    let beside = find_pg_bin(None).unwrap().join("pgbench");
    match beside.is_file() {
        true => beside,
        false => "pgbench".into(),
    }
}

/// Runs pgbench, and gives what it said.
pub(crate) fn pgbench(bench: &Bench, arguments: &[&str]) -> String {
    let output = Command::new(pgbench_program())
        .arg("-h")
        .arg(bench.socket())
        .args(["-U", "postgres"])
        .args(arguments)
        .arg("shadow")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pgbench failed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// User and system time of the children that were waited for, from /proc/self/stat, which Linux gives in
/// hundredths of a second.
fn cpu_of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The second field, the name in parentheses, may contain blanks.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(13) + ticks(14)) / 100.0
}
