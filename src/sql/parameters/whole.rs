//! What a statement says as a whole.

use squawk_lexer::TokenKind;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::super::scanner::{is_significant, tokens};
use super::{OnConflict, Verb};

/// What the first words say; of a `WITH`, what it writes with, if it does.
pub(super) fn verb(text: &str) -> Verb {
    let mut words = tokens(text)
        .filter(|&(kind, _)| is_significant(kind) && kind != TokenKind::OpenParen)
        .map(|(_, text)| text.to_ascii_lowercase());
    let first = words.next().unwrap_or_default();
    let of = |word: &str| match word {
        "insert" => Some(Verb::Insert),
        "update" => Some(Verb::Update),
        "delete" => Some(Verb::Delete),
        "merge" => Some(Verb::Merge),
        _ => None,
    };
    match first.as_str() {
        "select" | "values" | "table" => Verb::Select,
        // `FOR UPDATE` locks only.
        "with" => {
            let mut before = String::new();
            let written = words.find_map(|word| {
                let found = of(&word).filter(|_| !matches!(before.as_str(), "for" | "key" | "do"));
                before = word;
                found
            });
            written.unwrap_or(Verb::Select)
        }
        word => of(word).unwrap_or(Verb::Utility),
    }
}

/// Whether `/*, ... */` follows.
pub(super) fn is_squashed(literal: &SyntaxNode) -> bool {
    let mut after = literal.next_sibling_or_token();
    while let Some(next) = &after {
        match next.kind() {
            SyntaxKind::WHITESPACE => after = next.next_sibling_or_token(),
            SyntaxKind::COMMENT => return next.to_string().contains("..."),
            _ => return false,
        }
    }
    false
}

pub(super) fn is_limited(root: &SyntaxNode) -> bool {
    root.descendants().any(|node| {
        let kind = node.kind();
        ast::LimitClause::can_cast(kind) || ast::FetchClause::can_cast(kind)
    })
}

pub(super) fn on_conflict(root: &SyntaxNode) -> Option<OnConflict> {
    root.descendants()
        .find_map(ast::OnConflictClause::cast)
        .and_then(|clause| match clause.conflict_action()? {
            ast::ConflictAction::ConflictDoUpdateSet(_) => Some(OnConflict::Update),
            _ => Some(OnConflict::Nothing),
        })
}
