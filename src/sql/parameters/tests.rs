mod applications;
mod properties;
mod statement;

use proptest::prelude::*;

use super::*;

/// A role in a few letters: `=orders.id`, `in users.id`, `any x`, `<>x`, `>x` (the column is above it), `<x`,
/// `~x`, `@x`; `:x` assigned, `+x[row]` inserted, `+t#place`, `*` where it is an array of many rows; `limit`,
/// `offset`, `f/place`, `?`. Several candidates are joined by `|`.
fn letters(role: &Role) -> String {
    let column = |column: &ColumnUse| format!("{}.{}", column.table.full_name(), column.column);
    match role {
        Role::Compared(matched, columns) => {
            let how = match matched {
                Match::Equal => "=",
                Match::Listed(_) => "in ",
                Match::Array => "any ",
                Match::Beside => "<>",
                Match::Above => ">",
                Match::Below => "<",
                Match::Pattern => "~",
                Match::Container => "@",
            };
            let all: Vec<String> = columns.iter().map(column).collect();
            format!("{how}{}", all.join("|"))
        }
        Role::Assigned(assigned) => format!(":{}", column(assigned)),
        Role::Inserted(value) => {
            let table = value.table.full_name();
            let many = if value.array { "*" } else { "" };
            match &value.column {
                Target::Named(name) => format!("+{table}.{name}[{}]{many}", value.row),
                Target::Place(place) => format!("+{table}#{place}[{}]{many}", value.row),
            }
        }
        Role::Limit => "limit".to_owned(),
        Role::Offset => "offset".to_owned(),
        Role::Argument(function, place) => format!("{function}/{place}"),
        Role::Other => "?".to_owned(),
    }
}

fn roles(text: &str) -> String {
    let read = StatementUse::read(text).unwrap();
    let roles: Vec<String> = read.parameters.iter().map(|p| letters(&p.role)).collect();
    roles.join(" ; ")
}

fn all_have(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(roles(text), *expected, "{text}");
    }
}
