//! Which statements of the running release a migration breaks, and which of the next one it enables, found
//! without sending any of them.

use tokio_postgres::Config;

use super::TrafficError;
use super::mix::{Command, Mix};
use super::preflight::refused;
use super::registry::Registry;
use super::session::Session;
use super::unfilled::{Unfilled, first_unfilled, unfilled};
use super::wire::{Error, Target};
use crate::judge::{Age, BrokenStatement, Compatibility};
use crate::pgbench::Keys;
use crate::postgres::endpoint::Endpoint;
use crate::postgres::required::RequiredColumn;
use crate::scenario::plan::{Role, TrafficPlan};

/// What the check's sessions call themselves in `pg_stat_activity`.
const APPLICATION_NAME: &str = "pgrehearse check";

/// The SQLSTATE of `cached plan must not change result type`.
const FEATURE_NOT_SUPPORTED: &str = "0A000";

/// The SQLSTATE of a NULL where there may be none.
const NOT_NULL_VIOLATION: &str = "23502";

/// Every statement of the traffic, prepared before the migration on a session that stays open as an
/// application's connections do.
pub struct StatementCheck {
    mix: Mix,
    session: Session,
    too_early: Vec<BrokenStatement>,
    unfilled: Unfilled,
}

impl StatementCheck {
    /// Prepares every statement that can be prepared. One of the next release that cannot may need the
    /// migration.
    ///
    /// # Errors
    /// A script that does not fit, or a statement of the current release that the server refuses already
    /// now.
    pub async fn prepare(
        plan: &TrafficPlan,
        keys: Box<dyn Keys>,
        config: &Config,
    ) -> Result<Self, TrafficError> {
        // No random number is drawn here, so the seed does not matter.
        let mix = Mix::bind(plan, 0, keys)?;
        let mut session = open(config).await?;
        let mut too_early = Vec::new();
        for command in mix.commands().filter(can_be_prepared) {
            match session.prepare(command).await {
                Ok(()) => {}
                Err(error) if mix.roles.role(command.place.0) == Role::Next => {
                    too_early.push(describe(&mix, command, &error));
                }
                Err(error) => return Err(refused(&mix, command, &error)),
            }
        }
        Ok(Self {
            unfilled: unfilled(&mix, config, APPLICATION_NAME).await?,
            mix,
            session,
            too_early,
        })
    }

    /// The statements of the next release that the server could not prepare before the migration.
    pub fn too_early(&self) -> &[BrokenStatement] {
        &self.too_early
    }

    /// What does not run now that the migration has, and what the next release could not run before: each
    /// code on each schema, the next release's only where the traffic has some of it.
    ///
    /// The running release's connections are open and its statements prepared; the next one's connections
    /// are new.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn compatibility(self, config: &Config) -> Result<Vec<Compatibility>, TrafficError> {
        let Self {
            mix,
            mut session,
            too_early: mut new_on_old,
            unfilled: before,
        } = self;
        let now = unfilled(&mix, config, APPLICATION_NAME).await?;
        let mut fresh = open(config).await?;
        let (mut old_on_new, mut new_on_new) = (Vec::new(), Vec::new());
        for command in mix.commands().filter(can_be_prepared) {
            let kind = command.place.0;
            let current = mix.roles.role(kind) == Role::Current;
            let lacking = |one, other| {
                let column = first_unfilled(one, other, command.place)?;
                Some(without_value(&mix, command, column))
            };
            let refused = fresh.prepare(command).await.err();
            let stale = match &refused {
                None if current => stale(&mut session, command).await,
                _ => None,
            };
            let told = |error: Error| describe(&mix, command, &error);
            let usual = current.then_some(&before);
            let on_new = refused.map(told).or_else(|| lacking(&now, usual));
            if current {
                old_on_new.extend(on_new.clone().or(stale.map(told)));
            } else if !new_on_old.iter().any(|early| is_same(early, &mix, command)) {
                new_on_old.extend(lacking(&before, None));
            }
            let comes_next = mix.roles.sent(kind, Role::Next) == kind;
            new_on_new.extend(on_new.filter(|_| comes_next));
        }
        fresh.close().await;
        session.close().await;
        Ok(table(&mix, old_on_new, [new_on_old, new_on_new]))
    }
}

/// Each code on each schema. The running release runs on the old one, or there would be no check.
fn table(
    mix: &Mix,
    old_on_new: Vec<BrokenStatement>,
    [new_on_old, new_on_new]: [Vec<BrokenStatement>; 2],
) -> Vec<Compatibility> {
    let cell = |code, schema, broken| Compatibility {
        code,
        schema,
        broken,
    };
    let mut cells = vec![
        cell(Age::Old, Age::Old, Vec::new()),
        cell(Age::Old, Age::New, old_on_new),
    ];
    let mut commands = mix.commands();
    if commands.any(|command| mix.roles.role(command.place.0) == Role::Next) {
        cells.push(cell(Age::New, Age::Old, new_on_old));
        cells.push(cell(Age::New, Age::New, new_on_new));
    }
    cells
}

fn is_same(broken: &BrokenStatement, mix: &Mix, command: Command<'_>) -> bool {
    let transaction = mix.transactions.get(command.place.0);
    transaction.is_some_and(|transaction| transaction.name == broken.transaction)
        && broken.line == command.sql.line
        && broken.sql == command.sql.text
}

/// An INSERT that prepares and fails when it is sent.
fn without_value(mix: &Mix, command: Command<'_>, column: &RequiredColumn) -> BrokenStatement {
    BrokenStatement {
        sqlstate: Some(NOT_NULL_VIOLATION.to_owned()),
        message: format!(
            "null value in column \"{}\" of relation \"{}\" violates not-null constraint: it has no default, \
             and this INSERT gives it no value",
            column.name, column.relation
        ),
        ..statement(mix, command)
    }
}

fn describe(mix: &Mix, command: Command<'_>, error: &Error) -> BrokenStatement {
    BrokenStatement {
        sqlstate: error.sqlstate().map(str::to_owned),
        message: error
            .server()
            .map_or_else(|| error.to_string(), |answer| answer.message.clone()),
        ..statement(mix, command)
    }
}

/// A statement, without what is wrong with it.
fn statement(mix: &Mix, command: Command<'_>) -> BrokenStatement {
    let transaction = mix.transactions.get(command.place.0);
    BrokenStatement {
        transaction: transaction
            .map(|transaction| transaction.name.clone())
            .unwrap_or_default(),
        role: mix.roles.role(command.place.0),
        file: transaction.map(|transaction| transaction.file.clone()),
        line: command.sql.line,
        sql: command.sql.text.clone(),
        sqlstate: None,
        message: String::new(),
    }
}

fn can_be_prepared(command: &Command<'_>) -> bool {
    command.sql.can_be_prepared()
}

/// Why a statement prepared before can no longer be used: binding it makes the server plan it again,
/// and does not execute it. Anything but a changed result is left out, since the parameters bound here
/// are NULL and may be refused where real ones are not.
async fn stale(session: &mut Session, command: Command<'_>) -> Option<Error> {
    let error = session.plan(command).await.err()?;
    (error.sqlstate() == Some(FEATURE_NOT_SUPPORTED)).then_some(error)
}

/// A session of the check's own, which nobody watches.
async fn open(config: &Config) -> Result<Session, TrafficError> {
    let target = Target::new(&Endpoint::from(config), APPLICATION_NAME);
    Ok(Session::open(&target, Registry::new(0).seat()).await?)
}
