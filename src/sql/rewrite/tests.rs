//! Rewritings, case by case.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::schema::{
    Column, DataType, Partition, PartitionBound, PartitionEdge, PartitionStrategy, Partitioning,
    RelationName, Schema, Table, TypeKind, UniqueKey,
};

use proptest::prelude::*;

use super::super::{Session, check_transactions, script_hazards, split, syntax};
use super::{Ground, Rewrite, rewrite};

fn column(name: &str, not_null: bool) -> Column {
    Column {
        name: name.to_owned(),
        data_type: DataType {
            name: "bigint".to_owned(),
            kind: TypeKind::Other {
                name: "int8".to_owned(),
            },
        },
        not_null,
        default: None,
        generated: false,
        sequence: false,
    }
}

fn relation(name: &str) -> RelationName {
    RelationName {
        schema: "public".to_owned(),
        name: name.to_owned(),
    }
}

/// A table whose first columns are its primary key.
fn table(name: &str, keys: usize, columns: &[&str]) -> Table {
    let key = UniqueKey {
        name: format!("{name}_pkey"),
        primary: true,
        columns: columns[..keys]
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
        partial: false,
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    };
    Table {
        oid: 0,
        name: relation(name),
        columns: columns
            .iter()
            .enumerate()
            .map(|(place, name)| column(name, place < keys))
            .collect(),
        unique_keys: if keys > 0 { vec![key] } else { Vec::new() },
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        partitioning: None,
    }
}

fn ground() -> Ground {
    let mut events = table("events", 0, &["at", "kind"]);
    events.partitioning = Some(Partitioning {
        strategy: PartitionStrategy::Range,
        key: vec![Some("at".to_owned())],
        partitions: vec![
            Partition {
                oid: 1,
                name: relation("events_1"),
                bound: PartitionBound::Range {
                    from: vec![PartitionEdge::MinValue],
                    to: vec![PartitionEdge::Value("9".to_owned())],
                },
                partitioning: None,
                checks: Vec::new(),
            },
            Partition {
                oid: 2,
                name: relation("events_rest"),
                bound: PartitionBound::Default,
                partitioning: None,
                checks: Vec::new(),
            },
        ],
    });
    Ground {
        schema: Schema {
            tables: vec![
                table("orders", 1, &["id", "customer_id", "state", "total"]),
                table("lines", 2, &["order_id", "number", "price"]),
                table("customers", 1, &["id", "email"]),
                table("log", 0, &["line", "code"]),
                events,
            ],
            others: Vec::new(),
        },
        major: 15,
        lock_timeout: Duration::from_secs(1),
        relations: BTreeSet::new(),
        constraints: BTreeSet::from([relation("orders_total_check")]),
        refreshable: BTreeSet::from([relation("sales")]),
        partitioned_indexes: BTreeSet::from([relation("events_at_idx")]),
    }
}

fn rewritten(sql: &str) -> Rewrite {
    rewrite(&[split("m.sql", sql).unwrap()], true, &ground())
}

/// The rewriting without its head, and why the rest stays.
fn text(sql: &str) -> String {
    shown(&rewritten(sql))
}

fn shown(rewrite: &Rewrite) -> String {
    let body: Vec<&str> = rewrite.sql.lines().skip(3).collect();
    let skipped = rewrite.skipped.iter();
    let skipped: Vec<String> = skipped
        .map(|skipped| format!("\n[{}: {}]", skipped.line, skipped.why))
        .collect();
    format!("{}{}", body.join("\n"), skipped.concat())
}

/// Statements that have a safe form, by what they are about.
const CASES: &[(&str, &str)] = &[
    (
        "foreign_key",
        "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE",
    ),
    (
        "several_actions",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (state > 0), ADD COLUMN note text, ADD CHECK (total > 0)",
    ),
    (
        "set_not_null",
        "ALTER TABLE ONLY public.orders ALTER COLUMN state SET NOT NULL",
    ),
    (
        "create_index",
        "CREATE INDEX ON orders (state) WHERE state > 0; CREATE UNIQUE INDEX IF NOT EXISTS i ON orders (total)",
    ),
    (
        "unique_and_primary_key",
        "ALTER TABLE orders ADD UNIQUE (customer_id, state) INCLUDE (total) DEFERRABLE;
         ALTER TABLE log ADD PRIMARY KEY (line)",
    ),
    (
        "drop_index_and_reindex",
        "DROP INDEX IF EXISTS a, app.b; DROP INDEX c CASCADE; DROP INDEX events_at_idx;
         REINDEX (VERBOSE) TABLE orders; REINDEX INDEX i",
    ),
    (
        "volatile_default",
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()
           CHECK (token IS DISTINCT FROM other) UNIQUE REFERENCES tokens",
    ),
    (
        "referencing_column",
        "ALTER TABLE orders ADD COLUMN owner bigint REFERENCES customers",
    ),
    (
        "whole_table",
        "UPDATE orders SET state = 1; UPDATE lines AS l SET price = 0 WHERE price IS NULL;
         UPDATE orders SET total = total + 1; UPDATE log SET code = 1; DELETE FROM orders",
    ),
    (
        "attach_partition",
        "ALTER TABLE events ATTACH PARTITION e2 FOR VALUES FROM (9) TO (20)",
    ),
    (
        "views_types_names",
        "REFRESH MATERIALIZED VIEW sales; REFRESH MATERIALIZED VIEW other;
         ALTER TABLE orders ALTER COLUMN id TYPE bigint; ALTER TABLE orders RENAME TO o;
         CREATE VIEW orders AS SELECT * FROM o",
    ),
    (
        "own_timeout",
        "SET LOCAL lock_timeout = '3s'; SET LOCAL work_mem = '1GB'; ALTER TABLE orders DROP COLUMN state;
         ALTER TABLE orders VALIDATE CONSTRAINT x",
    ),
];

#[test]
fn safe_forms_are_written_out() {
    for (name, sql) in CASES {
        insta::assert_snapshot!(*name, text(sql));
    }
}

#[test]
fn a_safe_form_parses_and_has_no_safer_one() {
    for (name, sql) in CASES {
        let first = rewritten(sql);
        let script = split("r.sql", &first.sql).unwrap();
        check_transactions(&script, false).unwrap();
        for statement in &script.statements {
            let parse = syntax::parse(&statement.text).unwrap();
            assert!(parse.errors().is_empty(), "{name}: {}", statement.text);
        }
        let again = rewrite(&[script], false, &ground());
        assert!(again.is_empty(), "{name}: {}", again.sql);
    }
}

#[test]
fn what_is_safe_already_is_left_alone() {
    for sql in [
        "SELECT 1",
        "ALTER TABLE orders VALIDATE CONSTRAINT c",
        "SET lock_timeout = '1s'; ALTER TABLE orders ADD COLUMN a int",
        "CREATE TABLE n (id bigint); CREATE INDEX ON n (id); UPDATE n SET id = 1",
        "UPDATE orders SET state = 1 WHERE id = 7",
        "ALTER TABLE orders ALTER COLUMN id SET NOT NULL; SET lock_timeout = '2s'",
        "DELETE FROM orders WHERE state = 3",
    ] {
        let rewrite = rewritten(sql);
        assert!(rewrite.is_empty(), "{sql}: {}", rewrite.sql);
        assert!(rewrite.skipped.is_empty(), "{sql}: {:?}", rewrite.skipped);
    }
}

#[test]
fn versions_decide() {
    let of = |major, sql: &str| {
        let ground = Ground { major, ..ground() };
        shown(&rewrite(&[split("m.sql", sql).unwrap()], true, &ground))
    };
    let key = "ALTER TABLE events ADD CONSTRAINT f FOREIGN KEY (kind) REFERENCES customers (id)";
    assert!(!of(17, key).contains("NOT VALID;"));
    assert!(of(18, key).contains("NOT VALID;"));
    let not_null = "ALTER TABLE orders ALTER COLUMN state SET NOT NULL";
    assert!(of(11, not_null).contains("PostgreSQL 11 reads every row"));
    assert!(!of(11, "REINDEX TABLE orders").contains("TABLE CONCURRENTLY"));
    for off in ["off", "'off'", "FALSE"] {
        let sql = format!("REINDEX (VERBOSE, CONCURRENTLY {off}) TABLE orders");
        assert!(of(14, &sql).contains("TABLE CONCURRENTLY"), "{sql}");
    }
    let detach = "ALTER TABLE lists DETACH PARTITION p";
    assert!(of(13, detach).contains("from 14 on"));
    assert!(of(14, detach).contains("DETACH PARTITION p CONCURRENTLY;"));
}

#[test]
fn transactions_that_need_all_of_themselves_stay_whole() {
    let sql = "BEGIN;\nLOCK TABLE orders;\nCREATE INDEX ON orders (state);\nCOMMIT;\nCREATE INDEX ON lines (price);";
    let rewrite = rewrite(&[split("m.sql", sql).unwrap()], false, &ground());
    insta::assert_snapshot!("a_transaction_as_a_whole", shown(&rewrite));
    let chained = "BEGIN; SELECT 1; COMMIT AND CHAIN; CREATE INDEX ON orders (state); COMMIT";
    let script = split("m.sql", chained).unwrap();
    assert!(super::rewrite(&[script], false, &ground()).is_empty());
}

#[test]
fn a_key_that_takes_the_place_of_another_is_not_taken_apart() {
    let concurrently = |sql: &str| {
        sql.lines()
            .any(|line| !line.starts_with("--") && line.contains("CONCURRENTLY"))
    };
    for (sql, one_transaction) in [
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (id, state)",
            true,
        ),
        (
            "ALTER TABLE orders DROP COLUMN id, ADD UNIQUE (customer_id)",
            true,
        ),
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_pkey; ALTER TABLE orders ADD PRIMARY KEY (id, state)",
            false,
        ),
    ] {
        let rewrite = rewrite(&[split("m.sql", sql).unwrap()], one_transaction, &ground());
        assert!(!concurrently(&rewrite.sql), "{sql}: {}", rewrite.sql);
        let why = rewrite.skipped.iter().map(|skipped| skipped.why.as_str());
        assert!(
            why.collect::<String>()
                .contains("USING INDEX in one ALTER TABLE"),
            "{sql}"
        );
    }
    // What stands between them must not tear them apart.
    let sql = "ALTER TABLE orders DROP CONSTRAINT orders_pkey; CREATE INDEX ON lines (price);
               ALTER TABLE orders ADD PRIMARY KEY (id, state); ALTER TABLE orders DROP COLUMN total";
    let whole = rewritten(sql);
    assert!(!concurrently(&whole.sql), "{}", whole.sql);
    assert_eq!(whole.skipped.len(), 2, "{:?}", whole.skipped);
    // A dropped CHECK is no key.
    let check = "ALTER TABLE orders DROP CONSTRAINT c, ADD UNIQUE (state)";
    assert!(text(check).contains("CREATE UNIQUE INDEX CONCURRENTLY"));
}

#[test]
fn settings_end_where_they_did() {
    let reset =
        text("RESET ALL; CREATE INDEX ON orders (state); ALTER TABLE orders DROP COLUMN total");
    assert!(
        reset.contains("RESET ALL;\nSET lock_timeout = '0';"),
        "{reset}"
    );
    let local =
        "BEGIN; SET LOCAL work_mem = '1GB'; CREATE INDEX ON orders (state); COMMIT; SELECT 1";
    let local = rewrite(&[split("m.sql", local).unwrap()], false, &ground()).sql;
    let after = local.split("CREATE INDEX").last().unwrap_or_default();
    assert!(after.contains("RESET work_mem;"), "{local}");
}

#[test]
fn a_string_of_several_lines_stays_in_its_comment() {
    let sql = "UPDATE orders SET state = 'a\nDROP TABLE orders;\r--'";
    let text = text(sql);
    let heading = text.lines().find(|line| line.starts_with("-- line 1:"));
    assert!(
        heading.unwrap().contains("'a DROP TABLE orders; --'"),
        "{text}"
    );
}

#[test]
fn advice_names_the_statements_own_parts() {
    let advice = |sql: &str| {
        let script = split("m.sql", sql).unwrap();
        let session = Session::default();
        let hazards = script_hazards(&script, session).concat();
        let texts = hazards.iter().map(|hazard| {
            format!(
                "{}: {}",
                hazard.rule,
                hazard.rewrite.as_deref().unwrap_or_default()
            )
        });
        texts.collect::<Vec<_>>().join("\n")
    };
    let all: Vec<String> = [
        "ALTER TABLE app.a ADD FOREIGN KEY (b) REFERENCES c (id)",
        "ALTER TABLE a ALTER b SET NOT NULL, ADD UNIQUE (c)",
        "ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE a ALTER COLUMN b TYPE numeric(12, 2)",
        "ALTER TABLE a ADD COLUMN b int",
        "ALTER TABLE a RENAME COLUMN b TO c",
        "ALTER TABLE a ATTACH PARTITION p FOR VALUES IN (1)",
        "CREATE INDEX i ON a (b)",
        "UPDATE a SET b = 1",
        "REFRESH MATERIALIZED VIEW v",
        "TRUNCATE a",
        "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
    ]
    .map(advice)
    .to_vec();
    insta::assert_snapshot!("advice", all.join("\n"));
}

proptest! {
    #[test]
    fn no_migration_makes_it_panic(
        soup in "(ALTER TABLE |orders |lines |ADD |COLUMN |CONSTRAINT |CHECK |\\(|\\)|, |REFERENCES |DEFAULT |f\\(\\)|SET |NOT |NULL |TYPE |CREATE |INDEX |ON |UPDATE |DELETE FROM |id |state |= |1 |'x'|;|BEGIN;|COMMIT;|LOCAL |lock_timeout |ATTACH PARTITION |FOR VALUES |WHERE |UNIQUE |PRIMARY KEY ){0,24}",
    ) {
        if let Ok(script) = split("m.sql", &soup) {
            let rewrite = rewrite(&[script], false, &ground());
            prop_assert!(rewrite.is_empty() || split("r.sql", &rewrite.sql).is_ok(), "{}", rewrite.sql);
        }
    }
}
