//! Copies a data directory, sharing its blocks where the file system can.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

use crate::shadow::account::Account;

/// What belongs to one run of a server and not to its data.
const OF_ONE_RUN: [&str; 2] = ["postmaster.pid", "postmaster.opts"];

/// A copy on its way: whose it becomes, and who may end it.
pub(super) struct Copying<'a> {
    /// The new owner; none: this process' user.
    pub(super) owner: Option<&'a Account>,
    /// Asked before every file.
    pub(super) stopped: &'a dyn Fn() -> bool,
}

impl Copying<'_> {
    /// Copies a folder and all in it, closed to other users. The target must not be there yet.
    ///
    /// # Errors
    /// What the file system says; anything in the folder that is neither file nor folder; an end asked for
    /// ([`io::ErrorKind::Interrupted`]).
    pub(super) fn folder(&self, from: &Path, to: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(to)?;
        self.own(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            let target = to.join(&name);
            if kind.is_dir() {
                self.folder(&entry.path(), &target)?;
            } else if !kind.is_file() {
                return Err(io::Error::other(format!(
                    "{} is neither a file nor a folder",
                    entry.path().display()
                )));
            } else if !OF_ONE_RUN.iter().any(|own| name == *own) {
                self.file(&entry.path(), &target)?;
            }
        }
        Ok(())
    }

    fn file(&self, from: &Path, to: &Path) -> io::Result<()> {
        if (self.stopped)() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let mut source = File::open(from)?;
        let mut target = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)?;
        if !share_blocks(&source, &target) {
            // The standard library lets the kernel copy where it can.
            io::copy(&mut source, &mut target)?;
        }
        self.own(to)
    }

    fn own(&self, path: &Path) -> io::Result<()> {
        match self.owner {
            Some(Account { uid, gid, .. }) => chown(path, Some(*uid), Some(*gid)),
            None => Ok(()),
        }
    }
}

/// Makes one file a copy of the other that shares its blocks until one of them is written to: Btrfs,
/// XFS and others can. False where it cannot be done.
#[cfg(target_os = "linux")]
fn share_blocks(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

/// Elsewhere files are copied.
#[cfg(not(target_os = "linux"))]
fn share_blocks(_: &File, _: &File) -> bool {
    false
}

/// Bytes that a folder takes on the disk.
///
/// # Errors
/// What the file system says.
pub(super) fn size(folder: &Path) -> io::Result<u64> {
    /// The unit of `st_blocks`, whatever the file system's own.
    const BLOCK: u64 = 512;
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += match metadata.is_dir() {
            true => size(&entry.path())?,
            false => metadata.blocks() * BLOCK,
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn copy(from: &Path, to: &Path, stopped: bool) -> io::Result<()> {
        let copying = Copying {
            owner: None,
            stopped: &|| stopped,
        };
        copying.folder(from, to)
    }

    #[test]
    fn a_folder_is_copied_without_what_belongs_to_a_run() {
        let place = TempDir::new().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(from.join("base/1")).unwrap();
        fs::write(from.join("base/1/16384"), vec![7; 300_000]).unwrap();
        fs::write(from.join("postmaster.pid"), "1").unwrap();
        copy(&from, &to, false).unwrap();
        assert_eq!(fs::read(to.join("base/1/16384")).unwrap(), vec![7; 300_000]);
        assert!(!to.join("postmaster.pid").exists());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&to), 0o700);
        assert_eq!(mode(&to.join("base/1/16384")), 0o600);
        assert!(size(&to).unwrap() >= 300_000);
    }

    #[test]
    fn a_copy_ends_when_asked_and_never_follows_links() {
        let place = TempDir::new().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::write(from.join("a"), "a").unwrap();
        let ended = copy(&from, &to, true).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::Interrupted);
        std::os::unix::fs::symlink("/etc", from.join("b")).unwrap();
        let linked = copy(&from, &place.path().join("other"), false).unwrap_err();
        assert!(linked.to_string().contains("neither a file"), "{linked}");
    }
}
