//! SQL commands of a script: where they end, and their variables.

use std::ops::Range;

use super::source::{Cursor, Place, ScriptError, Source, begins_name, continues_name};

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
            c if c.is_whitespace() => return Ok(true),
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
            text: self.text.trim_end().to_owned(),
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
