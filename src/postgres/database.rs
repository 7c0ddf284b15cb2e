//! The shadow's own database, the roles its schema asks for, and the settings that reports show.

use std::collections::BTreeMap;

use postgres_protocol::escape::escape_identifier;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// Settings that decide how fast a server is and how much it can lose, which every report names.
pub const IMPORTANT_SETTINGS: [&str; 10] = [
    "autovacuum",
    "fsync",
    "full_page_writes",
    "maintenance_work_mem",
    "max_connections",
    "max_wal_size",
    "shared_buffers",
    "synchronous_commit",
    "wal_level",
    "work_mem",
];

/// Creates an empty database.
pub async fn create_database(client: &Client, name: &str) -> Result<(), Error> {
    let name = escape_identifier(name);
    client
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .await
}

/// Drops a database. With `force`, sessions that are left in it are ended; before version 13, which has `FORCE`, by
/// themselves first.
pub async fn drop_database(client: &Client, name: &str, force: bool) -> Result<(), Error> {
    const END: &str = "
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid()";
    const HAS_FORCE: &str =
        "SELECT pg_catalog.current_setting('server_version_num')::int >= 130000";
    let has_force = force && client.query_one(HAS_FORCE, &[]).await?.try_get(0)?;
    if force && !has_force {
        client.query(END, &[&name]).await?;
    }
    let name = escape_identifier(name);
    let force = if has_force { " WITH (FORCE)" } else { "" };
    client
        .batch_execute(&format!("DROP DATABASE {name}{force}"))
        .await
}

/// Creates a role that cannot log in, to own what a schema says it owns.
pub async fn create_role(client: &Client, name: &str) -> Result<(), Error> {
    let name = escape_identifier(name);
    client
        .batch_execute(&format!("CREATE ROLE {name} NOLOGIN"))
        .await
}

/// Whether this session's role has settings of its own, which every session of it begins with.
const OWN_SETTINGS: &str = "
    SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s
                   JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
                   WHERE r.rolname = current_user AND s.setdatabase = 0)";

/// Takes settings from this session's role, if it has any; true if it had.
pub async fn reset_role(client: &Client) -> Result<bool, Error> {
    let found = client.query_one(OWN_SETTINGS, &[]).await?.try_get(0)?;
    if found {
        client
            .batch_execute("ALTER ROLE CURRENT_USER RESET ALL")
            .await?;
    }
    Ok(found)
}

/// The [`IMPORTANT_SETTINGS`] as `SHOW` prints them, with their units.
pub async fn important_settings(client: &Client) -> Result<BTreeMap<String, String>, Error> {
    let mut settings = BTreeMap::new();
    for name in IMPORTANT_SETTINGS {
        for message in client.simple_query(&format!("SHOW {name}")).await? {
            if let SimpleQueryMessage::Row(row) = message {
                settings.insert(name.to_owned(), row.get(0).unwrap_or_default().to_owned());
            }
        }
    }
    Ok(settings)
}
