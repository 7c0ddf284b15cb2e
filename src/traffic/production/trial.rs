//! Whether a script can run: prepared, and tried with values of its own in a transaction that is rolled
//! back.

use std::sync::Arc;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Statement};

use super::parameter::Text;
use crate::pgbench::{Keys, Program, Run, Script, Step};
use crate::postgres::connect::describe;

/// Times that a script is tried until it succeeds once: a value may be taken, a row not be there.
const TRIES: u64 = 3;

/// A script whose statements the server has prepared.
pub struct Trial {
    program: Arc<Program>,
    prepared: Vec<Statement>,
}

impl Trial {
    /// Prepares the statements of a script.
    ///
    /// # Errors
    /// What is wrong with it, or what the server says.
    pub async fn prepare(
        client: &Client,
        script: &Script,
        keys: &mut dyn Keys,
    ) -> Result<Self, String> {
        let program = script.bind(keys).map_err(|error| error.message)?;
        let mut prepared = Vec::new();
        for sql in program.statements() {
            let statement = client.prepare(&sql.text).await;
            prepared.push(statement.map_err(|error| describe(&error))?);
        }
        Ok(Self {
            program: Arc::new(program),
            prepared,
        })
    }

    /// Runs the script until it succeeds once. One that takes too long is no failure of its values.
    ///
    /// # Errors
    /// What the server says of the last try.
    pub async fn run(&self, client: &mut Client, keys: &dyn Keys) -> Result<(), String> {
        let mut last = Ok(());
        for serial in 0..TRIES {
            match self.once(client, keys, serial).await {
                Ok(()) => return Ok(()),
                Err(Refusal::Server(error)) if is_slow(&error) => return Ok(()),
                Err(Refusal::Server(error)) => last = Err(describe(&error)),
                Err(Refusal::Script(message)) => last = Err(message),
            }
        }
        last
    }

    async fn once(&self, client: &mut Client, keys: &dyn Keys, serial: u64) -> Result<(), Refusal> {
        let transaction = client.transaction().await?;
        // All is rolled back, so that the traffic's new values are new still.
        let mut run = Run::new(Arc::clone(&self.program), serial, serial);
        loop {
            match run
                .step(keys)
                .map_err(|error| Refusal::Script(error.message))?
            {
                Step::Sql {
                    statement,
                    parameters,
                } => {
                    if let Some(prepared) = self.prepared.get(statement) {
                        let values = parameters.iter().map(|value| Text(value.as_deref()));
                        transaction.execute_raw(prepared, values).await?;
                    }
                }
                Step::Sleep(_) | Step::Pipeline(_) => {}
                Step::Done => break,
            }
        }
        Ok(transaction.rollback().await?)
    }
}

enum Refusal {
    Server(Error),
    Script(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

fn is_slow(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(&(SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE))
    )
}
