//! `pgrehearse fill` and `pgrehearse mark` as people call them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgrehearse::postgres::connect::connect;
use rustix::process::{Pid, Signal, kill_process};

use crate::existing::Existing;
use crate::fixture::{Scenario, pgrehearse, printed};

/// The schema and the tables of the small scenario, and nothing to rehearse.
fn fill_only() -> Scenario {
    Scenario::new().with(
        "scenario.toml",
        "name = \"small\"\n[schema]\nfile = \"schema.sql\"\n[tables.customers]\nrows = 200\n[tables.orders]\nrows = \"2k\"\n",
    )
}

#[test]
fn without_a_server_it_says_what_to_give() {
    let output = fill_only().command("fill").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (_, stderr) = printed(&output);
    assert!(stderr.contains("--shadow postgres://"), "{stderr}");
}

#[test]
fn a_wrong_address_is_explained_without_its_password() {
    for (address, code) in [
        ("postgres://ann:secret@h/x?sslmod=require", 2),
        ("mysql://ann:secret@h/x", 2),
        ("postgres://ann:secret@%2Fnowhere/x", 4),
    ] {
        let output = fill_only()
            .command("fill")
            .args(["--shadow", address])
            .output()
            .unwrap();
        let (_, stderr) = printed(&output);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

#[test]
fn mark_wants_the_name_twice() {
    let output = pgrehearse()
        .args(["mark", "postgres:///shop"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (_, stderr) = printed(&output);
    assert!(stderr.contains("--i-know-this-is-disposable"), "{stderr}");
}

#[tokio::test]
async fn it_fills_and_says_where_and_how_to_be_rid_of_it() {
    let existing = Existing::start().await;
    let scenario = fill_only();
    let fill = |more: &[&str]| {
        let mut command = scenario.command("fill");
        command.args(["--shadow", &existing.url]).args(more);
        command.output().unwrap()
    };
    let output = fill(&["--json", "--rows-scale", "2"]);
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let filled: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(filled["shadow"]["database"], "pgrehearse_small");
    assert_eq!(filled["tables"][0]["name"], "public.orders");
    assert_eq!(filled["tables"][0]["rows"], 4000);
    let count = "SELECT count(*) FROM orders";
    assert_eq!(existing.number("pgrehearse_small", count).await, 4000);

    let again = fill(&[]);
    assert_eq!(again.status.code(), Some(4));
    assert!(printed(&again).1.contains("--replace"), "{again:?}");

    let replaced = fill(&["--replace"]);
    let (stdout, stderr) = printed(&replaced);
    assert_eq!(replaced.status.code(), Some(0), "{stderr}");
    assert!(stdout.contains("DROP DATABASE"), "{stdout}");
    assert_eq!(existing.number("pgrehearse_small", count).await, 2000);
}

#[tokio::test]
async fn a_database_of_ones_own_is_filled_once_it_is_marked() {
    let existing = Existing::start().await;
    let create = "CREATE DATABASE shop";
    let session = connect(&existing.server.config(), "test").await.unwrap();
    session.client.batch_execute(create).await.unwrap();
    let url = format!("{}/shop", existing.url);
    let scenario = fill_only();
    let fill = || {
        let mut command = scenario.command("fill");
        command.args(["--shadow", &url]).output().unwrap()
    };
    let refused = fill();
    assert_eq!(refused.status.code(), Some(4));
    let (_, stderr) = printed(&refused);
    assert!(
        stderr.contains("--i-know-this-is-disposable shop"),
        "{stderr}"
    );
    let mark = |name| {
        let mut command = pgrehearse();
        command.args(["mark", &url, "--i-know-this-is-disposable", name]);
        command.output().unwrap().status.code()
    };
    assert_eq!(mark("other"), Some(2));
    assert_eq!(mark("shop"), Some(0));
    let filled = fill();
    assert_eq!(filled.status.code(), Some(0), "{:?}", printed(&filled));
}

#[tokio::test]
async fn a_failure_or_an_interrupt_leaves_no_database() {
    let existing = Existing::start().await;
    let schema = "CREATE TABLE customers (id int PRIMARY KEY, n int CHECK (n * n + 1 < n));\n\
                  CREATE TABLE orders (id int PRIMARY KEY, note text);\n";
    let failing = fill_only().with("schema.sql", schema);
    let output = failing
        .command("fill")
        .args(["--shadow", &existing.url])
        .output()
        .unwrap();
    let (_, stderr) = printed(&output);
    assert_ne!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("is dropped again"), "{stderr}");
    assert_eq!(existing.databases("pgrehearse_small").await, 0);

    let scenario = fill_only();
    let mut tool = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
        .arg("fill")
        .arg(scenario.path())
        .args(["--shadow", &existing.url, "--set", "tables.orders.rows=50M"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pages =
        "SELECT count(*) FROM pg_class WHERE relname = 'orders' AND pg_relation_size(oid) > 100000";
    let deadline = Instant::now() + Duration::from_secs(60);
    while existing.databases("pgrehearse_small").await == 0
        || existing.number("pgrehearse_small", pages).await == 0
    {
        assert!(Instant::now() < deadline, "nothing was written");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pid = Pid::from_raw(tool.id().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(tool.wait().unwrap().code(), Some(130));
    assert_eq!(existing.databases("pgrehearse_small").await, 0);
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgrehearse%'";
    // The server lists a session a moment longer than it has a client.
    let deadline = Instant::now() + Duration::from_secs(20);
    while existing.number("postgres", sessions).await > 0 {
        assert!(Instant::now() < deadline, "sessions are left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
