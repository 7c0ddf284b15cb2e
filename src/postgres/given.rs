//! Rows that the schema's files brought.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use super::names::{quote, quoted};
use crate::schema::Table;
use crate::synth::GivenRows;

/// Rows of a table that are read: lookup tables have fewer.
const MOST: i64 = 10_000;

/// Tables that have a page at least.
const WITH_PAGES: &str = "
    SELECT oid FROM pg_catalog.pg_class WHERE oid = ANY ($1) AND pg_catalog.pg_relation_size(oid) > 0";

/// Reads the rows of those of these tables that have any: of each, the values of these columns.
///
/// # Errors
/// What the server says.
pub async fn read_given(
    client: &Client,
    wanted: &[(&Table, BTreeSet<String>)],
) -> Result<Vec<GivenRows>, Error> {
    let oids: Vec<u32> = wanted
        .iter()
        .flat_map(|(table, _)| table.storage())
        .collect();
    let mut with_pages = BTreeSet::new();
    for row in client.query(WITH_PAGES, &[&oids]).await? {
        with_pages.insert(row.try_get::<_, u32>(0)?);
    }
    let mut given = Vec::new();
    for (table, columns) in wanted {
        let storage = table.storage();
        if storage.iter().any(|oid| with_pages.contains(oid)) {
            given.push(read_table(client, table, columns).await?);
        }
    }
    given.retain(|rows| rows.count > 0);
    Ok(given)
}

async fn read_table(
    client: &Client,
    table: &Table,
    columns: &BTreeSet<String>,
) -> Result<GivenRows, Error> {
    // A partitioned table has its rows in its partitions alone.
    let (from, order) = match &table.partitioning {
        None => (format!("ONLY {}", quoted(&table.name)), "ctid"),
        Some(_) => (quoted(&table.name), "tableoid, ctid"),
    };
    let sql = format!("SELECT count(*) FROM {from}");
    let count: i64 = client.query_one(&sql, &[]).await?.try_get(0)?;
    let mut values: Vec<(String, Option<Vec<String>>)> = columns
        .iter()
        .map(|column| (column.clone(), Some(Vec::new())))
        .collect();
    if !columns.is_empty() {
        let texts: Vec<String> = columns
            .iter()
            .map(|c| format!("{}::text", quote(c)))
            .collect();
        // In the order of the file, so that the same rows are chosen in every run.
        let sql = format!(
            "SELECT {} FROM {from} ORDER BY {order} LIMIT {MOST}",
            texts.join(", ")
        );
        for row in client.query(&sql, &[]).await? {
            for (index, (_, column)) in values.iter_mut().enumerate() {
                let value: Option<String> = row.try_get(index)?;
                // One NULL, and the column's values are not those of the rows any more.
                *column = column.take().zip(value).map(|(mut column, value)| {
                    column.push(value);
                    column
                });
            }
        }
    }
    let columns: BTreeMap<String, Vec<String>> = values
        .into_iter()
        .filter_map(|(name, values)| Some((name, values?)))
        .collect();
    Ok(GivenRows {
        name: table.name.clone(),
        count: u64::try_from(count).unwrap_or(0),
        known: u64::try_from(count.min(MOST)).unwrap_or(0),
        columns,
    })
}
