//! What both refuse, be it before or while it runs.

use pgrehearse::pgbench::{Definitions, Run, Script};

use super::client::{Client, Protocol};
use super::support::{load, server};
use super::tool::{Address, major, run_text};

/// Scripts, each after a line of `==== what both say`, or of `==== what we say | what pgbench says`, with
/// `(N)` at its end where only pgbench from major N on has what is tried.
const REFUSALS: &str = include_str!("corpus/refusals.txt");

struct Refusal {
    ours: &'static str,
    theirs: &'static str,
    since: u32,
    script: String,
}

fn refusals() -> Vec<Refusal> {
    let (_, records) = REFUSALS.split_once("\n==== ").unwrap();
    records
        .split("\n==== ")
        .map(|record| {
            let (title, script) = record.split_once('\n').unwrap();
            let since = title.rsplit_once(" (").map(|(_, since)| since);
            let since = since.and_then(|since| since.strip_suffix(')')?.parse().ok());
            let title = match since {
                Some(_) => title.rsplit_once(" (").unwrap().0,
                None => title,
            };
            let (ours, theirs) = title.split_once(" | ").unwrap_or((title, title));
            Refusal {
                ours,
                theirs,
                since: since.unwrap_or(0),
                script: script.to_owned(),
            }
        })
        .collect()
}

/// Runs a script once by the library.
fn ours(address: &Address, text: &str) -> Result<(), String> {
    let script = Script::parse("refused.sql", text).map_err(|error| error.to_string())?;
    let program = Protocol::Extended.bind(&script, &Definitions::default())?;
    let mut run = Run::new(program.clone(), 0, 0);
    Client::connect(address, Protocol::Extended).finish(&mut run, &program)
}

#[tokio::test]
async fn what_pgbench_refuses_is_refused() {
    let server = server().await;
    let (config, _client) = load(&server, "refusals", "CREATE TABLE t (a int)").await;
    let address = Address::of(&config);
    let major = major();
    let mut wrong = Vec::new();
    for refusal in refusals() {
        let script = &refusal.script;
        match ours(&address, script) {
            Err(error) if error.contains(refusal.ours) => {
                if !error.starts_with("refused.sql:") {
                    wrong.push(format!("{script}\n  does not say where: {error}"));
                }
            }
            other => wrong.push(format!("{script}\n  {other:?}, not `{}`", refusal.ours)),
        }
        if major < refusal.since {
            continue;
        }
        let arguments = ["--protocol=extended", "--transactions=1"];
        match run_text(&address, script, &arguments) {
            Err(error) if error.contains(refusal.theirs) => {}
            other => wrong.push(format!(
                "{script}\n  pgbench {other:?}, not `{}`",
                refusal.theirs
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
