//! What `ANALYZE` knows of a database, in the format of `statistics.json`.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Row};

use crate::synth::statistics::{
    ColumnStatistics, Distinct, ElementStatistics, FORMAT_VERSION, MostCommon, Statistics,
    TableStatistics,
};

/// User tables with what `pg_class` knows of them.
const TABLES: &str = "
SELECT n.nspname || '.' || c.relname, c.reltuples::float8, c.relpages::int8,
       pg_catalog.pg_total_relation_size(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Columns with what `pg_stats` knows of them; of a partitioned table, of all its partitions. Values
/// are read as text in fixed styles, only where `$1` says so.
const COLUMNS: &str = "
SELECT s.schemaname || '.' || s.tablename, s.attname::text, s.null_frac, s.n_distinct, s.avg_width,
       s.correlation, s.most_common_freqs,
       CASE WHEN $1 THEN s.most_common_vals::text::text[] END,
       CASE WHEN $1 THEN s.histogram_bounds::text::text[] END,
       s.elem_count_histogram[pg_catalog.array_upper(s.elem_count_histogram, 1)],
       s.most_common_elem_freqs,
       CASE WHEN $1 THEN s.most_common_elems::text::text[] END
FROM pg_catalog.pg_stats s
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
  JOIN pg_catalog.pg_class c ON c.relname = s.tablename AND c.relnamespace = n.oid
WHERE s.inherited = (c.relkind = 'p') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// How values are written, whatever the server's defaults.
const STYLES: &str = "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; \
     SET bytea_output = 'hex'; SET extra_float_digits = 1";

/// Reads the statistics of all user tables; their values too if `with_values`. They are as of the last
/// `ANALYZE`. It sets how this session writes dates and floats.
///
/// # Errors
/// What the server says.
pub async fn read_statistics(client: &Client, with_values: bool) -> Result<Statistics, Error> {
    client.batch_execute(STYLES).await?;
    let version = client.query_one("SHOW server_version", &[]).await?;
    let mut tables = BTreeMap::new();
    for row in client.query(TABLES, &[]).await? {
        // −1 where the table was never analyzed: the cast saturates at 0.
        let rows: f64 = row.try_get(1)?;
        let table = TableStatistics {
            rows: rows as u64,
            pages: u64::try_from(row.try_get::<_, i64>(2)?).ok(),
            bytes: u64::try_from(row.try_get::<_, i64>(3)?).ok(),
            columns: BTreeMap::new(),
        };
        tables.insert(row.try_get::<_, String>(0)?, table);
    }
    for row in client.query(COLUMNS, &[&with_values]).await? {
        let table: String = row.try_get(0)?;
        if let Some(table) = tables.get_mut(&table) {
            table.columns.insert(row.try_get(1)?, column(&row)?);
        }
    }
    Ok(Statistics {
        format_version: FORMAT_VERSION,
        postgres_version: version.try_get(0)?,
        tables,
    })
}

fn column(row: &Row) -> Result<ColumnStatistics, Error> {
    let width: i32 = row.try_get(4)?;
    let correlation: Option<f32> = row.try_get(5)?;
    let count: Option<f32> = row.try_get(9)?;
    let elements = ElementStatistics {
        average_count: count.map(decimal),
        // After the frequencies of the elements come their least and greatest, and that of NULL.
        most_common: common(row, 10, 11, 3)?,
    };
    Ok(ColumnStatistics {
        null_fraction: decimal(row.try_get(2)?),
        distinct: Distinct::try_from(decimal(row.try_get(3)?)).ok(),
        average_width: u32::try_from(width).ok(),
        correlation: correlation.map(decimal),
        most_common: common(row, 6, 7, 0)?,
        histogram: row.try_get::<_, Option<_>>(8)?.unwrap_or_default(),
        min_length: None,
        max_length: None,
        elements: (elements != ElementStatistics::default()).then_some(elements),
    })
}

/// Frequencies, but for so many at their end, and values where there are.
fn common(
    row: &Row,
    frequencies: usize,
    values: usize,
    others: usize,
) -> Result<Vec<MostCommon>, Error> {
    let frequencies: Vec<f32> = row
        .try_get::<_, Option<_>>(frequencies)?
        .unwrap_or_default();
    let values: Option<Vec<Option<String>>> = row.try_get(values)?;
    let mut values = values.unwrap_or_default().into_iter();
    let count = frequencies.len().saturating_sub(others);
    let frequencies = frequencies.into_iter().take(count);
    Ok(frequencies
        .map(|frequency| MostCommon {
            frequency: decimal(frequency),
            value: values.next().flatten(),
        })
        .collect())
}

/// A `float4` in the digits that it has.
fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}
