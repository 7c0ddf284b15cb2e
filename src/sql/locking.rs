//! Which statements others wait behind while they wait for their lock, and for how long they may.

use squawk_syntax::ast::{AlterColumnOption, AlterTableAction, Stmt};

use super::SqlStatement;
use super::subject::refers;
use super::words::flat_text;

/// The rule of a statement that lacks nothing but a `lock_timeout`, as squawk calls it.
pub(super) const TIMEOUT_RULE: &str = "require-timeout-settings";

/// The advice against a statement that does its work in an instant once it has its lock.
pub fn try_again(text: &str) -> String {
    let text = flat_text(text);
    format!("SET lock_timeout = '2s'; {text}; and try again when it strikes.")
}

/// The value that a statement sets `lock_timeout` to, as it is written; none of any other statement.
pub(super) fn lock_timeout_of(statement: &SqlStatement) -> Option<String> {
    let text = flat_text(&statement.text);
    let mut words = text.split(' ').peekable();
    let is = |word: &str, sought: &str| word.eq_ignore_ascii_case(sought);
    let first = words.next()?;
    if is(first, "reset") {
        let name = words.next()?;
        return (is(name, "lock_timeout") || is(name, "all")).then(|| "'0'".to_owned());
    }
    if !is(first, "set") {
        return None;
    }
    words.next_if(|word| is(word, "local") || is(word, "session"));
    let rest = words.collect::<Vec<_>>().join(" ");
    let (name, value) = rest.split_at_checked("lock_timeout".len())?;
    if !is(name, "lock_timeout") {
        return None;
    }
    let value = value.trim().trim_start_matches('=').trim();
    let to = value.get(..3).filter(|word| is(word, "to "));
    Some(
        to.map_or(value, |_| value.get(3..).unwrap_or(value))
            .trim()
            .to_owned(),
    )
}

/// Whether a value of `lock_timeout` means to wait for ever.
pub(super) fn is_no_timeout(value: &str) -> bool {
    let number = value
        .trim_matches('\'')
        .trim_end_matches(|c: char| c.is_ascii_alphabetic());
    value.eq_ignore_ascii_case("default")
        || number.trim().parse::<f64>().is_ok_and(|time| time == 0.0)
}

/// Whether others wait behind it while it waits for its lock: what changes the definition of something
/// that is there.
pub(super) fn locks(statement: &Stmt) -> bool {
    match statement {
        Stmt::AlterTable(alter) => alter.actions().any(|action| !is_mild(&action)),
        Stmt::AlterView(_)
        | Stmt::AlterMaterializedView(_)
        | Stmt::AlterIndex(_)
        | Stmt::AlterSequence(_)
        | Stmt::AlterTrigger(_)
        | Stmt::AlterPolicy(_)
        | Stmt::AlterDomain(_)
        | Stmt::DropTable(_)
        | Stmt::DropView(_)
        | Stmt::DropMaterializedView(_)
        | Stmt::DropTrigger(_)
        | Stmt::DropPolicy(_)
        | Stmt::DropRule(_)
        | Stmt::DropSchema(_)
        | Stmt::DropSequence(_)
        | Stmt::DropType(_)
        | Stmt::CreateTrigger(_)
        | Stmt::CreatePolicy(_)
        | Stmt::CreateRule(_)
        | Stmt::CreateView(_)
        | Stmt::Truncate(_)
        | Stmt::Cluster(_)
        | Stmt::Lock(_) => true,
        Stmt::CreateIndex(create) => create.concurrently_token().is_none(),
        Stmt::DropIndex(drop) => drop.concurrently_token().is_none(),
        Stmt::Refresh(refresh) => refresh.concurrently_token().is_none(),
        Stmt::CreateTable(table) => table.partition_of().is_some() || refers(table),
        _ => false,
    }
}

/// Whether an action takes no more than ShareUpdateExclusiveLock, which readers and writers do not
/// notice (`AlterTableGetLockLevel` in `tablecmds.c`).
fn is_mild(action: &AlterTableAction) -> bool {
    match action {
        AlterTableAction::ValidateConstraint(_)
        | AlterTableAction::SetOptions(_)
        | AlterTableAction::ResetOptions(_)
        | AlterTableAction::ClusterOn(_)
        | AlterTableAction::SetWithoutCluster(_) => true,
        AlterTableAction::DetachPartition(detach) => detach.detach_partition_option().is_some(),
        AlterTableAction::AlterColumn(column) => matches!(
            column.option(),
            Some(AlterColumnOption::SetStatistics(_) | AlterColumnOption::SetOptions(_))
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::split;
    use super::*;

    fn value(sql: &str) -> Option<String> {
        lock_timeout_of(&split("m.sql", sql).unwrap().statements[0])
    }

    #[test]
    fn settings_of_the_timeout_are_known() {
        for (sql, expected) in [
            ("SET lock_timeout = '2s'", Some("'2s'")),
            ("set local LOCK_TIMEOUT to 200", Some("200")),
            ("SET SESSION lock_timeout='2s'", Some("'2s'")),
            ("RESET lock_timeout", Some("'0'")),
            ("RESET ALL", Some("'0'")),
            ("SET work_mem = '1GB'", None),
            ("SELECT 1", None),
        ] {
            assert_eq!(value(sql).as_deref(), expected, "{sql}");
        }
        assert!(
            ["0", "'0'", "'0ms'", "DEFAULT"]
                .iter()
                .all(|value| is_no_timeout(value))
        );
        assert!(
            ["1", "'2s'", "'500ms'"]
                .iter()
                .all(|value| !is_no_timeout(value))
        );
    }
}
