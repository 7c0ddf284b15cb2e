//! What keeps the tool from writing to a database that is somebody's.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::postgres::connect::describe;
use crate::postgres::identity::{self, Identity, OtherSession};

/// Sessions that an error names.
const NAMED: usize = 5;

/// How often sessions are looked at again: one whose client is gone is listed a moment longer.
const ENDING_LOOKS: u32 = 5;

/// The pause before each look.
const ENDING_PAUSE: Duration = Duration::from_millis(100);

/// Why a database is not written to. Nothing has been changed.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// No session.
    #[error("cannot connect to {endpoint}: {}", describe(source))]
    Connect {
        /// The address, without the password.
        endpoint: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// It was not made by the tool, and nobody said that it may be destroyed.
    #[error(
        "the database `{database}` is there already and carries no mark of a shadow: name one that does not exist, or, if all in it may be lost, say so with\n  pgrehearse mark '{endpoint}' --i-know-this-is-disposable {database}"
    )]
    Unmarked {
        /// The address, without the password.
        endpoint: String,
        /// The database.
        database: String,
    },
    /// A database that servers and people rely on.
    #[error(
        "`{database}` is {what}: name a database of its own for the shadow, as postgres://…/shadow"
    )]
    System {
        /// The database.
        database: String,
        /// What it is.
        what: &'static str,
    },
    /// Others are connected to it.
    #[error(
        "others are connected to `{database}`: {}: end their sessions first",
        named(sessions)
    )]
    Sessions {
        /// The database.
        database: String,
        /// Who.
        sessions: Vec<OtherSession>,
    },
    /// The same database as the schema's source.
    #[error(
        "the shadow and the source of the schema are the same database (`{database}`, system identifier {system_identifier}): a shadow is filled and thrown away, so give another"
    )]
    Source {
        /// The database.
        database: String,
        /// Its cluster.
        system_identifier: i64,
    },
    /// It has rows.
    #[error(
        "the database `{database}` holds rows, in {tables}: only an empty one is filled; --replace drops it and makes it anew"
    )]
    HoldsRows {
        /// The database.
        database: String,
        /// Some of its tables.
        tables: String,
    },
    /// Traffic that writes, to a database that somebody may need.
    #[error(
        "{statement} may write, and nobody has said that `{database}` may be written to: a load leaves in its tables whatever its scripts do to them. Say so, this once, with\n  --i-know-this-is-disposable {database}\nor for good, if all in it may be lost, with\n  pgrehearse mark '{endpoint}' --i-know-this-is-disposable {database}"
    )]
    Writes {
        /// The address, without the password.
        endpoint: String,
        /// The database.
        database: String,
        /// The first statement that writes, by place and text.
        statement: String,
    },
    /// Two names for what is to be marked.
    #[error(
        "the address leads to the database `{database}`, and --i-know-this-is-disposable names `{confirmed}`: both must be the same"
    )]
    NotConfirmed {
        /// As the user typed it.
        confirmed: String,
        /// The one that is there.
        database: String,
    },
    /// A user without the right to create databases.
    #[error(
        "`{user}` may not create the database `{database}`: let a superuser say ALTER ROLE {user} CREATEDB, or create an empty one for you to own, and mark it with pgrehearse mark"
    )]
    MayNotCreate {
        /// The user.
        user: String,
        /// The database.
        database: String,
    },
    /// A user who is not the owner.
    #[error(
        "`{user}` may not {what} `{database}`: connect as its owner, or name a database that does not exist yet"
    )]
    NotOwner {
        /// The user.
        user: String,
        /// What only the owner may.
        what: &'static str,
        /// The database.
        database: String,
    },
    /// What the server does not allow, or the connection's end.
    #[error("the server refused: {}", describe(.0))]
    Server(#[from] tokio_postgres::Error),
}

impl GuardError {
    /// Says of a refusal for want of rights that only the database's owner may do this.
    pub(super) fn of_rights(
        error: tokio_postgres::Error,
        identity: &Identity,
        what: &'static str,
    ) -> Self {
        match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::NotOwner {
                user: identity.user.clone(),
                what,
                database: identity.database.clone(),
            },
            _ => Self::Server(error),
        }
    }
}

fn named(sessions: &[OtherSession]) -> String {
    let name = |session: &OtherSession| {
        let application = match session.application.as_str() {
            "" => String::new(),
            name => format!(", {name}"),
        };
        format!("pid {} ({}{application})", session.pid, session.user)
    };
    let mut names: Vec<String> = sessions.iter().take(NAMED).map(name).collect();
    if sessions.len() > NAMED {
        names.push(format!("and {} more", sessions.len() - NAMED));
    }
    names.join(", ")
}

/// Refuses templates and the database that everybody's tools connect to.
pub(super) fn refuse_system_database(identity: &Identity) -> Result<(), GuardError> {
    let what = match identity.database.as_str() {
        "postgres" => "the database that a server's tools connect to",
        _ if identity.template => "a template of new databases",
        _ => return Ok(()),
    };
    Err(GuardError::System {
        database: identity.database.clone(),
        what,
    })
}

/// Refuses a database that others are connected to.
pub(super) async fn refuse_sessions(
    client: &Client,
    identity: &Identity,
) -> Result<(), GuardError> {
    let mut sessions = identity::other_sessions(client).await?;
    for _ in 0..ENDING_LOOKS {
        if sessions.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(ENDING_PAUSE).await;
        sessions = identity::other_sessions(client).await?;
    }
    match sessions.is_empty() {
        true => Ok(()),
        false => Err(GuardError::Sessions {
            database: identity.database.clone(),
            sessions,
        }),
    }
}

/// Refuses a user who may not create databases.
pub(super) async fn refuse_without_createdb(
    client: &Client,
    database: &str,
) -> Result<(), GuardError> {
    match identity::database_creator(client).await? {
        (_, true) => Ok(()),
        (user, false) => Err(GuardError::MayNotCreate {
            user,
            database: database.to_owned(),
        }),
    }
}

/// Refuses the database that the schema comes from, whatever address leads to it.
pub(super) fn refuse_source(shadow: &Identity, source: &Identity) -> Result<(), GuardError> {
    let same = shadow.system_identifier == source.system_identifier && shadow.oid == source.oid;
    match same {
        false => Ok(()),
        true => Err(GuardError::Source {
            database: shadow.database.clone(),
            system_identifier: shadow.system_identifier,
        }),
    }
}

/// Refuses a database that holds rows.
pub(super) async fn refuse_rows(client: &Client, identity: &Identity) -> Result<(), GuardError> {
    let mut holding = Vec::new();
    for table in identity::tables(client).await? {
        let has_rows = identity::has_rows(client, &table).await;
        if has_rows.map_err(|error| GuardError::of_rights(error, identity, "read all of"))? {
            holding.push(table.to_string());
        }
    }
    if holding.is_empty() {
        return Ok(());
    }
    let more = holding.len().saturating_sub(NAMED);
    holding.truncate(NAMED);
    if more > 0 {
        holding.push(format!("and {more} more"));
    }
    Err(GuardError::HoldsRows {
        database: identity.database.clone(),
        tables: holding.join(", "),
    })
}
