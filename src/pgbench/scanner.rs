//! SQL commands of a script: where they end, and the variables in them.

use super::capture::Capture;
use super::routine::Routine;
use super::source::{Cursor, Place, ScriptError, Source, begins_name, continues_name, is_space};

/// A SQL command of a script, in the pieces that its text is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) pieces: Vec<Piece>,
    /// Where it begins.
    pub(super) place: Place,
    /// Whether `\;` joins several commands in it.
    pub(super) joined: bool,
    /// The `\gset` or `\aset` that follows it.
    pub(super) capture: Option<Capture>,
}

/// A piece of a SQL command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `:name`.
    Variable(String, Place),
    /// `:name` within quotes, where it may as well be text.
    Quoted(String, Quote),
    /// `:{?name}`: whether the variable is set.
    Test(String),
}

/// What quotes a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// `'…'`.
    Single,
    /// `E'…'`, in which a backslash escapes.
    Escaped,
    /// `"…"`.
    Double,
    /// `$tag$…$tag$`.
    Dollar,
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
        joined: false,
        routine: Routine::default(),
        begin: None,
        text: String::new(),
        pieces: Vec::new(),
        parameters: 0,
    };
    let ending = scanner.scan()?;
    Ok((scanner.finish(), ending))
}

struct Scanner<'a, 'c> {
    source: &'c Source<'a>,
    cursor: &'c mut Cursor<'a>,
    /// Open ones; a semicolon within them, as in a rule's actions, does not end the command.
    parentheses: usize,
    joined: bool,
    routine: Routine,
    /// Where the first token is.
    begin: Option<Place>,
    /// Text since the last piece.
    text: String,
    pieces: Vec<Piece>,
    parameters: usize,
}

impl<'a> Scanner<'a, '_> {
    fn scan(&mut self) -> Result<Ending, ScriptError> {
        loop {
            let start = self.cursor.offset();
            let Some(next) = self.cursor.bump() else {
                return Ok(Ending::File);
            };
            match next {
                ';' if self.parentheses == 0 && !self.routine.in_body() => {
                    return Ok(Ending::Semicolon);
                }
                '\\' => match self.cursor.peek() {
                    // These two stand for the character itself.
                    Some(escaped @ (';' | ':')) => {
                        self.cursor.bump();
                        self.begin_at(start);
                        self.text.push(escaped);
                        if escaped == ';' {
                            self.joined = true;
                            self.routine = Routine::default();
                        }
                    }
                    _ => return Ok(Ending::Backslash(start)),
                },
                ':' => self.colon(start)?,
                _ => self.token(start, next)?,
            }
        }
    }

    fn begin_at(&mut self, offset: usize) {
        if self.begin.is_none() {
            self.begin = Some(self.source.place(offset));
        }
    }

    /// Takes the rest of the token that begins with `first`.
    fn token(&mut self, start: usize, first: char) -> Result<(), ScriptError> {
        match first {
            c if is_space(c) => {}
            '-' if self.cursor.eat("-") => {
                self.cursor.eat_while(|c| c != '\n');
            }
            '/' if self.cursor.eat("*") => {
                if !self.cursor.eat_comment() {
                    return Err(self.unterminated(start, "comment", "*/"));
                }
            }
            _ => return self.visible(start, first),
        }
        // Blanks and comments before the first token are no part of the command.
        if self.begin.is_some() {
            self.text.push_str(self.cursor.since(start));
        }
        Ok(())
    }

    /// The same of one that is neither blank nor a comment.
    fn visible(&mut self, start: usize, first: char) -> Result<(), ScriptError> {
        match first {
            '(' => self.parentheses += 1,
            ')' => self.parentheses = self.parentheses.saturating_sub(1),
            '\'' => return self.quoted(start, Quote::Single),
            '"' => return self.quoted(start, Quote::Double),
            '$' => return self.dollar_quoted(start),
            c if continues_name(c) => {
                self.cursor.eat_while(|c| continues_name(c) || c == '$');
                let word = self.cursor.since(start);
                if matches!(word, "e" | "E") && self.cursor.eat("'") {
                    return self.quoted(start, Quote::Escaped);
                }
                if self.parentheses == 0 {
                    self.routine.word(word);
                }
            }
            _ => {}
        }
        self.plain(start);
        Ok(())
    }

    /// Keeps what was taken, as it is.
    fn plain(&mut self, start: usize) {
        self.begin_at(start);
        self.text.push_str(self.cursor.since(start));
    }

    /// A doubled quote needs no care: it ends one string and begins the next.
    fn quoted(&mut self, start: usize, quote: Quote) -> Result<(), ScriptError> {
        let end = if quote == Quote::Double { '"' } else { '\'' };
        loop {
            match self.cursor.bump() {
                Some(c) if c == end => break,
                Some('\\') if quote == Quote::Escaped => {
                    self.cursor.bump();
                }
                Some(_) => {}
                None if quote == Quote::Double => {
                    return Err(self.unterminated(start, "name", "\""));
                }
                None => return Err(self.unterminated(start, "string", "'")),
            }
        }
        self.within_quotes(start, quote);
        Ok(())
    }

    /// A dollar that begins no quote is an ordinary character.
    fn dollar_quoted(&mut self, start: usize) -> Result<(), ScriptError> {
        let mut tag = self.cursor.clone();
        if tag.peek().is_some_and(begins_name) {
            tag.eat_while(continues_name);
        }
        if !tag.eat("$") {
            self.plain(start);
            return Ok(());
        }
        *self.cursor = tag;
        let delimiter = self.cursor.since(start);
        let Some(length) = self.cursor.rest().find(delimiter) else {
            return Err(self.unterminated(start, "dollar-quoted string", delimiter));
        };
        self.cursor.skip(length + delimiter.len());
        self.within_quotes(start, Quote::Dollar);
        Ok(())
    }

    /// Keeps a quoted text that was taken, with its `:name`s apart.
    fn within_quotes(&mut self, start: usize, quote: Quote) {
        self.begin_at(start);
        let mut rest: &'a str = self.cursor.since(start);
        while let Some((before, after)) = rest.split_once(':') {
            self.text.push_str(before);
            let end = after.find(|c| !continues_name(c)).unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            if name.starts_with(begins_name) {
                self.piece(Piece::Quoted(name.to_owned(), quote));
                rest = tail;
            } else {
                // No more than one colon makes a variable.
                rest = after.trim_start_matches(':');
                let colons = 1 + after.len() - rest.len();
                self.text.extend(std::iter::repeat_n(':', colons));
            }
        }
        self.text.push_str(rest);
    }

    /// One colon before a name is a variable; several are a cast or something else of SQL's.
    fn colon(&mut self, start: usize) -> Result<(), ScriptError> {
        self.begin_at(start);
        if self.cursor.peek().is_some_and(begins_name) {
            let name = self.cursor.eat_while(continues_name).to_owned();
            self.parameter(start)?;
            self.piece(Piece::Variable(name, self.source.place(start)));
        } else if let Some(name) = self.cursor.tested_name() {
            self.parameter(start)?;
            self.piece(Piece::Test(name.to_owned()));
        } else {
            self.cursor.eat_while(|c| c == ':');
            self.text.push_str(self.cursor.since(start));
        }
        Ok(())
    }

    /// Counts what may become a parameter.
    fn parameter(&mut self, start: usize) -> Result<(), ScriptError> {
        if self.parameters == MAX_PARAMETERS {
            let message = format!("a statement can have {MAX_PARAMETERS} variables at most");
            return Err(self.source.error(start, message));
        }
        self.parameters += 1;
        Ok(())
    }

    fn piece(&mut self, piece: Piece) {
        self.end_text();
        self.pieces.push(piece);
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.pieces.push(Piece::Text(text));
        }
    }

    fn unterminated(&self, start: usize, what: &str, end: &str) -> ScriptError {
        let message = format!("this {what} does not end: `{end}` is missing");
        self.source.error(start, message)
    }

    fn finish(mut self) -> Option<Statement> {
        let place = self.begin?;
        self.text
            .truncate(self.text.trim_end_matches(is_space).len());
        self.end_text();
        Some(Statement {
            pieces: self.pieces,
            place,
            joined: self.joined,
            capture: None,
        })
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

    /// The text with its variables in brackets, those within quotes in braces.
    fn pieces(text: &str) -> String {
        let found = scan(text).unwrap().0.unwrap();
        let piece = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Variable(name, _) => format!("[{name}]"),
            Piece::Quoted(name, _) => format!("{{{name}}}"),
            Piece::Test(name) => format!("[?{name}]"),
        };
        found.pieces.into_iter().map(piece).collect()
    }

    #[test]
    fn variables_are_told_from_casts_texts_and_comments() {
        for (text, expected) in [
            ("SELECT :a, :b, :a", "SELECT [a], [b], [a]"),
            ("SELECT :a::int, x::text", "SELECT [a]::int, x::text"),
            (
                "SELECT ':a', \":a\", 'it''s :a'",
                "SELECT '{a}', \"{a}\", 'it''s {a}'",
            ),
            ("SELECT E'\\':a', :a", "SELECT E'\\'{a}', [a]"),
            ("SELECT '\\', :a", "SELECT '\\', [a]"),
            (
                "SELECT $$:a;$$, $x$ $$ :a; $x$, :a",
                "SELECT $${a};$$, $x$ $$ {a}; $x$, [a]",
            ),
            ("SELECT '::a :1 : :b_2::c:'", "SELECT '::a :1 : {b_2}::c:'"),
            ("SELECT a$b$, :a", "SELECT a$b$, [a]"),
            ("SELECT 1 -- :a;\n, :a", "SELECT 1 -- :a;\n, [a]"),
            (
                "SELECT 1 /* :a /* ; */ :b */, :a",
                "SELECT 1 /* :a /* ; */ :b */, [a]",
            ),
            ("SELECT a[1:2], f(b := 1)", "SELECT a[1:2], f(b := 1)"),
            ("SELECT :größe", "SELECT [größe]"),
            ("SELECT 1\\; SELECT \\:a", "SELECT 1; SELECT :a"),
            ("SELECT (1; :a)", "SELECT (1; [a])"),
            ("SELECT :{?a}, :{?}, :{a}", "SELECT [?a], :{?}, :{a}"),
            (
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; x",
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
            ),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn blanks_and_comments_around_a_command_are_no_part_of_it() {
        let text = " -- first\n /* then */\n  SELECT 1\n ;";
        assert_eq!(pieces(text), "SELECT 1");
        let place = scan(text).unwrap().0.unwrap().place;
        assert_eq!((place.line, place.column), (3, 3));
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

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[a:;$'"/*\-\\\n (),E1é?{}]{0,40}"#) {
            let _ = scan(&text);
        }

        #[test]
        fn every_character_is_kept(text in r#"[a:$'" (),E1é?]{1,40}"#) {
            if let Ok((Some(found), Ending::File)) = scan(&text) {
                let piece = |piece: &Piece| match piece {
                    Piece::Text(text) => text.clone(),
                    Piece::Variable(name, _) | Piece::Quoted(name, _) => format!(":{name}"),
                    Piece::Test(name) => format!(":{{?{name}}}"),
                };
                let kept: String = found.pieces.iter().map(piece).collect();
                prop_assert_eq!(kept, text.trim());
            }
        }
    }
}
