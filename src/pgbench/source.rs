//! A script's text: places in it, errors that point at them, and a cursor over it.

/// Where a script is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ScriptError {
    /// The script's name.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// An error at this place of a script.
    pub(super) fn error(self, file: &str, message: impl Into<String>) -> ScriptError {
        ScriptError {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
            message: message.into(),
        }
    }
}

/// A script's name and text.
#[derive(Debug)]
pub(super) struct Source<'a> {
    name: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(name: &'a str, text: &'a str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            name,
            text,
            line_starts: std::iter::once(0).chain(after_newlines).collect(),
        }
    }

    /// A cursor at the beginning of the text.
    pub(super) fn cursor(&self) -> Cursor<'a> {
        Cursor {
            text: self.text,
            offset: 0,
        }
    }

    /// The place of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1));
        let before = start.and_then(|start| self.text.get(*start..offset));
        Place {
            line,
            column: before.map_or(0, |before| before.chars().count()) + 1,
        }
    }

    /// An error at a byte offset.
    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> ScriptError {
        self.error_at(self.place(offset), message)
    }

    /// An error at a place.
    pub(super) fn error_at(&self, place: Place, message: impl Into<String>) -> ScriptError {
        place.error(self.name, message)
    }
}

/// A position in a text that moves forward by whole characters.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// Bytes before the cursor.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// The text from the cursor on.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    /// The text from an earlier offset to the cursor.
    pub(super) fn since(&self, offset: usize) -> &'a str {
        self.text.get(offset..self.offset).unwrap_or_default()
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character.
    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset += next.len_utf8();
        Some(next)
    }

    /// Skips `bytes`, which end at a character's boundary.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.offset = (self.offset + bytes).min(self.text.len());
    }

    /// Takes `prefix` if it stands here.
    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let here = self.rest().starts_with(prefix);
        if here {
            self.offset += prefix.len();
        }
        here
    }

    /// Takes characters as long as `wanted` likes them.
    pub(super) fn eat_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        let (taken, _) = rest.split_at(end);
        self.offset += end;
        taken
    }

    /// Takes the rest of a comment that has just begun; comments nest. False if it does not end.
    pub(super) fn eat_comment(&mut self) -> bool {
        let mut depth = 1;
        while depth > 0 {
            if self.eat("*/") {
                depth -= 1;
            } else if self.eat("/*") {
                depth += 1;
            } else if self.bump().is_none() {
                return false;
            }
        }
        true
    }

    /// Takes `{?name}`, which follows a colon and asks whether a variable is set; gives the name.
    pub(super) fn tested_name(&mut self) -> Option<&'a str> {
        let mut ahead = self.clone();
        let name = ahead.eat("{?").then(|| ahead.eat_while(continues_name))?;
        let whole = !name.is_empty() && ahead.eat("}");
        whole.then(|| {
            *self = ahead;
            name
        })
    }

    /// Skips blanks and line continuations of a backslash command.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            self.eat_while(is_blank);
            if !(self.eat("\\\n") || self.eat("\\\r\n")) {
                return;
            }
        }
    }

    /// Takes the next word of a backslash command with its offset; none at the end of the command, the newline after
    /// which is left for what follows.
    pub(super) fn word(&mut self) -> Option<(usize, &'a str)> {
        self.skip_blanks();
        let start = self.offset;
        let word = self.eat_while(|c| !is_space(c));
        if word.is_empty() {
            return None;
        }
        // A continuation may follow the word immediately.
        match word.strip_suffix('\\') {
            Some(word) if self.eat("\n") || self.eat("\r\n") => Some((start, word)),
            _ => Some((start, word)),
        }
    }
}

/// Whether a variable can have this name.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(begins_name) && name.chars().all(continues_name)
}

/// What PostgreSQL takes as white space in SQL.
pub(super) fn is_space(c: char) -> bool {
    is_blank(c) || c == '\n'
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\x0b' | '\x0c')
}

/// Whether a variable's name may begin with this character.
pub(super) fn begins_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// Whether a variable's name may go on with this character.
pub(super) fn continues_name(c: char) -> bool {
    begins_name(c) || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Source::new("s", "ab\nçd\n");
        let place = |offset| {
            let Place { line, column } = source.place(offset);
            (line, column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(2), (1, 3));
        assert_eq!(place(3), (2, 1));
        assert_eq!(place(5), (2, 2));
        assert_eq!(place(7), (3, 1));
    }

    #[test]
    fn words_end_with_the_line_unless_it_goes_on() {
        let mut cursor = Source::new("s", "one\\\n two \\\r\n\tthree\nfour").cursor();
        let words: Vec<_> = std::iter::from_fn(|| cursor.word().map(|(_, word)| word)).collect();
        assert_eq!(words, ["one", "two", "three"]);
        assert_eq!(cursor.rest(), "\nfour");
    }
}
