//! The rule `integrity`: whether the scenario's invariants hold after the migration as before, and nothing is
//! left behind that is not as it should be.

use crate::observe::{
    Integrity, Invariant, Migration, MigrationOutcome, PassName, RowChangeKind, SecondRun,
};

use super::case::Case;
use super::gap::Gap;
use super::wording::{counted, place};
use super::{Finding, Unit, Window, reversal};

/// One finding for each invariant that held before and could be read after (the others are among the
/// gaps), and one for each kind of thing that is not as it should be.
pub(super) fn integrity(case: &Case<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = case
        .integrity
        .invariants
        .iter()
        .filter(|invariant| is_judged(case, invariant))
        .filter_map(|invariant| kept(case, invariant))
        .collect();
    if let Some(migration) = &case.pass.migration {
        findings.extend(left_by_failure(case, migration));
        findings.extend(left_by_abort(case, migration));
        findings.extend(unusable_indexes(case, migration));
        findings.extend(case.integrity.lagging_sequences.iter().map(|sequence| {
            let detail = format!(
                "the sequence {} gives {} next, but {} has {} already: inserts will fail",
                sequence.sequence, sequence.next, sequence.column, sequence.highest
            );
            let mut finding = broken(case, 1, detail);
            finding.help = Some(format!(
                "end the migration with setval('{}', (SELECT max(…) …)) in the transaction that writes the rows",
                sequence.sequence
            ));
            finding
        }));
    }
    findings.extend(reversal::findings(case));
    findings
}

/// What did not hold before is nobody's doing, but the way back has to mend also that.
fn is_judged(case: &Case<'_>, invariant: &Invariant) -> bool {
    invariant.before == invariant.expect || case.pass.name == PassName::Rollback
}

fn kept(case: &Case<'_>, invariant: &Invariant) -> Option<Finding> {
    let worst = invariant.worst()?;
    let off = worst.abs_diff(invariant.expect) as f64;
    let mut finding = case.finding("integrity", Unit::Count, (off, 0.0));
    finding.window = Window::Recovery;
    let when = match invariant.after == Some(worst) {
        true => "after the migration",
        false => "at the moment when the migration ended",
    };
    finding.detail = format!(
        "the invariant {} gives {worst} {when}; it must give {}",
        invariant.name, invariant.expect
    );
    Some(finding)
}

/// A finding that counts things which must not be.
pub(super) fn broken(case: &Case<'_>, count: usize, detail: String) -> Finding {
    let mut finding = case.finding("integrity", Unit::Count, (count as f64, 0.0));
    finding.window = Window::Recovery;
    finding.detail = detail;
    finding
}

/// What a migration that failed left behind. One that the tool stopped is not judged by what it would
/// have come to.
fn left_by_failure(case: &Case<'_>, migration: &Migration) -> Option<Finding> {
    let left = &case.integrity.leftovers;
    if migration.outcome != MigrationOutcome::Failed || left.is_empty() {
        return None;
    }
    let detail = format!("the migration failed and left behind: {}", and_others(left));
    let mut finding = broken(case, left.len(), detail);
    finding.statement = migration.error.as_ref().and_then(|error| error.statement);
    finding.help = Some(
        "put what belongs together into one transaction, and make each other step one that can be run again"
            .to_owned(),
    );
    Some(finding)
}

/// What an end on purpose left behind, and whether a second run mends it.
fn left_by_abort(case: &Case<'_>, migration: &Migration) -> Option<Finding> {
    let abort = case
        .pass
        .abort
        .as_ref()
        .filter(|abort| abort.asked.is_some())?;
    if migration.outcome != MigrationOutcome::Aborted {
        return None;
    }
    let left = &case.integrity.leftovers;
    let second = abort.second_run.as_ref();
    let mended = second.is_some_and(SecondRun::mended);
    let failed = second.filter(|second| second.outcome != MigrationOutcome::Applied);
    let count = match mended {
        true => 0,
        false if failed.is_some() => left.len().max(1),
        false => left.len() + second.map_or(0, |second| second.left.len()),
    };
    let what = match left.is_empty() {
        true => "the abort left nothing behind".to_owned(),
        false => format!("the abort left behind: {}", and_others(left)),
    };
    let then = match second {
        None => "no second run was made".to_owned(),
        Some(_) if mended => "a second run came to its end".to_owned(),
        Some(second) => match &second.error {
            Some(error) => format!("a second run fails: {}", error.message),
            None => format!("after a second run {}", and_others(&second.left)),
        },
    };
    let mut finding = broken(case, count, format!("{what}; {then}"));
    finding.help = (count > 0).then(|| {
        "let each step be one that can be run again (IF NOT EXISTS, batches that know where to go on), or write \
         down how to take back what an abort leaves"
            .to_owned()
    });
    Some(finding)
}

fn unusable_indexes(case: &Case<'_>, migration: &Migration) -> Option<Finding> {
    let indexes = &case.integrity.invalid_indexes;
    if migration.outcome != MigrationOutcome::Applied || indexes.is_empty() {
        return None;
    }
    let detail = format!(
        "the migration was applied and left an invalid index, which every write pays for and no query uses: {}",
        and_others(indexes)
    );
    let mut finding = broken(case, indexes.len(), detail);
    finding.help = Some(
        "DROP INDEX CONCURRENTLY it and build it again; IF NOT EXISTS takes an invalid index for a good one"
            .to_owned(),
    );
    Some(finding)
}

/// The first of several, and how many more.
pub(super) fn and_others(names: &[impl AsRef<str>]) -> String {
    const NAMED: usize = 3;
    let named: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(NAMED) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

/// What an applied migration left on purpose, or may have: no failure, but to be known.
pub(super) fn caveats(case: &Case<'_>) -> Vec<String> {
    let mut caveats: Vec<String> = Vec::new();
    caveats.extend(reversal::caveat(case));
    let applied = |migration: &Migration| migration.outcome == MigrationOutcome::Applied;
    let ran_through = case.pass.migration.as_ref().is_some_and(applied);
    let abort = case.pass.abort.as_ref();
    if let Some(abort) = abort.filter(|abort| abort.asked.is_none() || ran_through) {
        caveats.push(format!(
            "the migration was over before it could be aborted ({})",
            abort.after
        ));
    }
    let Some(migration) = case.pass.migration.as_ref() else {
        return caveats;
    };
    if migration.outcome != MigrationOutcome::Applied {
        return caveats;
    }
    let constraints = case.integrity.unvalidated_constraints.iter();
    caveats.extend(constraints.map(|name| {
            format!(
                "the constraint {name} stays NOT VALID: it holds for new rows, and the old ones are unproved \
                 until VALIDATE CONSTRAINT"
            )
        }));
    caveats.extend(case.integrity.lost_rows.iter().map(|lost| {
        let about = match lost.how {
            RowChangeKind::Dropped | RowChangeKind::Truncated => "about ",
            _ => "",
        };
        format!(
            "{} took {about}{} of {} away ({}): only a backup brings them back",
            place(migration, lost.statement),
            counted(lost.rows, "row"),
            lost.relation,
            lost.how.participle()
        )
    }));
    caveats
}

/// What is not known of the invariants.
pub(super) fn gaps(case: &Case<'_>) -> Vec<Gap> {
    let invariants = case.integrity.invariants.iter();
    let broken_before = invariants
        .filter(|invariant| !is_judged(case, invariant))
        .map(|invariant| {
            Gap::thin(format!(
                "the invariant {} gave {} before any migration, and must give {}: what the migration \
                 does to it was not seen",
                invariant.name, invariant.before, invariant.expect
            ))
        });
    broken_before
        .chain(unreadable(case.integrity))
        .chain(unread_schema(case))
        .chain(reversal::gap(case))
        .collect()
}

/// A schema that was read before the migration and not after it.
fn unread_schema(case: &Case<'_>) -> Option<Gap> {
    let Integrity {
        fingerprint_before,
        fingerprint_after,
        ..
    } = case.integrity;
    let unread = fingerprint_before.is_some() && fingerprint_after.is_none();
    (unread && case.pass.migration.is_some())
        .then(|| Gap::thin("what the migration left in the schema could not be read".to_owned()))
}

/// Invariants that the migration left unreadable.
pub(super) fn unreadable(integrity: &Integrity) -> impl Iterator<Item = Gap> {
    let unread = integrity.invariants.iter();
    unread
        .filter(|invariant| invariant.after.is_none())
        .map(|invariant| {
            let error = invariant.error.as_deref().unwrap_or("nothing was read");
            Gap::thin(format!(
                "the invariant {} could not be read after the migration: {error}",
                invariant.name
            ))
        })
}
