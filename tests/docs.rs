//! The examples in README.md and docs/, so that they stay true: each is read by the library, and the
//! first scenario is checked on a real server.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{CommandFactory, Parser};
use pgrehearse::cli::Cli;
use pgrehearse::pgbench::Script;
use pgrehearse::scenario::plan::Load;
use pgrehearse::scenario::{Plan, parse};
use pgrehearse::synth::Statistics;
use tempfile::TempDir;

const FIRST: &str = "docs/first-scenario.md";
const REFERENCE: &str = "docs/scenario.md";
const LOAD: &str = "docs/load.md";
const STATISTICS: &str = "docs/statistics.md";

/// What a fragment of a scenario is completed with, by the table's header.
const REST: [(&str, &str); 2] = [
    ("[schema]", "[schema]\nfile = \"schema.sql\"\n"),
    (
        "[traffic]",
        "[traffic]\nrate = 1\n[[traffic.transactions]]\nname = \"one\"\nsql = \"SELECT 1\"\n",
    ),
];

fn read(page: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of a language on a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = read(page);
    let fence = format!("\n```{language}\n");
    text.split(&fence)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap_or(rest).to_owned() + "\n")
        .collect()
}

/// A block that begins with a name is a whole scenario; the others are parts of one.
fn is_whole(block: &str) -> bool {
    block.starts_with("name = ")
}

/// The files of the first scenario, which its page begins with a comment that names them.
fn first_scenario() -> BTreeMap<PathBuf, String> {
    let files = blocks(FIRST, "sql").into_iter().filter_map(|text| {
        let name = text.lines().next()?.strip_prefix("-- ")?.to_owned();
        Some((PathBuf::from(name), text))
    });
    files.collect()
}

/// The plan of a whole scenario, whose files that the first scenario does not have hold a query.
#[track_caller]
fn resolve(page: &str, text: &str) -> Plan {
    let mut file = parse(page, text, &[]).unwrap_or_else(|error| panic!("{page}: {error}"));
    if file.list().is_some() {
        file.include("schema.sql")
            .unwrap_or_else(|error| panic!("{page}: {error}"));
    }
    let mut sources = first_scenario();
    for path in file.files() {
        sources
            .entry(path)
            .or_insert_with(|| "SELECT 1;".to_owned());
    }
    let plan = match file.contents().traffic {
        Some(_) => file.resolve(&sources, None, 1.0),
        None => file.resolve_fill(&sources, 1.0),
    };
    plan.unwrap_or_else(|error| panic!("{page}: {error}"))
}

#[test]
fn whole_scenarios_resolve() {
    for page in ["README.md", FIRST, REFERENCE] {
        let whole = blocks(page, "toml");
        assert!(
            whole.iter().any(|block| is_whole(block)),
            "{page} has no whole scenario"
        );
        for block in whole.iter().filter(|block| is_whole(block)) {
            resolve(page, block);
        }
    }
}

#[test]
fn fragments_are_parts_of_a_scenario() {
    for page in [FIRST, REFERENCE] {
        for block in blocks(page, "toml")
            .into_iter()
            .filter(|block| !is_whole(block))
        {
            let rest = REST.iter().filter(|(header, _)| !block.contains(header));
            let rest: String = rest.map(|(_, text)| *text).collect();
            let text = format!("name = \"part\"\n{rest}{block}");
            if let Err(error) = parse(page, &text, &[]) {
                panic!("{page}: {error}");
            }
        }
    }
}

#[test]
fn the_statistics_page_shows_what_is_read() {
    let shown = blocks(STATISTICS, "json").remove(0);
    let statistics = Statistics::parse(&shown).unwrap_or_else(|error| panic!("{error}"));
    // Nothing is shown that is not read, nor the other way round: it comes out as it is shown.
    let written = serde_json::to_value(&statistics).unwrap();
    let mut shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let columns = &mut shown["tables"]["public.orders"]["columns"];
    for column in columns.as_object_mut().unwrap().values_mut() {
        let fields = column.as_object_mut().unwrap();
        fields.entry("null_fraction").or_insert_with(|| 0.0.into());
        // A number is shown without a fraction that it does not have.
        let distinct = fields["distinct"].as_f64();
        fields["distinct"] = distinct.into();
    }
    assert_eq!(written, shown);
    let page = read(STATISTICS);
    for field in [
        "format_version",
        "pages",
        "bytes",
        "min_length",
        "histogram",
        "elements",
    ] {
        assert!(
            page.contains(&format!("| `{field}`")),
            "{field} is not documented"
        );
    }
    let fragment = blocks(STATISTICS, "toml").remove(0);
    let text = format!("name = \"part\"\n{}{fragment}", REST[1].1);
    let file = parse(STATISTICS, &text, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert!(file.files().contains(&PathBuf::from("statistics.json")));
}

#[test]
fn defaults_are_as_the_reference_shows_them() {
    let whole = blocks(REFERENCE, "toml")
        .into_iter()
        .find(|block| is_whole(block));
    let shown = resolve(REFERENCE, &whole.unwrap());
    let rest: String = REST.iter().map(|(_, text)| *text).collect();
    let bare = format!("name = \"bare\"\n{rest}[migration]\nfile = \"migration.sql\"\n");
    let bare = resolve(REFERENCE, &bare);
    assert_eq!(shown.application, bare.application);
    assert_eq!(shown.phases, bare.phases);
    assert_eq!(shown.limits, bare.limits);
    let spacing = |plan: &Plan| match &plan.traffic.load {
        Load::Open(open) => Some(open.arrivals),
        Load::Closed(_) | Load::Replay(_) => None,
    };
    assert_eq!(spacing(&shown), spacing(&bare));
    assert_eq!(shown.traffic.protocol, bare.traffic.protocol);
    let migration = |plan: &Plan| {
        let migration = &plan.migration;
        let (transaction, attempts) = (migration.transaction, migration.attempts);
        (
            transaction,
            attempts,
            migration.lock_timeout,
            migration.backoff,
        )
    };
    assert_eq!(migration(&shown), migration(&bare));
}

#[test]
fn traffic_scripts_parse() {
    for script in blocks(REFERENCE, "sql") {
        if let Err(error) = Script::parse(REFERENCE, &script) {
            panic!("{error}\n{script}");
        }
    }
}

/// Command lines of `load` that a page shows, without the program's name.
fn load_lines(page: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let shown = text.split(['`', '\n']).map(str::trim);
    let lines = shown.filter_map(|line| {
        let line = line.strip_prefix("$ pgrehearse ").unwrap_or(line);
        line.starts_with("load --url ").then_some(line)
    });
    lines
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[test]
fn command_lines_of_load_are_understood() {
    for page in ["README.md", LOAD] {
        let lines = load_lines(page);
        assert!(!lines.is_empty(), "{page} shows none");
        for words in lines {
            let line = std::iter::once("pgrehearse".to_owned()).chain(words);
            if let Err(error) = Cli::try_parse_from(line) {
                panic!("{page}: {error}");
            }
        }
    }
}

#[test]
fn options_of_load_are_on_its_page() {
    let page = read(LOAD);
    let cli = Cli::command();
    let load = cli
        .find_subcommand("load")
        .map(clap::Command::get_arguments);
    for option in load.into_iter().flatten() {
        let long = option.get_long().map(|long| format!("--{long}"));
        for name in long.into_iter().filter(|name| name != "--help") {
            assert!(page.contains(&name), "{name} is not on {LOAD}");
        }
    }
}

#[test]
fn the_first_scenario_checks_as_its_page_says() {
    let folder = TempDir::new().unwrap();
    let scenario = blocks(FIRST, "toml")
        .into_iter()
        .find(|block| is_whole(block));
    let mut files = first_scenario();
    files.insert(PathBuf::from("scenario.toml"), scenario.unwrap());
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    for migration in ["migration.sql", "safe.sql"] {
        let output = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
            .args(["check", "--quiet", "--migration", migration])
            .arg(folder.path())
            .output()
            .unwrap();
        let printed = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        assert_eq!(output.status.code(), Some(0), "{}", printed.join("\n"));
    }
}
