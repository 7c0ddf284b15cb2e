//! Finds where statements begin and end, by the rules of psql's own scanner (`psqlscan.l`): a
//! semicolon ends a statement unless it stands in a string, a comment, parentheses (`CREATE RULE …
//! DO (a; b)`) or the `BEGIN ATOMIC … END` body of a routine.

use squawk_lexer::{LiteralKind, TokenKind};

/// What stands next in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scanned {
    /// A statement, in bytes of the text, without its semicolon and what surrounds it.
    Statement {
        start: usize,
        end: usize,
        /// Data follow on the next line (`COPY … FROM stdin`).
        copies_from_stdin: bool,
    },
    /// A backslash where SQL has none: a psql command.
    Backslash {
        at: usize,
        /// Whether a statement is open before it.
        inside_statement: bool,
    },
}

/// A text that ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// The byte where the open thing begins.
    pub(super) at: usize,
    /// What is wrong.
    pub(super) message: &'static str,
}

/// Goes through a text statement by statement, in one pass.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    /// What has not been scanned yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    /// The byte from which [`Self::rest`] begins.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Leaves the rest of the line out, its end included.
    pub(super) fn skip_line(&mut self) {
        let rest = self.rest();
        self.offset += rest.find('\n').map_or(rest.len(), |end| end + 1);
    }

    /// Scans to the end of the next statement or to a backslash; none at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Scanned>, Fault> {
        let rest = self.rest();
        let mut statement = OpenStatement::default();
        for (kind, text) in tokens(rest) {
            let at = self.offset;
            self.offset += text.len();
            if let Some(message) = unterminated(kind) {
                return Err(Fault { at, message });
            }
            match kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                }
                TokenKind::Semi if statement.nesting.is_empty() => {
                    if let Some(scanned) = statement.scanned() {
                        return Ok(Some(scanned));
                    }
                }
                TokenKind::Unknown if text == "\\" => {
                    return Ok(Some(Scanned::Backslash {
                        at,
                        inside_statement: statement.start.is_some(),
                    }));
                }
                kind => statement.take(kind, text, at),
            }
        }
        match statement.nesting.first() {
            Some(open) => Err(Fault {
                at: open.at,
                message: open.kind.message(),
            }),
            None => Ok(statement.scanned()),
        }
    }
}

/// The tokens of a text with their text.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (TokenKind, &str)> {
    let mut rest = text;
    squawk_lexer::tokenize(text).map_while(move |token| {
        let (text, after) = rest.split_at_checked(token.len as usize)?;
        rest = after;
        Some((token.kind, text))
    })
}

/// Whether a token is neither blank space nor a comment.
pub(super) fn is_significant(kind: TokenKind) -> bool {
    !matches!(
        kind,
        TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. }
    )
}

fn unterminated(kind: TokenKind) -> Option<&'static str> {
    use LiteralKind::{
        BitStr, ByteStr, DollarQuotedString, EscStr, NationalStr, Str, UnicodeEscStr,
    };
    match kind {
        TokenKind::BlockComment { terminated: false } => {
            Some("this comment never ends: close it with `*/`")
        }
        TokenKind::QuotedIdent {
            terminated: false, ..
        } => Some("this quoted name never ends: close it with `\"`"),
        TokenKind::Literal {
            kind: DollarQuotedString { terminated: false },
        } => Some("this dollar-quoted text never ends: close it with the same tag"),
        TokenKind::Literal {
            kind:
                Str { terminated: false }
                | NationalStr { terminated: false }
                | ByteStr { terminated: false }
                | BitStr { terminated: false }
                | UnicodeEscStr { terminated: false }
                | EscStr { terminated: false },
        } => Some("this string never ends: close it with `'`"),
        _ => None,
    }
}

/// The statement whose end has not been found yet.
#[derive(Debug, Default)]
struct OpenStatement<'a> {
    start: Option<usize>,
    end: usize,
    nesting: Vec<Open>,
    /// Its first four words (`CREATE OR REPLACE FUNCTION`).
    leading: Vec<&'a str>,
    previous_word: &'a str,
    copies_from_stdin: bool,
}

/// Something opened and not closed yet, in which semicolons do not end the statement.
#[derive(Debug, Clone, Copy)]
struct Open {
    kind: OpenKind,
    at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenKind {
    Parenthesis,
    /// `BEGIN ATOMIC`, or a `CASE` within it: both end with `END`.
    Block,
}

impl OpenKind {
    fn message(self) -> &'static str {
        match self {
            Self::Parenthesis => "this parenthesis is never closed",
            Self::Block => "this BEGIN ATOMIC has no END",
        }
    }
}

impl<'a> OpenStatement<'a> {
    fn take(&mut self, kind: TokenKind, text: &'a str, at: usize) {
        self.start.get_or_insert(at);
        self.end = at + text.len();
        match kind {
            TokenKind::OpenParen => self.open(OpenKind::Parenthesis, at),
            TokenKind::CloseParen => self.close(OpenKind::Parenthesis),
            TokenKind::Ident => {
                self.take_word(text, at);
                self.previous_word = text;
                return;
            }
            _ => {}
        }
        self.previous_word = "";
    }

    fn take_word(&mut self, word: &'a str, at: usize) {
        if self.leading.len() < 4 {
            self.leading.push(word);
        }
        let follows = |previous| self.previous_word.eq_ignore_ascii_case(previous);
        if word.eq_ignore_ascii_case("stdin") && follows("from") && self.leads(&["copy"]) {
            self.copies_from_stdin = true;
            return;
        }
        // Only a routine has a body, and psql too looks for it outside of parentheses alone.
        if self.innermost() == Some(OpenKind::Parenthesis) || !self.is_routine() {
            return;
        }
        let begins_body = word.eq_ignore_ascii_case("atomic") && follows("begin");
        let in_body = self.innermost() == Some(OpenKind::Block);
        if begins_body || in_body && word.eq_ignore_ascii_case("case") {
            self.open(OpenKind::Block, at);
        } else if word.eq_ignore_ascii_case("end") {
            self.close(OpenKind::Block);
        }
    }

    fn is_routine(&self) -> bool {
        ["function", "procedure"].iter().any(|routine| {
            self.leads(&["create", routine]) || self.leads(&["create", "or", "replace", routine])
        })
    }

    fn leads(&self, words: &[&str]) -> bool {
        self.leading.len() >= words.len()
            && self
                .leading
                .iter()
                .zip(words)
                .all(|(have, want)| have.eq_ignore_ascii_case(want))
    }

    fn innermost(&self) -> Option<OpenKind> {
        self.nesting.last().map(|open| open.kind)
    }

    fn open(&mut self, kind: OpenKind, at: usize) {
        self.nesting.push(Open { kind, at });
    }

    fn close(&mut self, kind: OpenKind) {
        if self.innermost() == Some(kind) {
            self.nesting.pop();
        }
    }

    fn scanned(&self) -> Option<Scanned> {
        Some(Scanned::Statement {
            start: self.start?,
            end: self.end,
            copies_from_stdin: self.copies_from_stdin,
        })
    }
}
