//! Conditions that choose among conditions, and functions of truth.

use squawk_syntax::ast::{self, AstNode, Expr, LitKind};

use super::comparison::Comparison;
use super::formula::{formula, of_comparison};
use super::operand::{call, column, constant, uncast};
use super::{BoundRule, Formula, TextPattern};

/// `CASE WHEN a THEN x WHEN b THEN y ELSE z END`, and `CASE c WHEN 1 THEN x …`.
pub(super) fn of_case(case: &ast::CaseExpr, holds: bool) -> Option<Formula> {
    let subject = case.expr();
    let mut otherwise = match case.else_clause() {
        Some(clause) => formula(&clause.expr()?, holds),
        // Without ELSE the CASE is NULL.
        None => Formula::always(),
    };
    let clauses: Vec<_> = case.when_clause_list()?.when_clauses().collect();
    for clause in clauses.into_iter().rev() {
        let mut parts = clause.syntax().children().filter_map(Expr::cast);
        let (when, then) = (parts.next()?, parts.next()?);
        let (met, unmet) = match &subject {
            None => (formula(&when, true), formula(&when, false)),
            Some(subject) => (
                of_comparison(Comparison::Equal, subject, &when)?,
                of_comparison(Comparison::Unequal, subject, &when)?,
            ),
        };
        otherwise = Formula::any(vec![
            Formula::all(vec![met.strict(), formula(&then, holds)]),
            Formula::all(vec![unmet, otherwise]),
        ]);
    }
    Some(otherwise)
}

/// Functions that return a truth.
pub(super) fn of_call(expression: &Expr, holds: bool) -> Option<Formula> {
    let (name, arguments) = call(expression)?;
    match (name.as_str(), arguments.as_slice()) {
        ("starts_with", [text, start]) => {
            let regex = format!("^{}", super::pattern::literal(&constant(start)?));
            let pattern = TextPattern::matching(regex).or_negated(holds);
            Some(Formula::bound(column(text)?, BoundRule::Matches(pattern)))
        }
        ("isempty" | "lower_inf" | "upper_inf", [range]) if !holds => {
            Some(Formula::bound(column(range)?, BoundRule::FiniteRange))
        }
        ("coalesce" | "COALESCE", [condition, otherwise]) => {
            let Expr::Literal(literal) = uncast(otherwise.clone()) else {
                return None;
            };
            let otherwise = match literal.kind()? {
                LitKind::True(_) => true,
                LitKind::False(_) => false,
                _ => return None,
            };
            let met = formula(condition, holds);
            // Where the constant does not help, the condition must be true by itself.
            Some(if otherwise == holds {
                met
            } else {
                met.strict()
            })
        }
        _ => None,
    }
}
