//! Indexes: built, rebuilt and dropped beside the traffic.

use squawk_syntax::ast::{self, AstNode, ReindexTarget};

use super::super::StatementKind;
use super::super::words::{flat, flat_text};
use super::ground::Known;
use super::step::{Step, Turned};
use super::target::Target;

const BUILDS: &str = "reads and writes go on while it builds; if it fails, it leaves an invalid index, to be \
                      removed with DROP INDEX CONCURRENTLY";

pub(super) fn create(create: &ast::CreateIndex, known: &Known<'_>) -> Turned {
    if create.concurrently_token().is_some() {
        return Turned::Kept;
    }
    let Some(relation) = create.table_relation_name() else {
        return Turned::Kept;
    };
    if relation.only_token().is_some() {
        return Turned::Kept;
    }
    let table = relation.table_name_ref().map(|table| flat(&table));
    let target = Target::named(&table.unwrap_or_default(), known);
    if target.is_partitioned() {
        return Turned::stuck(
            "the index of a partitioned table cannot be built CONCURRENTLY: CREATE INDEX ON ONLY it, the same \
             CONCURRENTLY on each partition, then ALTER INDEX … ATTACH PARTITION each",
        );
    }
    let sql = inserted(&flat(create), &["index"]);
    Turned::Steps(vec![Step::long(
        "require-concurrent-index-creation",
        sql,
        BUILDS,
    )])
}

pub(super) fn drop(drop: &ast::DropIndex, known: &Known<'_>) -> Turned {
    if drop.concurrently_token().is_some() {
        return Turned::Kept;
    }
    if matches!(drop.drop_behavior(), Some(ast::DropBehavior::Cascade(_))) {
        return Turned::stuck(
            "CASCADE cannot be CONCURRENTLY: drop what depends on the index by name first",
        );
    }
    let names: Vec<String> = drop.index_refs().map(|index| flat(&index)).collect();
    if names.iter().any(|name| known.is_partitioned_index(name)) {
        return Turned::stuck(
            "the index of a partitioned table cannot be dropped CONCURRENTLY: drop it with a short lock_timeout",
        );
    }
    let if_exists = match drop.if_exists() {
        Some(_) => "IF EXISTS ",
        None => "",
    };
    let steps = names.iter().map(|name| {
        Step::long(
            "require-concurrent-index-deletion",
            format!("DROP INDEX CONCURRENTLY {if_exists}{name}"),
            "waits for those who use the index, and nobody waits for it",
        )
    });
    Turned::Steps(steps.collect())
}

pub(super) fn reindex(reindex: &ast::Reindex, known: &Known<'_>) -> Turned {
    let text = flat(reindex);
    if StatementKind::of(&text) == StatementKind::OutsideTransaction("REINDEX CONCURRENTLY") {
        return Turned::Kept;
    }
    let word = match reindex.reindex_target() {
        Some(ReindexTarget::ReindexTargetTable(_)) => "table",
        Some(ReindexTarget::ReindexTargetIndex(_)) => "index",
        Some(ReindexTarget::ReindexTargetSchema(_)) => "schema",
        Some(ReindexTarget::ReindexTargetDatabase(_)) => "database",
        Some(ReindexTarget::ReindexTargetSystem(_)) => {
            return Turned::stuck("system catalogs cannot be rebuilt CONCURRENTLY");
        }
        None => return Turned::Kept,
    };
    if known.major() < 12 {
        return Turned::Stuck(format!(
            "PostgreSQL {} has no REINDEX CONCURRENTLY (from 12 on): build a second index CONCURRENTLY, drop the \
             old one, rename it",
            known.major()
        ));
    }
    let sql = inserted(&text, &[word]);
    Turned::Steps(vec![Step::long("require-concurrent-reindex", sql, BUILDS)])
}

/// The text with CONCURRENTLY behind the first of these words.
pub(super) fn inserted(text: &str, words: &[&str]) -> String {
    let mut done = false;
    let text = flat_text(text);
    let text = text.trim_end_matches(';').trim_end();
    let out: Vec<String> = text
        .split(' ')
        .map(|word| {
            if !done && words.iter().any(|sought| word.eq_ignore_ascii_case(sought)) {
                done = true;
                return format!("{word} CONCURRENTLY");
            }
            word.to_owned()
        })
        .collect();
    out.join(" ")
}

/// A materialized view is written anew beside the one that is read.
pub(super) fn refresh(refresh: &ast::Refresh, known: &Known<'_>) -> Turned {
    let without_data = matches!(refresh.data_option(), Some(ast::DataOption::WithNoData(_)));
    if refresh.concurrently_token().is_some() || without_data {
        return Turned::Kept;
    }
    let view = refresh
        .view_ref()
        .map(|view| view.syntax().text().to_string());
    let view = flat_text(&view.unwrap_or_default());
    let sql = inserted(&flat(refresh), &["view"]);
    let step = Step::long(
        "refreshing-materialized-view",
        sql,
        "the view is read on meanwhile, and only what differs is changed",
    );
    match known.is_refreshable(&view) {
        Some(true) => Turned::Steps(vec![step]),
        Some(false) => Turned::Stuck(format!(
            "{view} has no unique index on plain columns of all its rows, or was never filled: CREATE UNIQUE \
             INDEX on it first, then REFRESH MATERIALIZED VIEW CONCURRENTLY"
        )),
        None => Turned::Steps(vec![
            Step::long(
                "refreshing-materialized-view",
                format!("CREATE UNIQUE INDEX ON {view} (…)"),
                "once, if it has none",
            ),
            step,
        ]),
    }
}
