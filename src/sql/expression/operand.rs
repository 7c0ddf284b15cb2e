//! The ends of a condition: columns, constants and lists of constants.

use squawk_syntax::ast::{self, AstNode, BinOp, Expr, LitKind};

/// The expression without the parentheses around it.
pub(super) fn bare(mut expression: Expr) -> Expr {
    while let Expr::ParenExpr(parentheses) = &expression {
        match parentheses.expr() {
            Some(inner) => expression = inner,
            None => break,
        }
    }
    expression
}

/// The expression without parentheses and casts, which `pg_get_expr` adds where types differ.
fn uncast(mut expression: Expr) -> Expr {
    loop {
        expression = bare(expression);
        let inner = match &expression {
            Expr::CastExpr(cast) => cast.expr().or_else(|| cast.literal().map(Expr::Literal)),
            _ => None,
        };
        match inner {
            Some(inner) => expression = inner,
            None => return expression,
        }
    }
}

pub(super) fn column(expression: &Expr) -> Option<String> {
    match uncast(expression.clone()) {
        Expr::NameRef(reference) => Some(name(&reference)),
        _ => None,
    }
}

/// The column whose length in characters the expression is.
pub(super) fn measured_column(expression: &Expr) -> Option<String> {
    let Expr::CallExpr(call) = uncast(expression.clone()) else {
        return None;
    };
    let Some(Expr::NameRef(function)) = call.expr() else {
        return None;
    };
    let mut arguments = call.arg_list()?.args();
    match (name(&function).as_str(), arguments.next(), arguments.next()) {
        ("length" | "char_length" | "character_length", Some(argument), None) => {
            column(&argument.expr()?)
        }
        _ => None,
    }
}

/// The name as the catalog has it. Case is kept: `pg_get_expr` quotes where it matters, and only a
/// domain's `VALUE` is printed in capitals.
pub(super) fn name(reference: &ast::NameRef) -> String {
    let text = reference.syntax().text().to_string();
    match text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text,
    }
}

/// The text of a constant, as PostgreSQL would read it.
pub(super) fn constant(expression: &Expr) -> Option<String> {
    match uncast(expression.clone()) {
        Expr::Literal(literal) => match literal.kind()? {
            LitKind::IntNumber(token) | LitKind::NumericNumber(token) => {
                Some(token.text().to_owned())
            }
            LitKind::True(_) => Some("true".to_owned()),
            LitKind::False(_) => Some("false".to_owned()),
            LitKind::String(_) | LitKind::EscString(_) | LitKind::UnicodeEscString(_) => {
                literal.string_value()
            }
            _ => None,
        },
        Expr::PrefixExpr(prefix) => {
            let operand = prefix.syntax().children().find_map(Expr::cast)?;
            let number = constant(&operand)?;
            match prefix.op()? {
                ast::PrefixOp::Minus(_) if number.starts_with(|c: char| c.is_ascii_digit()) => {
                    Some(format!("-{number}"))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The constants of `ARRAY[…]`, `(…, …)` or `(…)`.
pub(super) fn constants(list: &Expr) -> Option<Vec<String>> {
    match uncast(list.clone()) {
        Expr::ArrayExpr(array) => array.exprs().map(|value| constant(&value)).collect(),
        Expr::TupleExpr(tuple) => tuple
            .syntax()
            .children()
            .filter_map(Expr::cast)
            .map(|value| constant(&value))
            .collect(),
        single => Some(vec![constant(&single)?]),
    }
}

pub(super) fn is_null(expression: &Expr) -> bool {
    matches!(expression, Expr::Literal(literal) if matches!(literal.kind(), Some(LitKind::Null(_))))
}

/// The column of a `… IS NULL`.
pub(super) fn null_test(expression: &Expr) -> Option<String> {
    let Expr::BinExpr(test) = bare(expression.clone()) else {
        return None;
    };
    match test.op()? {
        BinOp::Is(_) if is_null(&test.rhs()?) => column(&test.lhs()?),
        _ => None,
    }
}

pub(super) fn text_of(expression: &Expr) -> String {
    expression.syntax().text().to_string()
}

/// The one column that an expression mentions; empty if there are none or several.
pub(super) fn only_column(expression: &Expr) -> String {
    let is_function = |node: &ast::NameRef| {
        let parent = node.syntax().parent().and_then(ast::CallExpr::cast);
        parent.is_some()
    };
    let mut columns = expression
        .syntax()
        .descendants()
        .filter_map(ast::NameRef::cast)
        .filter(|reference| !is_function(reference))
        .map(|reference| name(&reference));
    let first = columns.next().unwrap_or_default();
    if columns.all(|other| other == first) {
        first
    } else {
        String::new()
    }
}
