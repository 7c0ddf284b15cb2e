//! What traffic scripts draw keys from: the filled tables, without reading them.

use std::sync::Arc;

use crate::pgbench::{KeyId, Keys};

use super::choice::distribution::Distribution;
use super::choice::draw::{Chosen, Digit, Draw};
use super::choice::random;
use super::column::ColumnPlan;
use super::error::nearest;
use super::plan::FillPlan;

/// The keys of a fill, for `\pick` and `\fresh`.
#[derive(Debug, Clone)]
pub struct KeyBook {
    plan: Arc<FillPlan>,
    keys: Vec<Key>,
}

/// Columns of one table.
#[derive(Debug, Clone)]
struct Key {
    columns: Vec<Arc<ColumnPlan>>,
    chosen: Chosen,
    /// A row in which no column is NULL.
    witness: u64,
    fresh: Fresh,
}

/// Where a combination that no row has comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fresh {
    /// There is none that is known.
    None,
    /// These columns get values that no row has, the others those of an existing row.
    Values(Vec<bool>),
    /// The columns are all digits of the row's number: these many rows more have combinations.
    Rows(u64),
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
        let plan = plan.column(column).cloned().ok_or_else(|| {
            let names = plan.columns.iter().map(|column| column.name.as_str());
            let near = nearest(column, names).map(|near| format!("; did you mean `{near}`?"));
            format!(
                "table `{table}` has no column `{column}` that the fill writes{}",
                near.unwrap_or_default()
            )
        })?;
        match plan.expression() {
            None => Ok(plan),
            Some(expression) => Err(format!(
                "the values of `{table}.{column}` are the server's, by `sql = \"{expression}\"`, and not \
                 known here: draw the row's number, \\set n random(1, :rows_TABLE), and write the \
                 expression in the statement"
            )),
        }
    }
}

impl Key {
    /// The values in a row, none if one of them is NULL.
    fn write(&self, row: u64) -> Option<Vec<String>> {
        let value = |column: &Arc<ColumnPlan>| {
            let mut out = Vec::new();
            column.write(row, &mut out).then(|| into_text(out))
        };
        self.columns.iter().map(value).collect()
    }

    /// The values in a row chosen by random bits.
    fn pick(&self, random: u64) -> Vec<String> {
        let mut rows = (0..TRIES).map(|attempt| {
            let bits = random::bits(random, attempt);
            self.chosen.choose(attempt, bits)
        });
        rows.find_map(|row| self.write(row))
            .or_else(|| self.write(self.witness))
            .unwrap_or_default()
    }

    fn fresh(&self, n: u64) -> Vec<String> {
        match &self.fresh {
            Fresh::None => Vec::new(),
            Fresh::Rows(count) => {
                let rows = self.columns.first().map_or(0, |column| column.rows);
                let row = n.checked_rem(*count).map(|n| rows + n);
                row.and_then(|row| self.write(row)).unwrap_or_default()
            }
            Fresh::Values(new) => {
                let mut row = match new.contains(&false) {
                    // Neighbouring numbers shall not have neighbouring rows.
                    true => self.pick(random::bits(0, n)),
                    false => vec![String::new(); new.len()],
                };
                let parts = row.iter_mut().zip(new).zip(&self.columns);
                for ((value, _), column) in parts.filter(|((_, new), _)| **new) {
                    let mut out = Vec::new();
                    column.write_fresh(n, &mut out);
                    *value = into_text(out);
                }
                row
            }
        }
    }
}

impl Fresh {
    fn of(columns: &[Arc<ColumnPlan>]) -> Self {
        if let [column] = columns {
            return match column.has_fresh() {
                true => Self::Values(vec![true]),
                false => Self::None,
            };
        }
        let new = |column: &Arc<ColumnPlan>| !column.is_foreign() && column.has_fresh();
        let new: Vec<bool> = columns.iter().map(new).collect();
        if new.contains(&true) {
            return Self::Values(new);
        }
        let digits = columns.iter().map(|column| match &column.draw {
            Draw::Digit(digit) => Some(digit),
            _ => None,
        });
        let Some(digits) = digits.collect::<Option<Vec<&Digit>>>() else {
            return Self::None;
        };
        let rows = columns.first().map_or(0, |column| column.rows);
        let block = digits.first().map_or(0, |digit| digit.block);
        // Columns of one foreign key are one digit.
        let mut parts: Vec<(u64, u64)> = digits
            .iter()
            .filter_map(|digit| Some((digit.divisor, digit.radix?)))
            .collect();
        parts.sort_unstable();
        parts.dedup();
        let all: u64 = parts.iter().fold(1, |all, part| all.saturating_mul(part.1));
        let whole = !parts.is_empty() && all == block;
        match block.checked_sub(rows).filter(|count| whole && *count > 0) {
            Some(count) => Self::Rows(count),
            None => Self::None,
        }
    }
}

impl Keys for KeyBook {
    fn resolve(
        &mut self,
        table: &str,
        column: &str,
        distribution: Option<&str>,
    ) -> Result<KeyId, String> {
        self.resolve_row(table, &[column.to_owned()], distribution)
    }

    fn resolve_row(
        &mut self,
        table: &str,
        columns: &[String],
        distribution: Option<&str>,
    ) -> Result<KeyId, String> {
        let plans = columns.iter().map(|column| self.find(table, column));
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        let Some(first) = plans.first() else {
            return Err(format!("no column of `{table}` is named"));
        };
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
        let whole = |row: &u64| plans.iter().all(|plan| !plan.is_null(*row));
        let witness = (0..first.rows.min(SEARCHED)).find(whole).ok_or_else(|| {
            let column = columns.join(",");
            format!("`{table}.{column}` is NULL in every row")
        })?;
        // By the column, not the script, so that the same rows are hot in all scripts.
        let key = random::key(random::key(0, &first.name), "pick");
        self.keys.push(Key {
            chosen: Chosen::among_rows(key, distribution, first.rows),
            fresh: Fresh::of(&plans),
            columns: plans,
            witness,
        });
        Ok(KeyId(self.keys.len() - 1))
    }

    fn pick(&self, key: KeyId, random: u64) -> String {
        self.pick_row(key, random).pop().unwrap_or_default()
    }

    fn pick_row(&self, key: KeyId, random: u64) -> Vec<String> {
        let key = self.keys.get(key.0);
        key.map_or_else(Vec::new, |key| key.pick(random))
    }

    fn has_fresh(&self, key: KeyId) -> bool {
        let key = self.keys.get(key.0);
        key.is_some_and(|key| key.fresh != Fresh::None)
    }

    fn fresh(&self, key: KeyId, n: u64) -> String {
        self.fresh_row(key, n).pop().unwrap_or_default()
    }

    fn fresh_row(&self, key: KeyId, n: u64) -> Vec<String> {
        let key = self.keys.get(key.0);
        key.map_or_else(Vec::new, |key| key.fresh(n))
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
