//! Fills a real server's tables and asks the server whether everything holds.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pgrehearse::pgbench::Keys;
use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::schema::TypeKind;
use pgrehearse::shadow::fill::{FillError, fill};
use pgrehearse::synth::{ColumnSpec, FillPlan, KeyBook, TableSpec};
use support::sound::{assert_sound, checksums};
use support::{filled, load, number, options, server, tables};

const CLINIC: &str = r#"
    CREATE TYPE mood AS ENUM ('calm', 'it''s "bad"', 'back\slash');
    CREATE DOMAIN percent AS numeric(5,2);
    CREATE TABLE clinics (
        id serial PRIMARY KEY, name varchar(12) UNIQUE NOT NULL, code char(3) UNIQUE);
    CREATE TABLE patients (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        clinic_id int NOT NULL REFERENCES clinics,
        public_id uuid NOT NULL UNIQUE,
        email text NOT NULL UNIQUE,
        full_name text NOT NULL,
        born date,
        active boolean NOT NULL DEFAULT true,
        mood mood,
        moods mood[],
        tags text[] NOT NULL,
        settings jsonb,
        photo bytea,
        address inet,
        score percent,
        ratio double precision,
        small smallint,
        money money,
        at time,
        span interval,
        mac macaddr,
        flags bit(5),
        search tsvector,
        shape pg_node_tree,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamp(0),
        lower_email text GENERATED ALWAYS AS (lower(email)) STORED,
        UNIQUE (clinic_id, id));
    CREATE UNIQUE INDEX ON patients (lower(email));
    CREATE INDEX ON patients (created_at);
    CREATE TABLE doctors (
        id int PRIMARY KEY,
        chief_id int REFERENCES doctors,
        office_of int UNIQUE REFERENCES clinics (id));
    CREATE TABLE care (
        patient_id bigint REFERENCES patients ON DELETE CASCADE,
        doctor_id int REFERENCES doctors,
        mood mood,
        PRIMARY KEY (patient_id, doctor_id, mood));
    CREATE TABLE visits (
        clinic_id int NOT NULL REFERENCES clinics,
        patient_id bigint NOT NULL,
        line int NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (patient_id, line),
        UNIQUE (clinic_id, at),
        FOREIGN KEY (clinic_id, patient_id) REFERENCES patients (clinic_id, id));
    CREATE TABLE a (id int PRIMARY KEY, b_id int);
    CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL REFERENCES a);
    ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b;
    CREATE TABLE empty (id int PRIMARY KEY, patient_id bigint NOT NULL REFERENCES patients);
    CREATE TABLE untouched (id int PRIMARY KEY);
"#;

fn clinic_rows() -> BTreeMap<String, TableSpec> {
    tables(&[
        ("clinics", 900),
        ("patients", 30_000),
        ("doctors", 700),
        ("care", 25_000),
        ("public.visits", 90_000),
        ("a", 500),
        ("b", 400),
        ("empty", 0),
    ])
}

#[tokio::test]
async fn everything_holds_whatever_the_parallelism() {
    let server = server().await;
    let mut seen = Vec::new();
    for parallelism in [1, 2, 5] {
        let name = format!("clinic{parallelism}");
        let (config, client) = load(&server, &name, CLINIC).await;
        let (_, summary) = filled(&config, &client, &clinic_rows(), parallelism).await;
        assert_eq!((summary.rows, summary.tables), (147_500, 7));
        let note = "public.patients.shape is NULL in every row: \
                    values of type pg_node_tree are not generated";
        assert!(
            summary.notes.iter().any(|n| n == note),
            "{:?}",
            summary.notes
        );
        seen.push(checksums(&client).await);
        for (what, expected, sql) in [
            (
                "sequences go on after the rows",
                901 + 30_001,
                "SELECT nextval('clinics_id_seq') + nextval('patients_id_seq')",
            ),
            (
                "lines count within patients",
                0,
                "SELECT count(*) FROM visits WHERE line NOT IN (1, 2, 3)",
            ),
            (
                "chiefs are earlier doctors",
                0,
                "SELECT count(*) FROM doctors WHERE chief_id >= id",
            ),
            (
                "tables are analyzed",
                30_000,
                "SELECT reltuples::bigint FROM pg_class WHERE relname = 'patients'",
            ),
            (
                "pages are all visible, but for those that COPY extends the table by and leaves empty",
                0,
                "SELECT greatest(0, (SELECT count(DISTINCT (ctid::text::point)[0]) FROM visits)
                                    - relallvisible)::bigint
                 FROM pg_class WHERE relname = 'visits'",
            ),
            (
                "creation times rise",
                0,
                "SELECT count(*) FROM (SELECT created_at < lag(created_at) OVER (ORDER BY id) AS fell
                 FROM patients) AS p WHERE fell",
            ),
        ] {
            assert_eq!(number(&client, sql).await, expected, "{what}");
        }
        assert_sound(&client).await;
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[tokio::test]
async fn picks_exist_and_fresh_keys_do_not() {
    let server = server().await;
    let (config, client) = load(&server, "clinic", CLINIC).await;
    let (plan, _) = filled(&config, &client, &clinic_rows(), 2).await;
    let mut keys = KeyBook::new(plan);
    for (table, column) in [
        ("patients", "id"),
        ("patients", "public_id"),
        ("patients", "email"),
        ("patients", "born"),
        ("patients", "created_at"),
        ("patients", "updated_at"),
        ("patients", "full_name"),
        ("clinics", "name"),
        ("clinics", "code"),
        ("visits", "clinic_id"),
        ("public.visits", "patient_id"),
        ("doctors", "chief_id"),
    ] {
        let key = keys.resolve(table, column, Some("zipf(1.1)")).unwrap();
        let exists = format!("SELECT count(*) FROM {table} WHERE {column} = ");
        for n in 0..40u64 {
            // As quoted literals, which take the column's type.
            let value = keys.pick(key, n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let picked = format!("{exists}'{value}'");
            assert!(number(&client, &picked).await > 0, "{picked}");
            let fresh = format!("{exists}'{}'", keys.fresh(key, n));
            assert_eq!(number(&client, &fresh).await, 0, "{fresh}");
        }
    }
    let mood = keys.resolve("patients", "mood", None).unwrap();
    assert!(!keys.has_fresh(mood));
    // All that `percent` holds may be in some row.
    let score = keys.resolve("patients", "score", None).unwrap();
    assert!(!keys.has_fresh(score));
    for (table, column, message) in [
        (
            "patient",
            "id",
            "the scenario fills no table `patient`; did you mean `patients`?",
        ),
        ("empty", "id", "table `empty` has no rows to choose from"),
        (
            "patients",
            "lower_email",
            "table `patients` has no column `lower_email` that the fill writes",
        ),
        ("patients", "shape", "`patients.shape` is NULL in every row"),
    ] {
        let error = keys.resolve(table, column, None).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn overrides_decide_values() {
    let server = server().await;
    let (config, client) = load(
        &server,
        "overridden",
        "CREATE TABLE parents (id int PRIMARY KEY);
             CREATE TABLE children (
                 id int PRIMARY KEY, parent_id int, status text NOT NULL, temperature numeric(4,1),
                 login varchar(20) UNIQUE, seen timestamptz, note text, kind text, place point);",
    )
    .await;
    let columns = toml::from_str::<BTreeMap<String, ColumnSpec>>(
        r#"
        status = { values = ["ok", "tab\there \\ \"x\"", "late"], weights = [8, 1, 1] }
        temperature = { range = [35, 42], distribution = "normal(37, 0.5)" }
        login = { pattern = "user-{n}" }
        seen = { range = ["2024-01-01", "2024-02-01"] }
        note = { width = 80 }
        kind = { distinct = 7 }
        place = { pattern = "({n},1)" }
        [parent_id]
        references = "parents.id"
        distribution = "zipf(1.2)"
        null_fraction = 0.25
        orphan_fraction = 0.1
        "#,
    )
    .unwrap();
    let mut specs = tables(&[("parents", 1_000), ("children", 40_000)]);
    specs.get_mut("children").unwrap().columns = columns;
    filled(&config, &client, &specs, 2).await;
    for (low, high, what, condition) in [
        (9_500, 10_500, "count(*)", "parent_id IS NULL"),
        (
            2_700,
            3_300,
            "count(*)",
            "parent_id NOT IN (SELECT id FROM parents)",
        ),
        (
            900,
            1_000,
            "count(DISTINCT parent_id)",
            "parent_id IN (SELECT id FROM parents)",
        ),
        (
            4_000,
            12_000,
            "count(*)",
            "parent_id = (SELECT mode() WITHIN GROUP (ORDER BY parent_id) FROM children)",
        ),
        (31_500, 32_500, "count(*)", "status = 'ok'"),
        (3_700, 4_300, "count(*)", r#"status = E'tab\there \\ "x"'"#),
        (40_000, 40_000, "count(*)", "temperature BETWEEN 35 AND 42"),
        (
            3_695,
            3_705,
            "round(avg(temperature) * 100)::bigint",
            "true",
        ),
        (1, 1, "count(*)", "login = 'user-40000'"),
        (
            40_000,
            40_000,
            "count(*)",
            "seen >= '2024-01-01 UTC' AND seen <= '2024-02-01 UTC'",
        ),
        (40_000, 40_000, "count(*)", "length(note) = 80"),
        (7, 7, "count(DISTINCT kind)", "true"),
        (1, 1, "count(*)", "place ~= '(40000,1)'"),
    ] {
        let sql = format!("SELECT {what} FROM children WHERE {condition}");
        let found = number(&client, &sql).await;
        assert!((low..=high).contains(&found), "{sql}: {found}");
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_explained() {
    let server = server().await;
    let (config, client) = load(
        &server,
        "refused",
        "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, \
             CONSTRAINT odd CHECK (a * b % 2 = 1))",
    )
    .await;
    let schema = read_schema(&client).await.unwrap();
    let plan = Arc::new(FillPlan::new(&schema, &tables(&[("t", 1_000)]), 1).unwrap());
    let error = fill(&config, &schema, &plan, options(2)).await.unwrap_err();
    let FillError::Untouched { error } = error else {
        panic!("{error}");
    };
    assert!(matches!(&*error, FillError::Rejected { constraint: Some(name), .. } if name == "odd"));
    let text = error.to_string();
    let begin =
        "trying 1000 rows of public.t: new row for relation \"t\" violates check constraint";
    assert!(text.starts_with(begin), "{text}");
    let end = "for a, b under [tables.t.columns]";
    assert!(text.ends_with(end), "{text}");

    let sql = "CREATE TABLE u (id int PRIMARY KEY, a int)";
    client.batch_execute(sql).await.unwrap();
    let schema = read_schema(&client).await.unwrap();
    let mut specs = tables(&[("u", 10)]);
    let wrong = ColumnSpec {
        pattern: Some("x{n}".to_owned()),
        ..ColumnSpec::default()
    };
    let columns = &mut specs.get_mut("u").unwrap().columns;
    columns.insert("a".to_owned(), wrong);
    let plan = Arc::new(FillPlan::new(&schema, &specs, 1).unwrap());
    let error = fill(&config, &schema, &plan, options(2)).await.unwrap_err();
    let end = "under [tables.u.columns.a]";
    assert!(error.to_string().ends_with(end), "{error}");

    let stopped = options(2);
    stopped.stop.store(true, Ordering::Release);
    let error = fill(&config, &schema, &plan, stopped).await.unwrap_err();
    assert!(matches!(error, FillError::Stopped), "{error}");
}

#[tokio::test]
async fn values_given_to_a_foreign_key_must_be_its_parents() {
    let server = server().await;
    let (config, client) = load(
        &server,
        "trusted",
        "CREATE TABLE parents (id int PRIMARY KEY);
         CREATE TABLE children (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES parents)",
    )
    .await;
    let schema = read_schema(&client).await.unwrap();
    let filled = async |range: [i64; 2]| {
        let mut specs = tables(&[("parents", 50), ("children", 500)]);
        let columns = &mut specs.get_mut("children").unwrap().columns;
        let range = range.map(toml::Value::Integer);
        let spec = ColumnSpec {
            range: Some(range),
            ..ColumnSpec::default()
        };
        columns.insert("parent_id".to_owned(), spec);
        let plan = Arc::new(FillPlan::new(&schema, &specs, 1).unwrap());
        client
            .batch_execute("TRUNCATE parents, children")
            .await
            .unwrap();
        fill(&config, &schema, &plan, options(2)).await
    };
    filled([1, 50]).await.unwrap();
    assert_sound(&client).await;
    let error = filled([40, 60]).await.unwrap_err().to_string();
    for part in [
        "checking foreign key children_parent_id_fkey of public.children",
        "rows of public.children have values that no row of public.parents has",
        "under [tables.children.columns.parent_id]",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn the_catalog_is_read_as_it_is() {
    let server = server().await;
    let (_, client) = load(&server, "clinic", CLINIC).await;
    let schema = read_schema(&client).await.unwrap();
    let patients = schema.table("patients").unwrap();
    let kind = |name: &str| patients.column(name).unwrap().data_type.kind.clone();
    let base = |name: &str, modifiers: &[i32]| TypeKind::Base {
        name: name.into(),
        modifiers: modifiers.to_vec(),
    };
    assert!(patients.columns[0].sequence && patients.columns[0].not_null);
    assert_eq!(kind("updated_at"), base("timestamp", &[0]));
    let element = Box::new(base("text", &[]));
    assert_eq!(kind("tags"), TypeKind::Array { element });
    assert!(matches!(kind("mood"), TypeKind::Enum { labels } if labels.len() == 3));
    let score = kind("score");
    assert!(matches!(score, TypeKind::Domain { base: b, .. } if *b == base("numeric", &[5, 2])));
    let generated = patients.column("lower_email").unwrap();
    assert!(generated.generated && generated.default.is_none());
    let mut keys: Vec<_> = patients
        .unique_keys
        .iter()
        .map(|key| key.columns.len())
        .collect();
    assert!(patients.unique_keys[0].primary);
    keys.sort_unstable();
    assert_eq!(
        keys,
        [0, 1, 1, 1, 2],
        "an index on an expression has no column"
    );
    let expressions = patients.unique_keys.iter().flat_map(|key| &key.expressions);
    assert_eq!(expressions.collect::<Vec<_>>(), ["lower(email)"]);
    let visits = schema.table("visits").unwrap();
    let mut foreign = visits.foreign_keys.iter();
    let wide = foreign.find(|key| key.columns.len() == 2).unwrap();
    assert_eq!(wide.columns, ["clinic_id", "patient_id"]);
    assert_eq!(wide.referenced_columns, ["clinic_id", "id"]);
    let name = schema.table("clinics").unwrap().column("name").unwrap();
    assert_eq!(name.data_type.kind, base("varchar", &[12]));
}

const CHECKED: &str = r#"
    CREATE TYPE state AS ENUM ('draft', 'open', 'closed');
    CREATE DOMAIN price AS numeric(8,2) NOT NULL CHECK (VALUE > 0) CHECK (VALUE < 1000);
    CREATE DOMAIN zip AS text CHECK (length(VALUE) = 5);
    CREATE DOMAIN colour AS text CHECK (VALUE IN ('red', 'it''s "blue"', 'back\slash'));
    CREATE TABLE checked (
        id int PRIMARY KEY CHECK (id > 0),
        code varchar(10) NOT NULL UNIQUE CHECK (char_length(code) >= 6),
        iso text NOT NULL CHECK (length(iso) = 2),
        label text NOT NULL CHECK (label <> ''),
        kind varchar(12) NOT NULL CHECK (kind IN ('a', 'b', 'c d')),
        level smallint NOT NULL CHECK (level = ANY (ARRAY[10, 20, -30])),
        percent int CHECK (percent BETWEEN 0 AND 100),
        below int NOT NULL CHECK (below < -5),
        amount numeric(5,2) NOT NULL CHECK (amount >= 0.25 AND amount <= 0.75),
        share double precision NOT NULL CHECK (share > 0 AND share < 1),
        small real NOT NULL CHECK (small >= 0.001 AND small <= 0.002),
        quantity int NOT NULL CHECK (quantity <> 0),
        born date NOT NULL CHECK (born >= '1900-01-01' AND born < '1910-01-01'),
        seen timestamptz NOT NULL CHECK (seen > '2030-01-01 00:00:00+02'),
        opens time NOT NULL CHECK (opens >= '08:00' AND opens <= '18:30'),
        active boolean NOT NULL CHECK (active),
        deleted boolean CHECK (NOT deleted),
        accepted boolean CHECK (accepted = true),
        state state NOT NULL CHECK (state <> 'draft'),
        flag text CHECK (flag IS NULL OR flag IN ('x', 'y')),
        needed text CHECK (needed IS NOT NULL),
        price price,
        zip zip NOT NULL,
        colour colour,
        colours colour[],
        prices price[] NOT NULL,
        grid int[],
        states state[] NOT NULL,
        "Odd ""Name" int NOT NULL CHECK ("Odd ""Name" > 7),
        UNIQUE (kind, level, id));
    CREATE TABLE pairs (
        kind text CHECK (kind IN ('a', 'b', 'c')), level int CHECK (level BETWEEN 1 AND 4),
        state state, PRIMARY KEY (kind, level, state));
"#;

#[tokio::test]
async fn checks_and_domains_are_respected() {
    let server = server().await;
    let (config, client) = load(&server, "checked", CHECKED).await;
    let specs = tables(&[("checked", 20_000), ("pairs", 36)]);
    let (_, summary) = filled(&config, &client, &specs, 2).await;
    assert_eq!(summary.notes, Vec::<String>::new());
    assert_sound(&client).await;
    for (low, sql) in [
        (3, "SELECT count(DISTINCT kind) FROM checked"),
        (3, "SELECT count(DISTINCT level) FROM checked"),
        (101, "SELECT count(DISTINCT percent) FROM checked"),
        (51, "SELECT count(DISTINCT amount) FROM checked"),
        (500, "SELECT count(DISTINCT share) FROM checked"),
        (3_000, "SELECT count(DISTINCT born) FROM checked"),
        (3, "SELECT count(DISTINCT colour) FROM checked"),
        (10_000, "SELECT count(DISTINCT price) FROM checked"),
    ] {
        let found = number(&client, sql).await;
        assert!(found >= low, "{sql}: {found}");
    }
}

/// Columns that are compared with each other alone: no end of a range is in sight.
const COMPARED: &str = "
    CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);
    CREATE TABLE offers (id int PRIMARY KEY, price cents NOT NULL, sale cents, low int, high int,
        paid_at timestamptz, sent_at timestamptz, open boolean NOT NULL,
        CHECK (sale < price), CHECK (low < high), CHECK (sent_at >= paid_at),
        CHECK (open = (paid_at IS NULL)));
";

#[tokio::test]
async fn compared_columns_stay_in_the_usual_ranges() {
    let server = server().await;
    let (config, client) = load(&server, "compared", COMPARED).await;
    filled(&config, &client, &tables(&[("offers", 2_000)]), 2).await;
    assert_sound(&client).await;
    for odd in [
        "price > 3000000",
        "sale > 3000000",
        "low NOT BETWEEN -1000000 AND 1000000",
        "high NOT BETWEEN -1000000 AND 1000000",
        "sent_at NOT BETWEEN '2024-01-01' AND '2026-02-01'",
    ] {
        let sql = format!("SELECT count(*) FROM offers WHERE {odd}");
        assert_eq!(number(&client, &sql).await, 0, "{odd}");
    }
    for many in [
        "sent_at IS NOT NULL AND paid_at IS NULL",
        "sale IS NOT NULL",
    ] {
        let sql = format!("SELECT count(*) FROM offers WHERE {many}");
        assert!(number(&client, &sql).await > 500, "{many}");
    }
}

/// Names that need quotes, schemas other than `public`, and tables beside the ordinary ones.
const NAMES: &str = r#"
    CREATE SCHEMA "App.v2";
    CREATE TABLE "App.v2"."User ""Accounts""" (
        "Id" serial PRIMARY KEY, "e mail" text NOT NULL UNIQUE CHECK (length("e mail") > 3),
        "select" int GENERATED ALWAYS AS ("Id" * 2) STORED);
    CREATE INDEX "Odd ""index" ON "App.v2"."User ""Accounts""" ("e mail");
    CREATE TABLE "a.b" ("Order" int PRIMARY KEY REFERENCES "App.v2"."User ""Accounts""");
    CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (100);
    CREATE TABLE to_parts (id int PRIMARY KEY, part int NOT NULL REFERENCES parts);
    CREATE VIEW seen AS SELECT "Id" FROM "App.v2"."User ""Accounts""";
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM seen;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER refused BEFORE INSERT ON "a.b" FOR EACH ROW EXECUTE FUNCTION refuse();
    ALTER TABLE "a.b" ENABLE ROW LEVEL SECURITY;
    ALTER TABLE "a.b" FORCE ROW LEVEL SECURITY;
"#;

#[tokio::test]
async fn any_name_is_filled_and_only_tables_are() {
    let server = server().await;
    let (config, client) = load(&server, "names", NAMES).await;
    let accounts = "App.v2.User \"Accounts\"";
    let specs = tables(&[(accounts, 2_000), ("a.b", 1_500)]);
    let (plan, summary) = filled(&config, &client, &specs, 2).await;
    assert_eq!((summary.rows, summary.indexes), (3_500, 4));
    assert_sound(&client).await;
    let mut keys = KeyBook::new(plan);
    keys.resolve(accounts, "e mail", None).unwrap();
    keys.resolve("public.a.b", "Order", None).unwrap();
    client
        .batch_execute("REFRESH MATERIALIZED VIEW kept")
        .await
        .unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM kept").await, 2_000);

    let schema = read_schema(&client).await.unwrap();
    for (table, kind) in [
        (
            "public.parts_1",
            "a partition, which is filled with its table",
        ),
        ("seen", "a view"),
        ("kept", "a materialized view"),
    ] {
        let error = FillPlan::new(&schema, &tables(&[(table, 10)]), 1).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("is {kind}: only tables get rows")),
            "{text}"
        );
    }
    let error = FillPlan::new(&schema, &tables(&[("to_parts", 10)]), 1).unwrap_err();
    assert!(
        error.to_string().contains("but `parts` has none"),
        "{error}"
    );
}

#[tokio::test]
async fn tables_without_columns_to_write_have_rows() {
    let server = server().await;
    let sql = "CREATE TABLE nothing (); CREATE TABLE made (a int GENERATED ALWAYS AS (5) STORED)";
    let (config, client) = load(&server, "empty", sql).await;
    let specs = tables(&[("nothing", 300), ("made", 200)]);
    filled(&config, &client, &specs, 2).await;
    let rows = "SELECT (SELECT count(*) FROM nothing) * 1000 + count(*) FROM made";
    assert_eq!(number(&client, rows).await, 300_200);
}

const LOOKUPS: &str = r#"
    CREATE SCHEMA "Ref Data";
    CREATE TABLE "Ref Data"."Country ""codes""" (
        "Iso Code" char(2) PRIMARY KEY, name text NOT NULL UNIQUE, parent char(2));
    INSERT INTO "Ref Data"."Country ""codes"""
        VALUES ('at', 'Austria', NULL), ('it', E'It''s\ta\\b', 'at'), ('fr', 'France', NULL);
    CREATE TABLE currencies (id int, code text, UNIQUE (id, code));
    INSERT INTO currencies SELECT n * 7, 'c' || n FROM generate_series(1, 20) n;
    CREATE TABLE colours (name text);
    INSERT INTO colours VALUES ('red'), ('green');
    CREATE TABLE many (id int PRIMARY KEY);
    INSERT INTO many SELECT generate_series(1, 12000);
    CREATE TABLE unused (id int PRIMARY KEY);
    INSERT INTO unused VALUES (1);
    CREATE TABLE orders (
        id int PRIMARY KEY,
        country char(2) NOT NULL REFERENCES "Ref Data"."Country ""codes""",
        country_name text REFERENCES "Ref Data"."Country ""codes""" (name),
        currency_id int NOT NULL, currency_code text NOT NULL,
        many_id int REFERENCES many,
        colour text,
        FOREIGN KEY (currency_id, currency_code) REFERENCES currencies (id, code));
"#;

#[tokio::test]
async fn rows_of_the_schema_are_referenced_where_the_scenario_gives_none() {
    let server = server().await;
    let (config, client) = load(&server, "lookups", LOOKUPS).await;
    let mut specs = tables(&[("orders", 5_000), ("unused", 0)]);
    specs.get_mut("orders").unwrap().columns = toml::from_str(
        "colour = { references = \"colours.name\" }\ncountry = { distribution = \"zipf(1)\" }",
    )
    .unwrap();
    let (plan, summary) = filled(&config, &client, &specs, 2).await;
    assert_eq!((summary.rows, summary.tables), (5_000, 1));
    assert_eq!(
        summary.notes,
        ["public.many: only the first 10000 of its 12000 rows are referenced"]
    );
    assert_sound(&client).await;
    for (expected, sql) in [
        (3, "SELECT count(DISTINCT country) FROM orders"),
        (3, "SELECT count(DISTINCT country_name) FROM orders"),
        (20, "SELECT count(DISTINCT currency_id) FROM orders"),
        (
            2,
            "SELECT count(DISTINCT colour) FROM orders WHERE colour IN ('red', 'green')",
        ),
        (12_000, "SELECT count(*) FROM many"),
    ] {
        assert_eq!(number(&client, sql).await, expected, "{sql}");
    }
    let mut keys = KeyBook::new(plan);
    let table = "Ref Data.Country \"codes\"";
    let key = keys.resolve(table, "Iso Code", None).unwrap();
    assert!(!keys.has_fresh(key));
    assert!(["at", "it", "fr"].contains(&keys.pick(key, 5).as_str()));
    keys.resolve(table, "parent", None).unwrap_err();

    let error = support::plan(&client, &tables(&[("currencies", 10)]))
        .await
        .unwrap_err();
    let begin =
        "`currencies` has 20 rows already, from the schema's files: leave it out of [tables]";
    assert!(error.to_string().starts_with(begin), "{error}");
}
