//! How sentences about a rehearsal name its parts, the same in every report.

use std::time::Duration;

use crate::observe::{LockWait, Migration, PassName, Root, RootKind};

/// Names a statement of the migration for people, who count from 1: `statement 2 (migration.sql:4)`.
pub fn place(migration: &Migration, index: usize) -> String {
    match migration.statement(index) {
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
    wanted((&wait.locktype, &wait.mode), wait.relation.as_deref())
}

/// What is waited for in a lock of a type and mode, as `pg_locks` names them.
pub fn wanted((locktype, mode): (&str, &str), relation: Option<&str>) -> String {
    let what = match (locktype, relation) {
        ("tuple" | "transactionid", _) => "a row",
        ("spectoken", _) => "a row that another session inserts",
        ("virtualxid", Some(relation)) => {
            return format!("the end of an older transaction, for {relation}");
        }
        ("virtualxid", None) => "the end of an older transaction",
        ("advisory" | "userlock", _) => return "an advisory lock".to_owned(),
        ("extend", _) => "room at the end",
        ("page", _) => "a page",
        ("relation", Some(relation)) => return format!("{mode} on {relation}"),
        ("relation", None) => mode,
        (_, Some(relation)) => return format!("{mode} on {relation}"),
        (_, None) => return format!("{mode} on a database object"),
    };
    match relation {
        Some(relation) => format!("{what} of {relation}"),
        None => what.to_owned(),
    }
}

/// Names the session at the root of a wait: `the disturbance (long-transaction)`.
pub fn rooted(root: &Root) -> String {
    match (root.kind, &root.name) {
        (RootKind::Migration, _) => "the migration".to_owned(),
        (RootKind::Disturbance, Some(name)) => format!("the disturbance ({name})"),
        (RootKind::Disturbance, None) => "a disturbance".to_owned(),
        (RootKind::Traffic, Some(name)) => format!("another request ({name})"),
        (RootKind::Traffic, None) => "another request".to_owned(),
        (RootKind::Other, Some(_)) if root.pid == 0 => "a prepared transaction".to_owned(),
        (RootKind::Other, Some(name)) => format!("another session ({name})"),
        (RootKind::Other, None) => "another session".to_owned(),
    }
}

/// An amount of time that many requests lost together: `85.2 request-seconds`.
pub fn request_seconds(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 9.995 => format!("{seconds:.2} request-seconds"),
        seconds if seconds < 999.95 => format!("{seconds:.1} request-seconds"),
        seconds => format!("{} request-seconds", thousands(seconds.round() as u64)),
    }
}

/// Names a pass: `quiet pass`.
pub fn pass(name: PassName) -> &'static str {
    match name {
        PassName::Quiet => "quiet pass",
        PassName::Disturbed => "disturbed pass",
        PassName::Abort => "abort",
        PassName::Rollback => "rollback",
        PassName::Check => "check",
        PassName::Load => "load",
    }
}

/// A moment of a pass, in seconds since the baseline began: `12.4 s`. Not in minutes, however late:
/// moments are there to be compared.
pub fn moment(at: Duration) -> String {
    format!("{:.1} s", at.as_secs_f64())
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
        assert_eq!(request_seconds(0.0123), "0.01 request-seconds");
        assert_eq!(request_seconds(2504.8), "2,505 request-seconds");
    }

    #[test]
    fn what_is_waited_for_is_said_in_words() {
        let of = |locktype, relation| wanted((locktype, "ShareLock"), relation);
        let a = Some("public.a");
        assert_eq!(of("relation", a), "ShareLock on public.a");
        assert_eq!(of("transactionid", a), "a row of public.a");
        assert_eq!(of("transactionid", None), "a row");
        assert_eq!(
            of("virtualxid", a),
            "the end of an older transaction, for public.a"
        );
        assert_eq!(of("spectoken", None), "a row that another session inserts");
        assert_eq!(of("extend", a), "room at the end of public.a");
        assert_eq!(of("object", None), "ShareLock on a database object");
        assert_eq!(of("advisory", None), "an advisory lock");
    }
}
