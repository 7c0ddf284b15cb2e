//! Fills tables whose rows must not exclude each other, or not repeat by an expression or under a
//! condition, and has the server build the indexes that say so.

mod support;

use support::{Database, tables};

const SCHEMA: &str = r#"
    CREATE TABLE shifts (
        id int PRIMARY KEY, worker int NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
        CHECK (starts_at < ends_at),
        EXCLUDE USING gist (tstzrange(starts_at, ends_at) WITH &&));
    CREATE TABLE prices (
        product int NOT NULL, low int NOT NULL, high int NOT NULL,
        EXCLUDE USING gist (int4range(low, high, '[]') WITH &&) WHERE (product > 0));
    -- Only one end is bounded, the other may be NULL, which is no end.
    CREATE TABLE stays (
        id int PRIMARY KEY, guest int NOT NULL,
        begins_on date NOT NULL CHECK (begins_on >= '2023-06-01'), ends_on date,
        CHECK (ends_on > begins_on),
        EXCLUDE USING gist (daterange(begins_on, ends_on) WITH &&) DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE jobs (
        id int PRIMARY KEY, state text NOT NULL CHECK (state IN ('open', 'done')),
        starts_at timestamptz NOT NULL, ends_at timestamptz, paid_at timestamptz,
        CHECK ((state = 'done') = (ends_at IS NOT NULL)), CHECK (paid_at >= ends_at),
        EXCLUDE USING gist (tstzrange(starts_at, ends_at) WITH &&));
    CREATE TABLE codes (code text NOT NULL, EXCLUDE USING btree (code WITH =));

    CREATE TABLE users (
        id int PRIMARY KEY, email text, login varchar(40) NOT NULL, org int, name text NOT NULL,
        data jsonb, day timestamp NOT NULL);
    CREATE UNIQUE INDEX ON users (lower(email));
    CREATE UNIQUE INDEX ON users (upper(btrim((login)::text)));
    CREATE UNIQUE INDEX ON users (coalesce(org, 0), name);
    CREATE UNIQUE INDEX ON users ((data ->> 'id'));
    CREATE UNIQUE INDEX ON users ((data ->> 'external'));
    CREATE UNIQUE INDEX ON users (date_trunc('day', day), id);

    -- One address of each user is the main one, one of each kind is not deleted.
    CREATE TABLE addresses (
        id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, is_main boolean NOT NULL DEFAULT false,
        kind text NOT NULL CHECK (kind IN ('home', 'work')), deleted_at timestamptz, state text NOT NULL);
    CREATE UNIQUE INDEX one_main ON addresses (user_id) WHERE is_main;
    CREATE TABLE subscriptions (
        id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, ended_at timestamptz);
    CREATE UNIQUE INDEX one_running ON subscriptions (user_id) WHERE ended_at IS NULL;
    CREATE TABLE drafts (
        id int PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('a', 'b', 'c')),
        state text NOT NULL CHECK (state IN ('open', 'closed', 'void')));
    CREATE UNIQUE INDEX one_open ON drafts (kind) WHERE state = 'open';
"#;

#[tokio::test]
async fn rows_do_not_exclude_each_other() {
    let database = Database::with(SCHEMA).await;
    let specs = tables(&[
        ("shifts", 5_000),
        ("prices", 4_000),
        ("stays", 300),
        ("jobs", 1_000),
        ("codes", 1_000),
        ("users", 3_000),
        ("addresses", 10_000),
        ("subscriptions", 8_000),
        ("drafts", 500),
    ]);
    let (_, summary) = database.fill(&specs).await;
    assert_eq!(
        summary.notes,
        [
            "public.jobs.ends_at is never NULL: exclusion constraint jobs_tstzrange_excl takes a \
             range without an end as endless",
            "public.stays.ends_on is never NULL: exclusion constraint stays_daterange_excl takes a \
             range without an end as endless",
        ]
    );
    database.assert_sound().await;
    for (low, high, sql) in [
        (
            5_000,
            5_000,
            "SELECT count(*) FROM shifts WHERE starts_at < ends_at",
        ),
        (
            3_000,
            3_000,
            "SELECT count(DISTINCT user_id) FROM addresses WHERE is_main",
        ),
        (3_000, 3_000, "SELECT count(*) FROM addresses WHERE is_main"),
        (
            3_000,
            3_000,
            "SELECT count(*) FROM subscriptions WHERE ended_at IS NULL",
        ),
        (3, 3, "SELECT count(*) FROM drafts WHERE state = 'open'"),
        (
            2,
            2,
            "SELECT count(DISTINCT state) FROM drafts WHERE state <> 'open'",
        ),
        (2_500, 3_000, "SELECT count(email) FROM users"),
    ] {
        let found = database.number(sql).await;
        assert!((low..=high).contains(&found), "{sql}: {found}");
    }
}

#[tokio::test]
async fn what_cannot_be_kept_apart_is_refused() {
    let database = Database::with(
        "CREATE TABLE daily (at timestamp NOT NULL);
         CREATE UNIQUE INDEX ON daily (date_trunc('day', at));
         CREATE TABLE single (v int);
         CREATE UNIQUE INDEX ON single ((true));
         CREATE TABLE spans (p point NOT NULL, EXCLUDE USING gist ((circle(p, 1)) WITH &&));",
    )
    .await;
    for (table, message) in [
        (
            "daily",
            "unique index `daily_date_trunc_idx` of `public.daily` is on date_trunc(",
        ),
        ("single", "has only 1 combinations of values for 9 rows"),
        (
            "spans",
            "exclusion constraint `spans_circle_excl` of `public.spans`",
        ),
    ] {
        let error = database.plan(&tables(&[(table, 9)])).await.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    let mut specs = tables(&[("daily", 9)]);
    specs.get_mut("daily").unwrap().columns =
        toml::from_str("at = { pattern = \"2024-01-0{n}\" }").unwrap();
    database.fill(&specs).await;
}

#[tokio::test]
async fn materialized_views_are_filled_whichever_way_they_read_each_other() {
    let database = Database::with(
        "CREATE TABLE parents (id int PRIMARY KEY);
         CREATE UNLOGGED TABLE children (extra int) INHERITS (parents);
         CREATE VIEW between_them AS SELECT 0 AS n;
         CREATE MATERIALIZED VIEW first AS SELECT n FROM between_them WITH NO DATA;
         CREATE MATERIALIZED VIEW second AS SELECT count(*)::int AS n FROM parents WITH NO DATA;
         CREATE OR REPLACE VIEW between_them AS SELECT n FROM second;
         CREATE MATERIALIZED VIEW broken AS SELECT 1 / (n - 300) AS n FROM second WITH NO DATA;
         CREATE RULE ignored AS ON INSERT TO children DO INSTEAD NOTHING;",
    )
    .await;
    let (_, summary) = database
        .fill(&tables(&[("parents", 200), ("children", 100)]))
        .await;
    assert_eq!(
        database.number("SELECT sum(n)::bigint FROM first").await,
        300
    );
    assert_eq!(
        database.number("SELECT count(*) FROM ONLY parents").await,
        200
    );
    assert_eq!(
        summary.notes,
        ["materialized view public.broken could not be filled: division by zero"]
    );
}
