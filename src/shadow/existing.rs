//! A shadow on a server that is there already, and is not the tool's.

use std::path::Path;

use tokio_postgres::error::SqlState;

use super::guard::{
    GuardError, refuse_rows, refuse_sessions, refuse_source, refuse_system_database,
    refuse_without_createdb,
};
use super::mark;
use crate::postgres::connect::Session;
use crate::postgres::database::{create_database, drop_database};
use crate::postgres::endpoint::Endpoint;
use crate::postgres::identity::{self, Identity};
use crate::postgres::names::quote;

/// Databases of every server, from which another is created: the usual one, and what takes its place
/// where it lets nobody in.
const MAINTENANCE: [&str; 2] = ["postgres", "template1"];

/// What an existing server is asked for.
#[derive(Debug, Clone)]
pub struct ExistingOptions {
    /// The server, and the database if the address names one.
    pub endpoint: Endpoint,
    /// The database where the address names none.
    pub default_database: String,
    /// Whether a marked database that is there is dropped and made anew.
    pub replace: bool,
    /// Where the schema comes from, if from a live database.
    pub source: Option<Endpoint>,
}

/// A database on an existing server that may be filled: it has the mark, nobody else's sessions, and no
/// rows.
#[derive(Debug)]
pub struct ExistingShadow {
    endpoint: Endpoint,
    identity: Identity,
    created: bool,
    has_tables: bool,
}

impl ExistingShadow {
    /// Finds the database or creates it, and refuses one that may be somebody's.
    ///
    /// # Errors
    /// The guards' refusals, before any change; what the server does not allow.
    pub async fn open(options: ExistingOptions) -> Result<Self, GuardError> {
        let name = options.endpoint.database().unwrap_or_default();
        let database = match name {
            "" => options.default_database.clone(),
            name => name.to_owned(),
        };
        let endpoint = options.endpoint.with_database(&database);
        let Some(session) = connect_if_there(&endpoint).await? else {
            return Self::create(endpoint, &database, options.source.as_ref()).await;
        };
        let client = &session.client;
        let identity = identity::read(client).await?;
        refuse_system_database(&identity)?;
        if !mark::is_marked(&identity) {
            return Err(GuardError::Unmarked {
                endpoint: endpoint.to_string(),
                database,
            });
        }
        if let Some(source) = &options.source {
            refuse_source(&identity, &read_identity(source).await?)?;
        }
        refuse_sessions(client, &identity).await?;
        if options.replace {
            // Before it is gone: it could not be made anew.
            refuse_without_createdb(client, &database).await?;
            // The session is in the database that is to be dropped.
            close(session).await;
            let maintenance = maintenance(&endpoint).await?;
            let dropped = drop_database(&maintenance.client, &database, false).await;
            dropped.map_err(|error| GuardError::of_rights(error, &identity, "drop"))?;
            close(maintenance).await;
            return Self::create(endpoint, &database, None).await;
        }
        refuse_rows(client, &identity).await?;
        let has_tables = !identity::tables(client).await?.is_empty();
        close(session).await;
        Ok(Self {
            endpoint,
            identity,
            created: false,
            has_tables,
        })
    }

    async fn create(
        endpoint: Endpoint,
        database: &str,
        source: Option<&Endpoint>,
    ) -> Result<Self, GuardError> {
        if let Some(source) = source {
            // One that does not exist yet is no source; but a source that cannot be reached is told now.
            read_identity(source).await?;
        }
        let maintenance = maintenance(&endpoint).await?;
        refuse_without_createdb(&maintenance.client, database).await?;
        create_database(&maintenance.client, database).await?;
        let marked = Self::mark_created(&endpoint).await;
        let identity = match marked {
            Ok(identity) => identity,
            Err(error) => {
                // Nobody else knows of it yet. The first error is the one to tell.
                let _ = drop_database(&maintenance.client, database, true).await;
                return Err(error);
            }
        };
        close(maintenance).await;
        Ok(Self {
            endpoint,
            identity,
            created: true,
            has_tables: false,
        })
    }

    async fn mark_created(endpoint: &Endpoint) -> Result<Identity, GuardError> {
        let session = connect(endpoint).await?;
        let identity = identity::read(&session.client).await?;
        mark::give(&session.client, &identity).await?;
        close(session).await;
        Ok(identity)
    }

    /// How to connect to it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Which database it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether it did not exist before.
    pub fn is_created(&self) -> bool {
        self.created
    }

    /// Whether it has the tables already, without rows.
    pub fn has_tables(&self) -> bool {
        self.has_tables
    }

    /// What a person types to be rid of it.
    pub fn drop_command(&self) -> String {
        format!(
            "psql '{}' -c 'DROP DATABASE {}'",
            self.endpoint.with_database("postgres"),
            // For a shell, whose quotes these stand in.
            quote(&self.identity.database).replace('\'', "'\\''")
        )
    }

    /// Drops it, with the sessions that are left in it, if it did not exist before. True if it is gone.
    ///
    /// # Errors
    /// What the server says; the database is then still there.
    pub async fn discard(self) -> Result<bool, GuardError> {
        if !self.created {
            return Ok(false);
        }
        let maintenance = maintenance(&self.endpoint).await?;
        drop_database(&maintenance.client, &self.identity.database, true).await?;
        close(maintenance).await;
        Ok(true)
    }
}

/// The name of a scenario's database on a server where the address names none: `pgrehearse_` and the
/// scenario's name, or that of its folder, within the 63 bytes of a name.
pub fn default_database(scenario: &str, file: &Path) -> String {
    let folder = || file.parent()?.file_name()?.to_str();
    let name = match scenario {
        "" => folder().unwrap_or("shadow"),
        name => name,
    };
    let plain = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '_',
    };
    let name: String = name.chars().map(plain).collect();
    format!("pgrehearse_{name}").chars().take(63).collect()
}

async fn read_identity(endpoint: &Endpoint) -> Result<Identity, GuardError> {
    let session = connect(endpoint).await?;
    let identity = identity::read(&session.client).await?;
    close(session).await;
    Ok(identity)
}

async fn connect(endpoint: &Endpoint) -> Result<Session, GuardError> {
    let connected = endpoint.connect("pgrehearse shadow").await;
    connected.map_err(|source| GuardError::Connect {
        endpoint: endpoint.to_string(),
        source,
    })
}

/// A session; none if there is no such database.
async fn connect_if_there(endpoint: &Endpoint) -> Result<Option<Session>, GuardError> {
    match connect(endpoint).await {
        Ok(session) => Ok(Some(session)),
        Err(GuardError::Connect { source, .. })
            if source.code() == Some(&SqlState::INVALID_CATALOG_NAME) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn maintenance(endpoint: &Endpoint) -> Result<Session, GuardError> {
    let [usual, other] = MAINTENANCE;
    match connect(&endpoint.with_database(usual)).await {
        Ok(session) => Ok(session),
        Err(error) => {
            let other = connect(&endpoint.with_database(other)).await;
            other.map_err(|_| error)
        }
    }
}

/// Says goodbye, so that the server does not count the session any more. What ends a connection that is
/// not needed is of no consequence.
async fn close(session: Session) {
    let _ = session.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_without_a_name_is_known_by_its_folder() {
        let file = Path::new("/scenarios/Foreign-Key/scenario.toml");
        assert_eq!(default_database("", file), "pgrehearse_foreign_key");
        assert_eq!(default_database("Shop 2", file), "pgrehearse_shop_2");
        assert_eq!(default_database(&"é".repeat(90), file).len(), 63);
    }
}
