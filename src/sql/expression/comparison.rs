//! Comparisons with a constant.

use squawk_syntax::ast::BinOp;

use super::BoundRule;

/// How a value is compared with a constant on its right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
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
    pub(super) fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::AtLeast => Self::AtMost,
            Self::Greater => Self::Less,
            Self::Equal | Self::Unequal => self,
        }
    }

    /// What it demands of the value.
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

    /// What a comparison of the length with `n` demands; none where no length or no single range
    /// meets it.
    pub(super) fn length_rules(self, n: u32) -> Option<Vec<BoundRule>> {
        use BoundRule::{MaxLength, MinLength};
        Some(match self {
            Self::Less => vec![MaxLength(n.checked_sub(1)?)],
            Self::AtMost => vec![MaxLength(n)],
            Self::Equal => vec![MinLength(n), MaxLength(n)],
            Self::AtLeast => vec![MinLength(n)],
            Self::Greater => vec![MinLength(n.checked_add(1)?)],
            Self::Unequal if n == 0 => vec![MinLength(1)],
            Self::Unequal => return None,
        })
    }
}
