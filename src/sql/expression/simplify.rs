//! Formulas that say the same in fewer words, and what they speak of.

use std::collections::BTreeSet;

use super::{Bound, BoundRule, Formula};

impl Formula {
    /// The columns that it speaks of.
    pub fn columns(&self) -> BTreeSet<String> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Column(bound) => BTreeSet::from([bound.column.clone()]),
            Self::Columns(relation) => {
                BTreeSet::from([relation.left.clone(), relation.right.clone()])
            }
            Self::Unknown { columns, .. } => columns.iter().cloned().collect(),
        }
    }

    /// The same of another column: what a domain says of `VALUE`, of the column that has it.
    pub fn renamed(self, from: &str, to: &str) -> Self {
        let name = |column: String| match column == from {
            true => to.to_owned(),
            false => column,
        };
        let each = |parts: Vec<Self>| parts.into_iter().map(|part| part.renamed(from, to));
        match self {
            Self::All(parts) => Self::All(each(parts).collect()),
            Self::Any(parts) => Self::Any(each(parts).collect()),
            Self::Column(bound) => Self::Column(Bound {
                column: name(bound.column),
                rule: bound.rule,
            }),
            Self::Columns(mut relation) => {
                relation.left = name(relation.left);
                relation.right = name(relation.right);
                Self::Columns(relation)
            }
            Self::Unknown { text, columns } => Self::Unknown {
                text,
                columns: columns.into_iter().map(name).collect(),
            },
        }
    }

    /// Whether it demands only things of single columns, all of them understood.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(Self::is_plain),
            Self::Column(bound) => !matches!(bound.rule, BoundRule::Unknown(_)),
            _ => false,
        }
    }

    /// A formula that holds for the same rows: lists of one column joined, and alternatives left out
    /// that another one covers, as `a IS NULL OR a > 1`, for NULL meets `a > 1`.
    pub fn simplified(self) -> Self {
        match self {
            Self::All(parts) => {
                let parts: Vec<_> = parts.into_iter().map(Self::simplified).collect();
                match parts.contains(&Self::never()) {
                    true => Self::never(),
                    false => Self::all(parts),
                }
            }
            Self::Any(parts) => {
                let parts = parts.into_iter().map(Self::simplified).collect();
                match Self::any(parts) {
                    Self::Any(parts) => Self::any(without_covered(joined(parts))),
                    other => other,
                }
            }
            other => other,
        }
    }

    /// Whether whatever meets `self` meets `other`; false where that is not plain to see.
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            _ if self == other => true,
            (_, Self::All(parts)) => parts.iter().all(|part| self.implies(part)),
            (Self::Any(parts), _) => parts.iter().all(|part| part.implies(other)),
            (_, Self::Any(parts)) => parts.iter().any(|part| self.implies(part)),
            (Self::All(parts), _) => parts.iter().any(|part| part.implies(other)),
            (
                Self::Column(Bound {
                    column,
                    rule: BoundRule::Null,
                }),
                _,
            ) => match other {
                // NULL meets every demand on its column.
                Self::Column(bound) => bound.column == *column && bound.rule != BoundRule::NotNull,
                Self::Columns(relation) => relation.left == *column || relation.right == *column,
                _ => false,
            },
            _ => false,
        }
    }
}

/// `a = 1 OR a IN (2, 3)` as one list.
fn joined(parts: Vec<Formula>) -> Vec<Formula> {
    let mut kept: Vec<Formula> = Vec::new();
    for part in parts {
        if let Formula::Column(Bound {
            column,
            rule: BoundRule::OneOf(more),
        }) = &part
        {
            let list = kept.iter_mut().find_map(|kept| match kept {
                Formula::Column(Bound {
                    column: other,
                    rule: BoundRule::OneOf(values),
                }) if other == column => Some(values),
                _ => None,
            });
            if let Some(values) = list {
                values.extend(more.iter().cloned());
                continue;
            }
        }
        kept.push(part);
    }
    kept
}

fn without_covered(parts: Vec<Formula>) -> Vec<Formula> {
    let mut kept: Vec<Formula> = Vec::new();
    for part in parts {
        if kept.iter().any(|other| part.implies(other)) {
            continue;
        }
        kept.retain(|other| !other.implies(&part));
        kept.push(part);
    }
    kept
}
