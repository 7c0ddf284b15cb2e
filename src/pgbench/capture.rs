//! `\gset` and `\aset`: values of rows that a SQL command returned, kept in variables.

use super::source::Place;

/// Which rows' values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureKind {
    /// `\gset`: those of the one row of the last result.
    Gset,
    /// `\aset`: those of the last row of each result that has any.
    Aset,
}

/// What `\gset` or `\aset` makes of the rows of the SQL command before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Which of the two it is.
    pub kind: CaptureKind,
    /// What the variables' names have before the columns' names.
    pub(super) prefix: String,
    /// Where it stands.
    pub(super) place: Place,
}

/// One result of a SQL command: `\;` combines several commands in one, and each has its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// The columns' names. None where the command returns no rows by its nature, as a plain UPDATE.
    pub columns: Vec<String>,
    /// The values in text form, none for NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A row with the names of its columns.
pub(super) struct Row<'a> {
    pub(super) columns: &'a [String],
    pub(super) values: &'a [Option<String>],
}

impl CaptureKind {
    /// As a script writes it, without the backslash.
    pub(super) fn name(self) -> &'static str {
        match self {
            CaptureKind::Gset => "gset",
            CaptureKind::Aset => "aset",
        }
    }
}

impl Capture {
    pub(super) fn new(kind: CaptureKind, prefix: &str, place: Place) -> Self {
        let prefix = prefix.to_owned();
        Self {
            kind,
            prefix,
            place,
        }
    }

    /// Whether a column of some name can set this variable.
    pub(super) fn may_set(&self, variable: &str) -> bool {
        variable.len() > self.prefix.len() && variable.starts_with(&self.prefix)
    }

    /// The rows whose values are kept; an error says how many there are instead.
    pub(super) fn rows<'a>(&self, results: &'a [ResultSet]) -> Result<Vec<Row<'a>>, usize> {
        let last_row = |result: &'a ResultSet| {
            Some(Row {
                columns: &result.columns,
                values: result.rows.last()?,
            })
        };
        match self.kind {
            CaptureKind::Aset => Ok(results.iter().filter_map(last_row).collect()),
            CaptureKind::Gset => {
                let last = results.last();
                match last.map_or(0, |result| result.rows.len()) {
                    1 => Ok(last.and_then(last_row).into_iter().collect()),
                    count => Err(count),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pgbench::trial::{bind, bind_with, finish, outcome, result};
    use crate::pgbench::{Definitions, Run};

    /// The steps of a run whose statements are answered so.
    fn answered(text: &str, answers: &[&[ResultSet]]) -> Result<Vec<String>, String> {
        let mut run = Run::new(Arc::new(bind(text).unwrap()), 0, 0);
        let answers = answers.iter().map(|results| results.to_vec()).collect();
        finish(&mut run, answers).map_err(|error| error.to_string())
    }

    #[test]
    fn gset_keeps_the_values_of_the_last_result() {
        let text = "SELECT 1 AS a \\; SELECT 2 AS a, 'x' AS b, NULL AS c \\gset\n\
            SELECT 3 AS a; \\gset p_\n\\set d :a * 10 + :p_a\nSELECT :a, :b, :c, :d";
        let done = answered(
            text,
            &[
                &[
                    result(&["a"], &[&["1"]]),
                    result(&["a", "b", "c"], &[&["2", "x", "NULL"]]),
                ],
                &[result(&["a", "never_used"], &[&["3", "4"]])],
            ],
        );
        assert_eq!(done.unwrap()[2], "SELECT 2, 'x', NULL, 23");
    }

    #[test]
    fn aset_keeps_the_last_row_of_each_result_that_has_one() {
        let text = "\\set c 0\nSELECT 1 AS a \\; UPDATE x \\; SELECT 2 AS b \\; SELECT 3 AS c \\aset\n\
            SELECT :a, :b, :c";
        let results = [
            result(&["a"], &[&["1"], &["5"]]),
            ResultSet::default(),
            result(&["b"], &[&["2"]]),
            result(&["c"], &[]),
        ];
        assert_eq!(answered(text, &[&results]).unwrap()[1], "SELECT 5, 2, 0");
    }

    #[test]
    fn gset_takes_exactly_one_row() {
        let text = "SELECT 1 AS a\n  \\gset\nSELECT :a";
        let one = result(&["a"], &[&["1"]]);
        for (results, count) in [
            (vec![], 0),
            (vec![result(&["a"], &[])], 0),
            (vec![one.clone(), ResultSet::default()], 0),
            (vec![result(&["a"], &[&["1"], &["2"]])], 2),
        ] {
            let message = format!(
                "t.sql:2:3: expected one row, got {count}: \\gset keeps the values of exactly one"
            );
            assert_eq!(answered(text, &[&results]), Err(message));
        }
        assert!(answered(text, &[&[one]]).is_ok());
    }

    #[test]
    fn a_column_must_have_the_name_of_a_variable() {
        let error = answered("SELECT 1 \\gset", &[&[result(&["?column?"], &[&["1"]])]]);
        assert_eq!(
            error.unwrap_err(),
            "t.sql:1:10: `?column?` is no name of a variable: give the column for \\gset another by AS"
        );
        // With a prefix it may begin with a digit.
        let done = answered(
            "SELECT 1 AS \"1\" \\gset x",
            &[&[result(&["1"], &[&["1"]])]],
        );
        assert!(done.is_ok());
    }

    #[test]
    fn an_error_of_what_is_kept_ends_the_run() {
        let mut run = Run::new(Arc::new(bind("SELECT 1 \\gset\nSELECT 2").unwrap()), 0, 0);
        let keys = crate::pgbench::trial::keys();
        assert!(run.step(&keys).is_ok());
        assert!(run.store(0, &[]).is_err());
        assert_eq!(run.step(&keys), Ok(crate::pgbench::Step::Done));
    }

    #[test]
    fn variables_of_columns_need_no_other_command() {
        // What a column may set is known only when it is there.
        let error = outcome("SELECT 1 AS a \\gset\nSELECT :b").unwrap_err();
        assert!(error.contains("expected one row"), "{error}");
        let row = result(&["a"], &[&["1"]]);
        let error = answered("SELECT 1 AS a \\gset\nSELECT :b", &[&[row]]).unwrap_err();
        assert_eq!(
            error,
            "t.sql:2:8: variable `b` has no value yet: no command before this one has set it"
        );
        for (text, message) in [
            (
                "SELECT :b;\nSELECT 1 AS b \\gset",
                "t.sql:1:8: variable `b` is never set",
            ),
            (
                "\\set abc 1\nSELECT 1 AS b \\gset p_\nSELECT :abd",
                "t.sql:3:8: variable `abd` is never set; did you mean `:abc`?",
            ),
        ] {
            assert_eq!(bind(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn it_follows_a_sql_command() {
        for (text, message) in [
            ("\\gset", "t.sql:1:1: \\gset must follow a SQL command"),
            (
                "SELECT 1 \\gset \\aset",
                "t.sql:1:16: invalid variable name `\\aset`: write letters, digits and underscores, without a colon and no digit first",
            ),
            (
                "SELECT 1 \\gset\n\\aset",
                "t.sql:2:1: \\aset must follow a SQL command",
            ),
            (
                "SELECT 1;\n\\set x 1\n\\gset",
                "t.sql:3:1: \\gset must follow a SQL command",
            ),
            (
                "\\if 1\nSELECT 1;\n\\endif\n\\gset",
                "t.sql:4:1: \\gset must follow a SQL command",
            ),
        ] {
            assert_eq!(bind(text).unwrap_err().to_string(), message, "{text}");
        }
        assert!(bind("SELECT 1;\n-- now\n\\gset").is_ok());
    }

    #[test]
    fn substitution_puts_columns_in_as_they_are() {
        let text = "SELECT 't' AS name \\gset\nSELECT ':name :other' FROM :name";
        let program = bind_with(text, &Definitions::default().substituted()).unwrap();
        let mut run = Run::new(Arc::new(program), 0, 0);
        let answers = [vec![result(&["name"], &[&["t"]])]].into();
        assert_eq!(
            finish(&mut run, answers).unwrap()[1],
            "SELECT 't :other' FROM t"
        );
    }
}
