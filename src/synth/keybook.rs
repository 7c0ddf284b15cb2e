//! What traffic scripts draw keys from: the filled tables, without reading them.

use std::sync::Arc;

use crate::pgbench::{KeyId, Keys};

use super::column::ColumnPlan;
use super::distribution::Distribution;
use super::draw::Chosen;
use super::error::nearest;
use super::plan::FillPlan;
use super::random;

/// The keys of a fill, for `\pick` and `\fresh`.
#[derive(Debug, Clone)]
pub struct KeyBook {
    plan: Arc<FillPlan>,
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    column: Arc<ColumnPlan>,
    chosen: Chosen,
    /// A row in which the column is not NULL.
    witness: u64,
}

/// Rows tried for one whose value is not NULL.
const TRIES: u64 = 256;

/// Rows searched, when a script is bound, for one whose value is not NULL.
const SEARCHED: u64 = 1_000_000;

impl KeyBook {
    /// The keys of the tables as `plan` fills them.
    pub fn new(plan: Arc<FillPlan>) -> Self {
        Self {
            plan,
            keys: Vec::new(),
        }
    }

    fn find(&self, table: &str, column: &str) -> Result<Arc<ColumnPlan>, String> {
        let Some(plan) = self.plan.table(table) else {
            let names = self.plan.with_rows().map(|table| table.name.name.as_str());
            let near = nearest(table, names).map(|near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "the scenario fills no table `{table}`{}",
                near.unwrap_or_else(|| format!(": give [tables.{table}] rows"))
            ));
        };
        if plan.rows == 0 {
            return Err(format!("table `{table}` has no rows to choose from"));
        }
        plan.column(column).cloned().ok_or_else(|| {
            let names = plan.columns.iter().map(|column| column.name.as_str());
            let near = nearest(column, names).map(|near| format!("; did you mean `{near}`?"));
            format!(
                "table `{table}` has no column `{column}` that the fill writes{}",
                near.unwrap_or_default()
            )
        })
    }
}

impl Keys for KeyBook {
    fn resolve(
        &mut self,
        table: &str,
        column: &str,
        distribution: Option<&str>,
    ) -> Result<KeyId, String> {
        let plan = self.find(table, column)?;
        if let Some(expression) = plan.expression() {
            return Err(format!(
                "the values of `{table}.{column}` are the server's, by `sql = \"{expression}\"`, and not \
                 known here: draw the row's number, \\set n random(1, :rows_TABLE), and write the \
                 expression in the statement"
            ));
        }
        let distribution = match distribution {
            None => Distribution::Uniform,
            Some(text) => text
                .parse::<Distribution>()
                .map_err(|error| error.to_string())?
                .of_shares()
                .map_err(|error| error.to_string())?,
        };
        if distribution == Distribution::Sequence {
            return Err("`sequence` is no distribution for \\pick, which has no order".to_owned());
        }
        let witness = (0..plan.rows.min(SEARCHED))
            .find(|&row| !plan.is_null(row))
            .ok_or_else(|| format!("`{table}.{column}` is NULL in every row"))?;
        // By the column, not the script, so that the same rows are hot in all scripts.
        let key = random::key(random::key(0, &plan.name), "pick");
        self.keys.push(Key {
            chosen: Chosen::among_rows(key, distribution, plan.rows),
            column: plan,
            witness,
        });
        Ok(KeyId(self.keys.len() - 1))
    }

    fn pick(&self, key: KeyId, random: u64) -> String {
        let Some(key) = self.keys.get(key.0) else {
            return String::new();
        };
        let mut out = Vec::new();
        for attempt in 0..TRIES {
            let row = key.chosen.choose(attempt, random::bits(random, attempt));
            if key.column.write(row, &mut out) {
                return into_text(out);
            }
        }
        key.column.write(key.witness, &mut out);
        into_text(out)
    }

    fn has_fresh(&self, key: KeyId) -> bool {
        self.keys
            .get(key.0)
            .is_some_and(|key| key.column.has_fresh())
    }

    fn fresh(&self, key: KeyId, n: u64) -> String {
        let mut out = Vec::new();
        if let Some(key) = self.keys.get(key.0) {
            key.column.write_fresh(n, &mut out);
        }
        into_text(out)
    }

    fn rows(&self) -> Vec<(String, u64)> {
        self.plan
            .with_rows()
            .map(|table| (table.name.name.clone(), table.rows))
            .collect()
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}
