//! Fills partitioned tables of every kind and counts what lies where.

mod support;

use std::collections::BTreeMap;

use pgrehearse::pgbench::Keys;
use pgrehearse::synth::KeyBook;
use support::{Database, tables};

const SCHEMA: &str = r#"
    CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL);

    -- The key alone is unique.
    CREATE TABLE orders (id bigint PRIMARY KEY, tenant int NOT NULL REFERENCES tenants)
        PARTITION BY RANGE (id);
    CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (1001);
    CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (1001) TO (100001);
    CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (100001) TO (MAXVALUE);

    -- Time, in ranges of different widths; the key holds it beside an identity.
    CREATE TABLE events (
        id bigint GENERATED ALWAYS AS IDENTITY, created_at timestamptz NOT NULL,
        order_id bigint NOT NULL REFERENCES orders, kind text, PRIMARY KEY (id, created_at))
        PARTITION BY RANGE (created_at);
    CREATE TABLE events_2023 PARTITION OF events
        FOR VALUES FROM ('2023-01-01 00:00+00') TO ('2024-01-01 00:00+00');
    CREATE TABLE events_2024 PARTITION OF events
        FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-07-01 00:00+00');
    CREATE TABLE events_default PARTITION OF events DEFAULT;

    -- Lists of texts with quotes, of NULL, and a default; below one of them, hashes.
    CREATE TABLE visits (id serial, region text, amount numeric(8,2), UNIQUE (id, region))
        PARTITION BY LIST (region);
    CREATE TABLE visits_eu PARTITION OF visits FOR VALUES IN ('it''s eu', 'e\u')
        PARTITION BY HASH (id);
    CREATE TABLE visits_eu_0 PARTITION OF visits_eu FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE visits_eu_1 PARTITION OF visits_eu FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE visits_us PARTITION OF visits FOR VALUES IN ('us');
    CREATE TABLE visits_none PARTITION OF visits FOR VALUES IN (NULL);
    CREATE TABLE visits_other PARTITION OF visits DEFAULT;

    -- A foreign key decides, then a date; the rows of one tenant have no partition.
    CREATE TABLE metrics (
        tenant int NOT NULL REFERENCES tenants, day date NOT NULL, value float8,
        extra int GENERATED ALWAYS AS (tenant * 2) STORED) PARTITION BY LIST (tenant);
    CREATE TABLE metrics_1 PARTITION OF metrics FOR VALUES IN (1) PARTITION BY RANGE (day);
    CREATE TABLE metrics_1_a PARTITION OF metrics_1 FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE metrics_1_b PARTITION OF metrics_1 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
    CREATE TABLE metrics_2 PARTITION OF metrics FOR VALUES IN (2, 3);

    -- Several columns; two ints, between whose ends is nothing.
    CREATE TABLE monthly (year int NOT NULL, month int NOT NULL, n int NOT NULL)
        PARTITION BY RANGE (year, month);
    CREATE TABLE monthly_a PARTITION OF monthly FOR VALUES FROM (2023, 1) TO (2023, 7);
    CREATE TABLE monthly_b PARTITION OF monthly FOR VALUES FROM (2023, 7) TO (2024, MINVALUE);
    CREATE TABLE monthly_c PARTITION OF monthly FOR VALUES FROM (2024, MINVALUE) TO (2025, MINVALUE);

    -- UUIDs and texts in ranges, a CHECK and an index of one partition alone.
    CREATE TABLE things (id uuid PRIMARY KEY, size int NOT NULL) PARTITION BY RANGE (id);
    CREATE TABLE things_a PARTITION OF things
        FOR VALUES FROM (MINVALUE) TO ('40000000-0000-0000-0000-000000000000');
    CREATE TABLE things_b PARTITION OF things
        FOR VALUES FROM ('40000000-0000-0000-0000-000000000000') TO (MAXVALUE);
    ALTER TABLE things_b ADD CHECK (size > 5000), ADD UNIQUE (size);
    CREATE TABLE names (name text PRIMARY KEY) PARTITION BY RANGE (name);
    CREATE TABLE names_a PARTITION OF names FOR VALUES FROM (MINVALUE) TO ('k');
    CREATE TABLE names_b PARTITION OF names FOR VALUES FROM ('k') TO ('s');
    CREATE TABLE names_c PARTITION OF names FOR VALUES FROM ('s') TO (MAXVALUE);

    -- By an expression: the server knows where rows go.
    CREATE TABLE logged (at timestamp NOT NULL, line text)
        PARTITION BY RANGE (date_trunc('month', at));
    CREATE TABLE logged_old PARTITION OF logged FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
    CREATE TABLE logged_new PARTITION OF logged DEFAULT;
"#;

#[tokio::test]
async fn rows_are_spread_over_all_partitions() {
    let database = Database::with(SCHEMA).await;
    let specs = tables(&[
        ("tenants", 50),
        ("orders", 40_000),
        ("events", 30_000),
        ("visits", 20_000),
        ("metrics", 9_000),
        ("monthly", 6_000),
        ("things", 8_000),
        ("names", 3_000),
        ("logged", 2_000),
    ]);
    let (plan, summary) = database.fill(&specs).await;
    assert_eq!(summary.tables, 9);
    for (low, high, partition) in [
        // As wide as they are: 1,000 and 99,000 ids, and the average of both.
        (240, 280, "orders_1"),
        (26_000, 26_600, "orders_2"),
        (13_000, 13_500, "orders_3"),
        (19_700, 20_000, "events_2023"),
        (9_700, 10_000, "events_2024"),
        (250, 350, "events_default"),
        // Equal shares a value.
        (4_500, 5_500, "visits_eu_0"),
        (4_500, 5_500, "visits_eu_1"),
        (4_900, 5_000, "visits_us"),
        (4_900, 5_000, "visits_none"),
        (180, 220, "visits_other"),
        (1_500, 1_600, "metrics_1_a"),
        (1_400, 1_500, "metrics_1_b"),
        (5_990, 6_010, "metrics_2"),
        (1_000, 3_000, "monthly_a"),
        (1_000, 3_000, "monthly_b"),
        (1_000, 3_000, "monthly_c"),
        (1_900, 4_100, "things_a"),
        (1_900, 6_100, "things_b"),
        (900, 1_100, "names_a"),
        (900, 1_100, "names_b"),
        (900, 1_100, "names_c"),
        (500, 1_500, "logged_old"),
        (500, 1_500, "logged_new"),
    ] {
        let found = database
            .number(&format!("SELECT count(*) FROM {partition}"))
            .await;
        assert!((low..=high).contains(&found), "{partition}: {found}");
    }
    for (expected, sql) in [
        (40_000, "SELECT count(DISTINCT id) FROM orders"),
        (0, "SELECT count(*) FROM visits_other WHERE region IS NULL"),
        (2, "SELECT count(DISTINCT tenant) FROM metrics_2"),
        (
            30_001,
            "SELECT nextval(pg_get_serial_sequence('events', 'id'))",
        ),
        // Planners know partitioned tables as a whole, too.
        (
            1,
            "SELECT count(*) FROM pg_stats WHERE tablename = 'orders' AND attname = 'id' AND inherited",
        ),
        (
            40_000,
            "SELECT sum(reltuples)::bigint FROM pg_class WHERE relname ~ '^orders_.$'",
        ),
    ] {
        assert_eq!(database.number(sql).await, expected, "{sql}");
    }
    database.assert_sound().await;
    let mut keys = KeyBook::new(plan);
    let key = keys.resolve("orders", "id", None).unwrap();
    for n in 0..20 {
        let picked = keys.pick(key, n);
        let sql = format!("SELECT count(*) FROM orders WHERE id = {picked}");
        assert_eq!(database.number(&sql).await, 1);
        let fresh = keys.fresh(key, n);
        let sql = format!("INSERT INTO orders SELECT {fresh}, id FROM tenants LIMIT 1");
        assert_eq!(database.client.execute(&sql, &[]).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn what_no_partition_takes_is_refused() {
    let database = Database::with(
        "CREATE TABLE hashed (id int PRIMARY KEY) PARTITION BY HASH (id);
         CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE narrow (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE narrow_0 PARTITION OF narrow FOR VALUES FROM (0) TO (10);
         CREATE TABLE bare (id int) PARTITION BY RANGE (id);
         CREATE TABLE tenants (id int PRIMARY KEY);
         CREATE TABLE far (tenant int NOT NULL REFERENCES tenants) PARTITION BY LIST (tenant);
         CREATE TABLE far_0 PARTITION OF far FOR VALUES IN (1000000);",
    )
    .await;
    for (rows, message) in [
        (
            vec![("hashed", 10)],
            "`public.hashed` lacks a hash partition",
        ),
        (
            vec![("narrow", 11)],
            "hold only 10 different keys for 11 rows",
        ),
        (
            vec![("bare", 1)],
            "no partition of `public.bare` takes rows",
        ),
        (
            vec![("tenants", 9), ("far", 1)],
            "no partition of `public.far` takes rows",
        ),
        (
            vec![("narrow_0", 1)],
            "`narrow_0` is a partition, which is filled with its table",
        ),
    ] {
        let text = database.plan(&tables(&rows)).await.unwrap_err().to_string();
        assert!(text.contains(message), "{text}");
    }
    // What the scenario says is believed.
    let mut specs = tables(&[("hashed", 3)]);
    let columns: BTreeMap<_, _> = toml::from_str("id = { values = [2, 3, 6] }").unwrap();
    specs.get_mut("hashed").unwrap().columns = columns;
    database
        .plan(&specs)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
}
