//! A savepoint around a statement of somebody else's transaction, so that its failure can be undone.

use tokio_postgres::{Client, Error};

/// Marks the place to come back to.
pub async fn set(client: &Client) -> Result<(), Error> {
    client.batch_execute("SAVEPOINT pgrehearse").await
}

/// Keeps what was done since.
pub async fn release(client: &Client) -> Result<(), Error> {
    client.batch_execute("RELEASE SAVEPOINT pgrehearse").await
}

/// Undoes what was done since, the failure included.
pub async fn roll_back(client: &Client) -> Result<(), Error> {
    client
        .batch_execute("ROLLBACK TO SAVEPOINT pgrehearse; RELEASE SAVEPOINT pgrehearse")
        .await
}
