//! What a CHECK expression says of the values that a column may hold.

mod comparison;
mod operand;

use squawk_syntax::ast::{self, AstNode, BinOp, Expr};

use self::comparison::Comparison;
use self::operand::{
    bare, column, constant, constants, is_null, measured_column, name, null_test, only_column,
    text_of,
};
use super::syntax;

/// One thing that a CHECK expression demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The column, without quotes; `VALUE` in a domain. Empty where [`BoundRule::Unknown`] names
    /// no column or several.
    pub column: String,
    /// What holds for it.
    pub rule: BoundRule,
}

/// What a CHECK expression demands of a column. Values are texts as PostgreSQL reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoundRule {
    /// Not below.
    Min {
        /// The lowest value.
        value: String,
        /// Whether that value itself is allowed.
        inclusive: bool,
    },
    /// Not above.
    Max {
        /// The highest value.
        value: String,
        /// Whether that value itself is allowed.
        inclusive: bool,
    },
    /// One of these.
    OneOf(Vec<String>),
    /// At most so many characters.
    MaxLength(u32),
    /// At least so many characters.
    MinLength(u32),
    /// Not null.
    NotNull,
    /// Anything but this.
    Not(String),
    /// Something that is not understood, as it was written.
    Unknown(String),
}

/// What a CHECK expression, as `pg_get_expr` prints it, demands: all of the bounds together. A part
/// of a conjunction that is not understood is one [`BoundRule::Unknown`].
pub fn understand_check(expression: &str) -> Vec<Bound> {
    parse(expression).map_or_else(
        || vec![unknown(String::new(), expression)],
        |expression| conjunction(&expression),
    )
}

fn parse(expression: &str) -> Option<Expr> {
    let file = syntax::parse(&format!("SELECT ({expression})"))?
        .ok()
        .ok()?;
    let mut statements = file.stmts();
    let first = statements.next()?;
    match statements.next() {
        Some(_) => None,
        None => first.syntax().descendants().find_map(Expr::cast),
    }
}

fn conjunction(expression: &Expr) -> Vec<Bound> {
    let expression = bare(expression.clone());
    if let Expr::BinExpr(both) = &expression
        && let (Some(BinOp::And(_)), Some(left), Some(right)) = (both.op(), both.lhs(), both.rhs())
    {
        let mut bounds = conjunction(&left);
        bounds.extend(conjunction(&right));
        return bounds;
    }
    condition(&expression)
        .unwrap_or_else(|| vec![unknown(only_column(&expression), &text_of(&expression))])
}

fn unknown(column: String, text: &str) -> Bound {
    Bound {
        column,
        rule: BoundRule::Unknown(text.to_owned()),
    }
}

/// The bounds of one condition; none where it is not understood.
fn condition(expression: &Expr) -> Option<Vec<Bound>> {
    let bound = |column, rule| Some(vec![Bound { column, rule }]);
    match expression {
        Expr::BetweenExpr(between) => {
            let column = column(&between.target()?)?;
            let (low, high) = (constant(&between.start()?)?, constant(&between.end()?)?);
            let plain = between.not_token().is_none() && between.between_symmetry().is_none();
            plain.then(|| {
                [Comparison::AtLeast.rule(low), Comparison::AtMost.rule(high)]
                    .map(|rule| Bound {
                        column: column.clone(),
                        rule,
                    })
                    .to_vec()
            })
        }
        Expr::PostfixExpr(postfix) => match postfix.op()? {
            ast::PostfixOp::NotNull(_) => {
                let tested = postfix.syntax().children().find_map(Expr::cast)?;
                bound(column(&tested)?, BoundRule::NotNull)
            }
            _ => None,
        },
        Expr::NameRef(flag) => bound(name(flag), BoundRule::OneOf(vec!["true".to_owned()])),
        Expr::PrefixExpr(prefix) => match prefix.op()? {
            ast::PrefixOp::Not(_) => negation(prefix),
            _ => None,
        },
        Expr::BinExpr(binary) => binary_condition(binary),
        _ => None,
    }
}

fn binary_condition(binary: &ast::BinExpr) -> Option<Vec<Bound>> {
    let (left, right) = (binary.lhs()?, binary.rhs()?);
    let one = |rule| {
        Some(vec![Bound {
            column: column(&left)?,
            rule,
        }])
    };
    match binary.op()? {
        BinOp::Or(_) => disjunction(&left, &right),
        BinOp::In(_) => one(BoundRule::OneOf(constants(&right)?)),
        BinOp::NotIn(_) => not_any(&column(&left)?, constants(&right)?),
        BinOp::IsNot(_) if is_null(&right) => one(BoundRule::NotNull),
        operator => compare(Comparison::from_operator(&operator)?, &left, &right),
    }
}

fn compare(comparison: Comparison, left: &Expr, right: &Expr) -> Option<Vec<Bound>> {
    if let Expr::CallExpr(call) = bare(right.clone())
        && (call.any_fn().is_some() || call.all_fn().is_some())
    {
        let column = column(left)?;
        return match (comparison, call.any_fn(), call.all_fn()) {
            (Comparison::Equal, Some(any), _) => Some(vec![Bound {
                column,
                rule: BoundRule::OneOf(constants(&any.expr()?)?),
            }]),
            (Comparison::Unequal, _, Some(all)) => not_any(&column, constants(&all.expr()?)?),
            _ => None,
        };
    }
    let (comparison, tested, value) = match constant(right) {
        Some(value) => (comparison, left, value),
        None => (comparison.flipped(), right, constant(left)?),
    };
    if let Some(column) = measured_column(tested) {
        let rules = comparison.length_rules(value.parse().ok()?)?;
        return Some(
            rules
                .into_iter()
                .map(|rule| Bound {
                    column: column.clone(),
                    rule,
                })
                .collect(),
        );
    }
    Some(vec![Bound {
        column: column(tested)?,
        rule: comparison.rule(value),
    }])
}

/// `a IN (…) OR a IN (…)`, which is one list; `a IS NULL OR …`, of which the second arm is enough,
/// for a CHECK lets nulls pass anyway.
fn disjunction(left: &Expr, right: &Expr) -> Option<Vec<Bound>> {
    for (null, other) in [(left, right), (right, left)] {
        if let Some(column) = null_test(null) {
            let bounds = conjunction(other);
            let same_column = bounds.iter().all(|bound| {
                bound.column == column && !matches!(bound.rule, BoundRule::Unknown(_))
            });
            return same_column.then_some(bounds);
        }
    }
    let ((column, mut values), (other, more)) = (choice(left)?, choice(right)?);
    values.extend(more);
    (column == other).then(|| {
        vec![Bound {
            column,
            rule: BoundRule::OneOf(values),
        }]
    })
}

/// The column and the values of a condition that is a list of them.
fn choice(expression: &Expr) -> Option<(String, Vec<String>)> {
    let mut bounds = condition(&bare(expression.clone()))?.into_iter();
    match (bounds.next()?, bounds.next()) {
        (
            Bound {
                column,
                rule: BoundRule::OneOf(values),
            },
            None,
        ) => Some((column, values)),
        _ => None,
    }
}

/// `NOT flag`, and `NOT` of a list of values.
fn negation(prefix: &ast::PrefixExpr) -> Option<Vec<Bound>> {
    let operand = bare(prefix.syntax().children().find_map(Expr::cast)?);
    if let Expr::NameRef(flag) = &operand {
        return Some(vec![Bound {
            column: name(flag),
            rule: BoundRule::OneOf(vec!["false".to_owned()]),
        }]);
    }
    let (column, values) = choice(&operand)?;
    not_any(&column, values)
}

fn not_any(column: &str, values: Vec<String>) -> Option<Vec<Bound>> {
    let bound = |value| Bound {
        column: column.to_owned(),
        rule: BoundRule::Not(value),
    };
    Some(values.into_iter().map(bound).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One line a bound.
    fn understood(expression: &str) -> String {
        let lines: Vec<String> = understand_check(expression)
            .into_iter()
            .map(|Bound { column, rule }| match rule {
                BoundRule::Min { value, inclusive } => {
                    format!("{column} >{} {value}", if inclusive { "=" } else { "" })
                }
                BoundRule::Max { value, inclusive } => {
                    format!("{column} <{} {value}", if inclusive { "=" } else { "" })
                }
                rule => format!("{column} {rule:?}"),
            })
            .collect();
        lines.join("; ")
    }

    #[test]
    fn what_pg_get_expr_prints_is_understood() {
        for (expression, bounds) in [
            ("(price >= 0)", "price >= 0"),
            ("(price > (0)::numeric)", "price > 0"),
            ("(0 < a)", "a > 0"),
            ("((a >= 0) AND (a <= 10))", "a >= 0; a <= 10"),
            ("(t > '-5'::integer)", "t > -5"),
            ("(t > (- 5))", "t > -5"),
            ("(born >= '1900-01-01'::date)", "born >= 1900-01-01"),
            ("(a BETWEEN 1 AND 2)", "a >= 1; a <= 2"),
            (
                "(kind = ANY (ARRAY['a'::text, 'b''c'::text]))",
                r#"kind OneOf(["a", "b'c"])"#,
            ),
            (
                "((status)::text = ANY ((ARRAY['new'::character varying, 'old'::character varying])::text[]))",
                r#"status OneOf(["new", "old"])"#,
            ),
            (
                "(n = ANY (ARRAY[1, 2, '-3'::integer]))",
                r#"n OneOf(["1", "2", "-3"])"#,
            ),
            ("n IN (1, 2)", r#"n OneOf(["1", "2"])"#),
            ("n IN (1)", r#"n OneOf(["1"])"#),
            ("n NOT IN (1, 2)", r#"n Not("1"); n Not("2")"#),
            ("(n <> ALL (ARRAY[1, 2]))", r#"n Not("1"); n Not("2")"#),
            ("((kind)::text = 'x'::text)", r#"kind OneOf(["x"])"#),
            ("((name)::text <> ''::text)", r#"name Not("")"#),
            (
                "((a = 1) OR (a = 2) OR (a = ANY (ARRAY[3, 4])))",
                r#"a OneOf(["1", "2", "3", "4"])"#,
            ),
            ("(char_length((name)::text) <= 20)", "name MaxLength(20)"),
            ("(length(name) < 20)", "name MaxLength(19)"),
            ("(length(name) = 2)", "name MinLength(2); name MaxLength(2)"),
            ("(0 < character_length(name))", "name MinLength(1)"),
            ("(length(name) <> 0)", "name MinLength(1)"),
            ("(a IS NOT NULL)", "a NotNull"),
            ("(VALUE > 0)", "VALUE > 0"),
            ("(value > 0)", "value > 0"),
            (r#"("Weird ""one" >= 1.5)"#, r#"Weird "one >= 1.5"#),
            ("active", r#"active OneOf(["true"])"#),
            ("(NOT active)", r#"active OneOf(["false"])"#),
            ("(NOT (v = 0))", r#"v Not("0")"#),
            (
                "((w IS NULL) OR (w = ANY (ARRAY['a'::text, 'b'::text])))",
                r#"w OneOf(["a", "b"])"#,
            ),
            ("((a IS NULL) OR ((a > 1) AND (a < 5)))", "a > 1; a < 5"),
            (
                "((f >= ('-1.5'::numeric)::double precision) AND (f <= (1.5)::double precision))",
                "f >= -1.5; f <= 1.5",
            ),
            (
                "(g = ANY (ARRAY[(1)::bigint, ('-3'::integer)::bigint]))",
                r#"g OneOf(["1", "-3"])"#,
            ),
            (
                "(r > '2020-01-01 00:00:00+00'::timestamp with time zone)",
                "r > 2020-01-01 00:00:00+00",
            ),
            (
                "(j = ANY (ARRAY['ab'::bpchar, 'cd'::bpchar]))",
                r#"j OneOf(["ab", "cd"])"#,
            ),
            ("(active = false)", r#"active OneOf(["false"])"#),
        ] {
            assert_eq!(understood(expression), bounds, "{expression}");
        }
    }

    #[test]
    fn what_is_not_understood_is_kept_apart() {
        for (expression, bounds) in [
            (
                "((a > 0) AND (b ~ '^x'::text))",
                r#"a > 0; b Unknown("b ~ '^x'::text")"#,
            ),
            ("(a < b)", r#" Unknown("a < b")"#),
            ("((a = 1) OR (b = 2))", r#" Unknown("(a = 1) OR (b = 2)")"#),
            ("((a = 1) OR (a > 5))", r#"a Unknown("(a = 1) OR (a > 5)")"#),
            ("(NOT (a > 1))", r#"a Unknown("NOT (a > 1)")"#),
            (
                "((a IS NULL) OR (b = 1))",
                r#" Unknown("(a IS NULL) OR (b = 1)")"#,
            ),
            ("(lower(a) = a)", r#"a Unknown("lower(a) = a")"#),
            ("(a > now())", r#"a Unknown("a > now()")"#),
            ("(length(a) < 0)", r#"a Unknown("length(a) < 0")"#),
            (
                "(a NOT BETWEEN 1 AND 2)",
                r#"a Unknown("a NOT BETWEEN 1 AND 2")"#,
            ),
            ("(a IS NULL)", r#"a Unknown("a IS NULL")"#),
            ("not sql at all (", r#" Unknown("not sql at all (")"#),
            (
                "1); DROP TABLE t; SELECT (1",
                r#" Unknown("1); DROP TABLE t; SELECT (1")"#,
            ),
        ] {
            assert_eq!(understood(expression), bounds, "{expression}");
        }
    }

    proptest! {
        #[test]
        fn understanding_never_panics(
            expression in "(a|b|1|'x'|\\(|\\)|,| |AND|OR|NOT|=|<|>|ANY|ARRAY\\[|\\]|::text|IN|IS|NULL|-|length|BETWEEN|\\.|CASE|;|\\$\\$|E'){0,25}",
            noise in any::<String>(),
        ) {
            let _ = understand_check(&expression);
            let _ = understand_check(&noise);
        }

        #[test]
        fn conjunctions_are_the_sum_of_their_parts(low in 0..100, high in 100..200) {
            let bounds = understand_check(&format!("((a >= {low}) AND (a < {high}))"));
            let mut parts = understand_check(&format!("(a >= {low})"));
            parts.extend(understand_check(&format!("(a < {high})")));
            prop_assert_eq!(bounds, parts);
        }
    }
}
