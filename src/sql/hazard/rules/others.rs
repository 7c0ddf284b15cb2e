//! Indexes, views, types and rows.

use squawk_linter::Rule as LinterRule;

use super::super::Detect::{Linter, Shape};
use super::super::more_shapes;
use super::super::shapes;
use super::{Rule, Work};

/// The rules.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "require-concurrent-index-creation",
        detect: Linter(LinterRule::RequireConcurrentIndexCreation),
        lock: "ShareLock",
        work: Work::Build,
        message: "Takes ShareLock and keeps it while it builds the index: no writes meanwhile.",
        rewrite: "CREATE INDEX CONCURRENTLY …; outside of a transaction.",
        example: "CREATE INDEX i ON a (b)",
    },
    Rule {
        name: "require-concurrent-index-deletion",
        detect: Linter(LinterRule::RequireConcurrentIndexDeletion),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "Takes AccessExclusiveLock on the index's table: quick by itself, but everybody waits behind it while it waits for a long transaction.",
        rewrite: "DROP INDEX CONCURRENTLY …; outside of a transaction.",
        example: "DROP INDEX i",
    },
    Rule {
        name: "require-concurrent-reindex",
        detect: Linter(LinterRule::RequireConcurrentReindex),
        lock: "ShareLock",
        work: Work::Build,
        message: "Takes ShareLock on the table and AccessExclusiveLock on each index while it is built: no writes meanwhile, and reads wait as soon as they are planned.",
        rewrite: "REINDEX … CONCURRENTLY …; outside of a transaction.",
        example: "REINDEX TABLE a",
    },
    Rule {
        name: "refreshing-materialized-view",
        detect: Shape(shapes::refreshes_view),
        lock: "AccessExclusiveLock",
        work: Work::Rewrite,
        message: "Takes AccessExclusiveLock on the view and keeps it while its query runs: nobody reads it meanwhile.",
        rewrite: "CREATE UNIQUE INDEX ON {table} (…), once; then REFRESH MATERIALIZED VIEW CONCURRENTLY {table};",
        example: "REFRESH MATERIALIZED VIEW v",
    },
    Rule {
        name: "updating-whole-table",
        detect: Shape(shapes::updates_whole_table),
        lock: "RowExclusiveLock",
        work: Work::Rows,
        message: "Locks every row until the transaction ends, writes each anew with its index entries, and leaves as many dead ones behind: writers of these rows wait throughout.",
        rewrite: "UPDATE … WHERE id BETWEEN … AND …; in batches, each in its own transaction, with pauses.",
        example: "UPDATE a SET b = 1",
    },
    Rule {
        name: "deleting-whole-table",
        detect: Shape(shapes::deletes_whole_table),
        lock: "RowExclusiveLock",
        work: Work::Rows,
        message: "Locks every row until the transaction ends and leaves them all behind as dead ones: writers of these rows wait throughout.",
        rewrite: "DELETE … WHERE id BETWEEN … AND …; in batches, each in its own transaction, with pauses.",
        example: "DELETE FROM a",
    },
    Rule {
        name: "altering-sequence",
        detect: Shape(more_shapes::alters_sequence),
        lock: "ShareRowExclusiveLock",
        work: Work::Catalog,
        message: "Takes ShareRowExclusiveLock on the sequence: every nextval, which means every INSERT that draws from it, waits meanwhile.",
        rewrite: "SET lock_timeout = '2s'; {statement}; and try again when it strikes.",
        example: "ALTER SEQUENCE s AS bigint",
    },
    Rule {
        name: "renaming-enum-value",
        detect: Shape(more_shapes::renames_enum_value),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "Every statement of the running release that names the old value fails from then on.",
        rewrite: "ALTER TYPE {table} ADD VALUE …; switch the application over; UPDATE the rows in batches; leave the old value where it is.",
        example: "ALTER TYPE e RENAME VALUE 'a' TO 'b'",
    },
    Rule {
        name: "creating-filled-view",
        detect: Shape(more_shapes::creates_filled),
        lock: "AccessShareLock",
        work: Work::Scan,
        message: "Reads all that its query reads in one transaction: its snapshot keeps vacuum from everything meanwhile, and its AccessShareLock makes every ALTER TABLE of what it reads wait, with everybody behind that.",
        rewrite: "CREATE … WITH NO DATA; then fill it at a quiet time, in batches where it is a table.",
        example: "CREATE MATERIALIZED VIEW v AS SELECT * FROM a",
    },
    Rule {
        name: "updating-extension",
        detect: Shape(more_shapes::updates_extension),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "Runs the extension's own script, which may lock or rewrite whatever the extension has made: only measuring tells.",
        rewrite: "SET lock_timeout = '2s'; {statement}; and try again when it strikes.",
        example: "ALTER EXTENSION hstore UPDATE",
    },
];
