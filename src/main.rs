//! The `pgrehearse` command: parse, run the command, exit with its code.

use std::process::ExitCode;

use clap::Parser;
use pgrehearse::cli::Cli;
use pgrehearse::commands;

fn main() -> ExitCode {
    commands::execute(Cli::parse().into_command())
}
