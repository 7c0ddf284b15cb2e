//! Brings a filled table into the state of one that production has had for long.

use tokio_postgres::{Client, Error};

use super::names;
use crate::schema::RelationName;

/// Sets the hint bits and the visibility map, and gathers statistics, so that the first reader does
/// not pay for what autovacuum would have done.
///
/// # Errors
/// What the server says.
pub async fn settle(client: &Client, table: &RelationName) -> Result<(), Error> {
    let statement = format!("VACUUM (ANALYZE) {}", names::quoted(table));
    client.batch_execute(&statement).await
}
