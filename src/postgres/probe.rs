//! Rows tried on a table's double.

use std::pin::pin;

use bytes::Bytes;
use tokio_postgres::{Client, Error};

use crate::schema::RelationName;

use super::{copy, names};

/// Copies rows, in COPY's text format, into a temporary table that is made like `table` and of which
/// nothing is left afterwards. It has the same name, CHECKs, domains and unique and exclusion
/// indexes, but no foreign keys, triggers, policies or partitions.
///
/// # Errors
/// What the server says of the rows.
pub async fn try_rows(
    client: &Client,
    table: &RelationName,
    columns: &[String],
    rows: Vec<u8>,
) -> Result<(), Error> {
    let double = RelationName {
        schema: "pg_temp".to_owned(),
        name: table.name.clone(),
    };
    let begin = format!(
        "BEGIN; CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING ALL)",
        names::quote(&double.name),
        names::quoted(table)
    );
    let tried = match client.batch_execute(&begin).await {
        Ok(()) => copied(client, &copy::copy_statement(&double, columns), rows).await,
        Err(error) => Err(error),
    };
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
