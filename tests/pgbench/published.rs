//! Scripts in the manner of those that people publish, under both.

use std::path::{Path, PathBuf};

use pgrehearse::pgbench::{Definitions, Run, Script};
use tokio_postgres::Client as Observer;

use super::client::{Client, Protocol};
use super::support::{load, server};
use super::tool::{Address, run};

const TRANSACTIONS: u64 = 300;

/// The variables that the scripts take from the command line.
const DEFINITION: &str = "devices=500";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What must hold after a script, each a query that gives true.
async fn assert_invariants(client: &Observer, folder: &Path, at: &str) {
    let invariants = read(&folder.join("invariants.sql"));
    let lines = invariants.lines().filter(|line| line.starts_with("SELECT"));
    for invariant in lines {
        let query = invariant.replace(":transactions", &TRANSACTIONS.to_string());
        let row = client.query_one(&query, &[]).await;
        let row = row.unwrap_or_else(|error| panic!("{at}: {query}: {error:?}"));
        assert_eq!(row.get::<_, Option<bool>>(0), Some(true), "{at}: {query}");
    }
}

/// Runs a script by one client that keeps its variables.
fn ours(address: &Address, path: &Path, protocol: Protocol) -> Result<(), String> {
    let script = Script::parse(path.to_str().unwrap(), &read(path)).unwrap();
    let mut definitions = Definitions::default();
    definitions.define(DEFINITION).unwrap();
    let program = protocol.bind(&script, &definitions)?;
    let mut client = Client::connect(address, protocol);
    let mut run = Run::new(program.clone(), 0, 0);
    client.finish(&mut run, &program)?;
    for seed in 1..TRANSACTIONS {
        run = run.next(program.clone(), seed, seed);
        client.finish(&mut run, &program)?;
    }
    Ok(())
}

fn theirs(address: &Address, path: &Path, protocol: Protocol) -> Result<(), String> {
    let arguments = [
        &format!("--define={DEFINITION}"),
        &format!("--transactions={TRANSACTIONS}"),
        &format!("--protocol={}", protocol.name()),
        "--random-seed=3",
    ];
    run(address, path, &arguments.map(|argument| argument as &str)).map(|_| ())
}

#[tokio::test]
async fn published_scripts_run_unchanged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published");
    let server = server().await;
    let mut count = 0;
    let runs: [(&str, &str, &[Protocol]); 4] = [
        ("new-order", "script.sql", &Protocol::ALL),
        ("job-queue", "script.sql", &Protocol::ALL),
        ("time-series", "script.sql", &Protocol::ALL),
        ("time-series", "pipelined.sql", &Protocol::ALL[1..]),
    ];
    for (name, script, protocols) in runs {
        let folder: PathBuf = folder.join(name);
        let (setup, script) = (read(&folder.join("setup.sql")), folder.join(script));
        for protocol in protocols {
            for by_pgbench in [false, true] {
                let at = format!(
                    "{} {protocol:?}, by pgbench: {by_pgbench}",
                    script.display()
                );
                count += 1;
                let (config, client) = load(&server, &format!("published_{count}"), &setup).await;
                let address = Address::of(&config);
                let run = if by_pgbench { theirs } else { ours };
                run(&address, &script, *protocol).unwrap_or_else(|error| panic!("{at}: {error}"));
                assert_invariants(&client, &folder, &at).await;
            }
        }
    }
}
