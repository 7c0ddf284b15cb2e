//! The part of the rule `integrity` that is about the way back: whether after up and down everything is as before.

use crate::observe::{RestoredTable, Rollback};

use super::Finding;
use super::case::Case;
use super::gap::Gap;
use super::integrity::{and_others, broken};
use super::wording::counted;

/// What the way back does not bring back; that it brings all back; none where that could not be told.
pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let Some(rollback) = &case.pass.rollback else {
        return Vec::new();
    };
    let faults = faults(rollback);
    if faults.is_empty() && rollback.uncompared.is_some() {
        return Vec::new();
    }
    if faults.is_empty() {
        return vec![broken(
            case,
            0,
            "after up and down every row is as it was before".to_owned(),
        )];
    }
    let told = faults.into_iter().map(|fault| {
        let mut finding = broken(case, 1, fault);
        finding.help = Some(
            "keep what the migration takes away (a renamed column, a copied table) until nobody goes back"
                .to_owned(),
        );
        finding
    });
    told.collect()
}

fn faults(rollback: &Rollback) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(error) = &rollback.error {
        faults.push(format!("the way back did not come to its end: {error}"));
    }
    let others = rollback.tables.iter().filter(|table| !table.is_same());
    faults.extend(others.map(not_as_before));
    if !rollback.missing.is_empty() {
        faults.push(format!(
            "the way back does not restore the schema: {}",
            and_others(&rollback.missing)
        ));
    }
    if let Some(again) = &rollback.again {
        faults.push(format!(
            "after the way back the migration cannot be applied again: {again}"
        ));
    }
    faults
}

/// What of a table the way back did not bring back: `after up and down public.t has 3 rows, before 5`.
pub fn not_as_before(table: &RestoredTable) -> String {
    let name = &table.name;
    match (table.rows_before, table.rows_after) {
        (Some(before), None) => format!(
            "after up and down {name} is gone, with {}",
            counted(before, "row")
        ),
        (None, Some(after)) => format!(
            "after up and down {name} is there, with {}",
            counted(after, "row")
        ),
        (Some(before), Some(after)) if before != after => format!(
            "after up and down {name} has {}, before {}",
            counted(after, "row"),
            counted(before, "row")
        ),
        _ => format!(
            "after up and down the values of {name} are others, or gone, in {}",
            table.columns.join(", ")
        ),
    }
}

/// What is there after the way back beside all that was there before: no failure, but to be known.
pub(super) fn caveat(case: &Case<'_>) -> Option<String> {
    let rollback = case.pass.rollback.as_ref()?;
    let beyond = rollback.schema_diff.iter();
    let beyond: Vec<&String> = beyond
        .filter(|line| !rollback.missing.contains(line))
        .collect();
    (!beyond.is_empty()).then(|| {
        format!(
            "the way back leaves more than there was: {}",
            and_others(&beyond)
        )
    })
}

/// What before and after could not be compared for.
pub(super) fn gap(case: &Case<'_>) -> Option<Gap> {
    let error = case.pass.rollback.as_ref()?.uncompared.as_ref()?;
    Some(Gap::thin(format!(
        "whether the way back brings everything back could not be compared: {error}"
    )))
}
