//! A database that traffic is sent to as it is, and what keeps the traffic from changing one that
//! somebody needs.

use super::guard::GuardError;
use super::mark::is_marked;
use crate::postgres::endpoint::Endpoint;
use crate::postgres::identity::{self, Identity};

/// Why traffic may write to a database, or that it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Licence {
    /// It may not: the server itself refuses writes of the traffic's sessions.
    ReadOnly,
    /// The database carries the mark of a shadow.
    Marked,
    /// The user has named it as one that may be written to, this time.
    Confirmed,
}

impl Licence {
    /// For people, after "on DATABASE".
    pub fn told(self) -> &'static str {
        match self {
            Self::ReadOnly => "read only",
            Self::Marked => "marked as disposable",
            Self::Confirmed => "disposable by your word",
        }
    }
}

/// What is to be sent to a database.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The database.
    pub endpoint: Endpoint,
    /// The first statement that writes, by place and text; none where all only read.
    pub writing: Option<String>,
    /// The database's name, where the user gave it as one that may be written to.
    pub confirmed: Option<String>,
}

/// A database that may have this traffic.
#[derive(Debug, Clone)]
pub struct Target {
    endpoint: Endpoint,
    identity: Identity,
    licence: Licence,
    others: usize,
}

impl Target {
    /// Finds out which database the address leads to and whether the traffic may be sent there: what only
    /// reads may be sent anywhere, what writes only to a database that is marked or named once more.
    ///
    /// The text of a statement does not show all that it does (a function may write). Therefore sessions
    /// on a database that nobody called disposable are read-only, and the server keeps them so.
    ///
    /// # Errors
    /// The refusal, before anything is sent; what the server says.
    pub async fn open(sending: Sending) -> Result<Self, GuardError> {
        let Sending {
            endpoint,
            writing,
            confirmed,
        } = sending;
        let session = endpoint.connect("pgrehearse load").await;
        let session = session.map_err(|source| GuardError::Connect {
            endpoint: endpoint.to_string(),
            source,
        })?;
        let identity = identity::read(&session.client).await?;
        let others = identity::other_sessions(&session.client).await?.len();
        // It has served; what ends it is of no consequence.
        let _ = session.close().await;
        let database = identity.database.clone();
        let licence = match confirmed {
            Some(confirmed) if confirmed != database => {
                return Err(GuardError::NotConfirmed {
                    confirmed,
                    database,
                });
            }
            Some(_) => Licence::Confirmed,
            None if is_marked(&identity) => Licence::Marked,
            None => Licence::ReadOnly,
        };
        let endpoint = endpoint.with_database(&database);
        match (licence, writing) {
            (Licence::ReadOnly, Some(statement)) => Err(GuardError::Writes {
                endpoint: endpoint.to_string(),
                database,
                statement,
            }),
            (Licence::ReadOnly, None) => Ok(Self {
                endpoint: endpoint.with_setting("default_transaction_read_only", "on"),
                identity,
                licence,
                others,
            }),
            _ => Ok(Self {
                endpoint,
                identity,
                licence,
                others,
            }),
        }
    }

    /// How to connect to it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Which database it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Why the traffic may write to it, or that it may not.
    pub fn licence(&self) -> Licence {
        self.licence
    }

    /// Sessions of others that were connected to it before the traffic.
    pub fn others(&self) -> usize {
        self.others
    }
}
