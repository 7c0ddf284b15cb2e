//! The conditions that a table's CHECKs and its columns' domains make.

use std::collections::BTreeSet;

use crate::schema::Table;
use crate::sql::{Bound, Formula, understand_check, understand_condition};

/// One condition on rows, with the name of the constraint that makes it.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) constraint: String,
    pub(super) formula: Formula,
    /// Whether it says more than the limits of single columns do.
    pub(super) ties: bool,
}

impl Condition {
    /// What to say of a condition that is not understood at all.
    pub(super) fn note(&self, table: &Table) -> Option<String> {
        match &self.formula {
            Formula::Unknown { text, .. } => Some(note(table, &self.constraint, text)),
            _ => None,
        }
    }
}

pub(super) fn note(table: &Table, constraint: &str, unknown: &str) -> String {
    format!(
        "{}: CHECK {constraint} is not understood; rows may break it: {unknown}",
        table.name
    )
}

/// The conditions of CHECKs, and of domains as far as they are more than limits.
pub(super) fn conditions_of(table: &Table) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = table
        .checks
        .iter()
        .map(|check| Condition {
            constraint: check.name.clone(),
            formula: understand_condition(&check.expression),
            ties: true,
        })
        .collect();
    for column in &table.columns {
        for expression in column.data_type.kind.domain_checks() {
            let formula = understand_condition(expression).renamed("VALUE", &column.name);
            if !formula.clone().simplified().is_plain() {
                conditions.push(Condition {
                    constraint: format!("the domain {} of {}", column.data_type.name, column.name),
                    formula,
                    ties: true,
                });
            }
        }
    }
    conditions
}

/// What the [`Limits`] of columns know of the conditions already.
pub(super) fn plain_bounds(table: &Table) -> BTreeSet<Bound> {
    let checks = table.checks.iter();
    let mut bounds: BTreeSet<Bound> = checks
        .flat_map(|check| understand_check(&check.expression))
        .collect();
    for column in &table.columns {
        for expression in column.data_type.kind.domain_checks() {
            bounds.extend(understand_check(expression).into_iter().map(|bound| Bound {
                column: column.name.clone(),
                ..bound
            }));
        }
    }
    bounds
}
