//! A cluster's life: made by `initdb`, configured, served, shut down.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio_postgres::Config;

use super::error::ServerError;
use super::installation::Installation;
use super::postmaster::Postmaster;
use super::settings::{Durability, Settings};
use crate::postgres::connect::connect;

/// The superuser that `initdb` makes: the name that dumps of production most often give to owners.
const SUPERUSER: &str = "postgres";

/// A second as a rule; minutes are a machine that is not fit to measure on.
const INITDB_LIMIT: Duration = Duration::from_secs(120);

/// From the start of the process to the first connection.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The same after a crash: recovery reads the WAL since the last checkpoint, up to `max_wal_size` and more.
pub(super) const RECOVERY_LIMIT: Duration = Duration::from_secs(900);

/// A clean shutdown writes all that is in memory to the disk.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(600);

/// Flushing what was loaded while `fsync` was off.
const FLUSH_LIMIT: Duration = Duration::from_secs(1800);

/// After SIGQUIT the server gives its processes 5 s, then kills them and goes.
const CRASH_LIMIT: Duration = Duration::from_secs(8);

/// How often a starting server is asked.
const PAUSE: Duration = Duration::from_millis(10);

/// A data directory, the programs it belongs to, and the process that serves it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) installation: Installation,
    pub(super) settings: Settings,
    pub(super) postmaster: Arc<Postmaster>,
}

impl Cluster {
    /// How to connect as the superuser.
    pub(super) fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.postmaster.directory.socket_directory())
            .user(SUPERUSER)
            .dbname(database)
            .connect_timeout(START_LIMIT);
        config
    }

    /// Makes the data directory, in the locale that knows all letters and sorts by code point where
    /// the system has it, else in the one that every system has.
    pub(super) async fn initialize(&self) -> Result<(), ServerError> {
        match self.initialize_in("C.UTF-8").await {
            Err(ServerError::Initdb { log, .. }) if log.contains("invalid locale") => {
                self.initialize_in("C").await
            }
            result => result,
        }
    }

    async fn initialize_in(&self, locale: &str) -> Result<(), ServerError> {
        let mut command = self.command("initdb");
        command
            .arg("--pgdata")
            .arg(self.postmaster.directory.data())
            // The socket's directory is closed to all others.
            .args(["--auth=trust", "--username", SUPERUSER])
            .args(["--encoding=UTF8", "--locale", locale])
            // As a cluster in an English locale has it; "C" would mean `simple`.
            .arg("--text-search-config=english")
            .arg("--no-sync");
        self.run_initdb(command, INITDB_LIMIT).await
    }

    /// Flushes the data directory to the disk.
    pub(super) async fn flush(&self) -> Result<(), ServerError> {
        let mut command = self.command("initdb");
        command
            .arg("--sync-only")
            .arg("--pgdata")
            .arg(self.postmaster.directory.data());
        self.run_initdb(command, FLUSH_LIMIT).await
    }

    async fn run_initdb(&self, command: Command, limit: Duration) -> Result<(), ServerError> {
        let log = self.postmaster.log_length();
        self.spawn("initdb", command, Signal::KILL)?;
        let ended = self.postmaster.wait(limit).await;
        let how = match ended.map_err(|source| self.unwatched(source))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => format!("failed ({status})"),
            None if self.postmaster.is_up() => {
                format!("did not end within {} s", limit.as_secs())
            }
            None => "was stopped".to_owned(),
        };
        Err(ServerError::Initdb {
            how,
            log: self.postmaster.log_tail(log),
        })
    }

    /// Starts the server and waits for the first connection.
    pub(super) async fn launch(&self, durability: Durability) -> Result<(), ServerError> {
        self.launch_within(durability, START_LIMIT).await
    }

    /// The same, for so long at the most.
    pub(super) async fn launch_within(
        &self,
        durability: Durability,
        limit: Duration,
    ) -> Result<(), ServerError> {
        self.configure(durability)?;
        let log = self.postmaster.log_length();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.postmaster.directory.data());
        self.spawn("postgres", command, Signal::QUIT)?;
        self.wait_until_ready(log, limit).await
    }

    /// `log` is the log's length before the start.
    async fn wait_until_ready(&self, log: u64, limit: Duration) -> Result<(), ServerError> {
        let config = self.config("postgres");
        let deadline = Instant::now() + limit;
        let how = loop {
            let ended = self.postmaster.ended();
            if let Some(status) = ended.map_err(|source| self.unwatched(source))? {
                break format!("ended while it started ({status})");
            }
            if connect(&config, "pgrehearse start").await.is_ok() {
                return Ok(());
            }
            if !self.postmaster.is_up() {
                break "was stopped while it started".to_owned();
            }
            if Instant::now() >= deadline {
                break format!("accepted no connection within {} s", limit.as_secs());
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

    /// Fast shutdown: sessions are ended, a checkpoint is written.
    pub(super) async fn shut_down(&self) -> Result<(), ServerError> {
        self.postmaster.signal(Signal::INT);
        let ended = self.postmaster.wait(SHUTDOWN_LIMIT).await;
        let log = self.postmaster.log_tail(0);
        match ended.map_err(|source| self.unwatched(source))? {
            Some(status) if status.success() => Ok(()),
            None if self.postmaster.is_up() => Err(ServerError::Shutdown {
                limit: SHUTDOWN_LIMIT,
                log,
            }),
            // It was gone before it was asked to go.
            _ => Err(ServerError::NotRunning { log }),
        }
    }

    /// Immediate shutdown: every process exits without writing anything more. SIGKILL would leave the same on
    /// the disk, but also processes that the next server must wait for.
    pub(super) async fn crash(&self) -> Result<(), ServerError> {
        self.postmaster.signal(Signal::QUIT);
        let ended = self.postmaster.wait(CRASH_LIMIT).await;
        if ended.map_err(|source| self.unwatched(source))?.is_none() && self.postmaster.is_up() {
            self.postmaster.signal(Signal::KILL);
            let ended = self.postmaster.wait(CRASH_LIMIT).await;
            ended.map_err(|source| self.unwatched(source))?;
        }
        Ok(())
    }

    /// Writes `postgresql.conf` anew: never into what is there under that name.
    fn configure(&self, durability: Durability) -> Result<(), ServerError> {
        let directory = &self.postmaster.directory;
        let path = directory.data().join("postgresql.conf");
        let text = self
            .settings
            .file(&directory.socket_directory(), durability);
        self.replace(&path, &text)
            .map_err(|source| ServerError::File { path, source })
    }

    fn replace(&self, path: &Path, text: &str) -> io::Result<()> {
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
        fs::rename(&new, path)
    }

    fn command(&self, program: &str) -> Command {
        self.installation
            .command(program, self.postmaster.directory.path())
    }

    fn spawn(&self, program: &str, command: Command, death: Signal) -> Result<(), ServerError> {
        self.postmaster
            .spawn(command, death)
            .map_err(|error| self.installation.cannot_run(program, error))
    }

    fn unwatched(&self, source: io::Error) -> ServerError {
        ServerError::File {
            path: self.postmaster.directory.path().to_owned(),
            source,
        }
    }
}
