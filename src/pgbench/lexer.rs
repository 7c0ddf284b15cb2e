//! Tokens of an expression.

use std::fmt;

use super::source::{Cursor, ScriptError, Source, begins_name, continues_name};
use super::value::parse_double;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Integer(i64),
    /// 2⁶³, which only a minus before it makes an integer.
    IntegerLimit,
    Double(f64),
    Boolean(bool),
    Null,
    /// `:name`, without the colon.
    Variable(String),
    /// `:{?name}`, the name alone.
    Test(String),
    /// A name that is no keyword, in lower case.
    Name(String),
    Keyword(Keyword),
    /// An operator or punctuation; `!=` is `<>`.
    Symbol(&'static str),
    /// The end of the command.
    End,
}

/// Words that an expression gives a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    Is,
    IsNull,
    NotNull,
    Case,
    When,
    Then,
    Else,
    End,
}

impl fmt::Display for Token {
    /// As an error message names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Integer(integer) => write!(f, "`{integer}`"),
            Token::IntegerLimit => {
                f.write_str("`9223372036854775808`, one more than a bigint holds,")
            }
            Token::Double(double) => write!(f, "`{double}`"),
            Token::Boolean(boolean) => write!(f, "`{boolean}`"),
            Token::Null => f.write_str("`null`"),
            Token::Variable(name) => write!(f, "`:{name}`"),
            Token::Test(name) => write!(f, "`:{{?{name}}}`"),
            Token::Name(name) => write!(f, "`{name}`"),
            Token::Keyword(keyword) => write!(f, "`{}`", format!("{keyword:?}").to_uppercase()),
            Token::Symbol(symbol) => write!(f, "`{symbol}`"),
            Token::End => f.write_str("the end of the line"),
        }
    }
}

/// Longer symbols come before those that they begin with.
const SYMBOLS: [(&str, &str); 21] = [
    ("<>", "<>"),
    ("!=", "<>"),
    ("<=", "<="),
    (">=", ">="),
    ("<<", "<<"),
    (">>", ">>"),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("|", "|"),
    ("#", "#"),
    ("&", "&"),
    ("~", "~"),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("%", "%"),
    ("(", "("),
    (")", ")"),
    (",", ","),
];

/// The tokens of the expression at the cursor with their offsets, up to the end of the command and with
/// [`Token::End`] last.
pub(super) fn tokens(
    source: &Source<'_>,
    cursor: &mut Cursor<'_>,
) -> Result<Vec<(usize, Token)>, ScriptError> {
    let mut tokens = Vec::new();
    loop {
        cursor.skip_blanks();
        let start = cursor.offset();
        let token = token(cursor).map_err(|message| source.error(start, message))?;
        let last = token == Token::End;
        tokens.push((start, token));
        if last {
            return Ok(tokens);
        }
    }
}

fn token(cursor: &mut Cursor<'_>) -> Result<Token, String> {
    let Some(next) = cursor.peek().filter(|c| *c != '\n') else {
        return Ok(Token::End);
    };
    if next == ':' {
        return variable(cursor);
    }
    if begins_number(cursor.rest()) {
        return number(cursor);
    }
    if begins_name(next) {
        return Ok(word(cursor.eat_while(continues_name)));
    }
    SYMBOLS
        .iter()
        .find(|(written, _)| cursor.eat(written))
        .map(|(_, symbol)| Token::Symbol(symbol))
        .ok_or_else(|| match next {
            '\'' | '"' => "expressions have numbers, booleans and NULL, but no strings".to_owned(),
            _ => format!("unexpected character `{next}` in an expression"),
        })
}

fn variable(cursor: &mut Cursor<'_>) -> Result<Token, String> {
    cursor.bump();
    if let Some(name) = cursor.tested_name() {
        return Ok(Token::Test(name.to_owned()));
    }
    match cursor.eat_while(continues_name) {
        "" => Err("a variable's name must follow the colon immediately".to_owned()),
        name => Ok(Token::Variable(name.to_owned())),
    }
}

fn begins_number(rest: &str) -> bool {
    let digits = rest.strip_prefix('.').unwrap_or(rest);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

fn number(cursor: &mut Cursor<'_>) -> Result<Token, String> {
    let is_digit = |c: char| c.is_ascii_digit();
    let start = cursor.offset();
    cursor.eat_while(is_digit);
    let mut double = cursor.eat(".");
    if double {
        cursor.eat_while(is_digit);
    }
    // An `e` without digits after it is no exponent.
    let mut exponent = cursor.clone();
    if exponent.eat("e") || exponent.eat("E") {
        let _sign = exponent.eat("-") || exponent.eat("+");
        if !exponent.eat_while(is_digit).is_empty() {
            double = true;
            *cursor = exponent;
        }
    }
    let text = cursor.since(start);
    if double {
        read_double(text)
    } else {
        read_integer(text)
    }
}

fn read_integer(text: &str) -> Result<Token, String> {
    match text.parse() {
        Ok(integer) => Ok(Token::Integer(integer)),
        Err(_) if text == "9223372036854775808" => Ok(Token::IntegerLimit),
        Err(_) => Err(format!("bigint constant overflow: {text}")),
    }
}

fn read_double(text: &str) -> Result<Token, String> {
    let double = parse_double(text).ok_or_else(|| format!("double constant overflow: {text}"))?;
    Ok(Token::Double(double))
}

fn word(word: &str) -> Token {
    let lower = word.to_ascii_lowercase();
    let keyword = match lower.as_str() {
        "null" => return Token::Null,
        "true" => return Token::Boolean(true),
        "false" => return Token::Boolean(false),
        "and" => Keyword::And,
        "or" => Keyword::Or,
        "not" => Keyword::Not,
        "is" => Keyword::Is,
        "isnull" => Keyword::IsNull,
        "notnull" => Keyword::NotNull,
        "case" => Keyword::Case,
        "when" => Keyword::When,
        "then" => Keyword::Then,
        "else" => Keyword::Else,
        "end" => Keyword::End,
        _ => return Token::Name(lower),
    };
    Token::Keyword(keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> Result<Vec<(usize, Token)>, ScriptError> {
        let source = Source::new("s", text);
        tokens(&source, &mut source.cursor())
    }

    #[test]
    fn numbers_take_the_longest_form() {
        for (text, token) in [
            ("12", Token::Integer(12)),
            ("1.", Token::Double(1.0)),
            (".5", Token::Double(0.5)),
            ("1e3", Token::Double(1000.0)),
            ("1.5E-1", Token::Double(0.15)),
            ("0e-999", Token::Double(0.0)),
            ("9223372036854775808", Token::IntegerLimit),
        ] {
            assert_eq!(lex(text).unwrap()[0], (0, token), "{text}");
        }
        assert_eq!(
            lex("1e").unwrap()[..2],
            [(0, Token::Integer(1)), (1, Token::Name("e".to_owned()))]
        );
        for text in ["9223372036854775809", "1e400", "1e-400"] {
            assert!(
                lex(text).unwrap_err().message.contains("overflow"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_command_ends_with_its_line() {
        let found = lex(" :a \\\n <> NULL\nSELECT").unwrap();
        let expected = [
            (1, Token::Variable("a".to_owned())),
            (7, Token::Symbol("<>")),
            (10, Token::Null),
            (14, Token::End),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn wrong_characters_are_pointed_at() {
        let error = lex("1 +\\\n ?").unwrap_err();
        assert_eq!((error.line, error.column), (2, 2));
        assert_eq!(error.message, "unexpected character `?` in an expression");
        for text in [": a", ":{?}", ":{?a", ":{a}"] {
            assert_eq!(lex(text).unwrap_err().column, 1, "{text}");
        }
    }
}
