//! What a migration may leave behind: invalid indexes, unvalidated constraints, and the scenario's
//! invariants in one snapshot.

use tokio_postgres::{Client, Config, Error};

use super::connect::{Session, connect_unlimited};

const INVALID_INDEXES: &str = "
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind IN ('i', 'I') AND n.nspname <> 'pg_toast' ORDER BY 1";

const UNVALIDATED_CONSTRAINTS: &str = "
SELECT n.nspname || '.' || t.relname || '.' || c.conname
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE NOT c.convalidated AND coalesce(pg_catalog.to_jsonb(c) ->> 'conenforced', 'true') = 'true' ORDER BY 1";

/// Indexes that queries cannot use.
pub async fn invalid_indexes(client: &Client) -> Result<Vec<String>, Error> {
    names(client, INVALID_INDEXES).await
}

/// Constraints that hold for new rows only.
pub async fn unvalidated_constraints(client: &Client) -> Result<Vec<String>, Error> {
    names(client, UNVALIDATED_CONSTRAINTS).await
}

async fn names(client: &Client, query: &str) -> Result<Vec<String>, Error> {
    client
        .query(query, &[])
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect()
}

/// The data of one moment: a transaction that sees nothing newer, and changes nothing. It holds no lock
/// until something is read.
#[derive(Debug)]
pub struct Snapshot {
    session: Session,
}

impl Snapshot {
    /// The data of now.
    ///
    /// # Errors
    /// The server cannot be reached, or what it says.
    pub async fn take(config: &Config, application_name: &str) -> Result<Self, Error> {
        let session = connect_unlimited(config, application_name).await?;
        let client = &session.client;
        // The first query of the transaction takes the snapshot.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
        client.batch_execute(begin).await?;
        Ok(Self { session })
    }

    /// The number that a query gives in it; none if it gives no row or not a whole number. A query that
    /// fails leaves the snapshot as it is.
    ///
    /// # Errors
    /// What the server says.
    pub async fn number(&self, query: &str) -> Result<Option<i64>, Error> {
        let client = &self.session.client;
        client.batch_execute("SAVEPOINT before_query").await?;
        let read = number(client, query).await;
        let undo = "ROLLBACK TO before_query";
        match read {
            Ok(number) => client.batch_execute(undo).await.map(|()| number),
            Err(error) => {
                // The query's own error says more than one that follows from it.
                let _ = client.batch_execute(undo).await;
                Err(error)
            }
        }
    }
}

async fn number(client: &Client, query: &str) -> Result<Option<i64>, Error> {
    // The simple protocol gives text whatever the type, so that count(*), sum() and int4 all do.
    let answers = client.simple_query(query).await?;
    let number = answers.iter().find_map(|answer| match answer {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.try_get(0)),
        _ => None,
    });
    Ok(number
        .transpose()?
        .flatten()
        .and_then(|text| text.parse().ok()))
}
