//! Patterns of text: LIKE, SIMILAR TO and what functions say, as regular expressions.

/// A regular expression that a text must match, or must not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPattern {
    /// The expression, in PostgreSQL's advanced syntax as far as that is also the one of the crate
    /// `regex`.
    pub regex: String,
    /// Whether case is ignored.
    pub insensitive: bool,
    /// Whether texts must not match it.
    pub negated: bool,
}

impl TextPattern {
    /// A case-sensitive pattern that texts must match.
    pub(super) fn matching(regex: impl Into<String>) -> Self {
        Self {
            regex: regex.into(),
            insensitive: false,
            negated: false,
        }
    }

    /// A pattern by the operator that applies it: `~`, `!~*`, `~~` (LIKE), `!~~*` (NOT ILIKE).
    pub(super) fn from_operator(operator: &str, text: &str) -> Option<Self> {
        let (negated, positive) = match operator.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, operator),
        };
        let (insensitive, plain) = match positive.strip_suffix('*') {
            Some(rest) => (true, rest),
            None => (false, positive),
        };
        let regex = match plain {
            "~" => text.to_owned(),
            "~~" => from_like(text),
            _ => return None,
        };
        Some(Self {
            regex,
            insensitive,
            negated,
        })
    }

    /// The same, or its opposite.
    pub(super) fn or_negated(self, holds: bool) -> Self {
        Self {
            negated: self.negated == holds,
            ..self
        }
    }
}

/// The text as a regular expression that matches just it.
pub(super) fn literal(text: &str) -> String {
    let mut regex = String::new();
    for character in text.chars() {
        push_literal(character, &mut regex);
    }
    regex
}

fn push_literal(character: char, regex: &mut String) {
    if character.is_ascii_punctuation() && !matches!(character, '_' | '<' | '>') {
        regex.push('\\');
    }
    regex.push(character);
}

/// A LIKE pattern, whose escape is the backslash.
fn from_like(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => {
                if let Some(escaped) = characters.next() {
                    push_literal(escaped, &mut regex);
                }
            }
            other => push_literal(other, &mut regex),
        }
    }
    regex.push('$');
    regex
}

/// A SIMILAR TO pattern (PostgreSQL documentation, 9.7.2): of the whole text, with `%` and `_`.
pub(super) fn from_similar(pattern: &str) -> String {
    let mut regex = String::from("^(?:");
    let mut in_class = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                if let Some(escaped) = characters.next() {
                    push_literal(escaped, &mut regex);
                }
            }
            '%' if !in_class => regex.push_str(".*"),
            '_' if !in_class => regex.push('.'),
            '.' | '^' | '$' if !in_class => push_literal(character, &mut regex),
            other => {
                in_class = match other {
                    '[' => true,
                    ']' => false,
                    _ => in_class,
                };
                regex.push(other);
            }
        }
    }
    regex.push_str(")$");
    regex
}
