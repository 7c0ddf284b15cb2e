//! Keeps DESIGN's order of modules: imports go down the list in `src/lib.rs`, pure modules stay pure,
//! and nothing goes in a circle.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From the top down, as in `src/lib.rs`.
const ORDER: [&str; 15] = [
    "cli",
    "commands",
    "report",
    "rehearsal",
    "traffic",
    "shadow",
    "postgres",
    "judge",
    "scenario",
    "observe",
    "synth",
    "pgbench",
    "sql",
    "schema",
    "units",
];

/// From here down modules are pure.
const FIRST_PURE: &str = "judge";

/// What a pure module may not touch.
const IMPURE: [(&str, &str); 16] = [
    ("async fn", "async"),
    (".await", "async"),
    ("tokio", "async"),
    ("std::fs", "files"),
    ("std::net", "the network"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("std::env", "the environment"),
    ("std::io", "input and output"),
    ("Instant", "the clock"),
    ("SystemTime", "the clock"),
    ("println!", "printing"),
    ("print!", "printing"),
    ("eprintln!", "printing"),
    ("rand::rng", "randomness without a seed"),
    ("RandomState", "randomness without a seed"),
];

struct Source {
    module: &'static str,
    path: PathBuf,
    code: String,
}

/// Every source file of a module, without comments, strings and tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files
        .into_iter()
        .filter_map(|path| {
            let relative = path.strip_prefix(&root).ok()?;
            let first = relative.components().next()?.as_os_str().to_str()?;
            let name = first.trim_end_matches(".rs");
            let module = ORDER.into_iter().find(|&module| module == name);
            if module.is_none() {
                assert!(
                    ["lib", "main"].contains(&name),
                    "src/{first} is not in the order of modules"
                );
            }
            let code = code_only(&fs::read_to_string(&path).unwrap());
            Some(Source {
                module: module?,
                path,
                code,
            })
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Fixtures are compiled for tests only.
        let test_only = path
            .file_stem()
            .is_some_and(|stem| stem == "tests" || stem == "fixtures");
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !test_only {
            files.push(path);
        }
    }
}

/// Drops line comments, the contents of string literals, and everything from the tests on.
fn code_only(text: &str) -> String {
    let before_tests = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let mut code = String::new();
    for line in before_tests.lines() {
        let mut in_string = false;
        let mut last = ' ';
        let mut kept = String::new();
        for c in line.chars() {
            if c == '"' && last != '\\' && last != '\'' {
                in_string = !in_string;
            }
            if !in_string {
                kept.push(c);
            }
            last = c;
        }
        code.push_str(kept.split("//").next().unwrap_or(""));
        code.push('\n');
    }
    code
}

/// The modules of this crate that code names by `crate::…`, in `use` trees too.
fn imports(code: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let names = match after.strip_prefix('{') {
            Some(group) => first_names(group),
            None => vec![leading_name(after)],
        };
        found.extend(ORDER.into_iter().filter(|module| names.contains(module)));
    }
    found
}

fn leading_name(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    &text[..end]
}

/// The first path segment of every item in a `{…}` group of a `use`.
fn first_names(group: &str) -> Vec<&str> {
    let mut depth = 1;
    let mut names = vec![leading_name(group.trim_start())];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(leading_name(group[at + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn place(module: &str) -> usize {
    ORDER.iter().position(|&listed| listed == module).unwrap()
}

#[test]
fn lib_lists_the_modules_in_order() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let listed: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(listed, ORDER);
}

#[test]
fn imports_go_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        for import in imports(&source.code) {
            if place(import) < place(source.module) {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports that go up:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn pure_modules_are_pure() {
    let mut wrong = Vec::new();
    for source in sources() {
        if place(source.module) < place(FIRST_PURE) {
            continue;
        }
        for (mark, what) in IMPURE {
            if source.code.contains(mark) {
                wrong.push(format!("{} uses {what} ({mark})", source.path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "pure modules that touch the world:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn sql_of_the_tools_own_is_in_postgres() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| place(source.module) < place("postgres"))
        .filter(|source| {
            let text = fs::read_to_string(&source.path).unwrap();
            let shipped = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or(&text)
                .to_owned();
            ["FROM pg_catalog.", "FROM pg_"]
                .iter()
                .any(|mark| shipped.contains(mark))
        })
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(
        wrong.is_empty(),
        "catalog queries outside src/postgres:\n{}",
        wrong.join("\n")
    );
}

/// Files inside a module may import each other, but not in a circle: `a.rs` → `b.rs` → `a.rs`.
#[test]
fn files_do_not_import_in_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = sources();
    let name = |source: &Source| {
        let relative = source.path.strip_prefix(&root).unwrap().with_extension("");
        relative
            .components()
            .map(|part| part.as_os_str().to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("::")
    };
    let names: BTreeSet<String> = sources.iter().map(name).collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &sources {
        let own = name(source);
        // A folder's mod.rs re-exports its children and they use its types: one unit with them.
        if own.ends_with("::mod") {
            continue;
        }
        let parent = own
            .rsplit_once("::")
            .map_or("", |(parent, _)| parent)
            .to_owned();
        for target in names
            .iter()
            .filter(|target| **target != own && !target.ends_with("::mod"))
        {
            let by_crate = format!("crate::{target}::");
            let sibling = target
                .strip_prefix(&format!("{parent}::"))
                .filter(|rest| !rest.contains("::"));
            let by_super = sibling.map(|sibling| format!("super::{sibling}::"));
            let used = source.code.contains(&by_crate)
                || by_super.is_some_and(|path| source.code.contains(&path));
            if used {
                graph.entry(own.clone()).or_default().insert(target.clone());
            }
        }
    }
    let circular: Vec<&String> = graph
        .keys()
        .filter(|start| reaches_itself(&graph, start))
        .collect();
    assert!(
        circular.is_empty(),
        "files that import themselves in a circle: {circular:?}"
    );
}

fn reaches_itself(graph: &BTreeMap<String, BTreeSet<String>>, start: &String) -> bool {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&String> = graph[start].iter().collect();
    while let Some(file) = next.pop() {
        if file == start {
            return true;
        }
        if seen.insert(file) {
            next.extend(graph.get(file).into_iter().flatten());
        }
    }
    false
}

#[test]
fn the_checks_can_fail() {
    assert_eq!(
        imports("use crate::{judge::rules, traffic::Fleet};\nlet x = crate::units::Rows(1);"),
        BTreeSet::from(["judge", "traffic", "units"])
    );
    assert!(!code_only("let x = \"tokio\"; // tokio").contains("tokio"));
    assert!(code_only("use tokio::time;").contains("tokio"));
}
