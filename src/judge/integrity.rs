//! The rule `integrity`: whether the scenario's invariants hold after the migration as before.

use crate::observe::Integrity;

use super::case::Case;
use super::gap::Gap;
use super::{Finding, Unit, Window};

/// One finding for each invariant that held before and could be read after; the others are among the
/// gaps.
pub(super) fn integrity(case: &Case<'_>) -> Vec<Finding> {
    let held_before = case.integrity.invariants.iter();
    held_before
        .filter(|invariant| invariant.before == invariant.expect)
        .filter_map(|invariant| {
            let after = invariant.after?;
            let off = after.abs_diff(invariant.expect) as f64;
            let mut finding = case.finding("integrity", Unit::Count, (off, 0.0));
            finding.window = Window::Recovery;
            finding.detail = format!(
                "the invariant {} gives {after} after the migration; it must give {}",
                invariant.name, invariant.expect
            );
            Some(finding)
        })
        .collect()
}

/// What is not known of the invariants.
pub(super) fn gaps(integrity: &Integrity) -> Vec<Gap> {
    let broken_before = integrity
        .invariants
        .iter()
        .filter(|invariant| invariant.before != invariant.expect)
        .map(|invariant| {
            Gap::thin(format!(
                "the invariant {} gave {} before any migration, and must give {}: what the migration \
                 does to it was not seen",
                invariant.name, invariant.before, invariant.expect
            ))
        });
    broken_before.chain(unreadable(integrity)).collect()
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
