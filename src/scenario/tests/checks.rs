//! Values of the right type that make no sense.

use super::*;

#[test]
fn values_that_make_no_sense_are_shown() {
    insta::assert_snapshot!(error_with("rate = 400", "rate = 0"), @r#"
    error: the rate must be above 0 transactions per second
      --> scenario.toml:32:8
       |
    32 | rate = 0
       |        ^
    "#);
    insta::assert_snapshot!(error_with("rate = 400", "rate = 400\nclients = 8"), @r#"
    error: only one of `rate`, `clients` or `log` may be given
      --> scenario.toml:31:2
       |
    31 | [traffic]
       |  ^^^^^^^
    "#);
    insta::assert_snapshot!(error_with("weight = 60", "weight = 0"), @r#"
    error: `weight` must be at least 1
      --> scenario.toml:37:10
       |
    37 | weight = 0
       |          ^
    "#);
    insta::assert_snapshot!(error_with(r#"name = "read""#, r#"name = "record-measurement""#), @r#"
    error: `record-measurement` is the name of an earlier one already
      --> scenario.toml:41:8
       |
    41 | name = "record-measurement"
       |        ^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"name = "read""#, r#"name = "other""#), @r#"
    error: reports call sessions of another kind so: choose another name
      --> scenario.toml:41:8
       |
    41 | name = "other"
       |        ^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"sql = "SELECT 1""#, ""), @r#"
    error: one of `script` or `sql` is needed here
      --> scenario.toml:40:1
       |
    40 | [[traffic.transactions]]
       | ^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"sql = "SELECT 1""#, "sql = 'SELECT 1'\nscript = 'x.sql'"), @r#"
    error: only one of `script` or `sql` may be given
      --> scenario.toml:40:1
       |
    40 | [[traffic.transactions]]
       | ^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with("instances = 4", "instances = 0"), @r#"
    error: `instances` must be at least 1
      --> scenario.toml:45:13
       |
    45 | instances = 0
       |             ^
    "#);
    insta::assert_snapshot!(error_with("attempts = 1", "attempts = 0"), @r#"
    error: `attempts` must be at least 1
      --> scenario.toml:55:12
       |
    55 | attempts = 0
       |            ^
    "#);
    insta::assert_snapshot!(error_with("null_fraction = 0.0", "null_fraction = 1.5"), @r#"
    error: a fraction must be from 0 to 1
      --> scenario.toml:20:17
       |
    20 | null_fraction = 1.5
       |                 ^^^
    "#);
    insta::assert_snapshot!(error_with("weights = [1, 2.5]", "weights = [1]"), @r#"
    error: each value needs its weight: there are 2 of `values`, and 1 of `weights`
      --> scenario.toml:24:11
       |
    24 | weights = [1]
       |           ^^^
    "#);
    insta::assert_snapshot!(error_with("null_fraction = 0.0", "range = [9]"), @r#"
    error: expected two values in brackets, the lowest and the highest
      --> scenario.toml:20:9
       |
    20 | range = [9]
       |         ^^^
    "#);
    let note = "[tables.measurements.columns]\nnote = 1\n[tables.measurements.columns.patient_id]";
    insta::assert_snapshot!(error_with("[tables.measurements.columns.patient_id]", note), @r#"
    error: wrong type: integer `1`, expected keys in braces, as { values = [1, 2] }
      --> scenario.toml:18:8
       |
    18 | note = 1
       |        ^
    "#);
    insta::assert_snapshot!(error_with(r#"values = ["a", "b"]"#, ""), @r#"
    error: weights need `values` to choose from
      --> scenario.toml:24:11
       |
    24 | weights = [1, 2.5]
       |           ^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"baseline = "10s""#, r#"baseline = "0""#), @r#"
    error: the baseline must be longer than 0: the verdict compares with it
      --> scenario.toml:60:12
       |
    60 | baseline = "0"
       |            ^^^
    "#);
    insta::assert_snapshot!(error_with(r#"file = "schema.sql""#, "file = 'a.sql'\nfiles = ['b.sql']"), @r#"
    error: only one of `file`, `files`, `list` or `source` may be given
     --> scenario.toml:9:2
      |
    9 | [schema]
      |  ^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"file = "schema.sql""#, "file = '${SCHEMA}/a.sql'"), @r#"
    error: environment variables are read in `schema.source` alone
      --> scenario.toml:10:8
       |
    10 | file = '${SCHEMA}/a.sql'
       |        ^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"work_mem = "16MB""#, "work_mem = [1]"), @r#"
    error: a setting is a string, a number, true or false
     --> scenario.toml:7:25
      |
    7 | settings = { work_mem = [1], max_connections = 100, jit = false, random_page_cost = 1.1 }
      |                         ^^^
    "#);
}

#[test]
fn no_transactions_are_an_error() {
    let text = LEAST.replace(
        "[[traffic.transactions]]\nname = \"read\"\nsql = \"SELECT 1\"\n",
        "",
    );
    insta::assert_snapshot!(parse("scenario.toml", &text, &[]).unwrap_err(), @r#"
    error: at least one [[traffic.transactions]] is needed, or `statements`
     --> scenario.toml:4:2
      |
    4 | [traffic]
      |  ^^^^^^^
    "#);
}

#[test]
fn what_cannot_be_done_yet_is_refused() {
    insta::assert_snapshot!(error_with(r#"file = "schema.sql""#, r#"source = "${PROD_URL}""#), @r#"
    error: this version does not support `schema.source` yet
      --> scenario.toml:10:10
       |
    10 | source = "${PROD_URL}"
       |          ^^^^^^^^^^^^^
       |
       = help: write the schema to a file with `pg_dump --schema-only` and name it with `file`
    "#);
    insta::assert_snapshot!(error_with(r#"file = "migration.sql""#, r#"command = ["rails", "db:migrate"]"#), @r#"
    error: this version does not support `migration.command` yet
      --> scenario.toml:52:11
       |
    52 | command = ["rails", "db:migrate"]
       |           ^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write the SQL that it sends to a file and name it with `file`
    "#);
}
