//! SQL commands of a script: where they end, and their variables.

use std::ops::Range;

use super::source::{Cursor, Place, ScriptError, Source, begins_name, continues_name, is_space};

/// A SQL command of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The text with `$1`, `$2`, … for the variables. As pgbench does it, each occurrence of a variable
    /// has its own number, so that the server may infer a different type for each.
    pub text: String,
    /// The variables in the order of their numbers.
    pub parameters: Vec<String>,
    /// Where it begins, from 1.
    pub line: usize,
    /// Where it begins, from 1.
    pub column: usize,
    /// Where `$1`, `$2`, … stand in the text, in bytes.
    holes: Vec<Range<usize>>,
}

impl Sql {
    /// The text for the simple protocol, with the values where the variables stood: numbers as they are,
    /// everything else as a literal in quotes, so that no value can be read as SQL.
    pub fn interpolate(&self, parameters: &[Option<String>]) -> String {
        let mut text = String::with_capacity(self.text.len() + 16 * parameters.len());
        let mut copied = 0;
        for (hole, parameter) in self.holes.iter().zip(parameters) {
            text.push_str(self.text.get(copied..hole.start).unwrap_or_default());
            push_literal(&mut text, parameter.as_deref());
            copied = hole.end;
        }
        text.push_str(self.text.get(copied..).unwrap_or_default());
        text
    }
}

fn push_literal(text: &mut String, value: Option<&str>) {
    match value {
        None => text.push_str("NULL"),
        Some(number) if is_number(number) => {
            // `1 -:x` with -2 must not become a comment.
            if number.starts_with('-') && text.ends_with('-') {
                text.push(' ');
            }
            text.push_str(number);
        }
        Some(other) => text.push_str(&postgres_protocol::escape::escape_literal(other)),
    }
}

/// Whether SQL reads a text as a numeric constant, perhaps with a minus before it.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, decimals) = match mantissa.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (mantissa, None),
    };
    digits(whole)
        && decimals.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)))
}

/// A SQL command with the places of its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: Sql,
    pub(super) places: Vec<Place>,
}

/// What ended a SQL command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Semicolon,
    /// A backslash command, whose backslash is at this offset and has been taken.
    Backslash(usize),
    File,
}

/// Most parameters of one command; the protocol counts them in 16 bits.
const MAX_PARAMETERS: usize = u16::MAX as usize;

/// Reads up to the end of the SQL command at the cursor; none where there are only blanks and comments.
pub(super) fn statement<'a>(
    source: &Source<'a>,
    cursor: &mut Cursor<'a>,
) -> Result<(Option<Statement>, Ending), ScriptError> {
    let mut scanner = Scanner {
        source,
        cursor,
        parentheses: 0,
        text: String::new(),
        begin: None,
        variables: Vec::new(),
    };
    let ending = scanner.scan()?;
    Ok((scanner.finish(), ending))
}

struct Scanner<'a, 'c> {
    source: &'c Source<'a>,
    cursor: &'c mut Cursor<'a>,
    /// Open ones; a semicolon within them, as in a rule's actions, does not end the command.
    parentheses: usize,
    text: String,
    /// Where the first token is.
    begin: Option<Place>,
    variables: Vec<(String, Place, Range<usize>)>,
}

impl Scanner<'_, '_> {
    fn scan(&mut self) -> Result<Ending, ScriptError> {
        loop {
            let start = self.cursor.offset();
            let Some(next) = self.cursor.bump() else {
                return Ok(Ending::File);
            };
            match next {
                ';' if self.parentheses == 0 => return Ok(Ending::Semicolon),
                '\\' => match self.cursor.peek() {
                    // These two stand for the character itself.
                    Some(escaped @ (';' | ':')) => {
                        self.cursor.bump();
                        self.begin_at(start);
                        self.text.push(escaped);
                        continue;
                    }
                    _ => return Ok(Ending::Backslash(start)),
                },
                ':' => {
                    self.colon(start)?;
                    continue;
                }
                _ => {}
            }
            let blank = self.token(start, next)?;
            // Blanks and comments before the first token are no part of the command.
            if !blank {
                self.begin_at(start);
            }
            if self.begin.is_some() {
                self.text.push_str(self.cursor.since(start));
            }
        }
    }

    fn begin_at(&mut self, offset: usize) {
        if self.begin.is_none() {
            self.begin = Some(self.source.place(offset));
        }
    }

    /// Takes the rest of the token that begins with `first`; whether it is a blank or a comment.
    fn token(&mut self, start: usize, first: char) -> Result<bool, ScriptError> {
        match first {
            c if is_space(c) => return Ok(true),
            '-' if self.cursor.eat("-") => {
                self.cursor.eat_while(|c| c != '\n');
                return Ok(true);
            }
            '/' if self.cursor.eat("*") => {
                self.comment(start)?;
                return Ok(true);
            }
            '(' => self.parentheses += 1,
            ')' => self.parentheses = self.parentheses.saturating_sub(1),
            '\'' => self.quoted(start, '\'', false)?,
            '"' => self.quoted(start, '"', false)?,
            '$' => self.dollar_quoted(start)?,
            c if continues_name(c) => {
                self.cursor.eat_while(|c| continues_name(c) || c == '$');
                let escapes = matches!(self.cursor.since(start), "e" | "E");
                if escapes && self.cursor.eat("'") {
                    self.quoted(start, '\'', true)?;
                }
            }
            _ => {}
        }
        Ok(false)
    }

    /// Comments nest.
    fn comment(&mut self, start: usize) -> Result<(), ScriptError> {
        let mut depth = 1;
        while depth > 0 {
            if self.cursor.eat("*/") {
                depth -= 1;
            } else if self.cursor.eat("/*") {
                depth += 1;
            } else if self.cursor.bump().is_none() {
                return Err(self.unterminated(start, "comment", "*/"));
            }
        }
        Ok(())
    }

    /// A doubled quote needs no care: it ends one string and begins the next.
    fn quoted(&mut self, start: usize, quote: char, escapes: bool) -> Result<(), ScriptError> {
        loop {
            match self.cursor.bump() {
                Some(c) if c == quote => return Ok(()),
                Some('\\') if escapes => {
                    self.cursor.bump();
                }
                Some(_) => {}
                None if quote == '"' => return Err(self.unterminated(start, "name", "\"")),
                None => return Err(self.unterminated(start, "string", "'")),
            }
        }
    }

    /// A dollar that begins no quote is an ordinary character.
    fn dollar_quoted(&mut self, start: usize) -> Result<(), ScriptError> {
        let mut tag = self.cursor.clone();
        if tag.peek().is_some_and(begins_name) {
            tag.eat_while(continues_name);
        }
        if !tag.eat("$") {
            return Ok(());
        }
        *self.cursor = tag;
        let delimiter = self.cursor.since(start);
        match self.cursor.rest().find(delimiter) {
            Some(length) => {
                self.cursor.skip(length + delimiter.len());
                Ok(())
            }
            None => Err(self.unterminated(start, "dollar-quoted string", delimiter)),
        }
    }

    /// One colon before a name is a variable; several are a cast or something else of SQL's.
    fn colon(&mut self, start: usize) -> Result<(), ScriptError> {
        self.begin_at(start);
        let alone = !self.cursor.rest().starts_with(':');
        if !(alone && self.cursor.peek().is_some_and(begins_name)) {
            self.cursor.eat_while(|c| c == ':');
            self.text.push_str(self.cursor.since(start));
            return Ok(());
        }
        let name = self.cursor.eat_while(continues_name).to_owned();
        if self.variables.len() == MAX_PARAMETERS {
            let message = format!("a statement can have {MAX_PARAMETERS} variables at most");
            return Err(self.source.error(start, message));
        }
        let hole = self.text.len();
        self.text
            .push_str(&format!("${}", self.variables.len() + 1));
        let hole = hole..self.text.len();
        self.variables.push((name, self.source.place(start), hole));
        Ok(())
    }

    fn unterminated(&self, start: usize, what: &str, end: &str) -> ScriptError {
        let message = format!("this {what} does not end: `{end}` is missing");
        self.source.error(start, message)
    }

    fn finish(self) -> Option<Statement> {
        let Place { line, column } = self.begin?;
        let mut sql = Sql {
            text: self.text.trim_end_matches(is_space).to_owned(),
            parameters: Vec::with_capacity(self.variables.len()),
            line,
            column,
            holes: Vec::with_capacity(self.variables.len()),
        };
        let mut places = Vec::with_capacity(self.variables.len());
        for (name, place, hole) in self.variables {
            sql.parameters.push(name);
            sql.holes.push(hole);
            places.push(place);
        }
        Some(Statement { sql, places })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &str) -> Result<(Option<Statement>, Ending), ScriptError> {
        let source = Source::new("s", text);
        statement(&source, &mut source.cursor())
    }

    fn sql(text: &str) -> Sql {
        scan(text).unwrap().0.unwrap().sql
    }

    #[test]
    fn variables_become_parameters_outside_quotes_and_comments() {
        for (text, expected) in [
            ("SELECT :a, :b, :a", "SELECT $1, $2, $3"),
            ("SELECT :a::int, x::text", "SELECT $1::int, x::text"),
            (
                "SELECT ':a', \":a\", 'it''s :a'",
                "SELECT ':a', \":a\", 'it''s :a'",
            ),
            ("SELECT E'\\':a', :a", "SELECT E'\\':a', $1"),
            ("SELECT '\\', :a", "SELECT '\\', $1"),
            (
                "SELECT $$:a;$$, $x$ $$ :a; $x$, :a",
                "SELECT $$:a;$$, $x$ $$ :a; $x$, $1",
            ),
            ("SELECT a$b$, :a", "SELECT a$b$, $1"),
            ("SELECT 1 -- :a;\n, :a", "SELECT 1 -- :a;\n, $1"),
            (
                "SELECT 1 /* :a /* ; */ :b */, :a",
                "SELECT 1 /* :a /* ; */ :b */, $1",
            ),
            ("SELECT a[1:2], f(b := 1)", "SELECT a[1:2], f(b := 1)"),
            ("SELECT :größe", "SELECT $1"),
            ("SELECT 1\\; SELECT \\:a", "SELECT 1; SELECT :a"),
            ("SELECT (1; :a)", "SELECT (1; $1)"),
        ] {
            assert_eq!(sql(text).text, expected, "{text}");
        }
        assert_eq!(sql("SELECT :a, :b_1, :a").parameters, ["a", "b_1", "a"]);
    }

    #[test]
    fn blanks_and_comments_around_a_command_are_no_part_of_it() {
        let found = sql(" -- first\n /* then */\n  SELECT 1\n ;");
        assert_eq!(found.text, "SELECT 1");
        assert_eq!((found.line, found.column), (3, 3));
        for text in ["", " ;", "-- only\n", "/* only */;", ";"] {
            assert_eq!(scan(text).unwrap().0, None, "{text}");
        }
    }

    #[test]
    fn a_command_ends_at_a_semicolon_a_backslash_or_the_end() {
        assert_eq!(scan("SELECT 1; x").unwrap().1, Ending::Semicolon);
        assert_eq!(scan("SELECT 1\n\\set x 1").unwrap().1, Ending::Backslash(9));
        assert_eq!(scan("SELECT 1").unwrap().1, Ending::File);
    }

    #[test]
    fn what_does_not_end_is_an_error_where_it_begins() {
        for (text, column, message) in [
            ("SELECT 'a", 8, "this string does not end: `'` is missing"),
            ("SELECT \"a", 8, "this name does not end: `\"` is missing"),
            (
                "SELECT E'a\\'",
                8,
                "this string does not end: `'` is missing",
            ),
            (
                "a /* /* */",
                3,
                "this comment does not end: `*/` is missing",
            ),
            (
                "$x$ $$",
                1,
                "this dollar-quoted string does not end: `$x$` is missing",
            ),
        ] {
            let error = scan(text).unwrap_err();
            assert_eq!(
                (error.column, error.message.as_str()),
                (column, message),
                "{text}"
            );
        }
    }

    #[test]
    fn values_are_put_in_as_literals() {
        let found = sql("SELECT 1 -:a, ':b', :b::text, :c, t_:d");
        let value = |text: &str| Some(text.to_owned());
        let values = [value("-2"), value("it's"), None, value("7")];
        let text = found.interpolate(&values);
        assert_eq!(text, "SELECT 1 - -2, ':b', 'it''s'::text, NULL, t_7");
        let values = [
            value("1; DROP"),
            value("a\\b"),
            value("1e-05"),
            value("NaN"),
        ];
        let text = found.interpolate(&values);
        assert_eq!(
            text,
            "SELECT 1 -'1; DROP', ':b',  E'a\\\\b'::text, 1e-05, t_'NaN'"
        );
    }

    #[test]
    fn numbers_are_told_from_other_texts() {
        for text in ["0", "-1", "1.5", "1e+15", "-2.5e-07", "007"] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "", "-", "+1", "1.", ".5", "e5", "1e", "1e5e", "--1", "1 ", "0x1", "Infinity", "1_0",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[a:;$'"/*\-\\\n (),E1é]{0,40}"#) {
            let _ = scan(&text);
        }

        #[test]
        fn text_without_variables_is_kept(text in r"[a-z0-9 (),.=<>+*]{1,40}") {
            let found = scan(&text).unwrap().0.map(|statement| statement.sql.text);
            prop_assert_eq!(found.unwrap_or_default(), text.trim());
        }

        #[test]
        fn a_literal_never_ends_early(value in ".{0,20}") {
            // What was put in reads back as one token: the text around it stays where it is.
            let text = sql("SELECT :v, :w").interpolate(&[Some(value), Some("1".to_owned())]);
            let source = Source::new("s", &text);
            let (read, ending) = statement(&source, &mut source.cursor()).unwrap();
            prop_assert_eq!(ending, Ending::File);
            prop_assert_eq!(read.unwrap().sql.text, text);
        }
    }
}
