//! `pgrehearse mark`: says of an existing database that it may be destroyed.

use anyhow::anyhow;

use super::fill::read_endpoint;
use super::{Failure, exit, output};
use crate::shadow::{self, GuardError};

/// Options of `mark`.
#[derive(Debug)]
pub struct MarkOptions {
    /// The database.
    pub address: String,
    /// Its name, typed a second time.
    pub confirmed: String,
}

/// Marks it.
pub fn mark(options: &MarkOptions) -> Result<u8, Failure> {
    let endpoint = read_endpoint(&options.address)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::could_not_run)?;
    let marked = runtime.block_on(shadow::mark(&endpoint, &options.confirmed));
    let identity = marked.map_err(|error| match error {
        GuardError::NotConfirmed { .. } => Failure::usage(error),
        // Its sentence ends with the server's own already.
        other => Failure::could_not_run(anyhow!("{other}")),
    })?;
    output::print_with(|out, _| {
        writeln!(
            out,
            "{} is marked as a shadow: pgrehearse may fill it, and drop it with --replace",
            endpoint.with_database(&identity.database)
        )
    })
    .map_err(Failure::could_not_run)?;
    Ok(exit::SAFE)
}
