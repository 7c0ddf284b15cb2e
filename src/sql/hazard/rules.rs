//! The rules as data: what a statement does at run time and what to write instead. Lock modes are
//! those of PostgreSQL's `ALTER TABLE` and `explicit locking` pages; the linter's rules that are
//! policy alone (types to prefer, names, `IF EXISTS`, time-outs) are left out.

use squawk_linter::Rule as LinterRule;

use super::Detect::{self, Both, Linter, Shape};
use super::shapes;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Kebab-case; squawk's own name where squawk finds it.
    pub(super) name: &'static str,
    /// How it is found.
    pub(super) detect: Detect,
    /// What happens at run time: the lock and the work.
    pub(super) message: &'static str,
    /// What to write instead.
    pub(super) rewrite: &'static str,
    /// A statement that this rule finds and no other does.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for tests"))]
    pub(super) example: &'static str,
}

/// Every rule, constraints and columns first.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "adding-foreign-key",
        detect: Shape(shapes::adds_foreign_key),
        message: "Takes ShareRowExclusiveLock on both tables and keeps it while it looks up every existing row: no writes to either table for as long as that scan lasts.",
        rewrite: "ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY (…) REFERENCES … NOT VALID; then, in a transaction of its own, ALTER TABLE … VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES b (id)",
    },
    Rule {
        name: "adding-check",
        detect: Shape(shapes::adds_check),
        message: "Takes AccessExclusiveLock and keeps it while it checks every existing row: no reads and no writes for as long as that scan lasts.",
        rewrite: "ALTER TABLE … ADD CONSTRAINT … CHECK (…) NOT VALID; then, in a transaction of its own, ALTER TABLE … VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD CHECK (b > 0)",
    },
    Rule {
        name: "adding-exclusion",
        detect: Shape(shapes::adds_exclusion),
        message: "Takes AccessExclusiveLock and keeps it while it builds the index of the constraint: no reads and no writes meanwhile.",
        rewrite: "PostgreSQL has no online form: create a new table with the constraint and move the rows to it in batches.",
        example: "ALTER TABLE a ADD EXCLUDE USING gist (r WITH &&)",
    },
    Rule {
        name: "disallowed-unique-constraint",
        detect: Linter(LinterRule::DisallowedUniqueConstraint),
        message: "Takes AccessExclusiveLock and keeps it while it builds a unique index over every row: no reads and no writes meanwhile.",
        rewrite: "CREATE UNIQUE INDEX CONCURRENTLY …; then ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX …;",
        example: "ALTER TABLE a ADD UNIQUE (b)",
    },
    Rule {
        name: "adding-serial-primary-key-field",
        detect: Linter(LinterRule::AddingSerialPrimaryKeyField),
        message: "Takes AccessExclusiveLock and keeps it while it builds a unique index over every row, and scans for nulls: no reads and no writes meanwhile.",
        rewrite: "Make the columns NOT NULL, CREATE UNIQUE INDEX CONCURRENTLY …; then ALTER TABLE … ADD CONSTRAINT … PRIMARY KEY USING INDEX …;",
        example: "ALTER TABLE a ADD PRIMARY KEY (b)",
    },
    Rule {
        name: "adding-field-with-default",
        detect: Both(
            LinterRule::AddingFieldWithDefault,
            shapes::computes_new_column,
        ),
        message: "A volatile default, an identity or a stored generated column makes PostgreSQL rewrite every row and build every index anew under AccessExclusiveLock: no reads and no writes meanwhile.",
        rewrite: "ADD COLUMN without it; ALTER COLUMN … SET DEFAULT …; then fill the existing rows in batches, each in its own transaction.",
        example: "ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid()",
    },
    Rule {
        name: "adding-serial-column",
        detect: Shape(shapes::adds_serial_column),
        message: "The default of a serial column is volatile: every row is rewritten and every index built anew under AccessExclusiveLock, so that there are no reads and no writes meanwhile.",
        rewrite: "ADD COLUMN … bigint; CREATE SEQUENCE … OWNED BY …; ALTER COLUMN … SET DEFAULT nextval(…); then fill the existing rows in batches.",
        example: "ALTER TABLE a ADD COLUMN b bigserial",
    },
    Rule {
        name: "adding-required-field",
        detect: Linter(LinterRule::AddingRequiredField),
        message: "A column that is NOT NULL and has no default fails as soon as the table has one row, and breaks every INSERT of the old release.",
        rewrite: "ADD COLUMN without NOT NULL; fill the existing rows in batches; ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT …; then SET NOT NULL.",
        example: "ALTER TABLE a ADD COLUMN b int NOT NULL",
    },
    Rule {
        name: "adding-not-nullable-field",
        detect: Linter(LinterRule::AddingNotNullableField),
        message: "Takes AccessExclusiveLock and keeps it while it looks for nulls in every row, unless a valid CHECK (… IS NOT NULL) proves that there are none: no reads and no writes meanwhile.",
        rewrite: "ALTER TABLE … ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT …; SET NOT NULL; DROP CONSTRAINT …; each in a transaction of its own.",
        example: "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
    },
    Rule {
        name: "adding-referencing-column",
        detect: Shape(shapes::adds_referencing_column),
        message: "Takes AccessExclusiveLock on the table and ShareRowExclusiveLock on the one it refers to, and with a default that is not null scans every row under both.",
        rewrite: "ADD COLUMN without REFERENCES; ADD CONSTRAINT … FOREIGN KEY (…) REFERENCES … NOT VALID; then, in a transaction of its own, VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD COLUMN b bigint REFERENCES b (id)",
    },
    Rule {
        name: "adding-checked-column",
        detect: Shape(shapes::adds_checked_column),
        message: "Takes AccessExclusiveLock and keeps it while it checks the new column of every existing row: no reads and no writes for as long as that scan lasts.",
        rewrite: "ADD COLUMN without CHECK; ADD CONSTRAINT … CHECK (…) NOT VALID; then, in a transaction of its own, VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD COLUMN b int CHECK (b > 0)",
    },
    Rule {
        name: "changing-column-type",
        detect: Linter(LinterRule::ChangingColumnType),
        message: "Rewrites every row and builds every index of the column anew under AccessExclusiveLock, except where the old values are good as they are (varchar to a longer one or to text): no reads and no writes meanwhile.",
        rewrite: "Add a column of the new type, keep it up to date by a trigger, fill it in batches, switch the application over, then drop the old one.",
        example: "ALTER TABLE a ALTER COLUMN b TYPE bigint",
    },
    Rule {
        name: "setting-expression",
        detect: Shape(shapes::sets_expression),
        message: "Computes a stored generated column anew for every row under AccessExclusiveLock: no reads and no writes meanwhile.",
        rewrite: "Add a new column with the new expression beside it, or an ordinary one kept by a trigger and filled in batches; switch over; drop the old one.",
        example: "ALTER TABLE a ALTER COLUMN b SET EXPRESSION AS (c * 2)",
    },
    Rule {
        name: "ban-drop-column",
        detect: Linter(LinterRule::BanDropColumn),
        message: "Takes AccessExclusiveLock for an instant, drops the column's indexes and constraints without a word, and every statement of the running release that names the column fails.",
        rewrite: "Release code that no longer names the column first; drop it in a later migration, with a short lock_timeout.",
        example: "ALTER TABLE a DROP COLUMN b",
    },
    Rule {
        name: "renaming-column",
        detect: Linter(LinterRule::RenamingColumn),
        message: "Every statement of the running release that names the column fails from then on; takes AccessExclusiveLock for an instant.",
        rewrite: "Add a column of the new name, keep both equal by a trigger, switch the application over, then drop the old one.",
        example: "ALTER TABLE a RENAME COLUMN b TO c",
    },
    Rule {
        name: "renaming-table",
        detect: Linter(LinterRule::RenamingTable),
        message: "Every statement of the running release that names the table fails from then on; takes AccessExclusiveLock for an instant.",
        rewrite: "In one transaction: ALTER TABLE … RENAME TO …; CREATE VIEW of the old name AS SELECT * FROM the new one; drop the view once no release names it.",
        example: "ALTER TABLE a RENAME TO b",
    },
    Rule {
        name: "ban-set-schema",
        detect: Linter(LinterRule::BanSetSchema),
        message: "Every statement of the running release that finds the table by its schema fails from then on; takes AccessExclusiveLock for an instant.",
        rewrite: "In one transaction: ALTER TABLE … SET SCHEMA …; CREATE VIEW of the old name AS SELECT * FROM the new one.",
        example: "ALTER TABLE a SET SCHEMA s",
    },
    Rule {
        name: "ban-drop-table",
        detect: Linter(LinterRule::BanDropTable),
        message: "Takes AccessExclusiveLock on the table and on every table that its foreign keys refer to, and every statement of the running release that names it fails.",
        rewrite: "Release code that no longer names the table first; drop its foreign keys one by one with a short lock_timeout; then DROP TABLE.",
        example: "DROP TABLE a",
    },
    Rule {
        name: "ban-drop-schema",
        detect: Linter(LinterRule::BanDropSchema),
        message: "Takes AccessExclusiveLock on everything in the schema at once; what is gone can be restored from a backup alone.",
        rewrite: "Drop the objects one by one, each with a short lock_timeout; then DROP SCHEMA … RESTRICT;",
        example: "DROP SCHEMA s",
    },
    Rule {
        name: "ban-drop-database",
        detect: Linter(LinterRule::BanDropDatabase),
        message: "Everything in the database is gone and can be restored from a backup alone.",
        rewrite: "Leave it out of migrations.",
        example: "DROP DATABASE d",
    },
    Rule {
        name: "ban-drop-constraint",
        detect: Linter(LinterRule::BanDropConstraint),
        message: "Takes AccessExclusiveLock, for a foreign key on both tables: quick by itself, but everybody waits behind it while it waits for a long transaction.",
        rewrite: "SET lock_timeout = '2s'; and try again when it strikes.",
        example: "ALTER TABLE a DROP CONSTRAINT c",
    },
    Rule {
        name: "truncating",
        detect: Shape(shapes::truncates),
        message: "Takes AccessExclusiveLock, with CASCADE on every table that refers to this one too, whose rows are then gone as well.",
        rewrite: "DELETE in batches, each in its own transaction; or swap in an empty table.",
        example: "TRUNCATE a",
    },
    Rule {
        name: "moving-table",
        detect: Shape(shapes::moves_table),
        message: "SET LOGGED, UNLOGGED, TABLESPACE and ACCESS METHOD write the whole table anew under AccessExclusiveLock: no reads and no writes meanwhile.",
        rewrite: "PostgreSQL has no online form: use pg_repack, or a new table filled in batches.",
        example: "ALTER TABLE a SET TABLESPACE s",
    },
    Rule {
        name: "rewriting-table",
        detect: Shape(shapes::rewrites_table),
        message: "VACUUM FULL and CLUSTER write the whole table and its indexes anew under AccessExclusiveLock: no reads and no writes meanwhile.",
        rewrite: "Use pg_repack; or a plain VACUUM, which frees space for new rows and blocks nobody.",
        example: "VACUUM FULL a",
    },
    Rule {
        name: "require-concurrent-index-creation",
        detect: Linter(LinterRule::RequireConcurrentIndexCreation),
        message: "Takes ShareLock and keeps it while it builds the index: no writes meanwhile.",
        rewrite: "CREATE INDEX CONCURRENTLY …; outside of a transaction.",
        example: "CREATE INDEX i ON a (b)",
    },
    Rule {
        name: "require-concurrent-index-deletion",
        detect: Linter(LinterRule::RequireConcurrentIndexDeletion),
        message: "Takes AccessExclusiveLock on the index's table: quick by itself, but everybody waits behind it while it waits for a long transaction.",
        rewrite: "DROP INDEX CONCURRENTLY …; outside of a transaction.",
        example: "DROP INDEX i",
    },
    Rule {
        name: "require-concurrent-reindex",
        detect: Linter(LinterRule::RequireConcurrentReindex),
        message: "Takes ShareLock on the table and AccessExclusiveLock on each index while it is built: no writes meanwhile, and reads wait as soon as they are planned.",
        rewrite: "REINDEX … CONCURRENTLY …; outside of a transaction.",
        example: "REINDEX TABLE a",
    },
    Rule {
        name: "require-concurrent-partition-detach",
        detect: Linter(LinterRule::RequireConcurrentPartitionDetach),
        message: "Takes AccessExclusiveLock on the partitioned table and the partition: quick by itself, but everybody waits behind it while it waits for a long transaction.",
        rewrite: "ALTER TABLE … DETACH PARTITION … CONCURRENTLY; outside of a transaction.",
        example: "ALTER TABLE a DETACH PARTITION p",
    },
    Rule {
        name: "attaching-partition",
        detect: Shape(shapes::attaches_partition),
        message: "Takes AccessExclusiveLock on the new partition and on the default one, and scans every row of both unless a valid CHECK proves that they fit.",
        rewrite: "First ADD CONSTRAINT … CHECK (…) NOT VALID and VALIDATE CONSTRAINT on the new partition, and the opposite on the default one; then ATTACH PARTITION.",
        example: "ALTER TABLE a ATTACH PARTITION p FOR VALUES IN (1)",
    },
    Rule {
        name: "creating-partition",
        detect: Shape(shapes::creates_partition),
        message: "Takes AccessExclusiveLock on the partitioned table, and scans every row of its default partition under it.",
        rewrite: "CREATE TABLE … (LIKE … INCLUDING ALL); then ALTER TABLE … ATTACH PARTITION …;",
        example: "CREATE TABLE p PARTITION OF a FOR VALUES IN (1)",
    },
    Rule {
        name: "creating-referencing-table",
        detect: Shape(shapes::creates_referencing_table),
        message: "Takes ShareRowExclusiveLock on each table that it refers to: quick by itself, but every write waits behind it while it waits for a long transaction.",
        rewrite: "SET lock_timeout = '2s'; and try again when it strikes; or add the foreign keys later, one by one.",
        example: "CREATE TABLE c (b bigint REFERENCES b (id))",
    },
    Rule {
        name: "creating-trigger",
        detect: Shape(shapes::creates_trigger),
        message: "Takes ShareRowExclusiveLock: quick by itself, but every write waits behind it while it waits for a long transaction.",
        rewrite: "SET lock_timeout = '2s'; and try again when it strikes.",
        example: "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
    },
    Rule {
        name: "ban-drop-trigger",
        detect: Linter(LinterRule::BanDropTrigger),
        message: "Takes AccessExclusiveLock: quick by itself, but everybody waits behind it while it waits for a long transaction.",
        rewrite: "SET lock_timeout = '2s'; and try again when it strikes.",
        example: "DROP TRIGGER t ON a",
    },
    Rule {
        name: "refreshing-materialized-view",
        detect: Shape(shapes::refreshes_view),
        message: "Takes AccessExclusiveLock on the view and keeps it while its query runs: nobody reads it meanwhile.",
        rewrite: "CREATE UNIQUE INDEX on the view once; then REFRESH MATERIALIZED VIEW CONCURRENTLY …;",
        example: "REFRESH MATERIALIZED VIEW v",
    },
    Rule {
        name: "locking-table",
        detect: Shape(shapes::locks_table),
        message: "Keeps its lock (AccessExclusiveLock if none is named) until the transaction ends: everybody waits for all that follows in it.",
        rewrite: "Leave it out: each statement takes the lock that it needs.",
        example: "LOCK TABLE a",
    },
    Rule {
        name: "adding-domain-check",
        detect: Shape(shapes::adds_domain_check),
        message: "Takes ShareLock on every table that uses the domain and keeps it while it checks every value: no writes to any of them meanwhile.",
        rewrite: "ALTER DOMAIN … ADD CONSTRAINT … NOT VALID; then, in a transaction of its own, ALTER DOMAIN … VALIDATE CONSTRAINT …;",
        example: "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)",
    },
    Rule {
        name: "updating-whole-table",
        detect: Shape(shapes::updates_whole_table),
        message: "Locks every row until the transaction ends, writes each anew with its index entries, and leaves as many dead ones behind: writers of these rows wait throughout.",
        rewrite: "UPDATE … WHERE id BETWEEN … AND …; in batches, each in its own transaction, with pauses.",
        example: "UPDATE a SET b = 1",
    },
    Rule {
        name: "deleting-whole-table",
        detect: Shape(shapes::deletes_whole_table),
        message: "Locks every row until the transaction ends and leaves them all behind as dead ones: writers of these rows wait throughout.",
        rewrite: "DELETE … WHERE id BETWEEN … AND …; in batches, each in its own transaction, with pauses.",
        example: "DELETE FROM a",
    },
];
