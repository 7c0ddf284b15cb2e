//! The embedded server: a private PostgreSQL that lives no longer than the tool.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Config;

use super::cache::CachedFill;
use super::cluster::{Cluster, RECOVERY_LIMIT};
use super::directory::{RunDirectory, sweep};
use super::error::ServerError;
use super::installation::Installation;
use super::machine::Machine;
use super::postmaster::{EmergencyStop, Postmaster};
use super::settings::{Durability, Settings};
use crate::postgres::connect::connect;
use crate::postgres::database;

/// The database that is rehearsed on.
const DATABASE: &str = "shadow";

/// What an embedded server is started with.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The folder that holds `initdb` and `postgres`; see [`find_pg_bin`](super::find_pg_bin).
    pub pg_bin: PathBuf,
    /// `[shadow.settings]`: any GUC; they win over the tool's own.
    pub settings: BTreeMap<String, String>,
    /// Sessions of the application and the tool together.
    pub connections: u32,
    /// Leave the directory when the server stops, for a person to look into.
    pub keep: bool,
}

/// A running embedded server. Dropping it ends the process and removes the directory, on every path:
/// return, error, panic. If the tool is killed, the kernel tells the server to go (Linux).
///
/// The kernel watches the *thread* that called [`start`](Self::start) or [`restart`](Self::restart):
/// call both from one that lives as long as the server should, best the main one.
#[derive(Debug)]
pub struct Server {
    cluster: Cluster,
    durability: Durability,
}

impl Server {
    /// Sweeps what crashed runs left, makes a cluster, and starts a server that accepts connections,
    /// as durable as in production, with an empty database.
    ///
    /// # Errors
    /// Each names what is wrong and what to do; where the server itself failed, with the last lines
    /// of its log. Nothing is left behind.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        Self::start_as(options, Durability::Production).await
    }

    /// As [`start`](Self::start), with this durability.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_as(
        options: ServerOptions,
        durability: Durability,
    ) -> Result<Self, ServerError> {
        let server = Self::prepare(options, durability)?;
        server.cluster.initialize().await?;
        server.cluster.launch(durability).await?;
        server.create_database().await?;
        Ok(server)
    }

    /// Starts a server on a copy of a cached database, as durable as in production.
    ///
    /// # Errors
    /// As [`start`](Self::start); the copy cannot be made, or `stopped` ended it.
    pub async fn restore(
        options: ServerOptions,
        cached: &CachedFill,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Self, ServerError> {
        let server = Self::prepare(options, Durability::Production)?;
        let data = server.cluster.postmaster.directory.data();
        let account = server.cluster.installation.account.as_ref();
        cached
            .copy_to(&data, account, stopped)
            .map_err(|source| ServerError::File { path: data, source })?;
        server.cluster.flush().await?;
        server.cluster.launch(Durability::Production).await?;
        Ok(server)
    }

    /// Everything but the data directory.
    fn prepare(options: ServerOptions, durability: Durability) -> Result<Self, ServerError> {
        sweep();
        let settings = Settings {
            machine: Machine::measure(),
            connections: options.connections,
            user: options.settings,
        };
        settings.check()?;
        let installation = Installation::open(&options.pg_bin)?;
        let directory = RunDirectory::create(installation.account.as_ref(), options.keep)?;
        Ok(Self {
            cluster: Cluster {
                installation,
                settings,
                postmaster: Arc::new(Postmaster::new(directory)),
            },
            durability,
        })
    }

    /// How to connect as the superuser to the database that is rehearsed on.
    pub fn config(&self) -> Config {
        self.cluster.config(DATABASE)
    }

    /// The server's version, as `15.18`.
    pub fn version(&self) -> &str {
        &self.cluster.installation.version
    }

    /// The server's directory, with `server.log` in it.
    pub fn directory(&self) -> &Path {
        self.cluster.postmaster.directory.path()
    }

    /// The server's durability now.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The settings that a report shows, as the server itself prints them.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn settings_shown(&self) -> Result<BTreeMap<String, String>, ServerError> {
        let failed = query("could not show its settings");
        let session = connect(&self.config(), "pgrehearse settings").await;
        database::important_settings(&session.map_err(&failed)?.client)
            .await
            .map_err(&failed)
    }

    /// Shuts the server down cleanly and starts it with another durability. All sessions end.
    /// Leaving [`Durability::Filling`], all that was loaded is flushed to the disk first, so that the
    /// machine's write-back does not disturb what is measured next.
    ///
    /// # Errors
    /// As [`start`](Self::start). The server is then down.
    pub async fn restart(&mut self, durability: Durability) -> Result<(), ServerError> {
        self.restart_after(durability, |_| ()).await.map(drop)
    }

    /// As [`restart`](Self::restart), and meanwhile hands the data directory to whoever wants to
    /// copy it.
    ///
    /// # Errors
    /// As [`restart`](Self::restart).
    pub async fn restart_after<T>(
        &mut self,
        durability: Durability,
        meanwhile: impl FnOnce(&Path) -> T,
    ) -> Result<T, ServerError> {
        self.cluster.shut_down().await?;
        if (self.durability, durability) == (Durability::Filling, Durability::Production) {
            self.cluster.flush().await?;
        }
        self.durability = durability;
        let done = meanwhile(&self.cluster.postmaster.directory.data());
        self.cluster.launch(durability).await?;
        Ok(done)
    }

    /// Lets the server crash, as by a power failure: its processes end at once, nothing is written, all
    /// sessions are lost. Then starts it again on what the disk has, which it recovers from its WAL. Gives how
    /// long no connection was taken.
    ///
    /// # Errors
    /// As [`start`](Self::start). The server is then down.
    pub async fn crash(&self) -> Result<Duration, ServerError> {
        let crashed = Instant::now();
        self.cluster.crash().await?;
        let launched = self.cluster.launch_within(self.durability, RECOVERY_LIMIT);
        launched.await?;
        Ok(crashed.elapsed())
    }

    /// What the server's log says of its own breakdown, if it had one: a full disk, a killed process.
    pub fn last_words(&self) -> Option<String> {
        self.cluster.postmaster.last_words()
    }

    /// A handle that ends the server from elsewhere, at once.
    pub fn emergency(&self) -> EmergencyStop {
        EmergencyStop::new(Arc::clone(&self.cluster.postmaster))
    }

    /// Ends the server and removes its directory. A directory that is kept is left cleanly shut down.
    ///
    /// # Errors
    /// The directory could not be removed, or the server would not shut down.
    pub async fn stop(self) -> Result<(), ServerError> {
        let postmaster = &self.cluster.postmaster;
        if postmaster.directory.is_kept() {
            self.cluster.shut_down().await?;
        }
        postmaster.end().map_err(|source| ServerError::File {
            path: postmaster.directory.path().to_owned(),
            source,
        })
    }

    async fn create_database(&self) -> Result<(), ServerError> {
        let failed = query("could not create the shadow's database");
        let session = connect(&self.cluster.config("postgres"), "pgrehearse start").await;
        database::create_database(&session.map_err(&failed)?.client, DATABASE)
            .await
            .map_err(&failed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An emergency handle may outlive the server; the process and the directory must not. There
        // is nobody left to tell of a failure, and the next run's sweep tries again.
        let _ = self.cluster.postmaster.end();
    }
}

fn query(while_doing: &'static str) -> impl Fn(tokio_postgres::Error) -> ServerError {
    move |source| ServerError::Query {
        while_doing,
        source,
    }
}
