//! What a CHECK expression says of the values that columns may hold.

mod algebra;
mod comparison;
mod compound;
mod counting;
mod formula;
mod operand;
mod pattern;
mod simple;

use squawk_syntax::ast::{AstNode, BinOp, Expr};

pub use self::comparison::Comparison;
use self::operand::{bare, columns_of, text_of};
pub use self::pattern::TextPattern;
use super::syntax;

/// One thing that a CHECK expression demands of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bound {
    /// The column, without quotes; `VALUE` in a domain. Empty where [`BoundRule::Unknown`] names
    /// no column or several.
    pub column: String,
    /// What holds for it.
    pub rule: BoundRule,
}

/// What a CHECK expression demands of a column. Values are texts as PostgreSQL reads them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    /// At most so many elements of an array.
    MaxElements(u32),
    /// At least so many elements of an array.
    MinElements(u32),
    /// A text that matches, or does not.
    Matches(TextPattern),
    /// JSON of this kind, as `jsonb_typeof` names it.
    JsonKind(String),
    /// JSON of any kind but this.
    NotJsonKind(String),
    /// A range that is not empty and has both its ends.
    FiniteRange,
    /// Null.
    Null,
    /// Not null.
    NotNull,
    /// Anything but this.
    Not(String),
    /// Something that is not understood, as it was written.
    Unknown(String),
}

/// How the values of two columns in a row stand to each other: `left comparison right + offset`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// The column on the left.
    pub left: String,
    /// How they compare.
    pub comparison: Comparison,
    /// The column on the right.
    pub right: String,
    /// A number or an interval that is added to the right one.
    pub offset: Option<String>,
}

/// A condition made of simple demands by AND and OR alone. Each demand is met by NULL, too, but for
/// [`BoundRule::NotNull`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// All of these: of none, always true.
    All(Vec<Formula>),
    /// One of these at least: of none, never true.
    Any(Vec<Formula>),
    /// A demand on one column.
    Column(Bound),
    /// A demand on two columns.
    Columns(Relation),
    /// Something that is not understood.
    Unknown {
        /// As it was written.
        text: String,
        /// The columns that it mentions.
        columns: Vec<String>,
    },
}

/// The formula of a CHECK expression as `pg_get_expr` prints it: it holds where the CHECK passes.
pub fn understand_condition(expression: &str) -> Formula {
    parse(expression).map_or_else(
        || Formula::Unknown {
            text: expression.to_owned(),
            columns: Vec::new(),
        },
        |expression| formula::formula(&expression, true),
    )
}

/// What a CHECK expression, as `pg_get_expr` prints it, demands of single columns in every row. A
/// part of a conjunction that demands anything else is one [`BoundRule::Unknown`].
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
    bounds(formula::formula(&expression, true).simplified()).unwrap_or_else(|| {
        let column = match columns_of(&expression).as_slice() {
            [only] => only.clone(),
            _ => String::new(),
        };
        vec![unknown(column, &text_of(&expression))]
    })
}

/// The bounds that a formula is the conjunction of; none where it is something else.
fn bounds(formula: Formula) -> Option<Vec<Bound>> {
    match formula {
        Formula::Column(bound) => Some(vec![bound]),
        Formula::All(parts) => {
            let parts = parts.into_iter().map(bounds).collect::<Option<Vec<_>>>()?;
            Some(parts.into_iter().flatten().collect())
        }
        _ => None,
    }
}

fn unknown(column: String, text: &str) -> Bound {
    Bound {
        column,
        rule: BoundRule::Unknown(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
