//! What an entry's message says of a statement (`postgres.c`, with English messages).

use std::time::Duration;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// A statement begins, or with a duration: it has ended.
    Statement {
        text: &'a str,
        /// The prepared statement that it executes, `<unnamed>` where it has no name; none of a simple
        /// query.
        executes: Option<&'a str>,
        duration: Option<Duration>,
    },
    /// The statement of the entry before has ended.
    Ended(Duration),
    /// A function was called without SQL (`fastpath function call`).
    FunctionCall,
    /// Anything else: parsing, binding, more rows of the same portal, checkpoints.
    Other,
}

impl<'a> Message<'a> {
    pub(super) fn read(message: &'a str) -> Self {
        let (duration, said) = match timed(message) {
            Some((duration, "")) => return Self::Ended(duration),
            Some((duration, said)) => (Some(duration), said),
            None => (None, message),
        };
        if let Some(text) = said.strip_prefix("statement: ") {
            return Self::Statement {
                text,
                executes: None,
                duration,
            };
        }
        if said.starts_with("fastpath function call: ") {
            return Self::FunctionCall;
        }
        // What it executes is named before: `<unnamed>`, `S_1`, `S_1/C_2`.
        match said
            .strip_prefix("execute ")
            .map(|named| named.split_once(": "))
        {
            Some(Some((name, text))) if !name.starts_with("fetch from ") => Self::Statement {
                text,
                executes: Some(name),
                duration,
            },
            _ => Self::Other,
        }
    }
}

/// `duration: 0.123 ms` and what stands behind two blanks.
fn timed(message: &str) -> Option<(Duration, &str)> {
    let (milliseconds, said) = message.strip_prefix("duration: ")?.split_once(" ms")?;
    let (whole, fraction) = milliseconds.split_once('.')?;
    let microseconds = match fraction.len() {
        3 => fraction.parse::<u64>().ok()?,
        _ => return None,
    };
    let whole = whole.parse::<u64>().ok()?.checked_mul(1_000)?;
    let duration = Duration::from_micros(whole.checked_add(microseconds)?);
    Some((duration, said.strip_prefix("  ").unwrap_or(said)))
}

/// A parameter's value in text form, none for NULL.
pub(super) type Value = Option<String>;

/// The values of `parameters: $1 = '…', $2 = NULL`, with a capital letter in newer versions. None
/// where the text says something else.
pub(super) fn parameters(detail: &str) -> Option<Vec<Value>> {
    let mut rest = detail
        .strip_prefix("parameters: ")
        .or_else(|| detail.strip_prefix("Parameters: "))?;
    let mut values = Vec::new();
    loop {
        let number = format!("${} = ", values.len() + 1);
        let (value, after) = value(rest.strip_prefix(&number)?)?;
        values.push(value);
        match after.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return after.is_empty().then_some(values),
        }
    }
}

fn value(text: &str) -> Option<(Value, &str)> {
    if let Some(rest) = text.strip_prefix("NULL") {
        return Some((None, rest));
    }
    let text = text.strip_prefix('\'')?;
    let mut from = 0;
    loop {
        let quote = from + text.get(from..)?.find('\'')?;
        let (value, after) = (text.get(..quote)?, text.get(quote + 1..)?);
        if after.starts_with('\'') {
            from = quote + 2;
            continue;
        }
        return Some((Some(value.replace("''", "'")), after));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statement<'a>(text: &'a str, executes: &'a str, microseconds: Option<u64>) -> Message<'a> {
        Message::Statement {
            text,
            executes: Some(executes).filter(|name| !name.is_empty()),
            duration: microseconds.map(Duration::from_micros),
        }
    }

    #[test]
    fn messages_are_told_apart() {
        for (message, expected) in [
            ("statement: SELECT 1", statement("SELECT 1", "", None)),
            (
                "duration: 12.034 ms  statement: SELECT\n 1",
                statement("SELECT\n 1", "", Some(12_034)),
            ),
            (
                "execute <unnamed>: SELECT $1::text",
                statement("SELECT $1::text", "<unnamed>", None),
            ),
            (
                "execute S_1/C_2: SELECT ': '",
                statement("SELECT ': '", "S_1/C_2", None),
            ),
            (
                "duration: 0.005 ms  execute S_1: END",
                statement("END", "S_1", Some(5)),
            ),
            (
                "duration: 0.005 ms",
                Message::Ended(Duration::from_micros(5)),
            ),
            ("duration: 0.005 ms  parse S_1: SELECT 1", Message::Other),
            ("duration: 0.005 ms  bind S_1: SELECT 1", Message::Other),
            ("execute fetch from S_1/C_2: SELECT 1", Message::Other),
            (
                "duration: 1.005 ms  execute fetch from S_1/C_2: SELECT 1",
                Message::Other,
            ),
            (
                "fastpath function call: \"lo_open\" (OID 952)",
                Message::FunctionCall,
            ),
            ("duration: soon ms", Message::Other),
            ("checkpoint starting: time", Message::Other),
        ] {
            assert_eq!(Message::read(message), expected, "{message}");
        }
    }

    #[test]
    fn parameters_are_read_whole_or_not_at_all() {
        let values = |detail| parameters(detail);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            values("parameters: $1 = 'it''s, $2 = ''x''', $2 = NULL, $3 = ''"),
            Some(vec![some("it's, $2 = 'x'"), None, some("")])
        );
        assert_eq!(values("Parameters: $1 = '\n'"), Some(vec![some("\n")]));
        for text in [
            "",
            "prepare: SELECT 1",
            "parameters: $1 = 'a",
            "parameters: $2 = 'a'",
            "parameters: $1 = 1",
        ] {
            assert_eq!(values(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_the_server_quotes_is_read(values in prop::collection::vec(prop::option::of("(?s).{0,8}|['$=, 12]{0,8}"), 1..12)) {
            let quoted = values.iter().enumerate().map(|(index, value)| {
                let value = value.as_ref().map_or("NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")));
                format!("${} = {value}", index + 1)
            });
            let detail = format!("parameters: {}", quoted.collect::<Vec<_>>().join(", "));
            let read = parameters(&detail).unwrap();
            prop_assert_eq!(read, values);
        }

        #[test]
        fn no_text_makes_reading_panic(text in "(?s).{0,40}", piece in "['$=, 12NUL]{0,20}") {
            let _ = Message::read(&text);
            let _ = Message::read(&format!("duration: {text}"));
            let _ = parameters(&format!("parameters: {piece}"));
        }
    }
}
