use proptest::prelude::*;

use super::*;

/// A csvlog of version 14 or later.
#[derive(Default)]
struct Log {
    text: String,
}

/// Who writes, and in which transaction.
#[derive(Clone, Copy)]
struct Who {
    session: &'static str,
    database: &'static str,
    application: &'static str,
}

const A: Who = Who {
    session: "a.1",
    database: "shop",
    application: "web",
};
const B: Who = Who {
    session: "b.2",
    ..A
};

impl Log {
    fn entry(&mut self, who: Who, millis: u32, transaction: u32, rest: [&str; 5]) {
        let [severity, sqlstate, message, detail, query] = rest;
        let quote = |text: &str| match text {
            "" => String::new(),
            text => format!("\"{}\"", text.replace('"', "\"\"")),
        };
        self.text += &format!(
            "2026-11-21 06:00:{:02}.{:03} UTC,\"app\",{},1,\"[local]\",{},1,\"x\",2026-11-21 06:00:00 UTC,3/{transaction},0,{severity},{sqlstate},{},{},,,,,{},,,{},\"client backend\",,0\n",
            millis / 1_000,
            millis % 1_000,
            quote(who.database),
            who.session,
            quote(message),
            quote(detail),
            quote(query),
            quote(who.application),
        );
    }

    fn says(mut self, who: Who, millis: u32, transaction: u32, message: &str) -> Self {
        self.entry(who, millis, transaction, ["LOG", "00000", message, "", ""]);
        self
    }

    fn with(mut self, millis: u32, message: &str, detail: &str) -> Self {
        self.entry(A, millis, 0, ["LOG", "00000", message, detail, ""]);
        self
    }

    fn fails(mut self, millis: u32, sqlstate: &str, query: &str) -> Self {
        self.entry(A, millis, 2, ["ERROR", sqlstate, "no", "", query]);
        self
    }

    fn read(&self) -> LoggedTraffic {
        self.read_at(1.0).unwrap_or_else(|error| panic!("{error}"))
    }

    fn read_at(&self, speed: f64) -> Result<LoggedTraffic, LogError> {
        let options = LogOptions {
            database: None,
            speed,
        };
        LoggedTraffic::read("p.csv", &self.text, options)
    }
}

/// The transactions of a session in short: when, which kind, and its statements with their pauses.
fn shown(traffic: &LoggedTraffic, session: usize) -> Vec<String> {
    let transactions = traffic.sessions[session].transactions.iter();
    let shown = transactions.map(|transaction| {
        let statements = transaction.statements.iter().map(|statement| {
            let pause = match statement.pause {
                Pause::AfterEnd(Duration::ZERO) => String::new(),
                Pause::AfterEnd(pause) => format!("{pause:?} later "),
                Pause::AfterStart(pause) => format!("{pause:?} on "),
            };
            let values = statement.parameters.as_ref().map(|values| {
                let values = values
                    .iter()
                    .map(|value| value.as_deref().unwrap_or("NULL"));
                format!(" <- [{}]", values.collect::<Vec<_>>().join(", "))
            });
            let error = statement.error.as_ref().map(|error| format!(" !{error}"));
            pause + &statement.text + &values.unwrap_or_default() + &error.unwrap_or_default()
        });
        format!(
            "{:?} {}: {}",
            transaction.at,
            traffic.kinds[transaction.kind].name,
            statements.collect::<Vec<_>>().join(" | ")
        )
    });
    shown.collect()
}

fn left_out(traffic: &LoggedTraffic) -> Vec<(&str, u64)> {
    let left = traffic.left_out.iter();
    left.map(|left| (left.what.as_str(), left.statements))
        .collect()
}

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
fn what_is_cut_by_the_logs_ends_is_closed() {
    let log = Log::default()
        .says(A, 0, 5, "statement: INSERT INTO t VALUES (1)")
        .says(A, 1, 5, "statement: COMMIT")
        .says(A, 2, 6, "statement: BEGIN; SELECT 1 FROM t")
        .says(A, 3, 6, "statement: DELETE FROM t");
    assert_eq!(
        shown(&log.read(), 0),
        [
            "0ns insert t: INSERT INTO t VALUES (1)",
            "2ms delete t: BEGIN; SELECT 1 FROM t | 1ms on DELETE FROM t | ROLLBACK",
        ]
    );
}

#[test]
fn a_session_ends_after_its_last_statement() {
    let log = Log::default()
        .says(A, 0, 5, "statement: SELECT 1")
        .says(A, 2, 0, "duration: 2.900 ms")
        .says(A, 2, 6, "statement: SELECT 2")
        .says(A, 3, 0, "duration: 0.300 ms")
        .says(
            A,
            3,
            0,
            "disconnection: session time: 0:00:00.003 user=app database=shop",
        );
    let traffic = log.read();
    let [session] = traffic.sessions.as_slice() else {
        panic!("{traffic:?}")
    };
    assert_eq!(session.transactions[1].at, Duration::from_micros(2_900));
    assert_eq!(session.end, Some(Duration::from_micros(3_200)));
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
fn rare_kinds_are_one() {
    let mut log = Log::default();
    for kind in 0..60 {
        for _ in 0..=kind {
            log = log.says(
                A,
                0,
                0,
                &format!("duration: 0.000 ms  statement: SELECT {kind} FROM t{kind}"),
            );
        }
    }
    let traffic = log.read();
    assert_eq!(traffic.kinds.len(), 50);
    assert_eq!(traffic.kinds[0].name, "select t59");
    assert_eq!(traffic.kinds[0].transactions, 60);
    assert_eq!(traffic.kinds[49].name, "other");
    assert_eq!(traffic.kinds[49].transactions, (1..=11).sum::<u64>());
    assert_eq!(traffic.transactions(), (1..=60).sum::<u64>());
    let of_kind = |kind| {
        let transactions = traffic.sessions[0].transactions.iter();
        transactions
            .filter(|transaction| transaction.kind == kind)
            .count()
    };
    assert_eq!((of_kind(0), of_kind(49)), (60, 66));
}

#[test]
fn kinds_of_one_name_are_numbered() {
    let log = Log::default()
        .says(A, 0, 2, "statement: SELECT a FROM t")
        .says(A, 1, 3, "statement: SELECT b FROM t")
        .says(A, 2, 4, "statement: select  A from t");
    let names: Vec<String> = log.read().kinds.into_iter().map(|kind| kind.name).collect();
    assert_eq!(names, ["select t", "select t #2"]);
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

#[test]
fn the_peak_of_sessions_counts_those_open_at_once() {
    let mut traffic = LoggedTraffic::default();
    assert_eq!(traffic.peak_sessions(), 0);
    for (start, end) in [(0, Some(5)), (3, None), (5, Some(6)), (6, None)] {
        traffic.sessions.push(LoggedSession {
            start: Duration::from_secs(start),
            end: end.map(Duration::from_secs),
            transactions: Vec::new(),
        });
    }
    assert_eq!(traffic.peak_sessions(), 3);
}

proptest! {
    #[test]
    fn every_statement_is_replayed_or_listed(
        entries in prop::collection::vec(
            (any::<bool>(), 0u32..50_000, 0u32..4, prop::sample::select(vec![
                "statement: BEGIN", "statement: COMMIT", "statement: ROLLBACK", "statement: SELECT 1",
                "duration: 3.000 ms  statement: SELECT 2 FROM t", "statement: DROP TABLE t",
                "execute <unnamed>: SELECT 3", "execute <unnamed>: SELECT $1", "duration: 2.000 ms",
                "statement: COMMIT AND CHAIN",
            ])),
            0..40,
        ),
        speed in 0.5..4.0f64,
    ) {
        let mut log = Log::default();
        for (a, at, transaction, message) in &entries {
            log = log.says(if *a { A } else { B }, *at, *transaction, message);
        }
        let Ok(traffic) = log.read_at(speed) else { return Ok(()) };
        let work = |message: &str| {
            ["SELECT", "DROP", "CHAIN"].iter().any(|word| message.contains(word))
        };
        let logged = entries.iter().filter(|(.., message)| work(message)).count() as u64;
        let listed: u64 = traffic
            .left_out
            .iter()
            .filter(|left| !left.what.starts_with("of transactions"))
            .map(|left| left.statements)
            .sum();
        prop_assert_eq!(traffic.statements + listed, logged);
        let transactions: usize = traffic.sessions.iter().map(|session| session.transactions.len()).sum();
        prop_assert_eq!(traffic.transactions(), transactions as u64);
        for session in &traffic.sessions {
            prop_assert!(session.transactions.is_sorted_by_key(|transaction| transaction.at));
            prop_assert!(session.transactions.iter().all(|transaction| transaction.at <= traffic.length));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in any::<String>(), message in "(?s).{0,40}", sql in "[a-c$1'(;, B]{0,20}") {
        let options = LogOptions { database: None, speed: 1.0 };
        let _ = LoggedTraffic::read("p", &text, options);
        let log = Log::default().says(A, 0, 0, &message).says(A, 1, 0, &format!("statement: {sql}"));
        let _ = log.read_at(1.0);
    }
}
