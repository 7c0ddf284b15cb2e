//! Which tables' columns a name can mean.

use std::cell::Cell;

use squawk_syntax::ast::{self, AstNode, Expr};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::ColumnUse;
use super::source::{EXCLUDED, Source, sources};

/// Names, subqueries and common table expressions that are looked through for one column. It also
/// bounds the depth of the search.
const MOST_STEPS: usize = 256;

/// The steps that are left.
struct Steps(Cell<usize>);

impl Steps {
    fn take(&self) -> Option<()> {
        self.0.set(self.0.get().checked_sub(1)?);
        Some(())
    }
}

/// The columns that an expression can be, looked through what keeps a column's values as they are or
/// nearly so: parentheses, casts, changes of case.
pub(super) fn columns(expression: &Expr) -> Vec<ColumnUse> {
    follow(expression, &Steps(Cell::new(MOST_STEPS)))
}

fn follow(expression: &Expr, steps: &Steps) -> Vec<ColumnUse> {
    let mut expression = expression.clone();
    loop {
        let inner = match &expression {
            Expr::ParenExpr(parentheses) => match parentheses.expr() {
                Some(inner) => Some(inner),
                None => {
                    let query = parentheses.syntax().children().next();
                    return query
                        .map_or_else(Vec::new, |query| output(&query, &Pick::Place(0), steps));
                }
            },
            Expr::CastExpr(cast) => cast.expr(),
            Expr::Collate(collate) => collate.expr(),
            Expr::CallExpr(call) => kept_argument(call),
            Expr::NameRef(name) => return lookup(name.syntax(), &[], &name.text(), steps),
            Expr::FieldExpr(field) => return qualified(field, steps),
            _ => None,
        };
        match inner {
            Some(inner) => expression = inner,
            None => return Vec::new(),
        }
    }
}

/// The argument whose values a function keeps, nearly.
fn kept_argument(call: &ast::CallExpr) -> Option<Expr> {
    let Expr::NameRef(function) = call.expr()? else {
        return None;
    };
    let keeps = matches!(
        function.text().as_str(),
        "lower"
            | "upper"
            | "trim"
            | "btrim"
            | "ltrim"
            | "rtrim"
            | "coalesce"
            | "date"
            | "unaccent"
            | "unnest"
    );
    keeps.then(|| call.arg_list()?.args().next()?.expr())?
}

/// `alias.column`, `table.column`, `schema.table.column`.
fn qualified(field: &ast::FieldExpr, steps: &Steps) -> Vec<ColumnUse> {
    let Some(column) = field.field() else {
        return Vec::new();
    };
    let qualifier = match field.base() {
        Some(Expr::NameRef(alias)) => vec![alias.text()],
        Some(Expr::FieldExpr(table)) => match (table.base(), table.field()) {
            (Some(Expr::NameRef(schema)), Some(table)) => vec![schema.text(), table.text()],
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    lookup(field.syntax(), &qualifier, &column.text(), steps)
}

/// The columns that a name can mean at a place: those of the innermost query first.
fn lookup(at: &SyntaxNode, qualifier: &[String], name: &str, steps: &Steps) -> Vec<ColumnUse> {
    if steps.take().is_none() {
        return Vec::new();
    }
    let mut found: Vec<ColumnUse> = Vec::new();
    let mut below = at.kind();
    for query in at.ancestors() {
        let from = std::mem::replace(&mut below, query.kind());
        // A common table expression does not see the query that it stands before.
        if query.kind() == SyntaxKind::WITH_TABLE {
            break;
        }
        // What an INSERT inserts does not see the table that it goes to.
        let sees = query.kind() != SyntaxKind::INSERT
            || matches!(
                from,
                SyntaxKind::ON_CONFLICT_CLAUSE | SyntaxKind::RETURNING_CLAUSE
            );
        if !sees {
            continue;
        }
        let sources = sources(&query);
        let meant = sources.iter().filter(|source| is_meant(source, qualifier));
        let mut any = false;
        for source in meant {
            any = true;
            found.extend(column_of(source, name, steps));
        }
        if any && !qualifier.is_empty() {
            break;
        }
    }
    found
}

fn is_meant(source: &Source, qualifier: &[String]) -> bool {
    match qualifier {
        // Nothing is called so unless it is said.
        [] => source.alias() != EXCLUDED,
        [alias] => source.alias() == alias,
        [schema, name] => match source {
            Source::Table { table, alias, .. } if alias != EXCLUDED => {
                let schema_fits = table.schema.as_ref().is_none_or(|own| own == schema);
                schema_fits && table.name == *name
            }
            _ => false,
        },
        _ => false,
    }
}

fn column_of(source: &Source, name: &str, steps: &Steps) -> Vec<ColumnUse> {
    match source {
        Source::Table { table, mention, .. } => vec![ColumnUse {
            table: table.clone(),
            column: name.to_owned(),
            mention: *mention,
        }],
        Source::Query { query, names, .. } => {
            let pick = match names.iter().position(|given| given == name) {
                Some(place) => Pick::Place(place),
                None => Pick::Name(name),
            };
            output(query, &pick, steps)
        }
        Source::Opaque { .. } => Vec::new(),
    }
}

/// One column of a query's result.
enum Pick<'a> {
    Name(&'a str),
    Place(usize),
}

/// The columns that one of a query's result can be.
fn output(query: &SyntaxNode, pick: &Pick<'_>, steps: &Steps) -> Vec<ColumnUse> {
    if steps.take().is_none() {
        return Vec::new();
    }
    let query = innermost(query.clone());
    let Some(targets) = targets(&query) else {
        return Vec::new();
    };
    let mut starred = false;
    for (place, target) in targets.targets().enumerate() {
        let expression = target.expr();
        let is_star = target.star_token().is_some() || is_starred(expression.as_ref());
        starred |= is_star;
        let picked = match pick {
            Pick::Name(name) => !is_star && target_name(&target).as_deref() == Some(*name),
            Pick::Place(wanted) => !starred && place == *wanted,
        };
        if let (true, Some(expression)) = (picked, expression) {
            return follow(&expression, steps);
        }
    }
    match pick {
        Pick::Name(name) if starred => sources(&query)
            .iter()
            .flat_map(|source| column_of(source, name, steps))
            .collect(),
        _ => Vec::new(),
    }
}

fn is_starred(expression: Option<&Expr>) -> bool {
    matches!(expression, Some(Expr::FieldExpr(field)) if field.star_token().is_some())
}

fn target_name(target: &ast::Target) -> Option<String> {
    if let Some(name) = target.as_name().and_then(|alias| alias.name()) {
        return Some(name.text());
    }
    match target.expr()? {
        Expr::NameRef(name) => Some(name.text()),
        Expr::FieldExpr(field) => Some(field.field()?.text()),
        _ => None,
    }
}

/// The query within parentheses; of several that are united, the first.
fn innermost(mut query: SyntaxNode) -> SyntaxNode {
    while matches!(
        query.kind(),
        SyntaxKind::PAREN_SELECT | SyntaxKind::PAREN_EXPR | SyntaxKind::COMPOUND_SELECT
    ) {
        let inner = query
            .children()
            .find(|child| child.kind() != SyntaxKind::WITH_CLAUSE);
        match inner {
            Some(inner) => query = inner,
            None => break,
        }
    }
    query
}

fn targets(query: &SyntaxNode) -> Option<ast::TargetList> {
    let within = |kind| query.children().find(|child| child.kind() == kind);
    let list =
        within(SyntaxKind::SELECT_CLAUSE).or_else(|| within(SyntaxKind::RETURNING_CLAUSE))?;
    list.children().find_map(ast::TargetList::cast)
}
