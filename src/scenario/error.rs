//! What is wrong with a scenario, shown in its own text.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use crate::pgbench::ScriptError;
use crate::sql::{LogError, SqlError};

/// What is wrong with a scenario. Its [`Display`](fmt::Display) is the whole rendering without colours:
/// `error: …`, then the line of the file or of the override with a caret, then what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    message: String,
    rendering: String,
}

impl ScenarioError {
    /// What is wrong, in one sentence, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error at a place of a source.
    pub(super) fn render(origin: &str, text: &str, fault: Fault) -> Self {
        let Fault {
            message,
            span,
            help,
        } = fault;
        let title = Level::ERROR.primary_title(message.as_str());
        let mut group = match within(text, span) {
            Some(span) => title.element(
                Snippet::source(text)
                    .path(origin)
                    .annotation(AnnotationKind::Primary.span(span)),
            ),
            None => title.element(Origin::path(origin)),
        };
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        Self {
            rendering: Renderer::plain().render(&[group]),
            message,
        }
    }

    /// An error that stands nowhere in the file.
    pub(super) fn without_place(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            rendering: format!("error: {message}"),
            message,
        }
    }
}

/// The part of a span that is in the text and not blank; of one over several lines (a whole table),
/// its first.
fn within(text: &str, span: Option<Range<usize>>) -> Option<Range<usize>> {
    let Range { start, end } = span?;
    let start = start.min(text.len());
    let marked = text.get(start..end.clamp(start, text.len()))?;
    let line = marked.lines().next().unwrap_or_default().trim_end();
    Some(start..start + line.len())
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendering)
    }
}

impl std::error::Error for ScenarioError {}

/// Why a scenario gives no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// In scenario.toml.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// In a migration.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// In a server's log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// In a traffic script.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

/// What is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) span: Option<Range<usize>>,
    pub(super) help: Option<String>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
            help: None,
        }
    }

    /// The same in our words, with the nearest right one for a wrong key or value.
    pub(super) fn from_toml(error: &toml::de::Error) -> Self {
        let message = error.message().replace('\n', ", ");
        let (message, help) = match unknown(&message) {
            Some((what, found, expected)) => {
                let help = match nearest(found, &expected) {
                    Some(near) => format!("there is one named `{near}`"),
                    None if expected.is_empty() => "there are none here".to_owned(),
                    None => format!("there are {}", expected.join(", ")),
                };
                (format!("unknown {what} `{found}`"), Some(help))
            }
            None => (in_our_words(&message), None),
        };
        Self {
            message,
            // What is missing at the top is missing in the file as a whole.
            span: error.span().filter(|span| *span != (0..0)),
            help,
        }
    }
}

/// serde's `unknown field `a`, expected `b` or `c``, in parts.
fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let (what, rest) = match message.strip_prefix("unknown field `") {
        Some(rest) => ("key", rest),
        None => ("value", message.strip_prefix("unknown variant `")?),
    };
    let (found, rest) = rest.split_once('`')?;
    let expected = rest.split('`').skip(1).step_by(2).collect();
    Some((what, found, expected))
}

fn in_our_words(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("missing field ") {
        return format!("the key {rest} is missing");
    }
    let message = message
        .replacen("invalid type: ", "wrong type: ", 1)
        .replacen("invalid value: ", "wrong value: ", 1);
    match message.rsplit_once(", expected ") {
        Some((found, "u32" | "u64")) => format!("{found}, expected a whole number, 0 or more"),
        Some((found, "i64")) => format!("{found}, expected a whole number"),
        Some((found, "f64")) => format!("{found}, expected a number"),
        Some((found, "a boolean")) => format!("{found}, expected true or false"),
        Some((found, "a sequence")) => format!("{found}, expected a list in brackets"),
        Some((_, "an array of length 2")) => {
            "expected two values in brackets, the lowest and the highest".to_owned()
        }
        Some((found, "struct ColumnSpec")) => {
            format!("{found}, expected keys in braces, as {{ values = [1, 2] }}")
        }
        Some((found, expected)) if expected.starts_with("struct ") => {
            format!("{found}, expected a table of keys")
        }
        _ => message,
    }
}

/// The candidate that a slip of the hand turns into `word`: at most one edit in three letters.
fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|candidate| (edits(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= word.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The Levenshtein distance.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (deleted, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), deleted + 1);
        let mut left = deleted + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&to) {
            let substituted = diagonal + usize::from(letter != *other);
            diagonal = *cell;
            left = substituted.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let keys = ["lock_wait", "p99_ratio", "error_rate"];
        assert_eq!(nearest("lock_wiat", &keys), Some("lock_wait"));
        assert_eq!(nearest("lockwait", &keys), Some("lock_wait"));
        assert_eq!(nearest("colour", &keys), None);
    }

    proptest! {
        #[test]
        fn edits_are_a_distance(a in "[a-c]{0,6}", b in "[a-c]{0,6}") {
            prop_assert_eq!(edits(&a, &a), 0);
            prop_assert_eq!(edits(&a, &b), edits(&b, &a));
            prop_assert!(edits(&a, &b) <= a.len().max(b.len()));
            prop_assert!(edits(&a, &b) >= a.len().abs_diff(b.len()));
        }
    }
}
