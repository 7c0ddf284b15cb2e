//! COPY into a table.

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, CopyInSink, Error};

use crate::schema::RelationName;

use super::names;

/// What a session that fills sets: no wait for the disk at commit, and no limits of the role's own.
const FILL_SESSION: &str = "SET synchronous_commit = off; SET statement_timeout = 0; \
     SET lock_timeout = 0; SET client_min_messages = warning";

/// Makes a session one that fills. Foreign keys and triggers are off in it if the user may turn them
/// off: a superuser, or since PostgreSQL 15 who was granted it. True if they are.
///
/// # Errors
/// What the server says.
pub async fn prepare_session(client: &Client) -> Result<bool, Error> {
    client.batch_execute(FILL_SESSION).await?;
    let replica = "SET session_replication_role = replica";
    match client.batch_execute(replica).await {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The statement that reads rows of these columns in COPY's text format. Of no columns, it reads
/// rows of a table that has none but generated ones.
pub fn copy_statement(table: &RelationName, columns: &[String]) -> String {
    let table = names::quoted(table);
    if columns.is_empty() {
        return format!("COPY {table} FROM STDIN");
    }
    let columns: Vec<String> = columns.iter().map(|column| names::quote(column)).collect();
    format!("COPY {table} ({}) FROM STDIN", columns.join(", "))
}

/// Begins to copy. The caller feeds it with [`send`] and ends it with [`finish`]; what is dropped
/// before is rolled back by the server.
///
/// # Errors
/// What the server or the connection says.
pub async fn begin(client: &Client, statement: &str) -> Result<CopyInSink<Bytes>, Error> {
    client.copy_in(statement).await
}

/// Sends whole rows.
///
/// # Errors
/// What the server or the connection says, perhaps of rows sent before.
pub async fn send(
    sink: &mut std::pin::Pin<&mut CopyInSink<Bytes>>,
    rows: Bytes,
) -> Result<(), Error> {
    sink.send(rows).await
}

/// Commits the copy and returns the rows that it wrote.
///
/// # Errors
/// What the server says of the rows.
pub async fn finish(sink: &mut std::pin::Pin<&mut CopyInSink<Bytes>>) -> Result<u64, Error> {
    sink.as_mut().finish().await
}
