//! Expressions that have one value, compared exactly.

use pgrehearse::pgbench::{Definitions, Run, Script, Step};

use super::client::Protocol;
use super::support::server;
use super::tool::{Address, NoKeys, debugged, run_text};

/// One a line; what begins with `--` is a title.
const EXPRESSIONS: &str = include_str!("corpus/expressions.txt");

/// Tells the type of `:v`: a difference is of the type of its sides.
const KIND: &str = "\\set kind case when :v is null then 0 \
    when :v is true or :v is false then 1 else (:v - :v + 7) / 2 end";

fn expressions() -> Vec<&'static str> {
    let lines = EXPRESSIONS.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("--"))
        .collect()
}

/// The value of an expression, as `debug()` of pgbench prints it.
fn ours(expression: &str, definitions: &Definitions) -> Result<String, String> {
    let text = format!("\\set v {expression}\n{KIND}\nSELECT :v, :kind");
    let script = Script::parse("expression.sql", &text).map_err(|error| error.to_string())?;
    let program = Protocol::Prepared.bind(&script, definitions)?;
    let mut run = Run::new(program, 0, 0);
    let step = run.step(&NoKeys).map_err(|error| error.to_string())?;
    let Step::Sql { parameters, .. } = step else {
        panic!("{step:?}");
    };
    let [value, Some(kind)] = parameters.as_slice() else {
        panic!("{parameters:?}");
    };
    let value = value.as_deref().unwrap_or_default();
    Ok(match kind.as_str() {
        "0" => "null".to_owned(),
        "1" => format!("boolean {value}"),
        "3" => format!("int {value}"),
        _ => format!("double {value}"),
    })
}

#[tokio::test]
async fn expressions_have_the_values_of_pgbench() {
    let server = server().await;
    let address = Address::of(&server.config());
    let defined = [
        ("seven", "7"),
        ("half", "0.5"),
        ("spaced", " 42"),
        ("yes", "y"),
        ("off", "off"),
        ("nil", "Null"),
        ("big", "9223372036854775807"),
        ("small", "-9223372036854775808"),
        ("infinite", "inf"),
        ("größe", "3"),
        ("default_seed", "5432"),
    ];
    let mut definitions = Definitions::default();
    let mut arguments = Vec::new();
    for (name, value) in defined {
        let definition = format!("{name}={value}");
        definitions.define(&definition).unwrap();
        arguments.push(format!("--define={definition}"));
    }
    let mut arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    arguments.push("--transactions=1");
    let expressions = expressions();
    let script: String = expressions
        .iter()
        .map(|expression| format!("\\set v {expression}\n\\set v debug(:v)\n"))
        .collect();
    let printed = run_text(&address, &script, &arguments).unwrap_or_else(|error| panic!("{error}"));
    let theirs: Vec<_> = debugged(&printed);
    assert_eq!(theirs.len(), expressions.len(), "{printed}");
    let mut different = Vec::new();
    for (expression, theirs) in expressions.iter().zip(theirs) {
        let ours = ours(expression, &definitions);
        if ours.as_ref() != Ok(&theirs) {
            different.push(format!("{expression}: {ours:?}, pgbench {theirs}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
