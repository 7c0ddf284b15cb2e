//! Transactions of the next release, and when it comes.

use std::time::Duration;

use super::*;
use crate::scenario::plan::Role;
use crate::scenario::release::{Moment, ReleasePlan};

/// A scenario whose transactions are these, after the migration's keys.
fn scenario(transactions: &str) -> String {
    format!("{LEAST}{transactions}")
}

fn error(transactions: &str) -> String {
    let parsed = parse("scenario.toml", &scenario(transactions), &[]);
    parsed.unwrap_err().to_string()
}

fn plan(transactions: &str) -> Plan {
    let parsed = parse("scenario.toml", &scenario(transactions), &[]).unwrap();
    parsed.resolve(&usual_sources(), None, 1.0).unwrap()
}

#[test]
fn the_next_release_comes_after_the_migration_unless_told_otherwise() {
    let usual = ReleasePlan {
        next_from: Moment::MigrationEnd,
        rolling: Duration::ZERO,
        ordering: None,
    };
    assert_eq!(plan("").release, None);
    assert_eq!(plan("[release]\n").release, Some(usual));
    let next = "[[traffic.transactions]]\nname = \"v2\"\nsql = \"SELECT 2\"\nrole = \"next\"\n";
    assert_eq!(plan(next).release, Some(usual));
    let told = plan("[release]\nnext_from = \"-5s\"\nrolling = \"2s\"\n")
        .release
        .unwrap();
    assert_eq!(told.next_from, Moment::Before(Duration::from_secs(5)));
    assert_eq!(told.rolling, Duration::from_secs(2));
}

#[test]
fn a_transaction_of_the_next_release_knows_which_one_it_replaces() {
    let plan = plan(
        "[[traffic.transactions]]
name = \"report\"
sql = \"SELECT 2\"
role = \"next\"
[[traffic.transactions]]
name = \"read-v2\"
sql = \"SELECT 3\"
role = \"next\"
replaces = \"read\"
",
    );
    let kinds = plan.traffic.transactions.iter();
    let kinds: Vec<_> = kinds.map(|kind| (kind.role, kind.replaces)).collect();
    let next = Role::Next;
    assert_eq!(
        kinds,
        [(Role::Current, None), (next, None), (next, Some(0))]
    );
}

#[test]
fn what_cannot_replace_or_be_replaced_is_an_error() {
    insta::assert_snapshot!(error("[[traffic.transactions]]\nname = \"v2\"\nsql = \"SELECT 2\"\nreplaces = \"read\"\n"), @r#"
    error: only a transaction whose `role` is "next" replaces another
      --> scenario.toml:14:12
       |
    14 | replaces = "read"
       |            ^^^^^^
    "#);
    insta::assert_snapshot!(error("[[traffic.transactions]]\nname = \"v2\"\nsql = \"SELECT 2\"\nrole = \"next\"\nreplaces = \"v2\"\n"), @r#"
    error: no transaction of the current release is named `v2`
      --> scenario.toml:15:12
       |
    15 | replaces = "v2"
       |            ^^^^
    "#);
    let twice = "[[traffic.transactions]]\nname = \"v2\"\nsql = \"SELECT 2\"\nrole = \"next\"\nreplaces = \"read\"\n";
    insta::assert_snapshot!(error(&format!("{twice}{}", twice.replace("v2", "v3"))), @r#"
    error: `read` is replaced by an earlier one already
      --> scenario.toml:20:12
       |
    20 | replaces = "read"
       |            ^^^^^^
    "#);
    insta::assert_snapshot!(error("[release]\nnext_from = \"soon\"\n"), @r#"
    error: `soon` is no moment: use "migration-start", "migration-end", or a time relative to the migration's start as "-5s" or "5s"
      --> scenario.toml:12:13
       |
    12 | next_from = "soon"
       |             ^^^^^^
    "#);
    let text = LEAST.replace("sql = \"SELECT 1\"", "sql = \"SELECT 1\"\nrole = \"next\"");
    insta::assert_snapshot!(parse("scenario.toml", &text, &[]).unwrap_err().to_string(), @r#"
    error: all transactions are the next release's: the current one must send some, or there is nothing to compare with
     --> scenario.toml:4:2
      |
    4 | [traffic]
      |  ^^^^^^^
    "#);
}

#[test]
fn what_replaces_another_comes_as_often_as_that() {
    insta::assert_snapshot!(error("[[traffic.transactions]]\nname = \"v2\"\nsql = \"SELECT 2\"\nrole = \"next\"\nreplaces = \"read\"\nweight = 3\n"), @r"
    error: it comes as often as the one that it replaces: leave `weight` out
      --> scenario.toml:16:10
       |
    16 | weight = 3
       |          ^
    ");
}

#[test]
fn the_sessions_of_a_log_do_not_go_over() {
    let text = LEAST.replace("rate = 10", "log = \"postgresql.csv\"");
    let text = text.split("[[traffic.transactions]]").next().unwrap();
    insta::assert_snapshot!(parse("scenario.toml", &format!("{text}[release]\n"), &[]).unwrap_err().to_string(), @r"
    error: the sessions of a log are of no instance that could go over: leave `[release]` out
     --> scenario.toml:6:2
      |
    6 | [release]
      |  ^^^^^^^
    ");
}
