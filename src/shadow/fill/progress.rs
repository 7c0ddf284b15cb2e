//! How far a fill is, to be read while it goes on.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What a fill is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Not begun.
    Waiting,
    /// Writing rows.
    Copying,
    /// Building indexes.
    Indexing,
    /// Setting sequences, vacuuming and analyzing tables.
    Analyzing,
    /// Done.
    Done,
}

/// How far a fill is. Written by its workers, read by anyone.
#[derive(Debug, Default)]
pub struct FillProgress {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl FillProgress {
    /// What is being done.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Waiting,
            1 => Stage::Copying,
            2 => Stage::Indexing,
            3 => Stage::Analyzing,
            _ => Stage::Done,
        }
    }

    /// Of [`total`](Self::total): rows while copying, else indexes or tables.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// What this stage has to do in all.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Rows written so far, in any stage.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes of rows sent so far, as COPY's text.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, stage: Stage, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// So many indexes or tables are done.
    pub(super) fn advance(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
    }

    /// So many rows, as so many bytes, are sent.
    pub(super) fn sent(&self, rows: u64, bytes: u64) {
        self.done.fetch_add(rows, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
