//! What a statement is, by its first words.

/// Statements after which failures spoil what follows.
pub(super) const BLOCK_BEGINS: [&[&str]; 2] = [&["BEGIN"], &["START", "TRANSACTION"]];

/// Statements that end such a block, and cannot have a savepoint around them.
pub(super) const BLOCK_ENDS: [&[&str]; 4] = [&["COMMIT"], &["END"], &["ROLLBACK"], &["ABORT"]];

/// Whether a statement's first words are these, in any case.
pub(super) fn begins_with(statement: &str, words: &[&str]) -> bool {
    let mut found = statement
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty());
    words.iter().all(|word| {
        found
            .next()
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    })
}
