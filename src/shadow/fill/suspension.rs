//! Indexes, foreign keys and triggers that stand aside while rows are written.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::postgres::removal::{self, RemovableIndex, RemovableKey, Switch};
use crate::postgres::{indexes, persistence};
use crate::schema::RelationName;

/// A statement that may take long, as a job of the crew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Build {
    /// What it does, as "building index …".
    pub(super) doing: String,
    /// The statement, or several.
    pub(super) sql: String,
    /// What there is to read, in relation to other builds.
    pub(super) weight: u64,
}

/// What stands aside, and how it comes back.
#[derive(Debug)]
pub(super) enum Suspension {
    /// A superuser's way: indexes stay in the catalog and take no rows, and `REINDEX` builds them.
    /// Foreign keys and triggers are off by `session_replication_role`.
    Standstill {
        /// The filled tables.
        tables: Vec<u32>,
        /// Triggers that fire in a replica's sessions too.
        switches: Vec<Switch>,
        /// Relations that write no WAL, on a private server that is being filled.
        unlogged: Vec<u32>,
    },
    /// An owner's way: indexes and foreign keys are dropped, and made again by their definitions;
    /// triggers are disabled by name.
    Removal(Removal),
}

/// What an owner took away.
#[derive(Debug, Default)]
pub(super) struct Removal {
    indexes: Vec<RemovableIndex>,
    keys: Vec<RemovableKey>,
    switches: Vec<Switch>,
}

impl Suspension {
    /// Lets the indexes, foreign keys and triggers of these tables stand aside. `replica` says whether
    /// the sessions that fill are ones in which ordinary triggers do not fire.
    ///
    /// # Errors
    /// What the server says; everything is then as it was.
    pub(super) async fn begin(
        client: &Client,
        tables: &[u32],
        replica: bool,
    ) -> Result<Self, Error> {
        if replica && indexes::is_superuser(client).await? {
            let switches = removal::triggers(client, tables, true).await?;
            turn_off(client, &switches).await?;
            indexes::suspend(client, tables).await?;
            let unlogged = persistence::suspend(client, tables).await?;
            return Ok(Self::Standstill {
                tables: tables.to_vec(),
                switches,
                unlogged,
            });
        }
        let mut switches = removal::triggers(client, tables, replica).await?;
        switches.extend(removal::forced_policies(client, tables).await?);
        let planned = Removal {
            indexes: removal::indexes(client, tables).await?,
            keys: removal::foreign_keys(client, tables).await?,
            switches,
        };
        let mut removed = Removal::default();
        match removed.take_away(client, planned).await {
            Ok(()) => Ok(Self::Removal(removed)),
            Err(error) => {
                // The tables have no rows yet, so this takes no time. The first error is the one to tell.
                let _ = removed.bring_back(client).await;
                Err(error)
            }
        }
    }

    /// The indexes to build, each by a job of its own.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn indexes(&self, client: &Client) -> Result<Vec<Build>, Error> {
        match self {
            Self::Standstill { tables, .. } => {
                let found = indexes::of_tables(client, tables).await?;
                Ok(found
                    .iter()
                    .map(|index| Build {
                        doing: building(&index.name, &index.table),
                        sql: indexes::rebuild_statement(index),
                        weight: index.table_bytes,
                    })
                    .collect())
            }
            Self::Removal(removal) => Ok(removal.builds()),
        }
    }

    /// Makes the built indexes their constraints' and adds the foreign keys. Returns the jobs that
    /// validate them.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn constrain(&self, client: &Client) -> Result<Vec<Build>, Error> {
        match self {
            Self::Standstill { .. } => Ok(Vec::new()),
            Self::Removal(removal) => {
                removal.constrain(client).await?;
                Ok(removal.validations())
            }
        }
    }

    /// Whether foreign keys come back unasked, with whatever rows there are.
    pub(super) fn trusts_foreign_keys(&self) -> bool {
        matches!(self, Self::Standstill { .. })
    }

    /// Turns on what was off, and sets what definitions do not say.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn end(&self, client: &Client) -> Result<(), Error> {
        match self {
            Self::Standstill { switches, .. } => turn_on(client, switches).await,
            Self::Removal(removal) => removal.finish(client).await,
        }
    }

    /// Makes the filled tables permanent, once nothing more is written to them.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn persist(&self, client: &Client) -> Result<(), Error> {
        match self {
            Self::Standstill { unlogged, .. } => persistence::resume(client, unlogged).await,
            Self::Removal(_) => Ok(()),
        }
    }

    /// In which state a failure leaves the database, where that is not plain.
    pub(super) fn left_behind(&self) -> Option<String> {
        let Self::Removal(removal) = self else {
            return None;
        };
        let (indexes, keys) = (removal.indexes.len(), removal.keys.len());
        Some(format!(
            "the tables may hold part of their rows, and of the {indexes} indexes and {keys} foreign keys that were dropped for the fill some may be missing"
        ))
    }
}

impl Removal {
    /// Takes away what is planned, one statement a transaction: locks on all of a large schema would
    /// not fit into the server's table of them. `self` knows at any time what is gone.
    async fn take_away(&mut self, client: &Client, planned: Self) -> Result<(), Error> {
        for switch in planned.switches {
            client.batch_execute(&switch.off).await?;
            self.switches.push(switch);
        }
        for key in planned.keys {
            client.batch_execute(&key.drop).await?;
            self.keys.push(key);
        }
        for index in planned.indexes {
            match client.batch_execute(&index.drop).await {
                Ok(()) => self.indexes.push(index),
                // A view that groups by a primary key, or the like: the index stays and is maintained.
                Err(error) if error.code() == Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn bring_back(&self, client: &Client) -> Result<(), Error> {
        for build in self.builds() {
            client.batch_execute(&build.sql).await?;
        }
        self.constrain(client).await?;
        for validation in self.validations() {
            client.batch_execute(&validation.sql).await?;
        }
        self.finish(client).await
    }

    fn builds(&self) -> Vec<Build> {
        let build = |index: &RemovableIndex| Build {
            doing: building(&index.name, &index.table),
            sql: index.build.clone(),
            weight: 1,
        };
        self.indexes.iter().map(build).collect()
    }

    async fn constrain(&self, client: &Client) -> Result<(), Error> {
        let attached = self
            .indexes
            .iter()
            .filter_map(|index| index.attach.as_ref());
        let added = self.keys.iter().map(|key| &key.add);
        // A key is there before what references it.
        for statement in attached.chain(added) {
            client.batch_execute(statement).await?;
        }
        Ok(())
    }

    fn validations(&self) -> Vec<Build> {
        let validation = |key: &RemovableKey| {
            Some(Build {
                doing: format!("validating foreign key {} of {}", key.name, key.table),
                sql: key.validate.clone()?,
                weight: 1,
            })
        };
        self.keys.iter().filter_map(validation).collect()
    }

    async fn finish(&self, client: &Client) -> Result<(), Error> {
        let of_indexes = self.indexes.iter().flat_map(|index| &index.afterwards);
        let of_keys = self.keys.iter().flat_map(|key| &key.afterwards);
        for statement in of_indexes.chain(of_keys) {
            client.batch_execute(statement).await?;
        }
        turn_on(client, &self.switches).await
    }
}

fn building(index: &RelationName, table: &RelationName) -> String {
    format!("building index {index} of {table}")
}

async fn turn_off(client: &Client, switches: &[Switch]) -> Result<(), Error> {
    for switch in switches {
        client.batch_execute(&switch.off).await?;
    }
    Ok(())
}

async fn turn_on(client: &Client, switches: &[Switch]) -> Result<(), Error> {
    for switch in switches {
        client.batch_execute(&switch.on).await?;
    }
    Ok(())
}
