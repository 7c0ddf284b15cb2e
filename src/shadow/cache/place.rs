//! Where the cache is, and what room there is.

use std::env;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::units::{Bytes, UnitError};

/// The user's folder for the cache.
pub(super) fn folder() -> Option<PathBuf> {
    let named = |variable: &str| {
        let path = PathBuf::from(env::var_os(variable)?);
        path.is_absolute().then_some(path)
    };
    if let Some(given) = env::var_os("PGREHEARSE_CACHE_DIR").filter(|path| !path.is_empty()) {
        return std::path::absolute(given).ok();
    }
    let base = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(base.join("pgrehearse"))
}

/// The size that the user gives.
pub(super) fn size() -> Result<Option<Bytes>, UnitError> {
    match env::var("PGREHEARSE_CACHE_SIZE") {
        Ok(text) if !text.is_empty() => text.parse().map(Some),
        _ => Ok(None),
    }
}

/// Makes the folder, closed to other users: what is in it is as private as the shadow.
pub(super) fn create(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A tenth of the file system that the folder is or will be on.
pub(super) fn tenth(folder: &Path) -> Bytes {
    let system = existing(folder).and_then(|path| rustix::fs::statvfs(path).ok());
    Bytes(system.map_or(0, |system| {
        system.f_blocks.saturating_mul(system.f_frsize) / 10
    }))
}

/// What is free there for this user.
pub(super) fn free(folder: &Path) -> Option<Bytes> {
    let system = rustix::fs::statvfs(existing(folder)?).ok()?;
    Some(Bytes(system.f_bavail.saturating_mul(system.f_frsize)))
}

fn existing(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|path| path.is_dir())
}
