//! How late arrivals are handed over, beside `pgbench -R` on the same server: the generator's own
//! error, which every latency contains. Three rounds of both, taking turns, so that whatever else the
//! machine does hits both.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark has nothing better to do than to stop and show"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use pgrehearse::observe::PhaseName;
use pgrehearse::pgbench::{KeyId, Keys, Script};
use pgrehearse::scenario::plan::{
    ApplicationPlan, Arrivals, Protocol, TrafficPlan, TransactionPlan,
};
use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use pgrehearse::traffic::{Fleet, FleetSetup, Timeline};
use pgrehearse::units::Rate;

const RATE: f64 = 2_000.0;

/// The server that both generators ask.
async fn start() -> Server {
    Server::start(ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::new(),
        connections: 20,
        keep: false,
    })
    .await
    .unwrap()
}

/// `pgbench` beside the server's programs, else of the PATH: not every installation has it.
fn pgbench_program() -> PathBuf {
    let beside = find_pg_bin(None).unwrap().join("pgbench");
    match beside.is_file() {
        true => beside,
        false => "pgbench".into(),
    }
}

/// One round of one generator.
struct Measured {
    transactions: u64,
    mean_lag: f64,
    p50_lag: f64,
    p99_lag: f64,
    mean_latency: f64,
    cpu: f64,
}

/// `[ROUNDS [SECONDS]]`: three rounds of ten seconds, if not said otherwise.
fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let rounds = numbers.next().unwrap_or(3);
    let seconds = numbers.next().unwrap_or(10);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = start().await;
        pgbench(&server, &["-i", "-q", "-s", "10"]);
        println!(
            "{RATE} transactions/s for {seconds} s, 8 connections, 2 threads, prepared, select only"
        );
        println!(
            "{:12} {:>12} {:>10} {:>10} {:>10} {:>13} {:>8}",
            "", "transactions", "mean lag", "median", "p99 lag", "mean latency", "CPU"
        );
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            theirs.push(measure_pgbench(&server, seconds).show("pgbench"));
            ours.push(measure_fleet(&server, seconds).await.show("pgrehearse"));
        }
        let mean = |rounds: &[Measured]| {
            rounds.iter().map(|round| round.mean_lag).sum::<f64>() / rounds.len() as f64
        };
        println!(
            "mean lag: pgrehearse {:.1} µs, pgbench {:.1} µs",
            mean(&ours) * 1e6,
            mean(&theirs) * 1e6
        );
    });
}

impl Measured {
    fn show(self, name: &str) -> Self {
        println!(
            "{name:12} {:>12} {:>7.1} µs {:>7.1} µs {:>7.1} µs {:>10.1} µs {:>6.2} s",
            self.transactions,
            self.mean_lag * 1e6,
            self.p50_lag * 1e6,
            self.p99_lag * 1e6,
            self.mean_latency * 1e6,
            self.cpu,
        );
        self
    }
}

struct NoKeys;

impl Keys for NoKeys {
    fn resolve(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<KeyId, String> {
        Err("the benchmark has no keys".to_owned())
    }

    fn pick(&self, _: KeyId, _: u64) -> String {
        String::new()
    }

    fn fresh(&self, _: KeyId, _: u64) -> String {
        String::new()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

/// The script of `pgbench -S` at scale 10.
const SELECT_ONLY: &str = "\\set aid random(1, 1000000)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;";

async fn measure_fleet(server: &Server, seconds: u64) -> Measured {
    let traffic = TrafficPlan {
        rate: Rate(RATE),
        arrivals: Arrivals::Poisson,
        protocol: Protocol::Prepared,
        transactions: vec![TransactionPlan {
            name: "select-only".to_owned(),
            weight: 1,
            file: None,
            script: Script::parse("select-only", SELECT_ONLY).unwrap(),
        }],
    };
    let application = ApplicationPlan {
        instances: 2,
        pool_size: 4,
        ..ApplicationPlan::default()
    };
    let before = cpu_seconds(Whose::Own);
    let setup = FleetSetup {
        traffic: &traffic,
        application: &application,
        seed: 42,
        config: server.config(),
        keys: Box::new(NoKeys),
    };
    let fleet = Fleet::start(setup).await.unwrap();
    fleet.go(Arc::new(Timeline::new()));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let recording = fleet.stop(Duration::from_secs(5)).await.unwrap();
    let cpu = cpu_seconds(Whose::Own) - before;
    let names = ["select-only".to_owned()];
    let length = Duration::from_secs(seconds);
    let phase = recording.phase(PhaseName::Warmup, &names, Duration::ZERO, length);
    assert_eq!(phase.accounting.completed, phase.accounting.scheduled);
    let (lag, latency) = (phase.lag.unwrap(), phase.latency.unwrap());
    Measured {
        transactions: phase.accounting.completed,
        mean_lag: lag.mean,
        p50_lag: lag.p50,
        p99_lag: lag.p99,
        mean_latency: latency.mean,
        cpu,
    }
}

fn measure_pgbench(server: &Server, seconds: u64) -> Measured {
    let logs = tempfile::tempdir().unwrap();
    let prefix = logs.path().join("log");
    let before = cpu_seconds(Whose::Children);
    let (rate, seconds) = (RATE.to_string(), seconds.to_string());
    pgbench(
        server,
        &[
            &["-n", "-M", "prepared", "-S", "-c", "8", "-j", "2"][..],
            &["-R", &rate, "-T", &seconds, "-l", "--log-prefix"],
            &[prefix.to_str().unwrap()],
        ]
        .concat(),
    );
    let cpu = cpu_seconds(Whose::Children) - before;
    // Columns: client, transaction, latency, script, epoch, µs, schedule lag; times in µs.
    let mut lags: Vec<f64> = Vec::new();
    let mut latency = 0.0;
    for log in std::fs::read_dir(logs.path()).unwrap() {
        for line in std::fs::read_to_string(log.unwrap().path())
            .unwrap()
            .lines()
        {
            let columns: Vec<f64> = line.split(' ').map(|text| text.parse().unwrap()).collect();
            latency += columns[2];
            lags.push(columns[6]);
        }
    }
    lags.sort_by(f64::total_cmp);
    let count = lags.len() as f64;
    Measured {
        transactions: lags.len() as u64,
        mean_lag: lags.iter().sum::<f64>() / count / 1e6,
        p50_lag: lags[lags.len() / 2] / 1e6,
        p99_lag: lags[lags.len() * 99 / 100] / 1e6,
        mean_latency: latency / count / 1e6,
        cpu,
    }
}

fn pgbench(server: &Server, arguments: &[&str]) {
    let output = Command::new(pgbench_program())
        .arg("-h")
        .arg(server.directory().join("s"))
        .args(["-U", "postgres"])
        .args(arguments)
        .arg("shadow")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pgbench failed: {errors}");
}

enum Whose {
    Own,
    /// Of children that were waited for.
    Children,
}

/// User and system time from /proc/self/stat, which Linux gives in hundredths of a second.
fn cpu_seconds(whose: Whose) -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The second field, the name in parentheses, may contain blanks.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let from = match whose {
        Whose::Own => 11,
        Whose::Children => 13,
    };
    fields[from..from + 2]
        .iter()
        .map(|ticks| ticks.parse::<f64>().unwrap() / 100.0)
        .sum()
}
