//! `pgrehearse load` on the command line: where they do not clash, options are called as pgbench's are.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SharedArgs;
use super::pgbench::PgbenchArgs;
use crate::commands::load::{LoadOptions, ScriptArgument};
use crate::scenario::plan::Protocol;
use crate::units::{Span, UnitError};

#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    /// A folder that holds scenario.toml, or the file; its traffic goes to a server of its own
    scenario: Option<PathBuf>,
    /// Send scripts to this database instead: postgres://user@host/database, or key=value words
    #[arg(
        long,
        value_name = "URL",
        conflicts_with_all = ["overrides", "pg_bin", "rows_scale", "keep", "no_cache"]
    )]
    url: Option<String>,
    /// A script of pgbench's own: tpcb-like, simple-update or select-only; repeatable
    #[arg(long, short, value_name = "NAME[@WEIGHT]")]
    builtin: Vec<String>,
    /// The same as --builtin select-only
    #[arg(long, short = 'S')]
    select_only: bool,
    /// The same as --builtin simple-update
    #[arg(long, short = 'N')]
    skip_some_updates: bool,
    /// A pgbench script; repeatable
    #[arg(long, short, value_name = "FILE[@WEIGHT]")]
    file: Vec<String>,
    /// Define a variable of the scripts; repeatable
    #[arg(long, short = 'D', value_name = "NAME=VALUE")]
    define: Vec<String>,
    /// The variable :scale, where pgbench's tables do not tell it
    #[arg(long, short, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    scale: Option<u64>,
    /// Connections; without a rate, clients that each send as soon as they have their answer
    #[arg(long, short, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    clients: Option<u32>,
    /// Threads that send; default: the processors of this machine
    #[arg(long, short, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Transactions per second, whatever the server does
    #[arg(long, short = 'R', value_name = "RATE", allow_negative_numbers = true, value_parser = parse_rate)]
    rate: Option<f64>,
    /// Transactions that each client makes, instead of as many as there is time for
    #[arg(
        long,
        short,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        conflicts_with_all = ["duration", "warmup"]
    )]
    transactions: Option<u64>,
    /// How long is measured, as 60s; default: the scenario's baseline, else 10s
    #[arg(long, short = 'T', value_name = "TIME", allow_negative_numbers = true, value_parser = parse_length)]
    duration: Option<Span>,
    /// Traffic before that, not measured; default: the scenario's, else none
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    warmup: Option<Span>,
    /// How statements are sent; default: the scenario's, else prepared
    #[arg(long, short = 'M', value_name = "PROTOCOL")]
    protocol: Option<ProtocolArg>,
    /// Look for lock waits in the database at --url, as it is always done on a server of a scenario's own
    #[arg(long)]
    locks: bool,
    /// The name of the database at --url once more: the scripts may write to it, this time
    #[arg(long, value_name = "DBNAME")]
    i_know_this_is_disposable: Option<String>,
    #[command(flatten)]
    pgbench: PgbenchArgs,
    #[command(flatten)]
    shared: SharedArgs,
}

/// `pgbench -M`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProtocolArg {
    /// Parsed once a connection and kept
    Prepared,
    /// Parsed each time
    Extended,
    /// Values put into the text
    Simple,
}

impl From<LoadArgs> for LoadOptions {
    fn from(args: LoadArgs) -> Self {
        let builtin = |name: &str| ScriptArgument::Builtin(name.to_owned());
        let mut scripts: Vec<ScriptArgument> =
            args.builtin.iter().map(|name| builtin(name)).collect();
        scripts.extend(args.select_only.then(|| builtin("select-only")));
        scripts.extend(args.skip_some_updates.then(|| builtin("simple-update")));
        scripts.extend(args.file.into_iter().map(ScriptArgument::File));
        Self {
            scenario: args.scenario,
            url: args.url,
            scripts,
            definitions: args.define,
            scale: args.scale,
            clients: args.clients,
            jobs: args.jobs,
            rate: args.rate,
            transactions: args.transactions,
            duration: args.duration,
            warmup: args.warmup,
            protocol: args.protocol.map(|protocol| match protocol {
                ProtocolArg::Prepared => Protocol::Prepared,
                ProtocolArg::Extended => Protocol::Extended,
                ProtocolArg::Simple => Protocol::Simple,
            }),
            locks: args.locks,
            confirmed: args.i_know_this_is_disposable,
            shared: args.shared.into(),
        }
    }
}

/// A duration; a number alone is one of seconds, as pgbench has them.
pub(super) fn parse_duration(text: &str) -> Result<Span, String> {
    let seconds = text.bytes().all(|digit| digit.is_ascii_digit());
    let text = match seconds && !text.is_empty() {
        true => format!("{text}s"),
        false => text.to_owned(),
    };
    text.parse().map_err(|error: UnitError| error.to_string())
}

/// A duration in which something can happen.
pub(super) fn parse_length(text: &str) -> Result<Span, String> {
    match parse_duration(text)? {
        Span(length) if length.is_zero() => Err("nothing can be measured in no time".to_owned()),
        length => Ok(length),
    }
}

/// Transactions per second.
pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if f64::is_finite(rate) && rate > 0.0 => Ok(rate),
        _ => Err("write transactions per second, a number above 0, as 400 or 0.5".to_owned()),
    }
}
