//! What can go wrong with an embedded server, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::postgres::connect::describe;

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
