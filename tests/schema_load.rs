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
    assert_eq!(summary.notes.len(), 2, "{:?}", summary.notes);
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
        (
            "ALTER SCHEMA public OWNER TO pg_not_there;\n",
            1,
            "42939",
            "pg_not_there",
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
