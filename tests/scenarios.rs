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

/// Those with a test of their own; the others are verified by [`library`].
const TOLD_APART: [&str; 6] = [
    "foreign-key",
    "full-resync",
    "half-applied",
    "index-with-release",
    "login-lock",
    "synapse",
];

/// Shorter than the scenarios' own, where what is judged comes with the migration and not after it.
const SHORT: [&str; 8] = [
    "--set",
    "limits.forecast=false",
    "--set",
    "phases.warmup=500ms",
    "--set",
    "phases.baseline=3s",
    "--set",
    "phases.recovery=2s",
];

/// Verifies a scenario and hands the folder of its reports back. A machine too busy to tell gives an
/// inconclusive verdict, which is tried again; the opposite of what is expected never is.
#[track_caller]
fn verified(scenario: &str, flags: &[&str]) -> TempDir {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut printed = String::new();
    let cache = TempDir::new().unwrap();
    for _ in 0..3 {
        let out = TempDir::new().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
            .args(["verify", "--quiet", "--out"])
            .arg(out.path())
            .arg(repository().join("scenarios").join(scenario))
            .args(flags)
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

/// The statements of the migration, as they went in the quiet pass.
fn statements(report: &Value) -> &Vec<Value> {
    report["passes"][0]["migration"]["statements"]
        .as_array()
        .unwrap()
}

/// What a statement says of the relations that it rewrote, or of the indexes that it built.
fn all_of<'a>(report: &'a Value, what: &str) -> Vec<&'a str> {
    let named = statements(report).iter();
    let named = named.flat_map(|statement| statement[what].as_array().unwrap());
    named.map(|name| name.as_str().unwrap()).collect()
}

/// The rules that failed, each with the relation that it blames.
fn failed(report: &Value) -> Vec<(&str, Option<&str>)> {
    let findings = report["verdict"]["findings"].as_array().unwrap().iter();
    let failed = findings.filter(|finding| finding["passed"] == false);
    failed
        .map(|finding| {
            (
                finding["rule"].as_str().unwrap(),
                finding["relation"].as_str(),
            )
        })
        .collect()
}

/// The locks of all statements, as (relation, mode).
fn locks(report: &Value) -> Vec<(&str, &str)> {
    let locks = statements(report)
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
    // The projection has tests of its own; what it takes is minutes, and here the machine is slow.
    let out = verified("foreign-key", &["--set", "limits.forecast=false"]);
    let report = report(&out, "foreign-key", "migration");
    let findings = report["verdict"]["findings"].as_array().unwrap();
    let blamed = findings
        .iter()
        .find(|finding| finding["rule"] == "lock_wait")
        .unwrap();
    assert_eq!(blamed["relation"], "public.measurements");
    assert!(locks(&report).contains(&("public.measurements", "AccessExclusiveLock")));
    assert!(locks(&report).contains(&("public.measurements", "ShareRowExclusiveLock")));
    // The incident: containers restart, and those who only read, and not this table, are lost too.
    let pass = &report["passes"][0];
    assert!(pass["impact"]["restarts"].as_u64().unwrap() > 0);
    let migrating = phase(pass, "migration");
    let kinds = migrating["transactions"].as_array().unwrap();
    for reader in ["read-vitals", "ward-list"] {
        let kind = kinds.iter().find(|kind| kind["name"] == reader).unwrap();
        assert!(kind["accounting"]["failed"].as_u64().unwrap() > 0, "{kind}");
    }
    let safe = self::report(&out, "foreign-key", "safe");
    assert_eq!(safe["passes"][0]["impact"]["restarts"], 0);
}

#[test]
fn login_lock() {
    let out = verified("login-lock", &SHORT);
    let report = report(&out, "login-lock", "migration");
    assert!(locks(&report).contains(&("public.accounts", "AccessExclusiveLock")));
    assert_eq!(all_of(&report, "rewrites"), ["public.accounts"]);
    assert!(failed(&report).contains(&("lock_wait", Some("public.accounts"))));
    // Who only reads waits as well.
    let waits = report["passes"][0]["locks"]["waits"].as_array().unwrap();
    assert!(
        waits.iter().any(|wait| wait["waiter"] == "check-session"),
        "{waits:?}"
    );
    let safe = self::report(&out, "login-lock", "safe");
    assert!(all_of(&safe, "rewrites").is_empty());
    assert_eq!(
        all_of(&safe, "indexes_built"),
        ["public.accounts_last_seen_at_idx"]
    );
}

#[test]
fn full_resync() {
    let out = verified("full-resync", &SHORT);
    let report = report(&out, "full-resync", "migration");
    // No lock on the table is in anybody's way; those of its rows are.
    assert!(locks(&report).contains(&("public.contacts", "RowExclusiveLock")));
    assert!(
        locks(&report)
            .iter()
            .all(|(_, mode)| !mode.contains("Exclusive") || *mode == "RowExclusiveLock")
    );
    assert!(failed(&report).contains(&("lock_wait", Some("public.contacts"))));
    let waits = report["passes"][0]["locks"]["waits"].as_array().unwrap();
    assert_eq!(waits[0]["waiter"], "save-contact");
    assert_eq!(waits[0]["root"]["kind"], "migration");
}

#[test]
fn half_applied() {
    let out = verified("half-applied", &SHORT);
    let rules = |report: &Value| -> Vec<String> {
        let failed = failed(report).into_iter();
        failed.map(|(rule, _)| rule.to_owned()).collect()
    };
    let invariant = |report: &Value| report["integrity"]["invariants"][0]["after"].as_u64();
    let half = report(&out, "half-applied", "migration");
    let error = &half["passes"][0]["migration"]["error"];
    assert_eq!(error["sqlstate"], "23502");
    assert_eq!(error["statement"], 2);
    assert!(rules(&half).contains(&"integrity".to_owned()));
    assert!(invariant(&half).unwrap() > 1000, "{}", half["integrity"]);
    let leftovers = half["integrity"]["leftovers"].as_array().unwrap();
    assert!(!leftovers.is_empty());

    let whole = report(&out, "half-applied", "in-one-transaction");
    assert!(rules(&whole).contains(&"migration_applied".to_owned()));
    assert!(!rules(&whole).contains(&"integrity".to_owned()));
    assert_eq!(invariant(&whole), Some(0));
    let integrity = &whole["integrity"];
    assert_eq!(
        integrity["fingerprint_before"],
        integrity["fingerprint_after"]
    );

    let safe = report(&out, "half-applied", "safe");
    assert_eq!(invariant(&safe), Some(0));
}

#[test]
fn index_with_release() {
    let out = verified("index-with-release", &[]);
    let report = report(&out, "index-with-release", "migration");
    let error = &report["passes"][0]["migration"]["error"];
    assert_eq!(error["sqlstate"], "23503");
    assert_eq!(error["statement"], 0);
    assert!(all_of(&report, "indexes_built").is_empty());
    let index = "public.parcels_tracking_code_idx";
    let safe = self::report(&out, "index-with-release", "safe");
    assert!(all_of(&safe, "indexes_built").contains(&index));
    // The new code came in both; those whose page it is not are lost with it where the index is not there.
    for report in [&report, &safe] {
        let next = kind(phase(&report["passes"][0], "recovery"), "track-parcel");
        assert!(next["accounting"]["scheduled"].as_u64().unwrap() > 0);
    }
    let completed = |report: &Value| {
        let accounting =
            &kind(phase(&report["passes"][0], "recovery"), "track-parcel")["accounting"];
        accounting["completed"].as_f64().unwrap() / accounting["scheduled"].as_f64().unwrap()
    };
    assert!(completed(&report) < completed(&safe));
}

/// Every other folder, whatever there is: one without `[expect]` fails.
#[test]
fn library() {
    let folders = std::fs::read_dir(repository().join("scenarios")).unwrap();
    let mut names: Vec<String> = folders
        .map(|folder| folder.unwrap())
        .filter(|folder| folder.file_type().unwrap().is_dir())
        .map(|folder| folder.file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    for own in TOLD_APART {
        assert!(names.iter().any(|name| name == own), "{own} is gone");
    }
    names.retain(|name| !TOLD_APART.contains(&name.as_str()));
    assert!(names.len() >= 16, "{names:?}");
    for name in names {
        verified(&name, &SHORT);
    }
}

/// One kind of transactions in a phase.
#[track_caller]
fn kind<'a>(phase: &'a Value, name: &str) -> &'a Value {
    let kinds = phase["transactions"].as_array().unwrap();
    kinds.iter().find(|kind| kind["name"] == name).unwrap()
}

/// A phase of a pass, by its name.
#[track_caller]
fn phase<'a>(pass: &'a Value, name: &str) -> &'a Value {
    let phases = pass["phases"].as_array().unwrap();
    phases.iter().find(|phase| phase["name"] == name).unwrap()
}

/// Real migrations on a real product's schema.
#[test]
fn synapse() {
    let fetch = repository().join("scripts/real-schema");
    let fetched = Command::new(fetch).arg("synapse").output().unwrap();
    let said = String::from_utf8_lossy(&fetched.stderr);
    assert!(fetched.status.success(), "{said}");
    let out = verified("synapse", &[]);
    let drop = report(&out, "synapse", "drop_old_tables");
    assert!(
        locks(&drop).contains(&("public.events", "AccessExclusiveLock")),
        "{:?}",
        locks(&drop)
    );
}
