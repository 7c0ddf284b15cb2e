//! statements.json: what `pg_stat_statements` counted in production.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::sql::{StatementUse, Verb};

/// The statements of a production database and how often it ran them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProductionStatements {
    /// As the scenario names the file.
    pub file: String,
    /// Those that an application sends, the most frequent first.
    pub statements: Vec<ProductionStatement>,
    /// Those that are no traffic of an application, or not understood.
    pub left_out: Vec<LeftOut>,
    /// The time over which they were counted, where the file knows it.
    pub counted_for: Option<Duration>,
}

/// A statement and how often it ran.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductionStatement {
    /// What it is.
    pub usage: StatementUse,
    /// How often it ran and how long it took.
    pub load: StatementLoad,
}

/// How often a statement ran and how long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StatementLoad {
    /// Executions.
    pub calls: u64,
    /// Milliseconds, of all executions together.
    pub time_ms: f64,
    /// Rows read or written, of all executions together.
    pub rows: u64,
}

impl StatementLoad {
    /// Rows of one execution.
    pub fn rows_per_call(&self) -> f64 {
        self.rows as f64 / self.calls.max(1) as f64
    }
}

/// A statement that is not sent, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Its text.
    pub query: String,
    /// How often it ran and how long it took.
    pub load: StatementLoad,
    /// Why it is not sent.
    pub reason: String,
    /// Whether it is no work of the application's own that could be sent: transaction control,
    /// settings, maintenance, or what another statement did inside.
    pub beside: bool,
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementsError {
    /// Not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// Another shape.
    #[error(
        "it is neither a list of rows of pg_stat_statements nor an object with `format_version` and `statements`"
    )]
    Shape,
    /// A later format.
    #[error("its format_version is {0}, and this program reads 1: use a newer pgrehearse")]
    Later(u64),
    /// One entry is wrong.
    #[error("entry {0} of its statements: {1}")]
    Entry(usize, String),
    /// Nothing to send.
    #[error("it holds no statement of an application")]
    Empty,
}

/// A row of `pg_stat_statements`, of any version from 13 on; other columns are passed over.
#[derive(Debug, Deserialize)]
struct Row {
    query: Option<String>,
    calls: u64,
    mean_exec_time: Option<f64>,
    total_exec_time: Option<f64>,
    #[serde(default)]
    rows: u64,
    toplevel: Option<bool>,
}

impl ProductionStatements {
    /// Reads the text of a file: our own object, or the list that
    /// `SELECT json_agg(s) FROM pg_stat_statements s` gives. The same text of several users or databases is
    /// one statement.
    ///
    /// # Errors
    /// What is neither, with the number of the entry, from 1; a file without any statement to send.
    pub fn parse(file: &str, text: &str) -> Result<Self, StatementsError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| StatementsError::NotJson(error.to_string()))?;
        let (entries, counted_for) = entries(value)?;
        let mut rows: BTreeMap<(String, bool), StatementLoad> = BTreeMap::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let (query, nested, load) =
                read(entry).map_err(|message| StatementsError::Entry(index + 1, message))?;
            if load.calls == 0 {
                continue;
            }
            rows.entry((query, nested)).or_default().add(load);
        }
        let mut statements = Self {
            file: file.to_owned(),
            counted_for,
            ..Self::default()
        };
        for ((query, nested), load) in rows {
            statements.take(query, nested, load);
        }
        statements
            .statements
            .sort_by_key(|statement| std::cmp::Reverse(statement.load.calls));
        statements
            .left_out
            .sort_by_key(|left_out| std::cmp::Reverse(left_out.load.calls));
        match statements.statements.is_empty() {
            true => Err(StatementsError::Empty),
            false => Ok(statements),
        }
    }

    fn take(&mut self, query: String, nested: bool, load: StatementLoad) {
        let hidden = query == "<insufficient privilege>";
        let usage = StatementUse::read(&query);
        let (reason, beside) = match &usage {
            _ if nested => ("another statement runs it (toplevel is false)", true),
            _ if hidden => (
                "its text is hidden: read pg_stat_statements as a member of pg_read_all_stats",
                false,
            ),
            None => ("it is nested too deeply to be read", false),
            Some(usage) if usage.verb == Verb::Utility => {
                ("it is no SELECT, INSERT, UPDATE, DELETE or MERGE", true)
            }
            Some(_) => {
                let statement = usage.map(|usage| ProductionStatement { usage, load });
                self.statements.extend(statement);
                return;
            }
        };
        self.left_out.push(LeftOut {
            query,
            load,
            reason: reason.to_owned(),
            beside,
        });
    }
}

impl StatementLoad {
    /// Takes in another one.
    pub fn add(&mut self, other: Self) {
        let Self {
            calls,
            time_ms,
            rows,
        } = other;
        self.calls = self.calls.saturating_add(calls);
        self.time_ms += time_ms;
        self.rows = self.rows.saturating_add(rows);
    }
}

/// The entries of a file, and the time that they were counted for.
fn entries(value: Value) -> Result<(Vec<Value>, Option<Duration>), StatementsError> {
    let mut object = match value {
        Value::Array(entries) => return Ok((entries, None)),
        // An empty view.
        Value::Null => return Err(StatementsError::Empty),
        Value::Object(object) => object,
        _ => return Err(StatementsError::Shape),
    };
    match object.get("format_version").and_then(Value::as_u64) {
        Some(1) => {}
        Some(later) if later > 1 => return Err(StatementsError::Later(later)),
        _ => return Err(StatementsError::Shape),
    }
    let seconds = object.get("captured_seconds").and_then(Value::as_f64);
    let counted_for = seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match object.remove("statements") {
        Some(Value::Array(entries)) => Ok((entries, counted_for)),
        _ => Err(StatementsError::Shape),
    }
}

fn read(entry: Value) -> Result<(String, bool, StatementLoad), String> {
    let row: Row = serde_json::from_value(entry).map_err(|error| error.to_string())?;
    let query = row.query.ok_or_else(|| {
        "it has no `query`: capture with pg_stat_statements(true), which shows the texts".to_owned()
    })?;
    let time_ms = match (row.total_exec_time, row.mean_exec_time) {
        (Some(total), _) => total,
        (None, Some(mean)) => mean * row.calls as f64,
        (None, None) => {
            return Err(
                "it has neither `mean_exec_time` nor `total_exec_time`, in milliseconds".to_owned(),
            );
        }
    };
    if !(time_ms.is_finite() && time_ms >= 0.0) {
        return Err("its time is not a number of milliseconds, 0 or more".to_owned());
    }
    let load = StatementLoad {
        calls: row.calls,
        time_ms,
        rows: row.rows,
    };
    Ok((query, row.toplevel == Some(false), load))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VIEW: &str = r#"[
        {"userid": 10, "dbid": 5, "toplevel": true, "queryid": -3, "query": "SELECT * FROM t WHERE id = $1",
         "plans": 0, "calls": 10, "total_exec_time": 5.5, "mean_exec_time": 0.55, "rows": 9, "jit_functions": 0},
        {"userid": 11, "dbid": 5, "toplevel": true, "query": "SELECT * FROM t WHERE id = $1",
         "calls": 20, "total_exec_time": 1.5, "mean_exec_time": 0.075, "rows": 20},
        {"toplevel": false, "query": "SELECT 1 FROM t", "calls": 7, "mean_exec_time": 1, "rows": 7},
        {"query": "BEGIN", "calls": 99, "mean_exec_time": 0.001, "rows": 0},
        {"query": "SELECT never", "calls": 0, "mean_exec_time": 0, "rows": 0}
    ]"#;

    #[test]
    fn rows_of_the_view_are_added_up_and_sorted_out() {
        let read = ProductionStatements::parse("s.json", VIEW).unwrap();
        let [only] = read.statements.as_slice() else {
            panic!("{:?}", read.statements);
        };
        assert_eq!(
            only.load,
            StatementLoad {
                calls: 30,
                time_ms: 7.0,
                rows: 29
            }
        );
        let left: Vec<_> = read
            .left_out
            .iter()
            .map(|left| (left.query.as_str(), left.beside))
            .collect();
        assert_eq!(left, [("BEGIN", true), ("SELECT 1 FROM t", true)]);
        assert_eq!(read.counted_for, None);
    }

    #[test]
    fn our_own_object_knows_its_time() {
        let text = r#"{"format_version": 1, "captured_seconds": 60, "statements":
            [{"query": "SELECT $1", "calls": 2, "mean_exec_time": 3}]}"#;
        let read = ProductionStatements::parse("s.json", text).unwrap();
        assert_eq!(read.counted_for, Some(Duration::from_secs(60)));
        assert_eq!(read.statements[0].load.time_ms, 6.0);
    }

    #[test]
    fn errors_name_the_entry() {
        let error = |text: &str| {
            ProductionStatements::parse("s.json", text)
                .unwrap_err()
                .to_string()
        };
        assert!(error("{").starts_with("it is not JSON"));
        assert!(error("{}").contains("neither"));
        assert!(error(r#"{"format_version": 2, "statements": []}"#).contains("use a newer"));
        assert!(error("[]").contains("no statement"));
        assert!(error("null").contains("no statement"));
        let entry = r#"{"query": "SELECT 1", "calls": 1, "mean_exec_time": 1}"#;
        assert_eq!(
            error(&format!("[{entry}, {{\"calls\": 1}}]")),
            "entry 2 of its statements: it has no `query`: capture with pg_stat_statements(true), which shows the texts"
        );
        assert!(
            error(&format!(
                "[{entry}, {{\"query\": \"SELECT 1\", \"calls\": -1}}]"
            ))
            .contains("entry 2")
        );
        assert!(error("[{\"query\": \"SELECT 1\", \"calls\": 1}]").contains("mean_exec_time"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\[|\\]|\\{|\\}|\"query\":|\"calls\":|\"SELECT \\$1\"|,|1|null){0,12}") {
            let _ = ProductionStatements::parse("s.json", &text);
        }
    }
}
