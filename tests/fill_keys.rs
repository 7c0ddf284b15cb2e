//! Fills schemas whose foreign keys and unique keys are of every shape, lets the server check all of
//! them again, and tries what `\pick` and `\fresh` give.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use pgrehearse::pgbench::Keys;
use pgrehearse::synth::{KeyBook, TableSpec};
use support::sound::assert_sound;
use support::{filled, load, number, plan, server};

/// `table rows, table rows`.
fn tables(text: &str) -> BTreeMap<String, TableSpec> {
    let spec = |text: &str| {
        let (name, rows) = text.trim().rsplit_once(' ').unwrap();
        let rows = rows.parse().unwrap();
        let spec = TableSpec {
            rows,
            ..TableSpec::default()
        };
        (name.to_owned(), spec)
    };
    text.split(',').map(spec).collect()
}

const WORKSPACES: &str = "
    CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE users (
        tenant_id int NOT NULL REFERENCES tenants, id bigint NOT NULL, boss_id bigint,
        PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, boss_id) REFERENCES users);
    CREATE TABLE projects (
        tenant_id int NOT NULL REFERENCES tenants, id uuid NOT NULL, owner_id bigint NOT NULL,
        number int NOT NULL, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, number),
        FOREIGN KEY (tenant_id, owner_id) REFERENCES users);
    CREATE TABLE tasks (
        tenant_id int NOT NULL, project_id uuid NOT NULL, id bigint NOT NULL,
        author bigint NOT NULL, tester bigint, parent bigint,
        PRIMARY KEY (tenant_id, project_id, id),
        FOREIGN KEY (tenant_id, project_id) REFERENCES projects,
        FOREIGN KEY (tenant_id, author) REFERENCES users,
        FOREIGN KEY (tenant_id, tester) REFERENCES users MATCH SIMPLE,
        FOREIGN KEY (tenant_id, project_id, parent) REFERENCES tasks);
    CREATE TABLE comments (
        tenant_id int NOT NULL REFERENCES tenants, project_id uuid NOT NULL,
        task_id bigint NOT NULL, line smallint NOT NULL, author bigint NOT NULL, said text,
        PRIMARY KEY (tenant_id, project_id, task_id, line),
        FOREIGN KEY (tenant_id, project_id, task_id) REFERENCES tasks,
        FOREIGN KEY (tenant_id, author) REFERENCES users);
    CREATE TABLE members (
        tenant_id int, user_id bigint, project_id uuid,
        PRIMARY KEY (tenant_id, user_id, project_id),
        FOREIGN KEY (tenant_id, user_id) REFERENCES users,
        FOREIGN KEY (tenant_id, project_id) REFERENCES projects);";

const WORKSPACE_ROWS: &str =
    "tenants 40, users 2000, projects 300, tasks 9000, comments 20000, members 12000";

/// A snapshot is of one event of its stream, and each stream has one.
const SNAPSHOTS: &str = "
    CREATE TABLE streams (id uuid PRIMARY KEY);
    CREATE TABLE events (stream uuid NOT NULL REFERENCES streams, version int NOT NULL,
        PRIMARY KEY (stream, version));
    CREATE TABLE snapshots (stream uuid PRIMARY KEY, version int NOT NULL,
        FOREIGN KEY (stream, version) REFERENCES events);
    CREATE TABLE facts (subject uuid NOT NULL, version int NOT NULL, PRIMARY KEY (subject, version));
    CREATE TABLE latest (subject uuid PRIMARY KEY, version int NOT NULL,
        FOREIGN KEY (subject, version) REFERENCES facts);";

/// Schemas and the rows of their tables.
const SCHEMAS: [(&str, &str, &str); 21] = [
    (
        "circle_of_which_a_part_goes_round",
        "CREATE TABLE modes (name text NOT NULL, key text NOT NULL, write bool NOT NULL, token text NOT NULL,
             UNIQUE (name, key), UNIQUE (name, key, write));
         CREATE TABLE locks (name text NOT NULL, key text NOT NULL, write bool NOT NULL, token text NOT NULL,
             UNIQUE (name, key, token), FOREIGN KEY (name, key, write) REFERENCES modes (name, key, write));
         CREATE UNIQUE INDEX ON locks (name, key) WHERE write;
         CREATE TABLE waiters (name text NOT NULL, key text NOT NULL, token text NOT NULL, id serial PRIMARY KEY,
             FOREIGN KEY (name, key, token) REFERENCES locks (name, key, token));
         ALTER TABLE modes ADD FOREIGN KEY (name, key, token) REFERENCES locks (name, key, token)
             DEFERRABLE INITIALLY DEFERRED;",
        "modes 700, locks 700, waiters 3000",
    ),
    (
        "circle_of_three",
        "CREATE TABLE a (region text, number int, kind text, note text, PRIMARY KEY (region, number));
         CREATE TABLE b (region text, number int, kind text NOT NULL, part uuid NOT NULL,
             PRIMARY KEY (number, region), UNIQUE (region, number, part),
             FOREIGN KEY (region, number) REFERENCES a);
         CREATE TABLE c (region text, number int, line int, part uuid NOT NULL, PRIMARY KEY (region, number, line),
             FOREIGN KEY (part, region, number) REFERENCES b (part, region, number));
         ALTER TABLE a ADD COLUMN line int, ADD FOREIGN KEY (region, number, line) REFERENCES c DEFERRABLE;",
        "a 300, b 300, c 1200",
    ),
    (
        "keys_that_may_be_null",
        "CREATE TABLE invoices (id int PRIMARY KEY);
         CREATE TABLE orders (id int PRIMARY KEY, code text UNIQUE, invoice int UNIQUE REFERENCES invoices);
         CREATE TABLE parcels (id int PRIMARY KEY, code text NOT NULL REFERENCES orders (code),
             invoice int NOT NULL REFERENCES orders (invoice));",
        "invoices 200, orders 900, parcels 4000",
    ),
    ("workspaces", WORKSPACES, WORKSPACE_ROWS),
    (
        "one_number_in_two_keys",
        "CREATE TABLE projects (id bigserial PRIMARY KEY);
         CREATE TABLE groups (id bigserial PRIMARY KEY);
         CREATE TABLE issues (id bigserial PRIMARY KEY, number int, project bigint REFERENCES projects,
             team bigint NOT NULL REFERENCES groups, UNIQUE (project, number), UNIQUE (team, number));",
        "projects 30, groups 20, issues 500",
    ),
    ("snapshots", SNAPSHOTS, "streams 50, events 1000, snapshots 50, facts 300, latest 300"),
    (
        "without_tenants",
        "CREATE TABLE users (tenant_id int, id int, PRIMARY KEY (tenant_id, id));
         CREATE TABLE projects (tenant_id int, id uuid, PRIMARY KEY (tenant_id, id));
         CREATE TABLE tasks (id bigserial PRIMARY KEY, tenant_id int NOT NULL, user_id int NOT NULL,
             project_id uuid NOT NULL, FOREIGN KEY (tenant_id, user_id) REFERENCES users,
             FOREIGN KEY (tenant_id, project_id) REFERENCES projects);",
        "users 900, projects 300, tasks 4000",
    ),
    (
        "circle",
        "CREATE TABLE a (id int PRIMARY KEY, b_id int NOT NULL);
         CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL UNIQUE REFERENCES a DEFERRABLE INITIALLY DEFERRED);
         ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b DEFERRABLE;",
        "a 700, b 600",
    ),
    (
        "circle_of_keys",
        "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL);
         CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users, bio text);
         ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES profiles DEFERRABLE INITIALLY DEFERRED;",
        "users 800, profiles 800",
    ),
    (
        "circle_within_tenants",
        "CREATE TABLE tenants (id int PRIMARY KEY);
         CREATE TABLE teams (tenant_id int REFERENCES tenants, id int, lead int NOT NULL,
             PRIMARY KEY (tenant_id, id));
         CREATE TABLE users (tenant_id int REFERENCES tenants, id int, team int NOT NULL,
             PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, team) REFERENCES teams);
         ALTER TABLE teams ADD FOREIGN KEY (tenant_id, lead) REFERENCES users DEFERRABLE;",
        "tenants 30, teams 100, users 900",
    ),
    (
        "one_to_one_chain",
        "CREATE TABLE people (id bigint PRIMARY KEY);
         CREATE TABLE staff (id bigint PRIMARY KEY REFERENCES people);
         CREATE TABLE managers (id bigint PRIMARY KEY REFERENCES staff REFERENCES people);
         CREATE TABLE chiefs (manager_id int PRIMARY KEY REFERENCES managers, of_id bigint NOT NULL UNIQUE REFERENCES staff);",
        "people 3000, staff 2000, managers 500, chiefs 500",
    ),
    (
        "other_unique_keys",
        "CREATE TABLE countries (id uuid PRIMARY KEY, code char(2) NOT NULL UNIQUE, name varchar(40) UNIQUE);
         CREATE TABLE regions (code char(2) REFERENCES countries (code), part int, label text, UNIQUE (part, code), UNIQUE (label));
         CREATE TABLE cities (id serial PRIMARY KEY, code text, part bigint, label varchar(300) REFERENCES regions (label),
             country text REFERENCES countries (name), FOREIGN KEY (part, code) REFERENCES regions (part, code));",
        "countries 200, regions 500, cities 5000",
    ),
    (
        "match_full",
        "CREATE TABLE parents (a int, b text, UNIQUE (a, b));
         CREATE TABLE children (id int PRIMARY KEY, a int, b text, FOREIGN KEY (a, b) REFERENCES parents (a, b) MATCH FULL);",
        "parents 300, children 2000",
    ),
    (
        "trees",
        "CREATE TABLE nodes (id uuid PRIMARY KEY, parent uuid REFERENCES nodes, root uuid NOT NULL REFERENCES nodes);
         CREATE TABLE line (id int PRIMARY KEY, next int UNIQUE REFERENCES line);",
        "nodes 2000, line 2000",
    ),
    (
        "dense_junctions",
        "CREATE TYPE role AS ENUM ('reader', 'writer', 'owner');
         CREATE TABLE users (id int PRIMARY KEY);
         CREATE TABLE groups (id uuid PRIMARY KEY);
         CREATE TABLE members (user_id int REFERENCES users, group_id uuid REFERENCES groups, PRIMARY KEY (user_id, group_id));
         CREATE TABLE grants (user_id int REFERENCES users, group_id uuid REFERENCES groups, role role, active boolean,
             UNIQUE (role, active, user_id, group_id));",
        "users 200, groups 50, members 9000, grants 50000",
    ),
    (
        "mixed_unique_keys",
        "CREATE TYPE kind AS ENUM ('a', 'b', 'c');
         CREATE TABLE shops (id int PRIMARY KEY);
         CREATE TABLE days (shop_id int NOT NULL REFERENCES shops, kind kind NOT NULL, day date NOT NULL,
             note varchar(6), amount numeric(8,2), UNIQUE (shop_id, kind, day), UNIQUE (kind, note), UNIQUE (shop_id, amount));",
        "shops 40, days 6000",
    ),
    (
        "nullable_unique_keys",
        "CREATE TABLE shops (id int PRIMARY KEY);
         CREATE TABLE slots (shop_id int REFERENCES shops, open boolean, UNIQUE (shop_id, open));",
        "shops 40, slots 300",
    ),
    (
        "generated_and_identity",
        "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL UNIQUE);
         CREATE TABLE u (t_id bigint NOT NULL REFERENCES t ON DELETE CASCADE ON UPDATE SET NULL,
             n int REFERENCES t (n), twice bigint GENERATED ALWAYS AS (t_id * 2) STORED);",
        "t 700, u 3000",
    ),
    (
        "partitioned_parent",
        "CREATE TABLE events (tenant int NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant, id)) PARTITION BY HASH (tenant);
         CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         CREATE TABLE seen (tenant int NOT NULL, event bigint NOT NULL, by_event bigint NOT NULL,
             FOREIGN KEY (tenant, event) REFERENCES events, FOREIGN KEY (tenant, by_event) REFERENCES events);",
        "events 2000, seen 3000",
    ),
    (
        "given_tenants",
        "CREATE TABLE tenants (code text PRIMARY KEY);
         INSERT INTO tenants SELECT 'tenant ' || n FROM generate_series(1, 25) AS n;
         CREATE TABLE users (tenant text REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
         CREATE TABLE rooms (tenant text REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
         CREATE TABLE stays (id int PRIMARY KEY, tenant text NOT NULL, user_id int NOT NULL, room_id int NOT NULL,
             FOREIGN KEY (tenant, user_id) REFERENCES users, FOREIGN KEY (tenant, room_id) REFERENCES rooms);",
        "users 500, rooms 60, stays 4000",
    ),
    (
        "not_valid",
        "CREATE TABLE parents (id int PRIMARY KEY);
         CREATE TABLE children (id int PRIMARY KEY, parent_id int NOT NULL);
         ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID;",
        "parents 100, children 1000",
    ),
];

#[tokio::test]
async fn keys_of_every_shape_hold() {
    let server = server().await;
    for (name, sql, rows) in SCHEMAS {
        let (config, client) = load(&server, name, sql).await;
        let (plan, _) = filled(&config, &client, &tables(rows), 2).await;
        let broken = plan.notes.iter().find(|note| note.contains("may break"));
        assert_eq!(broken, None, "{name}");
        for (table, spec) in tables(rows) {
            let count = number(&client, &format!("SELECT count(*) FROM {table}")).await;
            assert_eq!(u64::try_from(count).unwrap(), spec.rows, "{name}: {table}");
        }
        assert_sound(&client).await;
    }
}

#[tokio::test]
async fn rows_that_cannot_be_are_errors() {
    let server = server().await;
    for (name, sql, rows, message) in [
        (
            "too_many",
            "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES a)",
            "a 10, b 11",
            "unique key `b_pkey` of `public.b` has only 10 combinations of values for 11 rows: give the \
             table fewer rows, or what it references more",
        ),
        (
            "too_many_of_a_part",
            SNAPSHOTS,
            "streams 50, events 1000, snapshots 51, facts 0, latest 0",
            "unique key `snapshots_pkey` of `public.snapshots` has only 50 combinations of values for 51 \
             rows: give the table fewer rows, or what it references more",
        ),
        (
            "too_dense",
            WORKSPACES,
            "tenants 10, users 100, projects 20, tasks 0, comments 0, members 201",
            "unique key `members_pkey` of `public.members` has only 200 combinations of values for 201 \
             rows: give the table fewer rows, or what it references more",
        ),
        (
            "unequal",
            "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES a);
             ALTER TABLE a ADD FOREIGN KEY (id) REFERENCES b",
            "a 10, b 9",
            "the keys of `public.a` and `public.b` reference each other, so that both must have the \
             same number of rows: not 10 and 9",
        ),
    ] {
        let (_, client) = load(&server, name, sql).await;
        let error = plan(&client, &tables(rows)).await.unwrap_err().to_string();
        assert_eq!(error, message, "{name}");
    }
}

/// Keys of every type, alone and together.
const TYPES: &str = "
    CREATE TYPE kind AS ENUM ('a', 'b', 'c');
    CREATE TABLE parents (
        i int PRIMARY KEY, b bigint NOT NULL UNIQUE, s smallint NOT NULL UNIQUE, u uuid NOT NULL UNIQUE,
        t text NOT NULL UNIQUE, v varchar(8) NOT NULL UNIQUE, c char(6) NOT NULL UNIQUE,
        n numeric(9,2) NOT NULL UNIQUE, d date NOT NULL UNIQUE, z timestamptz NOT NULL UNIQUE,
        y bytea NOT NULL UNIQUE, a inet NOT NULL UNIQUE, m macaddr NOT NULL UNIQUE,
        plain int NOT NULL, words varchar(30) NOT NULL, created_at timestamp(0) NOT NULL,
        bounded int NOT NULL CHECK (bounded BETWEEN 1 AND 5000), kind kind NOT NULL);
    CREATE TABLE children (
        parent int NOT NULL REFERENCES parents, line smallint NOT NULL, kind kind NOT NULL,
        note text NOT NULL, PRIMARY KEY (parent, line));
    CREATE TABLE pairs (
        parent int REFERENCES parents, other uuid REFERENCES parents (u), kind kind,
        PRIMARY KEY (parent, other, kind));";

/// `column = 'value' AND …`, as quoted literals, which take the column's type.
fn condition(columns: &[String], values: &[String]) -> String {
    let terms = columns.iter().zip(values).map(|(column, value)| {
        let value = value.replace('\'', "''");
        format!("{column} = '{value}'")
    });
    terms.collect::<Vec<_>>().join(" AND ")
}

#[tokio::test]
async fn picks_are_in_one_row_and_fresh_combinations_in_none() {
    let server = server().await;
    let sql = format!("{TYPES}{WORKSPACES}");
    let (config, client) = load(&server, "picked", &sql).await;
    let rows = format!("parents 800, children 5000, pairs 9000, {WORKSPACE_ROWS}");
    let (plan, _) = filled(&config, &client, &tables(&rows), 2).await;
    let mut keys = KeyBook::new(plan);
    for key in [
        "parents.i",
        "parents.b",
        "parents.s",
        "parents.u",
        "parents.t",
        "parents.v",
        "parents.c",
        "parents.n",
        "parents.d",
        "parents.z",
        "parents.y",
        "parents.a",
        "parents.m",
        "parents.plain",
        "parents.words",
        "parents.created_at",
        "parents.i,u",
        "parents.kind,t",
        "children.parent,line",
        "children.parent,line,kind,note",
        "pairs.parent,other,kind",
        "users.tenant_id,id",
        "projects.tenant_id,id",
        "projects.tenant_id,number",
        "tasks.tenant_id,project_id,id",
        "tasks.tenant_id,project_id,id,author",
        "comments.tenant_id,project_id,task_id,line",
    ] {
        let (table, columns) = key.split_once('.').unwrap();
        let columns: Vec<String> = columns.split(',').map(str::to_owned).collect();
        let id = keys
            .resolve_row(table, &columns, Some("zipf(1.1)"))
            .unwrap();
        assert!(keys.has_fresh(id), "{key}");
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..30u64 {
            let picked = keys.pick_row(id, n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let sql = format!(
                "SELECT count(*) FROM {table} WHERE {}",
                condition(&columns, &picked)
            );
            assert!(number(&client, &sql).await > 0, "{sql}");
            let fresh = keys.fresh_row(id, n);
            let sql = format!(
                "SELECT count(*) FROM {table} WHERE {}",
                condition(&columns, &fresh)
            );
            assert_eq!(number(&client, &sql).await, 0, "{sql}");
            assert!(seen.insert(fresh.clone()), "{key}: {fresh:?} twice");
        }
    }
    for (table, columns) in [
        ("parents", "kind"),
        ("parents", "bounded"),
        ("members", "tenant_id,user_id,project_id"),
    ] {
        let columns: Vec<String> = columns.split(',').map(str::to_owned).collect();
        let id = keys.resolve_row(table, &columns, None).unwrap();
        assert!(!keys.has_fresh(id), "{table} {columns:?}");
        let picked = keys.pick_row(id, 7);
        let sql = format!(
            "SELECT count(*) FROM {table} WHERE {}",
            condition(&columns, &picked)
        );
        assert!(number(&client, &sql).await > 0, "{sql}");
    }
}

/// Fresh keys go into the table, so they keep its constraints.
#[tokio::test]
async fn fresh_keys_can_be_inserted() {
    let server = server().await;
    let sql = format!("{TYPES}{WORKSPACES}");
    let (config, client) = load(&server, "inserted", &sql).await;
    let rows = format!("parents 800, children 5000, pairs 9000, {WORKSPACE_ROWS}");
    let (plan, _) = filled(&config, &client, &tables(&rows), 2).await;
    let mut keys = KeyBook::new(plan);
    for (key, rest) in [
        ("children.parent,line", "kind, note) SELECT %, 'a', ''"),
        ("pairs.parent,other,kind", ") SELECT %"),
        ("users.tenant_id,id", "boss_id) SELECT %, NULL"),
        ("tasks.tenant_id,project_id,id,author", ") SELECT %"),
        (
            "comments.tenant_id,project_id,task_id,line,author",
            ") SELECT %",
        ),
        (
            "parents.i,b,s,u,t,v,c,n,d,z,y,a,m",
            "plain, words, created_at, bounded, kind) SELECT %, 1, '', now(), 1, 'a'",
        ),
    ] {
        let (table, names) = key.split_once('.').unwrap();
        let columns: Vec<String> = names.split(',').map(str::to_owned).collect();
        let id = keys.resolve_row(table, &columns, None).unwrap();
        for n in 0..50u64 {
            let fresh = keys.fresh_row(id, n);
            let values: Vec<String> = fresh
                .iter()
                .map(|value| format!("'{}'", value.replace('\'', "''")))
                .collect();
            let comma = if rest.starts_with(')') { "" } else { ", " };
            let rest = rest.replace('%', &values.join(", "));
            let sql = format!("INSERT INTO {table} ({names}{comma}{rest}");
            let inserted = client.batch_execute(&sql).await;
            inserted.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
    }
}
