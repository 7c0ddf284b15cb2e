//! A small forecast on real servers: what it knows of each statement. Not how long anything takes, which a busy
//! machine decides.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use pgrehearse::judge::forecast::{Trial, project};
use pgrehearse::observe::{Forecast, Growth, Quantity};
use pgrehearse::rehearsal::{Options, Silent, Sizes, Surroundings, Trials, stop_switch, trials};
use pgrehearse::scenario::{Plan, parse};
use pgrehearse::shadow::cache::FillCache;
use pgrehearse::units::{Bytes, Rows};
use tempfile::TempDir;

const SCENARIO: &str = r#"
name = "small"
[schema]
file = "schema.sql"
[tables.customers]
rows = 400
[tables.orders]
rows = "32k"
production_rows = "640k"
[tables.orders.columns]
customer_id = { references = "customers.id" }
[traffic]
rate = 1
[[traffic.transactions]]
name = "one"
sql = "SELECT 1"
[migration]
file = "migration.sql"
transaction = "statement"
"#;

const SCHEMA: &str = "
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, note text NOT NULL);
";

const MIGRATION: &str = "
BEGIN;
ALTER TABLE orders ADD COLUMN shipped boolean;
UPDATE orders SET shipped = true;
COMMIT;
CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
";

/// Runs it at these shares of the rows.
fn run(migration: &str, sizes: &Sizes) -> Trials {
    let sources = [("schema.sql", SCHEMA), ("migration.sql", migration)];
    let sources: BTreeMap<PathBuf, String> = sources
        .into_iter()
        .map(|(path, text)| (path.into(), text.to_owned()))
        .collect();
    let file = parse("scenario.toml", SCENARIO, &[]).unwrap();
    let plan: Plan = file.resolve(&sources, None, 1.0).unwrap();
    let cache = TempDir::new().unwrap();
    let options = Options {
        parallelism: 2,
        cache: Some(FillCache::new(cache.path().to_owned(), Bytes(1 << 30))),
        ..Options::default()
    };
    let (_switch, stop) = stop_switch();
    let around = Surroundings {
        observer: &Silent,
        stop: &stop,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(trials(&plan, &options, (around, sizes)))
}

fn sizes(shares: &[f64], rounds: usize) -> Sizes {
    Sizes {
        shares: shares.to_vec(),
        rounds,
    }
}

#[track_caller]
fn of(forecasts: &[Forecast], statement: usize, quantity: Quantity) -> &Forecast {
    let mut found = forecasts
        .iter()
        .filter(|one| one.statement == statement && one.quantity == quantity);
    let first = found.next().unwrap();
    assert_eq!(
        found.next(),
        None,
        "statement {statement}: one {quantity:?} alone"
    );
    first
}

fn rows(run: &Trial) -> Vec<(&str, Rows, Rows)> {
    let tables = run.tables.iter();
    tables
        .map(|table| (table.name.as_str(), table.rows, table.production_rows))
        .collect()
}

#[test]
fn a_migration_is_run_at_each_size_and_projected_to_productions() {
    let Trials { runs, notes } = run(MIGRATION, &sizes(&[0.25, 0.5, 1.0], 2));
    assert_eq!(runs.len(), 6, "{notes:?}");
    // The rounds follow each other, each at all sizes.
    for (place, orders) in [8_000, 16_000, 32_000, 8_000].into_iter().enumerate() {
        // What the orders refer to is all there, as in production.
        let expected = [
            ("public.customers", Rows(400), Rows(400)),
            ("public.orders", Rows(orders), Rows(640_000)),
        ];
        assert_eq!(rows(&runs[place]), expected);
    }

    let forecasts = project(&runs, &[]);
    let wal = of(&forecasts, 2, Quantity::WalBytes);
    assert_eq!(wal.table, "public.orders");
    assert_eq!(wal.production_rows, 640_000);
    let measured: Vec<u64> = wal.sizes.iter().map(|point| point.rows).collect();
    assert_eq!(measured, [8_000, 16_000, 32_000]);
    // WAL does not depend on how busy the machine is: some hundred bytes a row.
    let interval = wal.interval().unwrap();
    let largest = wal.measured().unwrap();
    assert!(
        (15.0..25.0).contains(&(interval.predicted / largest)),
        "{wal:?}"
    );
    assert!(interval.low <= interval.predicted && interval.predicted <= interval.high);

    let alter = of(&forecasts, 1, Quantity::WalBytes);
    assert_eq!(
        alter.model,
        Growth::Constant,
        "it writes to the catalog only"
    );
    let hold = of(&forecasts, 1, Quantity::LockHeld);
    assert_eq!(hold.relation.as_deref(), Some("public.orders"));
    assert_eq!(hold.mode.as_deref(), Some("AccessExclusiveLock"));
    let update = of(&forecasts, 2, Quantity::Duration);
    let held_longer = |(hold, update): (f64, f64)| hold > update;
    let both = hold.measured().zip(update.measured());
    assert!(both.is_some_and(held_longer), "the update runs under it");

    let index = of(&forecasts, 4, Quantity::WalBytes);
    assert_ne!(index.model, Growth::Constant, "{index:?}");
}

#[test]
fn a_migration_that_fails_is_not_forecast() {
    let fails = "ALTER TABLE orders ADD CONSTRAINT few CHECK (id < 10);";
    let Trials { runs, notes } = run(fails, &sizes(&[0.25, 0.5, 1.0], 1));
    assert_eq!(runs.len(), 0, "nothing is learnt from half a migration");
    let [note] = notes.as_slice() else {
        panic!("why there is no forecast is said once: {notes:?}");
    };
    for part in ["25.0 % of the rows", "statement 1", "23514"] {
        assert!(note.contains(part), "{part}: {note}");
    }
}
