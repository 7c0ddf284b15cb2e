//! The rules as data: what a statement does at run time and what to write instead. Lock modes are
//! those of PostgreSQL's `ALTER TABLE` and `explicit locking` pages; the linter's rules that are
//! policy alone (types to prefer, names, `IF EXISTS`) are left out.

mod columns;
mod constraints;
mod others;
mod tables;

use super::super::Work;
use super::Detect;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Kebab-case; squawk's own name where squawk finds it.
    pub(super) name: &'static str,
    /// How it is found.
    pub(super) detect: Detect,
    /// The strongest lock that it takes, as PostgreSQL names it.
    pub(super) lock: &'static str,
    /// What it does while it holds it.
    pub(super) work: Work,
    /// What happens at run time: the lock and the work.
    pub(super) message: &'static str,
    /// What to write instead, with the names of its parts in braces; of statements that have a mechanical
    /// safe form, that form comes first.
    pub(super) rewrite: &'static str,
    /// A statement that this rule finds and no other does.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for tests"))]
    pub(super) example: &'static str,
}

/// Every rule, constraints and columns first.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> + Clone {
    [
        constraints::RULES,
        columns::RULES,
        tables::RULES,
        others::RULES,
    ]
    .into_iter()
    .flatten()
}
