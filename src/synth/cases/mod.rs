//! Rows of a table that fall into cases, each with its own limits on the columns' values.
//!
//! `CHECK ((kind = 'card' AND iban IS NULL) OR (kind = 'transfer' AND iban IS NOT NULL))` allows two
//! cases; `a IS NOT NULL OR b IS NOT NULL` two more. Columns that such conditions tie together are a
//! [`Group`], and groups are independent of each other. A row's case is a hash of its number; in each
//! case a column has an ordinary plan.

mod adapt;
mod condition;
mod normal;
mod order;

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::Table;
use crate::sql::{Formula, Relation};

use super::choice::chooser::Chooser;
use super::error::SynthError;
use super::keys::links::Links;
use super::keys::unique::Uniqueness;
use super::limits::Limits;
use super::world::World;

use adapt::Ground;
use condition::{Condition, conditions_of, note, plain_bounds};
use normal::Clause;
pub(crate) use order::{Ladder, Neighbour, Place as Rung};

/// Cases that the CHECKs of a group give at most.
const MOST_CASES: usize = 64;

/// The groups of a table's columns that conditions tie together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cases {
    groups: Vec<Group>,
    /// What the reader of a report should know.
    pub(crate) notes: Vec<String>,
}

/// Columns whose values in a row depend on the row's case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) chooser: Chooser,
    pub(crate) cases: Vec<Case>,
    columns: BTreeSet<String>,
    /// The constraints that tie them.
    constraints: Vec<String>,
}

/// What holds of the group's columns in one case.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Case {
    pub(crate) weight: f64,
    /// By column; whatever holds in every row is in it, too.
    pub(crate) limits: BTreeMap<String, Limits>,
    pub(crate) relations: Vec<Relation>,
    /// Conditions that were not understood.
    pub(crate) unknown: Vec<String>,
}

impl Cases {
    /// The cases of a table with rows, by its CHECKs and its domains.
    ///
    /// # Errors
    /// Conditions that contradict each other.
    pub(crate) fn of_table(
        world: &World<'_>,
        table: &Table,
        links: &Links,
        unique: &Uniqueness,
    ) -> Result<Self, SynthError> {
        let ground = Ground {
            world,
            table,
            links,
            unique,
        };
        let mut conditions = Vec::new();
        let plain = plain_bounds(table);
        for Condition {
            constraint,
            formula,
            ..
        } in conditions_of(table)
        {
            let formula = ground.adapted(formula, false).simplified();
            let parts = match formula {
                Formula::All(parts) => parts,
                other => vec![other],
            };
            conditions.extend(parts.into_iter().map(|formula| Condition {
                constraint: constraint.clone(),
                ties: match &formula {
                    Formula::Any(_) | Formula::Columns(_) => true,
                    Formula::Column(bound) => !plain.contains(bound),
                    Formula::All(_) | Formula::Unknown { .. } => false,
                },
                formula,
            }));
        }
        let mut cases = Self::default();
        for condition in &conditions {
            cases.notes.extend(condition.note(table));
        }
        for part in components(&conditions) {
            let group = part.group(&ground)?;
            let unknown = group.cases.iter().flat_map(|case| &case.unknown).next();
            if let Some(unknown) = unknown {
                let names = group.constraints.join(", ");
                cases.notes.push(note(table, &names, unknown));
            }
            cases.groups.push(group);
        }
        cases.settle(world, table, &unique.decided());
        Ok(cases)
    }

    /// The group of a column, if any.
    pub(crate) fn group(&self, column: &str) -> Option<&Group> {
        self.groups
            .iter()
            .find(|group| group.columns.contains(column))
    }

    /// Settles which cases rows have. A column of those that are `fixed`, for they are unique, has
    /// the same values in all of them: cases that want others are left out.
    fn settle(&mut self, world: &World<'_>, table: &Table, fixed: &BTreeSet<String>) {
        for group in &mut self.groups {
            for column in group.columns.intersection(fixed) {
                if keep_alike(&mut group.cases, column) {
                    self.notes.push(format!(
                        "{}.{column} must be unique, so not all rows that {} allows are made",
                        table.name,
                        group.constraints.join(", ")
                    ));
                }
            }
            let weights: Vec<f64> = group.cases.iter().map(|case| case.weight).collect();
            let names: Vec<&str> = group.columns.iter().map(String::as_str).collect();
            let key = world.key(table, &format!("{} cases", names.join(" ")));
            group.chooser = Chooser::new(key, &weights);
        }
    }
}

/// Leaves the cases in which the column has the values that most rows have, or is NULL; whether that
/// are not all.
fn keep_alike(cases: &mut Vec<Case>, column: &str) -> bool {
    let values = |case: &Case| {
        let limits = case.limits.get(column).cloned().unwrap_or_default();
        (!limits.null).then(|| limits.of_values())
    };
    let weight = |one: &Limits| -> f64 {
        let alike = cases
            .iter()
            .filter(|case| values(case).as_ref() == Some(one));
        alike.map(|case| case.weight).sum()
    };
    let most = cases
        .iter()
        .filter_map(values)
        .map(|one| (weight(&one), one))
        .reduce(|most, one| if one.0 > most.0 { one } else { most });
    let Some((_, kept)) = most else {
        return false;
    };
    let before = cases.len();
    cases.retain(|case| values(case).is_none_or(|one| one == kept));
    cases.len() < before
}

/// Conditions that share columns.
struct Component<'c> {
    columns: BTreeSet<String>,
    conditions: Vec<&'c Condition>,
}

/// The conditions on several columns or with alternatives, apart where no column joins them, each
/// with the demands on its columns alone.
fn components(conditions: &[Condition]) -> Vec<Component<'_>> {
    let mut components: Vec<Component<'_>> = Vec::new();
    for condition in conditions.iter().filter(|condition| condition.ties) {
        let mut joined = Component {
            columns: condition.formula.columns(),
            conditions: vec![condition],
        };
        for other in std::mem::take(&mut components) {
            if other.columns.is_disjoint(&joined.columns) {
                components.push(other);
                continue;
            }
            joined.columns.extend(other.columns);
            joined.conditions.splice(0..0, other.conditions);
        }
        components.push(joined);
    }
    for condition in conditions.iter().filter(|condition| !condition.ties) {
        if let Formula::Column(bound) = &condition.formula {
            let mut all = components.iter_mut();
            if let Some(component) = all.find(|one| one.columns.contains(&bound.column)) {
                component.conditions.push(condition);
            }
        }
    }
    components
}

impl Component<'_> {
    fn group(&self, ground: &Ground<'_>) -> Result<Group, SynthError> {
        let mut constraints: Vec<String> = Vec::new();
        for condition in &self.conditions {
            if !constraints.contains(&condition.constraint) {
                constraints.push(condition.constraint.clone());
            }
        }
        let clauses = self.clauses(ground);
        let fewest_unknown = clauses.iter().map(Clause::unknown).min().unwrap_or(0);
        let mut cases: Vec<Case> = clauses
            .into_iter()
            .filter(|clause| clause.unknown() == fewest_unknown)
            .filter_map(|clause| ground.case(clause))
            .collect();
        cases.truncate(MOST_CASES);
        if cases.is_empty() {
            let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
            return Err(SynthError::NoCase {
                table: ground.table.name.to_string(),
                constraints: constraints.join(", "),
                columns: match columns.is_empty() {
                    true => "its columns".to_owned(),
                    false => columns.join(", "),
                },
                section: ground.table.name.scenario_key(),
            });
        }
        let weights: Vec<f64> = cases.iter().map(|case| case.weight).collect();
        Ok(Group {
            chooser: Chooser::new(0, &weights),
            cases,
            columns: self.columns.clone(),
            constraints,
        })
    }

    /// The disjunctive normal form of the conditions, without clauses that contradict themselves.
    fn clauses(&self, ground: &Ground<'_>) -> Vec<Clause> {
        let mut clauses = vec![Clause::whole()];
        let possible = |clause: &Clause| ground.is_possible(clause);
        // Demands on single columns first: they rule out most.
        let mut ordered = self.conditions.clone();
        ordered.sort_by_key(|condition| !matches!(condition.formula, Formula::Column(_)));
        for condition in ordered {
            clauses = normal::product(clauses, &condition.formula, &possible);
        }
        clauses
    }
}

#[cfg(test)]
mod tests;
