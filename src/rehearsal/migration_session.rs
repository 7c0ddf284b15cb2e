//! The session that a migration runs on, and its errors as reports name them.

use std::time::Duration;

use tokio_postgres::{Client, Config, Error};

use crate::observe::ServerError;
use crate::observe::migration::MigrationError;
use crate::postgres::backends;
use crate::postgres::connect::{Notices, Session, connect_with_notices};
use crate::postgres::facts::FactSnapshot;
use crate::postgres::timeouts::session_lock_timeout;

/// What a step of the migration gives, or the error that ends the migration.
pub(super) type Outcome<T> = Result<T, MigrationError>;

/// A connection and what the server says on it.
pub(super) struct MigrationSession {
    session: Session,
    notices: Notices,
    pid: i32,
}

impl MigrationSession {
    /// Opens it, with the scenario's `lock_timeout`; zero is none.
    pub(super) async fn open(config: &Config, lock_timeout: Duration) -> Outcome<Self> {
        let opened = open(config, lock_timeout).await;
        opened.map_err(|error| failure(&error, None))
    }

    pub(super) fn client(&self) -> &Client {
        &self.session.client
    }

    /// Its backend's process id.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// What the server has said since the last call.
    pub(super) fn messages(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.notices.try_recv().ok())
            .map(|notice| notice.message().to_owned())
            .collect()
    }

    /// The session's `lock_timeout` now; zero is none.
    pub(super) async fn lock_timeout(&self) -> Outcome<Duration> {
        let read = session_lock_timeout(self.client()).await;
        read.map_err(|error| failure(&error, None))
    }

    /// What the session sees now.
    pub(super) async fn snapshot(&self) -> Outcome<FactSnapshot> {
        let read = FactSnapshot::read(self.client()).await;
        read.map_err(|error| failure(&error, None))
    }

    /// What it sees of the relations that its open transaction has locked.
    pub(super) async fn locked(&self) -> Outcome<FactSnapshot> {
        let read = FactSnapshot::read_locked(self.client()).await;
        read.map_err(|error| failure(&error, None))
    }
}

async fn open(config: &Config, lock_timeout: Duration) -> Result<MigrationSession, Error> {
    let (session, notices) = connect_with_notices(config, "pgrehearse migration").await?;
    let timeout = lock_timeout.as_millis();
    // debug1 makes the server name the tables that it rewrites and verifies.
    let settings = format!("SET lock_timeout = '{timeout}ms'; SET client_min_messages = debug1");
    session.client.batch_execute(&settings).await?;
    Ok(MigrationSession {
        pid: backends::own_pid(&session.client).await?,
        session,
        notices,
    })
}

/// An error as the server reported it; of the driver's own, what the driver says.
pub(super) fn server_error(error: &Error) -> ServerError {
    match error.as_db_error() {
        Some(error) => ServerError {
            sqlstate: Some(error.code().code().to_owned()),
            message: match error.detail() {
                Some(detail) => format!("{} ({detail})", error.message()),
                None => error.message().to_owned(),
            },
        },
        None => ServerError {
            sqlstate: None,
            message: error.to_string(),
        },
    }
}

/// The error that ends the migration, of this statement if it was one's doing.
pub(super) fn failure(error: &Error, statement: Option<usize>) -> MigrationError {
    let ServerError { sqlstate, message } = server_error(error);
    MigrationError {
        sqlstate,
        message,
        statement,
    }
}
