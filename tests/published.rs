//! `pgrehearse load` in `pgbench`'s place: the same scripts on the same command line leave the same behind.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "pgbench/tool.rs"]
#[expect(dead_code, reason = "the comparison of languages needs more of it")]
mod pgbench;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgbench::Address;
use pgrehearse::shadow::Server;
use serde_json::{Value, json};
use support::{load, server, text};
use tokio_postgres::Client;

/// Who sends.
#[derive(Debug, Clone, Copy)]
enum Tool {
    Pgbench,
    Ours,
}

const BOTH: [Tool; 2] = [Tool::Pgbench, Tool::Ours];

impl Tool {
    /// Runs with arguments that both take.
    fn run(self, address: &Address, seed: u32, arguments: &[String]) -> Output {
        let mut command = match self {
            Tool::Pgbench => {
                let mut command = Command::new(pgbench::pgbench());
                command.arg("--host").arg(&address.folder);
                command.args(["--port", &address.port.to_string()]);
                command.args(["--username", &address.user, "--no-vacuum"]);
                command.arg(format!("--random-seed={seed}"));
                command.arg(&address.database);
                command
            }
            Tool::Ours => {
                let Address {
                    folder,
                    port,
                    user,
                    database,
                } = address;
                let folder = folder.display().to_string().replace('/', "%2F");
                let mut command = Command::new(env!("CARGO_BIN_EXE_pgrehearse"));
                command.args(["load", "--quiet", "--json", "--url"]);
                command.arg(format!("postgres://{user}@{folder}:{port}/{database}"));
                command.args(["--i-know-this-is-disposable", database]);
                command.arg(format!("--seed={seed}"));
                command
            }
        };
        command.args(arguments).output().unwrap()
    }

    /// The same, which must succeed; our report, if it is ours.
    #[track_caller]
    fn report(self, address: &Address, seed: u32, arguments: &[String]) -> Option<Value> {
        let output = self.run(address, seed, arguments);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let at = format!("{self:?} {arguments:?}");
        assert!(output.status.success(), "{at}: {stdout}\n{stderr}");
        match self {
            Tool::Pgbench => None,
            Tool::Ours => Some(serde_json::from_str(&stdout).unwrap()),
        }
    }
}

fn arguments(given: &[&str]) -> Vec<String> {
    given.iter().map(|&argument| argument.to_owned()).collect()
}

/// What our report says of the load must be that all of it succeeded.
#[track_caller]
fn assert_all_succeeded(report: &Value, transactions: u64) {
    let phase = &report["passes"][0]["phases"][0];
    assert_eq!(phase["errors"], json!({}));
    let accounting = &phase["accounting"];
    for key in ["scheduled", "completed"] {
        assert_eq!(accounting[key], transactions, "{accounting}");
    }
    for key in ["failed", "timed_out", "shed", "unfinished"] {
        assert_eq!(accounting[key], 0, "{accounting}");
    }
    assert_eq!(report["notes"], json!([]));
}

const CLIENTS: u64 = 4;
const EACH: u64 = 250;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What must hold after a script, each a query that gives true.
async fn assert_invariants(client: &Client, folder: &Path, at: &str) {
    let invariants = read(&folder.join("invariants.sql"));
    let lines = invariants.lines().filter(|line| line.starts_with("SELECT"));
    for invariant in lines {
        let query = invariant.replace(":transactions", &(CLIENTS * EACH).to_string());
        let row = client.query_one(&query, &[]).await;
        let row = row.unwrap_or_else(|error| panic!("{at}: {query}: {error:?}"));
        assert_eq!(row.get::<_, Option<bool>>(0), Some(true), "{at}: {query}");
    }
}

/// A published script under both tools, by every protocol that it allows.
async fn runs_under_both(name: &str, script: &str, protocols: &[&str]) {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/published")
        .join(name);
    let server = server().await;
    let (setup, script) = (read(&folder.join("setup.sql")), folder.join(script));
    for protocol in protocols {
        for tool in BOTH {
            let at = format!("{} {protocol}, {tool:?}", script.display());
            let database = format!("{protocol}_{tool:?}").to_lowercase();
            let (config, client) = load(&server, &database, &setup).await;
            let given = arguments(&[
                "-c",
                &CLIENTS.to_string(),
                "-t",
                &EACH.to_string(),
                "-M",
                protocol,
                "-D",
                "devices=500",
                "-f",
                script.to_str().unwrap(),
            ]);
            if let Some(report) = tool.report(&Address::of(&config), 3, &given) {
                assert_all_succeeded(&report, CLIENTS * EACH);
            }
            assert_invariants(&client, &folder, &at).await;
        }
    }
}

const ALL: [&str; 3] = ["simple", "extended", "prepared"];

#[tokio::test]
async fn new_orders() {
    runs_under_both("new-order", "script.sql", &ALL).await;
}

#[tokio::test]
async fn a_queue_of_jobs() {
    runs_under_both("job-queue", "script.sql", &ALL).await;
}

#[tokio::test]
async fn time_series() {
    runs_under_both("time-series", "script.sql", &ALL).await;
}

#[tokio::test]
async fn time_series_in_pipelines() {
    runs_under_both("time-series", "pipelined.sql", &ALL[1..]).await;
}

/// What clients wrote under each tool.
async fn seen(server: &Server, scripts: &[&str], given: &[&str]) -> [String; 2] {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments(given);
    for (number, script) in scripts.iter().enumerate() {
        let path = folder.path().join(format!("script-{number}.sql"));
        std::fs::write(&path, script).unwrap();
        arguments.extend(["-f".to_owned(), path.to_str().unwrap().to_owned()]);
    }
    let mut all = Vec::new();
    for tool in BOTH {
        let (config, client) = load(
            server,
            &format!("{tool:?}").to_lowercase(),
            "CREATE TABLE seen (what text)",
        )
        .await;
        tool.report(&Address::of(&config), 42, &arguments);
        let sql = "SELECT coalesce(string_agg(what, ', ' ORDER BY what), '') FROM seen";
        all.push(text(&client, sql).await);
        drop(client);
        let root = support::connect(&server.config()).await;
        let database = &Address::of(&config).database;
        support::execute(&root, &format!("DROP DATABASE {database} WITH (FORCE)")).await;
    }
    all.try_into().unwrap()
}

#[tokio::test]
async fn clients_keep_their_variables_and_have_their_numbers() {
    let server = server().await;
    // Only the first run of a client sets `n` anew, and `first` is its own.
    let script = "\\if :first\n\\set n 100\n\\set first 0\n\\else\n\\set n :n + 1\n\\endif\n\
        INSERT INTO seen VALUES (concat_ws(' ', :client_id::text, :n::text, :random_seed::text, :default_seed::text));";
    for protocol in ALL {
        let given = ["-c", "3", "-t", "4", "-M", protocol, "-D", "first=1"];
        let [theirs, ours] = seen(&server, &[script], &given).await;
        assert_eq!(theirs, ours, "{protocol}");
        assert_eq!(ours.split(", ").count(), 12);
        assert!(
            ours.starts_with("0 100 42 ") && ours.contains(", 2 103 42 "),
            "{ours}"
        );
    }
    let given = ["-c", "2", "-t", "2", "-D", "first=1", "-D", "client_id=7"];
    let [theirs, ours] = seen(&server, &[script], &given).await;
    assert_eq!(theirs, ours);
    assert!(ours.starts_with("7 100 42 "), "{ours}");
}

#[tokio::test]
async fn scripts_of_one_client_share_its_variables() {
    let server = server().await;
    let count =
        "\\set n :n + 1\nINSERT INTO seen VALUES (concat_ws(' ', :client_id::text, :n::text));";
    let capture = "SELECT :n + 1 AS n \\gset\nINSERT INTO seen VALUES (concat_ws(' ', :client_id::text, :n::text));";
    let given = ["-c", "2", "-t", "20", "-D", "n=0", "-M", "simple"];
    let [theirs, ours] = seen(&server, &[count, capture], &given).await;
    assert_eq!(theirs, ours);
    let all: Vec<&str> = ours.split(", ").collect();
    assert_eq!(all.len(), 40);
    assert!(all.contains(&"0 20") && all.contains(&"1 20"), "{ours}");
}

#[tokio::test]
async fn a_number_of_transactions_goes_with_a_rate() {
    let server = server().await;
    let script = "INSERT INTO seen VALUES ('once');";
    let given = ["-c", "4", "-t", "25", "-R", "500"];
    let [theirs, ours] = seen(&server, &[script], &given).await;
    assert_eq!(theirs, ours);
    assert_eq!(ours.split(", ").count(), 100);
}

#[tokio::test]
async fn a_number_of_transactions_and_a_time_contradict_each_other() {
    let server = server().await;
    let address = Address::of(&server.config());
    for tool in BOTH {
        let given = arguments(&["-t", "5", "-T", "1", "-c", "1", "-S"]);
        let output = tool.run(&address, 0, &given);
        assert!(!output.status.success(), "{tool:?}");
    }
    let zero = arguments(&["-t", "0", "-c", "1", "-S"]);
    assert_eq!(Tool::Ours.run(&address, 0, &zero).status.code(), Some(2));
}
