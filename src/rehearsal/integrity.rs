//! The schema and the scenario's invariants before and after the migration.

use tokio_postgres::{Client, Config, Error};

use super::RehearsalError;
use crate::observe::{Integrity, Invariant};
use crate::postgres::connect::{connect, describe};
use crate::postgres::integrity;
use crate::scenario::Plan;

const APPLICATION: &str = "pgrehearse integrity";

/// Reads it before the migration. An invariant that cannot be read is the scenario's error.
pub(super) async fn before(plan: &Plan, config: &Config) -> Result<Integrity, RehearsalError> {
    let session = connect(config, APPLICATION).await?;
    let mut invariants = Vec::new();
    for planned in &plan.invariants {
        let error = |message: String| RehearsalError::Invariant {
            name: planned.name.clone(),
            message,
        };
        let before = read(&session.client, &planned.sql).await.map_err(error)?;
        invariants.push(Invariant {
            name: planned.name.clone(),
            before,
            after: None,
            error: None,
            expect: planned.expect,
            passed: before == planned.expect,
        });
    }
    let fingerprint_before = Some(integrity::fingerprint(&session.client).await?);
    Ok(Integrity {
        fingerprint_before,
        invariants,
        // Until the migration has run: what is not as it should be already.
        invalid_indexes: integrity::invalid_indexes(&session.client).await?,
        unvalidated_constraints: integrity::unvalidated_constraints(&session.client).await?,
        ..Integrity::default()
    })
}

/// Reads it after the migration. What cannot be read (the server may be gone) stays as it was, and an
/// invariant not read has not passed.
pub(super) async fn after(plan: &Plan, config: &Config, mut state: Integrity) -> Integrity {
    let known = (
        std::mem::take(&mut state.invalid_indexes),
        std::mem::take(&mut state.unvalidated_constraints),
    );
    let session = match connect(config, APPLICATION).await {
        Ok(session) => session,
        Err(error) => {
            for invariant in &mut state.invariants {
                invariant.passed = false;
                invariant.error = Some(describe(&error));
            }
            return state;
        }
    };
    let client = &session.client;
    for (invariant, planned) in state.invariants.iter_mut().zip(&plan.invariants) {
        match read(client, &planned.sql).await {
            Ok(value) => invariant.after = Some(value),
            Err(error) => invariant.error = Some(error),
        }
        invariant.passed &= invariant.after == Some(planned.expect);
    }
    state.fingerprint_after = integrity::fingerprint(client).await.ok();
    state.invalid_indexes = added(integrity::invalid_indexes(client).await, &known.0);
    state.unvalidated_constraints =
        added(integrity::unvalidated_constraints(client).await, &known.1);
    state
}

/// What was not there before.
fn added(now: Result<Vec<String>, Error>, before: &[String]) -> Vec<String> {
    let mut now = now.unwrap_or_default();
    now.retain(|name| !before.contains(name));
    now
}

async fn read(client: &Client, sql: &str) -> Result<i64, String> {
    match integrity::invariant(client, sql).await {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err("its sql must give one whole number".to_owned()),
        Err(error) => Err(describe(&error)),
    }
}
