//! What the traffic's client of the protocol costs, beside `pgbench` on the same server: a closed loop of
//! eight sessions on two threads, select only, prepared. Both take turns, so that whatever else the machine
//! does hits both.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark has nothing better to do than to stop and show"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use pgrehearse::postgres::endpoint::Endpoint;
use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use pgrehearse::traffic::wire::{Connection, Statement, Target};
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

const THREADS: usize = 2;
const SESSIONS: usize = 8;

/// Rows of `pgbench_accounts` at scale 10.
const ACCOUNTS: u64 = 1_000_000;

/// One round of one client.
struct Measured {
    transactions: u64,
    seconds: f64,
    cpu: f64,
}

/// `[ROUNDS [SECONDS]]`: three rounds of ten seconds, if not said otherwise.
fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let rounds = numbers.next().unwrap_or(3);
    let seconds = numbers.next().unwrap_or(10);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(start());
    pgbench(&server, &["-i", "-q", "-s", "10"]);
    println!("{SESSIONS} sessions on {THREADS} threads, prepared, select only, {seconds} s each");
    println!(
        "{:12} {:>15} {:>19}",
        "", "transactions/s", "CPU a transaction"
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(measure_pgbench(&server, seconds).show("pgbench"));
        ours.push(measure_wire(&server, seconds).show("pgrehearse"));
    }
    let ratio = |of: fn(&Measured) -> f64| {
        let mean = |rounds: &[Measured]| rounds.iter().map(of).sum::<f64>() / rounds.len() as f64;
        mean(&ours) / mean(&theirs)
    };
    println!(
        "pgrehearse / pgbench: {:.3} of the rate, {:.3} of the CPU a transaction",
        ratio(Measured::rate),
        ratio(Measured::cost)
    );
    runtime.block_on(server.stop()).unwrap();
}

impl Measured {
    fn rate(&self) -> f64 {
        self.transactions as f64 / self.seconds
    }

    /// CPU time a transaction, in seconds.
    fn cost(&self) -> f64 {
        self.cpu / self.transactions as f64
    }

    fn show(self, name: &str) -> Self {
        println!(
            "{name:12} {:>15.0} {:>16.2} µs",
            self.rate(),
            self.cost() * 1e6
        );
        self
    }
}

/// The server that both ask.
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

fn measure_wire(server: &Server, seconds: u64) -> Measured {
    let target = Target::new(&Endpoint::from(server.config()), "pgrehearse bench");
    let before = cpu_seconds(Whose::Own);
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let target = target.clone();
            std::thread::spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                LocalSet::new().block_on(&runtime, async {
                    let mut sessions = JoinSet::new();
                    for session in 0..SESSIONS / THREADS {
                        let seed = (thread * SESSIONS + session) as u64;
                        sessions.spawn_local(session_until(target.clone(), end, seed));
                    }
                    sessions.join_all().await.into_iter().sum::<u64>()
                })
            })
        })
        .collect();
    let transactions = threads.into_iter().map(|t| t.join().unwrap()).sum();
    Measured {
        transactions,
        seconds: begun.elapsed().as_secs_f64(),
        cpu: cpu_seconds(Whose::Own) - before,
    }
}

/// One session's transactions until a moment: what `pgbench -S` sends.
async fn session_until(target: Target, end: Instant, seed: u64) -> u64 {
    let mut connection = Connection::open(&target).await.unwrap();
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut transactions = 0;
    while Instant::now() < end {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let statement = Statement {
            text: "SELECT abalance FROM pgbench_accounts WHERE aid = $1;",
            parameters: &[Some((random % ACCOUNTS + 1).to_string())],
            key: Some((0, 0)),
            keep: false,
        };
        connection.execute(&statement).await.unwrap();
        transactions += 1;
    }
    connection.close().await;
    transactions
}

fn measure_pgbench(server: &Server, seconds: u64) -> Measured {
    let before = cpu_seconds(Whose::Children);
    let (clients, threads) = (SESSIONS.to_string(), THREADS.to_string());
    let said = pgbench(
        server,
        &[
            &["-n", "-M", "prepared", "-S", "-c", &clients, "-j", &threads],
            &["-T", &seconds.to_string()][..],
        ]
        .concat(),
    );
    let transactions = said
        .lines()
        .find_map(|line| line.strip_prefix("number of transactions actually processed: "))
        .unwrap();
    Measured {
        transactions: transactions.parse().unwrap(),
        seconds: seconds as f64,
        cpu: cpu_seconds(Whose::Children) - before,
    }
}

/// `pgbench` beside the server's programs, else of the PATH: not every installation has it.
fn pgbench_program() -> PathBuf {
    let beside = find_pg_bin(None).unwrap().join("pgbench");
    match beside.is_file() {
        true => beside,
        false => "pgbench".into(),
    }
}

fn pgbench(server: &Server, arguments: &[&str]) -> String {
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
    String::from_utf8(output.stdout).unwrap()
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
