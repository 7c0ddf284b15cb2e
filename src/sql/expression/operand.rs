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
pub(super) fn uncast(mut expression: Expr) -> Expr {
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

/// The column that an expression is, perhaps cast to a type of more values.
pub(super) fn column(expression: &Expr) -> Option<String> {
    let mut expression = bare(expression.clone());
    while let Expr::CastExpr(cast) = &expression {
        let target = cast.ty()?.syntax().text().to_string();
        if narrows(&target) {
            return None;
        }
        expression = bare(cast.expr()?);
    }
    match expression {
        Expr::NameRef(reference) => Some(name(&reference)),
        _ => None,
    }
}

/// The composite column that an expression is a field of.
pub(super) fn field_of(expression: &Expr) -> Option<String> {
    match bare(expression.clone()) {
        Expr::FieldExpr(field) => column(&field.base()?),
        _ => None,
    }
}

/// Whether a cast to the type loses part of a value, as that of a timestamp to its day.
fn narrows(target: &str) -> bool {
    let first = target.split_ascii_whitespace().next().unwrap_or_default();
    matches!(first, "date" | "time" | "interval")
}

/// A function's name and its arguments.
pub(super) fn call(expression: &Expr) -> Option<(String, Vec<Expr>)> {
    let Expr::CallExpr(call) = uncast(expression.clone()) else {
        return None;
    };
    if let Some(position) = call.position_fn() {
        let mut parts = position.syntax().children().filter_map(Expr::cast);
        let (part, whole) = (parts.next()?, parts.next()?);
        return Some(("strpos".to_owned(), vec![whole, part]));
    }
    let Some(Expr::NameRef(function)) = call.expr() else {
        return None;
    };
    let arguments = call.arg_list()?.args().map(|argument| argument.expr());
    Some((name(&function), arguments.collect::<Option<_>>()?))
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    Constant(String),
    /// A column, and what is added to it.
    Column(String, Option<String>),
    /// The length of a text column in characters, or of a `bytea` in bytes.
    Length(String),
    /// The number of elements of an array column.
    Elements(String),
    /// A number without its sign.
    Magnitude(String),
    /// What `jsonb_typeof` says of a column.
    JsonKind(String),
    /// The time of the check.
    Now,
    /// The place of a text in a column, from 1; 0 where it is not there.
    Place(String, String),
    /// The first characters of a column.
    Left(String, usize),
    /// A column, or a constant where it is NULL.
    Coalesced(String, String),
    /// A column in one case of letters, or trimmed.
    Changed(Change, String),
}

/// What a function makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Lower,
    Upper,
    Trim,
}

/// What one side of a comparison is; none where it is not understood.
pub(super) fn operand(expression: &Expr) -> Option<Operand> {
    if let Some(value) = constant(expression) {
        return Some(Operand::Constant(value));
    }
    if is_now(expression) {
        return Some(Operand::Now);
    }
    if let Some(name) = column(expression) {
        return Some(Operand::Column(name, None));
    }
    match uncast(expression.clone()) {
        Expr::BinExpr(sum) => shifted(&sum),
        called => function(&called),
    }
}

/// `column + constant`, `column - constant`.
fn shifted(sum: &ast::BinExpr) -> Option<Operand> {
    let (left, right) = (sum.lhs()?, sum.rhs()?);
    let (name, shift) = match sum.op()? {
        BinOp::Plus(_) => match column(&left) {
            Some(name) => (name, constant(&right)?),
            None => (column(&right)?, constant(&left)?),
        },
        BinOp::Minus(_) => (column(&left)?, negative(&constant(&right)?)),
        _ => return None,
    };
    Some(Operand::Column(name, Some(shift)))
}

/// The constant with its sign turned.
pub(super) fn negative(constant: &str) -> String {
    match constant.strip_prefix('-') {
        Some(positive) => positive.to_owned(),
        None => format!("-{constant}"),
    }
}

fn function(expression: &Expr) -> Option<Operand> {
    let (name, arguments) = call(expression)?;
    let of = |index: usize| column(arguments.get(index)?);
    let text = |index: usize| constant(arguments.get(index)?);
    Some(match (name.as_str(), arguments.len()) {
        ("length" | "char_length" | "character_length" | "octet_length", 1) => {
            let of_trimmed = || match operand(arguments.first()?)? {
                Operand::Changed(Change::Trim, name) => Some(name),
                _ => None,
            };
            Operand::Length(of(0).or_else(of_trimmed)?)
        }
        ("cardinality", 1) => Operand::Elements(of(0)?),
        ("array_length", 2) if text(1)? == "1" => Operand::Elements(of(0)?),
        ("abs", 1) => Operand::Magnitude(of(0)?),
        ("jsonb_typeof" | "json_typeof", 1) => Operand::JsonKind(of(0)?),
        ("strpos" | "position", 2) => Operand::Place(of(0)?, text(1)?),
        ("left", 2) => Operand::Left(of(0)?, text(1)?.parse().ok()?),
        ("coalesce" | "COALESCE", 2) => Operand::Coalesced(of(0)?, text(1)?),
        ("lower", 1) => Operand::Changed(Change::Lower, of(0)?),
        ("upper", 1) => Operand::Changed(Change::Upper, of(0)?),
        ("btrim" | "trim" | "rtrim" | "ltrim", 1) => Operand::Changed(Change::Trim, of(0)?),
        _ => return None,
    })
}

/// Whether it is the time at which the check is made.
fn is_now(expression: &Expr) -> bool {
    match uncast(expression.clone()) {
        Expr::CallExpr(_) => call(expression).is_some_and(|(name, arguments)| {
            arguments.is_empty() && matches!(name.as_str(), "now" | "transaction_timestamp")
        }),
        Expr::NameRef(reference) => matches!(
            name(&reference).as_str(),
            "CURRENT_DATE" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP"
        ),
        _ => false,
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

pub(super) fn text_of(expression: &Expr) -> String {
    expression.syntax().text().to_string()
}

/// The columns that an expression mentions, in order, each once.
pub(super) fn columns_of(expression: &Expr) -> Vec<String> {
    let is_function = |node: &ast::NameRef| {
        let parent = node.syntax().parent().and_then(ast::CallExpr::cast);
        parent.is_some()
    };
    let is_type = |node: &ast::NameRef| {
        let mut above = node.syntax().ancestors();
        above.any(|node| ast::Type::can_cast(node.kind()))
    };
    let is_field = |node: &ast::NameRef| {
        let parent = node.syntax().parent().and_then(ast::FieldExpr::cast);
        parent.is_some_and(|field| field.field().as_ref() == Some(node))
    };
    let mut columns: Vec<String> = Vec::new();
    for reference in expression
        .syntax()
        .descendants()
        .filter_map(ast::NameRef::cast)
        .filter(|reference| !is_function(reference) && !is_type(reference) && !is_field(reference))
    {
        let name = name(&reference);
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    columns
}
