//! Where `\pick` and `\fresh` get their values.

/// A key that [`Keys`] can draw values of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub usize);

/// What `\pick` and `\fresh` draw from: the tables as they were filled.
pub trait Keys: Send + Sync {
    /// Finds `table.column` with an optional distribution; the error says what is wrong.
    fn resolve(
        &mut self,
        table: &str,
        column: &str,
        distribution: Option<&str>,
    ) -> Result<KeyId, String>;

    /// The value in some existing row, chosen by 64 uniformly random bits.
    fn pick(&self, key: KeyId, random: u64) -> String;

    /// Whether there are values that no row has: not so of booleans, enums and lists.
    fn has_fresh(&self, _key: KeyId) -> bool {
        true
    }

    /// The `n`-th value that no filled row has. Only of keys that [have some](Self::has_fresh).
    fn fresh(&self, key: KeyId, n: u64) -> String;

    /// Finds columns of one table, whose values [`pick_row`](Self::pick_row) takes from one row.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    fn resolve_row(
        &mut self,
        table: &str,
        columns: &[String],
        distribution: Option<&str>,
    ) -> Result<KeyId, String> {
        match columns {
            [column] => self.resolve(table, column, distribution),
            _ => Err(format!(
                "`{table}` has no keys of several columns to choose from"
            )),
        }
    }

    /// The values of all columns of a key in some existing row, chosen by 64 uniformly random bits.
    fn pick_row(&self, key: KeyId, random: u64) -> Vec<String> {
        vec![self.pick(key, random)]
    }

    /// The `n`-th combination of values that no filled row has. Parts that are foreign keys are those
    /// of an existing row. Only of keys that [have some](Self::has_fresh).
    fn fresh_row(&self, key: KeyId, n: u64) -> Vec<String> {
        vec![self.fresh(key, n)]
    }

    /// `(table, rows)` of every table, for the variables `:rows_<table>`.
    fn rows(&self) -> Vec<(String, u64)>;
}
