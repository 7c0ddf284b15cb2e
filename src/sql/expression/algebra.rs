//! Formulas put together, and said in fewer words.

use std::collections::BTreeSet;

use super::{Bound, BoundRule, Formula};

impl Formula {
    /// The formula that always holds.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// The formula that never holds.
    pub fn never() -> Self {
        Self::Any(Vec::new())
    }

    pub(super) fn bound(column: String, rule: BoundRule) -> Self {
        Self::Column(Bound { column, rule })
    }

    /// All of these, without needless nesting.
    pub fn all(parts: Vec<Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        single(flat).unwrap_or_else(Self::All)
    }

    /// One of these at least.
    pub fn any(parts: Vec<Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        single(flat).unwrap_or_else(Self::Any)
    }

    /// The formula where NULL does not do: what makes the condition true.
    pub(super) fn strict(self) -> Self {
        let not_null = |column: &String| Self::bound(column.clone(), BoundRule::NotNull);
        match self {
            Self::All(parts) => Self::all(parts.into_iter().map(Self::strict).collect()),
            Self::Any(parts) => Self::any(parts.into_iter().map(Self::strict).collect()),
            Self::Column(Bound { column, rule }) => match rule {
                BoundRule::Null | BoundRule::NotNull => Self::bound(column, rule),
                rule => Self::all(vec![not_null(&column), Self::bound(column, rule)]),
            },
            Self::Columns(relation) => Self::all(vec![
                not_null(&relation.left),
                not_null(&relation.right),
                Self::Columns(relation),
            ]),
            unknown @ Self::Unknown { .. } => unknown,
        }
    }

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

fn single(mut parts: Vec<Formula>) -> Result<Formula, Vec<Formula>> {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => {
            parts.extend(last);
            Err(parts)
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
