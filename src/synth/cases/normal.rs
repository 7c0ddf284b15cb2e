//! The disjunctive normal form: a formula as a list of clauses, each a list of demands.

use crate::sql::{Bound, BoundRule, Formula, Relation};

/// Clauses kept while a normal form is being made: beyond, the plainest are kept.
const MOST_CLAUSES: usize = 512;

/// Demands that hold together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Clause {
    pub(super) weight: f64,
    pub(super) bounds: Vec<Bound>,
    pub(super) relations: Vec<Relation>,
    pub(super) unknown: Vec<String>,
}

impl Clause {
    /// No demand: all rows.
    pub(super) fn whole() -> Self {
        Self {
            weight: 1.0,
            ..Self::default()
        }
    }

    /// How many of its demands are not understood.
    pub(super) fn unknown(&self) -> usize {
        self.unknown.len()
    }

    fn with(mut self, atom: &Formula) -> Self {
        match atom {
            Formula::Column(Bound {
                rule: BoundRule::Unknown(text),
                ..
            })
            | Formula::Unknown { text, .. }
                if !self.unknown.contains(text) =>
            {
                self.unknown.push(text.clone());
            }
            Formula::Column(bound) if !self.bounds.contains(bound) => {
                self.bounds.push(bound.clone());
            }
            Formula::Columns(relation) if !self.relations.contains(relation) => {
                self.relations.push(relation.clone());
            }
            _ => {}
        }
        self
    }
}

/// Each of the clauses with each way in which the formula may hold. Clauses that are not `possible`
/// are left out.
pub(super) fn product(
    clauses: Vec<Clause>,
    formula: &Formula,
    possible: &dyn Fn(&Clause) -> bool,
) -> Vec<Clause> {
    let mut made = match formula {
        Formula::All(parts) => {
            let mut clauses = clauses;
            for part in parts {
                clauses = product(clauses, part, possible);
            }
            return clauses;
        }
        Formula::Any(parts) => {
            let mut made: Vec<Clause> = Vec::new();
            let share = 1.0 / parts.len().max(1) as f64;
            for clause in clauses {
                for part in parts {
                    let shared = Clause {
                        weight: clause.weight * share,
                        ..clause.clone()
                    };
                    for one in product(vec![shared], part, possible) {
                        add(one, &mut made);
                    }
                }
            }
            made
        }
        atom => clauses
            .into_iter()
            .map(|clause| clause.with(atom))
            .filter(possible)
            .collect(),
    };
    if made.len() > MOST_CLAUSES {
        made.sort_by_key(Clause::unknown);
        made.truncate(MOST_CLAUSES);
    }
    made
}

/// Adds a clause unless it is there, whose weight grows then.
fn add(clause: Clause, clauses: &mut Vec<Clause>) {
    let same = clauses.iter_mut().find(|other| {
        other.bounds == clause.bounds
            && other.relations == clause.relations
            && other.unknown == clause.unknown
    });
    match same {
        Some(other) => other.weight += clause.weight,
        None => clauses.push(clause),
    }
}
