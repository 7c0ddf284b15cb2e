//! Schema files against a real server: dumps as they come, and errors that name their place.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without has no error to handle"
)]

use std::collections::BTreeMap;

use pgrehearse::postgres::connect::{connect, connect_with_notices};
use pgrehearse::scenario::plan::SourceFile;
use pgrehearse::shadow::{
    LoadSummary, SchemaError, Server, ServerOptions, find_pg_bin, load_schema,
};

async fn server() -> Server {
    Server::start(ServerOptions {
        pg_bin: find_pg_bin(None).unwrap(),
        settings: BTreeMap::new(),
        connections: 4,
        keep: false,
    })
    .await
    .unwrap()
}

async fn load(server: &Server, text: &str) -> Result<LoadSummary, SchemaError> {
    let file = SourceFile {
        name: "schema.sql".to_owned(),
        text: text.to_owned(),
    };
    load_schema(&server.config(), &[file]).await
}

async fn number(server: &Server, sql: &str) -> i64 {
    let session = connect(&server.config(), "pgrehearse test").await.unwrap();
    session.client.query_one(sql, &[]).await.unwrap().get(0)
}

/// As `pg_dump` 18 writes it.
const DUMP: &str = r#"--
-- PostgreSQL database dump
--

\restrict fOxNbQeTfR3qx

-- Dumped from database version 18.4

SET statement_timeout = 0;
SET setting_of_tomorrow = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE SCHEMA public;
ALTER SCHEMA public OWNER TO pg_database_owner;

CREATE FUNCTION public.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.touched := now();
    RETURN NEW;
END;
$$;
ALTER FUNCTION public.touch() OWNER TO "Odd ""owner""";

SET default_table_access_method = heap;

CREATE TABLE public.patients (
    id bigint NOT NULL,
    name text NOT NULL,
    note text,
    touched timestamp with time zone
);
ALTER TABLE public.patients OWNER TO hospital;

COPY public.patients (id, name, note, touched) FROM stdin;
1	Ada	\N	2024-01-01 00:00:00+00
2	Grace\tH.	semi; colon	\N
3	Edsger	--	\N
\.

ALTER TABLE ONLY public.patients
    ADD CONSTRAINT patients_pkey PRIMARY KEY (id);

GRANT SELECT ON TABLE public.patients TO reader;

\unrestrict fOxNbQeTfR3qx
"#;

#[tokio::test]
async fn a_dump_loads_with_its_rows_and_the_roles_it_needs() {
    let server = server().await;
    let summary = load(&server, DUMP).await.unwrap();
    assert_eq!(summary.rows, 3);
    let roles: Vec<&str> = summary.roles.iter().map(String::as_str).collect();
    assert_eq!(roles, [r#"Odd "owner""#, "hospital", "reader"]);
    // The role that owns `public` came with PostgreSQL 14.
    let version = "SELECT current_setting('server_version_num')::int8";
    let notes = match number(&server, version).await {
        ..140_000 => 3,
        _ => 2,
    };
    assert_eq!(summary.notes.len(), notes, "{:?}", summary.notes);
    assert!(summary.notes[0].contains("schema.sql:10: `SET setting_of_tomorrow"));
    assert!(summary.notes[1].contains("`CREATE SCHEMA public`"));
    let names = "SELECT count(*) FROM patients WHERE name ~ '\\t' OR note = 'semi; colon'";
    assert_eq!(number(&server, names).await, 1);
    let path = "SELECT count(*) FROM pg_settings WHERE name = 'search_path' AND setting <> ''";
    assert_eq!(number(&server, path).await, 1);
    let logins = "SELECT count(*) FROM pg_roles WHERE rolcanlogin";
    assert_eq!(number(&server, logins).await, 1);
}

#[tokio::test]
async fn a_role_may_be_missing_inside_the_files_own_transaction() {
    let server = server().await;
    let text = "BEGIN;\nCREATE TABLE t (n int);\nALTER TABLE t OWNER TO app;\nSET nonsense_x = 1;\nCOMMIT;\nCREATE TABLE u (n int);\n";
    let summary = load(&server, text).await.unwrap();
    assert_eq!(summary.roles.len(), 1);
    assert_eq!(summary.notes.len(), 1);
    let owned = "SELECT count(*) FROM pg_tables WHERE tablename IN ('t', 'u')";
    assert_eq!(number(&server, owned).await, 2);
}

#[tokio::test]
async fn a_refused_statement_is_named_by_file_and_line() {
    let server = server().await;
    for (text, line, sqlstate, about) in [
        (
            "CREATE TABLE t (\n    n int,\n    m nonsense\n);\n",
            3,
            "42704",
            "type \"nonsense\" does not exist",
        ),
        (
            "-- Nothing.\n\nINSERT INTO absent VALUES (1);\n",
            3,
            "42P01",
            "relation \"absent\" does not exist",
        ),
        (
            "CREATE TABLE n (n int);\nCOPY n FROM stdin;\n1\nx\n\\.\n",
            2,
            "22P02",
            "COPY n, line 2, column n: \"x\"",
        ),
        (
            "CREATE TABLE s (n int) TABLESPACE fast;\n",
            1,
            "42704",
            "--no-tablespaces",
        ),
    ] {
        let error = load(&server, text).await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains(about), "{message}");
        let SchemaError::Statement(failure) = error else {
            panic!("{message}");
        };
        assert_eq!((failure.line, &*failure.sqlstate), (line, sqlstate));
        assert!(
            message.starts_with(&format!("schema.sql:{line}: ")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn what_the_server_cannot_have_is_named_with_what_to_do() {
    let server = server().await;
    let error = load(&server, "\nCREATE EXTENSION IF NOT EXISTS \"not-here\";\n")
        .await
        .unwrap_err();
    let message = error.to_string();
    assert!(
        matches!(&error, SchemaError::Extension { line: 2, extension, .. } if extension == "not-here"),
        "{message}"
    );
    let error = load(
        &server,
        "CREATE DATABASE production WITH TEMPLATE = template0;\n",
    )
    .await
    .unwrap_err();
    assert!(matches!(
        error,
        SchemaError::CreatesDatabase { line: 1, .. }
    ));
}

#[tokio::test]
async fn what_belongs_to_another_server_is_passed_over_with_a_note() {
    let server = server().await;
    let text = "ALTER DATABASE production SET statement_timeout = '1ms';
        COMMENT ON DATABASE production IS 'ours';
        CREATE TABLE t (n int);
        GRANT pg_of_tomorrow TO reader;
        ALTER TABLE t OWNER TO pg_of_tomorrow;
        ALTER ROLE postgres SET search_path = nowhere;";
    let summary = load(&server, text).await.unwrap();
    // PostgreSQL itself only warns of a COMMENT on such a database.
    assert_eq!(summary.statements, 3);
    assert_eq!(summary.notes.len(), 4, "{:?}", summary.notes);
    assert_eq!(number(&server, "SELECT count(*) FROM t").await, 0);
}

#[tokio::test]
async fn no_file_changes_the_session_of_the_next() {
    let server = server().await;
    let file = |name: &str, text: &str| SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let dump = "SELECT pg_catalog.set_config('search_path', '', false);
        SET SESSION AUTHORIZATION owner; SET statement_timeout = '1ms';";
    let plain = "CREATE TABLE t (n int); SELECT pg_sleep(0.01);";
    let files = [file("dump.sql", dump), file("plain.sql", plain)];
    load_schema(&server.config(), &files).await.unwrap();
    let sql =
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = 'postgres'";
    assert_eq!(number(&server, sql).await, 1);
    let open = "BEGIN; CREATE TABLE u (n int);";
    let error = load(&server, open).await.unwrap_err();
    assert!(matches!(error, SchemaError::OpenTransaction { .. }));
    assert!(error.to_string().contains("COMMIT"), "{error}");
}

/// What dumps of larger schemas hold beside tables.
const FURTHER_OBJECTS: &str = r#"
CREATE SCHEMA "Odd ""one""";
CREATE TABLE "Odd ""one"""."Big Table" ("Id" int PRIMARY KEY, "a ""b""" text);
CREATE FUNCTION public.sums(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
        SELECT a + b;
        SELECT CASE WHEN a > b THEN a ELSE b END;
    END;
CREATE PROCEDURE public.noop() LANGUAGE sql BEGIN ATOMIC END;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $_$ BEGIN RETURN NEW; END; $_$;
CREATE TRIGGER touched BEFORE INSERT ON "Odd ""one"""."Big Table"
    FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE VIEW public.v AS SELECT "Id" FROM "Odd ""one"""."Big Table";
CREATE MATERIALIZED VIEW public.mv AS SELECT count(*) AS n FROM public.v WITH NO DATA;
CREATE TABLE public.events (id int, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE public.events_2024 PARTITION OF public.events
    FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE RULE r AS ON DELETE TO public.v DO INSTEAD (SELECT 1; SELECT 2);
REFRESH MATERIALIZED VIEW public.mv;
"#;

#[tokio::test]
async fn functions_triggers_views_and_partitions_load() {
    let server = server().await;
    let version = number(
        &server,
        "SELECT current_setting('server_version_num')::int8",
    )
    .await;
    // SQL bodies came with PostgreSQL 14.
    let old = version < 140_000;
    let begin = FURTHER_OBJECTS.find("CREATE FUNCTION public.sums").unwrap();
    let end = FURTHER_OBJECTS
        .find("CREATE FUNCTION public.touch")
        .unwrap();
    let text = match old {
        true => [&FURTHER_OBJECTS[..begin], &FURTHER_OBJECTS[end..]].concat(),
        false => FURTHER_OBJECTS.to_owned(),
    };
    load(&server, &text).await.unwrap();
    assert_eq!(number(&server, "SELECT n FROM public.mv").await, 0);
}

#[tokio::test]
async fn a_session_hands_over_notices_and_its_own_end() {
    let server = server().await;
    let (session, mut notices) = connect_with_notices(&server.config(), "pgrehearse test")
        .await
        .unwrap();
    session
        .client
        .batch_execute("DO $$ BEGIN RAISE NOTICE 'seen'; END $$")
        .await
        .unwrap();
    assert_eq!(notices.recv().await.unwrap().message(), "seen");
    session.close().await.unwrap();
    assert!(notices.recv().await.is_none());
}
