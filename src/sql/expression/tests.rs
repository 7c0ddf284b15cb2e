//! What CHECKs are understood as.

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
        ("((VALUE).street IS NOT NULL)", "VALUE NotNull"),
        (r#"((home)."Zip Code" IS NOT NULL)"#, "home NotNull"),
        (
            "((home).street IS NULL)",
            r#"home Unknown("(home).street IS NULL")"#,
        ),
        (
            "((NOT isempty(VALUE)) AND (NOT lower_inf(VALUE)))",
            "VALUE FiniteRange; VALUE FiniteRange",
        ),
        (
            "(upper(during) IS NOT NULL)",
            "during NotNull; during FiniteRange",
        ),
        ("isempty(during)", r#"during Unknown("isempty(during)")"#),
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

/// A formula in short.
fn short(formula: &Formula) -> String {
    let join = |parts: &[Formula], word: &str| {
        let parts: Vec<String> = parts.iter().map(short).collect();
        format!("({})", parts.join(word))
    };
    match formula {
        Formula::All(parts) => join(parts, " & "),
        Formula::Any(parts) => join(parts, " | "),
        Formula::Column(Bound { column, rule }) => match rule {
            BoundRule::Min { value, inclusive } => {
                format!("{column}>{}{value}", if *inclusive { "=" } else { "" })
            }
            BoundRule::Max { value, inclusive } => {
                format!("{column}<{}{value}", if *inclusive { "=" } else { "" })
            }
            BoundRule::OneOf(values) => format!("{column}={}", values.join(",")),
            BoundRule::Not(value) => format!("{column}!={value}"),
            BoundRule::Null => format!("{column}=-"),
            BoundRule::NotNull => format!("{column}!=-"),
            BoundRule::Matches(pattern) => format!(
                "{column}{}~{}{}",
                if pattern.negated { "!" } else { "" },
                if pattern.insensitive { "*" } else { "" },
                pattern.regex
            ),
            rule => format!("{column} {rule:?}"),
        },
        Formula::Columns(Relation {
            left,
            comparison,
            right,
            offset,
        }) => {
            let offset = offset.as_deref().map(|offset| format!("+{offset}"));
            format!(
                "{left} {comparison:?} {right}{}",
                offset.unwrap_or_default()
            )
        }
        Formula::Unknown { text, .. } => format!("?{text}"),
    }
}

#[test]
fn conditions_become_formulas() {
    for (expression, expected) in [
        ("(a < b)", "a Less b"),
        (
            "((ended_at - started_at) >= '01:00:00'::interval)",
            "ended_at AtLeast started_at+01:00:00",
        ),
        ("(b > (a + '1 day'::interval))", "b Greater a+1 day"),
        ("((a - 5) <= b)", "a AtMost b+5"),
        ("((a = 1) OR (b = 2))", "(a=1 | b=2)"),
        ("((a = 1) OR (a > 5))", "(a=1 | a>5)"),
        ("(NOT (a > 1))", "a<=1"),
        ("(NOT ((a > 1) AND (b IS NULL)))", "(a<=1 | b!=-)"),
        ("((a IS NULL) OR (b = 1))", "(a=- | b=1)"),
        ("((a IS NULL) OR ((a > 1) AND (a < 5)))", "(a>1 & a<5)"),
        (
            "((a IS NULL) = (b IS NULL))",
            "((a=- & b=-) | (a!=- & b!=-))",
        ),
        (
            "((a IS NULL) <> (b IS NULL))",
            "((a=- & b!=-) | (a!=- & b=-))",
        ),
        ("(num_nonnulls(a, b) = 1)", "((a!=- & b=-) | (a=- & b!=-))"),
        ("(num_nonnulls(a, b, c) >= 1)", "(a!=- | b!=- | c!=-)"),
        ("(num_nulls(a, b) > 0)", "(a=- | b=-)"),
        ("(num_nonnulls(a, b) <= 1)", "(a=- | b=-)"),
        (
            "((((a IS NOT NULL))::integer + ((b IS NOT NULL))::integer) = 1)",
            "((a!=- & b=-) | (a=- & b!=-))",
        ),
        (
            "((CASE WHEN (a IS NULL) THEN 0 ELSE 1 END + CASE WHEN (b IS NULL) THEN 0 ELSE 1 END) = 1)",
            "((a!=- & b=-) | (a=- & b!=-))",
        ),
        (
            "CASE WHEN (k = 'x'::text) THEN (a IS NOT NULL) ELSE (a IS NULL) END",
            "((k!=- & k=x & a!=-) | (k!=x & a=-))",
        ),
        (
            "CASE k WHEN 1 THEN (a > 0) ELSE true END",
            "((k!=- & k=1 & a>0) | k!=1)",
        ),
        ("(a ~ '^x'::text)", "a~^x"),
        ("((a)::text !~* '^x'::text)", "a!~*^x"),
        ("(a ~~ '%@x.%'::text)", r"a~^.*\@x\..*$"),
        ("(a !~~ 'x_'::text)", "a!~^x.$"),
        (
            "(a ~~* ANY (ARRAY['x%'::text, 'y%'::text]))",
            "(a~*^x.*$ | a~*^y.*$)",
        ),
        ("(a ~ similar_to_escape('(x|y)%'::text))", "a~^(?:(x|y).*)$"),
        (r#"(POSITION(('@'::text) IN (a)) > 0)"#, r"a~\@"),
        (r#"("position"(a, '@'::text) > 0)"#, r"a~\@"),
        (r#"(POSITION(('@'::text) IN (a)) > 1)"#, r"a~^[^\@]{1,}\@"),
        ("(abs(a) <= (180)::numeric)", "(a<=180 & a>=-180)"),
        ("((VALUE)::integer < 1000)", "VALUE<1000"),
        ("(abs(a) > 5)", "(a>5 | a<-5)"),
        ("(abs(a) = 5)", "a=5,-5"),
        ("(strpos(a, ' '::text) = 0)", "a!~ "),
        ("(lower(a) = a)", "a~^[^A-Z]*$"),
        ("((a)::text = upper((a)::text))", "a~^[^a-z]*$"),
        ("(btrim(a) <> ''::text)", r"a~\S"),
        ("(length(btrim(a)) > 0)", "a MinLength(1)"),
        (r#"("left"(a, 2) = 'xy'::text)"#, "a~^xy"),
        ("starts_with(a, 'x'::text)", "a~^x"),
        ("(COALESCE(a, 0) > 0)", "(a!=- & a>0)"),
        ("(COALESCE(a, 1) > 0)", "a>0"),
        ("(flag IS TRUE)", "(flag!=- & flag=true)"),
        ("(flag IS NOT TRUE)", "flag=false"),
        ("(a IS DISTINCT FROM b)", "(a Unequal b & (a!=- | b!=-))"),
        ("(a IS DISTINCT FROM 'x'::text)", "a!=x"),
        ("(NOT (a IS DISTINCT FROM 1))", "(a!=- & a=1)"),
        (
            "((status = 'done'::text) = (ended_at IS NOT NULL))",
            "((status=done & ended_at!=-) | (status!=done & ended_at=-))",
        ),
        (
            "(done = (ended_at IS NOT NULL))",
            "((done=true & ended_at!=-) | (done=false & ended_at=-))",
        ),
        ("(cardinality(a) > 0)", "a MinElements(1)"),
        ("(array_length(a, 1) <= 5)", "a MaxElements(5)"),
        (
            "(jsonb_typeof(a) = 'object'::text)",
            r#"a JsonKind("object")"#,
        ),
        ("(length(a) <> 3)", "(a MaxLength(2) | a MinLength(4))"),
        ("(a NOT BETWEEN 1 AND 2)", "(a<1 | a>2)"),
        ("(born <= CURRENT_DATE)", "born<=2026-01-01"),
        (
            "(num_nonnulls(a, b) = ANY (ARRAY[0, 2]))",
            "((a=- & b=-) | (a!=- & b!=-))",
        ),
        ("(a <> ANY (ARRAY[1, 2]))", "?a <> ANY (ARRAY[1, 2])"),
        (
            "(jsonb_typeof(a) = ANY (ARRAY['object'::text, 'null'::text]))",
            r#"(a JsonKind("object") | a JsonKind("null"))"#,
        ),
        ("(length(a) < 0)", "()"),
        ("true", "()"),
        (
            "((created)::date < (ended)::date)",
            "?(created)::date < (ended)::date",
        ),
        ("((a * b) > 0)", "?(a * b) > 0"),
        ("((a > 0) OR is_odd(b))", "(a>0 | ?is_odd(b))"),
        ("not sql at all (", "?not sql at all ("),
    ] {
        let formula = understand_condition(expression).simplified();
        assert_eq!(short(&formula), expected, "{expression}");
    }
}

#[test]
fn what_is_not_understood_is_kept_apart() {
    for (expression, bounds) in [
        (
            "((a > 0) AND ((b % 2) = 0))",
            r#"a > 0; b Unknown("(b % 2) = 0")"#,
        ),
        ("(a < b)", r#" Unknown("a < b")"#),
        ("((a = 1) OR (b = 2))", r#" Unknown("(a = 1) OR (b = 2)")"#),
        ("((a = 1) OR (a > 5))", r#"a Unknown("(a = 1) OR (a > 5)")"#),
        (
            "((a IS NULL) OR (b = 1))",
            r#" Unknown("(a IS NULL) OR (b = 1)")"#,
        ),
        ("(length(a) < 0)", r#"a Unknown("length(a) < 0")"#),
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
        expression in "(a|b|1|'x'|\\(|\\)|,| |AND|OR|NOT|=|<|>|ANY|ARRAY\\[|\\]|::text|IN|IS|NULL|-|length|BETWEEN|\\.|CASE|WHEN|THEN|ELSE|END|~|LIKE|\\+|coalesce|num_nulls|;|\\$\\$|E'){0,25}",
        noise in any::<String>(),
    ) {
        let _ = understand_check(&expression);
        let _ = understand_check(&noise);
        let _ = understand_condition(&expression).simplified();
    }

    #[test]
    fn conjunctions_are_the_sum_of_their_parts(low in 0..100, high in 100..200) {
        let bounds = understand_check(&format!("((a >= {low}) AND (a < {high}))"));
        let mut parts = understand_check(&format!("(a >= {low})"));
        parts.extend(understand_check(&format!("(a < {high})")));
        prop_assert_eq!(bounds, parts);
    }
}
