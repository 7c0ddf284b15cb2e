//! The syntax tree of one statement.

use squawk_lexer::TokenKind;
use squawk_syntax::{Parse, SourceFile};

use super::scanner::{is_significant, tokens};

/// The parser and its trees recurse once per level and have no limit of their own. Measured in a debug
/// build, 3,000 levels still fit the 2 MiB stack of a Rust thread and 10,000 do not.
const DEEPEST: usize = 1_500;

/// Parses a text; none where it is nested so deeply that the parser could run out of stack. Faults
/// are in the result's `errors`: the server is the judge of what is SQL.
pub(super) fn parse(text: &str) -> Option<Parse<SourceFile>> {
    (nesting(text) <= DEEPEST).then(|| SourceFile::parse(text))
}

/// No less than the depth of the text's syntax tree, in tokens: brackets nest, and so does what
/// stands between two commas (`NOT NOT …`, `a AND b AND …`).
fn nesting(text: &str) -> usize {
    let mut runs = vec![0_usize];
    let (mut depth, mut deepest) = (0, 0);
    for (kind, _) in tokens(text).filter(|&(kind, _)| is_significant(kind)) {
        match kind {
            TokenKind::Comma | TokenKind::Semi => {
                if let Some(run) = runs.last_mut() {
                    depth -= std::mem::take(run);
                }
            }
            TokenKind::CloseParen | TokenKind::CloseBracket if runs.len() > 1 => {
                depth -= runs.pop().unwrap_or_default();
            }
            kind => {
                depth += 1;
                if let Some(run) = runs.last_mut() {
                    *run += 1;
                }
                if matches!(kind, TokenKind::OpenParen | TokenKind::OpenBracket) {
                    runs.push(0);
                }
            }
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_bounded_and_length_is_not() {
        let list = format!("INSERT INTO t VALUES (1){}", ", (1, 'a')".repeat(20_000));
        assert!(nesting(&list) < 20);
        for deep in ["(", "[", "NOT ", "- ", "a AND ", "CASE WHEN ", "a UNION "] {
            let text = format!("SELECT {}", deep.repeat(DEEPEST));
            assert!(parse(&text).is_none(), "{deep}");
        }
    }

    #[test]
    fn what_is_just_not_too_deep_is_parsed() {
        for deep in ["(", "[", "NOT ", "- "] {
            let text = format!("SELECT {}", deep.repeat(DEEPEST - 1));
            let parse = parse(&text).unwrap();
            assert!(!parse.errors().is_empty());
        }
    }
}
