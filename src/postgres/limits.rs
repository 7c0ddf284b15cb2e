//! How many connections a server accepts.

use std::fmt;

use tokio_postgres::{Client, Error};

/// How many connections a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `max_connections`.
    pub most: i32,
    /// `superuser_reserved_connections`: those of them that only a superuser may take.
    pub reserved: i32,
}

/// `max_connections = 100, of which superuser_reserved_connections = 3 are kept for superusers`.
impl fmt::Display for ConnectionLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { most, reserved } = self;
        write!(
            f,
            "max_connections = {most}, of which superuser_reserved_connections = {reserved} are kept for superusers"
        )
    }
}

/// Reads a server's limits.
///
/// # Errors
/// The server cannot be asked.
pub async fn connection_limits(client: &Client) -> Result<ConnectionLimits, Error> {
    let row = client
        .query_one(
            "SELECT pg_catalog.current_setting('max_connections')::int4,
                    pg_catalog.current_setting('superuser_reserved_connections')::int4",
            &[],
        )
        .await?;
    Ok(ConnectionLimits {
        most: row.try_get(0)?,
        reserved: row.try_get(1)?,
    })
}
