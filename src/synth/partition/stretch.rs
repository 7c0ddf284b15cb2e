//! The rows of a partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cases::Case;

/// The rows of one partition.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) case: Case,
    /// The first of its rows, and how many they are.
    pub(super) start: u64,
    pub(super) rows: u64,
    /// By link, the rows of its parent that lead here.
    pub(super) parents: BTreeMap<String, Arc<[u64]>>,
}

impl Stretch {
    pub(super) fn new(case: Case) -> Self {
        Self {
            case,
            start: 0,
            rows: 0,
            parents: BTreeMap::new(),
        }
    }
}
