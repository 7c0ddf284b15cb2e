//! How sentences about a rehearsal name its parts, the same in every report.

use crate::observe::{LockWait, Migration, PassName};

/// Names a statement of the migration for people, who count from 1: `statement 2 (migration.sql:4)`.
pub fn place(migration: &Migration, index: usize) -> String {
    let found = migration
        .statements
        .iter()
        .find(|statement| statement.index == index);
    match found {
        Some(statement) => format!(
            "statement {} ({}:{})",
            index + 1,
            statement.file,
            statement.line
        ),
        None => format!("statement {}", index + 1),
    }
}

/// What a session waited for: `RowExclusiveLock on public.orders`, `a row of public.orders`. A wait for
/// a transaction's end is one for a row that it has locked.
pub fn awaited(wait: &LockWait) -> String {
    match (wait.locktype.as_str(), &wait.relation) {
        ("tuple" | "transactionid", Some(relation)) => format!("a row of {relation}"),
        ("tuple" | "transactionid", None) => "a row".to_owned(),
        ("advisory", _) => "an advisory lock".to_owned(),
        (_, Some(relation)) => format!("{} on {relation}", wait.mode),
        (_, None) => wait.mode.clone(),
    }
}

/// Names a pass: `quiet pass`.
pub fn pass(name: PassName) -> &'static str {
    match name {
        PassName::Quiet => "quiet pass",
        PassName::Disturbed => "disturbed pass",
        PassName::Check => "check",
    }
}

/// A quotient: `11.9 ×`.
pub fn times(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 99.95 => format!("{ratio:.1} ×"),
        ratio => format!("{} ×", thousands(ratio.round() as u64)),
    }
}

/// A share of a whole as a percentage: `0.10 %`.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 9.995 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// A count with its thousands apart: `12,345`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 wait`, `12 waits`.
pub fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{} {noun}s", thousands(count)),
    }
}

/// Keeps the first of equal sentences.
pub(super) fn keep_first(sentences: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    sentences.retain(|sentence| seen.insert(sentence.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(times(11.94), "11.9 ×");
        assert_eq!(times(4940.2), "4,940 ×");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.001), "0.10 %");
        assert_eq!(percent(0.5), "50.0 %");
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(counted(1, "wait"), "1 wait");
    }
}
