//! What statements have in common that differ in their values alone.

use squawk_lexer::TokenKind;

use super::super::scanner::{is_significant, tokens};

/// A statement without its values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Normal {
    /// Each literal and parameter is `?`, a list of them is one, names are in lower case, blank space is
    /// one blank, and comments are gone.
    pub(super) text: String,
    /// Whether there was a literal or a parameter.
    pub(super) has_values: bool,
    /// The highest `$n`.
    pub(super) parameters: usize,
    /// What a person calls it: `update accounts`. Of several statements, the first that does more than
    /// begin or end a transaction; empty if none does.
    pub(super) name: String,
}

impl Normal {
    pub(super) fn of(sql: &str) -> Self {
        let mut normal = Self::default();
        let mut words: Vec<String> = Vec::new();
        for (kind, text) in tokens(sql).filter(|&(kind, _)| is_significant(kind)) {
            let word = match kind {
                TokenKind::Literal { .. } => "?".to_owned(),
                TokenKind::PositionalParam { .. } => {
                    let number = text.trim_start_matches('$').parse().unwrap_or_default();
                    normal.parameters = normal.parameters.max(number);
                    "?".to_owned()
                }
                TokenKind::Ident => text.to_ascii_lowercase(),
                _ => text.to_owned(),
            };
            normal.has_values |= word == "?";
            push(&mut words, word);
        }
        while words.last().is_some_and(|word| word == ";") {
            words.pop();
        }
        let mut parts = words
            .split(|word| word == ";")
            .filter(|part| !controls(part));
        normal.name = parts.next().map(name).unwrap_or_default();
        normal.text = words.join(" ");
        normal
    }
}

/// Adds a word. Lists differ in their length as values differ: `? , ?` is `?`, and `( ? ) , ( ? )` is
/// `( ? )`.
fn push(words: &mut Vec<String>, word: String) {
    words.push(word);
    for list in [&["?", ",", "?"][..], &["(", "?", ")", ",", "(", "?", ")"]] {
        if ends_with(words, list) {
            words.truncate(words.len() - list.len() / 2 - 1);
        }
    }
    // A sign belongs to its value where nothing stands before it from which to subtract.
    let signs = |sign: &&str| ["-", "+"].contains(sign);
    if let [.., before, sign, value] = words.as_slice()
        && value == "?"
        && signs(&sign.as_str())
        && ["(", ",", "=", "<", ">", "*", "/"].contains(&before.as_str())
    {
        words.truncate(words.len() - 2);
        push(words, "?".to_owned());
    }
}

fn ends_with(words: &[String], end: &[&str]) -> bool {
    words.len() >= end.len()
        && words
            .iter()
            .rev()
            .zip(end.iter().rev())
            .all(|(word, end)| word == end)
}

/// Whether a statement begins, ends or divides a transaction, or there is none.
fn controls(words: &[String]) -> bool {
    let first = words.first().map_or("", String::as_str);
    [
        "",
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "abort",
        "savepoint",
        "release",
    ]
    .contains(&first)
}

/// The command and the table or function that it is about.
fn name(words: &[String]) -> String {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let first = words.first().copied().unwrap_or_default();
    let command = match first {
        "with" | "explain" | "(" => main_command(&words),
        _ => first,
    };
    let object = match command {
        "insert" | "merge" => after(&words, "into"),
        "update" => after(&words, "update"),
        "select" | "delete" | "table" => after(&words, "from"),
        _ => None,
    };
    let object = object.or_else(|| match command {
        "select" | "call" => called(&words),
        _ => None,
    });
    match object {
        Some(object) => format!("{command} {object}"),
        None => command.to_owned(),
    }
}

/// Of a statement with something before it: a command that changes data, else what it reads.
fn main_command<'a>(words: &[&'a str]) -> &'a str {
    let changes = |word: &&&str| ["insert", "update", "delete", "merge"].contains(word);
    let found = words.iter().find(changes);
    found.copied().unwrap_or("select")
}

/// The name behind a word, with its schema.
fn after(words: &[&str], word: &str) -> Option<String> {
    let at = words.iter().position(|found| *found == word)?;
    let rest = words.get(at + 1..)?;
    let rest = match rest {
        ["only" | "lateral", rest @ ..] => rest,
        rest => rest,
    };
    named(rest)
}

fn named(words: &[&str]) -> Option<String> {
    match words {
        [schema, ".", name, ..] if is_name(schema) && is_name(name) => {
            Some(format!("{schema}.{name}"))
        }
        [name, ..] if is_name(name) => Some((*name).to_owned()),
        _ => None,
    }
}

/// The function that a statement without a table calls.
fn called(words: &[&str]) -> Option<String> {
    let open = words.iter().position(|word| *word == "(")?;
    let before = words.get(..open)?;
    let start = match before {
        [.., schema, ".", name] if is_name(schema) && is_name(name) => open - 3,
        [_, .., name] if is_name(name) => open - 1,
        _ => return None,
    };
    named(words.get(start..open)?)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(sql: &str) -> String {
        Normal::of(sql).text
    }

    #[test]
    fn values_are_left_out() {
        for (sql, normal) in [
            (
                "SELECT  *\nFROM \"T\" -- all\nWHERE a = 'it''s' /* x */ AND b=5;",
                "select * from \"T\" where a = ? and b = ?",
            ),
            ("SELECT $1, $tag$ x $tag$, E'\\'', 1.5e3, X'1f'", "select ?"),
            (
                "DELETE FROM t WHERE id IN (1, 2, -3)",
                "delete from t where id in ( ? )",
            ),
            (
                "INSERT INTO t VALUES (1, 'a'), (-2, NULL), (3, 'c')",
                "insert into t values ( ? ) , ( ? , null ) , ( ? )",
            ),
            (
                "INSERT INTO t VALUES (1,'a'),(2,'b'),($1,$2)",
                "insert into t values ( ? )",
            ),
            (
                "SELECT a - 5 FROM t WHERE b > -5",
                "select a - ? from t where b > ?",
            ),
            ("SELECT a::int[1]", "select a : : int [ ? ]"),
        ] {
            assert_eq!(text(sql), normal, "{sql}");
        }
    }

    #[test]
    fn statements_are_called_by_command_and_table() {
        for (sql, name) in [
            ("SELECT a, (SELECT max(b) FROM u) FROM t", "select u"),
            (
                "select 1 from only shop.Orders o join x on true",
                "select shop.orders",
            ),
            ("INSERT INTO \"T\" VALUES (1)", "insert \"T\""),
            ("UPDATE ONLY t SET a = 1", "update t"),
            ("DELETE FROM t USING u", "delete t"),
            (
                "WITH x AS (SELECT 1 FROM y) UPDATE t SET a = 1 FROM x",
                "update t",
            ),
            ("WITH x AS (SELECT 1 FROM y) SELECT * FROM x", "select y"),
            ("SELECT nextval('s')", "select nextval"),
            ("SELECT app.login($1)", "select app.login"),
            ("CALL work(1)", "call work"),
            ("SELECT 1", "select"),
            ("BEGIN", ""),
            ("BEGIN; SELECT 1 FROM t; COMMIT", "select t"),
            ("SET x = 1", "set"),
            ("", ""),
        ] {
            assert_eq!(Normal::of(sql).name, name, "{sql}");
        }
    }

    #[test]
    fn parameters_are_counted() {
        let normal = Normal::of("SELECT $2, '$9', $1");
        assert_eq!((normal.parameters, normal.has_values), (2, true));
        assert!(!Normal::of("SELECT a FROM t").has_values);
    }

    proptest! {
        #[test]
        fn what_is_normal_stays(sql in "[a-c'0-9$.,()=;+* -]{0,40}") {
            let once = text(&sql);
            // A literal that never ends swallows the rest; `?` is an operator, which stays.
            prop_assert_eq!(&text(&once), &once);
        }

        #[test]
        fn values_do_not_matter(a in 0u32.., b in "[a-z ]{0,9}", c in 1usize..9) {
            let sql = format!("SELECT a FROM t WHERE b = {a} AND c = '{b}' AND d IN ({})", vec!["7"; c].join(", "));
            prop_assert_eq!(text(&sql), "select a from t where b = ? and c = ? and d in ( ? )");
        }

        #[test]
        fn no_text_makes_it_panic(sql in "(?s).{0,60}") {
            Normal::of(&sql);
        }
    }
}
