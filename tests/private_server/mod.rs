//! A PostgreSQL server for one test: a Unix socket in a private directory, gone when dropped.

#![expect(dead_code, reason = "tests and benchmarks each use a part of it")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without its server has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

pub(crate) struct PrivateServer {
    postgres: Option<Child>,
    directory: TempDir,
}

impl PrivateServer {
    /// Makes a cluster and starts it; returns when it answers.
    pub(crate) async fn start() -> Self {
        let directory = TempDir::with_prefix_in("pgr-traffic-", "/tmp").unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(directory.path()));
        }
        run(unprivileged("initdb")
            .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"])
            .args(["--no-sync", "-D"])
            .arg(directory.path().join("data")));
        let mut server = Self {
            postgres: None,
            directory,
        };
        server.restart().await;
        server
    }

    /// Starts the server, which is down; returns when it answers.
    pub(crate) async fn restart(&mut self) {
        let postgres = unprivileged("postgres")
            .arg("-D")
            .arg(self.directory.path().join("data"))
            .arg("-k")
            .arg(self.directory.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=60"])
            .args([
                "-c",
                "synchronous_commit=off",
                "-c",
                "log_min_messages=fatal",
            ])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.postgres = Some(postgres);
        for _ in 0..1_000 {
            if self.config().connect(NoTls).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server does not answer");
    }

    /// Stops the server and all its sessions at once.
    pub(crate) fn stop(&mut self) {
        if let Some(mut postgres) = self.postgres.take() {
            // SIGINT is PostgreSQL's fast shutdown.
            run(Command::new("kill").args(["-INT", &postgres.id().to_string()]));
            postgres.wait().unwrap();
        }
    }

    /// Where the server's socket is.
    pub(crate) fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// How to connect to it.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.directory.path())
            .user("postgres")
            .dbname("postgres");
        config
    }

    /// A connection of the test's own.
    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = self.config().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A PostgreSQL program as a user that it accepts, which the kernel ends together with this thread.
fn unprivileged(program: &str) -> Command {
    let program = bin_directory().join(program);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .args(["--pdeathsig=KILL", "--"])
        .arg(program)
        .current_dir("/tmp");
    command
}

/// The newest PostgreSQL of the system's packages.
pub(crate) fn bin_directory() -> PathBuf {
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("postgres").exists())
        .collect();
    installed.sort();
    installed.pop().unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
