//! Which database a session is in, who else is there, and what it holds.

use tokio_postgres::{Client, Error};

use super::names::{quote, quoted};
use crate::schema::RelationName;

/// What tells a database from all others, whatever address leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `pg_control_system().system_identifier`: of the cluster, and of its physical copies.
    pub system_identifier: i64,
    /// `pg_database.oid`.
    pub oid: u32,
    /// The database's name.
    pub database: String,
    /// Whether it is a template of others.
    pub template: bool,
    /// The user who asks.
    pub user: String,
    /// The server's version as it prints it.
    pub version: String,
    /// The comment on the database.
    pub comment: Option<String>,
}

/// A session of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherSession {
    /// The server's process.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its `application_name`, which may be empty.
    pub application: String,
}

const IDENTITY: &str = "
    SELECT s.system_identifier, d.oid, d.datname, d.datistemplate, current_user::text,
           current_setting('server_version'), pg_catalog.shobj_description(d.oid, 'pg_database')
    FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_database d
    WHERE d.datname = current_database()";

/// People and applications. Whoever may not see others' sessions in full sees no `backend_type`; the
/// server's own workers have no user. Background workers of extensions serve every database.
const OTHERS: &str = "
    SELECT pid, coalesce(usename::text, ''), coalesce(application_name, '')
    FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_catalog.pg_backend_pid() AND usesysid IS NOT NULL
      AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')
    ORDER BY pid";

/// Tables of users: no system's, no extension's.
const TABLES: &str = "
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                        AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname";

/// Reads the identity of the session's database.
///
/// # Errors
/// What the server says.
pub async fn read(client: &Client) -> Result<Identity, Error> {
    let row = client.query_one(IDENTITY, &[]).await?;
    Ok(Identity {
        system_identifier: row.try_get(0)?,
        oid: row.try_get(1)?,
        database: row.try_get(2)?,
        template: row.try_get(3)?,
        user: row.try_get(4)?,
        version: row.try_get(5)?,
        comment: row.try_get(6)?,
    })
}

/// Comments on a database. Its owner may.
///
/// # Errors
/// What the server says.
pub async fn comment(client: &Client, database: &str, comment: &str) -> Result<(), Error> {
    let comment = postgres_protocol::escape::escape_literal(comment);
    let sql = format!("COMMENT ON DATABASE {} IS {comment}", quote(database));
    client.batch_execute(&sql).await
}

/// The session's user, and whether that one may create databases.
///
/// # Errors
/// What the server says.
pub async fn database_creator(client: &Client) -> Result<(String, bool), Error> {
    let sql = "SELECT rolname::text, rolcreatedb OR rolsuper FROM pg_catalog.pg_roles
               WHERE rolname = current_user";
    let row = client.query_one(sql, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Sessions of others in the session's database.
///
/// # Errors
/// What the server says.
pub async fn other_sessions(client: &Client) -> Result<Vec<OtherSession>, Error> {
    let rows = client.query(OTHERS, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(OtherSession {
                pid: row.try_get(0)?,
                user: row.try_get(1)?,
                application: row.try_get(2)?,
            })
        })
        .collect()
}

/// The users' tables.
///
/// # Errors
/// What the server says.
pub async fn tables(client: &Client) -> Result<Vec<RelationName>, Error> {
    let rows = client.query(TABLES, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(RelationName {
                schema: row.try_get(0)?,
                name: row.try_get(1)?,
            })
        })
        .collect()
}

/// Whether a table has a row.
///
/// # Errors
/// What the server says.
pub async fn has_rows(client: &Client, table: &RelationName) -> Result<bool, Error> {
    let sql = format!("SELECT EXISTS (SELECT FROM {})", quoted(table));
    client.query_one(&sql, &[]).await?.try_get(0)
}
