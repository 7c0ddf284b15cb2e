//! Columns.

use squawk_linter::Rule as LinterRule;

use super::super::Detect::{Both, Linter, Shape};
use super::super::more_shapes;
use super::super::shapes;
use super::{Rule, Work};

/// The rules.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "adding-field-with-default",
        detect: Both(
            LinterRule::AddingFieldWithDefault,
            shapes::computes_new_column,
        ),
        lock: "AccessExclusiveLock",
        work: Work::Rewrite,
        message: "A volatile default, an identity or a stored generated column makes PostgreSQL rewrite every row and build every index anew under AccessExclusiveLock: no reads and no writes meanwhile.",
        rewrite: "ALTER TABLE {table} ADD COLUMN {column} {type}; and fill the existing rows in batches, each in its own transaction, before the default, the identity or a trigger in place of the expression; from PostgreSQL 18 on a generated column can be VIRTUAL, which writes nothing.",
        example: "ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid()",
    },
    Rule {
        name: "adding-serial-column",
        detect: Shape(shapes::adds_serial_column),
        lock: "AccessExclusiveLock",
        work: Work::Rewrite,
        message: "The default of a serial column is volatile: every row is rewritten and every index built anew under AccessExclusiveLock, so that there are no reads and no writes meanwhile.",
        rewrite: "CREATE SEQUENCE {table}_{column}_seq; ALTER TABLE {table} ADD COLUMN {column} bigint; ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval('{table}_{column}_seq'); ALTER SEQUENCE {table}_{column}_seq OWNED BY {table}.{column}; UPDATE {table} SET {column} = DEFAULT WHERE {column} IS NULL AND id BETWEEN … AND …, batch after batch, each with its own COMMIT; then NOT NULL by way of a CHECK.",
        example: "ALTER TABLE a ADD COLUMN b bigserial",
    },
    Rule {
        name: "adding-required-field",
        detect: Linter(LinterRule::AddingRequiredField),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "A column that is NOT NULL and has no default fails as soon as the table has one row, and breaks every INSERT of the old release.",
        rewrite: "ALTER TABLE {table} ADD COLUMN {column} {type}; UPDATE {table} SET {column} = … WHERE {column} IS NULL AND id BETWEEN … AND …, batch after batch, each with its own COMMIT; ALTER TABLE {table} ADD CONSTRAINT {column}_not_null CHECK ({column} IS NOT NULL) NOT VALID; ALTER TABLE {table} VALIDATE CONSTRAINT {column}_not_null; ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL; ALTER TABLE {table} DROP CONSTRAINT {column}_not_null;",
        example: "ALTER TABLE a ADD COLUMN b int NOT NULL",
    },
    Rule {
        name: "adding-referencing-column",
        detect: Shape(shapes::adds_referencing_column),
        lock: "ShareRowExclusiveLock",
        work: Work::Scan,
        message: "Takes AccessExclusiveLock on the table and ShareRowExclusiveLock on the one it refers to, and with a default that is not null scans every row under both.",
        rewrite: "ADD COLUMN without REFERENCES; ADD CONSTRAINT … FOREIGN KEY (…) REFERENCES … NOT VALID; then, in a transaction of its own, VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD COLUMN b bigint REFERENCES b (id)",
    },
    Rule {
        name: "adding-checked-column",
        detect: Shape(shapes::adds_checked_column),
        lock: "AccessExclusiveLock",
        work: Work::Scan,
        message: "Takes AccessExclusiveLock and keeps it while it checks the new column of every existing row: no reads and no writes for as long as that scan lasts.",
        rewrite: "ADD COLUMN without CHECK; ADD CONSTRAINT … CHECK (…) NOT VALID; then, in a transaction of its own, VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD COLUMN b int CHECK (b > 0)",
    },
    Rule {
        name: "changing-column-type",
        detect: Linter(LinterRule::ChangingColumnType),
        lock: "AccessExclusiveLock",
        work: Work::Rewrite,
        message: "Rewrites every row and builds every index of the column anew under AccessExclusiveLock, except where the old values are good as they are (varchar to a longer one or to text; from PostgreSQL 12 on timestamp to timestamptz in a session at UTC): no reads and no writes meanwhile.",
        rewrite: "ALTER TABLE {table} ADD COLUMN {column}_new {type}; a trigger BEFORE INSERT OR UPDATE that sets NEW.{column}_new := NEW.{column}; UPDATE {table} SET {column}_new = {column} WHERE id BETWEEN … AND …, batch after batch, each with its own COMMIT; its indexes CONCURRENTLY; then in one transaction DROP COLUMN {column} and RENAME COLUMN {column}_new TO {column}.",
        example: "ALTER TABLE a ALTER COLUMN b TYPE bigint",
    },
    Rule {
        name: "setting-expression",
        detect: Shape(shapes::sets_expression),
        lock: "AccessExclusiveLock",
        work: Work::Rewrite,
        message: "Computes a stored generated column anew for every row under AccessExclusiveLock: no reads and no writes meanwhile.",
        rewrite: "ALTER TABLE {table} ADD COLUMN {column}_new as an ordinary one that a trigger keeps; fill it in batches; switch the application over; ALTER TABLE {table} DROP COLUMN {column};",
        example: "ALTER TABLE a ALTER COLUMN b SET EXPRESSION AS (c * 2)",
    },
    Rule {
        name: "ban-drop-column",
        detect: Linter(LinterRule::BanDropColumn),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "Takes AccessExclusiveLock for an instant, drops the column's indexes and constraints without a word, and every statement of the running release that names the column fails.",
        rewrite: "First release code that no longer names {table}.{column} (nor reads it by SELECT *); in a later migration SET lock_timeout = '2s'; ALTER TABLE {table} DROP COLUMN {column}; and try again when it strikes.",
        example: "ALTER TABLE a DROP COLUMN b",
    },
    Rule {
        name: "renaming-column",
        detect: Linter(LinterRule::RenamingColumn),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "Every statement of the running release that names the column fails from then on; takes AccessExclusiveLock for an instant.",
        rewrite: "ALTER TABLE {table} ADD COLUMN {name} of the type of {column}; a trigger that keeps {column} and {name} equal; UPDATE {table} SET {name} = {column} WHERE id BETWEEN … AND …, batch after batch; switch the application over; ALTER TABLE {table} DROP COLUMN {column};",
        example: "ALTER TABLE a RENAME COLUMN b TO c",
    },
    Rule {
        name: "adding-json-column",
        detect: Shape(more_shapes::adds_json_column),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "A column of type json has no equality: every SELECT DISTINCT, GROUP BY or UNION of the running release that takes it in by * fails; takes AccessExclusiveLock for an instant.",
        rewrite: "ALTER TABLE {table} ADD COLUMN {column} jsonb;",
        example: "ALTER TABLE a ADD COLUMN b json",
    },
    Rule {
        name: "ban-drop-not-null",
        detect: Linter(LinterRule::BanDropNotNull),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "Takes AccessExclusiveLock for an instant; code of the running release that reads the column does not expect nulls.",
        rewrite: "SET lock_timeout = '2s'; {statement}; and try again when it strikes.",
        example: "ALTER TABLE a ALTER COLUMN b DROP NOT NULL",
    },
];
