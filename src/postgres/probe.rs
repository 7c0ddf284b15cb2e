//! Rows tried on a table's double.

use std::pin::pin;

use bytes::Bytes;
use tokio_postgres::{Client, Error};

use crate::schema::{RelationName, Table};

use super::{copy, names, savepoint};

/// What a table's rows must satisfy, as statements that ask the same of its double: first its
/// constraints, then its other indexes. They keep their names, so that a message names what the user
/// knows; `LIKE … INCLUDING ALL` would give indexes new ones, and it refuses a table whose CHECK reads
/// a whole row. What is deferred would not be looked at before the end, which never comes.
const CONDITIONS: &str = "
    SELECT format('ALTER TABLE pg_temp.%I ADD CONSTRAINT %I %s', t.relname, c.conname,
                  CASE WHEN c.condeferrable
                       THEN regexp_replace(pg_catalog.pg_get_constraintdef(c.oid),
                                           ' DEFERRABLE( INITIALLY DEFERRED)?$', '')
                       ELSE pg_catalog.pg_get_constraintdef(c.oid) END)
    FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
    WHERE c.conrelid = $1 AND c.contype IN ('c', 'p', 'u', 'x')
    UNION ALL
    SELECT d.head || format(' ON pg_temp.%I', t.relname)
           || substr(pg_catalog.pg_get_indexdef(x.oid), length(d.head || d.place) + 1)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace,
    LATERAL (SELECT format('CREATE %sINDEX %I', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, x.relname),
                    format(' ON %s%I.%I', CASE x.relkind WHEN 'I' THEN 'ONLY ' ELSE '' END,
                           n.nspname, t.relname)) AS d(head, place)
    WHERE i.indrelid = $1 AND i.indislive AND i.indisready
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
                      WHERE c.conindid = x.oid AND c.conrelid = $1 AND c.contype IN ('p', 'u', 'x'))";

/// Definitions name a schema only where the search path does not lead there, and the double must not
/// be taken for the table.
const BEGIN: &str = "BEGIN; SET LOCAL search_path = ''";

/// Whether this session's user may make the double of a table.
///
/// # Errors
/// What the server says.
pub async fn may_try(client: &Client) -> Result<bool, Error> {
    let sql = "SELECT pg_catalog.has_database_privilege(current_database(), 'TEMPORARY')";
    client.query_one(sql, &[]).await?.try_get(0)
}

/// Copies rows, in COPY's text format, into a temporary table that is made like `table` and of which
/// nothing is left afterwards. It has the same name, columns, domains, CHECKs and live indexes, but no
/// foreign keys, triggers, rules, policies or partitions, so that nothing disturbs the rows that does
/// not in the fill, whoever the user is.
///
/// # Errors
/// What the server says of the rows.
pub async fn try_rows(
    client: &Client,
    table: &Table,
    columns: &[String],
    rows: Vec<u8>,
) -> Result<(), Error> {
    let tried = tried(client, table, columns, rows).await;
    let undone = client.batch_execute("ROLLBACK").await;
    tried.and(undone)
}

async fn tried(
    client: &Client,
    table: &Table,
    columns: &[String],
    rows: Vec<u8>,
) -> Result<(), Error> {
    client.batch_execute(BEGIN).await?;
    let conditions = client.query(CONDITIONS, &[&table.oid]).await?;
    let conditions = conditions.iter().map(|row| row.try_get(0));
    let conditions: Vec<String> = conditions.collect::<Result<_, _>>()?;
    let double = RelationName {
        schema: "pg_temp".to_owned(),
        name: table.name.name.clone(),
    };
    let create = format!(
        "SET LOCAL search_path TO DEFAULT; CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING ALL \
         EXCLUDING CONSTRAINTS EXCLUDING INDEXES EXCLUDING STATISTICS EXCLUDING COMMENTS)",
        names::quote(&double.name),
        names::quoted(&table.name)
    );
    client.batch_execute(&create).await?;
    if !is_added(client, &conditions.join(";")).await? {
        // A function of the table's own row type takes no row of the double: that one is left out.
        for condition in &conditions {
            is_added(client, condition).await?;
        }
    }
    copied(client, &copy::copy_statement(&double, columns), rows).await
}

/// Adds conditions to a double without rows, if they can be had of it.
async fn is_added(client: &Client, conditions: &str) -> Result<bool, Error> {
    savepoint::set(client).await?;
    match client.batch_execute(conditions).await {
        Ok(()) => savepoint::release(client).await.map(|()| true),
        Err(error) if error.as_db_error().is_none() => Err(error),
        Err(_) => savepoint::roll_back(client).await.map(|()| false),
    }
}

async fn copied(client: &Client, statement: &str, rows: Vec<u8>) -> Result<(), Error> {
    let sink = copy::begin(client, statement).await?;
    let mut sink = pin!(sink);
    let sent = copy::send(&mut sink, Bytes::from(rows)).await;
    // The server's own words come at the end.
    match (copy::finish(&mut sink).await, sent) {
        (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        (Ok(_), Ok(())) => Ok(()),
    }
}
