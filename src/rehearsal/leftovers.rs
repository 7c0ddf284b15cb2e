//! What a migration left behind that did not come to its end, and which rows it took away.

use crate::judge::wording::{counted, place};
use crate::observe::{LaggingSequence, LostRows, Migration, RowChangeKind, Statement};
use crate::schema::inventory::{Change, Difference, Inventory, ObjectId, ObjectKind};
use crate::sql::{SqlStatement, StatementKind};

/// What is other than before the migration.
#[derive(Debug, Default)]
pub(super) struct Remains {
    pub(super) differences: Vec<Difference>,
    pub(super) invalid_indexes: Vec<String>,
    pub(super) unvalidated_constraints: Vec<String>,
}

/// All that stays of a migration that failed or was aborted, a sentence each: how far it is committed, the
/// rows that it had changed by then, and every object.
pub(super) fn leftovers(migration: &Migration, remains: &Remains) -> Vec<String> {
    let mut left: Vec<String> = half_applied(migration).into_iter().collect();
    left.extend(changed_rows(migration));
    left.extend(by_itself(migration));
    let stays = remains.differences.iter().filter(|one| {
        let name = &one.object.name;
        !remains.invalid_indexes.contains(name) && !remains.unvalidated_constraints.contains(name)
    });
    left.extend(stays.map(stay));
    let indexes = remains.invalid_indexes.iter();
    left.extend(indexes.map(|name| format!("index {name} is not valid")));
    let constraints = remains.unvalidated_constraints.iter();
    left.extend(constraints.map(|name| format!("constraint {name} is not validated")));
    left
}

/// The transactions before the last.
fn half_applied(migration: &Migration) -> Option<String> {
    let stays = match migration.committed {
        0 => return None,
        1 => "statement 1 stays".to_owned(),
        last => format!("statements 1 to {last} stay"),
    };
    Some(format!("half of a migration: {stays} committed"))
}

fn committed(migration: &Migration) -> impl Iterator<Item = &Statement> {
    migration.statements.iter().take(migration.committed)
}

fn changed_rows(migration: &Migration) -> impl Iterator<Item = String> {
    committed(migration).flat_map(|statement| {
        statement.rows.iter().map(|change| {
            format!(
                "{} of {} stay {} by {}",
                counted(change.rows, "row"),
                change.relation,
                change.kind.participle(),
                place(migration, statement.index)
            )
        })
    })
}

/// Code that commits by itself, in whose midst the migration ended.
fn by_itself(migration: &Migration) -> Option<String> {
    let last = migration.statements.get(migration.committed..)?.last()?;
    if !last.outside_transaction {
        return None;
    }
    let statement = SqlStatement {
        text: last.sql.clone(),
        line: last.line,
        column: 1,
        offset: 0,
    };
    let text = last.sql.to_ascii_lowercase();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let first = words.next();
    let commits = words.any(|word| word == "commit");
    let calls = text.contains("call ");
    if statement.kind() != StatementKind::MayCommit || !(commits || calls || first == Some("call"))
    {
        return None;
    }
    let does = match commits {
        true => "commits by itself",
        false => "may commit by itself",
    };
    let place = place(migration, last.index);
    Some(format!(
        "{place} {does}: what it had committed when it ended stays, and nothing says how far that was"
    ))
}

fn stay(difference: &Difference) -> String {
    let object = &difference.object;
    match &difference.change {
        Change::Added(what) if what.is_empty() => format!("{object} stays added"),
        Change::Added(what) => format!("{object} stays added: {what}"),
        Change::Removed(_) => format!("{object} stays removed"),
        Change::Changed(what) | Change::Grown(what) => format!("{object} stays changed: {what}"),
    }
}

/// The rows that committed statements took away of tables that were there before the migration.
pub(super) fn lost_rows(migration: &Migration, before: &Inventory) -> Vec<LostRows> {
    let known = |name: &str| {
        let id = |kind| ObjectId {
            kind,
            name: name.to_owned(),
        };
        before.has(&id(ObjectKind::Table)) || before.has(&id(ObjectKind::MaterializedView))
    };
    let lost = committed(migration).flat_map(|statement| {
        let losses = statement.rows.iter().filter(|change| change.kind.is_loss());
        losses.map(|change| LostRows {
            relation: change.relation.clone(),
            how: change.kind,
            rows: change.rows,
            statement: statement.index,
        })
    });
    lost.filter(|lost| known(&lost.relation)).collect()
}

/// The relations that a migration changed, or wrote to.
pub(super) struct Touched<'a> {
    names: Vec<&'a str>,
}

pub(super) fn touched<'a>(migration: &'a Migration, differences: &'a [Difference]) -> Touched<'a> {
    let changes = migration
        .statements
        .iter()
        .flat_map(|statement| &statement.rows);
    let written = changes
        .filter(|change| [RowChangeKind::Inserted, RowChangeKind::Updated].contains(&change.kind))
        .map(|change| change.relation.as_str());
    let changed = differences.iter().map(|one| one.object.name.as_str());
    Touched {
        names: changed.chain(written).collect(),
    }
}

impl Touched<'_> {
    /// Whether a sequence or its column's table is among them.
    pub(super) fn by(&self, lagging: &LaggingSequence) -> bool {
        let table = lagging.column.rsplit_once('.').map(|(table, _)| table);
        self.names.iter().any(|name| {
            *name == lagging.sequence || *name == lagging.column || Some(*name) == table
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::observe::{MigrationError, MigrationOutcome, RowChange};
    use crate::schema::inventory::Facet;

    fn statement(index: usize, sql: &str) -> Statement {
        Statement {
            index,
            file: "m.sql".to_owned(),
            line: index + 1,
            sql: sql.to_owned(),
            ..Statement::default()
        }
    }

    fn failed(statements: Vec<Statement>, committed: usize) -> Migration {
        Migration {
            file: "m.sql".to_owned(),
            outcome: MigrationOutcome::Failed,
            attempts: 1,
            tries: Vec::new(),
            start: Duration::ZERO,
            end: Duration::ZERO,
            error: Some(MigrationError {
                sqlstate: None,
                message: String::new(),
                statement: None,
            }),
            committed,
            statements,
        }
    }

    fn id(kind: ObjectKind, name: &str) -> ObjectId {
        ObjectId {
            kind,
            name: name.to_owned(),
        }
    }

    fn change(kind: RowChangeKind, rows: u64) -> RowChange {
        RowChange {
            relation: "public.payments".to_owned(),
            kind,
            rows,
        }
    }

    #[test]
    fn everything_that_stays_is_named() {
        let mut update = statement(1, "UPDATE payments SET paid = true");
        update.rows = vec![change(RowChangeKind::Updated, 5_000)];
        let mut last = statement(2, "DO $$ BEGIN UPDATE a SET b = 1; COMMIT; END $$");
        last.outside_transaction = true;
        let migration = failed(
            vec![statement(0, "ALTER TABLE a ADD b int"), update, last],
            2,
        );
        let difference = |kind, name: &str, change| Difference {
            object: id(kind, name),
            change,
        };
        let remains = Remains {
            differences: vec![
                difference(
                    ObjectKind::Column,
                    "public.a.b",
                    Change::Added("integer".to_owned()),
                ),
                difference(
                    ObjectKind::Index,
                    "public.i",
                    Change::Added("INVALID".to_owned()),
                ),
                difference(
                    ObjectKind::Trigger,
                    "public.a.t",
                    Change::Removed("x".to_owned()),
                ),
            ],
            invalid_indexes: vec!["public.i".to_owned()],
            unvalidated_constraints: vec!["public.a.c".to_owned()],
        };
        insta::assert_snapshot!(leftovers(&migration, &remains).join("\n"), @r"
        half of a migration: statements 1 to 2 stay committed
        5,000 rows of public.payments stay updated by statement 2 (m.sql:2)
        statement 3 (m.sql:3) commits by itself: what it had committed when it ended stays, and nothing says how far that was
        column public.a.b stays added: integer
        trigger public.a.t stays removed
        index public.i is not valid
        constraint public.a.c is not validated
        ");
    }

    #[test]
    fn what_was_rolled_back_leaves_nothing() {
        let mut update = statement(0, "UPDATE payments SET paid = true");
        update.rows = vec![change(RowChangeKind::Updated, 5_000)];
        let inside = statement(1, "DO $$ BEGIN COMMIT; END $$");
        let migration = failed(vec![update, inside], 0);
        assert!(leftovers(&migration, &Remains::default()).is_empty());
        let mut plain = statement(0, "DO $$ BEGIN UPDATE a SET committed = 1; END $$");
        plain.outside_transaction = true;
        let migration = failed(vec![plain], 0);
        assert!(leftovers(&migration, &Remains::default()).is_empty());
    }

    #[test]
    fn rows_are_lost_of_tables_that_were_there_before_and_for_good() {
        let mut delete = statement(0, "DELETE FROM payments");
        delete.rows = vec![
            change(RowChangeKind::Deleted, 7),
            change(RowChangeKind::Inserted, 9),
        ];
        let mut undone = statement(1, "TRUNCATE payments");
        undone.rows = vec![change(RowChangeKind::Truncated, 9)];
        let migration = failed(vec![delete, undone], 1);
        let mut before = Inventory::default();
        assert!(lost_rows(&migration, &before).is_empty());
        let facet = Facet {
            name: "owner".to_owned(),
            value: "x".to_owned(),
            usual: true,
        };
        before.say(id(ObjectKind::Table, "public.payments"), facet);
        let lost = lost_rows(&migration, &before);
        assert_eq!(lost.len(), 1);
        assert_eq!((lost[0].rows, lost[0].how), (7, RowChangeKind::Deleted));
    }

    #[test]
    fn a_sequence_is_held_against_a_migration_that_touched_it_alone() {
        let lagging = LaggingSequence {
            sequence: "public.payments_id_seq".to_owned(),
            column: "public.payments.id".to_owned(),
            next: 1,
            highest: 5,
        };
        let mut insert = statement(0, "INSERT INTO payments VALUES (5)");
        insert.rows = vec![change(RowChangeKind::Inserted, 1)];
        let nothing = failed(vec![statement(0, "SELECT 1")], 1);
        assert!(!touched(&nothing, &[]).by(&lagging));
        assert!(touched(&failed(vec![insert], 1), &[]).by(&lagging));
        let column = [Difference {
            object: id(ObjectKind::Column, "public.payments.id"),
            change: Change::Changed("integer → bigint".to_owned()),
        }];
        assert!(touched(&nothing, &column).by(&lagging));
    }
}
