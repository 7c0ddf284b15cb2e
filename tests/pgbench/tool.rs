//! The installed `pgbench`.

use std::path::{Path, PathBuf};
use std::process::Command;

use pgrehearse::pgbench::{KeyId, Keys};
use pgrehearse::shadow::find_pg_bin;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Where it is: beside the server of the tests, else the newest that Debian's packages or the path have.
pub(crate) fn pgbench() -> PathBuf {
    let beside = find_pg_bin(None).map(|bin| bin.join("pgbench"));
    let mut majors: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin/pgbench")))
        })
        .collect();
    majors.sort();
    let packaged = majors.into_iter().rev().map(|(_, path)| path);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<_> = std::env::split_paths(&path)
        .map(|folder| folder.join("pgbench"))
        .collect();
    beside
        .into_iter()
        .chain(packaged)
        .chain(in_path)
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!(
                "there is no pgbench to compare with: install PostgreSQL's programs (`apt-get install postgresql`, \
                 `brew install postgresql@18`), or put pgbench into the PATH"
            )
        })
}

/// Its major version.
pub(crate) fn major() -> u32 {
    let output = Command::new(pgbench()).arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits[..end.unwrap()].parse().unwrap()
}

/// Where a database is.
pub(crate) struct Address {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) database: String,
}

impl Address {
    pub(crate) fn of(config: &Config) -> Self {
        let [Host::Unix(folder)] = config.get_hosts() else {
            panic!("the server of a test has a socket: {config:?}");
        };
        Self {
            folder: folder.clone(),
            port: config.get_ports().first().copied().unwrap_or(5432),
            user: config.get_user().unwrap().to_owned(),
            database: config.get_dbname().unwrap().to_owned(),
        }
    }
}

/// What a run of it printed to stderr, the error's text if it failed.
pub(crate) type Outcome = Result<String, String>;

/// Runs a script file by one client.
pub(crate) fn run(address: &Address, script: &Path, arguments: &[&str]) -> Outcome {
    let output = Command::new(pgbench())
        .arg("--host")
        .arg(&address.folder)
        .args(["--port", &address.port.to_string()])
        .args(["--username", &address.user])
        .args(["--no-vacuum", "--client=1"])
        .arg("--file")
        .arg(script)
        .args(arguments)
        .arg(&address.database)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    if output.status.success() {
        Ok(printed)
    } else {
        Err(printed)
    }
}

/// The same of a script that is not in a file yet.
pub(crate) fn run_text(address: &Address, text: &str, arguments: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.sql");
    std::fs::write(&script, text).unwrap();
    run(address, &script, arguments)
}

/// What `debug()` printed in every second command of a script, the ones that only print.
pub(crate) fn debugged(printed: &str) -> Vec<String> {
    let value = |line: &str| {
        let (_, rest) = line.split_once("debug(script=0,command=")?;
        let (command, value) = rest.split_once("): ")?;
        let second = command.parse::<u32>().unwrap() % 2 == 0;
        second.then(|| value.to_owned())
    };
    printed.lines().filter_map(value).collect()
}

/// The seed of the first client's random numbers under `--random-seed`, since PostgreSQL 15: the first
/// draw of xoroshiro128** from the state that SplitMix64 makes of the seed.
pub(crate) fn client_seed(seed: u64) -> u64 {
    let first = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (first ^ (first >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let state = mixed ^ (mixed >> 31);
    state.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
}

/// No tables at all, as pgbench knows none.
pub(crate) struct NoKeys;

impl Keys for NoKeys {
    fn resolve(&mut self, table: &str, column: &str, _: Option<&str>) -> Result<KeyId, String> {
        Err(format!("there is no {table}.{column}"))
    }

    fn pick(&self, _: KeyId, _: u64) -> String {
        unreachable!()
    }

    fn fresh(&self, _: KeyId, _: u64) -> String {
        unreachable!()
    }

    fn rows(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}
