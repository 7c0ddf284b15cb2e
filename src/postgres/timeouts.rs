//! The time limits of a session.

use std::time::Duration;

use tokio_postgres::{Client, Error};

/// The session's `lock_timeout` now; zero is none.
pub async fn session_lock_timeout(client: &Client) -> Result<Duration, Error> {
    // In milliseconds there, whatever the unit that it was set in.
    let query = "SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'";
    let rows = client.query_typed(query, &[]).await?;
    let milliseconds: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    Ok(Duration::from_millis(milliseconds.unsigned_abs()))
}
