//! What a shadow is made from: a server, and what its database held once the schema was loaded.

use super::events::{Event, Observer};
use super::stop::Stop;
use super::{Options, RehearsalError};
use crate::scenario::Plan;
use crate::schema::Schema;
use crate::shadow::{Server, ServerOptions, find_pg_bin};
use crate::synth::GivenRows;

/// Sessions of the tool's own beside the application's: migration, lock sampler, integrity, and some
/// to spare for whoever looks at the shadow meanwhile.
const OWN_CONNECTIONS: u32 = 10;

/// Who is told, and who may stop it.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Consumes the events.
    pub observer: &'a dyn Observer,
    /// The wish to stop.
    pub stop: &'a Stop,
}

/// What a database held once its schema was loaded.
pub(super) struct Loaded {
    pub(super) schema: Schema,
    /// Rows that the schema's files brought.
    pub(super) given: Vec<GivenRows>,
    /// What the loading said.
    pub(super) notes: Vec<String>,
}

pub(super) fn server_options(
    plan: &Plan,
    options: &Options,
) -> Result<ServerOptions, RehearsalError> {
    let application = plan
        .application
        .instances
        .saturating_mul(plan.application.pool_size);
    Ok(ServerOptions {
        pg_bin: find_pg_bin(options.pg_bin.as_deref())?,
        settings: plan.shadow.settings.clone(),
        connections: application.saturating_add(OWN_CONNECTIONS),
        keep: options.keep,
    })
}

/// Hands the way to end the server on, unless it is to end already.
pub(super) fn tell_started(
    server: &Server,
    around: Surroundings<'_>,
) -> Result<(), RehearsalError> {
    around
        .observer
        .event(Event::ServerStarted(&server.emergency()));
    match around.stop.is_set() {
        true => Err(RehearsalError::Interrupted),
        false => Ok(()),
    }
}
