//! Kinds of transactions and their names.

use super::*;

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
