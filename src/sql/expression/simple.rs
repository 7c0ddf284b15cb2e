//! Comparisons of one value with a constant, a pattern or another column.

use squawk_syntax::ast::Expr;

use super::comparison::Comparison;
use super::operand::{Change, Operand, bare, column, constant, constants, negative, operand};
use super::pattern::{from_similar, literal};
use super::{BoundRule, Formula, Relation, TextPattern};

/// A day that is past on any day on which the tool runs; generated moments end before it.
const PAST: &str = "2026-01-01";

/// A day that is yet to come.
const FUTURE: &str = "2100-01-01";

/// The formula of a comparison; none where it is not understood.
pub(super) fn formula(comparison: Comparison, left: &Expr, right: &Expr) -> Option<Formula> {
    if let Some(difference) = difference(comparison, left, right) {
        return Some(difference);
    }
    let (left, right) = (operand(left)?, operand(right)?);
    with_constant(comparison, &left, &right)
        .or_else(|| with_constant(comparison.flipped(), &right, &left))
        .or_else(|| between_columns(comparison, left, right))
}

/// `a - b > constant`, which is `a > b + constant`.
fn difference(comparison: Comparison, left: &Expr, right: &Expr) -> Option<Formula> {
    use squawk_syntax::ast::BinOp;
    let Expr::BinExpr(minus) = bare(left.clone()) else {
        return None;
    };
    let (BinOp::Minus(_), limit) = (minus.op()?, constant(right)?) else {
        return None;
    };
    Some(Formula::Columns(Relation {
        left: column(&minus.lhs()?)?,
        comparison,
        right: column(&minus.rhs()?)?,
        offset: Some(limit).filter(|limit| limit != "0"),
    }))
}

fn with_constant(comparison: Comparison, tested: &Operand, limit: &Operand) -> Option<Formula> {
    let limit = match limit {
        Operand::Constant(limit) => limit,
        Operand::Now => return with_now(comparison, tested),
        _ => return None,
    };
    let bound = |name: &String, rule| Some(Formula::bound(name.clone(), rule));
    let number = || limit.parse::<i64>().ok();
    match tested {
        Operand::Column(name, None) => bound(name, comparison.rule(limit.clone())),
        Operand::Length(name) => Some(counted(comparison, number()?, |fewest, most| {
            let fewest = fewest.map(BoundRule::MinLength);
            bounds(name, fewest, most.map(BoundRule::MaxLength))
        })),
        Operand::Elements(name) => Some(counted(comparison, number()?, |fewest, most| {
            let fewest = fewest.map(BoundRule::MinElements);
            bounds(name, fewest, most.map(BoundRule::MaxElements))
        })),
        Operand::Magnitude(name) => {
            let below = comparison.flipped().rule(negative(limit));
            let parts = vec![
                Formula::bound(name.clone(), comparison.rule(limit.clone())),
                Formula::bound(name.clone(), below),
            ];
            // Within both, or beyond one.
            Some(match comparison {
                Comparison::Less | Comparison::AtMost | Comparison::Unequal => Formula::all(parts),
                _ => Formula::any(parts),
            })
        }
        Operand::JsonKind(name) => match equality(comparison)? {
            true => bound(name, BoundRule::JsonKind(limit.clone())),
            false => bound(name, BoundRule::NotJsonKind(limit.clone())),
        },
        Operand::Coalesced(name, default) => coalesced(comparison, (name, default), limit),
        _ => {
            let (name, pattern) = text_pattern(comparison, tested, limit)?;
            bound(name, BoundRule::Matches(pattern))
        }
    }
}

/// What a comparison of a part or a change of a text says of the text as a whole.
fn text_pattern<'o>(
    comparison: Comparison,
    tested: &'o Operand,
    limit: &str,
) -> Option<(&'o String, TextPattern)> {
    match tested {
        Operand::Place(name, part) => {
            let limit: i64 = limit.parse().ok()?;
            if let Some(pattern) = further_on(comparison, part, limit) {
                return Some((name, pattern));
            }
            let found = comparison.holds(1, limit);
            // Found, or not found: where it is found must not matter.
            let decides = comparison.holds(0, limit) != found
                && comparison.holds(2, limit) == found
                && comparison.holds(i64::MAX, limit) == found;
            let pattern = TextPattern::matching(literal(part));
            decides.then(|| (name, pattern.or_negated(found)))
        }
        Operand::Left(name, count) if limit.chars().count() == *count => {
            let pattern = TextPattern::matching(format!("^{}", literal(limit)));
            Some((name, pattern.or_negated(equality(comparison)?)))
        }
        Operand::Changed(Change::Trim, name) if limit.is_empty() => {
            let pattern = TextPattern::matching("\\S");
            Some((name, pattern.or_negated(!equality(comparison)?)))
        }
        Operand::Changed(Change::Lower | Change::Upper, name) => {
            let pattern = TextPattern {
                insensitive: true,
                ..TextPattern::matching(format!("^{}$", literal(limit)))
            };
            Some((name, pattern.or_negated(equality(comparison)?)))
        }
        _ => None,
    }
}

/// `position('@' in column) > 1`: one character, and others before it.
fn further_on(comparison: Comparison, part: &str, limit: i64) -> Option<TextPattern> {
    let before = match comparison {
        Comparison::Greater => limit,
        Comparison::AtLeast => limit - 1,
        _ => return None,
    };
    let mut characters = part.chars();
    let (_, None) = (characters.next()?, characters.next()) else {
        return None;
    };
    let part = literal(part);
    (before > 0).then(|| TextPattern::matching(format!("^[^{part}]{{{before},}}{part}")))
}

/// `COALESCE(column, default)` compared with a constant.
fn coalesced(
    comparison: Comparison,
    (name, default): (&String, &String),
    limit: &str,
) -> Option<Formula> {
    let by_value = Formula::bound(name.clone(), comparison.rule(limit.to_owned()));
    let numbers = default.parse::<i64>().ok().zip(limit.parse().ok());
    let default_does = match (numbers, equality(comparison)) {
        (Some((default, limit)), _) => comparison.holds(default, limit),
        (None, Some(equal)) => (default == limit) == equal,
        (None, None) => return None,
    };
    let not_null = Formula::bound(name.clone(), BoundRule::NotNull);
    Some(match default_does {
        true => by_value,
        false => Formula::all(vec![not_null, by_value]),
    })
}

fn equality(comparison: Comparison) -> Option<bool> {
    match comparison {
        Comparison::Equal => Some(true),
        Comparison::Unequal => Some(false),
        _ => None,
    }
}

/// A comparison with the time of the check, where it can be kept on any day.
fn with_now(comparison: Comparison, tested: &Operand) -> Option<Formula> {
    let Operand::Column(name, None) = tested else {
        return None;
    };
    let end = match comparison {
        Comparison::Less | Comparison::AtMost => PAST,
        Comparison::Greater | Comparison::AtLeast => FUTURE,
        _ => return None,
    };
    Some(Formula::bound(
        name.clone(),
        comparison.rule(end.to_owned()),
    ))
}

/// The alternatives of a count.
fn counted(
    comparison: Comparison,
    limit: i64,
    bounds: impl Fn(Option<u32>, Option<u32>) -> Formula,
) -> Formula {
    let alternatives = comparison.counts(limit).into_iter();
    Formula::any(
        alternatives
            .map(|(fewest, most)| bounds(fewest, most))
            .collect(),
    )
}

fn bounds(column: &str, fewest: Option<BoundRule>, most: Option<BoundRule>) -> Formula {
    let rules = fewest.into_iter().chain(most);
    Formula::all(
        rules
            .map(|rule| Formula::bound(column.to_owned(), rule))
            .collect(),
    )
}

fn between_columns(comparison: Comparison, left: Operand, right: Operand) -> Option<Formula> {
    match (left, right) {
        (Operand::Column(left, left_shift), Operand::Column(right, right_shift)) => {
            let offset = match (left_shift, right_shift) {
                (None, offset) => offset,
                (Some(shift), None) => Some(negative(&shift)),
                _ => return None,
            };
            Some(Formula::Columns(Relation {
                left,
                comparison,
                right,
                offset,
            }))
        }
        (Operand::Changed(change, changed), Operand::Column(name, None))
        | (Operand::Column(name, None), Operand::Changed(change, changed))
            if changed == name =>
        {
            let regex = match change {
                Change::Lower => "^[^A-Z]*$",
                Change::Upper => "^[^a-z]*$",
                Change::Trim => "^(\\S(.*\\S)?)?$",
            };
            let pattern = TextPattern::matching(regex).or_negated(equality(comparison)?);
            Some(Formula::bound(name, BoundRule::Matches(pattern)))
        }
        _ => None,
    }
}

/// A text and a pattern, or `ANY`/`ALL` of a list of patterns, by their operator.
pub(super) fn patterns(operator: &str, left: &Expr, right: &Expr, holds: bool) -> Option<Formula> {
    let (column, folded) = match (column(left), operand(left)) {
        (Some(column), _) => (column, false),
        (None, Some(Operand::Changed(Change::Lower | Change::Upper, column))) => (column, true),
        _ => return None,
    };
    let of = |text: &str| {
        let pattern = TextPattern::from_operator(operator, text)?.or_negated(holds);
        let insensitive = pattern.insensitive || folded;
        let pattern = TextPattern {
            insensitive,
            ..pattern
        };
        Some(Formula::bound(column.clone(), BoundRule::Matches(pattern)))
    };
    if let Expr::CallExpr(call) = bare(right.clone()) {
        let (list, any) = match (call.any_fn(), call.all_fn()) {
            (Some(any), _) => (any.expr()?, true),
            (_, Some(all)) => (all.expr()?, false),
            _ => return similar(&of, right),
        };
        let parts = constants(&list)?
            .iter()
            .map(|text| of(text))
            .collect::<Option<_>>()?;
        return Some(match any == holds {
            true => Formula::any(parts),
            false => Formula::all(parts),
        });
    }
    of(&constant(right)?)
}

/// `jsonb_typeof(a) IN ('object', 'array')`, as alternatives.
pub(super) fn json_kinds(tested: &Expr, kinds: &[String], holds: bool) -> Option<Formula> {
    let Operand::JsonKind(name) = operand(tested)? else {
        return None;
    };
    let rules = kinds.iter().cloned().map(|kind| match holds {
        true => Formula::bound(name.clone(), BoundRule::JsonKind(kind)),
        false => Formula::bound(name.clone(), BoundRule::NotJsonKind(kind)),
    });
    Some(match holds {
        true => Formula::any(rules.collect()),
        false => Formula::all(rules.collect()),
    })
}

/// `SIMILAR TO`, which is printed as `~ similar_to_escape('…')`.
fn similar(of: &dyn Fn(&str) -> Option<Formula>, right: &Expr) -> Option<Formula> {
    let (name, arguments) = super::operand::call(right)?;
    match (name.as_str(), arguments.as_slice()) {
        ("similar_to_escape" | "similar_escape", [text]) => of(&from_similar(&constant(text)?)),
        _ => None,
    }
}
