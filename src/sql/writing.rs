//! Whether a statement writes, as far as its words tell.

use squawk_lexer::TokenKind;

use super::scanner::{is_significant, tokens};

/// Whether a statement may change something, by its words alone: anything but queries, transaction control
/// and harmless settings. A query that calls a function which writes is not known by its words; a read-only
/// session is.
pub fn may_write(text: &str) -> bool {
    let words: Vec<String> = tokens(text)
        .filter(|&(kind, _)| is_significant(kind))
        .map(|(kind, text)| match kind {
            TokenKind::Ident => text.to_ascii_lowercase(),
            _ => text.to_owned(),
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => false,
        ["(", rest @ ..] => query_writes(rest),
        [
            "select" | "with" | "values" | "table" | "explain" | "declare",
            rest @ ..,
        ] => query_writes(rest),
        ["begin" | "start" | "set", rest @ ..] => leaves_read_only(rest),
        ["prepare", "transaction", ..] | ["commit" | "rollback", "prepared", ..] => true,
        [
            "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "show" | "reset"
            | "fetch" | "close" | "move",
            ..,
        ] => false,
        _ => true,
    }
}

/// `SELECT INTO`, rows locked, data changed within `WITH`, and the way around a read-only session.
fn query_writes(words: &[&str]) -> bool {
    let keyword = |word: &&str| {
        matches!(
            *word,
            "into" | "insert" | "update" | "delete" | "merge" | "set_config"
        )
    };
    let locks = |pair: &[&str]| matches!(pair, ["for", "share" | "no" | "key"]);
    words.iter().any(keyword) || words.windows(2).any(locks)
}

/// `READ WRITE`, or one of the settings that mean it.
fn leaves_read_only(words: &[&str]) -> bool {
    let setting = |word: &&str| {
        matches!(
            *word,
            "write" | "transaction_read_only" | "default_transaction_read_only"
        )
    };
    words.iter().any(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_is_let_through() {
        for text in [
            "SELECT abalance FROM pgbench_accounts WHERE aid = $1",
            "/* page */ (select 1) union (select 2)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "VALUES (1)",
            "TABLE t",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            "START TRANSACTION",
            "END",
            "ROLLBACK TO s",
            "SET LOCAL work_mem = '64MB'",
            "SET TRANSACTION READ ONLY",
            "SHOW work_mem",
            "EXPLAIN SELECT 1",
            "SELECT 'INSERT INTO t'",
            "SELECT \"update\" FROM t",
            "",
        ] {
            assert!(!may_write(text), "{text}");
        }
    }

    #[test]
    fn what_may_write_is_known_by_its_words() {
        for text in [
            "INSERT INTO t VALUES (1)",
            "update t set a = 1",
            "DELETE FROM t",
            "SELECT * INTO u FROM t",
            "SELECT * FROM t FOR UPDATE SKIP LOCKED",
            "SELECT * FROM t FOR NO KEY UPDATE",
            "SELECT * FROM t FOR KEY SHARE",
            "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
            "EXPLAIN ANALYZE UPDATE t SET a = 1",
            "BEGIN READ WRITE",
            "SET TRANSACTION READ WRITE",
            "SET default_transaction_read_only = off",
            "SELECT set_config('transaction_read_only', 'off', false)",
            "TRUNCATE t",
            "CALL p()",
            "DO $$ BEGIN END $$",
            "LOCK TABLE t",
            "COPY t FROM STDIN",
            "COMMIT PREPARED 'x'",
            "PREPARE TRANSACTION 'x'",
            "NOTIFY n",
            "VACUUM t",
        ] {
            assert!(may_write(text), "{text}");
        }
    }
}
