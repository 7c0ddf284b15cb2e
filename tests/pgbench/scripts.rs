//! Scripts that leave the same in a table under both, in each protocol.

use std::path::Path;

use pgrehearse::pgbench::{Definitions, Run, Script};

use super::client::{Client, Protocol};
use super::support::{execute, load, server, text};
use super::tool::{Address, client_seed, major, run};

/// The scripts write into `results`.
const SCHEMA: &str = "
    CREATE TABLE results (n serial PRIMARY KEY, what text, value text);
    CREATE TABLE numbers (id int PRIMARY KEY, name text, amount numeric);
    INSERT INTO numbers SELECT i, 'number ' || i, i / 4.0 FROM generate_series(1, 100) i;
    INSERT INTO numbers VALUES (101, 'it''s \"quoted\" \\', NULL);
";

const RESULTS: &str = "SELECT coalesce(string_agg(format('%s: %s', what, coalesce(value, 'NULL')), E'\\n' ORDER BY n), '')
    || E'\\n' || (SELECT md5(string_agg(numbers::text, ',' ORDER BY id)) FROM numbers) FROM results";

const CLEAR: &str = "TRUNCATE results RESTART IDENTITY";

/// A script whose first lines are comments that say how it is run: `-- protocols: …`, `-- define: …` and
/// `-- since: …`, pgbench's major version.
struct Sample {
    name: String,
    text: String,
}

impl Sample {
    /// What the head says of this.
    fn said<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a str> {
        let head = self.text.lines().map_while(|line| line.strip_prefix("-- "));
        head.filter_map(move |line| line.strip_prefix(what)?.strip_prefix(": "))
    }

    fn protocols(&self) -> Vec<Protocol> {
        let said = self.said("protocols").next();
        let wanted = |protocol: &Protocol| said.is_none_or(|said| said.contains(protocol.name()));
        Protocol::ALL.into_iter().filter(wanted).collect()
    }

    fn since(&self) -> u32 {
        let said = self.said("since").next();
        said.map_or(0, |said| said.parse().unwrap())
    }
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pgbench/corpus/scripts");
    let mut samples: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.to_str().unwrap().to_owned();
            Sample { name, text }
        })
        .collect();
    samples.sort_by(|left, right| left.name.cmp(&right.name));
    samples
}

/// Runs a script once by the library.
fn ours(address: &Address, sample: &Sample, protocol: Protocol, seed: u64) -> Result<(), String> {
    let mut definitions = Definitions::default();
    for definition in sample.said("define") {
        definitions.define(definition).unwrap();
    }
    let script = Script::parse(&sample.name, &sample.text).map_err(|error| error.to_string())?;
    let program = protocol.bind(&script, &definitions)?;
    let program = std::sync::Arc::new(program.as_ref().clone().with_seed(seed, 1));
    let mut run = Run::new(program.clone(), client_seed(seed), 0);
    Client::connect(address, protocol).finish(&mut run, &program)
}

fn theirs(address: &Address, sample: &Sample, protocol: Protocol, seed: u64) -> Result<(), String> {
    let mut arguments = vec![
        "--transactions=1".to_owned(),
        format!("--random-seed={seed}"),
        format!("--protocol={}", protocol.name()),
    ];
    let definitions = sample.said("define");
    arguments.extend(definitions.map(|definition| format!("--define={definition}")));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    run(address, Path::new(&sample.name), &arguments).map(|_| ())
}

#[tokio::test]
async fn scripts_leave_what_they_leave_under_pgbench() {
    let server = server().await;
    let (own, own_client) = load(&server, "ours", SCHEMA).await;
    let (other, other_client) = load(&server, "theirs", SCHEMA).await;
    let (own, other) = (Address::of(&own), Address::of(&other));
    let samples = samples();
    assert!(samples.len() > 8, "the corpus is not there");
    for sample in samples.iter().filter(|sample| sample.since() <= major()) {
        for protocol in sample.protocols() {
            for seed in [1, 7] {
                let at = format!("{} {} {seed}", sample.name, protocol.name());
                ours(&own, sample, protocol, seed).unwrap_or_else(|error| panic!("{at}: {error}"));
                theirs(&other, sample, protocol, seed)
                    .unwrap_or_else(|error| panic!("pgbench, {at}: {error}"));
                let left = text(&own_client, RESULTS).await;
                assert!(left.lines().count() > 1, "{at} leaves nothing");
                assert_eq!(left, text(&other_client, RESULTS).await, "{at}");
            }
            execute(&own_client, CLEAR).await;
            execute(&other_client, CLEAR).await;
        }
    }
}
