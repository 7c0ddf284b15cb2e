//! PostgreSQL's programs: where they are, which version they are, and how they are run.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::error::ServerError;

/// The programs that an embedded server needs.
const PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// Folders that hold one installation a version, by system.
const INSTALLATIONS: [&str; 5] = [
    "/usr/lib/postgresql", // Debian: 15/bin
    "/usr",                // Red Hat: pgsql-15/bin
    "/opt/homebrew/opt",   // Homebrew on Apple silicon: postgresql@15/bin
    "/usr/local/opt",      // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt",
];

/// The folder with `initdb` and `postgres`: the one given, else of the environment variable
/// `PGREHEARSE_PG_BIN`, else what `pg_config` on the PATH says, else the newest version in the
/// places where systems install it.
///
/// # Errors
/// A folder that was named lacks one of the programs, or nothing was found.
pub fn find_pg_bin(explicit: Option<&Path>) -> Result<PathBuf, ServerError> {
    let named = explicit
        .map(|bin| (bin.to_owned(), "--pg-bin"))
        .or_else(|| {
            let bin = env::var_os("PGREHEARSE_PG_BIN").filter(|bin| !bin.is_empty())?;
            Some((PathBuf::from(bin), "PGREHEARSE_PG_BIN"))
        });
    if let Some((bin, named_by)) = named {
        return match missing_program(&bin) {
            None => Ok(bin),
            Some(program) => Err(ServerError::BadBin {
                bin,
                program,
                named_by,
            }),
        };
    }
    pg_config_bin()
        .into_iter()
        .chain(newest_installed())
        .find(|bin| missing_program(bin).is_none())
        .ok_or(ServerError::NoPostgres)
}

/// The build of PostgreSQL that [`find_pg_bin`] finds: its version and where it is.
///
/// # Errors
/// As [`find_pg_bin`]; programs that cannot be run.
pub fn postgres_build(explicit: Option<&Path>) -> Result<String, ServerError> {
    let Installation { version, bin, .. } = Installation::open(&find_pg_bin(explicit)?)?;
    Ok(format!("{version} in {}", bin.display()))
}

fn missing_program(bin: &Path) -> Option<&'static str> {
    PROGRAMS
        .into_iter()
        .find(|program| !bin.join(program).is_file())
}

fn pg_config_bin() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let bin = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(bin.trim_end()))
}

/// Installed `bin` folders, the newest version first.
fn newest_installed() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = INSTALLATIONS
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .filter_map(|entry| Some((major(&entry.file_name())?, entry.path().join("bin"))))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// The version in a folder's name: `15`, `pgsql-15`, `postgresql@15`.
fn major(folder: &OsStr) -> Option<u32> {
    let name = folder.to_str()?;
    let digits = ["pgsql-", "postgresql@"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    digits.parse().ok()
}

/// An installation that this process can run servers of.
#[derive(Debug)]
pub(super) struct Installation {
    bin: PathBuf,
    /// As `15.18`.
    pub(super) version: String,
    /// Whom its programs run as; none: this process' own user.
    pub(super) account: Option<Account>,
}

impl Installation {
    /// Runs `postgres --version` as the server's user, so that programs which cannot run are found
    /// before anything is made.
    pub(super) fn open(bin: &Path) -> Result<Self, ServerError> {
        let mut installation = Self {
            // Its programs are run in other folders.
            bin: std::path::absolute(bin).unwrap_or_else(|_| bin.to_owned()),
            version: String::new(),
            account: Account::for_servers()?,
        };
        let output = installation
            .command("postgres", Path::new("/"))
            .arg("--version")
            .output()
            .map_err(|error| installation.cannot_run("postgres", error))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
        installation.version = match printed.split_whitespace().nth(2) {
            Some(version) if output.status.success() => version.to_owned(),
            _ => {
                return Err(ServerError::Version {
                    program: installation.bin.join("postgres"),
                    output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                });
            }
        };
        Ok(installation)
    }

    /// A command of this installation that runs as the server's user in `folder`, reads nothing, and
    /// takes nothing from the caller's PostgreSQL or language settings.
    pub(super) fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            // A terminal's Ctrl-C is for the tool, which then stops its server itself.
            .process_group(0)
            .env("LC_ALL", "C");
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        if let Some(account) = &self.account {
            account.assume(&mut command);
        }
        command
    }

    /// Why a program could not be started: mostly a folder that keeps the server's user out.
    pub(super) fn cannot_run(&self, program: &str, source: io::Error) -> ServerError {
        let program = self.bin.join(program);
        let reach = match &self.account {
            Some(account) if source.kind() == io::ErrorKind::PermissionDenied => {
                account.check_reach(&self.bin)
            }
            _ => Ok(()),
        };
        match reach {
            Ok(()) => ServerError::Spawn { program, source },
            Err(barrier) => barrier,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_installations_tell_their_version() {
        for (folder, version) in [
            ("15", Some(15)),
            ("9", Some(9)),
            ("pgsql-17", Some(17)),
            ("postgresql@18", Some(18)),
            ("bin", None),
            ("postgresql", None),
            ("node@22", None),
        ] {
            assert_eq!(major(OsStr::new(folder)), version, "{folder}");
        }
    }
}
