//! Constraints.

use squawk_linter::Rule as LinterRule;

use super::super::Detect::{Linter, Shape};
use super::super::shapes;
use super::{Rule, Work};

/// The rules.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "adding-foreign-key",
        detect: Shape(shapes::adds_foreign_key),
        lock: "ShareRowExclusiveLock",
        work: Work::Scan,
        message: "Takes ShareRowExclusiveLock on both tables and keeps it while it looks up every existing row: no writes to either table for as long as that scan lasts. Without an index on its columns, each DELETE of a parent row reads the whole table later.",
        rewrite: "ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY (…) REFERENCES … NOT VALID; then, in a transaction of its own, ALTER TABLE … VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES b (id)",
    },
    Rule {
        name: "adding-check",
        detect: Shape(shapes::adds_check),
        lock: "AccessExclusiveLock",
        work: Work::Scan,
        message: "Takes AccessExclusiveLock and keeps it while it checks every existing row: no reads and no writes for as long as that scan lasts.",
        rewrite: "ALTER TABLE … ADD CONSTRAINT … CHECK (…) NOT VALID; then, in a transaction of its own, ALTER TABLE … VALIDATE CONSTRAINT …;",
        example: "ALTER TABLE a ADD CHECK (b > 0)",
    },
    Rule {
        name: "adding-exclusion",
        detect: Shape(shapes::adds_exclusion),
        lock: "AccessExclusiveLock",
        work: Work::Build,
        message: "Takes AccessExclusiveLock and keeps it while it builds the index of the constraint: no reads and no writes meanwhile.",
        rewrite: "PostgreSQL has no online form: create a table like {table} with the constraint, copy the rows to it in batches, and swap the two.",
        example: "ALTER TABLE a ADD EXCLUDE USING gist (r WITH &&)",
    },
    Rule {
        name: "disallowed-unique-constraint",
        detect: Linter(LinterRule::DisallowedUniqueConstraint),
        lock: "AccessExclusiveLock",
        work: Work::Build,
        message: "Takes AccessExclusiveLock and keeps it while it builds a unique index over every row: no reads and no writes meanwhile.",
        rewrite: "CREATE UNIQUE INDEX CONCURRENTLY …; then ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX …;",
        example: "ALTER TABLE a ADD UNIQUE (b)",
    },
    Rule {
        name: "adding-serial-primary-key-field",
        detect: Linter(LinterRule::AddingSerialPrimaryKeyField),
        lock: "AccessExclusiveLock",
        work: Work::Build,
        message: "Takes AccessExclusiveLock and keeps it while it builds a unique index over every row, and scans for nulls: no reads and no writes meanwhile.",
        rewrite: "Make the columns NOT NULL, CREATE UNIQUE INDEX CONCURRENTLY …; then ALTER TABLE … ADD CONSTRAINT … PRIMARY KEY USING INDEX …;",
        example: "ALTER TABLE a ADD PRIMARY KEY (b)",
    },
    Rule {
        name: "adding-not-nullable-field",
        detect: Linter(LinterRule::AddingNotNullableField),
        lock: "AccessExclusiveLock",
        work: Work::Scan,
        message: "Takes AccessExclusiveLock and keeps it while it looks for nulls in every row, unless (from PostgreSQL 12 on) a valid CHECK (… IS NOT NULL) proves that there are none: no reads and no writes meanwhile.",
        rewrite: "ALTER TABLE … ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT …; SET NOT NULL; DROP CONSTRAINT …; each in a transaction of its own.",
        example: "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
    },
    Rule {
        name: "ban-drop-constraint",
        detect: Linter(LinterRule::BanDropConstraint),
        lock: "AccessExclusiveLock",
        work: Work::Catalog,
        message: "Takes AccessExclusiveLock, for a foreign key on both tables: quick by itself, but everybody waits behind it while it waits for a long transaction.",
        rewrite: "SET lock_timeout = '2s'; {statement}; and try again when it strikes.",
        example: "ALTER TABLE a DROP CONSTRAINT c",
    },
    Rule {
        name: "adding-domain-check",
        detect: Shape(shapes::adds_domain_check),
        lock: "ShareLock",
        work: Work::Scan,
        message: "Takes ShareLock on every table that uses the domain and keeps it while it checks every value: no writes to any of them meanwhile.",
        rewrite: "{statement} NOT VALID; then, in a transaction of its own, ALTER DOMAIN {name} VALIDATE CONSTRAINT …;",
        example: "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)",
    },
];
