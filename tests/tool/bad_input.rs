//! Input that is wrong, as users write it: a clear sentence and the right exit code, never a panic.

use crate::fixture::{SCHEMA, Scenario, pgrehearse, printed};

/// Runs `pgrehearse run` and demands an exit code and what stderr must say.
#[track_caller]
fn refused(scenario: &Scenario, code: i32, says: &[&str]) {
    let output = scenario.command("run").output().unwrap();
    let (stdout, stderr) = printed(&output);
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    for words in says {
        assert!(
            stderr.contains(words),
            "stderr does not say {words:?}:\n{stderr}"
        );
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn an_unknown_key_points_at_its_line() {
    let scenario = Scenario::new().replacing("rate = 200", "rat = 200");
    refused(&scenario, 2, &["unknown", "rat", "scenario.toml:16"]);
}

#[test]
fn a_wrong_unit_points_at_its_line() {
    let scenario = Scenario::new().replacing("baseline = \"2s\"", "baseline = \"2 parsecs\"");
    refused(&scenario, 2, &["parsecs", "scenario.toml", "baseline"]);
}

#[test]
fn a_missing_file_is_named_with_the_line_that_names_it() {
    let scenario = Scenario::new().replacing("script = \"read.sql\"", "script = \"gone.sql\"");
    refused(&scenario, 2, &["gone.sql", "scenario.toml"]);
}

#[test]
fn a_missing_scenario_is_named() {
    let output = pgrehearse()
        .args(["run", "/nowhere/at/all"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(printed(&output).1.contains("/nowhere/at/all"));
}

#[test]
fn a_script_error_has_file_line_and_column() {
    let scenario = Scenario::new().with("read.sql", "\\set id 1 +* 2\nSELECT :id;\n");
    refused(&scenario, 2, &["read.sql:1:"]);
}

#[test]
fn a_schema_error_has_file_line_and_sqlstate() {
    let schema = format!("{}\nCREATE TABLE broken (\n  id nosuchtype\n);\n", SCHEMA);
    let scenario = Scenario::new().with("schema.sql", &schema);
    refused(&scenario, 4, &["schema.sql:10", "nosuchtype", "42704"]);
}

#[test]
fn a_table_that_the_schema_lacks_is_named() {
    let scenario = Scenario::new().replacing("[tables.orders]", "[tables.oders]");
    refused(&scenario, 2, &["oders", "orders"]);
}

#[test]
fn a_statement_that_does_not_prepare_is_named() {
    let scenario =
        Scenario::new().with("read.sql", "SELECT 1;\nSELECT nosuchcolumn FROM orders;\n");
    refused(
        &scenario,
        2,
        &["read-order", "read.sql:2", "42703", "nosuchcolumn"],
    );
}

#[test]
fn concurrently_in_a_transaction_is_refused_before_anything_runs() {
    let scenario = Scenario::new().with(
        "migration.sql",
        "\nCREATE INDEX CONCURRENTLY ON orders (total);\n",
    );
    refused(
        &scenario,
        2,
        &["migration.sql:2", "transaction = \"statement\""],
    );
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let scenario = Scenario::new().replacing(
        "[schema]",
        "[shadow]\nsettings = { work_mem = \"enormous\" }\n[schema]",
    );
    refused(&scenario, 4, &["work_mem", "[shadow.settings]"]);
}

#[test]
fn a_pg_bin_without_a_server_is_named() {
    let scenario = Scenario::new();
    let output = scenario
        .command("run")
        .args(["--pg-bin", "/nowhere"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(printed(&output).1.contains("/nowhere"));
}

#[test]
fn an_output_folder_that_cannot_be_written_is_refused_first() {
    let scenario = Scenario::new().with("taken", "a file, not a folder");
    for out in [
        scenario.file("taken"),
        "/proc/pgrehearse".into(),
        "/dev/full/out".into(),
    ] {
        let output = scenario
            .command("run")
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(4));
        assert!(
            printed(&output).1.contains("--out"),
            "{:?}",
            printed(&output)
        );
    }
}

#[test]
fn a_socket_path_that_is_too_long_names_the_variable() {
    let scenario = Scenario::new();
    let long = scenario.file(&"x".repeat(120));
    std::fs::create_dir(&long).unwrap();
    let output = scenario
        .command("run")
        .env("TMPDIR", &long)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(
        printed(&output).1.contains("TMPDIR"),
        "{:?}",
        printed(&output)
    );
}

#[test]
fn what_a_column_cannot_hold_names_column_and_override() {
    // A base type as an extension brings it, of which nothing but its name is known.
    let schema = format!(
        "{SCHEMA}
        CREATE TYPE outline;
        CREATE FUNCTION outline_in(cstring) RETURNS outline
            LANGUAGE internal IMMUTABLE STRICT AS 'textin';
        CREATE FUNCTION outline_out(outline) RETURNS cstring
            LANGUAGE internal IMMUTABLE STRICT AS 'textout';
        CREATE TYPE outline (INPUT = outline_in, OUTPUT = outline_out, LIKE = text);
        CREATE TABLE shapes (id int PRIMARY KEY, outline outline NOT NULL);"
    );
    let scenario = Scenario::new()
        .with("schema.sql", &schema)
        .replacing("[traffic]\n", "[tables.shapes]\nrows = 10\n[traffic]\n");
    refused(
        &scenario,
        2,
        &["shapes.outline", "(outline)", "values", "pattern", "sql"],
    );
}

#[test]
fn an_override_that_is_no_key_is_refused() {
    let output = Scenario::new()
        .command("run")
        .args(["--set", "limits.lok_wait=1s"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(printed(&output).1.contains("lok_wait"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_before_the_rehearsal_or_else_after_the_verdict() {
    let scenario = Scenario::new();
    for (file, verdict_is_shown) in [(".pgrehearse-probe", false), (".report.json.partial", true)] {
        let out = scenario.file(file.trim_start_matches('.'));
        std::fs::create_dir(&out).unwrap();
        // Whatever is written there fails as on a full disk.
        std::os::unix::fs::symlink("/dev/full", out.join(file)).unwrap();
        let output = scenario
            .command("check")
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        let (stdout, stderr) = printed(&output);
        assert_eq!(output.status.code(), Some(4), "{stdout}\n{stderr}");
        assert!(stderr.contains("No space left"), "{stderr}");
        assert_eq!(stdout.contains("SAFE"), verdict_is_shown, "{stdout}");
        assert_eq!(
            std::fs::read_dir(&out).unwrap().count(),
            0,
            "nothing half written stays"
        );
    }
}
