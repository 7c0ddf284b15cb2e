//! How fast tables are filled, beside `pgbench -i` and beside the server's own COPY of the same rows
//! from files in the page cache, on one private server in the settings of a fill; and `pgbench -i` on
//! a durable server, as people run it, beside the fill with the restart that makes its rows durable.
//! Rounds of all, taking turns, so that whatever else the machine does hits all.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark has nothing better to do than to stop and show"
)]

mod measure;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use measure::{Measured, Meter, show, show_durable};
use pgrehearse::postgres::catalog::read_schema;
use pgrehearse::postgres::{indexes, names, persistence};
use pgrehearse::schema::{RelationName, Schema};
use pgrehearse::shadow::fill::{FillOptions, FillProgress, Stage, fill};
use pgrehearse::shadow::{Durability, Server, ServerOptions, find_pg_bin};
use pgrehearse::synth::{ColumnSpec, FillPlan, TablePlan, TableSpec};
use tokio_postgres::{Client, NoTls};

/// A table, and what its columns hold.
struct Subject {
    table: &'static str,
    schema: &'static str,
    columns: &'static str,
}

/// As `pgbench -i` makes and fills it; the server pads the empty filler.
const ACCOUNTS: Subject = Subject {
    table: "pgbench_accounts",
    schema: "CREATE TABLE pgbench_accounts (
                 aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor = 100);
             ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)",
    columns: "bid = { range = [1, 50], null_fraction = 0.0 }
              abalance = { values = [0], null_fraction = 0.0 }
              filler = { values = [\"\"], null_fraction = 0.0 }",
};

/// Twenty columns as applications have them, with a unique key beside the primary one.
const WIDE: Subject = Subject {
    table: "orders",
    schema: "CREATE TYPE state AS ENUM ('draft', 'open', 'paid', 'sent', 'closed');
             CREATE TABLE orders (
                 id bigint PRIMARY KEY, public_id uuid NOT NULL UNIQUE, customer int NOT NULL,
                 state state NOT NULL, email text NOT NULL, title varchar(60) NOT NULL,
                 note text, total numeric(12,2) NOT NULL, tax numeric(6,4), weight double precision,
                 items smallint NOT NULL, paid boolean NOT NULL, country char(2) NOT NULL,
                 ordered_on date NOT NULL, created_at timestamptz NOT NULL, updated_at timestamp,
                 address inet, tags text[] NOT NULL, settings jsonb NOT NULL, digest bytea)",
    columns: "email = { pattern = \"user-{n}@example.org\" }\ncustomer = { range = [1, 100000] }",
};

/// `[ROUNDS [ROWS]]`: five rounds of five million rows, if not said otherwise.
fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let rounds = numbers.next().unwrap_or(5);
    let rows = numbers.next().unwrap_or(5_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        accounts(rounds, rows).await;
        wide(rounds, (rows / 10).max(1)).await;
    });
}

async fn accounts(rounds: u64, rows: u64) {
    // pgbench counts in branches of 100,000 accounts.
    let scale = rows.div_ceil(100_000);
    let mut bench = Bench::start(&ACCOUNTS, scale * 100_000).await;
    let (mut ours, mut raw, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ours_durable, mut theirs_durable) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(bench.pgbench(scale).await);
        raw.push(bench.raw().await);
        let mut filled = bench.ours().await;
        let restarting = Instant::now();
        bench.server.restart(Durability::Production).await.unwrap();
        filled.restarting = Some(restarting.elapsed());
        ours_durable.push(filled.whole());
        ours.push(filled);
        theirs_durable.push(bench.pgbench(scale).await.whole());
        bench.server.restart(Durability::Filling).await.unwrap();
    }
    show(
        &format!("pgbench_accounts, {} rows and the primary key", bench.rows),
        &[
            ("pgrehearse", ours),
            ("COPY of files", raw),
            ("pgbench -i", theirs),
        ],
    );
    show_durable(&ours_durable, &theirs_durable);
}

async fn wide(rounds: u64, rows: u64) {
    let bench = Bench::start(&WIDE, rows).await;
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        raw.push(bench.raw().await);
        ours.push(bench.ours().await);
    }
    show(
        &format!("a table of 20 columns, {rows} rows and two keys"),
        &[("pgrehearse", ours), ("COPY of files", raw)],
    );
}

struct Bench {
    server: Server,
    subject: &'static Subject,
    rows: u64,
    connections: usize,
    /// The same rows for the server to read.
    files: Vec<PathBuf>,
}

impl Bench {
    async fn start(subject: &'static Subject, rows: u64) -> Self {
        let options = ServerOptions {
            pg_bin: find_pg_bin(None).unwrap(),
            settings: BTreeMap::new(),
            connections: 20,
            keep: false,
        };
        let mut server = Server::start(options).await.unwrap();
        server.restart(Durability::Filling).await.unwrap();
        let mut bench = Self {
            server,
            subject,
            rows,
            connections: available_parallelism().map_or(1, usize::from),
            files: Vec::new(),
        };
        let (_, _, plan) = bench.empty().await;
        let planned = plan.table(subject.table).unwrap();
        bench.files = bench.write(planned);
        bench
    }

    /// The rows as text, evenly into as many files as there are connections.
    fn write(&self, planned: &TablePlan) -> Vec<PathBuf> {
        let parts = self.connections as u64;
        let part = |number: u64| {
            let path = self.server.directory().join(format!("rows{number}"));
            let mut file = File::create(&path).unwrap();
            let (mut from, end) = (self.rows * number / parts, self.rows * (number + 1) / parts);
            while from < end {
                let mut text = Vec::new();
                from = planned.encode(from..end, 1 << 20, &mut text);
                file.write_all(&text).unwrap();
            }
            path
        };
        (0..parts).map(part).collect()
    }

    async fn connect(&self) -> Client {
        let (client, connection) = self.server.config().connect(NoTls).await.unwrap();
        tokio::spawn(async move { connection.await.ok() });
        client
    }

    /// The table anew, nothing left to write of what was before.
    async fn empty(&self) -> (Client, Schema, Arc<FillPlan>) {
        let client = self.connect().await;
        let sql = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
        client.batch_execute(sql).await.unwrap();
        client.batch_execute(self.subject.schema).await.unwrap();
        client.batch_execute("CHECKPOINT").await.unwrap();
        let schema = read_schema(&client).await.unwrap();
        let spec = TableSpec {
            rows: self.rows,
            columns: toml::from_str::<BTreeMap<String, ColumnSpec>>(self.subject.columns).unwrap(),
            ..TableSpec::default()
        };
        let specs = BTreeMap::from([(self.subject.table.to_owned(), spec)]);
        let plan = Arc::new(FillPlan::new(&schema, &specs, 42).unwrap());
        (client, schema, plan)
    }

    async fn ours(&self) -> Measured {
        let (client, schema, plan) = self.empty().await;
        drop(client);
        let progress = Arc::new(FillProgress::default());
        let options = FillOptions {
            parallelism: self.connections,
            progress: Arc::clone(&progress),
            stop: Arc::new(AtomicBool::new(false)),
        };
        let meter = Meter::start(&self.server);
        let until_settling = std::thread::spawn(move || {
            while !matches!(progress.stage(), Stage::Analyzing | Stage::Done) {
                std::thread::sleep(Duration::from_millis(2));
            }
            meter.read()
        });
        let config = self.server.config();
        let filled = fill(&config, &schema, &plan, options).await.unwrap();
        let cpu = until_settling.join().unwrap();
        Measured {
            rows: self.rows,
            bytes: filled.bytes,
            copying: filled.copying,
            indexing: filled.indexing,
            settling: Some(filled.settling),
            restarting: None,
            cpu,
        }
    }

    /// What the server itself can do: its own COPY of files, all else as in a fill.
    async fn raw(&self) -> Measured {
        let (client, schema, _) = self.empty().await;
        let oids = [schema.table(self.subject.table).unwrap().oid];
        indexes::suspend(&client, &oids).await.unwrap();
        let unlogged = persistence::suspend(&client, &oids).await.unwrap();
        let meter = Meter::start(&self.server);
        let begun = Instant::now();
        let table = RelationName {
            schema: "public".to_owned(),
            name: self.subject.table.to_owned(),
        };
        let mut copies = Vec::new();
        for file in &self.files {
            let client = self.connect().await;
            let from = file.display();
            let sql = format!("COPY {} FROM '{from}'", names::quoted(&table));
            copies.push(tokio::spawn(async move {
                client.batch_execute(&sql).await.unwrap();
            }));
        }
        for copy in copies {
            copy.await.unwrap();
        }
        let copied = Instant::now();
        let indexes = indexes::of_tables(&client, &oids).await.unwrap();
        let share = (self.connections / indexes.len()).max(1);
        let builds = indexes.into_iter().map(|index| async move {
            let client = self.connect().await;
            let participants = u32::try_from(share).unwrap();
            indexes::set_participants(&client, participants)
                .await
                .unwrap();
            let sql = indexes::rebuild_statement(&index);
            client.batch_execute(&sql).await.unwrap();
        });
        futures_util::future::join_all(builds).await;
        let indexing = copied.elapsed();
        persistence::resume(&client, &unlogged).await.unwrap();
        let sizes = self
            .files
            .iter()
            .map(|file| fs::metadata(file).unwrap().len());
        Measured {
            rows: self.rows,
            bytes: sizes.sum(),
            copying: copied - begun,
            indexing,
            settling: None,
            restarting: None,
            cpu: meter.read(),
        }
    }

    /// Drops, makes, fills from the client, and builds the primary keys. Its own figures of each.
    async fn pgbench(&self, scale: u64) -> Measured {
        drop(self.empty().await);
        let meter = Meter::start(&self.server);
        let output = Command::new(pgbench_program())
            .arg("-h")
            .arg(self.server.directory().join("s"))
            .args(["-U", "postgres", "-i", "-q", "-I", "dtgp", "-s"])
            .args([&scale.to_string(), "shadow"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pgbench failed: {said}");
        let seconds = |what: &str| {
            let (_, rest) = said.rsplit_once(what).unwrap();
            let number = rest.split_whitespace().next().unwrap();
            Duration::from_secs_f64(number.parse().unwrap())
        };
        Measured {
            rows: self.rows,
            bytes: 0,
            copying: seconds("client-side generate "),
            indexing: seconds("primary keys "),
            settling: None,
            restarting: None,
            cpu: meter.read(),
        }
    }
}

/// `pgbench` beside the server's programs, else of the PATH: not every installation has it.
fn pgbench_program() -> PathBuf {
    let beside = find_pg_bin(None).unwrap().join("pgbench");
    match beside.is_file() {
        true => beside,
        false => "pgbench".into(),
    }
}
