//! Where sessions begin and end.

use super::*;

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
