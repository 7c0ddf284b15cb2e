//! Files that cannot be read as a scenario are shown where they are wrong.

use super::*;

#[test]
fn unknown_keys_are_named() {
    insta::assert_snapshot!(error_with("lock_wait = ", "lock_wiat = "), @r#"
    error: unknown key `lock_wiat`
      --> scenario.toml:64:1
       |
    64 | lock_wiat = "2s"
       | ^^^^^^^^^
       |
       = help: there is one named `lock_wait`
    "#);
    insta::assert_snapshot!(error_with("width = 80", "colour = 80"), @r#"
    error: unknown key `colour`
      --> scenario.toml:28:1
       |
    28 | colour = 80
       | ^^^^^^
       |
       = help: there are references, distribution, null_fraction, orphan_fraction, values, weights, range, pattern, width, distinct, sql, correlation, histogram
    "#);
    insta::assert_snapshot!(error_with("seed = 42", "seeds = 42"), @r#"
    error: unknown key `seeds`
     --> scenario.toml:3:1
      |
    3 | seeds = 42
      | ^^^^^
      |
      = help: there is one named `seed`
    "#);
    insta::assert_snapshot!(error_with("[phases]", "[fases]"), @r#"
    error: unknown key `fases`
      --> scenario.toml:58:2
       |
    58 | [fases]
       |  ^^^^^
       |
       = help: there is one named `phases`
    "#);
}

#[test]
fn wrong_types_units_and_values_are_shown() {
    insta::assert_snapshot!(error_with(r#"lock_wait = "2s""#, r#"lock_wait = "2 sec""#), @r#"
    error: `2 sec` is not a duration: write a number with us, ms, s, min, h or d, as in "500ms"
      --> scenario.toml:64:13
       |
    64 | lock_wait = "2 sec"
       |             ^^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"lock_wait = "2s""#, "lock_wait = 2"), @r#"
    error: wrong type: integer `2`, expected a duration in quotes with its unit, as "500ms"
      --> scenario.toml:64:13
       |
    64 | lock_wait = 2
       |             ^
    "#);
    insta::assert_snapshot!(error_with(r#"rows = "100k""#, r#"rows = "100K""#), @r#"
    error: `100K` is not a number of rows: write a whole number, or one with k, M or G, as in "2M"
      --> scenario.toml:13:8
       |
    13 | rows = "100K"
       |        ^^^^^^
    "#);
    insta::assert_snapshot!(error_with(r#"rows = "100k""#, "rows = -5"), @r#"
    error: `-5` is not a number of rows: write a whole number, or one with k, M or G, as in "2M"
      --> scenario.toml:13:8
       |
    13 | rows = -5
       |        ^^
    "#);
    insta::assert_snapshot!(error_with(r#"arrivals = "poisson""#, r#"arrivals = "poison""#), @r#"
    error: unknown value `poison`
      --> scenario.toml:33:12
       |
    33 | arrivals = "poison"
       |            ^^^^^^^^
       |
       = help: there is one named `poisson`
    "#);
    insta::assert_snapshot!(error_with(r#""safe.sql" = "safe""#, r#""safe.sql" = "fine""#), @r#"
    error: unknown value `fine`
      --> scenario.toml:74:14
       |
    74 | "safe.sql" = "fine"
       |              ^^^^^^
       |
       = help: there are safe, unsafe, inconclusive
    "#);
    insta::assert_snapshot!(error_with("forecast = true", "forecast = maybe"), @r#"
    error: string values must be quoted, expected literal string
      --> scenario.toml:70:12
       |
    70 | forecast = maybe
       |            ^^^^^
    "#);
    insta::assert_snapshot!(error_with("seed = 42", "seed = -1"), @r#"
    error: wrong value: integer `-1`, expected a whole number, 0 or more
     --> scenario.toml:3:8
      |
    3 | seed = -1
      |        ^^
    "#);
    insta::assert_snapshot!(error_with(r#"name = "foreign-key""#, ""), @r#"
    error: the key `name` is missing
    --> scenario.toml
    "#);
    insta::assert_snapshot!(error_with(r#"rows = "100k""#, ""), @r#"
    error: the key `rows` is missing
      --> scenario.toml:12:1
       |
    12 | [tables.patients]
       | ^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn what_is_not_toml_is_shown() {
    insta::assert_snapshot!(error_with("seed = 42", "seed = = 42"), @r#"
    error: extra `=`, expected nothing
     --> scenario.toml:3:8
      |
    3 | seed = = 42
      |        ^
    "#);
    insta::assert_snapshot!(error_with("seed = 42", "seed = 42\nseed = 43"), @r#"
    error: duplicate key
     --> scenario.toml:4:1
      |
    4 | seed = 43
      | ^^^^
    "#);
}

#[test]
fn missing_files_are_shown_where_they_are_named() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    insta::assert_snapshot!(file.missing(Path::new("traffic/record.sql"), "No such file or directory (os error 2)"), @r#"
    error: cannot read traffic/record.sql: No such file or directory (os error 2)
      --> scenario.toml:38:10
       |
    38 | script = "traffic/record.sql"
       |          ^^^^^^^^^^^^^^^^^^^^
       |
       = help: paths are relative to the scenario's folder
    "#);
    insta::assert_snapshot!(file.missing(Path::new("other.sql"), "permission denied"), @"error: cannot read other.sql: permission denied");
    insta::assert_snapshot!(resolve_error(LEAST, &[("schema.sql", "")]), @r#"
    error: cannot read migration.sql: its text was not given
      --> scenario.toml:10:8
       |
    10 | file = "migration.sql"
       |        ^^^^^^^^^^^^^^^
       |
       = help: paths are relative to the scenario's folder
    "#);
}

#[test]
fn faults_in_migrations_are_shown_there() {
    let files = |migration| [("schema.sql", ""), ("migration.sql", migration)];
    insta::assert_snapshot!(resolve_error(LEAST, &files("SELECT 'a")), @"migration.sql:1:8: this string never ends: close it with `'`");
    insta::assert_snapshot!(resolve_error(LEAST, &files("-- now\nCREATE INDEX CONCURRENTLY i ON t (a);")), @r#"migration.sql:2:1: CREATE INDEX CONCURRENTLY cannot run inside a transaction, and the whole file is one: set `transaction = "statement"` under [migration], or move it to a file of its own"#);
    insta::assert_snapshot!(resolve_error(LEAST, &files("-- nothing")), @r#"
    error: migration.sql holds no statement: there is nothing to rehearse
     --> scenario.toml:9:2
      |
    9 | [migration]
      |  ^^^^^^^^^
    "#);
    insta::assert_snapshot!(resolve_error(&LEAST.replace("[migration]\nfile = \"migration.sql\"\n", ""), &files("")), @r#"
    error: no migration is named: give a `file`
    --> scenario.toml
    "#);
    let statement = LEAST.replace("[migration]", "[migration]\ntransaction = \"statement\"");
    let file = parse("scenario.toml", &statement, &[]).unwrap();
    let migration = "CREATE INDEX CONCURRENTLY i ON t (a);";
    assert!(file.resolve(&sources(&files(migration)), None, 1.0).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        at in 0..FULL.len(),
        noise in "[\\[\\]={}'\"a-z0-9.\n$é#-]{0,8}",
        key in "[a-z.\"'0-9\\[\\] ]{0,20}",
    ) {
        let mut text = FULL.to_owned();
        text.insert_str(at, &noise);
        let _ = parse("scenario.toml", &text, &[]).map_err(|error| error.to_string());
        let item = Override { key, value: noise };
        let _ = parse("scenario.toml", FULL, &[item]).map_err(|error| error.to_string());
    }
}
