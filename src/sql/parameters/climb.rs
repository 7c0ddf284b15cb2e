//! What a parameter is, found by climbing from it to what it is part of.

use squawk_syntax::ast::{self, AstNode, BinOp, Expr};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::scope::columns;
use super::target::{assigned, insert_target, inserted_row, place_among, selected};
use super::{ColumnUse, Inserted, Match, Role};

/// What is known of the way from a parameter up.
#[derive(Debug, Default)]
struct Way {
    /// The place in the innermost row `(a, b)`.
    place: Option<usize>,
    /// Whether it stands within `ARRAY[…]`.
    in_array: bool,
    /// Whether `ANY`, `SOME` or `ALL` is around it.
    any: bool,
}

/// One step up.
enum Climbed {
    /// To what this node is part of.
    On,
    /// To the end.
    Found(Role),
}

/// The role of the parameter at a literal.
pub(super) fn role(literal: &SyntaxNode) -> Role {
    let mut way = Way::default();
    let mut node = literal.clone();
    while let Some(parent) = node.parent() {
        match way.climb(&node, &parent) {
            Climbed::On => node = parent,
            Climbed::Found(role) => return role,
        }
    }
    Role::Other
}

impl Way {
    fn climb(&mut self, node: &SyntaxNode, parent: &SyntaxNode) -> Climbed {
        use SyntaxKind as Kind;
        let role = match parent.kind() {
            Kind::PAREN_EXPR
            | Kind::CAST_EXPR
            | Kind::COLLATE
            | Kind::PREFIX_EXPR
            | Kind::ARG
            | Kind::SET_EXPR
            | Kind::ELSE_CLAUSE
            | Kind::WHEN_CLAUSE_LIST
            | Kind::CASE_EXPR => return Climbed::On,
            Kind::TUPLE_EXPR => {
                self.place
                    .get_or_insert(place_among(node, parent, Expr::can_cast));
                return Climbed::On;
            }
            Kind::ARRAY_EXPR => {
                self.in_array = true;
                return Climbed::On;
            }
            Kind::ANY_FN | Kind::SOME_FN | Kind::ALL_FN => {
                self.any = true;
                return Climbed::On;
            }
            Kind::CALL_EXPR if self.any => return Climbed::On,
            Kind::ARG_LIST => return call(node, parent),
            Kind::WHEN_CLAUSE => return when(node, parent),
            Kind::BIN_EXPR => self.operand(node, parent),
            Kind::BETWEEN_EXPR => between(node, parent),
            Kind::ROW => inserted_row(node, parent),
            Kind::TARGET => selected(parent),
            Kind::SET_SINGLE_COLUMN => assigned(parent, None),
            Kind::SET_EXPR_LIST => {
                let place = place_among(node, parent, ast::SetExpr::can_cast);
                parent.parent().and_then(|set| assigned(&set, Some(place)))
            }
            Kind::LIMIT_CLAUSE | Kind::FETCH_CLAUSE => Some(Role::Limit),
            Kind::OFFSET_CLAUSE => Some(Role::Offset),
            _ => None,
        };
        Climbed::Found(role.unwrap_or(Role::Other))
    }

    /// The role of one side of a binary operator.
    fn operand(&self, node: &SyntaxNode, parent: &SyntaxNode) -> Option<Role> {
        let expression = ast::BinExpr::cast(parent.clone())?;
        let (left, right) = (expression.lhs()?, expression.rhs()?);
        let is_left = left.syntax() == node;
        let other = if is_left { &right } else { &left };
        let matched = match expression.op()? {
            BinOp::AtTimeZone(_) => return Some(Role::Argument("at time zone".to_owned(), 0)),
            op => self.matched(&op, is_left, parent)?,
        };
        let columns = columns(&self.opposite(other)?);
        Some(Role::Compared(matched, columns))
    }

    /// How an operator compares; none where it does not.
    fn matched(&self, op: &BinOp, is_left: bool, parent: &SyntaxNode) -> Option<Match> {
        let list = usize::from(parent.text_range().start());
        Some(match op {
            BinOp::Eq(_) if self.any && !self.in_array => Match::Array,
            BinOp::Eq(_) if self.any => Match::Listed(list),
            // An array as a whole.
            BinOp::Eq(_) | BinOp::Neq(_) | BinOp::Neqb(_) if self.in_array && !self.any => {
                return None;
            }
            BinOp::Neq(_) | BinOp::Neqb(_) if self.any && !self.in_array => Match::Array,
            BinOp::Eq(_) | BinOp::IsNotDistinctFrom(_) => Match::Equal,
            BinOp::In(_) if is_left => Match::Equal,
            BinOp::In(_) => Match::Listed(list),
            BinOp::Neq(_) | BinOp::Neqb(_) | BinOp::IsDistinctFrom(_) | BinOp::NotIn(_) => {
                Match::Beside
            }
            BinOp::RAngle(_) | BinOp::Gteq(_) if is_left => Match::Below,
            BinOp::LAngle(_) | BinOp::Lteq(_) if is_left => Match::Above,
            BinOp::RAngle(_) | BinOp::Gteq(_) => Match::Above,
            BinOp::LAngle(_) | BinOp::Lteq(_) => Match::Below,
            BinOp::Like(_)
            | BinOp::Ilike(_)
            | BinOp::NotLike(_)
            | BinOp::NotIlike(_)
            | BinOp::SimilarTo(_)
            | BinOp::NotSimilarTo(_) => Match::Pattern,
            BinOp::CustomOp(op) => match op.syntax().text().to_string().as_str() {
                "~" | "~*" | "!~" | "!~*" | "~~" | "~~*" | "!~~" => Match::Pattern,
                "@>" | "<@" | "&&" if !self.in_array => Match::Container,
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What a value is compared with: of a row, the part in the same place.
    fn opposite(&self, other: &Expr) -> Option<Expr> {
        match (bare(other), self.place) {
            (Expr::TupleExpr(row), Some(place)) => row.exprs().nth(place),
            (other, _) => Some(other),
        }
    }
}

fn bare(expression: &Expr) -> Expr {
    let mut expression = expression.clone();
    while let Expr::ParenExpr(parentheses) = &expression {
        match parentheses.expr() {
            Some(inner) => expression = inner,
            None => break,
        }
    }
    expression
}

/// An argument: of functions that keep a value nearly as it is, what they stand in decides.
fn call(node: &SyntaxNode, list: &SyntaxNode) -> Climbed {
    let place = place_among(node, list, ast::Arg::can_cast);
    let Some(call) = list.parent().and_then(ast::CallExpr::cast) else {
        return Climbed::Found(Role::Other);
    };
    let function = match call.expr() {
        Some(Expr::NameRef(name)) => name.text(),
        Some(Expr::FieldExpr(field)) => field.field().map_or_else(String::new, |name| name.text()),
        _ => String::new(),
    };
    match function.as_str() {
        "lower" | "upper" | "trim" | "btrim" | "ltrim" | "rtrim" | "unaccent" => Climbed::Found(
            call.syntax()
                .parent()
                .map_or(Role::Other, |_| role(call.syntax())),
        ),
        "coalesce" | "nullif" | "greatest" | "least" => {
            let arguments = call.arg_list().into_iter().flat_map(|list| list.args());
            let beside: Vec<ColumnUse> = arguments
                .filter_map(|argument| argument.expr())
                .flat_map(|argument| columns(&argument))
                .collect();
            Climbed::Found(match beside.is_empty() {
                true => role(call.syntax()),
                false => Role::Compared(Match::Beside, beside),
            })
        }
        "unnest" => {
            Climbed::Found(unnested(&call, place).unwrap_or(Role::Argument(function, place)))
        }
        _ => Climbed::Found(Role::Argument(function, place)),
    }
}

/// `INSERT INTO t (a, b) SELECT * FROM unnest($1, $2)`, and `x IN (SELECT unnest($1))`.
fn unnested(call: &ast::CallExpr, place: usize) -> Option<Role> {
    let item = call.syntax().parent()?;
    let select = item.ancestors().find_map(ast::Select::cast)?;
    if item.kind() == SyntaxKind::TARGET {
        return match role_of_query(select.syntax())? {
            Role::Compared(_, columns) => Some(Role::Compared(Match::Array, columns)),
            _ => None,
        };
    }
    let targets: Vec<ast::Target> = select.select_clause()?.target_list()?.targets().collect();
    let [only] = targets.as_slice() else {
        return None;
    };
    only.star_token()?;
    let (table, column) = insert_target(select.syntax(), place)?;
    Some(Role::Inserted(Inserted {
        table,
        column,
        row: 0,
        array: true,
    }))
}

/// What a subquery is compared with: `x IN (SELECT …)`.
fn role_of_query(select: &SyntaxNode) -> Option<Role> {
    let parentheses = select
        .ancestors()
        .skip(1)
        .find(|node| !matches!(node.kind(), SyntaxKind::PAREN_SELECT))?;
    match parentheses.kind() {
        SyntaxKind::PAREN_EXPR | SyntaxKind::ANY_FN => Some(role(&parentheses)),
        SyntaxKind::BIN_EXPR => Some(role(select)),
        _ => None,
    }
}

/// `CASE column WHEN $1 THEN $2`.
fn when(node: &SyntaxNode, clause: &SyntaxNode) -> Climbed {
    let is_condition = clause
        .children()
        .find(|child| Expr::can_cast(child.kind()))
        .as_ref()
        == Some(node);
    if !is_condition {
        return Climbed::On;
    }
    let case = clause.ancestors().find_map(ast::CaseExpr::cast);
    let subject = case.and_then(|case| case.expr());
    Climbed::Found(subject.map_or(Role::Other, |subject| {
        Role::Compared(Match::Beside, columns(&subject))
    }))
}

fn between(node: &SyntaxNode, parent: &SyntaxNode) -> Option<Role> {
    let between = ast::BetweenExpr::cast(parent.clone())?;
    let is = |part: Option<Expr>| part.is_some_and(|part| part.syntax() == node);
    if is(between.target()) {
        let low = columns(&between.start()?);
        return Some(Role::Compared(Match::Beside, low));
    }
    let columns = columns(&between.target()?);
    let matched = if is(between.start()) {
        Match::Above
    } else {
        Match::Below
    };
    Some(Role::Compared(matched, columns))
}
