//! What a filled database depends on, as a name.

use sha2::{Digest, Sha256};

/// The sources of this program that decide what a fill writes; see `build.rs`.
const SOURCES: &str = env!("PGREHEARSE_SOURCES");

/// The name of a filled database: different wherever anything that it depends on is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheKey(String);

/// Gathers what a filled database depends on.
#[derive(Debug)]
pub struct Ingredients(Sha256);

impl Default for Ingredients {
    fn default() -> Self {
        let mut all = Self(Sha256::new());
        all.add("program", SOURCES);
        all
    }
}

impl Ingredients {
    /// Adds one, under a name of its own.
    pub fn add(&mut self, name: &str, content: &str) {
        for part in [name, content] {
            // With its length, so that no two lists of parts run together into the same bytes.
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part.as_bytes());
        }
    }

    /// The key of all that was added.
    pub fn key(self) -> CacheKey {
        let digest = self.0.finalize();
        CacheKey(digest.iter().take(16).map(|b| format!("{b:02x}")).collect())
    }
}

impl CacheKey {
    /// As its folder is named.
    pub fn name(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> CacheKey {
        let mut all = Ingredients::default();
        for (name, content) in parts {
            all.add(name, content);
        }
        all.key()
    }

    #[test]
    fn every_ingredient_counts() {
        let usual = key(&[("schema", "CREATE TABLE t ();"), ("seed", "1")]);
        assert_eq!(
            usual,
            key(&[("schema", "CREATE TABLE t ();"), ("seed", "1")])
        );
        for other in [
            key(&[("schema", "CREATE TABLE u ();"), ("seed", "1")]),
            key(&[("schema", "CREATE TABLE t ();"), ("seed", "2")]),
            key(&[("schema", "CREATE TABLE t ();")]),
            // The same bytes, divided otherwise.
            key(&[("schemaC", "REATE TABLE t ();"), ("seed", "1")]),
        ] {
            assert_ne!(usual, other);
        }
        assert_eq!(usual.name().len(), 32);
    }
}
