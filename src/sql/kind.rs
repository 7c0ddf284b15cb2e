//! What a statement needs of the transaction around it, from its words alone.

use squawk_lexer::TokenKind;

use super::SqlStatement;
use super::scanner::{is_significant, tokens};

/// What a statement needs of the transaction around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// `BEGIN`, `START TRANSACTION`.
    TransactionStart,
    /// `COMMIT`, `END`, `ROLLBACK`, `ABORT`, `PREPARE TRANSACTION`.
    TransactionEnd,
    /// `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`: control within a transaction.
    Savepoint,
    /// The server refuses it inside a transaction block; the command's name, as PostgreSQL prints it.
    OutsideTransaction(&'static str),
    /// `DO`, `CALL`: code that may commit, which the server allows outside a transaction block only.
    MayCommit,
    /// `SET`, `RESET`, of any scope.
    Setting,
    /// Anything else.
    Ordinary,
}

impl StatementKind {
    /// The kind of a statement's text.
    pub fn of(text: &str) -> Self {
        let words = words(text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        transaction_control(&words)
            .or_else(|| outside_transaction(&words).map(Self::OutsideTransaction))
            .unwrap_or(match words.as_slice() {
                ["do" | "call", ..] => Self::MayCommit,
                ["set" | "reset", ..] => Self::Setting,
                _ => Self::Ordinary,
            })
    }

    /// Whether the server refuses it inside a transaction block
    /// (`PreventInTransactionBlock` in PostgreSQL's source). `DROP SUBSCRIPTION` is refused only while
    /// it has a slot and `REINDEX` of a partitioned table only for its being one, which no text
    /// shows: both are left to the server.
    pub fn refuses_transaction_block(self) -> bool {
        matches!(self, Self::OutsideTransaction(_))
    }

    /// Whether it begins or ends a transaction.
    pub fn is_transaction_control(self) -> bool {
        matches!(self, Self::TransactionStart | Self::TransactionEnd)
    }

    /// Whether it sets or resets a parameter.
    pub fn is_setting(self) -> bool {
        matches!(self, Self::Setting)
    }
}

impl SqlStatement {
    /// What the statement needs of the transaction around it.
    pub fn kind(&self) -> StatementKind {
        StatementKind::of(&self.text)
    }
}

/// No command is known by a later token than this.
const TOKENS_READ: usize = 64;

/// The first tokens of a statement, keywords in lower case.
fn words(text: &str) -> Vec<String> {
    tokens(text)
        .filter(|&(kind, _)| is_significant(kind))
        .take(TOKENS_READ)
        .map(|(kind, text)| match kind {
            TokenKind::Ident => text.to_ascii_lowercase(),
            _ => text.to_owned(),
        })
        .collect()
}

fn transaction_control(words: &[&str]) -> Option<StatementKind> {
    Some(match words {
        ["begin", ..] | ["start", "transaction", ..] => StatementKind::TransactionStart,
        ["commit", "prepared", ..] => StatementKind::OutsideTransaction("COMMIT PREPARED"),
        ["rollback", "prepared", ..] => StatementKind::OutsideTransaction("ROLLBACK PREPARED"),
        ["savepoint" | "release", ..]
        | ["rollback", "to", ..]
        | ["rollback", "work" | "transaction", "to", ..] => StatementKind::Savepoint,
        ["commit" | "end" | "rollback" | "abort", ..] | ["prepare", "transaction", ..] => {
            StatementKind::TransactionEnd
        }
        _ => return None,
    })
}

fn outside_transaction(words: &[&str]) -> Option<&'static str> {
    match words {
        ["create", "index", "concurrently", ..]
        | ["create", "unique", "index", "concurrently", ..] => Some("CREATE INDEX CONCURRENTLY"),
        ["drop", "index", "concurrently", ..] => Some("DROP INDEX CONCURRENTLY"),
        ["reindex", rest @ ..] => reindex(rest),
        ["vacuum", ..] => Some("VACUUM"),
        ["create", "database", ..] => Some("CREATE DATABASE"),
        ["drop", "database", ..] => Some("DROP DATABASE"),
        ["create", "tablespace", ..] => Some("CREATE TABLESPACE"),
        ["drop", "tablespace", ..] => Some("DROP TABLESPACE"),
        ["alter", "system", ..] => Some("ALTER SYSTEM"),
        ["alter", "database", _, "set", "tablespace", ..] => Some("ALTER DATABASE SET TABLESPACE"),
        ["alter", "table", .., "concurrently"] if contains(words, &["detach", "partition"]) => {
            Some("ALTER TABLE ... DETACH PARTITION CONCURRENTLY")
        }
        ["cluster", rest @ ..] if matches!(after_options(rest), [] | ["verbose"]) => {
            Some("CLUSTER")
        }
        ["create", "subscription", ..] => {
            let slotless = ["create_slot", "connect"]
                .iter()
                .any(|option| contains(words, &[option, "=", "false"]));
            (!slotless).then_some("CREATE SUBSCRIPTION")
        }
        ["alter", "subscription", _, "refresh", ..]
            if !contains(words, &["copy_data", "=", "false"]) =>
        {
            Some("ALTER SUBSCRIPTION ... REFRESH")
        }
        ["discard", "all"] => Some("DISCARD ALL"),
        _ => None,
    }
}

fn reindex(rest: &[&str]) -> Option<&'static str> {
    let in_options =
        contains(rest, &["(", "concurrently"]) || contains(rest, &[",", "concurrently"]);
    let switched_off = ["false", "off", "0", "'false'", "'off'"]
        .iter()
        .any(|off| contains(rest, &["concurrently", off]));
    match after_options(rest) {
        [_, "concurrently", ..] => Some("REINDEX CONCURRENTLY"),
        _ if in_options && !switched_off => Some("REINDEX CONCURRENTLY"),
        ["database", ..] => Some("REINDEX DATABASE"),
        ["system", ..] => Some("REINDEX SYSTEM"),
        ["schema", ..] => Some("REINDEX SCHEMA"),
        _ => None,
    }
}

/// The words behind an option list in parentheses, if there is one.
fn after_options<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    match words {
        ["(", rest @ ..] => rest
            .iter()
            .position(|&word| word == ")")
            .and_then(|end| rest.get(end + 1..))
            .unwrap_or_default(),
        words => words,
    }
}

fn contains(words: &[&str], sought: &[&str]) -> bool {
    words.windows(sought.len()).any(|window| window == sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> StatementKind {
        SqlStatement {
            text: text.to_owned(),
            line: 1,
            column: 1,
            offset: 0,
        }
        .kind()
    }

    #[test]
    fn commands_that_refuse_a_transaction_block_are_known() {
        for sql in [
            "CREATE INDEX CONCURRENTLY i ON t (a)",
            "create unique /* x */ index concurrently if not exists i on t (a)",
            "DROP INDEX CONCURRENTLY i",
            "REINDEX TABLE CONCURRENTLY t",
            "REINDEX (VERBOSE, CONCURRENTLY) INDEX i",
            "REINDEX (CONCURRENTLY true) INDEX i",
            "REINDEX DATABASE d",
            "REINDEX (VERBOSE) SYSTEM d",
            "REINDEX SCHEMA public",
            "VACUUM",
            "VACUUM (FULL) t",
            "CREATE DATABASE d",
            "DROP DATABASE IF EXISTS d",
            "CREATE TABLESPACE s LOCATION '/x'",
            "DROP TABLESPACE s",
            "ALTER SYSTEM SET work_mem = '1GB'",
            "ALTER DATABASE d SET TABLESPACE s",
            "ALTER TABLE ONLY \"T\" DETACH PARTITION p CONCURRENTLY",
            "CLUSTER",
            "CLUSTER VERBOSE",
            "CLUSTER (VERBOSE)",
            "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
            "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
            "COMMIT PREPARED 'x'",
            "DISCARD ALL",
        ] {
            assert!(kind(sql).refuses_transaction_block(), "{sql}");
        }
    }

    #[test]
    fn their_transactional_sisters_are_ordinary() {
        for sql in [
            "CREATE INDEX i ON t (concurrently)",
            "CREATE INDEX \"concurrently\" ON t (a)",
            "DROP INDEX i",
            "REINDEX TABLE t",
            "REINDEX (CONCURRENTLY false) TABLE t",
            "ANALYZE t",
            "ALTER TABLE t DETACH PARTITION p",
            "ALTER TABLE t DETACH PARTITION p FINALIZE",
            "CLUSTER t USING i",
            "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (create_slot = false)",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
            "ALTER DATABASE d SET work_mem = '1GB'",
            "DROP SUBSCRIPTION s",
            "",
        ] {
            assert_eq!(kind(sql), StatementKind::Ordinary, "{sql}");
        }
    }

    #[test]
    fn transactions_settings_and_code_are_known() {
        use StatementKind::{MayCommit, Savepoint, Setting, TransactionEnd, TransactionStart};
        for (sql, expected) in [
            ("begin", TransactionStart),
            (
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                TransactionStart,
            ),
            ("COMMIT AND CHAIN", TransactionEnd),
            ("END", TransactionEnd),
            ("ROLLBACK WORK", TransactionEnd),
            ("ABORT", TransactionEnd),
            ("PREPARE TRANSACTION 'x'", TransactionEnd),
            ("SAVEPOINT a", Savepoint),
            ("ROLLBACK TRANSACTION TO SAVEPOINT a", Savepoint),
            ("RELEASE a", Savepoint),
            ("DO $$ BEGIN COMMIT; END $$", MayCommit),
            ("CALL p()", MayCommit),
            ("SET lock_timeout = '2s'", Setting),
            ("RESET ALL", Setting),
        ] {
            assert_eq!(kind(sql), expected, "{sql}");
        }
    }
}
