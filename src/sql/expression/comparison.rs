//! Comparisons of columns with constants and with each other.

use squawk_syntax::ast::BinOp;

use super::BoundRule;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `=`.
    Equal,
    /// `>=`.
    AtLeast,
    /// `>`.
    Greater,
    /// `<>`.
    Unequal,
}

impl Comparison {
    /// The comparison that an operator makes.
    pub(super) fn from_operator(operator: &BinOp) -> Option<Self> {
        Some(match operator {
            BinOp::LAngle(_) => Self::Less,
            BinOp::Lteq(_) => Self::AtMost,
            BinOp::Eq(_) => Self::Equal,
            BinOp::Gteq(_) => Self::AtLeast,
            BinOp::RAngle(_) => Self::Greater,
            BinOp::Neq(_) | BinOp::Neqb(_) => Self::Unequal,
            _ => return None,
        })
    }

    /// The same comparison with its sides exchanged.
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::AtLeast => Self::AtMost,
            Self::Greater => Self::Less,
            Self::Equal | Self::Unequal => self,
        }
    }

    /// The comparison that holds where this one does not.
    pub fn negated(self) -> Self {
        match self {
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Equal => Self::Unequal,
            Self::AtLeast => Self::Less,
            Self::Greater => Self::AtMost,
            Self::Unequal => Self::Equal,
        }
    }

    /// This comparison, or the one that holds where it does not.
    pub(super) fn or_negated(self, holds: bool) -> Self {
        if holds { self } else { self.negated() }
    }

    /// Whether it holds between two numbers.
    pub fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::AtLeast => left >= right,
            Self::Greater => left > right,
            Self::Unequal => left != right,
        }
    }

    /// What it demands of the value on its left.
    pub(super) fn rule(self, value: String) -> BoundRule {
        match self {
            Self::Less | Self::AtMost => BoundRule::Max {
                value,
                inclusive: self == Self::AtMost,
            },
            Self::Greater | Self::AtLeast => BoundRule::Min {
                value,
                inclusive: self == Self::AtLeast,
            },
            Self::Equal => BoundRule::OneOf(vec![value]),
            Self::Unequal => BoundRule::Not(value),
        }
    }

    /// The alternatives that a comparison of a count with `n` leaves, each its fewest and its most;
    /// none where no count meets it.
    pub(super) fn counts(self, n: i64) -> Vec<(Option<u32>, Option<u32>)> {
        let at_least = |n: i64| (u32::try_from(n).ok().filter(|&n| n > 0), None);
        let at_most = |n: i64| u32::try_from(n).ok().map(|n| (None, Some(n)));
        match self {
            Self::Less => at_most(n - 1).into_iter().collect(),
            Self::AtMost => at_most(n).into_iter().collect(),
            Self::AtLeast => vec![at_least(n)],
            Self::Greater => vec![at_least(n.saturating_add(1))],
            Self::Equal => match u32::try_from(n) {
                Ok(0) => vec![(None, Some(0))],
                Ok(n) => vec![(Some(n), Some(n))],
                Err(_) => Vec::new(),
            },
            Self::Unequal => {
                let below = at_most(n - 1).into_iter();
                below.chain([at_least(n.saturating_add(1))]).collect()
            }
        }
    }
}
