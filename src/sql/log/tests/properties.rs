//! What holds of any log.

use super::*;

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
