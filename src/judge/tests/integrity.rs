//! What a migration leaves behind.

use super::*;
use crate::observe::{
    Abort, LaggingSequence, LostRows, RestoredTable, Rollback, RowChangeKind, SecondRun,
};

fn judged_with(pass: Pass, integrity: Integrity) -> Verdict {
    judged(Pass { integrity, ..pass })
}

fn of_integrity(verdict: &Verdict) -> Vec<&str> {
    let findings = verdict.findings.iter();
    findings
        .filter(|finding| finding.rule == "integrity" && !finding.passed)
        .map(|finding| finding.detail.as_str())
        .collect()
}

#[test]
fn an_applied_migration_may_leave_a_constraint_unproved_but_no_invalid_index() {
    let deliberate = judged_with(
        healthy(),
        Integrity {
            unvalidated_constraints: vec!["public.a.b".to_owned()],
            ..Integrity::default()
        },
    );
    assert_eq!(deliberate.outcome, Outcome::Safe);
    let told = |caveat: &String| caveat.contains("public.a.b stays NOT VALID");
    assert!(
        deliberate.caveats.iter().any(told),
        "{:?}",
        deliberate.caveats
    );
    let invalid = judged_with(
        healthy(),
        Integrity {
            invalid_indexes: vec!["public.i".to_owned()],
            ..Integrity::default()
        },
    );
    assert_eq!(invalid.outcome, Outcome::Unsafe);
    insta::assert_snapshot!(of_integrity(&invalid).join("\n"), @"the migration was applied and left an invalid index, which every write pays for and no query uses: public.i");
}

#[test]
fn what_a_failed_migration_leaves_is_a_finding_of_its_own() {
    let mut pass = healthy();
    let migration = pass.migration.as_mut().unwrap();
    migration.outcome = MigrationOutcome::Failed;
    let left: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let integrity = Integrity {
        leftovers: left,
        ..Integrity::default()
    };
    let verdict = judged_with(pass.clone(), integrity.clone());
    insta::assert_snapshot!(of_integrity(&verdict).join("\n"), @"the migration failed and left behind: a; b; c; and 2 more");
    // What the tool stopped would have come to something else.
    pass.migration.as_mut().unwrap().outcome = MigrationOutcome::Aborted;
    assert!(of_integrity(&judged_with(pass, integrity)).is_empty());
}

#[test]
fn a_sequence_left_behind_its_column_is_unsafe() {
    let verdict = judged_with(
        healthy(),
        Integrity {
            lagging_sequences: vec![LaggingSequence {
                sequence: "public.s".to_owned(),
                column: "public.t.id".to_owned(),
                next: 1,
                highest: 900,
            }],
            ..Integrity::default()
        },
    );
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    insta::assert_snapshot!(of_integrity(&verdict).join("\n"), @"the sequence public.s gives 1 next, but public.t.id has 900 already: inserts will fail");
}

#[test]
fn rows_that_are_gone_are_told_and_not_judged() {
    let verdict = judged_with(
        healthy(),
        Integrity {
            lost_rows: vec![LostRows {
                relation: "public.old".to_owned(),
                how: RowChangeKind::Dropped,
                rows: 1_200,
                statement: 0,
            }],
            ..Integrity::default()
        },
    );
    assert_eq!(verdict.outcome, Outcome::Safe);
    let told = |caveat: &String| caveat.contains("about 1,200 rows of public.old away (dropped)");
    assert!(verdict.caveats.iter().any(told), "{:?}", verdict.caveats);
}

#[test]
fn an_invariant_broken_for_a_moment_is_broken() {
    let mut pass = with_invariant(0, Some(0));
    pass.integrity.invariants[0].at_end = Some(4);
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    insta::assert_snapshot!(of_integrity(&verdict).join("\n"), @"the invariant no-payment-without-order gives 4 at the moment when the migration ended; it must give 0");
}

fn aborted(left: &[&str], second_run: Option<SecondRun>) -> Pass {
    let mut pass = healthy();
    pass.name = PassName::Abort;
    let migration = pass.migration.as_mut().unwrap();
    migration.outcome = MigrationOutcome::Aborted;
    pass.integrity.leftovers = left.iter().map(|&left| left.to_owned()).collect();
    pass.abort = Some(Abort {
        after: "3.00 s".to_owned(),
        by: "cancel".to_owned(),
        asked: Some(Duration::from_secs(13)),
        statement: Some(0),
        took: Some(Duration::from_millis(20)),
        server_down: None,
        traffic_back: Some(Duration::from_secs(1)),
        grown: Vec::new(),
        second_run,
    });
    pass
}

fn second(outcome: MigrationOutcome, left: &[&str]) -> Option<SecondRun> {
    let error = MigrationError {
        sqlstate: Some("42701".to_owned()),
        message: "column \"b\" exists".to_owned(),
        statement: Some(0),
    };
    Some(SecondRun {
        outcome,
        error: (outcome == MigrationOutcome::Failed).then_some(error),
        duration: Duration::from_secs(1),
        left: left.iter().map(|&left| left.to_owned()).collect(),
    })
}

#[test]
fn an_abort_is_unsafe_where_a_second_run_does_not_mend_it() {
    use MigrationOutcome::{Applied, Failed};
    let of = |left: &[&str], second_run| {
        let verdict = judge(
            &Limits::default(),
            &[healthy(), aborted(left, second_run)],
            &context(),
        );
        let abort = verdict
            .findings
            .iter()
            .find(|finding| finding.rule == "integrity" && finding.pass == PassName::Abort);
        format!("{:?}: {}", verdict.outcome, abort.unwrap().detail)
    };
    insta::assert_snapshot!(of(&[], second(Applied, &[])), @"Safe: the abort left nothing behind; a second run came to its end");
    insta::assert_snapshot!(of(&["x stays"], second(Applied, &[])), @"Safe: the abort left behind: x stays; a second run came to its end");
    insta::assert_snapshot!(of(&["x stays"], second(Failed, &[])), @r#"Unsafe: the abort left behind: x stays; a second run fails: column "b" exists"#);
    insta::assert_snapshot!(of(&["x stays"], second(Applied, &["index i is not valid"])), @"Unsafe: the abort left behind: x stays; after a second run index i is not valid");
    insta::assert_snapshot!(of(&["x stays"], None), @"Unsafe: the abort left behind: x stays; no second run was made");
}

#[test]
fn an_abort_that_came_too_late_is_told() {
    let mut late = aborted(&[], None);
    late.migration.as_mut().unwrap().outcome = MigrationOutcome::Applied;
    late.abort.as_mut().unwrap().asked = None;
    let verdict = judge(&Limits::default(), &[healthy(), late], &context());
    assert_eq!(verdict.outcome, Outcome::Safe, "{}", show(&verdict));
    let told = |caveat: &String| caveat.contains("over before it could be aborted");
    assert!(verdict.caveats.iter().any(told), "{:?}", verdict.caveats);
}

#[test]
fn an_abort_that_missed_excuses_nothing() {
    let mut missed = aborted(&[], None);
    missed.migration.as_mut().unwrap().outcome = MigrationOutcome::Applied;
    let of = |pass: &Pass| judge(&Limits::default(), &[healthy(), pass.clone()], &context());
    let verdict = of(&missed);
    assert_eq!(verdict.outcome, Outcome::Safe, "{}", show(&verdict));
    let told = |caveat: &String| caveat.contains("over before it could be aborted");
    assert!(verdict.caveats.iter().any(told), "{:?}", verdict.caveats);
    missed.phases.pop();
    assert_eq!(of(&missed).outcome, Outcome::Inconclusive);
    missed.migration.as_mut().unwrap().outcome = MigrationOutcome::Aborted;
    missed.abort.as_mut().unwrap().second_run = second(MigrationOutcome::Applied, &[]);
    assert_eq!(of(&missed).outcome, Outcome::Safe);
}

#[test]
fn a_schema_that_could_not_be_read_afterwards_is_not_one_in_which_nothing_is_left() {
    let of = |after: Option<&str>| {
        judged_with(
            healthy(),
            Integrity {
                fingerprint_before: Some("1".to_owned()),
                fingerprint_after: after.map(str::to_owned),
                ..Integrity::default()
            },
        )
    };
    assert_eq!(of(Some("2")).outcome, Outcome::Safe);
    let unread = of(None);
    assert_eq!(unread.outcome, Outcome::Inconclusive);
    assert_eq!(
        unread.reasons,
        ["what the migration left in the schema could not be read"]
    );
}

#[test]
fn a_way_back_that_could_not_be_compared_is_neither_good_nor_bad() {
    let of = |error: Option<&str>| {
        let back = Pass {
            name: PassName::Rollback,
            rollback: Some(Rollback {
                uncompared: Some("connection refused".to_owned()),
                error: error.map(str::to_owned),
                ..Rollback::default()
            }),
            ..healthy()
        };
        judge(&Limits::default(), &[healthy(), back], &context())
    };
    let open = of(None);
    assert_eq!(open.outcome, Outcome::Inconclusive);
    assert_eq!(
        open.reasons,
        ["whether the way back brings everything back could not be compared: connection refused"]
    );
    // That it failed is known all the same.
    assert_eq!(of(Some("syntax error")).outcome, Outcome::Unsafe);
}

#[test]
fn a_killed_servers_outage_is_not_the_migrations() {
    let mut killed = aborted(&[], second(MigrationOutcome::Applied, &[]));
    killed.impact.unavailable = Duration::from_secs(9);
    let of = |pass: &Pass| judge(&Limits::default(), &[healthy(), pass.clone()], &context());
    assert_eq!(of(&killed).outcome, Outcome::Unsafe);
    killed.abort.as_mut().unwrap().server_down = Some(Duration::from_secs(2));
    assert_eq!(of(&killed).outcome, Outcome::Safe);
}

#[test]
fn a_way_back_that_loses_values_is_unsafe() {
    let of = |rollback: Rollback| {
        let back = Pass {
            name: PassName::Rollback,
            rollback: Some(rollback),
            ..healthy()
        };
        judge(&Limits::default(), &[healthy(), back], &context())
    };
    let table = |columns: &[&str]| RestoredTable {
        name: "public.t".to_owned(),
        rows_before: Some(5),
        rows_after: Some(5),
        checksum_equal: columns.is_empty(),
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
    };
    let whole = of(Rollback {
        identical: true,
        tables: vec![table(&[])],
        ..Rollback::default()
    });
    assert_eq!(whole.outcome, Outcome::Safe, "{}", show(&whole));
    let line = || vec!["~ type public.mood: enum ('a') → enum ('a', 'b')".to_owned()];
    let more = of(Rollback {
        schema_diff: line(),
        ..Rollback::default()
    });
    assert_eq!(more.outcome, Outcome::Safe, "{}", show(&more));
    let told = |caveat: &String| caveat.contains("leaves more than there was: ~ type public.mood");
    assert!(more.caveats.iter().any(told), "{:?}", more.caveats);
    let less = of(Rollback {
        schema_diff: line(),
        missing: line(),
        ..Rollback::default()
    });
    assert_eq!(less.outcome, Outcome::Unsafe, "{}", show(&less));
    assert_eq!(
        of_integrity(&less),
        [
            "the way back does not restore the schema: ~ type public.mood: enum ('a') → enum ('a', 'b')"
        ]
    );
    let lossy = of(Rollback {
        tables: vec![table(&["note"])],
        again: Some("it exists".to_owned()),
        ..Rollback::default()
    });
    assert_eq!(lossy.outcome, Outcome::Unsafe);
    insta::assert_snapshot!(of_integrity(&lossy).join("\n"), @r"
    after up and down the values of public.t are others, or gone, in note
    after the way back the migration cannot be applied again: it exists
    ");
}

#[test]
fn the_way_back_mends_an_invariant_that_half_of_a_migration_broke() {
    let of = |after| {
        let back = Pass {
            name: PassName::Rollback,
            ..with_invariant(7, Some(after))
        };
        judge(&Limits::default(), &[healthy(), back], &context()).outcome
    };
    assert_eq!(of(0), Outcome::Safe);
    assert_eq!(of(7), Outcome::Unsafe);
}
