//! Constants that `pg_stat_statements` replaced by a parameter where SQL allows none.

use std::collections::{BTreeMap, BTreeSet};

use squawk_lexer::TokenKind;

use super::super::scanner::{is_significant, tokens};

/// Types whose name before a string makes it a constant of theirs: `date '2026-01-01'`.
const TYPES: [&str; 27] = [
    "bool",
    "box",
    "bytea",
    "cidr",
    "circle",
    "date",
    "float8",
    "inet",
    "int4",
    "int8",
    "interval",
    "json",
    "jsonb",
    "lseg",
    "macaddr",
    "money",
    "numeric",
    "path",
    "point",
    "polygon",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "xml",
];

/// The text with typed literals as casts (`date $1` as `($1)::date`) and with a field in place of
/// `extract($1 FROM …)`, which PostgreSQL prints in place of the field's name.
pub(super) fn preparable(text: &str) -> String {
    let tokens: Vec<(TokenKind, &str)> = tokens(text).collect();
    let mut out: Vec<&str> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some(((kind, token), after)) = rest.split_first() {
        let word = token.to_ascii_lowercase();
        if *kind == TokenKind::Ident
            && let Some((name, parameter, after)) = typed_literal(&word, rest)
        {
            out.extend(["(", parameter, ")::"]);
            out.extend(name);
            rest = after;
        } else if word == "extract"
            && let Some(after) = extracted(after)
        {
            out.extend([token, "(epoch"]);
            rest = after;
        } else {
            out.push(token);
            rest = after;
        }
    }
    renumbered(out.concat())
}

/// The text with its parameters numbered without gaps, which the server does not accept.
fn renumbered(text: String) -> String {
    let number = |kind, token: &str| match kind {
        TokenKind::PositionalParam { .. } => token.strip_prefix('$')?.parse::<u32>().ok(),
        _ => None,
    };
    let known: BTreeSet<u32> = tokens(&text)
        .filter_map(|(kind, token)| number(kind, token))
        .collect();
    // From 1 on without a gap, the last one is as high as there are many.
    if known
        .last()
        .is_none_or(|last| usize::try_from(*last) == Ok(known.len()))
    {
        return text;
    }
    let places: BTreeMap<u32, usize> = known.into_iter().zip(1..).collect();
    let renamed = tokens(&text).map(|(kind, token)| {
        let place = number(kind, token).and_then(|number| places.get(&number));
        place.map_or_else(|| token.to_owned(), |place| format!("${place}"))
    });
    renamed.collect()
}

type Tokens<'t, 'a> = &'t [(TokenKind, &'a str)];

/// The type's name, the parameter and what follows, where a typed literal begins here.
fn typed_literal<'t, 'a>(
    first: &str,
    at: Tokens<'t, 'a>,
) -> Option<(Vec<&'a str>, &'a str, Tokens<'t, 'a>)> {
    if !TYPES.contains(&first) {
        return None;
    }
    let mut name = Vec::new();
    let mut rest = at;
    loop {
        let ((kind, token), after) = rest.split_first()?;
        // `AT TIME ZONE $1` is an operator; of a type's name, `with` or `without` comes first.
        let is_zoned = name.iter().any(|word: &&str| {
            word.eq_ignore_ascii_case("with") || word.eq_ignore_ascii_case("without")
        });
        let in_name = || match token.to_ascii_lowercase().as_str() {
            "with" | "without" => true,
            "time" | "zone" if !name.is_empty() => is_zoned,
            word => word == first && name.is_empty(),
        };
        match kind {
            TokenKind::PositionalParam { .. } => {
                while name
                    .last()
                    .is_some_and(|last: &&str| last.trim().is_empty())
                {
                    name.pop();
                }
                return Some((name, token, after));
            }
            TokenKind::Whitespace => {}
            TokenKind::Ident if in_name() => {}
            // `timestamp(3) '…'`.
            TokenKind::OpenParen | TokenKind::CloseParen | TokenKind::Literal { .. }
                if first.starts_with("time") => {}
            _ => return None,
        }
        name.push(*token);
        rest = after;
    }
}

/// What follows on `($1`, where `FROM` comes next.
fn extracted<'t, 'a>(mut rest: Tokens<'t, 'a>) -> Option<Tokens<'t, 'a>> {
    let is_parameter = |kind| matches!(kind, TokenKind::PositionalParam { .. });
    let is_open = |kind| kind == TokenKind::OpenParen;
    for expected in [is_open as fn(TokenKind) -> bool, is_parameter] {
        rest = skip_blanks(rest);
        let ((kind, _), after) = rest.split_first()?;
        if !expected(*kind) {
            return None;
        }
        rest = after;
    }
    let (_, next) = skip_blanks(rest).first()?;
    next.eq_ignore_ascii_case("from").then_some(rest)
}

fn skip_blanks<'t, 'a>(tokens: Tokens<'t, 'a>) -> Tokens<'t, 'a> {
    let blanks = tokens.iter().take_while(|(kind, _)| !is_significant(*kind));
    tokens.get(blanks.count()..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_prepared_is_written_as_what_can() {
        for (text, rewritten) in [
            ("now() - interval $1", "now() - ($1)::interval"),
            ("$1 AND x >= DATE $2 AND y", "$1 AND x >= ($2)::DATE AND y"),
            (
                "timestamp with time zone $1, a",
                "($1)::timestamp with time zone, a",
            ),
            ("x AT TIME ZONE $1", "x AT TIME ZONE $1"),
            ("timestamp(3) $1", "($1)::timestamp(3)"),
            ("extract($1 from x)", "extract(epoch from x)"),
            (
                "extract($1 from x), $3, $2, $3",
                "extract(epoch from x), $2, $1, $2",
            ),
            ("EXTRACT( $1 FROM x)", "EXTRACT(epoch FROM x)"),
            ("extract(year from x)", "extract(year from x)"),
            (
                "SELECT date, text FROM t LIMIT $1",
                "SELECT date, text FROM t LIMIT $1",
            ),
            (
                "SELECT t.date FROM t WHERE date = $1",
                "SELECT t.date FROM t WHERE date = $1",
            ),
            ("'date $1' || \"date\" = $1", "'date $1' || \"date\" = $1"),
        ] {
            assert_eq!(preparable(text), rewritten, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "(date|extract|\\(|\\)|\\$1| |from|time|'|\"|x){0,12}") {
            let _ = preparable(&text);
        }
    }
}
