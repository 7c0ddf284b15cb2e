//! Who is blamed, and what is advised.

use super::*;

#[test]
fn work_under_an_earlier_statements_lock_gives_the_advice() {
    let mut pass = locked();
    let migration = pass.migration.as_mut().unwrap();
    let mut work = migration.statements.pop().unwrap();
    let taker = Statement {
        duration: secs(0.001),
        hazards: Vec::new(),
        ..work.clone()
    };
    work.index = taker.index + 1;
    let rewrite = work.hazards[0].rewrite.clone();
    migration.statements.extend([taker, work]);
    let verdict = judged(pass);
    let lock_wait = verdict
        .findings
        .iter()
        .find(|finding| finding.rule == "lock_wait")
        .unwrap();
    assert_eq!(lock_wait.statement, Some(1));
    let help = lock_wait.help.as_deref().unwrap();
    assert!(help.starts_with("commit it before statement 3 "), "{help}");
    assert!(help.ends_with(&format!("; instead of that: {}", rewrite.unwrap())));
}

#[test]
fn milliseconds_behind_one_statement_do_not_explain_a_slow_p99() {
    let mut pass = healthy();
    let slower = usual(4.32).map(|kind| Kind { p99: 0.9, ..kind });
    set(&mut pass, PhaseName::Migration, &slower);
    let verdict = judged(pass);
    assert_eq!(verdict.deciding().unwrap().rule, "p99_ratio");
    assert_eq!(verdict.deciding().unwrap().statement, None);
}

#[test]
fn a_later_statement_of_another_transaction_is_not_where_the_time_went() {
    let mut pass = locked();
    let statements = &mut pass.migration.as_mut().unwrap().statements;
    let mut build = statement(2, 9, "CREATE INDEX CONCURRENTLY i ON measurements (at)");
    build.start = secs(14.33);
    build.duration = secs(30.0);
    statements.push(build);
    assert_eq!(blame(&pass)[0].spent_in, None);
    pass.migration.as_mut().unwrap().statements[2].start = secs(10.02);
    assert_eq!(blame(&pass)[0].spent_in, Some(2));
}

#[test]
fn statements_under_anothers_lock_are_to_be_taken_apart() {
    let mut pass = locked();
    let statements = &mut pass.migration.as_mut().unwrap().statements;
    let mut backfill = statement(2, 9, "UPDATE measurements SET a = c.a FROM c");
    (backfill.start, backfill.duration) = (secs(10.02), secs(30.0));
    backfill.rows = vec![RowChange {
        relation: "public.measurements".to_owned(),
        kind: RowChangeKind::Updated,
        rows: 400_000,
    }];
    statements.push(backfill);
    let verdict = judged(pass);
    let deciding = verdict.deciding().unwrap();
    assert_eq!(deciding.rule, "lock_wait");
    insta::assert_snapshot!(deciding.help.clone().unwrap_or_default(), @"commit it before statement 3 (migration.sql:9), which ran for most of the time under its lock; instead of that: batches of a few thousand rows along the primary key, each committed by itself, with pauses: 400,000 rows of public.measurements were updated in one transaction, which keeps all of them locked; and add the constraint NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own");
}

#[test]
fn waits_of_others_and_behind_others_are_not_owed_to_the_migration() {
    let mut pass = healthy();
    let mut behind_traffic = wait(RECORD, 11.0, 9.0);
    behind_traffic.root.kind = RootKind::Traffic;
    let vacuum = wait("other", 11.0, 9.0);
    let own = wait("migration", 11.0, 9.0);
    pass.locks = locks(vec![behind_traffic, vacuum, own]);
    assert_eq!(judged(pass.clone()).outcome, Outcome::Safe);
    assert_eq!(blame(&pass), []);
}

#[test]
fn blame_gathers_waits_by_statement_and_relation() {
    let mut pass = healthy();
    let reader = LockWait {
        root: Root {
            statement: Some(0),
            ..wait(CHART, 0.0, 0.0).root
        },
        ..wait(CHART, 10.0, 0.5)
    };
    pass.locks = locks(vec![
        wait(RECORD, 10.0, 1.0),
        wait(RECORD, 10.5, 1.0),
        wait(ADMIT, 11.0, 0.25),
        reader,
    ]);
    let statements = &mut pass.migration.as_mut().unwrap().statements;
    statements[1].locks.push(HeldLock {
        relation: "public.measurements".to_owned(),
        mode: "ShareRowExclusiveLock".to_owned(),
        held: Some(secs(1.7)),
    });
    let blames = blame(&pass);
    assert_eq!(blames.len(), 2);
    let first = &blames[0];
    assert_eq!(first.statement, Some(1));
    assert_eq!(first.held, Some(secs(1.7)));
    assert_eq!((first.waits, first.peak), (3, 2));
    assert_eq!((first.longest, first.total), (secs(1.0), secs(2.25)));
    assert_eq!(first.waiters[0].transaction, RECORD);
    assert_eq!(first.waiters[0].total, secs(2.0));
    assert_eq!(blames[1].statement, Some(0));
}
