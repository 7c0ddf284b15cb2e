//! Rows tried on a table and taken back.

use std::pin::pin;

use bytes::Bytes;
use tokio_postgres::{Client, Error};

use crate::schema::RelationName;

use super::{copy, names};

/// Copies rows into a table by a [`copy_statement`](copy::copy_statement) and takes them back.
///
/// # Errors
/// What the server says of the rows.
pub async fn try_rows(client: &Client, statement: &str, rows: Vec<u8>) -> Result<(), Error> {
    client.batch_execute("BEGIN").await?;
    let tried = copied(client, statement, rows).await;
    let undone = client.batch_execute("ROLLBACK").await;
    tried.and(undone)
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

/// Gives the pages back that the rows have left, of a table that is empty.
///
/// # Errors
/// What the server says.
pub async fn clean(client: &Client, table: &RelationName) -> Result<(), Error> {
    let vacuum = format!("VACUUM {}", names::quoted(table));
    client.batch_execute(&vacuum).await
}
