//! Texts of a statement's parts, on one line, and names as the catalog has them.

use squawk_lexer::TokenKind;
use squawk_syntax::ast::AstNode;
use squawk_syntax::{SyntaxElement, SyntaxNode};

use super::scanner::tokens;

/// A node's text on one line, without its comments.
pub(super) fn flat(node: &impl AstNode) -> String {
    flat_text(&node.syntax().text().to_string())
}

/// A text on one line, without its comments.
pub(super) fn flat_text(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut blank = false;
    for (kind, text) in tokens(text) {
        match kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                blank = !line.is_empty();
            }
            _ => {
                if std::mem::take(&mut blank) {
                    line.push(' ');
                }
                line.push_str(text);
            }
        }
    }
    line
}

/// A node's text on one line without these nodes below it.
pub(super) fn flat_without(node: &SyntaxNode, left_out: &[SyntaxNode]) -> String {
    let kept = node
        .descendants_with_tokens()
        .filter_map(SyntaxElement::into_token)
        .filter(|token| {
            let place = token.text_range();
            let inside = |out: &SyntaxNode| out.text_range().contains_range(place);
            !left_out.iter().any(inside)
        });
    let text: String = kept.map(|token| token.text().to_owned()).collect();
    flat_text(&text)
}

/// Whether a column's type is one of those that make a sequence of their own.
pub(super) fn is_serial(ty: &str) -> bool {
    let serials = [
        "serial",
        "serial2",
        "serial4",
        "serial8",
        "smallserial",
        "bigserial",
    ];
    is_type(ty, &serials)
}

/// Whether a type has one of these names.
pub(super) fn is_type(ty: &str, names: &[&str]) -> bool {
    matches!(parts(ty).as_slice(), [name] if names.contains(&name.as_str()))
}

/// The parts of a dotted name, as the catalog has them: unquoted, else in lower case.
pub(super) fn parts(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for (kind, text) in tokens(path) {
        match kind {
            TokenKind::Ident => parts.push(text.to_lowercase()),
            TokenKind::QuotedIdent { .. } => {
                let inner = text.strip_prefix('"').unwrap_or(text);
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                parts.push(inner.replace("\"\"", "\""));
            }
            _ => {}
        }
    }
    parts
}

/// The last part of a dotted name, as the catalog has it.
pub(super) fn own_name(path: &str) -> String {
    parts(path).pop().unwrap_or_default()
}

/// A node's own name, as the catalog has it.
pub(super) fn name_of(node: &impl AstNode) -> String {
    own_name(&node.syntax().text().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_comments_and_line_ends_but_no_strings() {
        let text = "a  -- why\n  = 'x  -- y' /* z */ + 1";
        assert_eq!(flat_text(text), "a = 'x  -- y' + 1");
    }

    #[test]
    fn a_type_is_known_by_its_whole_name() {
        let serial = [
            "serial",
            "BigSerial",
            "serialised_order",
            "app.serial",
            "text",
        ];
        assert_eq!(serial.map(is_serial), [true, true, false, false, false]);
        let json = ["json", "JSON", "jsonb", "my_json", "\"Json\""];
        let is_json = json.map(|ty| is_type(ty, &["json"]));
        assert_eq!(is_json, [true, true, false, false, false]);
    }

    #[test]
    fn names_are_the_catalogs() {
        assert_eq!(parts("App.\"My \"\"T\"\"\""), ["app", "My \"T\""]);
        assert_eq!(own_name("public . Orders"), "orders");
    }
}
