//! What is not replayed is listed, and what cannot be read is refused.

use super::*;

#[test]
fn what_cannot_be_replayed_is_listed() {
    let log = Log::default()
        .says(A, 0, 2, "statement: CREATE TEMP TABLE x (a int)")
        .says(A, 1, 3, "statement: DROP TABLE x")
        .says(A, 2, 4, "statement: DROP TABLE t")
        .says(A, 3, 5, "statement: BEGIN")
        .says(A, 4, 5, "statement: ALTER TABLE t ADD b int")
        .says(A, 5, 5, "statement: COMMIT")
        .with(
            6,
            "execute <unnamed>: SELECT $1, $2",
            "parameters: $1 = '1'",
        )
        .with(
            7,
            "execute <unnamed>: SELECT $1",
            "parameters: $1 = '123...'",
        )
        .with(
            8,
            "execute <unnamed>: SELECT $1",
            "parameters: $1 = '12345'",
        )
        .says(A, 9, 7, "fastpath function call: \"lo_open\" (OID 952)")
        .says(
            Who {
                session: "c.3",
                application: "pg_dump",
                ..A
            },
            9,
            1,
            "statement: SELECT 1",
        )
        .says(
            Who {
                session: "d.4",
                database: "postgres",
                ..A
            },
            9,
            1,
            "statement: SELECT 1",
        );
    let traffic = log.read();
    assert_eq!(
        shown(&traffic, 0),
        [
            "0ns create: CREATE TEMP TABLE x (a int)",
            "1ms drop: DROP TABLE x",
            "8ms select: SELECT $1 <- [12345]",
        ]
    );
    let expected = [
        ("of transactions without anything else", 2),
        ("ALTER TABLE", 1),
        ("DROP TABLE", 1),
        ("a parameter was cut off (log_parameter_max_length)", 1),
        ("function call without SQL", 1),
        (
            "its parameters were not logged (log_parameter_max_length = 0)",
            1,
        ),
        ("of other databases", 1),
        ("of pg_dump", 1),
    ];
    assert_eq!(left_out(&traffic), expected);
}

#[test]
fn dots_at_the_end_of_a_value_that_is_shorter_than_others_are_its_own() {
    let log = Log::default()
        .with(
            0,
            "execute <unnamed>: SELECT $1",
            "parameters: $1 = 'so...'",
        )
        .with(
            1,
            "execute <unnamed>: SELECT $1",
            "parameters: $1 = 'nothing is cut off at this length'",
        );
    assert_eq!(shown(&log.read(), 0).len(), 2);
}

#[test]
fn the_busiest_database_is_taken_unless_one_is_named() {
    let other = Who {
        session: "c.3",
        database: "other",
        ..A
    };
    let log = Log::default()
        .says(other, 0, 2, "statement: SELECT 1")
        .says(A, 1, 2, "statement: SELECT 1")
        .says(A, 2, 3, "statement: SELECT 1");
    assert_eq!(log.read().database, "shop");
    let named = |database| {
        let options = LogOptions {
            database: Some(database),
            speed: 1.0,
        };
        LoggedTraffic::read("p.csv", &log.text, options)
    };
    assert_eq!(named("other").unwrap().transactions(), 1);
    insta::assert_snapshot!(named("none").unwrap_err(), @"p.csv:1: the log has no statement of database `none`; it has some of other, shop");
}

#[test]
fn a_log_without_statements_or_with_a_jump_of_the_clock_is_refused() {
    let error = |log: &Log| log.read_at(1.0).unwrap_err();
    let log = Log::default().says(A, 0, 2, "duration: 1.000 ms");
    insta::assert_snapshot!(error(&log), @"p.csv:1: the log has no statement: write it with log_statement = 'all' or log_min_duration_statement = 0, and with lc_messages = 'C'");
    let mut log = Log::default().says(A, 0, 2, "statement: SELECT 1");
    log.text += &log.text.replace(".000 UTC", ".000 CET");
    insta::assert_snapshot!(error(&log), @"p.csv:2: from here on the times are in CET and not in UTC, so the clock jumps: cut the log in two here");
    let log = Log::default().says(A, 0, 2, "statement: VACUUM");
    insta::assert_snapshot!(error(&log), @"p.csv:1: no statement of the log can be replayed");
}
