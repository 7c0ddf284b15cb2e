//! Which statements of the running release a migration breaks, found without sending any of them.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Error, Statement};

use super::TrafficError;
use super::error::describe;
use super::mix::{Command, Mix};
use super::parameter::Text;
use super::preflight::refused;
use crate::judge::BrokenStatement;
use crate::pgbench::Keys;
use crate::postgres::connect::{Session, connect};
use crate::scenario::plan::TrafficPlan;

/// Every statement of the traffic, prepared before the migration on a session that stays open as an
/// application's connections do.
pub struct StatementCheck {
    mix: Mix,
    session: Session,
    prepared: Vec<((usize, usize), Statement)>,
}

impl StatementCheck {
    /// Prepares every statement.
    ///
    /// # Errors
    /// A script that does not fit, or a statement that the server refuses already now.
    pub async fn prepare(
        plan: &TrafficPlan,
        keys: Box<dyn Keys>,
        config: &Config,
    ) -> Result<Self, TrafficError> {
        // No random number is drawn here, so the seed does not matter.
        let mix = Mix::bind(plan, 0, keys)?;
        let session = open(config).await?;
        let mut prepared = Vec::new();
        for command in mix.commands() {
            match session.client.prepare(&command.sql.text).await {
                Ok(statement) => prepared.push((command.place, statement)),
                Err(error) => return Err(refused(&mix, command, &error)),
            }
        }
        Ok(Self {
            mix,
            session,
            prepared,
        })
    }

    /// The statements that no longer run: those that a new connection cannot prepare, and those
    /// that an open connection has prepared and can no longer use.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn broken(mut self, config: &Config) -> Result<Vec<BrokenStatement>, TrafficError> {
        let fresh = open(config).await?;
        let mut broken = Vec::new();
        let prepared = std::mem::take(&mut self.prepared);
        for (place, statement) in prepared {
            let Some(command) = self.mix.command(place) else {
                continue;
            };
            let text = command.sql.text.clone();
            let error = match fresh.client.prepare(&text).await {
                Err(error) => Some(error),
                Ok(_) => stale(&mut self.session, &statement).await,
            };
            if let (Some(error), Some(command)) = (error, self.mix.command(place)) {
                broken.push(self.describe(command, &error));
            }
        }
        Ok(broken)
    }

    fn describe(&self, command: Command<'_>, error: &Error) -> BrokenStatement {
        let transaction = self.mix.transactions.get(command.place.0);
        BrokenStatement {
            transaction: transaction
                .map(|transaction| transaction.name.clone())
                .unwrap_or_default(),
            file: transaction.map(|transaction| transaction.file.clone()),
            line: command.sql.line,
            sql: command.sql.text.clone(),
            sqlstate: error.code().map(|code| code.code().to_owned()),
            message: error
                .as_db_error()
                .map_or_else(|| describe(error), |answer| answer.message().to_owned()),
        }
    }
}

/// Why a statement prepared before can no longer be used: binding it makes the server plan it again,
/// and does not execute it. Anything but a changed result is left out, since the parameters bound here
/// are NULL and may be refused where real ones are not.
async fn stale(session: &mut Session, statement: &Statement) -> Option<Error> {
    let nulls: Vec<Text<'_>> = statement.params().iter().map(|_| Text(None)).collect();
    let nulls: Vec<&(dyn ToSql + Sync)> = nulls
        .iter()
        .map(|null| null as &(dyn ToSql + Sync))
        .collect();
    let transaction = session.client.transaction().await.ok()?;
    let bound = transaction.bind(statement, &nulls).await.err();
    // The transaction has done nothing; a session that is lost shows with the next statement.
    let _ = transaction.rollback().await;
    bound.filter(|error| error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED))
}

async fn open(config: &Config) -> Result<Session, TrafficError> {
    connect(config, "pgrehearse check")
        .await
        .map_err(TrafficError::Connect)
}
