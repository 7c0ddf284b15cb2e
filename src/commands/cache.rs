//! `pgrehearse cache`: the filled databases that are kept for the next run of the same scenario.

use std::io::{self, Write};
use std::time::Duration;

use super::{Failure, exit, output};
use crate::shadow::cache::{CacheError, CachedFill, FillCache};
use crate::units::{Bytes, Span};

/// What to do with the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheOptions {
    /// List its entries.
    List,
    /// Remove them.
    Clear,
}

/// Lists or clears the user's cache.
pub fn cache(options: CacheOptions) -> Result<u8, Failure> {
    let cache = FillCache::of_user().map_err(Failure::usage)?;
    let printed = match options {
        CacheOptions::List => output::print_with(|out, _| list(&cache, out)),
        CacheOptions::Clear => output::print_with(|out, _| clear(&cache, out)),
    };
    printed.map_err(Failure::could_not_run)?;
    Ok(exit::SAFE)
}

/// The user's cache; none where there is no place for one.
pub(super) fn of_user() -> Result<Option<FillCache>, Failure> {
    match FillCache::of_user() {
        Ok(cache) => Ok(Some(cache)),
        Err(CacheError::NoPlace) => Ok(None),
        Err(error) => Err(Failure::usage(error)),
    }
}

fn list(cache: &FillCache, out: &mut dyn Write) -> io::Result<()> {
    let entries = cache.entries();
    let held: u64 = entries.iter().map(|entry| entry.manifest.bytes.0).sum();
    writeln!(
        out,
        "{}: {} of {}",
        cache.root().display(),
        Bytes(held),
        cache.limit()
    )?;
    for entry in &entries {
        writeln!(out, "{}", line(entry))?;
    }
    Ok(())
}

fn clear(cache: &FillCache, out: &mut dyn Write) -> io::Result<()> {
    let (count, bytes) = cache.clear();
    let noun = if count == 1 { "database" } else { "databases" };
    writeln!(out, "removed {count} filled {noun}, {bytes}")?;
    match cache.entries().len() {
        0 => Ok(()),
        left => writeln!(out, "{left} in use and left"),
    }
}

/// `314 MB  2.3M rows  PostgreSQL 15.18 in /usr/lib/postgresql/15/bin  foreign-key  used 5 min ago`.
fn line(entry: &CachedFill) -> String {
    let manifest = &entry.manifest;
    let used = match entry.used.elapsed() {
        Ok(age) => format!("used {} ago", Span(Duration::from_secs(age.as_secs()))),
        Err(_) => "used just now".to_owned(),
    };
    format!(
        "  {:>8}  {:>7} rows  PostgreSQL {}  {}  {used}",
        manifest.bytes.to_string(),
        manifest.rows.to_string(),
        manifest.postgres,
        manifest.scenario,
    )
}
