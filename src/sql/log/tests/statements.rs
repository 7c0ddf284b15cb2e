//! Statements as each setting of the server logs them.

use super::*;

#[test]
fn statements_logged_as_they_begin() {
    let log = Log::default()
        .says(A, 1_000, 2, "statement: BEGIN")
        .says(B, 1_005, 9, "statement: SELECT 1 FROM u;")
        .says(A, 1_010, 2, "statement: UPDATE t SET n = 1 WHERE id = 7")
        .says(A, 1_510, 2, "statement: COMMIT")
        .says(A, 1_600, 3, "statement: SELECT n FROM t WHERE id = 8");
    let traffic = log.read();
    assert_eq!(
        shown(&traffic, 0),
        [
            "0ns update t: BEGIN | 10ms on UPDATE t SET n = 1 WHERE id = 7 | 500ms on COMMIT",
            "600ms select t: SELECT n FROM t WHERE id = 8",
        ]
    );
    assert_eq!(shown(&traffic, 1), ["5ms select u: SELECT 1 FROM u;"]);
    assert_eq!((traffic.statements, traffic.with_values), (3, 3));
    assert_eq!(traffic.length, Duration::from_secs(1));
    assert_eq!(traffic.database, "shop");
}

#[test]
fn statements_logged_as_they_end() {
    let log = Log::default()
        .says(A, 1_000, 2, "duration: 1.000 ms  statement: BEGIN")
        .says(
            A,
            1_200,
            2,
            "duration: 100.000 ms  parse s1: UPDATE t SET n = $1",
        )
        .with(
            1_210,
            "duration: 10.000 ms  bind s1: UPDATE t SET n = $1",
            "parameters: $1 = '1'",
        )
        .with(
            1_500,
            "duration: 280.000 ms  execute s1: UPDATE t SET n = $1",
            "Parameters: $1 = '1'",
        )
        .with(
            1_600,
            "duration: 50.000 ms  execute fetch from s1/c1: UPDATE t SET n = $1",
            "",
        )
        .says(A, 1_600, 0, "duration: 1.500 ms  statement: COMMIT");
    let traffic = log.read();
    assert_eq!(
        shown(&traffic, 0),
        ["0ns update t: BEGIN | 220ms later UPDATE t SET n = $1 <- [1] | 98.5ms later COMMIT"]
    );
    let fast = log.read_at(2.0).unwrap();
    assert_eq!(
        shown(&fast, 0),
        ["0ns update t: BEGIN | 110ms later UPDATE t SET n = $1 <- [1] | 49.25ms later COMMIT"]
    );
}

#[test]
fn both_settings_count_a_statement_once() {
    let log = Log::default()
        .says(
            A,
            1_000,
            2,
            "duration: 0.100 ms  parse <unnamed>: SELECT $1",
        )
        .says(A, 1_000, 2, "duration: 0.100 ms  bind <unnamed>: SELECT $1")
        .with(
            1_000,
            "execute <unnamed>: SELECT $1",
            "parameters: $1 = NULL",
        )
        .says(A, 1_020, 2, "duration: 20.000 ms")
        .says(A, 1_050, 4, "duration: 0.100 ms")
        .says(A, 1_050, 4, "statement: SELECT 2")
        .says(A, 1_051, 0, "duration: 1.000 ms");
    let traffic = log.read();
    assert_eq!(
        shown(&traffic, 0),
        ["0ns select: SELECT $1 <- [NULL]", "50ms select: SELECT 2"]
    );
    assert_eq!(traffic.kinds.len(), 1);
}

#[test]
fn one_implicit_transaction_becomes_a_block() {
    let log = Log::default()
        .says(A, 0, 5, "execute <unnamed>: SELECT 1")
        .says(A, 1, 5, "execute <unnamed>: SELECT 2 FROM t")
        .says(A, 2, 6, "statement: SELECT 3 FROM u")
        // What ended its transaction before it was written has none.
        .says(A, 3, 0, "duration: 0.100 ms  statement: SELECT 4 FROM v")
        .says(A, 4, 0, "duration: 0.100 ms  statement: SELECT 5 FROM v");
    assert_eq!(
        shown(&log.read(), 0),
        [
            "0ns select, select t: BEGIN | SELECT 1 <- [] | 1ms on SELECT 2 FROM t <- [] | COMMIT",
            "2ms select u: SELECT 3 FROM u",
            "2.9ms select v: SELECT 4 FROM v",
            "3.9ms select v: SELECT 5 FROM v",
        ]
    );
}

#[test]
fn failures_are_kept_with_their_code() {
    let log = Log::default()
        .says(A, 0, 2, "statement: INSERT INTO t VALUES (1)")
        .fails(1, "23505", "INSERT INTO t VALUES (1)")
        // Only durations are logged: the error alone names the statement.
        .fails(2, "42601", "SELEC 1")
        .fails(3, "22012", "SELECT 1 / $1")
        .says(A, 5, 0, "duration: 0.500 ms");
    let traffic = log.read();
    assert_eq!(
        shown(&traffic, 0),
        [
            "0ns insert t, selec: BEGIN | INSERT INTO t VALUES (1) !23505 | 2ms on SELEC 1 !42601 | COMMIT"
        ]
    );
    assert_eq!(
        left_out(&traffic),
        [("it failed, and its parameters were not logged", 1)]
    );
}
