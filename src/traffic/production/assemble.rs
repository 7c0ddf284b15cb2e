//! From what the parameters are to be to the script.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tokio_postgres::types::Type;

use super::column::type_name;
use super::guess::guess;
use super::wish::{Draw, Group, Part, Shape, Wish};
use super::{Draft, Ground};
use crate::pgbench::Keys;
use crate::scenario::statements::ProductionStatement;
use crate::schema::Table;
use crate::sql::Role;

/// One value: its parameter and its part, from 0.
type Place = (usize, usize);

/// Values of one row.
struct Row<'s> {
    table: &'s Table,
    fresh: bool,
    places: Vec<(Place, &'s str)>,
}

/// Writes the script. `types` are the parameters', with whether each is to be cast.
pub(super) fn assemble(
    ground: &mut Ground<'_>,
    statement: &ProductionStatement,
    types: (&[Type], bool),
    wishes: Vec<Wish<'_>>,
) -> Draft {
    let mut out = String::new();
    let mut known = BTreeSet::new();
    for (group, row) in rows(&wishes) {
        for row in drawable(ground, &group, row) {
            known.extend(row.places.iter().map(|(place, _)| *place));
            line(&mut out, &row, &wishes);
        }
    }
    let several = |place: &Place| wishes.get(place.0).is_some_and(|wish| wish.parts.len() > 1);
    for (index, wish) in wishes.iter().enumerate() {
        for (part, value) in wish.parts.iter().enumerate() {
            if let Part::Set(expression) = value {
                let name = variable((index, part), several(&(index, part)));
                // A text's end is no use in a \set line.
                let _ = writeln!(out, "\\set {name} {expression}");
                known.insert((index, part));
            }
        }
    }
    let writer = Writer {
        statement,
        types: types.0,
        cast: types.1,
        known,
    };
    let guessed = wishes.iter().enumerate();
    let guessed = guessed
        .filter(|(index, wish)| writer.is_guessed(*index, wish))
        .count();
    let text = statement
        .usage
        .replaced(|number| match wishes.get(number - 1) {
            Some(wish) => writer.value(number - 1, wish),
            None => "NULL".to_owned(),
        });
    let _ = writeln!(out, "{text};");
    Draft {
        script: out,
        guessed,
    }
}

/// The rows that values are drawn from.
fn rows<'s>(wishes: &[Wish<'s>]) -> BTreeMap<Group, Row<'s>> {
    let mut rows: BTreeMap<Group, Row<'s>> = BTreeMap::new();
    for (index, wish) in wishes.iter().enumerate() {
        for (part, value) in wish.parts.iter().enumerate() {
            let Part::Draw(Draw {
                group,
                table,
                column,
            }) = value
            else {
                continue;
            };
            let row = rows.entry(group.clone()).or_insert_with(|| Row {
                table,
                fresh: matches!(group, Group::Fresh(..)),
                places: Vec::new(),
            });
            row.places.push(((index, part), &column.name));
        }
    }
    rows
}

/// The row as it can be drawn: as a whole, else value by value, else without what cannot be drawn.
fn drawable<'s>(ground: &mut Ground<'_>, group: &Group, row: Row<'s>) -> Vec<Row<'s>> {
    if can_draw(ground, &row) {
        return vec![row];
    }
    let single = |(place, column): &(Place, &'s str), fresh| Row {
        table: row.table,
        fresh,
        places: vec![(*place, *column)],
    };
    let mut found = Vec::new();
    for value in &row.places {
        // Where no new value is known, one that is there may do.
        let tries = [row.fresh, false]
            .into_iter()
            .map(|fresh| single(value, fresh));
        found.extend(
            tries
                .take(if matches!(group, Group::Fresh(..)) {
                    2
                } else {
                    1
                })
                .find(|row| can_draw(ground, row)),
        );
    }
    found
}

fn can_draw(ground: &mut Ground<'_>, row: &Row<'_>) -> bool {
    let columns: Vec<String> = row
        .places
        .iter()
        .map(|(_, column)| (*column).to_owned())
        .collect();
    let key = ground
        .keys
        .resolve_row(&row.table.name.to_string(), &columns, None);
    key.is_ok_and(|key| !row.fresh || ground.keys.has_fresh(key))
}

/// `\pick p1,p3 orders.id,status`.
fn line(out: &mut String, row: &Row<'_>, wishes: &[Wish<'_>]) {
    let several = |place: &Place| wishes.get(place.0).is_some_and(|wish| wish.parts.len() > 1);
    let names: Vec<String> = row
        .places
        .iter()
        .map(|(place, _)| variable(*place, several(place)))
        .collect();
    let columns: Vec<&str> = row.places.iter().map(|(_, column)| *column).collect();
    let table = match row.table.name.schema.as_str() {
        "public" => row.table.name.name.clone(),
        _ => row.table.name.to_string(),
    };
    let command = if row.fresh { "fresh" } else { "pick" };
    let _ = writeln!(
        out,
        "\\{command} {} {table}.{}",
        names.join(","),
        columns.join(",")
    );
}

fn variable((index, part): Place, several: bool) -> String {
    match several {
        true => format!("p{}_{}", index + 1, part + 1),
        false => format!("p{}", index + 1),
    }
}

/// Writes values in the statement.
struct Writer<'a> {
    statement: &'a ProductionStatement,
    types: &'a [Type],
    cast: bool,
    /// Values that have a variable.
    known: BTreeSet<Place>,
}

impl Writer<'_> {
    fn is_guessed(&self, index: usize, wish: &Wish<'_>) -> bool {
        wish.parts
            .iter()
            .enumerate()
            .any(|(part, value)| match value {
                Part::Guess => true,
                Part::Draw(_) => !self.known.contains(&(index, part)),
                Part::Set(_) | Part::Sql(_) => false,
            })
    }

    fn value(&self, index: usize, wish: &Wish<'_>) -> String {
        if self.is_guessed(index, wish) {
            return self.guess(index);
        }
        let several = wish.parts.len() > 1;
        let parts = wish.parts.iter().enumerate();
        let values: Vec<String> = parts
            .map(|(part, value)| match value {
                Part::Sql(sql) => sql.clone(),
                _ => format!(":{}", variable((index, part), several)),
            })
            .collect();
        let joined = values.join(", ");
        match wish.shape {
            Shape::Array => format!("ARRAY[{joined}]::{}", self.type_name(index)),
            Shape::One if self.is_cast(index) && joined.starts_with(':') => {
                format!("{joined}::{}", self.type_name(index))
            }
            Shape::One | Shape::List => joined,
        }
    }

    /// A parameter that stands in several places has the type that one of them gives it, which the
    /// others may not tell.
    fn is_cast(&self, index: usize) -> bool {
        let parameter = self.statement.usage.parameters.get(index);
        self.cast || parameter.is_some_and(|parameter| parameter.times > 1)
    }

    fn type_name(&self, index: usize) -> String {
        self.types
            .get(index)
            .map_or_else(|| "text".to_owned(), type_name)
    }

    fn guess(&self, index: usize) -> String {
        let parameter = self.statement.usage.parameters.get(index);
        let role = parameter.map_or(&Role::Other, |parameter| &parameter.role);
        self.types
            .get(index)
            .map_or_else(|| "NULL".to_owned(), |of| guess(role, of))
    }
}
