//! Options of pgbench that `pgrehearse load` has otherwise or not at all: who types them is told what takes
//! their place.

use clap::Args;

/// They are in no help text.
#[derive(Debug, Args)]
pub(super) struct PgbenchArgs {
    // What it asks for is what a load always does.
    #[arg(long, short = 'n', hide = true)]
    no_vacuum: bool,
    #[arg(long, short = 'p', hide = true, value_parser = elsewhere(SERVER))]
    port: Option<Elsewhere>,
    #[arg(long, short = 'U', hide = true, value_parser = elsewhere(SERVER))]
    username: Option<Elsewhere>,
    #[arg(long, short = 'd', hide = true, value_parser = elsewhere(SERVER))]
    dbname: Option<Elsewhere>,
    #[arg(long, hide = true, value_parser = elsewhere(SERVER))]
    host: Option<Elsewhere>,
    #[arg(long, short = 'L', hide = true, value_parser = elsewhere("nothing that is due is skipped, and `histogram` in report.json tells the share above any limit"))]
    latency_limit: Option<Elsewhere>,
    #[arg(long, short = 'P', hide = true, value_parser = elsewhere("progress is shown anyway, and `series` in report.json has every second"))]
    progress: Option<Elsewhere>,
    #[arg(long, hide = true, value_parser = elsewhere("it is --seed here"))]
    random_seed: Option<Elsewhere>,
    #[arg(long, hide = true, value_parser = elsewhere("it is [application] retries of a scenario"))]
    max_tries: Option<Elsewhere>,
    #[arg(long, short = 'i', hide = true, num_args = 0, default_missing_value = "", value_parser = elsewhere("nothing is ever created in a database of yours: `pgbench -i` makes pgbench's tables, and a scenario its own"))]
    initialize: Option<Elsewhere>,
    #[arg(long, short = 'C', hide = true, num_args = 0, default_missing_value = "", value_parser = elsewhere("connections stay open, as those of an application do"))]
    connect: Option<Elsewhere>,
    #[arg(long, short = 'v', hide = true, num_args = 0, default_missing_value = "", value_parser = elsewhere("nothing is vacuumed: do it before"))]
    vacuum_all: Option<Elsewhere>,
    #[arg(long, short = 'l', hide = true, num_args = 0, default_missing_value = "", value_parser = elsewhere("`series` and `histogram` in report.json take its place: --out DIR"))]
    log: Option<Elsewhere>,
    #[arg(long, short = 'r', hide = true, num_args = 0, default_missing_value = "", value_parser = elsewhere("latencies are told for each script, not for each statement"))]
    report_per_command: Option<Elsewhere>,
}

const SERVER: &str =
    "the server and its database are named with --url postgres://user@host:5432/database";

/// The value of an option that there is not.
#[derive(Debug, Clone)]
enum Elsewhere {}

/// Refuses an option, and says what to do instead.
fn elsewhere(
    instead: &'static str,
) -> impl Fn(&str) -> Result<Elsewhere, String> + Clone + Send + Sync {
    move |_| Err(instead.to_owned())
}
