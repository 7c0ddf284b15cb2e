//! Conditions on how many of several conditions hold: `num_nonnulls(a, b) = 1`,
//! `(a IS NOT NULL)::int + (b IS NOT NULL)::int = 1`.

use squawk_syntax::ast::{self, BinOp, Expr};

use super::comparison::Comparison;
use super::formula::{formula as of_condition, is_condition};
use super::operand::{bare, call, column, constant};
use super::{BoundRule, Formula};

/// Alternatives that a count is turned into at most: more are as good as these.
const MOST_ALTERNATIVES: usize = 64;

/// One thing counted: what makes it 1, and what makes it 0.
struct Term {
    counted: Formula,
    uncounted: Formula,
}

/// The formula of a comparison of a count with a constant.
pub(super) fn formula(comparison: Comparison, left: &Expr, right: &Expr) -> Option<Formula> {
    let (comparison, count, limit) = match constant(right) {
        Some(limit) => (comparison, left, limit),
        None => (comparison.flipped(), right, constant(left)?),
    };
    let limit: i64 = limit.parse().ok()?;
    Some(of_counts(&terms(count)?, |count| {
        comparison.holds(count, limit)
    }))
}

/// The formula of a count that is, or is not, one of a list: `num_nonnulls(a, b, c) IN (0, 3)`.
pub(super) fn in_list(count: &Expr, list: &[String], holds: bool) -> Option<Formula> {
    let list = list.iter().map(|number| number.parse::<i64>().ok());
    let list = list.collect::<Option<Vec<_>>>()?;
    Some(of_counts(&terms(count)?, |count| {
        list.contains(&count) == holds
    }))
}

/// The formula of as many conditions as `is_allowed` says.
fn of_counts(terms: &[Term], is_allowed: impl Fn(i64) -> bool) -> Formula {
    let allowed: Vec<usize> = (0..=terms.len())
        .filter(|&count| i64::try_from(count).is_ok_and(&is_allowed))
        .collect();
    let (Some(&fewest), Some(&greatest)) = (allowed.first(), allowed.last()) else {
        return Formula::never();
    };
    if greatest == terms.len() && allowed.len() == greatest - fewest + 1 {
        // At least so many: which others hold as well does not matter.
        return combinations(terms, fewest, |term, chosen| {
            chosen.then(|| term.counted.clone())
        });
    }
    if fewest == 0 && allowed.len() == greatest + 1 {
        return combinations(terms, terms.len() - greatest, |term, chosen| {
            chosen.then(|| term.uncounted.clone())
        });
    }
    let exactly = |&count: &usize| {
        combinations(terms, count, |term, chosen| {
            Some(match chosen {
                true => term.counted.clone(),
                false => term.uncounted.clone(),
            })
        })
    };
    Formula::any(allowed.iter().map(exactly).collect())
}

/// One of the ways to choose so many of the terms.
fn combinations(
    terms: &[Term],
    count: usize,
    demand: impl Fn(&Term, bool) -> Option<Formula>,
) -> Formula {
    let mut alternatives = Vec::new();
    let mut chosen: Vec<usize> = (0..count).collect();
    while alternatives.len() < MOST_ALTERNATIVES {
        let demands = terms
            .iter()
            .enumerate()
            .filter_map(|(index, term)| demand(term, chosen.contains(&index)));
        alternatives.push(Formula::all(demands.collect()));
        if !advance(&mut chosen, terms.len()) {
            break;
        }
    }
    Formula::any(alternatives)
}

/// The next choice in lexicographic order; false after the last.
fn advance(chosen: &mut [usize], of: usize) -> bool {
    let count = chosen.len();
    let movable = |(index, place): &(usize, &usize)| **place < of - count + *index;
    let Some((index, place)) = chosen
        .iter()
        .enumerate()
        .rev()
        .find(movable)
        .map(|(index, place)| (index, *place))
    else {
        return false;
    };
    for (step, place_of) in chosen.iter_mut().skip(index).enumerate() {
        *place_of = place + 1 + step;
    }
    true
}

fn terms(count: &Expr) -> Option<Vec<Term>> {
    if let Some((name, arguments)) = call(count) {
        let not_null = match name.as_str() {
            "num_nonnulls" => true,
            "num_nulls" => false,
            _ => return None,
        };
        let term = |argument: &Expr| {
            let column = column(argument)?;
            let null = Formula::bound(column.clone(), BoundRule::Null);
            let present = Formula::bound(column, BoundRule::NotNull);
            Some(match not_null {
                true => Term {
                    counted: present,
                    uncounted: null,
                },
                false => Term {
                    counted: null,
                    uncounted: present,
                },
            })
        };
        return arguments.iter().map(term).collect();
    }
    let mut terms = Vec::new();
    collect(count, &mut terms)?;
    (terms.len() > 1).then_some(terms)
}

/// The terms of a sum.
fn collect(sum: &Expr, terms: &mut Vec<Term>) -> Option<()> {
    match bare(sum.clone()) {
        Expr::BinExpr(binary) if matches!(binary.op(), Some(BinOp::Plus(_))) => {
            collect(&binary.lhs()?, terms)?;
            collect(&binary.rhs()?, terms)
        }
        Expr::CastExpr(cast) => {
            let condition = cast.expr()?;
            if !is_condition(&condition) {
                return None;
            }
            terms.push(Term {
                counted: of_condition(&condition, true),
                uncounted: of_condition(&condition, false),
            });
            Some(())
        }
        Expr::CaseExpr(case) => {
            terms.push(zero_or_one(&case)?);
            Some(())
        }
        _ => None,
    }
}

/// `CASE WHEN a IS NULL THEN 0 ELSE 1 END`.
fn zero_or_one(case: &ast::CaseExpr) -> Option<Term> {
    use squawk_syntax::ast::AstNode;
    let mut clauses = case.when_clause_list()?.when_clauses();
    let (clause, None, None) = (clauses.next()?, clauses.next(), case.expr()) else {
        return None;
    };
    let mut parts = clause.syntax().children().filter_map(Expr::cast);
    let (when, then) = (parts.next()?, parts.next()?);
    let otherwise = case.else_clause()?.expr()?;
    let (met, unmet) = (of_condition(&when, true), of_condition(&when, false));
    match (constant(&then)?.as_str(), constant(&otherwise)?.as_str()) {
        ("1", "0") => Some(Term {
            counted: met,
            uncounted: unmet,
        }),
        ("0", "1") => Some(Term {
            counted: unmet,
            uncounted: met,
        }),
        _ => None,
    }
}
