//! The repository's own scenarios, each migration against the outcome it must have. They run one at a
//! time and with no other test beside them, since what they judge is time.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test cannot do without fails it"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Verifies a scenario and hands the folder of its reports back. A machine too busy to tell gives an
/// inconclusive verdict, which is tried again; the opposite of what is expected never is.
#[track_caller]
fn verified(scenario: &str) -> TempDir {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut printed = String::new();
    let cache = TempDir::new().unwrap();
    for _ in 0..3 {
        let out = TempDir::new().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
            .args(["verify", "--quiet", "--out"])
            .arg(out.path())
            .arg(repository().join("scenarios").join(scenario))
            .env("PGREHEARSE_CACHE_DIR", cache.path())
            .output()
            .unwrap();
        if output.status.code() == Some(0) {
            return out;
        }
        printed += &[&output.stdout, &output.stderr]
            .map(|bytes| String::from_utf8_lossy(bytes))
            .join("\n");
        let comparison = std::fs::read_to_string(out.path().join("comparison.json"));
        let comparison: Value = serde_json::from_str(&comparison.expect(&printed)).unwrap();
        for row in comparison.as_array().unwrap() {
            let settled = row["got"] == row["expected"] || row["got"] == "inconclusive";
            assert!(settled, "{row}\n{printed}");
        }
    }
    panic!("inconclusive three times:\n{printed}");
}

/// The report of a migration, by a part of its file's name.
#[track_caller]
fn report(out: &TempDir, scenario: &str, migration: &str) -> Value {
    let folders = std::fs::read_dir(out.path().join(scenario)).unwrap();
    let folder: PathBuf = folders
        .map(|folder| folder.unwrap().path())
        .find(|folder| folder.to_string_lossy().contains(migration))
        .unwrap();
    serde_json::from_str(&std::fs::read_to_string(folder.join("report.json")).unwrap()).unwrap()
}

/// The locks of all statements, as (relation, mode).
fn locks(report: &Value) -> Vec<(&str, &str)> {
    let statements = report["passes"][0]["migration"]["statements"]
        .as_array()
        .unwrap();
    let locks = statements
        .iter()
        .flat_map(|statement| statement["locks"].as_array().unwrap());
    locks
        .map(|lock| {
            (
                lock["relation"].as_str().unwrap(),
                lock["mode"].as_str().unwrap(),
            )
        })
        .collect()
}

#[test]
fn foreign_key() {
    let out = verified("foreign-key");
    let report = report(&out, "foreign-key", "migration");
    let findings = report["verdict"]["findings"].as_array().unwrap();
    let blamed = findings
        .iter()
        .find(|finding| finding["rule"] == "lock_wait")
        .unwrap();
    assert_eq!(blamed["relation"], "public.measurements");
    assert!(locks(&report).contains(&("public.measurements", "AccessExclusiveLock")));
    assert!(locks(&report).contains(&("public.measurements", "ShareRowExclusiveLock")));
}

/// Real migrations on a real product's schema.
#[test]
fn synapse() {
    let fetch = repository().join("scripts/real-schema");
    let fetched = Command::new(fetch).arg("synapse").output().unwrap();
    let said = String::from_utf8_lossy(&fetched.stderr);
    assert!(fetched.status.success(), "{said}");
    let out = verified("synapse");
    let drop = report(&out, "synapse", "drop_old_tables");
    assert!(
        locks(&drop).contains(&("public.events", "AccessExclusiveLock")),
        "{:?}",
        locks(&drop)
    );
}
