//! Ranges: as wide as the rows that the statement gives, where it is known how far a column reaches.

use tokio_postgres::types::Type;

use super::column::type_name;
use super::wish::{Draw, Group, Part, Wish};
use super::{Ground, Span};
use crate::scenario::statements::ProductionStatement;
use crate::sql::{Match, Role, Verb};

/// The share of a table that a range covers where the number of rows does not say: an aggregate gives
/// one row whatever it reads.
const USUAL_SHARE: f64 = 0.01;

/// Turns bounds of ranges, which are drawn from any row so far, into ranges of a sensible width. A lower
/// and an upper bound of the same column become a pair in order.
pub(super) fn narrow(
    ground: &Ground<'_>,
    statement: &ProductionStatement,
    types: &[Type],
    wishes: &mut [Wish<'_>],
) {
    for index in 0..wishes.len() {
        let Some((matched, draw, mention)) = bound(statement, wishes, index) else {
            continue;
        };
        let Some(of) = types.get(index) else { continue };
        let key = (draw.table.name.to_string(), draw.column.name.clone());
        let Some(reach) = ground.spans.get(&key).map(|span| Reach {
            span,
            width: span.width * share(ground, statement, &key.0),
            kind: kind(of),
            type_name: type_name(of),
        }) else {
            continue;
        };
        let partner = partner(statement, wishes, (index, matched, mention));
        let changed = match (matched, partner) {
            // The pair is turned when its upper bound comes.
            (Match::Above, Some(_)) => None,
            (_, Some(low)) => reach.above(&format!(":p{}", low + 1)),
            (_, None) if statement.usage.limited || is_narrowed(statement, wishes, mention) => None,
            (Match::Above, None) => reach.at(true),
            (_, None) => reach.at(false),
        };
        if let (Some(part), Some(wish)) = (changed, wishes.get_mut(index)) {
            *wish = Wish::one(part);
        }
    }
}

/// The bound of a range that a parameter is, and which mention of its table it is about.
fn bound<'w, 's>(
    statement: &ProductionStatement,
    wishes: &'w [Wish<'s>],
    index: usize,
) -> Option<(Match, &'w Draw<'s>, usize)> {
    let Role::Compared(matched @ (Match::Above | Match::Below), _) =
        statement.usage.parameters.get(index)?.role
    else {
        return None;
    };
    let draw = wishes.get(index)?.drawn()?;
    match draw.group {
        Group::Row(mention, _) => Some((matched, draw, mention)),
        _ => None,
    }
}

/// The other end of the range: a bound of the same column from the other side.
fn partner(
    statement: &ProductionStatement,
    wishes: &[Wish<'_>],
    (index, matched, mention): (usize, Match, usize),
) -> Option<usize> {
    let column = &wishes.get(index)?.drawn()?.column.name;
    (0..wishes.len()).find(|&other| {
        bound(statement, wishes, other).is_some_and(|(side, draw, of)| {
            other != index && side != matched && of == mention && draw.column.name == *column
        })
    })
}

/// Whether something else says which rows are meant.
fn is_narrowed(statement: &ProductionStatement, wishes: &[Wish<'_>], mention: usize) -> bool {
    let parameters = statement.usage.parameters.iter().zip(wishes);
    parameters.into_iter().any(|(parameter, wish)| {
        let exact = matches!(
            parameter.role,
            Role::Compared(Match::Equal | Match::Listed(_) | Match::Array, _)
        );
        let of = wish.parts.first();
        exact && matches!(of, Some(Part::Draw(draw)) if matches!(draw.group, Group::Row(own, _) if own == mention))
    })
}

/// The share of a table's rows that one execution gives.
fn share(ground: &Ground<'_>, statement: &ProductionStatement, table: &str) -> f64 {
    let rows = ground.rows.get(table).copied().unwrap_or(0).max(1) as f64;
    let given = statement.load.rows_per_call();
    match statement.usage.verb == Verb::Select && given <= 1.0 {
        true => USUAL_SHARE,
        false => (given / rows).clamp(0.0, 1.0),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Number,
    Date,
    Moment,
}

fn kind(of: &Type) -> Option<Kind> {
    Some(match of.name() {
        "int2" | "int4" | "int8" => Kind::Whole,
        "numeric" | "float4" | "float8" => Kind::Number,
        "date" => Kind::Date,
        "timestamp" | "timestamptz" => Kind::Moment,
        _ => return None,
    })
}

/// A column and how much of it a range is to cover.
struct Reach<'a> {
    span: &'a Span,
    width: f64,
    kind: Option<Kind>,
    type_name: String,
}

impl Reach<'_> {
    /// So far above a variable.
    fn above(&self, variable: &str) -> Option<Part<'static>> {
        let Self {
            width, type_name, ..
        } = self;
        Some(match self.kind? {
            Kind::Whole => Part::Set(format!("{variable} + {width:.0}")),
            Kind::Number => Part::Set(format!("{variable} + {width:.6}")),
            Kind::Date => Part::Sql(format!("({variable}::date + {:.0})", days(*width))),
            Kind::Moment => Part::Sql(format!(
                "({variable}::{type_name} + interval '{width:.0} seconds')"
            )),
        })
    }

    /// So far from the highest value, or from the lowest.
    fn at(&self, high: bool) -> Option<Part<'static>> {
        let Self {
            width,
            type_name,
            span,
            ..
        } = self;
        let (end, sign) = match high {
            true => (&span.high, '-'),
            false => (&span.low, '+'),
        };
        let quoted = end.replace('\'', "''");
        Some(match self.kind? {
            Kind::Whole => Part::Set(format!("{end} {sign} {width:.0}")),
            Kind::Number => Part::Set(format!("{end} {sign} {width:.6}")),
            Kind::Date => Part::Sql(format!("('{quoted}'::date {sign} {:.0})", days(*width))),
            Kind::Moment => Part::Sql(format!(
                "('{quoted}'::{type_name} {sign} interval '{width:.0} seconds')"
            )),
        })
    }
}

fn days(seconds: f64) -> f64 {
    (seconds / 86_400.0).ceil()
}
