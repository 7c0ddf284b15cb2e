//! What a statement did, as the difference of what the migration's session saw before and after it,
//! and what the server said meanwhile.

use std::collections::BTreeSet;

use crate::observe::{LockMode, RowChange, RowChangeKind};
use crate::postgres::facts::{FactSnapshot, RelationFacts, RelationKind};

/// What one statement did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StatementFacts {
    /// Locks newly held, as (relation, mode), by relation.
    pub locks: Vec<(String, String)>,
    /// Relations whose file was replaced.
    pub rewrites: Vec<String>,
    /// Relations read from end to end.
    pub scans: Vec<String>,
    /// Indexes built, those of rewritten tables included.
    pub indexes_built: Vec<String>,
    /// WAL that the server wrote, in bytes.
    pub wal_bytes: u64,
    /// Change of the size of the relations that it locked, in bytes.
    pub size_change: i64,
    /// Rows that it changed.
    pub rows: Vec<RowChange>,
}

impl StatementFacts {
    /// Compares two moments of a session. `messages` are what the server said in between with
    /// `client_min_messages = debug1`: it names tables that the counters miss, and the other way round.
    pub(super) fn between(
        before: &FactSnapshot,
        after: &FactSnapshot,
        messages: &[String],
    ) -> Self {
        let mut facts = Self {
            locks: new_locks(before, after),
            wal_bytes: u64::try_from(after.wal - before.wal).unwrap_or(0),
            size_change: size_change(before, after),
            ..Self::default()
        };
        let mut rewrites = named(messages, "rewriting table ", after);
        let mut scans = named(messages, "verifying table ", after);
        let mut built = BTreeSet::new();
        facts.rows = changed_rows(before, after, &rewrites);
        for (oid, now) in &after.relations {
            let then = before.relations.get(oid);
            let new_file = then.is_none_or(|then| then.file != now.file);
            match now.kind {
                RelationKind::Table => {
                    let emptied = then.is_some_and(|then| is_truncated(then, now, &rewrites));
                    if then.is_some() && new_file && !emptied {
                        rewrites.insert(now.name.clone());
                    }
                    if then.is_some_and(|then| now.scans > then.scans) {
                        scans.insert(now.name.clone());
                    }
                }
                RelationKind::Index if new_file => {
                    built.insert(now.name.clone());
                }
                RelationKind::Index | RelationKind::Other => {}
            }
        }
        facts.rewrites = rewrites.into_iter().collect();
        facts.scans = scans.into_iter().collect();
        facts.indexes_built = built.into_iter().collect();
        facts
    }
}

/// The rows that were changed between two moments of a transaction. Tables that were dropped or truncated
/// lost as many as they were taken to have.
fn changed_rows(
    before: &FactSnapshot,
    after: &FactSnapshot,
    rewrites: &BTreeSet<String>,
) -> Vec<RowChange> {
    let mut changes = Vec::new();
    let mut note = |relation: &RelationFacts, kind, rows: u64| {
        if rows > 0 {
            changes.push(RowChange {
                relation: relation.name.clone(),
                kind,
                rows,
            });
        }
    };
    for (oid, now) in &after.relations {
        let then = before.relations.get(oid);
        let since = then.map_or_else(Default::default, |then| then.changed);
        let more = |now: i64, then: i64| u64::try_from(now - then).unwrap_or(0);
        if let Some(then) = then.filter(|then| is_truncated(then, now, rewrites)) {
            note(then, RowChangeKind::Truncated, then.rows.max(1));
            continue;
        }
        let (kind, changed) = (RowChangeKind::Inserted, now.changed);
        note(now, kind, more(changed.inserted, since.inserted));
        note(
            now,
            RowChangeKind::Updated,
            more(changed.updated, since.updated),
        );
        note(
            now,
            RowChangeKind::Deleted,
            more(changed.deleted, since.deleted),
        );
    }
    for oid in after.dropped_locks.keys() {
        let dropped = before.relations.get(oid);
        if let Some(then) = dropped.filter(|then| then.kind == RelationKind::Table && then.heap > 0)
        {
            note(then, RowChangeKind::Dropped, then.rows.max(1));
        }
    }
    changes
}

/// Whether a table got an empty file in place of one with rows, and not by being written anew.
fn is_truncated(then: &RelationFacts, now: &RelationFacts, rewrites: &BTreeSet<String>) -> bool {
    now.kind == RelationKind::Table
        && then.file != now.file
        && then.heap > 0
        && now.heap == 0
        && !rewrites.contains(&now.name)
}

/// `after` may hold only the relations that are locked. What was dropped gives its bytes back.
fn size_change(before: &FactSnapshot, after: &FactSnapshot) -> i64 {
    let size_before = |oid| before.relations.get(oid).map_or(0, |then| then.size);
    let changed = after.relations.iter();
    let grown: i64 = changed.map(|(oid, now)| now.size - size_before(oid)).sum();
    let dropped: i64 = after.dropped_locks.keys().map(size_before).sum();
    grown - dropped
}

/// Locks that `after` has and `before` has not, on relations that existed before the transaction: nobody can wait
/// for one that it has made. Weak locks on indexes come with any use of their table and are left out.
fn new_locks(before: &FactSnapshot, after: &FactSnapshot) -> Vec<(String, String)> {
    let mut locks = BTreeSet::new();
    for (oid, then) in before.relations.iter().filter(|(_, then)| !then.is_new) {
        let now = after.relations.get(oid).map(|now| &now.modes);
        let Some(modes) = now.or_else(|| after.dropped_locks.get(oid)) else {
            continue;
        };
        for mode in modes.iter().filter(|mode| !then.modes.contains(mode)) {
            if then.kind != RelationKind::Index || is_exclusive(mode) {
                locks.insert((then.name.clone(), mode.clone()));
            }
        }
    }
    locks.into_iter().collect()
}

fn is_exclusive(mode: &str) -> bool {
    mode.parse() == Ok(LockMode::AccessExclusive)
}

/// The relations that messages of a kind name; the server leaves their schema out, so of several
/// tables of that name those are meant that this session has locked.
fn named(messages: &[String], kind: &str, snapshot: &FactSnapshot) -> BTreeSet<String> {
    let names = messages
        .iter()
        .filter_map(|message| message.strip_prefix(kind));
    names
        .filter_map(|name| name.strip_prefix('"')?.strip_suffix('"'))
        .flat_map(|name| locked_relations(snapshot, name))
        .collect()
}

fn locked_relations<'a>(
    snapshot: &'a FactSnapshot,
    name: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let is_meant = move |relation: &&RelationFacts| {
        // Both the schema's name and the table's own may hold dots.
        let schema = relation.name.strip_suffix(name);
        relation.kind == RelationKind::Table
            && schema.is_some_and(|schema| schema.ends_with('.'))
            && !relation.modes.is_empty()
    };
    snapshot
        .relations
        .values()
        .filter(is_meant)
        .map(|relation| relation.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::facts::ChangedRows;

    fn relation(name: &str, kind: RelationKind, file: u32, modes: &[&str]) -> RelationFacts {
        RelationFacts {
            name: format!("public.{name}"),
            kind,
            file,
            scans: 0,
            size: 0,
            changed: ChangedRows::default(),
            rows: 0,
            heap: 0,
            is_new: false,
            modes: modes.iter().map(|&mode| mode.to_owned()).collect(),
        }
    }

    fn snapshot(relations: &[(u32, RelationFacts)]) -> FactSnapshot {
        FactSnapshot {
            relations: relations.iter().cloned().collect(),
            ..FactSnapshot::default()
        }
    }

    #[test]
    fn a_new_file_is_a_rewrite_of_a_table_and_a_build_of_an_index() {
        let before = snapshot(&[
            (1, relation("orders", RelationKind::Table, 10, &[])),
            (2, relation("orders_pkey", RelationKind::Index, 11, &[])),
        ]);
        let after = snapshot(&[
            (
                1,
                relation("orders", RelationKind::Table, 20, &["AccessExclusiveLock"]),
            ),
            (
                2,
                relation(
                    "orders_pkey",
                    RelationKind::Index,
                    21,
                    &["AccessExclusiveLock"],
                ),
            ),
            (
                3,
                relation("orders_new", RelationKind::Index, 22, &["ShareLock"]),
            ),
        ]);
        let facts = StatementFacts::between(&before, &after, &[]);
        assert_eq!(facts.rewrites, ["public.orders"]);
        assert_eq!(
            facts.indexes_built,
            ["public.orders_new", "public.orders_pkey"]
        );
        let on_orders = ("public.orders".to_owned(), "AccessExclusiveLock".to_owned());
        assert!(facts.locks.contains(&on_orders));
    }

    #[test]
    fn scans_come_from_counters_and_from_messages() {
        let mut counted = relation("a", RelationKind::Table, 1, &["ShareRowExclusiveLock"]);
        let before = snapshot(&[
            (1, counted.clone()),
            (2, relation("b", RelationKind::Table, 2, &[])),
            (3, relation("b", RelationKind::Index, 3, &[])),
        ]);
        counted.scans = 1;
        let after = snapshot(&[
            (1, counted),
            (
                2,
                relation("b", RelationKind::Table, 2, &["AccessExclusiveLock"]),
            ),
            (3, relation("b", RelationKind::Index, 3, &[])),
        ]);
        let facts = StatementFacts::between(&before, &after, &["verifying table \"b\"".into()]);
        assert_eq!(facts.scans, ["public.a", "public.b"]);
        assert_eq!(facts.locks.len(), 1, "a's lock was held before");
    }

    #[test]
    fn messages_name_tables_as_they_are() {
        let odd = RelationFacts {
            name: "App.v2.a.\"b\"".to_owned(),
            ..relation("", RelationKind::Table, 1, &["AccessExclusiveLock"])
        };
        let now = snapshot(&[(1, odd)]);
        let messages = ["rewriting table \"a.\"b\"\"".to_owned()];
        let facts = StatementFacts::between(&now, &now, &messages);
        assert_eq!(facts.rewrites, ["App.v2.a.\"b\""]);
    }

    #[test]
    fn locks_on_dropped_relations_are_kept_and_new_relations_left_out() {
        let before = snapshot(&[(1, relation("old", RelationKind::Table, 1, &[]))]);
        let mut after = snapshot(&[(
            9,
            relation("new", RelationKind::Table, 9, &["AccessExclusiveLock"]),
        )]);
        after
            .dropped_locks
            .insert(1, vec!["AccessExclusiveLock".into()]);
        let facts = StatementFacts::between(&before, &after, &[]);
        assert_eq!(
            facts.locks,
            [("public.old".to_owned(), "AccessExclusiveLock".to_owned())]
        );
        assert!(facts.rewrites.is_empty() && facts.indexes_built.is_empty());
        // Nor is it there for others when a later statement of the transaction locks it.
        let mut later = before;
        later.update(after);
        let stronger = relation("new", RelationKind::Table, 9, &["ShareRowExclusiveLock"]);
        let facts = StatementFacts::between(&later, &snapshot(&[(9, stronger)]), &[]);
        assert_eq!(facts.locks, []);
    }

    #[test]
    fn rows_are_changed_deleted_truncated_and_dropped() {
        let with = |file: u32, heap: i64, changed: [i64; 3]| RelationFacts {
            heap,
            rows: 90,
            changed: ChangedRows {
                inserted: changed[0],
                updated: changed[1],
                deleted: changed[2],
            },
            ..relation("t", RelationKind::Table, file, &["AccessExclusiveLock"])
        };
        let told = |before: &FactSnapshot, after: &FactSnapshot, said: &[String]| {
            let rows = StatementFacts::between(before, after, said)
                .rows
                .into_iter();
            let told = rows.map(|change| format!("{} {}", change.rows, change.kind.participle()));
            told.collect::<Vec<_>>().join(", ")
        };
        let before = snapshot(&[(1, with(7, 8192, [1, 2, 3]))]);
        let after = snapshot(&[(1, with(7, 8192, [1, 7, 4]))]);
        assert_eq!(told(&before, &after, &[]), "5 updated, 1 deleted");
        let emptied = snapshot(&[(1, with(8, 0, [0, 0, 0]))]);
        assert_eq!(told(&before, &emptied, &[]), "90 truncated");
        let facts = StatementFacts::between(&before, &emptied, &[]);
        assert!(facts.rewrites.is_empty(), "{facts:?}");
        // A table of dead rows alone is as empty once it is written anew.
        let said = ["rewriting table \"t\"".to_owned()];
        assert_eq!(told(&before, &emptied, &said), "");
        let mut dropped = snapshot(&[]);
        let modes = vec!["AccessExclusiveLock".to_owned()];
        dropped.dropped_locks.insert(1, modes);
        assert_eq!(told(&before, &dropped, &[]), "90 dropped");
    }
}
