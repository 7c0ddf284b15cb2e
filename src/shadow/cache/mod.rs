//! Filled data directories, kept so that the next run of the same scenario need not fill again.
//!
//! The cache is a folder of entries, each named by its [`CacheKey`]: `data` (a data directory that was
//! shut down cleanly), `manifest.json`, and `lock`, held shared by whoever copies it and exclusively
//! by whoever makes or removes it. An entry gets its name when it is whole.

mod entry;
mod key;
mod manifest;
mod place;
mod private;
mod tree;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::units::Bytes;

pub use entry::CachedFill;
use entry::{DATA, LOCK, MANIFEST, UNFINISHED, is_key, is_unfinished, remove};
pub use key::{CacheKey, Ingredients};
pub use manifest::Manifest;
pub use private::PrivateCache;
use tree::Copying;

/// What the file system keeps free, beside an entry, at least.
const RESERVE: u64 = 1 << 30;

/// A folder of filled data directories.
#[derive(Debug, Clone)]
pub struct FillCache {
    root: PathBuf,
    limit: Bytes,
}

/// Why a filled database is not kept.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Larger than the cache may be.
    #[error(
        "the filled database ({needed}) is not cached: the cache may hold {limit} (PGREHEARSE_CACHE_SIZE)"
    )]
    TooLarge {
        /// What it takes.
        needed: Bytes,
        /// What the cache may hold.
        limit: Bytes,
    },
    /// The disk is nearly full.
    #[error("the filled database ({needed}) is not cached: {folder} has only {free} free")]
    NoSpace {
        /// What it takes.
        needed: Bytes,
        /// What is free.
        free: Bytes,
        /// Where.
        folder: PathBuf,
    },
    /// The file system.
    #[error("the cache of filled databases in {folder} cannot be used: {source}")]
    File {
        /// The cache.
        folder: PathBuf,
        /// What was said.
        source: io::Error,
    },
    /// No place for it.
    #[error(
        "there is no place for the cache of filled databases: set PGREHEARSE_CACHE_DIR or HOME"
    )]
    NoPlace,
    /// A size that is none.
    #[error("PGREHEARSE_CACHE_SIZE: {0}")]
    Size(#[from] crate::units::UnitError),
}

impl FillCache {
    /// The cache in this folder, which may hold so much. The folder is made when something is kept.
    pub fn new(root: PathBuf, limit: Bytes) -> Self {
        Self { root, limit }
    }

    /// The user's own: where `PGREHEARSE_CACHE_DIR` says, else in `XDG_CACHE_HOME` or `~/.cache`. It
    /// holds what `PGREHEARSE_CACHE_SIZE` says (`20GB`), else a tenth of the file system.
    ///
    /// # Errors
    /// No place for it, or a size that is none.
    pub fn of_user() -> Result<Self, CacheError> {
        let root = place::folder().ok_or(CacheError::NoPlace)?;
        let limit = match place::size()? {
            Some(limit) => limit,
            None => place::tenth(&root),
        };
        Ok(Self::new(root, limit))
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How much it may hold.
    pub fn limit(&self) -> Bytes {
        self.limit
    }

    /// The entry of this key, if it is whole. It is not removed while it is held.
    pub fn find(&self, key: &CacheKey) -> Option<CachedFill> {
        CachedFill::open(&self.root.join(key.name()))
    }

    /// All entries, the last used first.
    pub fn entries(&self) -> Vec<CachedFill> {
        let mut all: Vec<CachedFill> = self
            .folders()
            .into_iter()
            .filter(|path| !is_unfinished(path))
            .filter_map(|path| CachedFill::open(&path))
            .collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.used));
        all
    }

    /// Keeps a copy of a data directory whose server is shut down. Entries that were not used for the
    /// longest time make room for it. `stopped` is asked before every file.
    ///
    /// # Errors
    /// Why it is not kept. Nothing of it is left then.
    pub fn keep(
        &self,
        data: &Path,
        manifest: &Manifest,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), CacheError> {
        let failed = |source| CacheError::File {
            folder: self.root.clone(),
            source,
        };
        let needed = Bytes(tree::size(data).map_err(failed)?);
        place::create(&self.root).map_err(failed)?;
        self.make_room(needed)?;
        let manifest = Manifest {
            bytes: needed,
            ..manifest.clone()
        };
        self.make(data, &manifest, stopped).map_err(failed)
    }

    fn make(&self, data: &Path, manifest: &Manifest, stopped: &dyn Fn() -> bool) -> io::Result<()> {
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.root)?;
        let path = unfinished.path();
        let lock = File::create_new(path.join(LOCK))?;
        lock.try_lock()?;
        let copying = Copying {
            owner: None,
            stopped,
        };
        copying.folder(data, &path.join(DATA))?;
        fs::write(path.join(MANIFEST), serde_json::to_vec_pretty(manifest)?)?;
        let target = self.root.join(&manifest.key);
        match fs::rename(path, &target) {
            // Another run kept the same meanwhile; its entry is as good.
            Err(_) if target.join(MANIFEST).is_file() => Ok(()),
            renamed => renamed,
        }
    }

    fn make_room(&self, needed: Bytes) -> Result<(), CacheError> {
        let limit = self.limit;
        if needed > limit {
            return Err(CacheError::TooLarge { needed, limit });
        }
        self.sweep();
        let entries = self.entries();
        let mut held: u64 = entries.iter().map(|entry| entry.manifest.bytes.0).sum();
        let free = || place::free(&self.root).unwrap_or(Bytes(u64::MAX));
        let wanted = needed.0.saturating_add(RESERVE);
        for entry in entries.into_iter().rev() {
            if held.saturating_add(needed.0) <= limit.0 && free().0 >= wanted {
                break;
            }
            let (bytes, path) = (entry.manifest.bytes.0, entry.path.clone());
            drop(entry);
            if remove(&path) {
                held = held.saturating_sub(bytes);
            }
        }
        match free() {
            free if free.0 < wanted => Err(CacheError::NoSpace {
                needed,
                free,
                folder: self.root.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Removes an entry, unless a run is copying it.
    pub fn remove(&self, entry: CachedFill) -> bool {
        let path = entry.path.clone();
        drop(entry);
        remove(&path)
    }

    /// Removes all that is in the cache but what runs are copying or making; returns how many
    /// entries were removed and what they held.
    pub fn clear(&self) -> (usize, Bytes) {
        self.sweep();
        let mut removed = (0, Bytes(0));
        for entry in self.entries() {
            let bytes = entry.manifest.bytes;
            if self.remove(entry) {
                removed.0 += 1;
                removed.1 = Bytes(removed.1.0.saturating_add(bytes.0));
            }
        }
        removed
    }

    /// Removes what crashed runs left unfinished, and entries of other versions of the tool that cannot
    /// be read any more.
    fn sweep(&self) {
        for path in self.folders() {
            if is_unfinished(&path) || CachedFill::open(&path).is_none() {
                remove(&path);
            }
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .filter(|path| is_unfinished(path) || is_key(path))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::*;
    use crate::units::Rows;

    struct Fixture {
        folder: TempDir,
    }

    impl Fixture {
        /// A data directory of 64 kB.
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            fs::create_dir(folder.path().join("data")).unwrap();
            fs::write(folder.path().join("data/heap"), vec![1; 64_000]).unwrap();
            Self { folder }
        }

        fn cache(&self, limit: u64) -> FillCache {
            FillCache::new(self.folder.path().join("cache"), Bytes(limit))
        }

        fn keep(&self, cache: &FillCache, name: &str) -> CacheKey {
            let key = key(name);
            let data = self.folder.path().join("data");
            cache.keep(&data, &manifest(&key), &|| false).unwrap();
            key
        }
    }

    fn key(name: &str) -> CacheKey {
        let mut all = Ingredients::default();
        all.add("name", name);
        all.key()
    }

    fn manifest(key: &CacheKey) -> Manifest {
        Manifest {
            key: key.name().to_owned(),
            scenario: "small".to_owned(),
            postgres: "15.18 in /bin".to_owned(),
            rows: Rows(10),
            bytes: Bytes(0),
            schema: crate::schema::Schema::default(),
            given: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn set_used(cache: &FillCache, key: &CacheKey, seconds_ago: u64) {
        let lock = File::open(cache.root.join(key.name()).join(LOCK)).unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds_ago);
        lock.set_modified(time).unwrap();
    }

    #[test]
    fn what_is_kept_is_found_whole() {
        let fixture = Fixture::new();
        let cache = fixture.cache(1_000_000);
        let kept = fixture.keep(&cache, "a");
        assert!(cache.find(&key("b")).is_none());
        let entry = cache.find(&kept).unwrap();
        assert!(
            entry.manifest.bytes >= Bytes(64_000),
            "{:?}",
            entry.manifest
        );
        let copy = fixture.folder.path().join("copy");
        entry.copy_to(&copy, None, &|| false).unwrap();
        assert_eq!(fs::read(copy.join("heap")).unwrap(), vec![1; 64_000]);
        // Two runs that fill the same at once are no error.
        fixture.keep(&cache, "a");
        assert_eq!(cache.entries().len(), 1);
        assert_eq!(cache.folders().len(), 1);
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let fixture = Fixture::new();
        let cache = fixture.cache(200_000);
        for (name, age) in [("a", 30), ("b", 40), ("c", 20)] {
            let kept = fixture.keep(&cache, name);
            set_used(&cache, &kept, age);
        }
        fixture.keep(&cache, "d");
        let left = ["a", "b", "c", "d"].map(|name| cache.find(&key(name)).is_some());
        assert_eq!(left, [true, false, true, true]);
        let whole = cache.find(&key("d")).unwrap();
        assert_eq!(cache.entries()[0].manifest.key, whole.manifest.key);
    }

    #[test]
    fn nothing_is_removed_while_it_is_held() {
        let fixture = Fixture::new();
        let cache = fixture.cache(1_000_000);
        let kept = fixture.keep(&cache, "a");
        let held = cache.find(&kept).unwrap();
        assert_eq!(cache.clear().0, 0);
        assert!(cache.find(&kept).is_some());
        drop(held);
        assert_eq!(cache.clear().0, 1);
        assert!(cache.folders().is_empty());
    }

    #[test]
    fn what_is_too_large_or_ended_leaves_nothing() {
        let fixture = Fixture::new();
        let data = fixture.folder.path().join("data");
        let small = fixture.cache(1_000);
        let refused = small.keep(&data, &manifest(&key("a")), &|| false);
        assert!(
            matches!(refused, Err(CacheError::TooLarge { .. })),
            "{refused:?}"
        );
        let cache = fixture.cache(1_000_000);
        assert!(cache.keep(&data, &manifest(&key("a")), &|| true).is_err());
        assert!(cache.folders().is_empty());
    }

    #[test]
    fn leftovers_are_swept_and_strangers_are_not() {
        let fixture = Fixture::new();
        let cache = fixture.cache(1_000_000);
        fixture.keep(&cache, "a");
        for name in ["new-abc", &"0".repeat(32), "photographs"] {
            fs::create_dir(cache.root.join(name)).unwrap();
            fs::write(cache.root.join(name).join(LOCK), "").unwrap();
        }
        cache.sweep();
        let mut left: Vec<_> = fs::read_dir(&cache.root).unwrap().flatten().collect();
        left.retain(|entry| entry.file_name() != key("a").name());
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].file_name(), "photographs");
    }
}
