//! What an expression in an index makes of a column's values.

use squawk_syntax::ast::{self, AstNode, Expr};

use super::syntax;

/// An expression in an index, by what it keeps apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexExpression {
    /// Different values of this column give different results, as in `lower(email)` where all texts are
    /// lower-case.
    Keeps(String),
    /// A field of a JSON column: `data ->> 'id'`.
    Field {
        /// The column.
        column: String,
        /// The field.
        name: String,
    },
    /// Different values may give the same result; the columns that it mentions, none for a constant.
    Merges(Vec<String>),
}

/// Functions of one text that change nothing of lower-case texts without blanks around them, or that
/// digest it.
const KEEPING: [&str; 7] = [
    "lower", "upper", "btrim", "trim", "md5", "reverse", "coalesce",
];

/// Reads an expression as `pg_get_indexdef` prints it.
pub fn read_index_expression(text: &str) -> IndexExpression {
    let parsed = syntax::parse(&format!("SELECT ({text})")).and_then(|parse| parse.ok().ok());
    let Some(file) = parsed else {
        return IndexExpression::Merges(Vec::new());
    };
    let Some(expression) = file.syntax().descendants().find_map(Expr::cast) else {
        return IndexExpression::Merges(Vec::new());
    };
    if let Some(column) = kept(&expression) {
        return IndexExpression::Keeps(column);
    }
    field(&expression).unwrap_or_else(|| IndexExpression::Merges(mentioned(&expression)))
}

/// The columns that a range is made of, as in `tstzrange(starts_at, ends_at, '[)')`.
pub fn read_range_expression(text: &str) -> Option<(String, String)> {
    let file = syntax::parse(&format!("SELECT ({text})"))?.ok().ok()?;
    let expression = file.syntax().descendants().find_map(Expr::cast)?;
    let Expr::CallExpr(call) = bare(expression) else {
        return None;
    };
    let Some(Expr::NameRef(function)) = call.expr() else {
        return None;
    };
    let mut arguments = call
        .arg_list()?
        .args()
        .filter_map(|argument| argument.expr());
    match (bare(arguments.next()?), bare(arguments.next()?)) {
        (Expr::NameRef(lower), Expr::NameRef(upper)) if name(&function).ends_with("range") => {
            Some((name(&lower), name(&upper)))
        }
        _ => None,
    }
}

/// The expression without parentheses and casts.
fn bare(mut expression: Expr) -> Expr {
    loop {
        let inner = match &expression {
            Expr::ParenExpr(parentheses) => parentheses.expr(),
            Expr::CastExpr(cast) => cast.expr(),
            _ => None,
        };
        match inner {
            Some(inner) => expression = inner,
            None => return expression,
        }
    }
}

/// The column whose values it keeps apart.
fn kept(expression: &Expr) -> Option<String> {
    match bare(expression.clone()) {
        Expr::NameRef(column) => Some(name(&column)),
        Expr::CallExpr(call) => {
            let Some(Expr::NameRef(function)) = call.expr() else {
                return None;
            };
            let keeps = KEEPING.contains(&name(&function).to_ascii_lowercase().as_str());
            let arguments: Vec<Expr> = call.arg_list()?.args().filter_map(|a| a.expr()).collect();
            let mut columns = arguments.iter().filter(|a| !mentioned(a).is_empty());
            let only = columns.next().filter(|_| keeps && columns.next().is_none());
            kept(only?)
        }
        _ => None,
    }
}

/// `column ->> 'name'`, `column -> 'name'`.
fn field(expression: &Expr) -> Option<IndexExpression> {
    let Expr::BinExpr(binary) = bare(expression.clone()) else {
        return None;
    };
    let (left, right) = (binary.lhs()?, binary.rhs()?);
    let text = binary.syntax().text().to_string();
    let operands = [left.syntax(), right.syntax()].map(|node| usize::from(node.text().len()));
    let operator = text.get(operands[0]..text.len().checked_sub(operands[1])?)?;
    let Expr::NameRef(column) = bare(left) else {
        return None;
    };
    let (Expr::Literal(literal), true) = (
        literal_below(right),
        matches!(operator.trim(), "->>" | "->"),
    ) else {
        return None;
    };
    Some(IndexExpression::Field {
        column: name(&column),
        name: literal.string_value()?,
    })
}

fn literal_below(expression: Expr) -> Expr {
    match &expression {
        Expr::CastExpr(cast) => match (cast.expr(), cast.literal()) {
            (Some(inner), _) => literal_below(inner),
            (None, Some(literal)) => Expr::Literal(literal),
            (None, None) => expression,
        },
        Expr::ParenExpr(parentheses) => parentheses.expr().map_or(expression, literal_below),
        _ => expression,
    }
}

/// The columns that it mentions, each once.
fn mentioned(expression: &Expr) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for reference in expression
        .syntax()
        .descendants()
        .filter_map(ast::NameRef::cast)
    {
        let parent = reference.syntax().parent();
        let call = parent
            .as_ref()
            .and_then(|node| ast::CallExpr::cast(node.clone()));
        let is_type = parent.is_some_and(|node| {
            node.ancestors()
                .any(|above| ast::Type::can_cast(above.kind()))
        });
        let column = name(&reference);
        if call.is_none() && !is_type && !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// The name as the catalog has it.
fn name(reference: &ast::NameRef) -> String {
    let text = reference.syntax().text().to_string();
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_pg_get_indexdef_prints_is_read() {
        let keeps = |column: &str| IndexExpression::Keeps(column.to_owned());
        let merges = |columns: &[&str]| {
            IndexExpression::Merges(columns.iter().map(|c| (*c).to_owned()).collect())
        };
        for (text, read) in [
            ("lower(email)", keeps("email")),
            ("lower((email)::text)", keeps("email")),
            ("upper(btrim(\"Odd \"\"name\"))", keeps("Odd \"name")),
            ("COALESCE(a, 0)", keeps("a")),
            ("COALESCE(a, '-1'::integer)", keeps("a")),
            ("((id)::text)", keeps("id")),
            ("md5(body)", keeps("body")),
            (
                "((data ->> 'id'::text))",
                IndexExpression::Field {
                    column: "data".into(),
                    name: "id".into(),
                },
            ),
            ("COALESCE(a, b)", merges(&["a", "b"])),
            (
                "date_trunc('day'::text, created_at)",
                merges(&["created_at"]),
            ),
            ("(a + b)", merges(&["a", "b"])),
            ("((true))", merges(&[])),
            ("\"left\"(name, 3)", merges(&["name"])),
            ("not sql (", merges(&[])),
        ] {
            assert_eq!(read_index_expression(text), read, "{text}");
        }
    }

    #[test]
    fn ranges_of_two_columns_are_read() {
        let pair = Some(("a".to_owned(), "B c".to_owned()));
        for text in [
            "tstzrange(a, \"B c\")",
            "int4range(a, \"B c\", '[]'::text)",
            "daterange((a)::date, (\"B c\")::date)",
        ] {
            assert_eq!(read_range_expression(text), pair, "{text}");
        }
        for text in ["tstzrange(a, now())", "greatest(a, b)", "a", "box(a, b)"] {
            assert_eq!(read_range_expression(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(a|lower|coalesce|\\(|\\)|,|->>|'x'|::text| |\"){0,15}") {
            let _ = read_index_expression(&text);
            let _ = read_range_expression(&text);
        }
    }
}
