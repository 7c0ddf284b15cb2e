//! The schema and the scenario's invariants before and after the migration.

use tokio_postgres::{Client, Config};

use super::RehearsalError;
use crate::observe::{Integrity, Invariant};
use crate::postgres::connect::connect;
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
        let value = integrity::invariant(&session.client, &planned.sql).await;
        let before = value
            .map_err(|failed| {
                error(
                    failed
                        .as_db_error()
                        .map_or_else(|| failed.to_string(), ToString::to_string),
                )
            })?
            .ok_or_else(|| error("its sql must give one whole number".into()))?;
        invariants.push(Invariant {
            name: planned.name.clone(),
            before,
            after: None,
            expect: planned.expect,
            passed: before == planned.expect,
        });
    }
    let fingerprint_before = Some(integrity::fingerprint(&session.client).await?);
    Ok(Integrity {
        fingerprint_before,
        invariants,
        ..Integrity::default()
    })
}

/// Reads it after the migration. What cannot be read (the server may be gone) stays as it was, and an
/// invariant not read has not passed.
pub(super) async fn after(plan: &Plan, config: &Config, mut state: Integrity) -> Integrity {
    let Ok(session) = connect(config, APPLICATION).await else {
        for invariant in &mut state.invariants {
            invariant.passed = false;
        }
        return state;
    };
    for (invariant, planned) in state.invariants.iter_mut().zip(&plan.invariants) {
        invariant.after = read(&session.client, &planned.sql).await;
        invariant.passed &= invariant.after == Some(planned.expect);
    }
    state.fingerprint_after = integrity::fingerprint(&session.client).await.ok();
    state.invalid_indexes = integrity::invalid_indexes(&session.client)
        .await
        .unwrap_or_default();
    state.unvalidated_constraints = integrity::unvalidated_constraints(&session.client)
        .await
        .unwrap_or_default();
    state
}

async fn read(client: &Client, sql: &str) -> Option<i64> {
    integrity::invariant(client, sql).await.ok().flatten()
}
