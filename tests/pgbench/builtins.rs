//! The built-in scripts.

use std::process::Command;

use pgrehearse::pgbench::BUILTINS;

use super::tool::pgbench;

#[test]
fn they_are_those_of_pgbench() {
    for builtin in BUILTINS {
        let mut command = Command::new(pgbench());
        let shown = command.arg(format!("--show-script={}", builtin.name));
        let shown = String::from_utf8(shown.output().unwrap().stderr).unwrap();
        let (title, text) = shown.split_once('\n').unwrap();
        assert_eq!(
            title,
            format!("-- {}: <builtin: {}>", builtin.name, builtin.description)
        );
        assert_eq!(text.trim_end(), builtin.text.trim_end());
    }
}
