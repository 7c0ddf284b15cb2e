//! A condition as a formula of simple demands, with every NOT pushed down to them.
//!
//! A CHECK passes where it is true or NULL. AND, OR and NOT of SQL's three values let that be said of
//! each part by itself: `a AND b` is not false where neither is, `a OR b` where one is not, and
//! `NOT a` is not false where `a` is not true. So each simple demand is met by a value that makes it
//! true, and by NULL.

use squawk_syntax::ast::{self, AstNode, BinOp, Expr, LitKind};

use super::comparison::Comparison;
use super::compound;
use super::counting;
use super::operand::{
    bare, call, column, columns_of, constant, constants, field_of, is_null, text_of,
};
use super::simple;
use super::{BoundRule, Formula};

/// What must be so for the condition not to be false; where `holds` is false, not to be true.
pub(super) fn formula(expression: &Expr, holds: bool) -> Formula {
    let expression = bare(expression.clone());
    understood(&expression, holds).unwrap_or_else(|| Formula::Unknown {
        text: match holds {
            true => text_of(&expression),
            false => format!("NOT ({})", text_of(&expression)),
        },
        columns: columns_of(&expression),
    })
}

fn understood(expression: &Expr, holds: bool) -> Option<Formula> {
    match expression {
        Expr::BinExpr(binary) => of_binary(binary, holds),
        Expr::PrefixExpr(prefix) => match prefix.op()? {
            ast::PrefixOp::Not(_) => Some(formula(&prefix.expr()?, !holds)),
            _ => None,
        },
        Expr::PostfixExpr(postfix) => {
            let not_null = match postfix.op()? {
                ast::PostfixOp::NotNull(_) => true,
                ast::PostfixOp::IsNull(_) => false,
                _ => return None,
            };
            null_of(&postfix.expr()?, not_null == holds)
        }
        Expr::BetweenExpr(between) => of_between(between, holds),
        Expr::NameRef(_) => Some(flag(column(expression)?, holds)),
        Expr::Literal(literal) => match literal.kind()? {
            LitKind::True(_) => Some(truth(holds)),
            LitKind::False(_) => Some(truth(!holds)),
            LitKind::Null(_) => Some(Formula::always()),
            _ => None,
        },
        Expr::CaseExpr(case) => compound::of_case(case, holds),
        Expr::CallExpr(_) => compound::of_call(expression, holds),
        Expr::CastExpr(cast) if is_condition(expression) => Some(formula(&cast.expr()?, holds)),
        _ => None,
    }
}

fn truth(holds: bool) -> Formula {
    match holds {
        true => Formula::always(),
        false => Formula::never(),
    }
}

fn flag(column: String, holds: bool) -> Formula {
    Formula::bound(column, BoundRule::OneOf(vec![holds.to_string()]))
}

fn null_test(column: String, not_null: bool) -> Formula {
    let rule = match not_null {
        true => BoundRule::NotNull,
        false => BoundRule::Null,
    };
    Formula::bound(column, rule)
}

fn of_binary(binary: &ast::BinExpr, holds: bool) -> Option<Formula> {
    let (left, right) = (binary.lhs()?, binary.rhs()?);
    let parts = || vec![formula(&left, holds), formula(&right, holds)];
    match binary.op()? {
        // De Morgan.
        BinOp::And(_) if holds => Some(Formula::all(parts())),
        BinOp::Or(_) if holds => Some(Formula::any(parts())),
        BinOp::And(_) => Some(Formula::any(parts())),
        BinOp::Or(_) => Some(Formula::all(parts())),
        BinOp::Is(_) => of_is(&left, &right, holds),
        BinOp::IsNot(_) => of_is(&left, &right, !holds),
        BinOp::IsDistinctFrom(_) => of_distinct(&left, &right, holds),
        BinOp::IsNotDistinctFrom(_) => of_distinct(&left, &right, !holds),
        BinOp::In(_) => list(&left, constants(&right)?, holds),
        BinOp::NotIn(_) => list(&left, constants(&right)?, !holds),
        BinOp::Like(_) => simple::patterns("~~", &left, &right, holds),
        BinOp::Ilike(_) => simple::patterns("~~*", &left, &right, holds),
        BinOp::NotLike(_) => simple::patterns("!~~", &left, &right, holds),
        BinOp::NotIlike(_) => simple::patterns("!~~*", &left, &right, holds),
        BinOp::CustomOp(operator) => {
            let operator = operator.syntax().text().to_string();
            simple::patterns(operator.trim(), &left, &right, holds)
        }
        operator => {
            let comparison = Comparison::from_operator(&operator)?;
            if let Some((values, any)) = listed(&right) {
                let values = constants(&values)?;
                return match (comparison, any) {
                    (Comparison::Equal, true) => list(&left, values, holds),
                    (Comparison::Unequal, false) => list(&left, values, !holds),
                    _ => None,
                };
            }
            of_comparison(comparison.or_negated(holds), &left, &right)
        }
    }
}

/// The list of an `ANY (…)` or `ALL (…)`, and whether it is ANY.
fn listed(expression: &Expr) -> Option<(Expr, bool)> {
    let Expr::CallExpr(call) = bare(expression.clone()) else {
        return None;
    };
    match (call.any_fn(), call.all_fn()) {
        (Some(any), _) => Some((any.expr()?, true)),
        (None, Some(all)) => Some((all.expr()?, false)),
        (None, None) => None,
    }
}

/// Whether a column or a part of one is NULL. A row that is made has all fields of its composites.
fn null_of(tested: &Expr, not_null: bool) -> Option<Formula> {
    if let Some(column) = column(tested) {
        return Some(null_test(column, not_null));
    }
    if !not_null {
        return None;
    }
    if let Some(composite) = field_of(tested) {
        return Some(null_test(composite, true));
    }
    // The ends of a range.
    let (name, arguments) = call(tested)?;
    match (name.as_str(), arguments.as_slice()) {
        ("lower" | "upper", [range]) => {
            let range = column(range)?;
            let finite = Formula::bound(range.clone(), BoundRule::FiniteRange);
            Some(Formula::all(vec![null_test(range, true), finite]))
        }
        _ => None,
    }
}

/// Comparisons of two conditions, two counts, two values.
pub(super) fn of_comparison(comparison: Comparison, left: &Expr, right: &Expr) -> Option<Formula> {
    if is_condition(left) || is_condition(right) {
        return equivalence(comparison, left, right);
    }
    counting::formula(comparison, left, right).or_else(|| simple::formula(comparison, left, right))
}

/// `(a IS NULL) = (b IS NULL)`, `done = (ended_at IS NOT NULL)`.
fn equivalence(comparison: Comparison, left: &Expr, right: &Expr) -> Option<Formula> {
    let same = match comparison {
        Comparison::Equal => true,
        Comparison::Unequal => false,
        _ => return None,
    };
    Some(Formula::any(vec![
        Formula::all(vec![formula(left, true), formula(right, same)]),
        Formula::all(vec![formula(left, false), formula(right, !same)]),
    ]))
}

/// Whether the expression is one of truth, by its form.
pub(super) fn is_condition(expression: &Expr) -> bool {
    match bare(expression.clone()) {
        Expr::BinExpr(binary) => match binary.op() {
            Some(BinOp::CustomOp(operator)) => operator.syntax().text().to_string().contains('~'),
            Some(
                BinOp::And(_)
                | BinOp::Or(_)
                | BinOp::Is(_)
                | BinOp::IsNot(_)
                | BinOp::IsDistinctFrom(_)
                | BinOp::IsNotDistinctFrom(_)
                | BinOp::In(_)
                | BinOp::NotIn(_)
                | BinOp::Like(_)
                | BinOp::NotLike(_)
                | BinOp::Ilike(_)
                | BinOp::NotIlike(_),
            ) => true,
            Some(operator) => Comparison::from_operator(&operator).is_some(),
            None => false,
        },
        Expr::PrefixExpr(prefix) => matches!(prefix.op(), Some(ast::PrefixOp::Not(_))),
        Expr::BetweenExpr(_) | Expr::PostfixExpr(_) => true,
        Expr::CastExpr(cast) => {
            let boolean = cast.ty().is_some_and(|ty| ty.syntax().text() == "boolean");
            boolean && cast.expr().is_some_and(|inner| is_condition(&inner))
        }
        _ => false,
    }
}

/// `x IS NULL`, `x IS TRUE`, `x IS FALSE`.
fn of_is(left: &Expr, right: &Expr, holds: bool) -> Option<Formula> {
    if is_null(right) {
        return null_of(left, !holds);
    }
    let Expr::Literal(literal) = right else {
        return None;
    };
    let wanted = match literal.kind()? {
        LitKind::True(_) => true,
        LitKind::False(_) => false,
        _ => return None,
    };
    Some(match holds {
        true => formula(left, wanted).strict(),
        // Not true, where NULL does.
        false => formula(left, !wanted),
    })
}

/// `IS DISTINCT FROM`, which is never NULL.
fn of_distinct(left: &Expr, right: &Expr, holds: bool) -> Option<Formula> {
    if is_null(right) {
        return Some(null_test(column(left)?, holds));
    }
    let value = constant(right).is_some();
    let same = simple::formula(Comparison::Equal.or_negated(!holds), left, right)?;
    match (value, holds) {
        // A NULL is distinct from a constant.
        (true, true) => Some(same),
        (true, false) => Some(same.strict()),
        (false, true) => {
            let one_not_null = [left, right]
                .into_iter()
                .map(|side| Some(null_test(column(side)?, true)))
                .collect::<Option<Vec<_>>>()?;
            Some(Formula::all(vec![same, Formula::any(one_not_null)]))
        }
        (false, false) => {
            let both_null = [left, right]
                .into_iter()
                .map(|side| Some(null_test(column(side)?, false)))
                .collect::<Option<Vec<_>>>()?;
            Some(Formula::any(vec![same.strict(), Formula::all(both_null)]))
        }
    }
}

/// One of a list, or none of it.
fn list(tested: &Expr, values: Vec<String>, holds: bool) -> Option<Formula> {
    let Some(column) = column(tested) else {
        let counted = || counting::in_list(tested, &values, holds);
        let json = || simple::json_kinds(tested, &values, holds);
        return counted().or_else(json);
    };
    if holds {
        return Some(Formula::bound(column, BoundRule::OneOf(values)));
    }
    let not = |value| Formula::bound(column.clone(), BoundRule::Not(value));
    Some(Formula::all(values.into_iter().map(not).collect()))
}

fn of_between(between: &ast::BetweenExpr, holds: bool) -> Option<Formula> {
    if between.between_symmetry().is_some() {
        return None;
    }
    let inside = holds == between.not_token().is_none();
    let (target, low, high) = (between.target()?, between.start()?, between.end()?);
    let low = of_comparison(Comparison::AtLeast.or_negated(inside), &target, &low)?;
    let high = of_comparison(Comparison::AtMost.or_negated(inside), &target, &high)?;
    Some(match inside {
        true => Formula::all(vec![low, high]),
        false => Formula::any(vec![low, high]),
    })
}
