//! One entry of the cache: its files, the lock that whoever uses it holds, and its end.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::shadow::account::Account;

use super::manifest::Manifest;
use super::tree::Copying;

pub(super) const LOCK: &str = "lock";
pub(super) const DATA: &str = "data";
pub(super) const MANIFEST: &str = "manifest.json";

/// Entries being made have names that no key has.
pub(super) const UNFINISHED: &str = "new-";

/// One entry.
#[derive(Debug)]
pub struct CachedFill {
    /// What is known of it.
    pub manifest: Manifest,
    /// When a run last used it.
    pub used: SystemTime,
    pub(super) path: PathBuf,
    /// Held shared: nobody removes what is being copied.
    _lock: File,
}

impl CachedFill {
    /// The entry in this folder, if it is whole. It is not removed while it is held.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let lock = File::open(path.join(LOCK)).ok()?;
        lock.try_lock_shared().ok()?;
        let text = fs::read(path.join(MANIFEST)).ok()?;
        Some(Self {
            manifest: serde_json::from_slice(&text).ok()?,
            used: lock.metadata().and_then(|file| file.modified()).ok()?,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Copies the data directory to a place where a server of `account` can use it.
    ///
    /// # Errors
    /// What the file system says; an end asked for.
    pub(in crate::shadow) fn copy_to(
        &self,
        data: &Path,
        account: Option<&Account>,
        stopped: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        // Who used it last is found by the lock's time; one that cannot be set makes a bad guess.
        let _ = self._lock.set_modified(SystemTime::now());
        let copying = Copying {
            owner: account,
            stopped,
        };
        copying.folder(&self.path.join(DATA), data)
    }
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

pub(super) fn is_unfinished(path: &Path) -> bool {
    file_name(path).starts_with(UNFINISHED)
}

/// Folders that are no entries are not this cache's to touch.
pub(super) fn is_key(path: &Path) -> bool {
    let name = file_name(path);
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Removes an entry that nobody holds; true if it is gone. Its name goes first, so that nobody finds
/// half of it.
pub(super) fn remove(path: &Path) -> bool {
    let removing = path.with_file_name(format!("{UNFINISHED}{}", file_name(path)));
    let Ok(lock) = File::open(path.join(LOCK)) else {
        // Nothing that is made or copied is without one for longer than a moment.
        return is_old(path) && fs::remove_dir_all(path).is_ok();
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return false,
    }
    let named = if is_unfinished(path) {
        path.to_owned()
    } else if fs::rename(path, &removing).is_ok() {
        removing
    } else {
        return false;
    };
    fs::remove_dir_all(named).is_ok()
}

fn is_old(path: &Path) -> bool {
    let age = fs::metadata(path)
        .and_then(|folder| folder.modified())
        .ok()
        .and_then(|made| made.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > 60)
}
