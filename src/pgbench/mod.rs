//! The pgbench script language.

/// A parsed script.
#[derive(Debug, Clone, Default)]
pub struct Script {}
