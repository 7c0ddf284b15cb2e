//! The private directory of one server, and the sweep of what crashed runs left.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, geteuid, kill_process};

use super::account::Account;
use super::error::ServerError;

const PREFIX: &str = "pgrehearse-";

/// Held (`flock`) by the tool for as long as the directory is in use.
const LOCK: &str = "lock";

/// The longest path of a Unix socket in bytes: `sun_path` less its final zero.
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The socket's file name for the port that all embedded servers have in their own directory.
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// How long a server of a crashed run may take to end after SIGQUIT, and again after SIGKILL.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(10);

/// `pgrehearse-XXXXXX`, which only the server's user can enter: `lock`, `server.log`, the data
/// directory `data`, and the socket's directory `s`.
#[derive(Debug)]
pub(super) struct RunDirectory {
    path: PathBuf,
    keep: bool,
    /// Open, and thereby locked, until the directory is gone.
    _lock: Option<File>,
}

impl RunDirectory {
    /// Makes the directory under `TMPDIR` (or what the system has for it), for `account` if given,
    /// else for this process' user.
    pub(super) fn create(account: Option<&Account>, keep: bool) -> Result<Self, ServerError> {
        let parent = env::temp_dir();
        if let Some(account) = account {
            account.check_reach(&parent)?;
        }
        let made = Self::make(&parent, account, keep)
            .map_err(|source| ServerError::Directory { parent, source })?;
        let socket = made.socket_directory().join(SOCKET_NAME);
        let length = socket.as_os_str().len();
        if length > SOCKET_PATH_MAX {
            return Err(ServerError::SocketPath {
                path: socket,
                length,
                most: SOCKET_PATH_MAX,
            });
        }
        Ok(made)
    }

    fn make(parent: &Path, account: Option<&Account>, keep: bool) -> io::Result<Self> {
        // Closed to others from the start, whatever the umask; removed again if anything below fails.
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(std::path::absolute(parent)?)?;
        let lock = if keep {
            None
        } else {
            Some(lock(directory.path())?)
        };
        DirBuilder::new()
            .mode(0o700)
            .create(directory.path().join("s"))?;
        create_new(&directory.path().join("server.log"))?;
        if let Some(Account { uid, gid, .. }) = account {
            chown(directory.path().join("s"), Some(*uid), Some(*gid))?;
            chown(directory.path(), Some(*uid), Some(*gid))?;
        }
        Ok(Self {
            path: directory.keep(),
            keep,
            _lock: lock,
        })
    }

    /// The directory itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The server's data directory; `initdb` makes it.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Where the server's socket is.
    pub(super) fn socket_directory(&self) -> PathBuf {
        self.path.join("s")
    }

    /// What the server and `initdb` print.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// Whether it stays when the run ends.
    pub(super) fn is_kept(&self) -> bool {
        self.keep
    }

    /// Removes it with all that it holds, unless it is kept. To do so twice is no error.
    pub(super) fn remove(&self) -> io::Result<()> {
        if self.keep {
            return Ok(());
        }
        match remove_tree(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // What cannot be removed now, the next run's sweep tries again.
        let _ = self.remove();
    }
}

/// Creates a lock file that no sweep ever sees unlocked: it gets its name when it is locked.
fn lock(directory: &Path) -> io::Result<File> {
    let unnamed = directory.join("lock.new");
    let file = create_new(&unnamed)?;
    file.try_lock()?;
    fs::rename(unnamed, directory.join(LOCK))?;
    Ok(file)
}

/// Never follows a link and never opens what somebody else has put there.
fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Removes the directories that crashed runs of this user left, and ends the servers that still run
/// there. Directories of running tools and those kept on purpose have no free lock, and stay.
/// Returns the directories removed. What cannot be removed is left in peace.
pub fn sweep() -> Vec<PathBuf> {
    let owner = match Account::for_servers() {
        Ok(account) => account.map_or(geteuid().as_raw(), |account| account.uid),
        Err(_) => return Vec::new(),
    };
    let Ok(entries) = fs::read_dir(env::temp_dir()) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(|path| sweep_one(path, owner).is_some())
        .collect()
}

/// Some if the directory was a crashed run's and is gone now.
fn sweep_one(path: &Path, owner: u32) -> Option<()> {
    let metadata = fs::symlink_metadata(path).ok()?;
    (metadata.is_dir() && metadata.uid() == owner).then_some(())?;
    let lock = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path.join(LOCK))
        .ok()?;
    // The tool made it, so it belongs to the tool's user: others cannot point the sweep at theirs.
    (lock.metadata().ok()?.uid() == geteuid().as_raw()).then_some(())?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
    }
    end_leftover(&path.join("data"))?;
    remove_tree(path).ok()
}

/// Removes a directory, its lock last: where this is cut short, the next sweep finds it by that.
fn remove_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    fs::remove_dir_all(path)
}

/// Ends the server that a crashed run left in a data directory. None if it does not end.
fn end_leftover(data: &Path) -> Option<()> {
    for signal in [Signal::QUIT, Signal::KILL] {
        let Some(pid) = postmaster_of(data) else {
            return Some(());
        };
        let _ = kill_process(pid, signal);
        if has_left(pid, data) {
            return Some(());
        }
    }
    None
}

/// Waits, but not for somebody to collect the ended process: its new parent may never do so.
fn has_left(pid: Pid, data: &Path) -> bool {
    let deadline = Instant::now() + LEFTOVER_LIMIT;
    while works_in(pid, data) {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
}

/// The process in `postmaster.pid`, if it is the server of this data directory: pids are used
/// again, and the file outlives a crash.
fn postmaster_of(data: &Path) -> Option<Pid> {
    let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = pid_of(&file)?;
    works_in(pid, data).then_some(pid)
}

/// The first line of a `postmaster.pid`. A process that is no postmaster, as those of `initdb`,
/// writes its pid with a minus sign (`CreateLockFile` in PostgreSQL's `miscinit.c`).
fn pid_of(file: &str) -> Option<Pid> {
    let written: i32 = file.lines().next()?.trim().parse().ok()?;
    Pid::from_raw(written.checked_abs()?)
}

/// A server's working directory is its data directory.
#[cfg(target_os = "linux")]
fn works_in(pid: Pid, data: &Path) -> bool {
    let link = format!("/proc/{}/cwd", pid.as_raw_nonzero());
    match (fs::read_link(link), fs::canonicalize(data)) {
        (Ok(cwd), Ok(data)) => cwd == data,
        _ => false,
    }
}

/// A server's command line names its data directory.
#[cfg(not(target_os = "linux"))]
fn works_in(pid: Pid, data: &Path) -> bool {
    std::process::Command::new("ps")
        .args(["-o", "command=", "-p"])
        .arg(pid.as_raw_nonzero().to_string())
        .output()
        .is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout).contains(&*data.to_string_lossy())
        })
}

#[cfg(test)]
mod tests {
    use super::pid_of;

    fn pid(file: &str) -> Option<i32> {
        pid_of(file).map(|pid| pid.as_raw_nonzero().get())
    }

    #[test]
    fn a_pid_is_read_whoever_wrote_it() {
        assert_eq!(pid("4711\n/tmp/x/data\n"), Some(4711), "a postmaster");
        assert_eq!(pid("-4711\n/tmp/x/data\n"), Some(4711), "initdb's process");
    }

    #[test]
    fn what_is_no_pid_is_none() {
        for file in [
            "",
            "\n",
            "0\n",
            "-0\n",
            "x\n",
            "-2147483648\n",
            "2147483648\n",
        ] {
            assert_eq!(pid(file), None, "{file:?}");
        }
    }
}
