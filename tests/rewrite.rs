//! A migration and its safe form end in the same schema with the same rows, and the safe form reads no
//! table under a lock that others wait for.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test cannot do without fails it"
)]

mod support;

use std::time::Duration;

use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::postgres::ground::read_ground;
use pgrehearse::sql::{Ground, Rewrite, rewrite, split};
use support::{connect, execute, server};
use tokio_postgres::Client;

const SCHEMA: &str = r#"
    CREATE TABLE customers (id bigint PRIMARY KEY, email text);
    INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 500) n;
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, state int, total numeric, "Note" text);
    INSERT INTO orders SELECT n, n % 500 + 1, n % 3, n, 'n' || n FROM generate_series(1, 2500) n;
    CREATE INDEX orders_state ON orders (state);
    CREATE TABLE lines (order_id bigint, number int, price numeric, PRIMARY KEY (order_id, number));
    INSERT INTO lines SELECT n / 3, n % 3, NULLIF(n % 5, 0) FROM generate_series(1, 2500) n;
    CREATE TABLE events (at int, kind int) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
    INSERT INTO events SELECT n % 100, n FROM generate_series(1, 500) n;
    INSERT INTO events SELECT 1000 + n, n FROM generate_series(1, 500) n;
    CREATE TABLE events_2 (at int, kind int);
    INSERT INTO events_2 SELECT 100 + n % 100, n FROM generate_series(1, 500) n;
    CREATE TABLE lists (kind text, n int) PARTITION BY LIST (kind);
    CREATE TABLE list_a PARTITION OF lists FOR VALUES IN ('a');
    CREATE TABLE list_b (kind text, n int);
    INSERT INTO list_b SELECT 'b', n FROM generate_series(1, 500) n;
    CREATE MATERIALIZED VIEW sales AS SELECT customer_id, sum(total) FROM orders GROUP BY customer_id;
    CREATE UNIQUE INDEX ON sales (customer_id);
"#;

/// Migrations by name; each has a safe form.
const CASES: &[(&str, &str)] = &[
    (
        "foreign key",
        "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE",
    ),
    (
        "named key",
        r#"ALTER TABLE ONLY public.orders ADD CONSTRAINT "Key" FOREIGN KEY (customer_id) REFERENCES customers DEFERRABLE INITIALLY DEFERRED"#,
    ),
    (
        "referencing column",
        "ALTER TABLE orders ADD COLUMN owner bigint DEFAULT 7 REFERENCES customers (id)",
    ),
    (
        "check",
        "ALTER TABLE orders ADD CHECK (total > 0), ADD CONSTRAINT c CHECK (state >= 0 AND total > 0), ADD CHECK (total < 1e9), ADD CHECK (id > 0 OR total > 0)",
    ),
    (
        "set not null",
        r#"ALTER TABLE orders ALTER COLUMN state SET NOT NULL, ALTER "Note" SET NOT NULL"#,
    ),
    (
        "index",
        r#"CREATE INDEX ON orders (customer_id, ("Note" || 'x')); CREATE UNIQUE INDEX i ON orders (total) WHERE total > 5"#,
    ),
    (
        "unique",
        "ALTER TABLE orders ADD UNIQUE (total, state) INCLUDE (customer_id) WITH (fillfactor = 70) DEFERRABLE",
    ),
    (
        "named unique",
        r#"ALTER TABLE orders ADD CONSTRAINT "U" UNIQUE (total)"#,
    ),
    ("primary key", "ALTER TABLE list_b ADD PRIMARY KEY (n)"),
    (
        "another primary key",
        "ALTER TABLE lines DROP CONSTRAINT lines_pkey; ALTER TABLE customers DROP CONSTRAINT customers_pkey, ADD PRIMARY KEY (id, email)",
    ),
    ("drop index", "DROP INDEX orders_state"),
    ("reindex", "REINDEX TABLE orders"),
    (
        "volatile default",
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE CHECK (token IS NOT NULL)",
    ),
    (
        "update",
        r#"UPDATE orders SET state = 9, "Note" = upper('x')"#,
    ),
    (
        "update by two columns",
        "UPDATE lines l SET price = 0 WHERE price IS NULL",
    ),
    ("delete", "DELETE FROM lines"),
    (
        "attach range",
        "ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (100) TO (200)",
    ),
    (
        "attach list",
        "ALTER TABLE lists ATTACH PARTITION list_b FOR VALUES IN ('b', 'c')",
    ),
    (
        "refresh",
        "UPDATE orders SET total = 3 WHERE id = 4; REFRESH MATERIALIZED VIEW sales",
    ),
    (
        "order of actions",
        "ALTER TABLE orders ADD CHECK (extra > 0), ADD COLUMN extra int, DROP COLUMN state, ALTER COLUMN total SET NOT NULL",
    ),
    (
        "fast but locking",
        "ALTER TABLE orders RENAME TO o; CREATE VIEW orders AS SELECT * FROM o",
    ),
    (
        "long names",
        "ALTER TABLE orders ADD COLUMN a_name_that_is_rather_long_by_itself int; ALTER TABLE orders ADD UNIQUE (a_name_that_is_rather_long_by_itself, customer_id, state)",
    ),
];

/// Tables, columns, constraints and indexes, one a line, with what is not valid.
const SHAPE: &str = "
    SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM (
      SELECT format('%s %s %s', c.oid::regclass, c.relkind, pg_get_expr(c.relpartbound, c.oid)) AS line
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
      UNION ALL
      SELECT format('%s.%s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                    a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
        AND a.attnum > 0 AND NOT a.attisdropped
      UNION ALL
      SELECT format('%s %s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated)
      FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace
      UNION ALL
      SELECT format('%s %s', pg_get_indexdef(i.indexrelid), i.indisvalid)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
    ) lines";

/// The rows of every table, columns of random values left out.
const ROWS: &str = "
    SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
      SELECT to_jsonb(o) - 'token' || '{}' AS line FROM (SELECT * FROM orders) o
      UNION ALL SELECT to_jsonb(l) FROM lines l
      UNION ALL SELECT to_jsonb(e) FROM events e
      UNION ALL SELECT to_jsonb(s) FROM sales s) rows (line_json), LATERAL (SELECT line_json::text) t (line)";

const SCANS: &str = "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_xact_user_tables";

async fn text(client: &Client, query: &str) -> String {
    let rows = client.simple_query(query).await.unwrap();
    rows.into_iter()
        .find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .unwrap_or_default()
}

/// Runs a safe form as the tool does, statement by statement, and looks at what each ALTER TABLE reads. One of the
/// migration's own may read, where it is said that it was left as it is.
async fn run_safely(client: &Client, (name, sql): (&str, &str), safe: &Rewrite) -> Vec<String> {
    let mut reading = Vec::new();
    let is_left = |text: &str| !safe.skipped.is_empty() && sql.contains(text);
    for statement in split("rewrite.sql", &safe.sql).unwrap().statements {
        let text_of = &statement.text;
        let brief = text_of.starts_with("ALTER TABLE")
            && !is_left(text_of)
            && !text_of.contains(" VALIDATE CONSTRAINT ")
            && !text_of.ends_with(" CONCURRENTLY");
        let done = match brief {
            true => {
                execute(client, "BEGIN").await;
                // It still counts what earlier transactions did that is not passed on yet.
                let before = text(client, SCANS).await;
                let done = client.batch_execute(text_of).await;
                if done.is_ok() {
                    let after = text(client, SCANS).await;
                    if before != after {
                        reading.push(format!("{name}: {text_of} reads a table"));
                    }
                }
                execute(client, "COMMIT").await;
                done
            }
            false => client.batch_execute(text_of).await,
        };
        if let Err(error) = done {
            panic!("{name}: {text_of}: {error:?}");
        }
    }
    reading
}

#[tokio::test]
async fn a_migration_and_its_safe_form_end_alike() {
    let server = server().await;
    let client = connect(&server.config()).await;
    execute(&client, "CREATE DATABASE pattern").await;
    let named = |name: &str| {
        let mut config = server.config();
        config.dbname(name);
        config
    };
    let pattern = connect(&named("pattern")).await;
    execute(&pattern, SCHEMA).await;
    let schema = read_schema(&pattern).await.unwrap();
    let ground = Ground {
        lock_timeout: Duration::from_secs(5),
        ..read_ground(&pattern, schema).await.unwrap()
    };
    assert!(ground.major >= 12 && !ground.refreshable.is_empty());
    drop(pattern);
    let mut wrong = Vec::new();
    for (number, (name, sql)) in CASES.iter().enumerate() {
        let script = split("migration.sql", sql).unwrap();
        let safe = rewrite(&[script], true, &ground);
        assert!(
            !safe.is_empty(),
            "{name} has no safe form: {:?}",
            safe.skipped
        );
        let mut ends = Vec::new();
        for (which, safely) in [("plain", false), ("safe", true)] {
            let database = format!("{which}_{number}");
            let create = format!("CREATE DATABASE {database} TEMPLATE pattern");
            // The session of the pattern ends in its own time.
            while client.batch_execute(&create).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let session = connect(&named(&database)).await;
            match safely {
                true => wrong.extend(run_safely(&session, (name, sql), &safe).await),
                false => execute(&session, &format!("BEGIN; {sql}; COMMIT")).await,
            }
            ends.push((text(&session, SHAPE).await, text(&session, ROWS).await));
            drop(session);
            while client
                .batch_execute(&format!("DROP DATABASE {database}"))
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let [plain, safe_end] = ends.as_slice() else {
            panic!("two databases");
        };
        for (what, plain, safely) in [
            ("schema", &plain.0, &safe_end.0),
            ("rows", &plain.1, &safe_end.1),
        ] {
            let only = |these: &str, those: &str| {
                let other: Vec<&str> = those.lines().collect();
                let own = these.lines().filter(|line| !other.contains(line));
                own.map(str::to_owned).collect::<Vec<_>>()
            };
            if plain != safely {
                let (left, right) = (only(plain, safely), only(safely, plain));
                wrong.push(format!(
                    "{name}: {what}: {left:?} and not {right:?}\n{}",
                    safe.sql
                ));
            }
        }
        assert!(!plain.1.is_empty(), "{name}: the rows were not compared");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A batch whose rows somebody has locked waits for them without keeping its own, and goes on.
#[tokio::test]
async fn batches_go_on_behind_a_locked_row() {
    let server = server().await;
    let client = connect(&server.config()).await;
    execute(&client, SCHEMA).await;
    let ground = Ground {
        lock_timeout: Duration::from_millis(50),
        ..read_ground(&client, read_schema(&client).await.unwrap())
            .await
            .unwrap()
    };
    let script = split("m.sql", "UPDATE orders SET state = 5").unwrap();
    let safe = rewrite(&[script], true, &ground);
    let holder = connect(&server.config()).await;
    execute(
        &holder,
        "BEGIN; SELECT FROM orders WHERE id = 1700 FOR UPDATE",
    )
    .await;
    let worker = connect(&server.config()).await;
    let work = tokio::spawn(async move {
        for statement in split("r.sql", &safe.sql).unwrap().statements {
            worker.batch_execute(&statement.text).await.unwrap();
        }
    });
    let changed = "SELECT count(*) FROM orders WHERE state = 5";
    // The first batch is committed while the second one waits.
    while text(&client, changed).await != "1000" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    execute(&holder, "COMMIT").await;
    work.await.unwrap();
    assert_eq!(text(&client, changed).await, "2500");
}
