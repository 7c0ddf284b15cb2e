//! Cases of rows.
