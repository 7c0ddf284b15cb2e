//! Operators of expressions: what they do and how tightly they bind.

use super::function::Function;
use super::lexer::{Keyword, Token};

/// How tightly an operator binds, loosest first; PostgreSQL's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    Or,
    And,
    Not,
    Is,
    Comparison,
    Bits,
    Sum,
    Product,
    Sign,
}

/// What stands after an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Infix {
    /// An operator with an operand on its right.
    Joined(Operator),
    Is,
    IsNull,
    NotNull,
}

/// What an operator does with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    And,
    Or,
    Call(Function),
    /// The call with its sides exchanged: `a > b` is `b < a`, evaluated in that order.
    Swapped(Function),
}

/// The strength that the right side of a left-associative operator needs.
pub(super) fn tighter(strength: Strength) -> Strength {
    match strength {
        Strength::Or => Strength::And,
        Strength::And => Strength::Not,
        Strength::Not => Strength::Is,
        Strength::Is => Strength::Comparison,
        Strength::Comparison => Strength::Bits,
        Strength::Bits => Strength::Sum,
        Strength::Sum => Strength::Product,
        Strength::Product | Strength::Sign => Strength::Sign,
    }
}

/// The operator that a token is after an operand.
pub(super) fn infix(token: &Token) -> Option<(Infix, Strength)> {
    use Function as F;
    let joined = |function, strength| Some((Infix::Joined(Operator::Call(function)), strength));
    let swapped = |function| {
        let operator = Operator::Swapped(function);
        Some((Infix::Joined(operator), Strength::Comparison))
    };
    match token {
        Token::Keyword(Keyword::Or) => Some((Infix::Joined(Operator::Or), Strength::Or)),
        Token::Keyword(Keyword::And) => Some((Infix::Joined(Operator::And), Strength::And)),
        Token::Keyword(Keyword::Is) => Some((Infix::Is, Strength::Is)),
        Token::Keyword(Keyword::IsNull) => Some((Infix::IsNull, Strength::Is)),
        Token::Keyword(Keyword::NotNull) => Some((Infix::NotNull, Strength::Is)),
        Token::Symbol("=") => joined(F::Equal, Strength::Comparison),
        Token::Symbol("<>") => joined(F::NotEqual, Strength::Comparison),
        Token::Symbol("<") => joined(F::Less, Strength::Comparison),
        Token::Symbol("<=") => joined(F::LessOrEqual, Strength::Comparison),
        Token::Symbol(">") => swapped(F::Less),
        Token::Symbol(">=") => swapped(F::LessOrEqual),
        Token::Symbol("|") => joined(F::BitOr, Strength::Bits),
        Token::Symbol("#") => joined(F::BitXor, Strength::Bits),
        Token::Symbol("&") => joined(F::BitAnd, Strength::Bits),
        Token::Symbol("<<") => joined(F::ShiftLeft, Strength::Bits),
        Token::Symbol(">>") => joined(F::ShiftRight, Strength::Bits),
        Token::Symbol("+") => joined(F::Add, Strength::Sum),
        Token::Symbol("-") => joined(F::Subtract, Strength::Sum),
        Token::Symbol("*") => joined(F::Multiply, Strength::Product),
        Token::Symbol("/") => joined(F::Divide, Strength::Product),
        Token::Symbol("%") => joined(F::Modulo, Strength::Product),
        _ => None,
    }
}
