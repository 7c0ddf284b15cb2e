//! SQL commands as they are sent: with parameters, or with the values in their places.

use std::ops::Range;

use super::capture::Capture;
use super::scanner::{Quote, Statement};

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
    /// What becomes of its rows, if `\gset` or `\aset` follows it.
    pub capture: Option<Capture>,
    /// Whether `\;` joins several commands in it, which only the simple protocol can send.
    joined: bool,
    holes: Vec<Hole>,
    /// How many of the holes stand within quotes. Their values come after those of the parameters.
    quoted: usize,
}

/// Where a value goes in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hole {
    /// In bytes.
    range: Range<usize>,
    /// Index among the values of a step, of those within quotes among these alone.
    value: usize,
    form: Form,
}

/// How a value is put into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Numbers as they are, everything else as a literal in quotes, so that no value is read as SQL.
    Literal,
    /// As it is, be it a name or SQL, as pgbench does it.
    Raw,
    /// As a part of the quoted text that it stands in, which it does not end.
    Within(Quote),
}

impl Sql {
    /// The command without its text yet.
    pub(super) fn new(statement: &Statement) -> Self {
        Self {
            text: String::new(),
            parameters: Vec::new(),
            line: statement.place.line,
            column: statement.place.column,
            capture: statement.capture.clone(),
            joined: statement.joined,
            holes: Vec::new(),
            quoted: 0,
        }
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a variable that is a parameter of the command.
    pub(super) fn push_parameter(&mut self, name: &str, form: Form) {
        let value = self.parameters.len();
        let start = self.text.len();
        self.text.push('$');
        self.text.push_str(&(value + 1).to_string());
        let range = start..self.text.len();
        self.holes.push(Hole { range, value, form });
        self.parameters.push(name.to_owned());
    }

    /// Adds a variable within quotes, whose value only [`interpolate`](Self::interpolate) puts in.
    pub(super) fn push_quoted(&mut self, name: &str, quote: Quote) {
        let start = self.text.len();
        self.text.push(':');
        self.text.push_str(name);
        self.holes.push(Hole {
            range: start..self.text.len(),
            value: self.quoted,
            form: Form::Within(quote),
        });
        self.quoted += 1;
    }

    /// Whether preparing the text shows whether the server takes the command. Not so where a value belongs
    /// within quotes, or several commands are joined: these only the simple protocol can send.
    pub fn can_be_prepared(&self) -> bool {
        self.quoted == 0 && !self.joined
    }

    /// The text for the simple protocol, with the values of a step where the variables stood.
    pub fn interpolate(&self, values: &[Option<String>]) -> String {
        let mut text = String::with_capacity(self.text.len() + 16 * values.len());
        let (parameters, quoted) = values
            .split_at_checked(self.parameters.len())
            .unwrap_or((values, &[]));
        let mut copied = 0;
        for hole in &self.holes {
            text.push_str(self.text.get(copied..hole.range.start).unwrap_or_default());
            let values = match hole.form {
                Form::Within(_) => quoted,
                Form::Literal | Form::Raw => parameters,
            };
            let value = values.get(hole.value).and_then(Option::as_deref);
            hole.form.push(&mut text, value);
            copied = hole.range.end;
        }
        text.push_str(self.text.get(copied..).unwrap_or_default());
        text
    }
}

impl Form {
    fn push(self, text: &mut String, value: Option<&str>) {
        match (self, value) {
            (Form::Within(quote), value) => quote.push(text, value.unwrap_or_default()),
            (_, None) => text.push_str("NULL"),
            (Form::Literal, Some(value)) if !is_number(value) => {
                text.push_str(&postgres_protocol::escape::escape_literal(value));
            }
            (_, Some(value)) => {
                // `1 -:x` with -2 must not become a comment.
                if value.starts_with('-') && text.ends_with('-') {
                    text.push(' ');
                }
                text.push_str(value);
            }
        }
    }
}

impl Quote {
    /// Adds a value with what would end the quotes doubled.
    fn push(self, text: &mut String, value: &str) {
        let doubled: &[char] = match self {
            Quote::Single => &['\''],
            Quote::Escaped => &['\'', '\\'],
            Quote::Double => &['"'],
            Quote::Dollar => &[],
        };
        for c in value.chars() {
            if doubled.contains(&c) {
                text.push(c);
            }
            text.push(c);
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pgbench::scanner::{Ending, Piece, statement};
    use crate::pgbench::source::Source;

    /// The command that a text is, whose variables take this form outside quotes.
    fn sql(text: &str, form: Form) -> Sql {
        let source = Source::new("s", text);
        let (found, ending) = statement(&source, &mut source.cursor()).unwrap();
        assert_eq!(ending, Ending::File);
        let found = found.unwrap();
        let mut sql = Sql::new(&found);
        for piece in found.pieces {
            match piece {
                Piece::Text(text) => sql.push_text(&text),
                Piece::Variable(name, _) | Piece::Test(name) => sql.push_parameter(&name, form),
                Piece::Quoted(name, quote) => sql.push_quoted(&name, quote),
            }
        }
        sql
    }

    fn values<const N: usize>(values: [&str; N]) -> Vec<Option<String>> {
        let value = |value: &str| (value != "NULL").then(|| value.to_owned());
        values.map(value).into()
    }

    #[test]
    fn each_occurrence_of_a_variable_is_a_parameter_of_its_own() {
        let found = sql("SELECT :a, ':c', :b_1::text, :a", Form::Literal);
        assert_eq!(found.text, "SELECT $1, ':c', $2::text, $3");
        assert_eq!(found.parameters, ["a", "b_1", "a"]);
    }

    #[test]
    fn what_only_the_simple_protocol_can_send_cannot_be_prepared() {
        for (text, prepared) in [
            ("SELECT :a", true),
            ("SELECT (1; 2)", true),
            ("SELECT 1 \\; SELECT 2", false),
            ("SELECT interval ':a days'", false),
        ] {
            assert_eq!(sql(text, Form::Raw).can_be_prepared(), prepared, "{text}");
        }
    }

    #[test]
    fn values_are_put_in_as_literals() {
        let found = sql("SELECT 1 -:a, :b::text, :c, t_:d", Form::Literal);
        let text = found.interpolate(&values(["-2", "it's", "NULL", "7"]));
        assert_eq!(text, "SELECT 1 - -2, 'it''s'::text, NULL, t_7");
        let text = found.interpolate(&values(["1; DROP", "a\\b", "1e-05", "NaN"]));
        assert_eq!(
            text,
            "SELECT 1 -'1; DROP',  E'a\\\\b'::text, 1e-05, t_'NaN'"
        );
    }

    #[test]
    fn values_are_put_in_as_they_are() {
        let found = sql("SELECT :a FROM :b WHERE :c -:d", Form::Raw);
        let text = found.interpolate(&values(["x, y", "t_1", "NULL", "-1"]));
        assert_eq!(text, "SELECT x, y FROM t_1 WHERE NULL - -1");
    }

    #[test]
    fn values_are_put_into_quotes_without_ending_them() {
        let text = "SELECT 'a :x', :p, E'b :x', \":x c\", $$:x d$$, ':x:y'";
        let found = sql(text, Form::Literal);
        let value = "it's \"\\";
        let values = values(["1", value, value, value, value, "5", "NULL"]);
        assert_eq!(
            found.interpolate(&values),
            r#"SELECT 'a it''s "\', 1, E'b it''s "\\', "it's ""\ c", $$it's "\ d$$, '5'"#
        );
        // Their values are not there where the values are parameters.
        assert_eq!(found.interpolate(&values[..1])[..13], *"SELECT 'a ', ");
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
        fn a_literal_never_ends_early(value in ".{0,20}") {
            // What was put in reads back as one token: the text around it stays where it is.
            let value = Some(value);
            let found = sql("SELECT :v, ':v', \":v\", :w", Form::Literal);
            let values = [value.clone(), Some("1".to_owned()), value.clone(), value];
            let text = found.interpolate(&values);
            let source = Source::new("s", &text);
            let (read, ending) = statement(&source, &mut source.cursor()).unwrap();
            prop_assert_eq!(ending, Ending::File);
            let piece = |piece: &Piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Quoted(name, _) => format!(":{name}"),
                other => panic!("{other:?}"),
            };
            let read: String = read.unwrap().pieces.iter().map(piece).collect();
            prop_assert_eq!(read, text);
        }
    }
}
