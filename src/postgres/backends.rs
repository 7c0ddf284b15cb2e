//! The processes that serve sessions.

use tokio_postgres::{Client, Error};

/// The process that serves this session.
///
/// # Errors
/// What the server says.
pub async fn own_pid(client: &Client) -> Result<i32, Error> {
    let query = "SELECT pg_catalog.pg_backend_pid()";
    client.query_one(query, &[]).await?.try_get(0)
}

/// Ends the session that this process serves; false where there is none.
///
/// # Errors
/// What the server says.
pub async fn terminate(client: &Client, pid: i32) -> Result<bool, Error> {
    let query = "SELECT pg_catalog.pg_terminate_backend($1)";
    client.query_one(query, &[&pid]).await?.try_get(0)
}
