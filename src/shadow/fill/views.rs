//! Materialized views after a fill: of the rows that it wrote.

use tokio_postgres::{Client, Error};

use crate::postgres::views::{materialized, refresh};

/// Refreshes all materialized views, whichever way they read each other, and returns a note for each
/// that cannot be.
///
/// # Errors
/// What the server says when it is asked which there are.
pub(super) async fn refresh_all(client: &Client) -> Result<Vec<String>, Error> {
    let mut left = materialized(client).await?;
    loop {
        let (mut failed, mut notes) = (Vec::new(), Vec::new());
        for view in &left {
            if let Err(error) = refresh(client, view).await {
                let reason = error
                    .as_db_error()
                    .map_or_else(|| error.to_string(), |error| error.message().to_owned());
                notes.push(format!(
                    "materialized view {view} could not be filled: {reason}"
                ));
                failed.push(view.clone());
            }
        }
        // What failed may have read another that was not filled yet.
        if failed.len() == left.len() || client.is_closed() {
            return Ok(notes);
        }
        left = failed;
    }
}
