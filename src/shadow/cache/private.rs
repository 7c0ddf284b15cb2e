//! A cache that lives no longer than its run: for a rehearsal that needs the same data several times, where
//! none is to be kept for the next.

use crate::shadow::ServerError;
use crate::shadow::account::Account;
use crate::shadow::directory::RunDirectory;
use crate::units::Bytes;

use super::FillCache;

/// Filled data directories in a directory that goes with its run; what a crash leaves is swept by the next.
#[derive(Debug)]
pub struct PrivateCache {
    directory: RunDirectory,
}

impl PrivateCache {
    /// Makes one, empty.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn create() -> Result<Self, ServerError> {
        let account = Account::for_servers()?;
        let directory = RunDirectory::create(account.as_ref(), false)?;
        Ok(Self { directory })
    }

    /// The cache. It holds whatever the disk has room for.
    pub fn cache(&self) -> FillCache {
        FillCache::new(self.directory.path().join("fills"), Bytes(u64::MAX))
    }
}
