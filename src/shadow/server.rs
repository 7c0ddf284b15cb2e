//! The embedded server: a private PostgreSQL that lives no longer than the tool.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio_postgres::Config;

use super::directory::{RunDirectory, sweep};
use super::installation::{Installation, barrier};
use super::machine::Machine;
use super::postmaster::{EmergencyStop, Postmaster};
use super::settings::{Durability, Settings};
use crate::postgres::connect::{connect, describe};
use crate::postgres::database;

/// The superuser that `initdb` makes: the name that dumps of production most often give to owners.
const SUPERUSER: &str = "postgres";

/// The database that is rehearsed on.
const DATABASE: &str = "shadow";

/// `initdb` takes about a second; a minute is a machine that is not fit to measure on.
const INITDB_LIMIT: Duration = Duration::from_secs(120);

/// From the start of the process to the first connection.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A clean shutdown writes all that is in memory to the disk.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(600);

/// Flushing what was loaded while `fsync` was off.
const SYNC_LIMIT: Duration = Duration::from_secs(1800);

/// How often a starting server is asked.
const PAUSE: Duration = Duration::from_millis(10);

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

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Nothing found to run.
    #[error(
        "no PostgreSQL server programs (initdb, postgres) were found: run scripts/postgres to install them, or name their folder with --pg-bin"
    )]
    NoPostgres,
    /// A folder was named, and is none.
    #[error(
        "there is no `{program}` in {bin}, which {named_by} names: give the bin folder of a PostgreSQL server, as scripts/postgres prints it"
    )]
    BadBin {
        /// The folder.
        bin: PathBuf,
        /// The missing program.
        program: &'static str,
        /// The flag or the variable that named it.
        named_by: &'static str,
    },
    /// Run by root, on a system without users.
    #[error(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as: create one, or run pgrehearse as another user"
    )]
    NoAccount,
    /// The server's user may not go there.
    #[error(
        "{path} cannot be used by the user `{user}`, whom servers run as under root: {folder} keeps that user out. Open it (chmod o+x) or use another place"
    )]
    Unreachable {
        /// What was wanted.
        path: PathBuf,
        /// The folder that does not let the user pass.
        folder: PathBuf,
        /// The user.
        user: &'static str,
    },
    /// The program did not start.
    #[error("{program} could not be started: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program started and could not say its version.
    #[error("{program} --version failed: {output}")]
    Version {
        /// The program.
        program: PathBuf,
        /// What it printed.
        output: String,
    },
    /// No directory for the server.
    #[error(
        "the server's directory could not be made in {parent} (TMPDIR names another place): {source}"
    )]
    Directory {
        /// Where it should have been.
        parent: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory is too deep for a Unix socket.
    #[error(
        "the server's socket {path} would have a path of {length} bytes, and the system allows {most}: set TMPDIR to a shorter path, as /tmp"
    )]
    SocketPath {
        /// The socket.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// The most that the system allows.
        most: usize,
    },
    /// A name in `[shadow.settings]` is none.
    #[error("`{name}` in [shadow.settings] is not the name of a PostgreSQL setting")]
    SettingName {
        /// The name.
        name: String,
    },
    /// A name in `[shadow.settings]` is the tool's.
    #[error(
        "`{name}` in [shadow.settings] cannot be set: pgrehearse finds and reaches its own server by it"
    )]
    SettingReserved {
        /// The name.
        name: String,
    },
    /// A file of the server could not be written or its process not be watched.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb {how}; it printed:\n{log}")]
    Initdb {
        /// How it ended.
        how: String,
        /// Its last lines.
        log: String,
    },
    /// The server ended while it started, or did not become ready.
    #[error("the PostgreSQL server {how}{hint}; the end of its log:\n{log}")]
    Start {
        /// How it ended.
        how: String,
        /// What the user may have done.
        hint: &'static str,
        /// Its log's last lines.
        log: String,
    },
    /// The server ended while it should have run, or was ended.
    #[error("the PostgreSQL server is not running; the end of its log:\n{log}")]
    NotRunning {
        /// Its log's last lines.
        log: String,
    },
    /// A clean shutdown took too long.
    #[error("the PostgreSQL server did not shut down within {} s; the end of its log:\n{log}", limit.as_secs())]
    Shutdown {
        /// How long it was given.
        limit: Duration,
        /// Its log's last lines.
        log: String,
    },
    /// A statement of the tool's own failed.
    #[error("the PostgreSQL server {while_doing}: {}", describe(source))]
    Query {
        /// What it should have done.
        while_doing: &'static str,
        /// Why it did not.
        source: tokio_postgres::Error,
    },
}

/// A running embedded server. Dropping it ends the process and removes the directory, on every path:
/// return, error, panic. If the tool is killed, the kernel tells the server to go (Linux).
///
/// The kernel watches the *thread* that called [`start`](Self::start) or [`restart`](Self::restart):
/// call both from one that lives as long as the server should, best the main one.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    settings: Settings,
    durability: Durability,
    postmaster: Arc<Postmaster>,
}

impl Server {
    /// Sweeps what crashed runs left, makes a cluster, and starts a server that accepts connections,
    /// as durable as production, with an empty database.
    ///
    /// # Errors
    /// Each names what is wrong and what to do; where the server itself failed, with the last lines
    /// of its log. Nothing is left behind.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        sweep();
        let settings = Settings {
            machine: Machine::measure(),
            connections: options.connections,
            user: options.settings,
        };
        settings.check()?;
        let installation = Installation::open(&options.pg_bin)?;
        let directory = RunDirectory::create(installation.account.as_ref(), options.keep)?;
        let mut server = Self {
            installation,
            settings,
            durability: Durability::Production,
            postmaster: Arc::new(Postmaster::new(directory)),
        };
        server.check_reach()?;
        server.initialize().await?;
        server.launch(Durability::Production).await?;
        server.create_database().await?;
        Ok(server)
    }

    /// How to connect as the superuser to the database that is rehearsed on.
    pub fn config(&self) -> Config {
        self.config_for(DATABASE)
    }

    /// The server's version, as `15.18`.
    pub fn version(&self) -> &str {
        &self.installation.version
    }

    /// The server's directory, with `server.log` in it.
    pub fn directory(&self) -> &Path {
        self.postmaster.directory.path()
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
        let session = connect(&self.config(), "pgrehearse settings")
            .await
            .map_err(&failed)?;
        database::important_settings(&session.client)
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
        self.shut_down().await?;
        if (self.durability, durability) == (Durability::Filling, Durability::Production) {
            self.flush().await?;
        }
        self.launch(durability).await
    }

    /// A handle that ends the server from elsewhere, at once.
    pub fn emergency(&self) -> EmergencyStop {
        EmergencyStop::new(Arc::clone(&self.postmaster))
    }

    /// Ends the server and removes its directory. A directory that is kept is left cleanly shut down.
    ///
    /// # Errors
    /// The directory could not be removed, or the server would not shut down.
    pub async fn stop(self) -> Result<(), ServerError> {
        if self.postmaster.directory.is_kept() {
            self.shut_down().await?;
        }
        self.postmaster.end().map_err(|source| self.file(source))
    }

    fn config_for(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.postmaster.directory.socket_directory())
            .user(SUPERUSER)
            .dbname(database)
            .connect_timeout(START_LIMIT);
        config
    }

    /// The temporary directory may be one that the server's user cannot enter.
    fn check_reach(&self) -> Result<(), ServerError> {
        let path = self.postmaster.directory.path();
        match &self.installation.account {
            Some(account) => match barrier(path, account) {
                Some(folder) => Err(ServerError::Unreachable {
                    path: path.to_owned(),
                    folder,
                    user: account.name,
                }),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Makes the cluster, with the locale that sorts by code point and knows all letters where the
    /// system has it.
    async fn initialize(&self) -> Result<(), ServerError> {
        let first = self.initialize_with("C.UTF-8").await;
        match first {
            Err(ServerError::Initdb { log, .. }) if log.contains("invalid locale") => {
                self.initialize_with("C").await
            }
            result => result,
        }
    }

    async fn initialize_with(&self, locale: &str) -> Result<(), ServerError> {
        let mut command = self.command("initdb");
        command
            .arg("--pgdata")
            .arg(self.postmaster.directory.data())
            // The socket's directory is closed to all others.
            .args(["--auth=trust", "--username", SUPERUSER])
            .args(["--encoding=UTF8", "--locale", locale])
            // As a cluster in an English locale has it; "C" would mean `simple`.
            .args(["--text-search-config=english"])
            .args(["--no-sync", "--no-instructions"]);
        self.run_initdb(command, INITDB_LIMIT).await
    }

    /// Flushes the data directory to the disk.
    async fn flush(&self) -> Result<(), ServerError> {
        let mut command = self.command("initdb");
        command
            .arg("--sync-only")
            .arg("--pgdata")
            .arg(self.postmaster.directory.data());
        self.run_initdb(command, SYNC_LIMIT).await
    }

    async fn run_initdb(&self, command: Command, limit: Duration) -> Result<(), ServerError> {
        let log = self.postmaster.log_length();
        self.postmaster
            .spawn(command, Signal::KILL)
            .map_err(|error| self.installation.cannot_run("initdb", error))?;
        let status = self.postmaster.wait(limit).await;
        let how = match status.map_err(|source| self.file(source))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => format!("failed ({status})"),
            None => format!("did not end within {} s", limit.as_secs()),
        };
        Err(ServerError::Initdb {
            how,
            log: self.postmaster.log_tail(log),
        })
    }

    /// Starts the server and waits for the first connection.
    async fn launch(&mut self, durability: Durability) -> Result<(), ServerError> {
        self.write_configuration(durability)?;
        let log = self.postmaster.log_length();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.postmaster.directory.data());
        self.postmaster
            .spawn(command, Signal::QUIT)
            .map_err(|error| self.installation.cannot_run("postgres", error))?;
        self.durability = durability;
        self.wait_until_ready(log).await
    }

    async fn wait_until_ready(&self, log: u64) -> Result<(), ServerError> {
        let deadline = Instant::now() + START_LIMIT;
        let how = loop {
            let ended = self
                .postmaster
                .ended()
                .map_err(|source| self.file(source))?;
            if let Some(status) = ended {
                break format!("ended while starting ({status})");
            }
            let config = self.config_for("postgres");
            if connect(&config, "pgrehearse start").await.is_ok() {
                return Ok(());
            }
            if !self.postmaster.is_up() {
                break "was stopped while starting".to_owned();
            }
            if Instant::now() >= deadline {
                break format!("accepted no connection within {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(PAUSE).await;
        };
        Err(ServerError::Start {
            how,
            hint: match self.settings.user.is_empty() {
                true => "",
                false => ", perhaps for a setting in [shadow.settings]",
            },
            log: self.postmaster.log_tail(log),
        })
    }

    /// Writes `postgresql.conf` anew: never into what is there under that name.
    fn write_configuration(&self, durability: Durability) -> Result<(), ServerError> {
        let directory = &self.postmaster.directory;
        let path = directory.data().join("postgresql.conf");
        let text = self
            .settings
            .file(&directory.socket_directory(), durability);
        let replace = || {
            let new = path.with_extension("conf.new");
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(text.as_bytes())?;
            if let Some(account) = &self.installation.account {
                chown(&new, Some(account.uid), Some(account.gid))?;
            }
            fs::rename(&new, &path)
        };
        replace().map_err(|source| ServerError::File {
            path: path.clone(),
            source,
        })
    }

    async fn create_database(&self) -> Result<(), ServerError> {
        let failed = query("could not create the shadow's database");
        let session = connect(&self.config_for("postgres"), "pgrehearse start")
            .await
            .map_err(&failed)?;
        database::create_database(&session.client, DATABASE)
            .await
            .map_err(&failed)
    }

    /// Fast shutdown: sessions are ended, a checkpoint is written.
    async fn shut_down(&self) -> Result<(), ServerError> {
        if !self.postmaster.is_up() {
            return Err(ServerError::NotRunning {
                log: self.postmaster.log_tail(0),
            });
        }
        self.postmaster.signal(Signal::INT);
        match self.postmaster.wait(SHUTDOWN_LIMIT).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(ServerError::Shutdown {
                limit: SHUTDOWN_LIMIT,
                log: self.postmaster.log_tail(0),
            }),
            Err(source) => Err(self.file(source)),
        }
    }

    fn command(&self, program: &str) -> Command {
        self.installation
            .command(program, self.postmaster.directory.path())
    }

    fn file(&self, source: io::Error) -> ServerError {
        ServerError::File {
            path: self.postmaster.directory.path().to_owned(),
            source,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An emergency handle may outlive the server; the process and the directory must not. There
        // is nobody left to tell of a failure, and the next run's sweep tries again.
        let _ = self.postmaster.end();
    }
}

fn query(while_doing: &'static str) -> impl Fn(tokio_postgres::Error) -> ServerError {
    move |source| ServerError::Query {
        while_doing,
        source,
    }
}
