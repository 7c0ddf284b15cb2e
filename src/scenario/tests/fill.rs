//! The scenario of a fill alone, and captured statistics.

use super::*;

/// All that a fill needs.
const FILL: &str = r#"name = "fill"
schema.list = "product/LOAD-ORDER"
tables."*".rows = 1000
"#;

#[test]
fn a_fill_needs_three_lines() {
    let mut file = parse("scenario.toml", FILL, &[]).unwrap();
    assert_eq!(file.list(), Some(Path::new("product/LOAD-ORDER")));
    assert_eq!(file.files(), Vec::<PathBuf>::new());
    file.include("# The schema.\n\nschema.sql\n  later/01.sql\r\nschema.sql\n")
        .unwrap();
    let files = ["product/schema.sql", "product/later/01.sql"];
    assert_eq!(file.files(), files.map(PathBuf::from));
    assert_eq!(file.schema_files(), file.files());
    let sources = sources(&[(files[0], "SELECT 1;"), (files[1], "SELECT 2;")]);
    let plan = file.resolve_fill(&sources, 0.5).unwrap();
    let names: Vec<&str> = plan.schema.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [files[0], files[1], files[0]],
        "as the list has them"
    );
    assert_eq!(plan.tables["*"].fill.rows, 500);
    assert!(plan.traffic.transactions.is_empty() && plan.migration.scripts.is_empty());
    let error = file.resolve(&sources, None, 1.0).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    error: a rehearsal needs [traffic]: a `rate` or `clients`, and at least one [[traffic.transactions]]
    --> scenario.toml
    "#);
    insta::assert_snapshot!(file.missing(Path::new(files[1]), "not there"), @r#"
    error: cannot read product/later/01.sql: not there
     --> scenario.toml:2:15
      |
    2 | schema.list = "product/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
      |
      = help: paths in the list are relative to the list
    "#);
    insta::assert_snapshot!(file.missing(Path::new("product/LOAD-ORDER"), "not there"), @r#"
    error: cannot read product/LOAD-ORDER: not there
     --> scenario.toml:2:15
      |
    2 | schema.list = "product/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
      |
      = help: paths are relative to the scenario's folder
    "#);
    insta::assert_snapshot!(file.include("# nothing\n").unwrap_err(), @r#"
    error: the list names no file: write one path a line, relative to the list
     --> scenario.toml:2:15
      |
    2 | schema.list = "product/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_fill_reads_the_schema_alone() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    assert_eq!(file.schema_files(), [PathBuf::from("schema.sql")]);
    let sources = sources(&[("schema.sql", "SELECT 1;")]);
    let plan = file.resolve_fill(&sources, 1.0).unwrap();
    assert!(plan.traffic.transactions.is_empty() && plan.migration.scripts.is_empty());
    assert_eq!(plan.tables["patients"].fill.rows, 100_000);
    assert!(file.resolve(&sources, None, 1.0).is_err());
}

#[test]
fn columns_belong_to_one_table() {
    let text = format!("{FILL}tables.\"*\".columns.id.width = 8\n");
    insta::assert_snapshot!(parse("scenario.toml", &text, &[]).unwrap_err(), @r#"
    error: columns are those of one table: name it under [tables]
     --> scenario.toml:4:12
      |
    4 | tables."*".columns.id.width = 8
      |            ^^^^^^^
    "#);
    let text = FILL.replace("schema.list = \"product", "schema.list = \"${HOME}");
    insta::assert_snapshot!(parse("scenario.toml", &text, &[]).unwrap_err(), @r#"
    error: environment variables are read in `schema.source` alone
     --> scenario.toml:2:15
      |
    2 | schema.list = "${HOME}/LOAD-ORDER"
      |               ^^^^^^^^^^^^^^^^^^^^
    "#);
}

/// A scenario with captured statistics of one of its tables.
fn captured(statistics: &str) -> Result<Plan, ResolveError> {
    let text = FULL.replace(
        "file = \"schema.sql\"",
        "file = \"schema.sql\"\nstatistics = \"statistics.json\"",
    );
    let file = parse("scenario.toml", &text, &[]).unwrap();
    let mut sources: BTreeMap<PathBuf, String> = file
        .files()
        .into_iter()
        .map(|path| (path, "SELECT 1;".to_owned()))
        .collect();
    sources.insert("statistics.json".into(), statistics.to_owned());
    file.resolve(&sources, None, 1.0)
}

#[test]
fn captured_statistics_reach_the_tables_and_not_the_report() {
    let plan = captured(
        r#"{"format_version": 1, "postgres_version": "16.4", "tables": {
            "public.patients": {"rows": 7000000, "columns": {"name": {"most_common": [
                {"frequency": 0.1, "value": "Erika Mustermann"}]}}},
            "public.measurements": {"rows": 5}}}"#,
    )
    .unwrap();
    let patients = &plan.tables["patients"];
    assert_eq!(patients.production_rows, Rows(7_000_000));
    assert_eq!(patients.fill.statistics["name"].most_common.len(), 1);
    // The scenario's own number wins.
    let measurements = &plan.tables["measurements"];
    assert_eq!(measurements.production_rows, Rows(800_000_000));
    let report = serde_json::to_string(&plan).unwrap();
    assert!(!report.contains("Mustermann"), "{report}");
    assert!(report.contains("100000"));
}

#[test]
fn faulty_statistics_are_shown_where_they_are_named() {
    let error = captured("{\n\"format_version\": \"1\"}").unwrap_err();
    insta::assert_snapshot!(error, @r#"
    error: statistics.json: invalid type: string "1", expected u32 at line 2 column 21; see docs/statistics.md
      --> scenario.toml:11:14
       |
    11 | statistics = "statistics.json"
       |              ^^^^^^^^^^^^^^^^^
    "#);
}
